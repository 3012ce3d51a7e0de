"""What is said of an order beside its blocks: how people call things, what is lost, when it is."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bot.chain.heads import SLOT
from bot.ids import TaskId
from bot.model import RentalOrder
from bot.orders.schedule import DAY, HOUR, MINUTE
from bot.reply import Line, Text, all_of, bold, line, say, say_number, time

_WORTH_SAYING = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class AtStake:
    """A machine of the order: its name and what is known of its disks; None where nothing is."""

    label: str
    task: TaskId
    disks: tuple[str, ...] | None = None  # `vda 350G`
    is_off: bool = False  # when it was seen last

    @property
    def told(self) -> Line:
        """`train-01 (vda 350G, vdb 100G)`."""
        return line(bold(self.label), f" ({', '.join(self.disks)})" if self.disks else "")


@dataclass(frozen=True, slots=True)
class Facts:
    """What messages about an order are made of. `head` is the newest block, as of `now`.

    `machines` is None where nobody here has listed them, or whoever reads this may not see them
    (`sees`): then it is not theirs to decide on the order either. `is_read`: the chain was just
    read; else all is as last read.
    """

    order: RentalOrder
    node: str
    now: datetime
    head: int
    machines: tuple[AtStake, ...] | None = None
    is_read: bool = True
    sees: bool = True

    @property
    def bare(self) -> "Facts":
        """The same for somebody who may not see the machines."""
        return replace(self, machines=None, sees=False)

    def is_past(self, block: int) -> bool:
        """Whether a block must have been made by now."""
        return block <= self.head

    def earliest(self, block: int) -> Line:
        """When a block is made at the earliest: whoever has to do something does it before."""
        return line(time(self.now + (block - self.head) * SLOT))

    @property
    def lost(self) -> Text | Line:
        """The machines that are lost with it."""
        if not self.machines:
            return say("its machines")
        return all_of(one.told for one in self.machines)

    def at(self, block: int) -> Line:
        """When a block is made: the earliest moment, and the latest by the chain's own pace."""
        ahead = block - self.head
        earliest = self.now + ahead * SLOT
        late = (pace(self.order) - SLOT) * ahead
        if ahead > 0 and late >= _WORTH_SAYING:
            return line(
                say("between {early} and {late}", early=time(earliest), late=time(earliest + late))
            )
        return line(time(earliest))


def pace(order: RentalOrder) -> timedelta:
    """How long a block takes, as measured since the order was seen first; at least 6 s."""
    blocks = order.seen_block - order.first_block
    if blocks < HOUR:  # too short a time to tell
        return SLOT
    return max(SLOT, (order.seen_at - order.first_at) / blocks)


def span(blocks: int) -> Text:
    """`3 days`, `24 hours`, `10 minutes`: so long at least, cut down to what is certain."""
    if blocks >= 3 * DAY:
        return say_number("{number} day", "{number} days", blocks // DAY)
    if blocks >= 2 * HOUR - 2 * MINUTE:
        return say_number("{number} hour", "{number} hours", (blocks + 2 * MINUTE) // HOUR)
    return say_number("{number} minute", "{number} minutes", max(0, blocks) // MINUTE)
