"""What was paid for a rental, read from the chain: while it says so, else from its prices then.

The chain names an amount only until it is confirmed. What it was, its own steps and prices tell at
the block of the payment, as long as its nodes keep that block's state: 256 blocks, most of them.
"""

from collections.abc import Sequence
from dataclasses import replace

from bot.chain.errors import BlockDisputed, BlockUnknown, ChainError, Impossible
from bot.chain.price import PLANCK, Prices
from bot.chain.reader import ChainView, OrderRef, Pallet
from bot.model import Basis, Payment, RentalOrder

_KEPT = 240  # newest blocks whose state every node should have, with some that pass meanwhile
_DEAREST = 10**17  # micro-USD: no rental costs more


async def unrecorded(
    view: ChainView, order: RentalOrder, known: Sequence[Payment]
) -> list[Payment]:
    """The payments of a rental that are not among those `known`, the first one first.

    Empty where there is none, none can be priced, or a fork may still undo it. Raises ChainError.
    """
    found: list[Payment] = []
    if order.is_of_node or order.began > view.final.number:
        return []
    if not known:
        first = await _first(view, order)
        if first is None:
            return []
        found.append(first)
    last = [*known, *found][-1]
    while last.ends < order.ends:
        renewal = await _renewal(view, order, last)
        if renewal is None:
            break
        found.append(renewal)
        last = renewal
    return found


async def _first(view: ChainView, order: RentalOrder) -> Payment | None:
    """What it cost when it was rented, until the end that it had then."""
    try:
        rented = await view.order(_ref(order), await view.block(order.began))
    except ChainError as error:
        _raise_unless_old(error)
        return await _priced(view, order, order.began, order.ends, None)
    if rented is None or rented.rent_start != order.began:
        return None
    paid = await _priced(view, order, order.began, rented.rent_end, order.began)
    if paid is None or not rented.is_waiting:
        return paid
    return _reserved(paid, rented.stake_amount)


def _reserved(paid: Payment, stake: int) -> Payment:
    """The payment with the amount that the chain reserved for it."""
    is_usd_exact = paid.planck == stake
    micro = paid.micro if is_usd_exact else stake * paid.avg_price // PLANCK
    if micro > _DEAREST:
        raise Impossible(why="not as expected: what is reserved")
    return replace(paid, planck=stake, micro=micro, is_usd_exact=is_usd_exact, basis=Basis.READ)


async def _renewal(view: ChainView, order: RentalOrder, last: Payment) -> Payment | None:
    """The first renewal after what is known to be paid; None while it is not final."""
    above = min(view.final.number, order.ends - 1)
    try:
        if not await _has_moved(view, order, last, above):
            return None
        block = await _moved_at(view, order, last, above)
        told = await view.order(_ref(order), await view.block(block)) if block else None
    except ChainError as error:
        _raise_unless_old(error)
        block = told = None
    if block is None or told is None:
        return await _priced(view, order, last.ends, order.ends, None)
    return await _priced(view, order, last.ends, told.rent_end, block)


async def _has_moved(view: ChainView, order: RentalOrder, last: Payment, number: int) -> bool:
    """Whether its end was later at a block than what is known to be paid."""
    told = await view.order(_ref(order), await view.block(number))
    return told is not None and told.rent_end > last.ends


async def _moved_at(view: ChainView, order: RentalOrder, last: Payment, above: int) -> int | None:
    """The block in which its end moved, `above` at the latest; None where nobody knows it."""
    # Counted from the newest block, as nodes do: the final one may be far behind it.
    below = max(min(above, view.newest.number - _KEPT), last.block)
    if await _has_moved(view, order, last, below):
        below = last.block
        if await _has_moved(view, order, last, below):
            return None
    while above - below > 1:
        middle = (above + below) // 2
        if await _has_moved(view, order, last, middle):
            above = middle
        else:
            below = middle
    return above


async def _priced(
    view: ChainView, order: RentalOrder, begins: int, ends: int, block: int | None
) -> Payment | None:
    """What the chain asks for a stretch, by the prices of a block; without one, by today's."""
    count, is_certain = len(order.gpus), False
    prices: Prices | None = None
    if block is not None:
        try:
            prices = await view.prices(order.node, await view.block(block))
            # A price that changed in that very block may have done so before or after the payment.
            is_certain = prices == await view.prices(order.node, await view.block(block - 1))
        except ChainError as error:
            _raise_unless_old(error)
    if prices is None:
        prices, is_certain, block = await view.prices(order.node), False, view.best.number
    if prices is None or not prices.is_usable or not prices.avg_price or block is None:
        return None
    return Payment(
        order=order.id,
        begins=begins,
        ends=ends,
        gpus=count,
        planck=prices.planck(count, ends - begins) or 0,
        micro=prices.usd(count, ends - begins),
        is_usd_exact=is_certain,
        avg_price=prices.avg_price,
        fee=(prices.fee or 0) if begins == order.began else 0,
        block=block,
        basis=Basis.BLOCK if is_certain else Basis.LATER,
    )


def _ref(order: RentalOrder) -> OrderRef:
    return OrderRef(Pallet(order.pallet), order.number)


def _raise_unless_old(error: ChainError) -> None:
    """Raise what has other reasons than that a node does not keep a block's state any more."""
    if not isinstance(error, BlockUnknown | BlockDisputed):
        raise error
