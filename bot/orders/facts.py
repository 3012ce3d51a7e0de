"""What is said of an order beside its blocks: how people call things, what is lost, when it is."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bot.chain.heads import SLOT
from bot.ids import TaskId
from bot.model import OrderPhase, RentalOrder
from bot.orders.costs import Amount
from bot.orders.offers import Offer
from bot.orders.schedule import DAY, HOUR, MINUTE, goal_of, moment
from bot.reply import Line, Text, all_of, bold, line, listed, plain, say, say_number, world_time

_WORTH_SAYING = timedelta(minutes=10)
_ROOM = 1_000  # characters for the machines in a sentence, of the 3,000 of a block


@dataclass(frozen=True, slots=True)
class AtStake:
    """A machine of the order: its name and what is known of its disks; None where nothing is.

    `snapshots` are those seen last, on its node. It `is_sure` to be of this order unless another
    one may pay for it as well.
    """

    label: str
    task: TaskId
    disks: tuple[str, ...] | None = None  # `vda 350G`
    is_off: bool = False  # when it was seen last
    snapshots: tuple[str, ...] = ()
    login: str = ""  # the line that opens a shell or desktop in it; empty where that is not known
    is_sure: bool = True

    @property
    def told(self) -> Line:
        """`train-01 (vda 350G, vdb 100G, snapshot nightly)`."""
        parts: list[Text] = [*(self.disks or ())]
        parts += [say("snapshot {name}", name=name) for name in self.snapshots]
        return (
            line(bold(self.label), say(" ({what})", what=listed(parts)))
            if parts
            else line(bold(self.label))
        )


@dataclass(frozen=True, slots=True)
class Facts:
    """What messages about an order are made of. `head` is the newest block, as of `now`.

    `machines` is None where nobody here has listed them, or whoever reads this may not see them
    (`sees`): then it is not theirs to decide on the order either. `is_read`: the chain was just
    read; else all is as last read. `offer` is what it costs, and `paid` what was
    just paid for it, and `fee` the planck that were taken once when it was rented, where that is
    known. What the newest block alone has of it `is_final` not.
    """

    order: RentalOrder
    node: str
    now: datetime
    head: int
    machines: tuple[AtStake, ...] | None = None
    is_read: bool = True
    sees: bool = True
    offer: Offer | None = None
    paid: Amount | None = None
    fee: int | None = None
    is_final: bool = True

    @property
    def is_named(self) -> bool:
        """Whether all that is lost is known by name: its machines, and the disks of each."""
        machines = self.machines
        return machines is not None and all(one.disks is not None for one in machines)

    @property
    def has_machines(self) -> bool:
        """Whether it has any machine, as far as anybody here knows."""
        return self.machines is None or bool(self.machines)

    @property
    def bare(self) -> "Facts":
        """The same for somebody who may not see the machines."""
        return replace(self, machines=None, sees=False)

    def to(self, *, sees: bool) -> "Facts":
        """The same as it is told to somebody who may see the machines, or may not."""
        return self if sees else self.bare

    @property
    def goal(self) -> int:
        """The block that warnings of it are about."""
        return goal_of(self.order)

    def is_past(self, block: int) -> bool:
        """Whether a block must have been made by now."""
        return block <= self.head

    @property
    def is_ending(self) -> bool:
        """Whether its end has come by the newest block, and no final one has confirmed that yet."""
        order = self.order
        if order.phase is not OrderPhase.RENTING:
            return False
        return order.seen_block >= order.ends or (self.is_read and self.is_past(order.ends))

    def earliest(self, block: int) -> Line:
        """When a block is made at the earliest: whoever has to do something does it before."""
        return line(world_time(moment(self.order, block, self.head)))

    @property
    def sure(self) -> tuple[AtStake, ...]:
        """The machines that are surely of it."""
        return tuple(one for one in self.machines or () if one.is_sure)

    @property
    def unsure(self) -> tuple[AtStake, ...]:
        """The machines that may be of it, or of another order."""
        return tuple(one for one in self.machines or () if not one.is_sure)

    @property
    def are_off(self) -> bool:
        """Whether each machine that is surely of it was off when it was seen last."""
        return bool(self.sure) and all(one.is_off for one in self.sure)

    @property
    def lost(self) -> Text | Line:
        """The machines that are surely lost with it."""
        return told_of(self.sure) or say("its machines")

    def at(self, block: int) -> Line:
        """When a block is made: the earliest moment, and the latest by the chain's own pace."""
        ahead, slower = block - self.head, pace(self.order)
        head_at = self.order.seen_at + (self.head - self.order.seen_block) * SLOT
        earliest, latest = moment(self.order, block, self.head), head_at + ahead * slower
        if ahead > 0 and ahead * (slower - SLOT) >= _WORTH_SAYING:
            return line(
                say(
                    "between {early} and {late}",
                    early=world_time(earliest),
                    late=world_time(latest),
                )
            )
        return line(world_time(earliest))


def told_of(machines: Sequence[AtStake], room: int = _ROOM) -> Text | Line:
    """Machines by name, each with what is known of its disks; empty without any.

    As many as a sentence bears, and how many more: what follows in it must not be cut off.
    """
    told: list[Line] = []
    left = room
    for at, one in enumerate(machines):
        left -= len(plain(one.told))
        if left < 0 and told:
            more = len(machines) - at
            told.append(line(say_number("{number} more", "{number} more", more)))
            break
        told.append(one.told)
    return all_of(told)


def pace(order: RentalOrder) -> timedelta:
    """How long a block takes, as measured since the order was seen first; at least 6 s."""
    blocks = order.seen_block - order.first_block
    if blocks < HOUR:  # too short a time to tell
        return SLOT
    return max(SLOT, (order.seen_at - order.first_at) / blocks)


def span(blocks: int) -> Text:
    """`3 days`, `24 hours`, `5 hours and 50 minutes`, `10 minutes`.

    The moment itself stands beside it. So what is a minute short of a round span is told as that:
    `6 hours` and not `5 hours and 50 minutes` before a moment that is six hours ahead by the clock.
    All else is cut down, in steps that are the coarser the farther it is: what is told of one
    moment within a few minutes reads the same, and nobody is told to have more time than that.
    """
    if blocks > HOUR:
        blocks += MINUTE
    minutes = max(0, blocks) // MINUTE
    if blocks >= 3 * DAY:
        return say_number("{number} day", "{number} days", blocks // DAY)
    if blocks >= 10 * HOUR:
        return _hours(blocks // HOUR)
    if not minutes:
        return say("less than a minute")
    if minutes < 60:  # a moment is told to the minute then, too
        return _minutes(minutes)
    tens = minutes // 10 * 10
    hours, rest = divmod(tens, 60)
    if hours < 2:
        return _minutes(tens)
    if not rest:
        return _hours(hours)
    return say("{hours} and {minutes}", hours=_hours(hours), minutes=_minutes(rest))


def _hours(number: int) -> Text:
    return say_number("{number} hour", "{number} hours", number)


def _minutes(number: int) -> Text:
    return say_number("{number} minute", "{number} minutes", number)
