"""What a look at the chain means for an order: pure, from what was known and what is read.

What cannot be taken back is told from final blocks alone. A warning is held back where the newest
block makes it needless, since that is most likely to stay.
"""

from dataclasses import dataclass, replace
from enum import StrEnum

from bot.chain.heads import Block
from bot.chain.models import OrderOnChain
from bot.model import OrderPhase, RentalOrder
from bot.orders.schedule import CONFIRM_WITHIN, KEPT, LOOP, Stage, is_news, reached


class Event(StrEnum):
    """What is told of an order beside its warnings."""

    CONFIRMED = "confirmed"
    LAPSED = "lapsed"
    VANISHED = "vanished"
    RENEWED = "renewed"
    ENDED = "ended"
    GONE = "gone"


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
    seen = replace(order, seen_block=block.number, seen_at=block.at)
    if order.phase is OrderPhase.WAITING:
        return _waiting(seen, read)
    if order.phase is OrderPhase.RENTING:
        return _renting(seen, read)
    return ended(seen, block.number)


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
        if read.final_block.number >= order.began + CONFIRM_WITHIN:
            return Looked(replace(order, phase=OrderPhase.LAPSED), Event.LAPSED)
        if read.final_block.number >= order.began:
            return Looked(replace(order, phase=OrderPhase.VANISHED), Event.VANISHED)
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
    if read.final_block.number >= order.ends:
        return _over(replace(order, phase=OrderPhase.ENDED, told=""), read.best_block.number)
    # A block older than the one at which it was seen last may not have it yet.
    if best is None and final is None and read.final_block.number >= order.first_block:
        return Looked(replace(order, phase=OrderPhase.VANISHED), Event.VANISHED)
    return Looked(order)


def _over(order: RentalOrder, head: int) -> Looked:
    """The end, which says when the machines are deleted; or that their time is over as well."""
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
