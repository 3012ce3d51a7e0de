"""What a look at the chain means for an order: pure, from what was known and what is read.

What cannot be taken back is told from final blocks alone. A warning is held back where the newest
block makes it needless, since that is most likely to stay.
"""

from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum

from bot.chain.heads import DEEP, Block, most_by
from bot.chain.models import OrderOnChain
from bot.model import OrderPhase, RentalOrder
from bot.orders.facts import pace
from bot.orders.schedule import (
    DAY,
    HOUR,
    KEPT,
    LAST_OF_END,
    LOOP,
    MINUTE,
    MISSING_FOR,
    PASSED,
    Stage,
    by_newest,
    goal_of,
    is_news,
    is_told_too_early,
    is_too_late,
    moved_on,
    newest_end,
    reached,
    reached_unread,
)

_STOOD_STILL = timedelta(minutes=30)  # so much later a moment comes that is told anew
_SLOWEST = timedelta(seconds=6.2)  # a block; a pace beyond that has a halt in it


class Event(StrEnum):
    """What is told of an order beside its warnings.

    That its end has `MOVED` to an earlier block, as when a fork undoes a renewal, is said by the
    next warning and by what was told before; so is that it comes `LATER`, since the chain has stood
    still, and that its moment has passed `UNSEEN`, while the chain could not be read.
    """

    CONFIRMED = "confirmed"
    LAPSED = "lapsed"
    VANISHED = "vanished"
    RENEWED = "renewed"
    ENDED = "ended"
    GONE = "gone"
    RETURNED = "returned"
    MOVED = "moved"
    LATER = "later"
    UNSEEN = "unseen"


@dataclass(frozen=True, slots=True)
class Looked:
    """The order as it is known now, and what to tell: an event, a warning, or nothing.

    `is_near`: the next final blocks will tell more. `is_again`: the warning was given before, and
    what it says of the chain is not so any more.
    """

    order: RentalOrder
    event: Event | None = None
    stage: Stage | None = None
    is_near: bool = False
    is_again: bool = False


@dataclass(frozen=True, slots=True)
class Read:
    """What the chain said: the order at the final and at the newest block, and those blocks.

    `head` is the block of the present moment, which no node may have told yet.
    """

    final: OrderOnChain | None
    best: OrderOnChain | None
    final_block: Block
    best_block: Block
    head: int
    chain: str = ""


def goes_on(order: RentalOrder, chain: str, newest: Block) -> bool:
    """Whether a newest block can be one of the network on which an order was read before."""
    if order.chain not in {"", chain}:
        return False
    known = Block(order.seen_block, "", order.seen_at)
    return known.number - DEEP <= newest.number <= most_by(known, newest.at)


def is_same(order: RentalOrder, told: OrderOnChain) -> bool:
    """Whether it is that order: after a fork, its number may be another one's."""
    there = (told.machine_id, told.renter)
    is_began = order.is_of_node or told.rent_start == order.began
    return is_began and there == (order.node, order.renter)


def looked(order: RentalOrder, read: Read) -> Looked:
    """What a look means. Its block has to go on from what was read before (`goes_on`)."""
    found = _looked(order, read)
    ahead = _ahead(found.order, read.best)
    return replace(found, order=replace(moved_on(order, found.order), newest_ends=ahead))


def _ahead(order: RentalOrder, best: OrderOnChain | None) -> int:
    """The end that the newest block gives it, where it is confirmed or renewed there alone."""
    if best is None or best.is_waiting or not is_same(order, best):
        return 0
    is_ahead = order.phase is OrderPhase.WAITING or best.rent_end > order.ends
    return best.rent_end if is_ahead and not order.phase.is_over else 0


