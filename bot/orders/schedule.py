"""When to warn of what, counted in blocks. Pure; the words are in `bot.orders.words`.

All moments are early rather than late: blocks are never faster than 6 s, so what is computed from
them comes later, if at all (docs/orders.md).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bot.chain.heads import SLOT
from bot.model import OrderPhase, RentalOrder

MINUTE, HOUR, DAY = 10, 600, 14_400  # blocks
CONFIRM_WITHIN = 150  # blocks; the last one still takes the confirmation
KEPT = 72 * HOUR  # so long after an order's end its node keeps the machines
LOOP = 15 * MINUTE  # how often a node looks which machines to switch off or to delete
MISSING_FOR = 5 * MINUTE  # so long the chain has to be without an order before that is believed
_FINAL = 5  # blocks after which a block is final, as a rule
_EARLY = 5 * MINUTE  # a look comes a little after its moment, and a busy bot is late
_LATER = MINUTE  # by less than that no moment is told anew


@dataclass(frozen=True, slots=True)
class Stage:
    """A warning: `left` blocks before what it warns of. `is_last`: nobody may miss it."""

    name: str
    left: int
    is_last: bool = False


LAST_OF_END = "end:15m"
_CONFIRM = (
    Stage("confirm", CONFIRM_WITHIN, is_last=True),
    Stage("confirm:10", 10 * MINUTE, is_last=True),
    Stage("confirm:5", 5 * MINUTE, is_last=True),
    Stage("confirm:2", 2 * MINUTE, is_last=True),
    Stage("confirm:0", 0, is_last=True),  # its time is over, and nobody knows what came of it
)
_END = (
    Stage("end:72", 72 * HOUR),
    Stage("end:24", 24 * HOUR),
    Stage("end:6", 6 * HOUR, is_last=True),
    Stage("end:1", HOUR, is_last=True),
    Stage(LAST_OF_END, 15 * MINUTE, is_last=True),
)
_DELETION = (
    Stage("deletion:24", 24 * HOUR, is_last=True),
    Stage("deletion:6", 6 * HOUR, is_last=True),
)
_STAGES = {
    OrderPhase.WAITING: _CONFIRM,
    OrderPhase.RENTING: _END,
    OrderPhase.ENDED: _DELETION,
}
# What is noted once the moment has passed of which warnings are, and nobody could read that.
PASSED = frozenset({"confirm:0", "end:0"})
# Where the chain is not read, what comes after that moment is counted from it as well.
_UNREAD = {
    OrderPhase.WAITING: _CONFIRM,
    OrderPhase.RENTING: (
        *_END,
        Stage("end:0", 0, is_last=True),
        *(replace(one, left=one.left - KEPT) for one in _DELETION),
    ),
    OrderPhase.ENDED: _DELETION,
}
_NAMES = {stage.name: stage for some in (*_UNREAD.values(), _DELETION) for stage in some}


def stage_named(name: str) -> Stage | None:
    """The warning of that name, if there is one."""
    return _NAMES.get(name)


def newest_end(order: RentalOrder) -> int:
    """Its end by the newest block that was read, final or not."""
    return max(order.ends, order.newest_ends)


def by_newest(order: RentalOrder) -> RentalOrder:
    """The order as the newest block has it, where that has it confirmed or renewed already."""
    if order.newest_ends <= order.ends and order.phase is not OrderPhase.WAITING:
        return order
    if not order.newest_ends:
        return order
    return moved_on(order, replace(order, phase=OrderPhase.RENTING, ends=order.newest_ends))


def moved_on(before: RentalOrder, order: RentalOrder) -> RentalOrder:
    """The order as it is now; where its phase or end is another, without what people said before.

    Whoever confirms it has not said to renew it, nor whoever renewed it to do so once more.
    """
    if (order.phase, order.ends) == (before.phase, before.ends):
        return order
    return replace(order, renewer="", renewer_since=None, snoozed=False)


def goal_of(order: RentalOrder) -> int:
    """The block that its warnings are about: to confirm, to end, to delete."""
    if order.phase is OrderPhase.WAITING:
        return order.began + CONFIRM_WITHIN
    return order.ends + (KEPT if order.phase is OrderPhase.ENDED else 0)


def awaits_news(order: RentalOrder) -> bool:
    """Whether the chain may have something new of it: of one that has ended it tells nothing."""
    return order.phase in {OrderPhase.WAITING, OrderPhase.RENTING}


def is_near(order: RentalOrder, head: int) -> bool:
    """Whether it may be confirmed or renewed at any moment, or has to be by now."""
    is_soon = order.phase is OrderPhase.RENTING and order.ends - head <= HOUR
    return is_soon or order.phase is OrderPhase.WAITING


def is_too_late(order: RentalOrder) -> bool:
    """Whether the block was read after which its node deletes its machines: no copy can be sure."""
    if order.phase is OrderPhase.ENDED:
        return order.seen_block >= goal_of(order)
    return order.phase is OrderPhase.GONE


def is_left_by_lapse(order: RentalOrder, head: int) -> bool:
    """Whether machines that were made before it lapsed may be there: their node goes by its end."""
    return order.phase is OrderPhase.LAPSED and head < order.ends + KEPT


def can_be_rescued(order: RentalOrder, head: int) -> bool:
    """Whether there may be machines of it to copy from, once block `head` is made."""
    if order.phase is OrderPhase.LAPSED:
        return is_left_by_lapse(order, head)
    return order.phase in {OrderPhase.RENTING, OrderPhase.ENDED} and not is_too_late(order)


def stages_of(order: RentalOrder) -> tuple[Stage, ...]:
    """The warnings of its phase, the least urgent first."""
    return _STAGES.get(order.phase, ())


def reached(order: RentalOrder, head: int, goal: int | None = None) -> Stage | None:
    """The most urgent warning whose moment has come; None before the first one."""
    return _last(stages_of(order), (goal_of(order) if goal is None else goal) - head)


def reached_unread(order: RentalOrder, head: int, goal: int) -> Stage | None:
    """The same where the chain is not read: also what comes after `goal`."""
    return _last(_UNREAD.get(order.phase, ()), goal - head)


def _last(stages: Sequence[Stage], left: int) -> Stage | None:
    found = [stage for stage in stages if left <= stage.left + _early(stage)]
    return found[-1] if found else None


def is_news(order: RentalOrder, stage: Stage) -> bool:
    """Whether a warning is more urgent than what was told of this phase."""
    names = [one.name for one in _UNREAD.get(order.phase, ())]
    return order.told not in names or names.index(order.told) < names.index(stage.name)


def is_told_too_early(order: RentalOrder, head: int) -> bool:
    """Whether more is left of an order than what was told of it says: the chain has stood still."""
    told = next((one for one in _UNREAD.get(order.phase, ()) if one.name == order.told), None)
    left = goal_of(order) - head
    if told is None or left <= _LATER:
        return False
    if told.left <= 0:  # that its moment had come
        return True
    slack = _LATER if order.phase is OrderPhase.WAITING else 10 * MINUTE
    return left > told.left + _early(told) + slack


def head_at(order: RentalOrder, now: datetime) -> int:
    """The highest block that there can be by now, from what was read of the chain last."""
    return order.seen_block + max(timedelta(), now - order.seen_at) // SLOT


def moment(order: RentalOrder, block: int, head: int) -> datetime:
    """When a block of an order's chain is made at the earliest, while `head` is the newest one.

    It is counted from the block that was read last, not from now: so it is the same until the next
    look. Hours before, in steps of five minutes and rather early: what is told of one block a
    minute later, by what was read since, has the same moment.
    """
    if order.phase is OrderPhase.ENDED and block == goal_of(order):
        return deleted_at(order)
    at = order.seen_at + (block - order.seen_block) * SLOT
    return at if block - head <= HOUR else _cut(at)


def deleted_at(order: RentalOrder) -> datetime:
    """When the machines of an order that has ended are deleted at the earliest.

    No look moves it: it is counted from the block at which the end was seen, where that was noted,
    and cut to five minutes.
    """
    block, at = _end_seen(order)
    return _cut(at + (order.ends + KEPT - block) * SLOT)


def ended_by(order: RentalOrder) -> datetime | None:
    """When an order had ended at the latest; None of one that has not, as far as was read."""
    if order.phase not in {OrderPhase.ENDED, OrderPhase.GONE}:
        return None
    block, at = _end_seen(order)
    return at - (block - order.ends) * SLOT


def nothing_made_after(order: RentalOrder) -> datetime | None:
    """After which moment no machine was surely made of it; None while that may still be done."""
    if order.phase in {OrderPhase.LAPSED, OrderPhase.VANISHED}:
        return order.seen_at
    return ended_by(order)


def _end_seen(order: RentalOrder) -> tuple[int, datetime]:
    """The first block that was read after its end, and that block's time; else the last one."""
    if order.first_block >= order.ends:
        return order.first_block, order.first_at
    return order.seen_block, order.seen_at


def _cut(at: datetime) -> datetime:
    return at.replace(minute=at.minute // 5 * 5, second=0, microsecond=0)


def next_look(order: RentalOrder, head: int, now: datetime) -> datetime:
    """When to look at it again: before the next warning can be due, and every ten minutes."""
    soonest = timedelta(seconds=12)
    if order.phase is OrderPhase.WAITING or order.missing_since is not None:
        return now + soonest
    goal = goal_of(order)
    coming = [goal - stage.left - _early(stage) for stage in stages_of(order)]
    coming += [goal - HOUR, goal, goal + _FINAL, goal + LOOP + 1, order.ends + LOOP + 1]
    ahead = [block - head for block in coming if block > head]
    wait = min(ahead, default=0) * SLOT
    # Near its end it may be renewed at any moment: then nobody is told to do so again.
    is_soon = is_near(order, head) and head < goal
    return now + min(max(wait, soonest), timedelta(minutes=1 if is_soon else 9))


def _early(stage: Stage) -> int:
    return 0 if 0 <= stage.left <= CONFIRM_WITHIN else _EARLY
