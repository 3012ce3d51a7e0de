"""What the chain says of a machine: its state and who rents it.

Knows nothing of nodes. Source: docs/dbc-api.md §2.6.
"""

from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum


class MachineState(Enum):
    """The chain's answer to "what about this machine?"."""

    RENTED = "rented"
    ONLINE = "online"  # and not rented
    VERIFYING = "verifying"
    UNKNOWN = "unknown"  # reported offline, or unknown to the chain
    UNREACHABLE = "unreachable"  # the chain itself does not answer


@dataclass
class RentOrder:
    """A rental: of the whole machine (its id is the renter's address) or of some GPUs."""

    order_id: str
    renter: str
    gpu_index: list[int]
    status: str = "renting"
    rent_end: int = 99_999_999  # a block height
    ended_at: datetime | None = None

    @property
    def is_active(self) -> bool:
        """Whether the node counts the rental as running."""
        return self.status in {"renting", "waitingVerifying"}


@dataclass
class MachineOnChain:
    """One machine as the chain knows it."""

    state: MachineState = MachineState.ONLINE
    orders: dict[str, RentOrder] = field(default_factory=dict)
    verifiers: set[str] = field(default_factory=set)
    down_until: datetime | None = None  # the node's own way to the chain, not the chain
    orders_down_until: datetime | None = None

    def lose(self, until: datetime, *, orders_only: bool = False) -> None:
        """Let the node's chain endpoint fail until then.

        With `orders_only`, the machine's state is still answered and the look-up of the order
        behind it fails: the node then takes the rental for ended (§2.6).
        """
        if orders_only:
            self.orders_down_until = until
        else:
            self.down_until = until

    def is_down(self, now: datetime) -> bool:
        """Whether the node gets no answer about the machine."""
        return self.down_until is not None and now < self.down_until

    def loses_orders(self, now: datetime) -> bool:
        """Whether the node gets no answer about rentals."""
        return self.orders_down_until is not None and now < self.orders_down_until

    def order_of(self, rent_order: str, wallet: str) -> RentOrder | None:
        """The wallet's order of that id, or its whole-machine order when no id is given."""
        order = self.orders.get(rent_order or wallet)
        return order if order is not None and order.renter == wallet else None

    def rents(self, rent_order: str, wallet: str) -> bool:
        """Whether the wallet holds that rental now."""
        order = self.order_of(rent_order, wallet)
        return order is not None and order.is_active

    def rent(self, wallet: str, gpu_index: list[int], order_id: str) -> RentOrder:
        """Record a rental and call the machine rented."""
        order = RentOrder(order_id or wallet, wallet, gpu_index)
        self.orders[order.order_id] = order
        self.state = MachineState.RENTED
        return order