def _looked(order: RentalOrder, read: Read) -> Looked:
    block = read.best_block
    if read.final is not None and not is_same(order, read.final):
        return Looked(replace(order, phase=OrderPhase.VANISHED), Event.VANISHED)
    if read.best is not None and not is_same(order, read.best):
        read = replace(read, best=None)
    seen = replace(
        order,
        seen_block=block.number,
        seen_at=block.at,
        missing_since=None,
        chain=read.chain or order.chain,
    )
    if read.final is None and read.best is None and _should_be(order, read.final_block.number):
        return _missing(order, read)
    slow = min(pace(order), _SLOWEST)
    stood = block.at - order.seen_at - (block.number - order.seen_block) * slow
    if order.phase is OrderPhase.WAITING:
        return _waiting(seen, read)
    if order.phase is OrderPhase.RENTING:
        return _renting(seen, read, has_stood=stood >= _STOOD_STILL)
    if read.final is not None and read.final.rent_end > read.final_block.number:
        return Looked(_rented(seen, read.final, read), Event.RENEWED)  # it had not ended after all
    return ended(seen, read)


def _should_be(order: RentalOrder, block: int) -> bool:
    """Whether the chain has an order at a block as far as is known of it."""
    if order.phase is OrderPhase.WAITING:
        # It may have been confirmed since it was there last, unless that was just before.
        last = goal_of(order)
        lapses = order.seen_block >= last - MINUTE and order.missing_since is None
        return order.began <= block < (last if lapses else order.ends)
    # A block older than the one at which it was seen first may not have it yet.
    return order.phase is OrderPhase.RENTING and order.first_block <= block < order.ends


def _missing(order: RentalOrder, read: Read) -> Looked:
    """One that is gone before its time: a node that lost it for a moment is no reason to say so."""
    block = read.final_block.number
    since = block if order.missing_since is None else order.missing_since
    if block - since < MISSING_FOR:
        return unread(replace(order, missing_since=since), read.head)
    gone = replace(order, missing_since=None)
    if order.phase is OrderPhase.WAITING and block >= goal_of(order):
        return Looked(replace(gone, phase=OrderPhase.LAPSED), Event.LAPSED)
    return Looked(replace(gone, phase=OrderPhase.VANISHED), Event.VANISHED)


def ended(order: RentalOrder, read: Read) -> Looked:
    """One whose end has passed: nothing of it is on the chain any more."""
    if read.final_block.number > order.ends + KEPT + LOOP:
        return Looked(replace(order, phase=OrderPhase.GONE, told=""), Event.GONE)
    return warned(order, read.head)


def warned(order: RentalOrder, head: int, goal: int | None = None) -> Looked:
    """The order with the warning that is due and was not given yet."""
    stage = reached(order, head, goal)
    if stage is None or not is_news(order, stage):
        return Looked(order)
    if order.snoozed and not stage.is_last:
        return Looked(replace(order, told=stage.name))
    return Looked(replace(order, told=stage.name), stage=stage)


def unread(order: RentalOrder, head: int) -> Looked:
    """What is due where the chain cannot be read: only what nobody may miss, from what is known.

    Whether it was renewed meanwhile nobody knows, so nothing else is said. One that the newest
    block had confirmed is not called for; once its time for that is long over, no fork undoes it
    any more, and it has an end as any other. A countdown says at once that it is not read.
    """
    if order.newest_ends and order.phase is OrderPhase.WAITING:
        if head <= goal_of(order) + DEEP:
            return Looked(order)
        order = replace(by_newest(order), told="", stake=0, is_told_unread=False)
    goal = newest_end(order) if order.phase is OrderPhase.RENTING else goal_of(order)
    stage = reached_unread(order, head, goal)
    if stage is None or stage.left > DAY or (order.snoozed and not stage.is_last):
        return Looked(order)
    is_waiting = order.phase is OrderPhase.WAITING
    told = replace(order, told=stage.name, is_told_unread=is_waiting)
    if is_news(order, stage):
        # Who was told of an end a quarter of an hour before it is told next before the deletion.
        is_silent = stage.name in PASSED and order.told == LAST_OF_END
        return Looked(told, stage=None if is_silent else stage)
    is_first = is_waiting and bool(order.told) and not order.is_told_unread
    return Looked(told, stage=stage, is_again=True) if is_first else Looked(order)


