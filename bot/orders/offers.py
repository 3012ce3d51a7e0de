"""What an order costs at the chain's present price: a day, and as long as it was paid for last."""

from collections.abc import Sequence
from dataclasses import dataclass

from bot.chain.price import PER_DAY, PLANCK, Prices
from bot.model import OrderPhase, Payment, RentalOrder
from bot.orders.costs import Amount, paid_in, summed


@dataclass(frozen=True, slots=True)
class Offer:
    """What a day costs, and what `blocks` do: how long it was rented or renewed for last.

    Of an order that waits for its confirmation, `whole` is what is reserved for it. `fee` is taken
    once when it is rented, in planck; None where the chain does not tell it.
    """

    day: Amount
    whole: Amount
    blocks: int
    fee: int | None = None


def offer_of(order: RentalOrder, prices: Prices | None, paid: Sequence[Payment]) -> Offer | None:
    """What it costs; None where the chain has no price that can be computed with."""
    if prices is None or not prices.is_usable or not prices.avg_price:
        return None
    blocks = _paid_last(order, paid)
    whole = _at(prices, order, blocks)
    if order.phase is OrderPhase.WAITING and order.stake:
        whole = _reserved(order.stake, prices.avg_price)
    return Offer(_at(prices, order, PER_DAY), whole, blocks, prices.fee)


def fee_in(paid: Sequence[Payment]) -> int | None:
    """The fee that was taken when it was rented, as the books have it; None where they do not."""
    return next((one.fee for one in paid if one.fee), None)


def _paid_last(order: RentalOrder, paid: Sequence[Payment]) -> int:
    """How many blocks were paid for last; a renewal stands in the books a minute later or so."""
    if not paid:
        return order.ends - order.began
    last = paid[-1]
    return order.ends - last.ends if order.ends > last.ends else last.ends - last.begins


def paid_since(before: RentalOrder, order: RentalOrder, paid: Sequence[Payment]) -> Amount | None:
    """What was just paid, for its confirmation or to renew it; None where not all is known."""
    since = order.began if before.phase is OrderPhase.WAITING else before.ends
    new = [one for one in paid if one.begins >= since]
    if not new or new[-1].ends < order.ends:
        return None
    return summed(paid_in(one) for one in new)


def _reserved(stake: int, avg_price: int) -> Amount:
    """What is reserved in DBC; in USD at the present price, not at that of the time."""
    return Amount(stake, stake * avg_price // PLANCK, is_usd_estimate=True)


def _at(prices: Prices, order: RentalOrder, blocks: int) -> Amount:
    count = len(order.gpus)
    return Amount(prices.planck(count, blocks) or 0, prices.usd(count, blocks))
