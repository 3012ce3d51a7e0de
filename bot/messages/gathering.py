"""Gathers ends that wait for one place, where Slack takes about one message a second.

It is decided in the unit of work that claims them: from then on one message tells them, once, like
any other. Where Slack refuses that one for good, each is told by itself again.
"""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime

from bot.clock import Clock
from bot.ids import new_id
from bot.messages.cards import ENDS, execution_of
from bot.messages.ends_together import End, told_together
from bot.model import Message, Place
from bot.ports import RATE_LIMITED
from bot.reply import dump
from storage import Store, UnitOfWork

_TOGETHER = "ends:"
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
    by_place: dict[Place, list[Message]] = defaultdict(list)
    for message in claimed:
        if _is_single(message):
            by_place[message.place].append(message)
    joined: set[str] = set()
    for place, mine in by_place.items():
        others = await tx.messages.untold(place, ENDS, _PROBLEMS)
        if len(mine) + len(others) >= _FEWEST:
            joined |= await _join(tx, place, [*mine, *others], now)
    return [message for message in claimed if message.id not in joined]


async def part_given_up(store: Store, clock: Clock) -> None:
    """Let each end be told by itself that a replica of an older version gave up with others."""
    async with store.read() as tx:
        if not await tx.messages.unparted(_TOGETHER):
            return
    async with store.write() as tx:
        for key, reason in await tx.messages.unparted(_TOGETHER):
            await tx.messages.part(key, clock.now(), reason)


def in_order(messages: Sequence[Message]) -> list[Message]:
    """As they were put; but what Slack puts off waits for the ends of several, told at once."""
    return sorted(messages, key=lambda one: one.problem == RATE_LIMITED and not tells_several(one))


def _is_single(message: Message) -> bool:
    """Whether it is an end that surely nobody was told yet."""
    return (
        message.key.startswith(ENDS)
        and message.ref is None
        and message.attempts == 1
        and not message.told_in
        and message.unsettled_until is None
        and message.problem in _PROBLEMS
    )


async def _join(
    tx: UnitOfWork, place: Place, messages: Sequence[Message], now: datetime
) -> set[str]:
    known = await tx.executions.some([execution_of(message.key) for message in messages])
    made = [End.of(message, known.get(execution_of(message.key))) for message in messages]
    ends = [end for end in made if end is not None]
    if len(ends) < _FEWEST:
        return set()
    for reply, some in told_together(ends):
        key = f"{_TOGETHER}{new_id()}"
        await tx.messages.put(key, place, dump(reply), now)
        await tx.messages.join([end.message for end in some], key)
    return {end.message.id for end in ends}
