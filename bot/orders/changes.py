"""What a look at the chain means for an order: pure, from what was known and what is read.

What cannot be taken back is told from final blocks alone. A warning is held back where the newest
block makes it needless, since that is most likely to stay.
"""

from dataclasses import dataclass, replace
from enum import StrEnum

from bot.chain.heads import Block
from bot.chain.models import OrderOnChain
from bot.model import OrderPhase, RentalOrder
from bot.orders.schedule import (
    CONFIRM_WITHIN,
    KEPT,
    LOOP,
    MISSING_FOR,
    Stage,
    is_news,
    reached,
)


class Event(StrEnum):
    """What is told of an order beside its warnings."""

    CONFIRMED = "confirmed"
    LAPSED = "lapsed"
    VANISHED = "vanished"
    RENEWED = "renewed"
    ENDED = "ended"
    GONE = "gone"
    RETURNED = "returned"


@dataclass(frozen=True, slots=True)
class Looked:
    """The order as it is known now, and what is to be told: an event, a warning, or nothing."""

    order: RentalOrder
    event: Event | None = None
    stage: Stage | None = None


@dataclass(frozen=True, slots=True)
class Read:
    """What the chain said: the order at the final and at the newest block, and those blocks."""

    final: OrderOnChain | None
    best: OrderOnChain | None
    final_block: Block
    best_block: Block


def looked(order: RentalOrder, read: Read) -> Looked:
    """What a look means."""
    block = read.best_block
    seen = replace(order, seen_block=block.number, seen_at=block.at, missing_since=None)
    if read.final is None and read.best is None and _should_be(order, read.final_block.number):
        return _missing(order, read)
    if order.phase is OrderPhase.WAITING:
        return _waiting(seen, read)
    if order.phase is OrderPhase.RENTING:
        return _renting(seen, read)
    if read.final is not None and read.final.rent_end > read.final_block.number:
        return Looked(_rented(seen, read.final, read), Event.RENEWED)  # it had not ended after all
    return ended(seen, block.number)


def _should_be(order: RentalOrder, block: int) -> bool:
    """Whether the chain has an order at a block as far as is known of it."""
    if order.phase is OrderPhase.WAITING:
        return order.began <= block < order.began + CONFIRM_WITHIN
    # A block older than the one at which it was seen first may not have it yet.
    return order.phase is OrderPhase.RENTING and order.first_block <= block < order.ends


def _missing(order: RentalOrder, read: Read) -> Looked:
    """One that is gone before its time: a node that lost it for a moment is no reason to say so."""
    block = read.final_block.number
    since = block if order.missing_since is None else order.missing_since
    if block - since >= MISSING_FOR:
        gone = replace(order, phase=OrderPhase.VANISHED, missing_since=None)
        return Looked(gone, Event.VANISHED)
    return unread(replace(order, missing_since=since), read.best_block.number)


def ended(order: RentalOrder, head: int) -> Looked:
    """One whose end has passed: nothing of it is on the chain any more."""
    if head > order.ends + KEPT + LOOP:
        return Looked(replace(order, phase=OrderPhase.GONE, told=""), Event.GONE)
    return warned(order, head)


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

    Whether it was renewed meanwhile nobody knows, so nothing else is said.
    """
    found = warned(order, head)
    return found if found.stage is not None and found.stage.is_last else Looked(order)


def _waiting(order: RentalOrder, read: Read) -> Looked:
    final, best = read.final, read.best
    if final is not None and not final.is_waiting:
        return Looked(_rented(order, final, read), Event.CONFIRMED)
    if final is None and best is None:
        if read.final_block.number >= order.ends:
            # Nobody looked for all that time: if it was confirmed, its machines are at stake.
            return _over(order, read.best_block.number)
        if read.final_block.number >= order.began + CONFIRM_WITHIN:
            return Looked(replace(order, phase=OrderPhase.LAPSED), Event.LAPSED)
    if best is None or not best.is_waiting:
        return Looked(order)  # about to be confirmed, or to lapse: the next final block tells
    return warned(order, read.best_block.number)


def _renting(order: RentalOrder, read: Read) -> Looked:
    final, best = read.final, read.best
    if final is not None and not final.is_waiting:
        if final.rent_end > order.ends:
            return Looked(_rented(order, final, read), Event.RENEWED)
        order = replace(order, ends=final.rent_end)
        latest = max(order.ends, best.rent_end if best is not None else 0)
        return warned(order, read.best_block.number, latest)
    if final is None and best is None and read.final_block.number >= order.ends:
        return _over(order, read.best_block.number)
    return Looked(order)


def _over(order: RentalOrder, head: int) -> Looked:
    """The end, which says when the machines are deleted; or that their time is over as well."""
    order = replace(order, phase=OrderPhase.ENDED, told="")
    gone = ended(order, head)
    if gone.event is Event.GONE:
        return gone
    stage = reached(order, head)
    return Looked(replace(order, told=stage.name if stage else ""), Event.ENDED)


def _rented(order: RentalOrder, final: OrderOnChain, read: Read) -> RentalOrder:
    """Confirmed or renewed: what is told of that says the end, so no warning repeats it."""
    rented = replace(
        order, phase=OrderPhase.RENTING, ends=final.rent_end, gpus=final.gpu_index, stake=0, told=""
    )
    stage = reached(rented, read.best_block.number)
    return replace(rented, told=stage.name if stage else "")