def _anew(order: RentalOrder, head: int, goal: int | None = None, *, has_stood: bool) -> Looked:
    """What is due, also once more where what was told comes later than it says."""
    stage = reached(order, head, goal)
    is_soon = stage is not None and stage.left <= DAY and bool(order.told)
    if is_told_too_early(order, head) or (has_stood and is_soon):
        order = replace(order, told="", halts=order.halts + 1)
    return warned(order, head, goal)


def _waiting(order: RentalOrder, read: Read) -> Looked:
    final, best = read.final, read.best
    if final is not None and not final.is_waiting:
        return Looked(_rented(order, final, read), Event.CONFIRMED)
    if final is None and best is None:
        if read.final_block.number >= order.ends:
            # Nobody looked for all that time: if it was confirmed, its machines are at stake.
            return _over(order, read)
        if read.final_block.number >= goal_of(order):
            return Looked(replace(order, phase=OrderPhase.LAPSED), Event.LAPSED)
    # No chain forgets it before its time: whatever the newest block says, nobody may miss it.
    is_lost = best is None and final is not None and read.best_block.number < goal_of(order)
    if not is_lost and (best is None or not best.is_waiting):
        return Looked(order)  # about to be confirmed, or to lapse: the next final block tells
    found = _anew(order, read.head, has_stood=False)
    if not order.is_told_unread:
        return found
    known = replace(found, order=replace(found.order, is_told_unread=False))
    if known.stage is not None:
        return known
    return replace(known, stage=reached(order, read.head), is_again=True)


def _renting(order: RentalOrder, read: Read, *, has_stood: bool) -> Looked:
    final, best = read.final, read.best
    if final is not None and not final.is_waiting:
        if final.rent_end > order.ends:
            return Looked(_rented(order, final, read), Event.RENEWED)
        if final.rent_end < order.ends:  # what was told of the other end counts for nothing
            moved = replace(order, ends=final.rent_end, told="", halts=order.halts + 1)
            order = moved_on(order, moved)
        latest = max(order.ends, best.rent_end if best is not None else 0)
        found = _anew(order, read.head, latest, has_stood=has_stood)
        return replace(found, is_near=latest > order.ends)
    if final is None and best is None:
        return _over(order, read) if read.final_block.number >= order.ends else Looked(order)
    # The final block lacks it, or has it unconfirmed: that holds back no warning.
    latest = max(order.ends, _ahead(order, best))
    return _anew(order, read.head, latest, has_stood=has_stood)


def _over(order: RentalOrder, read: Read) -> Looked:
    """The end, which says when the machines are deleted; or that their time is over as well."""
    order = replace(
        order, phase=OrderPhase.ENDED, told="", first_block=order.seen_block, first_at=order.seen_at
    )
    gone = ended(order, read)
    if gone.event is Event.GONE:
        return gone
    stage = reached(order, read.head)
    return Looked(replace(order, told=stage.name if stage else ""), Event.ENDED)


def _rented(order: RentalOrder, final: OrderOnChain, read: Read) -> RentalOrder:
    """Confirmed or renewed: what is told of that says the end; only the last hour repeats it."""
    rented = replace(
        order,
        phase=OrderPhase.RENTING,
        began=final.rent_start,
        ends=final.rent_end,
        gpus=final.gpu_index,
        stake=0,
        told="",
        is_told_unread=False,
    )
    stage = reached(rented, read.head)
    if stage is None or stage.left <= HOUR:
        return rented
    return replace(rented, told=stage.name)


def over_by(before: RentalOrder, found: Looked) -> Event | None:
    """What ends what was told of an order; the time for copying does so once it is seen to be over,
    which its node's deletion, and so the event, follows within 15 minutes.
    """
    order = found.order
    if found.event is None and order.ends < before.ends:
        return Event.MOVED
    if found.event is None and order.halts > before.halts:
        return Event.LATER
    was_confirmed = before.phase is OrderPhase.WAITING and order.phase is OrderPhase.RENTING
    if found.event is None and (was_confirmed or order.told in PASSED - {before.told}):
        return Event.UNSEEN
    is_late = order.phase is OrderPhase.ENDED and is_too_late(order)
    return Event.GONE if is_late and not is_too_late(before) else found.event
