"""What those who are told an end want to be told, and when. Whatever needs attention is told."""

from dataclasses import dataclass, replace
from datetime import datetime

from bot.ids import Reader
from bot.messages.cards import unmentioned
from bot.model import Execution, ExecutionStatus, Notify, QuietHours
from bot.reply import Reply
from storage import UnitOfWork

_NEEDS_ATTENTION = frozenset(
    {ExecutionStatus.FAILED, ExecutionStatus.UNKNOWN, ExecutionStatus.REFUSED}
)


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the requester and the channel of a change chose."""

    person: Notify
    channel: Notify
    quiet: tuple[QuietHours, ...] = ()

    def told(self, reply: Reply, *, is_news: bool, in_thread: bool) -> Reply:
        """The end as they want it: mentioning the requester, and sent to the channel, or not.

        Nobody has chosen not to be told that an end is unknown.
        """
        needs_attention = reply.end in _NEEDS_ATTENTION
        broadcast = needs_attention or (is_news and self.channel is not Notify.FAILURES)
        is_mentioned = reply.end == ExecutionStatus.UNKNOWN or (
            Notify.SILENT not in {self.person, self.channel}
            and (needs_attention or self.person is not Notify.FAILURES)
        )
        reply = reply if is_mentioned else unmentioned(reply)
        return replace(reply, broadcast=broadcast and not in_thread)

    def held_until(self, reply: Reply, now: datetime) -> datetime | None:
        """Until when the quiet hours hold it back; None for what needs attention."""
        if reply.end in _NEEDS_ATTENTION:
            return None
        over = [at for one in self.quiet if (at := one.over_at(now)) is not None]
        return max(over, default=None)


async def wishes(tx: UnitOfWork, execution: Execution) -> Wishes:
    """What is chosen now by whoever is told how a change ended."""
    person, channel = execution.actor, execution.place.channel
    chosen = await tx.readers.some(["notify", "quiet"], [person, channel])
    hours = [QuietHours.read(chosen.get(("quiet", one), "")) for one in (person, channel)]
    return Wishes(
        notify(chosen.get(("notify", person), "")),
        notify(chosen.get(("notify", channel), "")),
        tuple(one for one in hours if one is not None),
    )


async def wants_news(tx: UnitOfWork, reader: Reader) -> bool:
    """Whether a person or a channel is told what is neither an end nor asked of them."""
    chosen = await tx.readers.some(["notify"], [reader])
    return notify(chosen.get(("notify", reader), "")) in {Notify.ALL, Notify.SILENT}


def notify(text: str) -> Notify:
    """What is stored of a choice; everything, where nothing is known."""
    return Notify(text) if text in set(Notify) else Notify.ALL
