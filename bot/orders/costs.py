"""What a stretch of a rental cost, and for which machines. Pure: from payments and uses.

A rental is paid ahead, so its price is spread over its blocks, and each block's over the GPUs that
are rented. What no machine held was paid and not used; what nobody looked at is told as that. The
parts sum to what was paid, to the last planck (`bot.orders.split`).
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import pairwise

from bot.model import Payment, Use
from bot.orders.split import parts, portion


class For(StrEnum):
    """What a part of a rental's price was for."""

    MACHINE = "machine"
    USED = "used"  # machines that whoever asks may not see
    UNUSED = "unused"  # GPUs that no machine held
    UNSEEN = "unseen"  # blocks in which nobody looked
    FEE = "fee"  # taken once when it is rented


@dataclass(frozen=True, slots=True)
class Amount:
    """An amount in both currencies; whether either of them is an estimate."""

    planck: int = 0
    micro: int = 0
    is_estimate: bool = False
    is_usd_estimate: bool = False

    def __add__(self, other: "Amount") -> "Amount":
        return Amount(
            self.planck + other.planck,
            self.micro + other.micro,
            self.is_estimate or other.is_estimate,
            self.is_usd_estimate or other.is_usd_estimate,
        )


NOTHING = Amount()


@dataclass(frozen=True, slots=True)
class Part:
    """For what, and for which machine, made by whom and in which channel."""

    what: For
    task: str = ""
    maker: str = ""
    channel: str = ""


@dataclass(frozen=True, slots=True)
class Cost:
    """What a stretch cost, by part; `labels` is what its machines were called last."""

    parts: dict[Part, Amount] = field(default_factory=dict)
    labels: dict[str, str] = field(default_factory=dict)

    @property
    def total(self) -> Amount:
        """All of it."""
        return summed(self.parts.values())


def summed(amounts: Iterable[Amount]) -> Amount:
    """The sum of amounts."""
    return sum(amounts, start=NOTHING)


def paid_in(payment: Payment) -> Amount:
    """What was paid at once, without the fee."""
    exact, usd_exact = payment.is_exact, payment.is_usd_exact
    return Amount(payment.planck, payment.micro, not exact, not usd_exact)


def cost_of(
    payments: Sequence[Payment], uses: Sequence[Use], since: int, until: int, *, fees_alone: bool
) -> Cost:
    """What one rental cost from block `since` until `until`, exclusive.

    `fees_alone`: it lapsed, so that no more than its fee was taken.
    """
    found: dict[Part, Amount] = defaultdict(Amount)
    for payment in payments:
        if payment.fee and since <= payment.begins < until:
            found[Part(For.FEE)] += _fee(payment)
        begins, ends = max(since, payment.begins), min(until, payment.ends)
        if begins >= ends or fees_alone:
            continue
        for one, other in _cuts(uses, begins, ends):
            here = [use for use in uses if use.begins <= one and other <= use.ends]
            for part, amount in _shared(payment, here, one, other):
                found[part] += amount
    labels = {use.task: use.label for use in uses if use.task}
    return Cost({part: one for part, one in found.items() if one.planck or one.micro}, labels)


def _cuts(uses: Iterable[Use], begins: int, ends: int) -> Iterator[tuple[int, int]]:
    """The stretches in between which nothing changes."""
    edges = {edge for use in uses for edge in (use.begins, use.ends) if begins < edge < ends}
    cuts = [begins, *sorted(edges), ends]
    return pairwise(cuts)


def _shared(
    payment: Payment, here: Sequence[Use], begins: int, ends: int
) -> Iterator[tuple[Part, Amount]]:
    """A stretch's price, parted by the GPUs that the machines held in all of it."""
    held = [use for use in here if use.task]
    # Where nobody looked, machines that were made from here held theirs all the same.
    rest = Part(For.UNSEEN if len(held) == len(here) else For.UNUSED)
    free = max(0, payment.gpus - sum(use.gpus for use in held))
    whom = [Part(For.MACHINE, use.task, use.maker, use.channel) for use in held]
    whom, weights = [*whom, rest], [*(use.gpus for use in held), free]
    if not sum(weights):
        weights[-1] = 1
    start, length = payment.begins, payment.ends - payment.begins
    planck, micro = (
        parts(portion(total, length, begins - start, ends - start), weights)
        for total in (payment.planck, payment.micro)
    )
    for part, some, dollars in zip(whom, planck, micro, strict=True):
        yield part, Amount(some, dollars, not payment.is_exact, not payment.is_usd_exact)


def _fee(payment: Payment) -> Amount:
    micro = payment.fee * payment.avg_price // 10**15
    return Amount(payment.fee, micro, is_usd_estimate=not payment.is_usd_exact)
