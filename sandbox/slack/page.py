"""The endpoints of the browser page: who can be acted as, their screens, what they do."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path

from aiohttp import WSMsgType, web

from sandbox.slack import interactions, people_acts
from sandbox.slack.conversations import Channel, Message
from sandbox.slack.core import Core
from sandbox.slack.delivery import Ack
from sandbox.slack.errors import CannotDo, Json, SlackError
from sandbox.slack.members import Member
from sandbox.slack.reading import pings
from sandbox.slack.views import View

STATIC = Path(__file__).parent.parent / "page"
# The page redraws at most this often (seconds).
COALESCE = 0.03
TIPS: list[Json] = [
    {"text": "See every machine at once", "line": "/dbc vm list"},
    {"text": "Create a machine from a form", "line": "/dbc vm create"},
    {"text": "What else there is", "line": "/dbc help"},
]


def people(core: Core) -> Json:
    """Who can be acted as, and what to try."""
    members = [m for m in core.state.members.values() if not m.is_bot and not m.deleted]
    bot = core.state.bot
    return {
        "people": [
            {"id": m.id, "name": m.name, "real_name": m.real_name, "title": m.title}
            for m in members
        ],
        "bot": {"id": bot.id, "name": bot.name},
        "tips": TIPS,
        "shortcuts": [
            {"type": kind, "callback_id": one, "name": name}
            for kind, one, name in core.config.named
        ],
    }


def screen(core: Core, me: Member) -> Json:
    """All that this member sees."""
    state = core.state
    home = state.homes.get(me.id)
    return {
        "me": me.id,
        "locale": me.locale,
        "members": [
            {
                "id": m.id,
                "name": m.name,
                "real_name": m.real_name,
                "is_bot": m.is_bot,
                "color": m.color,
            }
            for m in state.members.values()
        ],
        "channels": [
            _channel(core, me, channel)
            for channel in state.channels.values()
            if me.id in channel.members
        ],
        "views": [_view(view) for view in state.stacks.get(me.id, [])],
        "home": {"view_id": home.id, "blocks": home.blocks} if home else None,
        "notices": [
            {
                "id": n.id,
                "channel": n.channel,
                "ts": n.ts,
                "text": n.text,
                "words": {"template": n.template, "given": n.given},
            }
            for n in state.notices.get(me.id, [])
        ],
    }


def _channel(core: Core, me: Member, channel: Channel) -> Json:
    seen = [m for m in channel.messages.values() if m.only_for in (None, me.id)]
    last_read = channel.last_read.get(me.id, "")
    unread = [m for m in seen if m.ts > last_read and m.user != me.id]
    mine = {me.id, "channel", "here", "everyone"}
    loud = [m for m in unread if channel.is_im or mine.intersection(pings(m))]
    name = channel.name
    if channel.is_im:
        other = next((m for m in channel.members if m != me.id), me.id)
        name = core.state.members[other].name
    return {
        "id": channel.id,
        "name": name,
        "kind": channel.kind,
        "topic": channel.topic,
        "unread": len(unread),
        "mentions": len(loud),
        "messages": [_message(core, channel, m) for m in sorted(seen, key=lambda m: m.ts)],
    }


def _message(core: Core, channel: Channel, message: Message) -> Json:
    body: Json = {
        "ts": message.ts,
        "user": message.user,
        "bot": message.bot,
        "text": message.text,
        # The page reads a person's text itself, so that *bold* and `code` look as they should.
        "blocks": message.blocks if message.bot else [],
    }
    if message.attachments:
        body["attachments"] = message.attachments
    if message.thread_ts:
        body["thread_ts"] = message.thread_ts
    if replies := channel.replies(message.ts):
        body["reply_count"] = len(replies)
    flags = {
        "broadcast": message.broadcast,
        "edited": message.edited_ts is not None,
        "ephemeral": message.only_for is not None,
    }
    body |= {name: True for name, on in flags.items() if on}
    if message.files:
        body["files"] = [
            {
                "name": f.title or f.name,
                "size": f.length,
                "url": f.body(core.base_url, message.user)["url_private"],
            }
            for f in message.files
        ]
    if message.reactions:
        body["reactions"] = [{"name": n, "users": u} for n, u in message.reactions.items()]
    if message.metadata:
        body["metadata"] = message.metadata
    return body


def _view(view: View) -> Json:
    body: Json = {
        "id": view.id,
        "type": "modal",
        "callback_id": view.body.get("callback_id", ""),
        "title": view.body["title"],
        "blocks": view.blocks,
        "values": view.values,
        "errors": view.errors,
        "trouble": view.trouble,
        "busy": view.busy,
    }
    return body | {key: view.body[key] for key in ("submit", "close") if view.body.get(key)}


async def act(core: Core, request: Json) -> Json:
    """Do what the page asks; a refusal is a sentence."""
    try:
        member = core.state.members[request["as"]]
        answer = await _ACTS[request["kind"]](core, member, request)
    except CannotDo as refusal:
        words = {"template": refusal.template, "given": refusal.given}
        return {"ok": False, "error": str(refusal), "words": words}
    except SlackError as refusal:
        return {"ok": False, "error": refusal.error}
    except (KeyError, TypeError) as missing:
        return {"ok": False, "error": f"The request lacks {missing}."}
    return {"ok": True} | answer


async def _post(core: Core, member: Member, request: Json) -> Json:
    thread_ts = request.get("thread_ts")
    posted = await people_acts.type_line(
        core, member, request["channel"], request["text"], thread_ts
    )
    return {"acknowledged": posted.ok} if isinstance(posted, Ack) else {"ts": posted.ts}


async def _press(core: Core, member: Member, request: Json) -> Json:
    surface = interactions.surface_of(core, member, request)
    ids = request["block_id"], request["action_id"]
    interactions.hold(core, member, surface, request.get("values", {}))
    await interactions.press(core, member, surface, *ids, request.get("state"))
    return {}


async def _submit(core: Core, member: Member, request: Json) -> Json:
    values = request.get("values", {})
    await interactions.submit(core, member, request["view_id"], values)
    return {}


async def _close(core: Core, member: Member, request: Json) -> Json:
    await interactions.close(core, member, request["view_id"])
    return {}


async def _suggest(core: Core, member: Member, request: Json) -> Json:
    surface = interactions.surface_of(core, member, request)
    ids = request["block_id"], request["action_id"]
    return await interactions.suggest(core, member, surface, *ids, request.get("query", ""))


async def _home(core: Core, member: Member, _request: Json) -> Json:
    people_acts.open_home(core, member)
    return {}


async def _speak(core: Core, member: Member, request: Json) -> Json:
    people_acts.speak(core, member, request["locale"])
    return {}


async def _read(core: Core, member: Member, request: Json) -> Json:
    people_acts.read(core, member, request["channel"])
    return {}


async def _shortcut(core: Core, member: Member, request: Json) -> Json:
    if "ts" not in request:
        await interactions.global_shortcut(core, member, request["callback_id"])
        return {}
    surface = interactions.surface_of(core, member, request)
    await interactions.shortcut(core, member, surface, request["callback_id"])
    return {}


_ACTS: dict[str, Callable[[Core, Member, Json], Awaitable[Json]]] = {
    "post": _post,
    "press": _press,
    "submit": _submit,
    "close": _close,
    "suggest": _suggest,
    "home": _home,
    "read": _read,
    "speak": _speak,
    "shortcut": _shortcut,
}


async def _stream(core: Core, me: Member, ws: web.WebSocketResponse) -> None:
    before = ""
    while True:
        news = core.state.news
        now = json.dumps(screen(core, me), ensure_ascii=False)
        if now != before:
            await ws.send_str(now)
            before = now
        await asyncio.sleep(COALESCE)
        await news.wait()


def add_page(app: web.Application, core: Core) -> None:
    """Serve the page and its endpoints."""

    async def get_people(_request: web.Request) -> web.Response:
        return web.json_response(people(core))

    async def post_act(request: web.Request) -> web.Response:
        return web.json_response(await act(core, await request.json()))

    async def socket(request: web.Request) -> web.WebSocketResponse:
        me = core.state.members.get(request.query.get("as", ""))
        if me is None:
            raise web.HTTPNotFound(text="no such member")
        ws = web.WebSocketResponse(heartbeat=20)
        await ws.prepare(request)
        stream = asyncio.ensure_future(_stream(core, me, ws))
        try:
            async for message in ws:
                if message.type == WSMsgType.ERROR:
                    break
        finally:
            stream.cancel()
            await asyncio.gather(stream, return_exceptions=True)
        return ws

    async def index(_request: web.Request) -> web.FileResponse:
        return web.FileResponse(STATIC / "index.html")

    app.router.add_get("/page/people", get_people)
    app.router.add_post("/page/act", post_act)
    app.router.add_get("/page/socket", socket)
    app.router.add_get("/", index)
    app.router.add_static("/", STATIC)
