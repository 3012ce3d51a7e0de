"""What the core asks of the chat side, with Slack: messages that last, and who people are.

Knows nothing of how a line reached the bot (see `handlers.answer`).
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any, BinaryIO
from zoneinfo import ZoneInfo

import structlog

from bot.clock import Clock, shown
from bot.folding import sound
from bot.ids import ChannelId, Reader, UserId, is_person
from bot.messages.elsewhere import explained
from bot.model import MessageRef, Place
from bot.ports import (
    SETTLES_WITHIN,
    DeliveryFailed,
    PersonInfo,
    PutOff,
    RightsUnknown,
    Unanswered,
    UserGroup,
)
from bot.reply import Reply
from handlers.connection import SOON, SlackConnection
from handlers.lookout import Aftermath, once
from handlers.mrkdwn import cut
from handlers.pacing import LONGEST, PATIENCE, POST
from handlers.payloads import Json
from handlers.readers import Readers
from handlers.rendered import Rendered
from handlers.shapes import (
    Account,
    Described,
    Linked,
    Listed,
    OddAnswer,
    Opened,
    Page,
    Posted,
    S,
    group_in,
    shaped,
)
from handlers.showing import show
from handlers.together import Together

EVENT_TYPE = "dbc_message"
PAGE = 200  # Slack recommends no more
# A key is sought after a crash or a lost answer. As a rule the message was posted soon after it was
# due; else (Slack was away, say) it may be anywhere since. Slack allows some 50 pages a minute.
_USUALLY = timedelta(minutes=10)
_PAGES = 20
_FEW_PAGES = 5
# What Slack refuses for its content would be refused for ever, but its text is better than nothing.
_OF_CONTENT = frozenset(
    {"invalid_blocks", "invalid_blocks_format", "msg_blocks_too_long", "msg_too_long"}
)
_TEXT_ALONE = 3_000  # characters
# How far our clock may be ahead of Slack's, whose moments the messages carry.
_AHEAD = timedelta(minutes=10)

log = structlog.get_logger()


# Which of several copies stays; None: none of them.
Choosing = Callable[[Sequence[MessageRef]], MessageRef | None]


class SlackMessenger:
    """ports.Messenger. A person's id in place of a channel means the direct message with them.

    `patience`: for how long what is sent waits by itself where Slack puts it off; none for what
    is tried again by others.
    """

    def __init__(
        self, connection: SlackConnection, clock: Clock, patience: timedelta = PATIENCE
    ) -> None:
        self._connection = connection
        self._clock = clock
        self._patience = patience
        self._aftermath = Aftermath(clock)
        self._readers = Readers(connection, clock)

    @property
    def me(self) -> str:
        """The bot's user id."""
        return self._connection.identity.user

    async def post(self, place: Place, reply: Reply, key: str) -> MessageRef:
        """Post a new message that carries `key` as metadata. Raises DeliveryFailed."""
        metadata = {"event_type": EVENT_TYPE, "event_payload": {"key": key}}
        return await self.send(place, reply, metadata)

    async def send(self, place: Place, reply: Reply, metadata: Json | None = None) -> MessageRef:
        """Post a new message that nobody will look for. Raises DeliveryFailed."""
        answer = await self._shown(
            reply,
            place.channel,
            POST,
            self._patience,
            channel=place.channel,
            thread_ts=place.thread or None,
            reply_broadcast=(reply.broadcast and bool(place.thread)) or None,
            metadata=metadata,
            unfurl_links=False,
            unfurl_media=False,
        )
        try:
            posted = shaped(Posted, answer)
        except OddAnswer as odd:  # it stands there, and nobody knows where
            raise Unanswered(odd.reason, SOON, SETTLES_WITHIN) from odd
        self._meets(posted.channel, place.channel)
        return MessageRef(posted.channel, posted.ts)

    def put_off(self, where: Place | MessageRef) -> PutOff | None:
        """What a new message there, or an edit of that one, would be put off with."""
        method = "chat.update" if isinstance(where, MessageRef) else POST
        return self._connection.put_off(method, where.channel)

    async def edit(self, ref: MessageRef, reply: Reply) -> timedelta:
        """Replace a message's content; its metadata stays. Raises DeliveryFailed.

        Repeated at once where it was not answered; then the first may still come after the second.
        """
        try:
            await self._edit(ref, reply)
        except Unanswered as lost:
            try:
                await self._edit(ref, reply)
            except PutOff:
                raise lost from None
            return lost.settles_within
        return timedelta(0)

    async def _edit(self, ref: MessageRef, reply: Reply) -> None:
        await self._shown(
            reply, ref.channel, "chat.update", self._patience, channel=ref.channel, ts=ref.ts
        )

    async def link(self, ref: MessageRef) -> str:
        """The address of a posted message. Raises DeliveryFailed."""
        answer = await self._connection.read(
            "chat.getPermalink", channel=ref.channel, message_ts=ref.ts
        )
        return shaped(Linked, answer).permalink

    async def find(self, place: Place, key: str, since: datetime) -> MessageRef | None:
        """The message posted at or after `since` with `key`, if any. Raises DeliveryFailed."""
        return await self._find(place, since, lambda posted: _key_of(posted) == key)

    async def copies(self, place: Place, key: str, since: datetime) -> Sequence[MessageRef]:
        """All messages posted since then with `key`, oldest first. Raises DeliveryFailed."""
        return await self._all(place, since, lambda posted: _key_of(posted) == key)

    async def _all(
        self, place: Place, since: datetime, is_it: Callable[[Mapping[str, Any]], bool]
    ) -> Sequence[MessageRef]:
        place = Place(await self._conversation(place.channel), place.thread)
        oldest, _ = self._window(since)
        # Slack gives the newest first, and what comes late is among them.
        posted = self._posted(place, oldest, None, _FEW_PAGES)
        found = [one async for one in posted if is_it(one)]
        return [MessageRef(place.channel, ts) for ts in sorted({str(one["ts"]) for one in found})]

    def keep_one(self, place: Place, key: str, since: datetime, stays: Choosing) -> None:
        """Look on for messages with `key`, in the background, and delete all but the one."""
        self._look_on(place, since, lambda posted: _key_of(posted) == key, stays)

    def _look_on(
        self,
        place: Place,
        since: datetime,
        is_it: Callable[[Mapping[str, Any]], bool],
        stays: Choosing,
    ) -> None:
        async def tidy() -> None:
            found = await self._all(place, since, is_it)
            for copy in found:
                if copy != stays(found):
                    log.info("message.copy_deleted", channel=copy.channel, ts=copy.ts)
                    await self.delete(copy)

        self._aftermath.look_on(tidy)

    async def close(self) -> None:
        """Look on for nothing any more."""
        await self._aftermath.close()

    async def delete(self, ref: MessageRef) -> None:
        """Delete a message of ours, if it is there. Raises DeliveryFailed."""
        try:
            await self._connection.call(
                "chat.delete", self._patience, channel=ref.channel, ts=ref.ts
            )
        except DeliveryFailed as failure:
            if failure.reason != "message_not_found":
                raise

    async def _find(
        self, place: Place, since: datetime, is_it: Callable[[Mapping[str, Any]], bool]
    ) -> MessageRef | None:
        place = Place(await self._conversation(place.channel), place.thread)
        first, usual = self._window(since)
        # Slack gives the newest first: in a busy channel much has come since.
        for oldest, latest in (first, usual), (usual, None):
            async for posted in self._posted(place, oldest, latest):
                if is_it(posted):
                    return MessageRef(place.channel, str(posted.get("ts", "")))
        return None

    def _window(self, since: datetime) -> tuple[str, str]:
        """From when on it may stand there, and until when it usually does, in Slack's spelling."""
        told = sorted((since, shown(self._clock, since)))  # one is wrong where a clock was set
        first, usual = told[0] - _AHEAD, told[1] + _USUALLY
        return f"{first.timestamp():.6f}", f"{usual.timestamp():.6f}"

    async def _posted(
        self, place: Place, oldest: str, latest: str | None, pages: int = _PAGES
    ) -> AsyncIterator[Mapping[str, Any]]:
        """What was posted between two moments, as far as it is looked through."""
        method = "conversations.replies" if place.thread else "conversations.history"
        cursor: str | None = None
        for _ in range(pages):
            answer = await self._connection.read(
                method,
                self._patience,
                channel=place.channel,
                ts=place.thread or None,
                oldest=oldest,
                latest=latest,
                inclusive=True,
                include_all_metadata=True,
                limit=PAGE,
                cursor=cursor,
            )
            page = shaped(Page, answer)
            for posted in page.messages:
                yield posted
            more = page.response_metadata
            if more is None or not more.next_cursor:
                return
            cursor = more.next_cursor
        log.warning("message.not_sought_further", channel=place.channel, pages=pages)

    async def whisper(
        self,
        user: UserId,
        place: Place,
        reply: Reply,
        otherwise: Callable[[Reply], Awaitable[bool]] | None = None,
    ) -> None:
        """Say something that only `user` sees: in `place`, else in a direct message, with why.

        `otherwise` is another way to them there: False where it is none.
        """
        if place.channel.startswith(("C", "G")):
            try:
                await self._ephemeral(user, place, reply)
            except DeliveryFailed as failed:
                if failed.retry_after is not None:
                    raise
                if otherwise is not None and await otherwise(reply):
                    return
                reply = explained(reply, place, failed.reason, self.me)
            else:
                return
        if place.channel.startswith("D"):
            try:
                await self.send(place, reply)
            except DeliveryFailed as failed:
                if failed.retry_after is not None:
                    raise
            else:
                return
        await self.send(await self.direct(user), reply)

    async def direct(self, user: UserId) -> Place:
        """The direct-message conversation with `user`. Raises DeliveryFailed."""
        answer = await self._connection.call("conversations.open", self._patience, users=user)
        place = Place(shaped(Opened, answer).channel.id)
        self._meets(place.channel, user)
        return place

    async def upload(self, place: Place, name: str, content: str | BinaryIO) -> None:
        """Share a text file in `place`, which its members all see. Raises DeliveryFailed.

        Where Slack does not answer, the file is looked for by its name before it is shared again,
        and a second one of this name is deleted: no other file may have it.
        """
        channel = await self._conversation(place.channel)
        where, since = Place(channel, place.thread), self._clock.now()
        is_it = partial(self._holds, name)

        async def share() -> MessageRef:
            await self._connection.upload(channel, place.thread, name, content)
            return MessageRef(channel, "")

        async def look() -> MessageRef | None:
            return await self._find(where, since, is_it)

        def doubled() -> None:
            self._look_on(where, since, is_it, lambda found: found[0])

        await once(self._clock, share, look, doubled)

    def _holds(self, name: str, posted: Mapping[str, Any]) -> bool:
        """Whether a message of ours has a file of this name."""
        files = posted.get("files")
        if posted.get("user") != self.me or not isinstance(files, list):
            return False
        return any(isinstance(file, dict) and file.get("name") == name for file in files)

    async def _ephemeral(self, user: UserId, place: Place, reply: Reply) -> None:
        await self._shown(
            reply,
            user,
            "chat.postEphemeral",
            channel=place.channel,
            user=user,
            thread_ts=place.thread or None,
        )

    async def meet(self, reader: Reader) -> None:
        """Find out in which language somebody reads, if nothing is known of it."""
        await self._readers.meet(reader)

    async def _shown(
        self,
        reply: Reply,
        reader: Reader,
        method: str,
        patience: timedelta = PATIENCE,
        **how: object,
    ) -> Mapping[str, Any]:
        """Call a method that shows a reply, in the language of whoever reads it."""
        await self.meet(reader)

        async def send(shown: Rendered) -> Mapping[str, Any]:
            try:
                return await self._connection.call(
                    method, patience, text=shown.text, blocks=shown.blocks, **how
                )
            except DeliveryFailed as refused:
                if refused.reason not in _OF_CONTENT or shown.has_table:  # comes as lines first
                    raise
                log.warning("message.blocks_refused", method=method, reason=refused.reason)
            text = cut(shown.text, _TEXT_ALONE)
            return await self._connection.call(method, patience, text=text, blocks=[], **how)

        return await show(self._connection, reply, reader, send)

    def _meets(self, conversation: ChannelId, asked: Reader) -> None:
        languages = self._connection.languages
        if languages is not None and is_person(asked) and conversation[:1] == "D":
            languages.meets(conversation, asked)

    async def _conversation(self, channel: Reader) -> ChannelId:
        if is_person(channel):
            return (await self.direct(channel)).channel
        return ChannelId(channel)


