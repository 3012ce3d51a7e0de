"""What rentals cost in a month, put together from the books. Pure, but for the reading of them."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from bot.chain.price import Prices
from bot.model import Basis, OrderPhase, Payment, RentalOrder, Use
from bot.orders.costs import NOTHING, Amount, Cost, For, Part, cost_of
from bot.orders.sightings import HOLDS


class By(StrEnum):
    """What costs are listed by."""

    ORDER = "order"
    NODE = "node"
    MACHINE = "machine"
    PERSON = "person"


@dataclass(frozen=True, slots=True)
class Account:
    """One rental's books. `is_open`: whoever asks may see its machines and who made them."""

    order: RentalOrder
    payments: tuple[Payment, ...]
    uses: tuple[Use, ...]
    is_open: bool

    def cost(self, since: int, until: int) -> Cost:
        """What the blocks from `since` until `until` cost; nothing where nobody knows of them."""
        phase = self.order.phase
        if phase in {OrderPhase.WAITING, OrderPhase.VANISHED}:
            return Cost()
        lapsed = phase is OrderPhase.LAPSED
        uses = self._lasting(min(until, self.order.ends))
        return cost_of(self._paid(), uses, since, until, fees_alone=lapsed)

    def _paid(self) -> tuple[Payment, ...]:
        """What was paid, spread over the blocks that it was rented for in the end.

        The chain gives nothing back, so what ended before its time costs all of it by then.
        """
        if self.order.phase not in {OrderPhase.ENDED, OrderPhase.GONE}:
            return self.payments
        return tuple(_until(one, self.order.ends) for one in self.payments)

    def _lasting(self, until: int) -> tuple[Use, ...]:
        """The uses, where what the last look found holds until a block: it is not long past."""
        at = max((use.ends for use in self.uses if not use.task), default=until)
        if not 0 < until - at <= HOLDS:
            return self.uses
        held = self.held_at(at)
        return tuple(
            replace(use, ends=until) if use in held or (not use.task and use.ends == at) else use
            for use in self.uses
        )

    def is_known(self, until: int) -> bool:
        """Whether all that was paid for the blocks until then is written down."""
        if self.order.phase in {OrderPhase.WAITING, OrderPhase.VANISHED}:
            return True
        if not self.payments or self.order.phase is OrderPhase.LAPSED:
            return bool(self.payments)
        return self.payments[-1].ends >= min(until, self.order.ends)

    @property
    def is_estimate(self) -> bool:
        """Whether some of it was priced by another block than that of its payment."""
        return any(one.basis is Basis.LATER for one in self.payments)

    def unused(self, head: int) -> int | None:
        """How many of its GPUs no machine holds at present; None where nobody has looked lately."""
        looks = [use for use in self.uses if not use.task]
        if not looks or head - (at := max(use.ends for use in looks)) > HOLDS:
            return None
        return max(0, len(self.order.gpus) - sum(use.gpus for use in self.held_at(at)))

    def held_at(self, block: int) -> list[Use]:
        """The machines that held GPUs when somebody looked at that block, the last look."""
        found = sorted(self.uses, key=lambda use: use.begins)
        # What was found to have changed then has a use before it that ends there, too.
        now = {use.task: use for use in found if use.task and use.ends == block}
        return [use for use in now.values() if use.gpus]

    def last_holders(self) -> tuple[str, ...]:
        """What the machines were called that gave up their GPUs last, as far as looks tell."""
        ends = max((use.ends for use in self.uses if not use.task), default=0)
        held = {use.task for use in self.held_at(ends)}
        gone = [use for use in self.uses if use.task and use.task not in held]
        last = max(((use.ends, use.begins) for use in gone), default=None)
        return tuple(sorted({use.label for use in gone if (use.ends, use.begins) == last}))


def _until(payment: Payment, end: int) -> Payment:
    """A payment for no block behind an order's end."""
    if payment.ends <= end:
        return payment
    return replace(payment, begins=min(payment.begins, end - 1), ends=end)


@dataclass(frozen=True, slots=True)
class Entry:
    """One row: what it is for (an order's or node's id, a machine's, a person's), and how much."""

    what: For | By
    key: str
    amount: Amount
    label: str = ""
    maker: str = ""


def entries(found: Sequence[tuple[Account, Cost]], by: By) -> list[Entry]:
    """What was found, summed by what was asked for, the dearest first; the rest behind."""
    sums: dict[tuple[For | By, str], Amount] = defaultdict(Amount)
    labels: dict[str, str] = {}
    makers: dict[str, str] = {}
    for account, cost in found:
        labels |= cost.labels
        for part, amount in cost.parts.items():
            what, key = _row(account, part, by)
            sums[what, key] += amount
            if part.what is For.MACHINE:
                makers[part.task] = part.maker
    rows = [
        Entry(what, key, amount, labels.get(key, ""), makers.get(key, ""))
        for (what, key), amount in sums.items()
    ]
    return sorted(rows, key=lambda one: (one.what in _REST, -one.amount.planck, one.key))


_REST = {For.USED, For.UNUSED, For.UNSEEN, For.FEE}


def _row(account: Account, part: Part, by: By) -> tuple[For | By, str]:
    if by is By.ORDER:
        return By.ORDER, account.order.id
    if by is By.NODE:
        return By.NODE, account.order.node
    if part.what is not For.MACHINE:
        return part.what, ""
    if not account.is_open:
        return For.USED, ""
    return (By.MACHINE, part.task) if by is By.MACHINE else (By.PERSON, part.maker)


@dataclass(frozen=True, slots=True)
class Forecast:
    """What is paid already until a block, and what it costs if all is renewed at today's price."""

    paid: Amount
    renewed: Amount | None


def forecast(accounts: Sequence[tuple[Account, Prices | None]], head: int, until: int) -> Forecast:
    """What the rentals of now cost from the newest block until another; None is not known."""
    paid, more, is_known = NOTHING, NOTHING, True
    for account, prices in accounts:
        order = account.order
        if order.phase is not OrderPhase.RENTING:
            continue
        paid += account.cost(head, min(until, order.ends)).total
        left = until - max(head, order.ends)
        if left <= 0:
            continue
        count = len(order.gpus)
        planck = prices.planck(count, left) if prices is not None and prices.is_usable else None
        if prices is None or planck is None:
            is_known = False
        else:
            more += Amount(planck, prices.usd(count, left), is_estimate=True, is_usd_estimate=True)
    return Forecast(paid, paid + more if is_known and more.planck else None)
