"""The control API: what tests do in process, over HTTP, for a bot that runs as a child process."""

from collections.abc import Awaitable, Callable
from dataclasses import asdict
from datetime import timedelta

from aiohttp import web

from sandbox.slack.errors import Json
from sandbox.slack.workspace import Workspace

Control = Callable[[Workspace, Json], Awaitable[Json]]


async def _faults(ws: Workspace, body: Json) -> Json:
    """Add one failure (fields of Fault), or `{"clear": true}`."""
    if body.get("clear"):
        ws.faults.clear()
    else:
        ws.faults.add(**body)
    return {"pending": [asdict(fault) for fault in ws.faults.pending]}


async def _calls(ws: Workspace, body: Json) -> Json:
    """The recorded calls, of one method if named."""
    method = body.get("method")
    return {"calls": [asdict(c) for c in ws.calls if method in (None, c.method)]}


async def _deliveries(ws: Workspace, _body: Json) -> Json:
    """Everything sent to the app, with its acknowledgements."""
    return {
        "deliveries": [
            {
                "kind": d.kind,
                "type": d.type,
                "envelope_id": d.envelope_id,
                "payload": d.payload,
                "acks": [asdict(ack) for ack in d.acks],
            }
            for d in ws.deliveries
        ]
    }


async def _twice(ws: Workspace, body: Json) -> Json:
    """Send the next `count` deliveries twice."""
    ws.deliver_twice(int(body.get("count", 1)))
    return {}


async def _again(ws: Workspace, body: Json) -> Json:
    """Send the last delivery (of `type`) once more."""
    return {"ack": asdict(await ws.deliver_again(body.get("type")))}


async def _socket_faults(ws: Workspace, body: Json) -> Json:
    """Add one failure of handshakes (fields of SocketFault), or `{"clear": true}`."""
    if body.get("clear"):
        ws.sockets.faults.clear()
    else:
        ws.sockets.faults.add(**body)
    return {"pending": [asdict(fault) for fault in ws.sockets.faults.pending]}


async def _disconnect(ws: Workspace, body: Json) -> Json:
    """Ask every connection to reconnect (`reason`), break them (`drop`), or `freeze` them."""
    if body.get("drop"):
        ws.sockets.drop()
    elif body.get("freeze"):
        ws.sockets.freeze()
    else:
        await ws.sockets.disconnect(body.get("reason", "refresh_requested"))
    return {}


async def _mode(ws: Workspace, body: Json) -> Json:
    """`{"request_url": …}` for HTTP, `{}` for Socket Mode."""
    if url := body.get("request_url"):
        return {"verified": await ws.use_http(url)}
    await ws.use_socket_mode()
    return {}


async def _clock(ws: Workspace, body: Json) -> Json:
    """Wind the clock by `seconds`."""
    ws.wind(timedelta(seconds=float(body.get("seconds", 0))))
    return {"now": ws.clock.now().isoformat()}


async def _token(ws: Workspace, body: Json) -> Json:
    """Revoke the tokens (or that of one `kind`, with an `error`), or allow them again."""
    kinds = [body["kind"]] if "kind" in body else ["bot", "app"]
    if body.get("revoked", True):
        ws.revoke(*kinds, error=body.get("error", "account_inactive"))
    else:
        ws.restore(*kinds)
    return {"refusals": ws.core.refusals}


async def _scopes(ws: Workspace, body: Json) -> Json:
    """Take scopes of the bot token away (`take`), or give them (`give`)."""
    ws.take_scopes(*body.get("take", ()))
    ws.give_scopes(*body.get("give", ()))
    return {"scopes": sorted(ws.core.config.scopes)}


async def _limits(ws: Workspace, body: Json) -> Json:
    """Keep the rate limits of all methods (`strict`), or those of tier 2 alone."""
    ws.limits.strict = bool(body.get("strict", True))
    return {"strict": ws.limits.strict}


async def _blocks(ws: Workspace, body: Json) -> Json:
    """Refuse blocks of these types (`refused`), as a workspace that has them not yet; none: all."""
    ws.core.refused_blocks = set(body.get("refused", ()))
    return {"refused": sorted(ws.core.refused_blocks)}


async def _member(ws: Workspace, body: Json) -> Json:
    """Change an account by its `name`: `deleted` (deactivated), `is_restricted` (a guest).

    Or whether they have Slack open nowhere (`away`).
    """
    person = ws.member(body["name"])
    member = person.member
    for trait in ("deleted", "is_restricted"):
        if trait in body:
            setattr(member, trait, bool(body[trait]))
    if "away" in body:
        (person.leaves if body["away"] else person.comes_back)()
    return {"name": member.name, "deleted": member.deleted, "is_restricted": member.is_restricted}


async def _usergroup(ws: Workspace, body: Json) -> Json:
    """Let the user group called `handle` have these `members`, by name, be `disabled` or `odd`."""
    groups = {group.handle: group for group in ws.core.state.usergroups.values()}
    group = groups[body["handle"]]
    if "members" in body:
        group.users = [ws.core.state.member(name).id for name in body["members"]]
    if "disabled" in body:
        group.disabled = bool(body["disabled"])
    if "odd" in body:
        group.is_odd = bool(body["odd"])
    return {"id": group.id, "users": group.users}


async def _ack_seconds(ws: Workspace, body: Json) -> Json:
    """Change how long Slack waits for an acknowledgement (`seconds`)."""
    ws.core.dispatcher.ack_seconds = float(body["seconds"])
    return {}


async def _status(ws: Workspace, _body: Json) -> Json:
    """Whether the app is connected, and its configuration."""
    return {
        "connected": ws.connected,
        "idle": ws.core.dispatcher.idle,
        "api_url": ws.api_url,
        "bot_token": ws.bot_token,
        "app_token": ws.app_token,
        "signing_secret": ws.signing_secret,
    }


_CONTROLS: dict[str, Control] = {
    "blocks": _blocks,
    "faults": _faults,
    "calls": _calls,
    "deliveries": _deliveries,
    "deliver_twice": _twice,
    "deliver_again": _again,
    "socket_faults": _socket_faults,
    "disconnect": _disconnect,
    "mode": _mode,
    "clock": _clock,
    "token": _token,
    "scopes": _scopes,
    "limits": _limits,
    "member": _member,
    "usergroup": _usergroup,
    "ack_seconds": _ack_seconds,
    "status": _status,
}


def add_control(ws: Workspace) -> None:
    """Let a workspace that is not started yet serve `POST /control/<what>` with a JSON body."""

    def endpoint(control: Control) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def handle(request: web.Request) -> web.Response:
            text = await request.text()
            body = await request.json() if text else {}
            try:
                return web.json_response({"ok": True} | await control(ws, body))
            except (KeyError, TypeError, ValueError, LookupError, RuntimeError) as problem:
                return web.json_response({"ok": False, "error": str(problem)}, status=400)

        return handle

    for name, control in _CONTROLS.items():
        ws.app.router.add_post(f"/control/{name}", endpoint(control))
