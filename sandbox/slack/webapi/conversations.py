"""conversations.* and reactions.*: channels, their members and their history."""

from sandbox.slack.conversations import Channel, Message
from sandbox.slack.errors import Json, SlackError
from sandbox.slack.webapi.call import Call, Method, page

_READ = {"channel": "channels:read", "private": "groups:read", "im": "im:read"}
_HISTORY = {"channel": "channels:history", "private": "groups:history", "im": "im:history"}


def _need_scope(call: Call, scopes: dict[str, str], channel: Channel) -> None:
    needed = scopes[channel.kind]
    granted = call.core.config.scopes
    if needed not in granted:
        raise SlackError("missing_scope", needed=needed, provided=",".join(sorted(granted)))


def _readable(call: Call) -> Channel:
    channel = call.channel()
    _need_scope(call, _HISTORY, channel)
    if call.core.state.bot.id not in channel.members:
        raise SlackError("not_in_channel")
    return channel


def info(call: Call) -> Json:
    """conversations.info."""
    channel = call.channel()
    _need_scope(call, _READ, channel)
    body = channel.body(call.core.state.bot.id, 1)
    if not call.flag("include_num_members"):
        body.pop("num_members", None)
    return {"ok": True, "channel": body}


def members(call: Call) -> Json:
    """conversations.members."""
    channel = call.channel()
    _need_scope(call, _READ, channel)
    return page(call, list(channel.members), "members")  # type: ignore[arg-type]


def open_dm(call: Call) -> Json:
    """conversations.open: the direct message with one person."""
    core = call.core
    if call.text("channel"):
        return {"ok": True, "channel": {"id": call.channel().id}}
    users = [user for user in call.text("users").replace(" ", "").split(",") if user]
    if not users:
        raise SlackError("users_list_not_supplied")
    if len(users) > 1:
        raise SlackError("missing_scope", needed="mpim:write", provided="")
    member = core.state.members.get(users[0])
    if member is None:
        raise SlackError("user_not_found")
    if member.deleted:
        raise SlackError("user_disabled")
    if member.is_bot:
        raise SlackError("cannot_dm_bot")
    dm = core.state.dm(member.id, core.state.bot.id)
    channel: Json = {"id": dm.id}
    if call.flag("return_im"):
        channel = dm.body(core.state.bot.id, 1)
    return {"ok": True, "no_op": True, "already_open": True, "channel": channel}


def join(call: Call) -> Json:
    """conversations.join: a public channel."""
    core = call.core
    channel = call.channel()
    if channel.kind != "channel":
        raise SlackError("method_not_supported_for_channel_type")
    if channel.is_archived:
        raise SlackError("is_archived")
    if core.state.bot.id not in channel.members:
        channel.members.append(core.state.bot.id)
        core.state.announce()
    return {"ok": True, "channel": channel.body(core.state.bot.id, 1)}


def _window(call: Call, messages: list[Message]) -> list[Message]:
    oldest, latest = call.text("oldest") or "0", call.text("latest") or "9999999999"
    inclusive = call.flag("inclusive")
    return [
        message
        for message in messages
        if float(oldest) < float(message.ts) < float(latest)
        or (inclusive and message.ts in (oldest, latest))
    ]


def _bodies(call: Call, messages: list[Message]) -> list[Json]:
    with_metadata = call.flag("include_all_metadata")
    bodies = []
    for message in messages:
        body = call.core.message_payload(message, with_metadata=with_metadata)
        if message.tombstone:
            body |= {"subtype": "tombstone", "hidden": True, "user": "USLACKBOT"}
        bodies.append(body)
    return bodies


def history(call: Call) -> Json:
    """conversations.history: newest first; replies only where they were broadcast."""
    channel = _readable(call)
    shown = [
        message
        for message in channel.messages.values()
        if message.only_for is None and (not message.in_thread or message.broadcast)
    ]
    shown.sort(key=lambda message: message.ts, reverse=True)
    return page(call, _bodies(call, _window(call, shown)), "messages")


def replies(call: Call) -> Json:
    """conversations.replies: the parent first, then its replies, oldest first; of a reply itself
    nothing but that (bolt-python#783).
    """
    channel = _readable(call)
    parent = channel.messages.get(call.need("ts"))
    if parent is None or parent.only_for is not None:
        raise SlackError("thread_not_found")
    if parent.in_thread:
        return page(call, _bodies(call, [parent]), "messages")
    thread = [parent, *_window(call, channel.replies(parent.ts))]
    return page(call, _bodies(call, thread), "messages")


def react(call: Call) -> Json:
    """reactions.add."""
    channel = call.channel()
    message = channel.messages.get(call.need("timestamp"))
    if message is None or message.only_for is not None:
        raise SlackError("message_not_found")
    users = message.reactions.setdefault(call.need("name").strip(":"), [])
    if call.core.state.bot.id in users:
        raise SlackError("already_reacted")
    users.append(call.core.state.bot.id)
    call.core.state.announce()
    return {"ok": True}


_ANY_READ = tuple(_READ.values())
_ANY_HISTORY = tuple(_HISTORY.values())
METHODS = {
    "conversations.info": Method(info, _ANY_READ),
    "conversations.members": Method(members, _ANY_READ),
    "conversations.open": Method(open_dm, ("im:write",)),
    "conversations.join": Method(join, ("channels:join",)),
    "conversations.history": Method(history, _ANY_HISTORY),
    "conversations.replies": Method(replies, _ANY_HISTORY),
    "reactions.add": Method(react, ("reactions:write",)),
}
