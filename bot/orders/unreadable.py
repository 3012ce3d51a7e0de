"""Which orders the chain names but tells nonsense of: nobody knows more of them than their number.

Such an order may be somebody's, so whoever it may concern, and the operator, read that it is there.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from bot.chain.errors import ChainError, Impossible
from bot.model import RentalOrder
from bot.plural import counted
from bot.reply import Text, listed, say

_MOST = 10  # numbers in a sentence


@dataclass(frozen=True, slots=True)
class Odd:
    """An order's number, and the nodes and wallets whose order it may be."""

    number: int
    names: frozenset[str]


@dataclass
class Unreadable:
    """What could not be read, by the order's name: new ones, and `known` ones when last looked at.

    What was read of a known one before holds, as of then.
    """

    new: dict[str, Odd] = field(default_factory=dict)
    known: dict[str, Odd] = field(default_factory=dict)

    def searched(
        self, found: dict[str, Odd], partly: Collection[str], open_ids: Collection[str]
    ) -> None:
        """Take what a whole search has found; of what it could not read, the last one holds."""
        kept = {
            one: odd
            for one, odd in self.new.items()
            if one not in open_ids and not odd.names.isdisjoint(partly)
        }
        self.new = {**kept, **found}
        self.known = {one: odd for one, odd in self.known.items() if one in open_ids}

    def failed(self, order: RentalOrder, error: ChainError) -> None:
        """Note that a known order could not be read, if to read it again changes nothing."""
        if isinstance(error, Impossible):
            self.known[order.id] = Odd(order.number, frozenset({order.node, order.renter}))

    def among(self, names: Iterable[str], hidden: Collection[str] = ()) -> list[Odd]:
        """The new ones that may be of these nodes and wallets, and of no hidden node."""
        mine = frozenset(names)
        return [
            one
            for one in self.new.values()
            if not one.names.isdisjoint(mine) and one.names.isdisjoint(hidden)
        ]

    def impairments(self) -> tuple[Text, ...]:
        """That there are some, for the operator."""
        told = not_read([*self.new.values(), *self.known.values()])
        return (told,) if told else ()

    def impairments_in_brief(self) -> tuple[Text, ...]:
        """The same for everybody, without numbers."""
        number = len(self.new | self.known)
        if not number:
            return ()
        return (
            f"{counted(number, 'rental')} could not be read: the answer of the chain makes no "
            "sense, see orders.not_found_out and orders.not_read in the log.",
        )


def not_read(odd: Iterable[Odd]) -> Text:
    """That these could not be read; empty where there are none."""
    numbers = [str(one) for one in sorted({one.number for one in odd})]
    if not numbers:
        return ""
    if len(numbers) == 1:
        return say(
            "Order {order} could not be read: the answer of the chain makes no sense.",
            order=numbers[0],
        )
    more = ["…"] if len(numbers) > _MOST else []
    return say(
        "Orders {orders} could not be read: the answers of the chain make no sense.",
        orders=listed([*numbers[:_MOST], *more]),
    )
