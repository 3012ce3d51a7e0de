"""chat.*: messages of the bot."""

from sandbox.slack.conversations import Channel, Message
from sandbox.slack.errors import Json, SlackError
from sandbox.slack.events import change_event, message_event
from sandbox.slack.webapi.call import Call, Method
from sandbox.slack.webapi.content import read_content


def _destination(call: Call) -> Channel:
    """Where to post: a channel the bot is in, or the direct message with a person."""
    core = call.core
    where = call.text("channel")
    if where in core.state.members:
        member = core.state.members[where]
        if member.is_bot or member.deleted:
            raise SlackError("cannot_dm_bot" if member.is_bot else "user_not_found")
        _need_messages_tab(call)
        return core.state.dm(where, core.state.bot.id)
    channel = call.channel()
    if channel.is_im:
        _need_messages_tab(call)
    if channel.is_archived:
        raise SlackError("is_archived")
    is_member = core.state.bot.id in channel.members
    if not is_member and "chat:write.public" not in core.config.scopes:
        raise SlackError("not_in_channel")
    return channel


def _need_messages_tab(call: Call) -> None:
    if not call.core.config.messages_tab:
        raise SlackError("messages_tab_disabled")


def _thread(call: Call, channel: Channel) -> str | None:
    thread_ts = call.text("thread_ts")
    if not thread_ts:
        return None
    parent = channel.messages.get(thread_ts)
    if parent is None or parent.only_for is not None:
        raise SlackError("thread_not_found")
    # Slack puts a reply to a reply into the thread of its parent.
    return parent.thread_ts if parent.in_thread else thread_ts


def post_message(call: Call) -> Json:
    """chat.postMessage. Only a reply can be sent to the channel as well."""
    channel = _destination(call)
    content = read_content(call)
    core = call.core
    if call.flag("reply_broadcast") and not call.text("thread_ts"):
        raise SlackError("invalid_arguments")
    message = core.state.add_message(
        channel,
        core.state.bot.id,
        content.text or "",
        blocks=content.blocks or [],
        attachments=content.attachments or [],
        metadata=content.metadata,
        thread_ts=_thread(call, channel),
        broadcast=call.flag("reply_broadcast"),
        bot=True,
        bot_id=core.state.bot.bot_id,
    )
    message_event(core, channel, message)
    return {
        "ok": True,
        "channel": channel.id,
        "ts": message.ts,
        "message": core.message_payload(message),
    }


def post_ephemeral(call: Call) -> Json:
    """chat.postEphemeral."""
    core = call.core
    channel = call.channel()
    if channel.is_archived:
        raise SlackError("is_archived")
    if core.state.bot.id not in channel.members:
        raise SlackError("not_in_channel")
    reader = core.state.members.get(call.need("user"))
    if reader is None:
        raise SlackError("user_not_found")
    if reader.id not in channel.members:
        raise SlackError("user_not_in_channel")
    content = read_content(call)
    ts = core.state.add_ephemeral(
        channel,
        reader.id,
        content.text or "",
        blocks=content.blocks or [],
        attachments=content.attachments or [],
        thread_ts=_thread(call, channel),
    )
    return {"ok": True, "message_ts": ts}


def _own_message(call: Call, error: str) -> tuple[Channel, Message]:
    channel = call.channel()
    message = channel.messages.get(call.need("ts"))
    if message is None or message.only_for is not None or message.tombstone:
        raise SlackError("message_not_found")
    if message.user != call.core.state.bot.id:
        raise SlackError(error)
    if channel.is_archived:
        raise SlackError("is_archived")
    return channel, message


def update(call: Call) -> Json:
    """chat.update. What is not mentioned of blocks, attachments and metadata stays.

    A reply can be sent to the channel now; one that was stays there.
    """
    channel, message = _own_message(call, "cant_update_message")
    if call.flag("reply_broadcast") and not message.in_thread:
        raise SlackError("cant_broadcast_message")
    content = read_content(call)
    core = call.core
    previous = core.message_payload(message, with_metadata=False)
    if content.text is not None:
        message.text = content.text
    if content.blocks is not None:
        message.blocks = content.blocks
    if content.attachments is not None:
        message.attachments = content.attachments
    if content.metadata is not None:
        message.metadata = content.metadata
    message.broadcast |= call.flag("reply_broadcast")
    message.edited_ts = core.state.new_ts()
    core.state.announce()
    change_event(core, channel, previous, message)
    return {
        "ok": True,
        "channel": channel.id,
        "ts": message.ts,
        "text": message.text,
        "message": core.message_payload(message),
    }


def delete(call: Call) -> Json:
    """chat.delete. A parent with replies leaves a tombstone."""
    channel, message = _own_message(call, "cant_delete_message")
    previous = call.core.message_payload(message, with_metadata=False)
    if channel.replies(message.ts):
        message.tombstone = True
        message.text, message.blocks = "This message was deleted.", []
        message.attachments, message.files, message.metadata = [], [], None
    else:
        del channel.messages[message.ts]
    call.core.state.announce()
    change_event(call.core, channel, previous, None)
    return {"ok": True, "channel": channel.id, "ts": message.ts}


def get_permalink(call: Call) -> Json:
    """chat.getPermalink."""
    channel = call.channel()
    message = channel.messages.get(call.need("message_ts"))
    if message is None or message.only_for is not None:
        raise SlackError("message_not_found")
    core = call.core
    link = f"{core.base_url}archives/{channel.id}/p{message.ts.replace('.', '')}"
    if message.in_thread:
        link += f"?thread_ts={message.thread_ts}&cid={channel.id}"
    return {"ok": True, "channel": channel.id, "permalink": link}


METHODS = {
    "chat.postMessage": Method(post_message, ("chat:write",)),
    "chat.postEphemeral": Method(post_ephemeral, ("chat:write",)),
    "chat.update": Method(update, ("chat:write",)),
    "chat.delete": Method(delete, ("chat:write",)),
    "chat.getPermalink": Method(get_permalink),
}
