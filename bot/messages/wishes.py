"""What those who are told an end want to be told, and when. Whatever was not done is told."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from bot.ids import Reader
from bot.messages.cards import DIGESTS, ENDS, execution_of, unmentioned
from bot.model import (
    USUAL_HOUR,
    DigestHour,
    Execution,
    ExecutionStatus,
    Notify,
    Place,
    QuietHours,
)
from bot.reply import Reply
from storage import UnitOfWork

# What its requester withdrew or cancelled has no end that is told.
_NOT_DONE = frozenset(one for one in ExecutionStatus if one.is_end) - {ExecutionStatus.DONE}
# What these choose to be told of a good end is in its thread, or comes later.
_LESS = frozenset({Notify.FAILURES, Notify.DIGEST})
# What these choose includes what is no end: nodes that stop responding, and the like.
WITH_NEWS = frozenset({Notify.ALL, Notify.SILENT, Notify.DIGEST})
_FOR_ALL = frozenset({ExecutionStatus.FAILED, ExecutionStatus.UNKNOWN, ExecutionStatus.REFUSED})


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the requester and the channel of a change chose."""

    person: Notify
    channel: Notify
    quiet: QuietHours | None = None  # of the requester
    channel_quiet: QuietHours | None = None
    digests: Mapping[Place, DigestHour] = field(default_factory=dict)  # of those who want one

    def told(self, reply: Reply, *, is_news: bool, in_thread: bool) -> Reply:
        """The end as they want it: mentioning the requester, and sent to the channel, or not.

        Nobody has chosen not to be told that an end is unknown.
        """
        was_not_done = reply.end in _NOT_DONE
        is_wanted = was_not_done or self.channel not in _LESS
        broadcast = reply.end in _FOR_ALL or (is_news and is_wanted)
        is_mentioned = reply.end == ExecutionStatus.UNKNOWN or (
            Notify.SILENT not in {self.person, self.channel}
            and (was_not_done or self.person not in _LESS)
        )
        reply = reply if is_mentioned else unmentioned(reply)
        return replace(reply, broadcast=broadcast and not in_thread)

    def held_until(self, reply: Reply, now: datetime, *, is_channel: bool) -> datetime | None:
        """Until when it is held back in a place; None for what was not done.

        A person's quiet hours hold back nothing in a channel, where others read it.
        """
        hours = self.channel_quiet if is_channel else self.quiet
        return None if reply.end in _NOT_DONE or hours is None else hours.over_at(now)

    def called_at(self, reply: Reply, now: datetime) -> datetime | None:
        """When the requester's quiet hours are over, where they would be mentioned in them."""
        if reply.quiet or reply.end in _NOT_DONE or self.quiet is None:
            return None
        return self.quiet.over_at(now)


async def wishes(tx: UnitOfWork, execution: Execution) -> Wishes:
    """What is chosen now by whoever is told how a change ended."""
    person, channel = execution.actor, execution.place.channel
    chosen = await tx.readers.some(["notify", "quiet", "digest"], [person, channel])
    own = notify(chosen.get(("notify", person), ""))
    # Where the requester reads alone, every message notifies: it is theirs to say which are sent.
    is_channel = execution.place.is_channel
    return Wishes(
        own,
        notify(chosen.get(("notify", channel), "")) if is_channel else own,
        QuietHours.read(chosen.get(("quiet", person), "")),
        QuietHours.read(chosen.get(("quiet", channel), "")),
        {
            place: hour_of(chosen.get(("digest", place.channel), ""))
            for place in {Place.direct(person), Place(channel)}
            if notify(chosen.get(("notify", place.channel), "")) is Notify.DIGEST
        },
    )


async def wants_news(tx: UnitOfWork, reader: Reader) -> bool:
    """Whether a person or a channel is told what is neither an end nor asked of them."""
    return await notify_of(tx, reader) in WITH_NEWS


async def gets_all(tx: UnitOfWork, reader: Reader) -> bool:
    """Whether a person or a channel has chosen nothing, so that to be told ends alone is less."""
    return await notify_of(tx, reader) is Notify.ALL


async def notify_of(tx: UnitOfWork, reader: Reader) -> Notify:
    """What a person or a channel has chosen to be told."""
    chosen = await tx.readers.some(["notify"], [reader])
    return notify(chosen.get(("notify", reader), ""))


async def quiet_until(tx: UnitOfWork, reader: Reader, now: datetime) -> datetime | None:
    """When the quiet hours of a person or a channel are over; None outside of them."""
    chosen = await tx.readers.some(["quiet"], [reader])
    hours = QuietHours.read(chosen.get(("quiet", reader), ""))
    return None if hours is None else hours.over_at(now)


async def hold_anew(tx: UnitOfWork, owner: Reader, now: datetime) -> None:
    """Let what quiet hours hold back for a person or a channel wait for those chosen now."""
    held = [one for one in await tx.messages.held() if not one.key.startswith(DIGESTS)]
    known = await tx.executions.some([execution_of(one.key) for one in held])
    for message in held:
        execution = known.get(execution_of(message.key))
        readers: set[Reader] = {message.place.channel}
        if execution is not None and message.key.startswith(ENDS):
            readers.add(execution.actor)
        if owner in readers:
            if message.place.is_channel:
                readers = {message.place.channel}
            over = [await quiet_until(tx, one, now) for one in readers]
            until = max((at for at in over if at is not None), default=now)
            await tx.messages.hold([message.id], until)


def wants_less(text: str) -> bool:
    """Whether what is stored of a choice leaves good ends in their threads, however many."""
    return notify(text) in _LESS


def hour_of(text: str) -> DigestHour:
    """What is stored of the hour of a digest; the usual one, where nothing is known."""
    return DigestHour.read(text) or DigestHour(USUAL_HOUR, "UTC")


def notify(text: str) -> Notify:
    """What is stored of a choice; everything, where nothing is known."""
    return Notify(text) if text in set(Notify) else Notify.ALL
