"""Dispatch of `/api/<method>`: arguments, token, scopes, switched-on failures, recorded calls."""

import asyncio
import inspect
import json
from datetime import datetime, timedelta

from aiohttp import web

from sandbox.slack.core import ApiCall, Core
from sandbox.slack.errors import Json, SlackError
from sandbox.slack.faults import Fault
from sandbox.slack.webapi import chat, conversations, files, people, views
from sandbox.slack.webapi.call import Call, Method


def _open_connection(call: Call) -> Json:
    socket = call.core.socket_mode
    if socket is None:
        raise SlackError("socket_mode_not_enabled")
    return {"ok": True, "url": socket.new_url(call.core.base_url)}


METHODS: dict[str, Method] = (
    chat.METHODS
    | views.METHODS
    | people.METHODS
    | conversations.METHODS
    | files.METHODS
    | {"apps.connections.open": Method(_open_connection, token="app")}  # noqa: S106 - a kind
)


async def _arguments(request: web.Request) -> Json:
    args: Json = dict(request.query)
    if request.content_type == "application/json":
        body = await request.text()
        try:
            decoded = json.loads(body) if body else {}
        except ValueError:
            raise SlackError("invalid_json") from None
        if not isinstance(decoded, dict):
            raise SlackError("json_not_object")
        args |= decoded
    else:
        args |= dict(await request.post())
    header = request.headers.get("Authorization", "")
    if header.startswith("Bearer "):
        args["token"] = header.removeprefix("Bearer ").strip()
    return args


def _authorize(core: Core, method: Method, token: str) -> None:
    if not token:
        raise SlackError("not_authed")
    if token not in (core.bot_token, core.app_token):
        raise SlackError("invalid_auth")
    kind = "app" if token == core.app_token else "bot"
    if refusal := core.refusals.get(kind):
        raise SlackError(refusal)
    if (token == core.app_token) != (method.token == "app"):  # noqa: S105 - a kind
        raise SlackError("not_allowed_token_type")
    granted = core.config.scopes
    if method.scopes and not granted.intersection(method.scopes):
        needed = ",".join(method.scopes)
        raise SlackError("missing_scope", needed=needed, provided=",".join(sorted(granted)))


def _permitted(core: Core, name: str, args: Json) -> Method:
    """The method that is called, if the token may; takes the token out of the arguments."""
    method = METHODS.get(name)
    if method is None:
        raise SlackError("unknown_method", req_method=name)
    _authorize(core, method, str(args.pop("token", "")))
    return method


async def _run(core: Core, name: str, args: Json) -> Json:
    method = _permitted(core, name, args)
    answer = method.handler(Call(core, args))
    return await answer if inspect.isawaitable(answer) else answer


_STRANGE = {
    "http": "text/html",
    "text": "text/plain",
    "malformed": "application/json",
    "body": "application/json",
}


def _strange(fault: Fault) -> web.Response:
    """An answer that is not Slack's, or that nobody can read."""
    text = {"malformed": '{"ok": true, "url": "ws', "body": fault.body}.get(
        fault.kind, "<html><body>Please sign in.</body></html>"
    )
    status = fault.status if fault.kind in {"http", "text"} else 200
    return web.Response(status=status, text=text, content_type=_STRANGE[fault.kind])


async def failure(request: web.Request, fault: Fault) -> web.Response:
    """The answer, or the end of the connection, that a failure stands for."""
    if fault.kind == "ratelimited":
        body = SlackError("ratelimited").body()
        headers = {"Retry-After": str(fault.retry_after)}
        return web.json_response(body, status=429, headers=headers)
    if fault.kind == "http_500":
        return web.Response(status=500, text="Internal Server Error")
    if fault.kind == "error":
        return web.json_response(SlackError(fault.error).body())
    if fault.kind in _STRANGE:
        return _strange(fault)
    if fault.kind == "hang":
        await asyncio.Event().wait()
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=500)


def _note(core: Core, name: str, args: Json, answer: Json) -> None:
    args.pop("token", None)
    core.calls.append(ApiCall(name, args, bool(answer["ok"]), str(answer.get("error", "")), answer))
    core.state.announce()


async def _late(core: Core, name: str, args: Json, due: datetime) -> Json:
    """Carry a call out later; the token counts when it came, and a refusal comes at once."""
    try:
        method = _permitted(core, name, args)
        while core.clock.now() < due:  # noqa: ASYNC110 - a clock tells nobody
            await asyncio.sleep(0.01)
        answer = method.handler(Call(core, args))
        answer = await answer if inspect.isawaitable(answer) else answer
    except SlackError as refusal:
        answer = refusal.body()
    _note(core, name, args, answer)
    return answer


async def _put_off(core: Core, request: web.Request, fault: Fault) -> web.Response:
    """A call that is carried out late: answered then, or with the fault at once."""
    name = request.match_info["method"]
    try:
        args = await _arguments(request)
    except SlackError as refusal:
        return web.json_response(refusal.body())
    due = core.clock.now() + timedelta(seconds=fault.late)
    work = asyncio.create_task(_late(core, name, args, due))
    core.late[work] = due
    core.state.announce()

    def done(work: asyncio.Task[Json]) -> None:
        del core.late[work]
        core.state.announce()

    work.add_done_callback(done)
    if fault.kind != "slow":
        return await failure(request, fault)
    return _answered(core, await asyncio.shield(work))


def _answered(core: Core, answer: Json) -> web.Response:
    headers = {"x-oauth-scopes": ",".join(sorted(core.config.scopes))}
    if core.faults.date:
        headers["Date"] = core.faults.date
    return web.json_response(answer, headers=headers)


def _one_too_many(core: Core, name: str, args: Json) -> Fault | None:
    where = str(args.get("channel", ""))
    channel = core.state.channels.get(where)
    if channel is not None and channel.is_im:  # it has two names: its own, and the person's
        where = next((one for one in channel.members if one != core.state.bot.id), where)
    wait = core.limits.retry_after(name, core.clock.now(), where)
    return None if wait is None else Fault("ratelimited", name, retry_after=wait)


async def handle(core: Core, request: web.Request) -> web.Response:
    """Answer one call."""
    name = request.match_info["method"]
    args: Json = {}
    fault = core.faults.take(name)
    if fault is not None and (fault.late or fault.kind == "slow"):
        return await _put_off(core, request, fault)
    try:
        args = await _arguments(request)
        fault = fault or _one_too_many(core, name, args)
        if fault is not None and not fault.after_effect:
            answer = SlackError(fault.error if fault.kind == "error" else fault.kind).body()
        else:
            answer = await _run(core, name, args)
    except SlackError as refusal:
        answer = refusal.body()
    _note(core, name, args, answer)
    if fault is not None:
        return await failure(request, fault)
    return _answered(core, answer)