def _key_of(posted: Mapping[str, Any]) -> str:
    metadata = posted.get("metadata")
    if not isinstance(metadata, dict) or metadata.get("event_type") != EVENT_TYPE:
        return ""
    payload = metadata.get("event_payload")
    return str(payload.get("key", "")) if isinstance(payload, dict) else ""


class SlackDirectory:
    """ports.Directory. Waits for nothing by itself: whoever asks says that Slack is waited for."""

    def __init__(self, connection: SlackConnection, clock: Clock) -> None:
        self._connection = connection
        self._person = Together(self._asked, clock)

    async def person(self, user: UserId) -> PersonInfo:
        """What Slack says of a person at this moment. Raises DeliveryFailed."""
        return await self._person(user)

    async def _asked(self, user: UserId) -> PersonInfo:
        answer = await self._ask("users.info", Described, user=user, include_locale=True)
        found = answer.user
        if found.locale and (languages := self._connection.languages) is not None:
            languages.heard(found.id, found.locale)
        shown = found.profile.display_name if found.profile is not None else ""
        return PersonInfo(
            id=found.id,
            name=sound(shown or found.real_name or found.name),
            locale=found.locale or "en-US",
            zone=_known_zone(found.tz),
            is_full_member=self._is_here(found) and not found.is_barred,
        )

    async def groups(self) -> Mapping[str, UserGroup]:
        """All user groups at this moment, also the disabled ones. Raises DeliveryFailed.

        RightsUnknown where none of them can be read.
        """
        found: dict[str, UserGroup] = {}
        cursor: str | None = None
        for _ in range(_PAGES):
            answer = await self._ask(
                "usergroups.list", Listed, include_users=True, include_disabled=True, cursor=cursor
            )
            found |= map(group_in, answer.usergroups)
            more = answer.response_metadata
            if more is None or not more.next_cursor:
                break
            cursor = more.next_cursor
        if found and not any(group.is_readable for group in found.values()):
            raise RightsUnknown("an answer without a proper user group", SOON)
        return found

    async def _ask(self, method: str, shape: type[S], **about: object) -> S:
        """The answer in its shape. Raises RightsUnknown where Slack may say later."""
        try:
            return shaped(shape, await self._connection.read(method, timedelta(), **about))
        except DeliveryFailed as failure:
            if failure.retry_after is None:
                raise
            raise RightsUnknown(failure.reason, min(failure.retry_after, LONGEST)) from failure

    def _is_here(self, found: Account) -> bool:
        identity = self._connection.identity
        beyond = found.enterprise_user
        teams = beyond.teams or () if beyond is not None else ()
        return found.team_id == identity.team or identity.team in teams


def _known_zone(name: str | None) -> str:
    """A time zone by which times can be told here; UTC for one that this machine does not know."""
    try:
        return ZoneInfo(name or "UTC").key
    except (ValueError, OSError, KeyError):
        return "UTC"
