"""What an app says through a response_url, or in the acknowledgement of a command."""

from datetime import timedelta

from aiohttp import web

from sandbox.slack.core import Core
from sandbox.slack.errors import Json, SlackError
from sandbox.slack.events import message_event
from sandbox.slack.state import ResponseUrl
from sandbox.slack.webapi.call import Call
from sandbox.slack.webapi.content import Content, read_content
from sandbox.slack.webapi.router import failure

MOST_USES = 5
LIFE = timedelta(minutes=30)


def respond(core: Core, url: ResponseUrl, body: Json) -> None:
    """Show the response where the person was; SlackError if it is not sound."""
    if body.get("delete_original"):
        _delete_original(core, url)
        return
    content = read_content(Call(core, body))
    if body.get("replace_original") and url.message_ts is not None:
        _replace_original(core, url, content)
        return
    response_type = body.get("response_type", "ephemeral")
    if response_type not in ("ephemeral", "in_channel"):
        raise SlackError("invalid_response_type")
    channel = core.state.channels[url.channel]
    text = content.text or ""
    said: Json = {
        "blocks": content.blocks or [],
        "attachments": content.attachments or [],
        "thread_ts": body.get("thread_ts"),
    }
    if response_type == "ephemeral":
        core.state.add_ephemeral(channel, url.user, text, **said)
        return
    bot = core.state.bot
    message = core.state.add_message(channel, bot.id, text, bot=True, bot_id=bot.bot_id, **said)
    message_event(core, channel, message)


def _delete_original(core: Core, url: ResponseUrl) -> None:
    messages = core.state.channels[url.channel].messages
    if url.message_ts not in messages:
        raise SlackError("message_not_found")
    del messages[url.message_ts]
    core.state.announce()


def _replace_original(core: Core, url: ResponseUrl, content: Content) -> None:
    message = core.state.channels[url.channel].messages.get(url.message_ts or "")
    if message is None:
        raise SlackError("message_not_found")
    message.text = content.text or ""
    message.blocks = content.blocks or []
    message.attachments = content.attachments or []
    if message.only_for is None:
        message.edited_ts = core.state.new_ts()
    core.state.announce()


async def handle(core: Core, request: web.Request) -> web.Response:
    """The endpoint: five uses within thirty minutes, then `used_url` or `expired_url`.

    What is refused counts as a use, since Slack does not say that it does not.

    Of the failures those for `response_url` are met here.
    """
    fault = core.faults.take("response_url", by_name=True)
    if fault is None:
        return await _used(core, request)
    if fault.after_effect:
        await _used(core, request)
    return await failure(request, fault)


async def _used(core: Core, request: web.Request) -> web.Response:
    url = core.state.response_urls.get(request.match_info["token"])
    if url is None:
        return web.json_response(SlackError("no_service").body(), status=404)
    if core.clock.now() - url.made > LIFE:
        return web.json_response(SlackError("expired_url").body(), status=404)
    if url.uses >= MOST_USES:
        return web.json_response(SlackError("used_url").body(), status=404)
    url.uses += 1
    try:
        body = await request.json()
        respond(core, url, body)
    except ValueError:
        return web.json_response(SlackError("invalid_payload").body(), status=400)
    except SlackError as refusal:
        return web.json_response(refusal.body(), status=400)
    return web.Response(text="ok")
