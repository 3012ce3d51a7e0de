"""What people do with words: messages, slash commands, opening the Home tab."""

import re
import uuid
from collections.abc import Sequence

from sandbox.slack.composer import compose, rich_text
from sandbox.slack.conversations import Channel, File, Message
from sandbox.slack.core import Core
from sandbox.slack.delivery import Ack
from sandbox.slack.errors import CannotDo, Json, SlackError
from sandbox.slack.events import home_event, message_event, user_event
from sandbox.slack.members import Member
from sandbox.slack.response_urls import respond

NO_COMMAND = (
    "{name} is not a valid command. In Slack, all messages that start with "
    'the "/" character are interpreted as commands.'
)
COMMAND_FAILED = '{name} failed with the error "{error}"'


def allowed(member: Member) -> None:
    """Refuse what a deactivated member or a bot tries to do by hand."""
    if member.deleted or member.is_bot:
        raise CannotDo("{name} cannot sign in.", name=member.name)


def channel_of(core: Core, member: Member, where: str) -> Channel:
    """A channel the member is in, by id or name; `@name` is the direct message with that member."""
    if where.startswith("@"):
        return core.state.dm(member.id, core.state.member(where).id)
    try:
        channel = core.state.channel(where)
    except SlackError:
        raise CannotDo("There is no channel {name}.", name=where) from None
    if member.id not in channel.members:
        raise CannotDo("{name} is not in #{channel}.", name=member.name, channel=channel.name)
    return channel


async def type_line(
    core: Core,
    member: Member,
    where: str,
    line: str,
    thread_ts: str | None = None,
    subtype: str = "",
    table: Sequence[Sequence[str]] = (),
) -> Message | Ack:
    """Type a line and press Enter: a slash command is sent to the app, anything else is posted.

    `subtype` is Slack's: `file_share` (with a file), `me_message` (by /me), `thread_broadcast`
    (also to the channel).
    """
    allowed(member)
    channel = channel_of(core, member, where)
    if line.startswith("/"):
        return await command(core, member, channel, line, thread_ts)
    return post(core, member, channel, line, thread_ts, subtype, table)


def post(
    core: Core,
    member: Member,
    channel: Channel,
    line: str,
    thread_ts: str | None = None,
    subtype: str = "",
    table: Sequence[Sequence[str]] = (),
) -> Message:
    """Post a message as a person; `table` are the cells of a table that they pasted into it."""
    if channel.is_archived:
        raise CannotDo("#{channel} is archived.", channel=channel.name)
    if core.state.bot.id in channel.members and channel.is_im and not core.config.messages_tab:
        raise CannotDo("Sending messages to this app has been turned off.")
    if thread_ts is not None and thread_ts not in channel.messages:
        raise CannotDo("There is no such thread.")
    text = compose(core.state, line)
    message = core.state.add_message(
        channel,
        member.id,
        text,
        blocks=rich_text(text, lambda: core.state.new_id("b")),
        thread_ts=thread_ts,
        client_msg_id=str(uuid.uuid4()),
        subtype=subtype,
        broadcast=subtype == "thread_broadcast",
        attachments=[_pasted(table)] if table else [],
        files=[_note(core)] if subtype == "file_share" else [],
    )
    message_event(core, channel, message)
    return message


def _pasted(table: Sequence[Sequence[str]]) -> Json:
    """What the composer makes of a table: an attachment, of which nothing is in the text."""
    rows = [[{"type": "raw_text", "text": cell} for cell in row] for row in table]
    blocks = [{"type": "table", "rows": rows}]
    return {"id": 1, "blocks": blocks, "fallback": "[no preview available]"}


def _note(core: Core) -> File:
    """A small text file, as people attach one to what they write."""
    content = b"a note"
    file_id = core.state.new_id("F")
    return File(file_id, "note.txt", len(content), "", content=content, shared=True)


async def command(
    core: Core, member: Member, channel: Channel, line: str, thread_ts: str | None = None
) -> Message | Ack:
    """Run a slash command; what goes wrong is told in Slack's words. `/invite` is Slack's own."""
    name, _, rest = line.partition(" ")
    if name == "/invite":
        return invite(core, member, channel, rest)
    if thread_ts is not None:
        raise CannotDo("{name} is not supported in threads. Sorry!", name=name)
    if name not in core.config.commands or "commands" not in core.config.scopes:
        raise CannotDo(NO_COMMAND, name=name)
    token = core.state.new_response_url(member.id, channel.id)
    payload = _command_payload(core, member, channel, name, rest.strip(), token)
    ack = await core.dispatcher.dispatch("slash_commands", payload)
    if not ack.ok:
        reason = "operation_timeout" if ack.status == "http_timeout" else "dispatch_failed"
        core.state.notify(member.id, channel.id, COMMAND_FAILED, name=name, error=reason)
    elif ack.body:
        body = {"text": ack.body} if isinstance(ack.body, str) else ack.body
        try:
            respond(core, core.state.response_urls[token], body)
        except SlackError as refusal:
            core.state.notify(member.id, channel.id, COMMAND_FAILED, name=name, error=refusal.error)
    return ack


def invite(core: Core, member: Member, channel: Channel, whom: str) -> Message:
    """Let somebody into the channel: `@name`, or a mention as the page shows it."""
    named = re.fullmatch(r"(?:<@(\w+)(?:\|[^>]*)?>|@?([\w.-]+))", whom.strip())
    if channel.is_im:
        raise CannotDo("/invite works in channels only.")
    if channel.is_archived:
        raise CannotDo("#{channel} is archived.", channel=channel.name)
    try:
        found = core.state.member(named[1] or f"@{named[2].lower()}") if named else None
    except SlackError:
        found = None
    if found is None or found.deleted:
        raise CannotDo("There is nobody called “{name}” to invite.", name=whom.strip())
    if found.id in channel.members:
        raise CannotDo("{name} is in #{channel} already.", name=found.name, channel=channel.name)
    channel.members.append(found.id)
    text = f"<@{found.id}> was added to <#{channel.id}|{channel.name}> by <@{member.id}>."
    joined = core.state.add_message(channel, found.id, text, subtype="channel_join")
    message_event(core, channel, joined)
    return joined


def _command_payload(
    core: Core, member: Member, channel: Channel, name: str, text: str, token: str
) -> Json:
    state = core.state
    return {
        "token": core.verification_token,
        "team_id": state.team_id,
        "team_domain": state.team_domain,
        "channel_id": channel.id,
        "channel_name": _channel_name(channel),
        "user_id": member.id,
        "user_name": member.name,
        "command": name,
        "text": compose(state, text, command=True) if core.config.should_escape else text,
        "api_app_id": state.app_id,
        "is_enterprise_install": "false",
        "response_url": f"{core.base_url}response/{token}",
        "trigger_id": state.new_trigger(member.id),
    }


def _channel_name(channel: Channel) -> str:
    names = {"im": "directmessage", "private": "privategroup"}
    return names.get(channel.kind, channel.name)


def read(core: Core, member: Member, where: str) -> None:
    """Read a channel: nothing in it is new any more."""
    channel = channel_of(core, member, where)
    latest = max(channel.messages, default="")
    if channel.last_read.get(member.id) != latest:
        channel.last_read[member.id] = latest
        core.state.announce()


def speak(core: Core, member: Member, locale: str) -> None:
    """Set Slack to another language, such as zh-CN."""
    member.locale = locale
    user_event(core, member)
    core.state.announce()


def open_home(core: Core, member: Member) -> None:
    """Open the app's Home tab."""
    allowed(member)
    home_event(core, member.id)
