"""Gathers ends that wait for one place, where Slack takes about one message a second.

It is decided in the unit of work that claims them: from then on one message tells them, once, like
any other; what is newly said of one of them is said there. Where Slack refuses that one for good,
each is told by itself again.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bot.clock import Clock
from bot.ids import new_id
from bot.messages.cards import DIGESTS, ENDS, execution_of
from bot.messages.ends_together import End, told_again, told_together
from bot.messages.wishes import wants_less
from bot.model import ExecutionStatus, Message, Place, QuietHours
from bot.ports import RATE_LIMITED
from bot.reply import dump
from storage import Store, UnitOfWork

_TOGETHER = "ends:"
_DIGEST = f"{_TOGETHER}digest:"
# Fewer are told one by one.
_FEWEST = 4
# Nothing, or only that Slack takes no more for now.
_PROBLEMS = ("", RATE_LIMITED)


def tells_several(message: Message) -> bool:
    """Whether it tells the ends of several changes."""
    return message.key.startswith(_TOGETHER)


async def gathered(tx: UnitOfWork, claimed: Sequence[Message], now: datetime) -> list[Message]:
    """Those of the claimed messages that are delivered by themselves.

    The ends among them, and those that wait for the same place, are put into other messages where
    there are many.
    """
    claimed = await _told_anew(tx, claimed, now)
    by_place: dict[tuple[Place, str], list[Message]] = defaultdict(list)
    for message in claimed:
        if _is_single(message):
            kind = DIGESTS if message.key.startswith(DIGESTS) else ENDS
            by_place[message.place, kind].append(message)
    joined: set[str] = set()
    for (place, kind), mine in by_place.items():
        waiting = [*mine, *await tx.messages.untold(place, kind, _PROBLEMS, now)]
        rule = _EACH if kind == DIGESTS else None
        if len(waiting) < 2 and rule is None:
            continue
        rule = rule or await _rule(tx, place, waiting)
        if len(waiting) >= rule.fewest:
            joined |= await _join(tx, place, waiting, now, rule)
    return [message for message in claimed if message.id not in joined]


async def part_given_up(store: Store, clock: Clock) -> None:
    """Let each end be told by itself that a replica of an older version gave up with others."""
    async with store.read() as tx:
        if not await tx.messages.unparted(_TOGETHER):
            return
    async with store.write() as tx:
        for key, reason in await tx.messages.unparted(_TOGETHER):
            await tx.messages.part(key, clock.now(), reason)


def _is_digest(key: str) -> bool:
    return key.startswith(_DIGEST)


def in_order(messages: Sequence[Message]) -> list[Message]:
    """As they were put; but what Slack puts off waits for the ends of several, told at once."""
    return sorted(messages, key=lambda one: one.problem == RATE_LIMITED and not tells_several(one))


async def _told_anew(
    tx: UnitOfWork, claimed: Sequence[Message], now: datetime
) -> Sequence[Message]:
    """Those without the ends that another message tells, which says what is new of them."""
    for key in {message.told_in for message in claimed if message.is_told_elsewhere}:
        joint = await tx.messages.find(key)
        ends = await _ends_in(tx, key, claimed)
        if joint is None or not ends:
            continue
        told = await tx.messages.put(
            key, joint.place, dump(told_again(ends, daily=_is_digest(key))), now
        )
        await tx.messages.join([end.message for end in ends], key)
        joined = {end.message.id for end in ends}
        claimed = [message for message in claimed if message.id not in joined]
        if any(message.id == told.id for message in claimed):
            await tx.messages.claimed_newer(told)
            claimed = [
                replace(message, content=told.content, version=told.version)
                if message.id == told.id
                else message
                for message in claimed
            ]
    return claimed


async def _ends_in(tx: UnitOfWork, key: str, claimed: Sequence[Message]) -> list[End]:
    """What a message is to tell from now on: nothing where it has to stay as it is.

    What can no longer be told with others leaves it, and is delivered by itself.
    """
    members = await tx.messages.told_in(key)
    made = await _ends_of(tx, members)
    delivered = {message.id for message in claimed}
    left = {member.id for member in members} - {end.message.id for end in made}
    return made if left <= delivered else []


def _is_single(message: Message) -> bool:
    """Whether it is an end that surely nobody was told yet."""
    return (
        message.key.startswith((ENDS, DIGESTS))
        and message.ref is None
        and message.attempts == 1
        and not message.told_in
        and message.unsettled_until is None
        and message.problem in _PROBLEMS
    )


@dataclass(frozen=True, slots=True)
class _Rule:
    """How many of one place are told together, whether good ends are, and in a digest."""

    fewest: int
    has_good: bool
    is_daily: bool = False


_EACH = _Rule(1, has_good=True, is_daily=True)


async def _rule(tx: UnitOfWork, place: Place, messages: Sequence[Message]) -> _Rule:
    """What was held back by the quiet hours of the place is told together from two on.

    What a person's hours held back belongs in threads, and in a channel that wants only failures
    good ends do, too.
    """
    chosen = await tx.readers.some(["notify", "quiet"], [place.channel])
    hours = QuietHours.read(chosen.get(("quiet", place.channel), ""))
    was_held = hours is not None and any(_ended(hours, message) for message in messages)
    less = wants_less(chosen.get(("notify", place.channel), ""))
    return _Rule(2 if was_held else _FEWEST, has_good=bool(place.thread) or not less)


def _ended(hours: QuietHours, message: Message) -> bool:
    """Whether it was these that held it back."""
    until = message.held_until
    return until is not None and hours.over_at(until - timedelta(seconds=1)) == until


async def _join(
    tx: UnitOfWork, place: Place, messages: Sequence[Message], now: datetime, rule: _Rule
) -> set[str]:
    ends = await _ends_of(tx, messages)
    if not rule.has_good:
        ends = [end for end in ends if end.status is not ExecutionStatus.DONE]
    if len(ends) < rule.fewest:
        return set()
    for reply, some in told_together(ends, daily=rule.is_daily):
        key = f"{_DIGEST if rule.is_daily else _TOGETHER}{new_id()}"
        await tx.messages.put(key, place, dump(reply), now)
        await tx.messages.join([end.message for end in some], key)
    return {end.message.id for end in ends}


async def _ends_of(tx: UnitOfWork, messages: Sequence[Message]) -> list[End]:
    """Those that can be told with others."""
    known = await tx.executions.some([execution_of(message.key) for message in messages])
    made = [End.of(message, known.get(execution_of(message.key))) for message in messages]
    return [end for end in made if end is not None]
