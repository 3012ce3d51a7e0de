"""What the chain keeps: rentals, machines and prices, at each of its blocks.

The rules are those of the runtime's `rent-machine` pallet: an order that is not confirmed within
150 blocks lapses, one whose end has come is deleted, and nothing tells the two apart afterwards.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from sandbox.chain.blocks import GENESIS, Blocks, Clock

CONFIRM_WITHIN = 150  # blocks, the last one included
PER_DAY = 14_400
MOST_AHEAD = 60 * PER_DAY
HALF_HOUR = 300
SHORTEST_RELET = 100
MOVED_STAYS = 150  # blocks, the longest that a moved end waits to be read
AFTER_READING = 5  # blocks that it stays once it was read
PLANCK = 10**15
FIXED_FEE = 10 * PLANCK


class ChainRefused(Exception):
    """The runtime's name for why a call did nothing."""


@dataclass
class ChainMachine:
    """A machine as the chain describes it; `status` is a word, or an object while offline."""

    machine_id: str
    gpu_num: int = 8
    gpu_type: str = "GeForceRTX4090"
    calc_point: int = 59_890
    extra_price: int | None = None  # USD*10^6 for each GPU and day
    controller: str = "5CiPPseXPECbkjWCa6MnjNokrgYjMqmKndv2rSnekmSK2DjL"
    offline_since: int | None = None


@dataclass
class Rental:
    """One order. `ends` is each end that it was given, with the block that gave it."""

    number: int
    machine_id: str
    renter: str
    start: int
    gpus: list[int]
    stake: int
    ends: list[tuple[int, int]]
    confirmed_at: int | None = None
    paid: list[tuple[int, int]] = field(default_factory=list)  # block and planck
    moved_at: int | None = None
    stays_until: int = 0  # a moved end that has passed is there until then, so that it is read

    @property
    def end(self) -> int:
        """The end as it is now."""
        return self.ends[-1][1]

    def end_at(self, block: int) -> int:
        """The end as it stood at a block."""
        return [end for at, end in self.ends if at <= block][-1]

    def is_confirmed(self, block: int) -> bool:
        """Whether it was confirmed by then."""
        return self.confirmed_at is not None and self.confirmed_at <= block

    def exists(self, block: int) -> bool:
        """Whether the chain still has it once that block is made."""
        if block < self.start:
            return False
        if not self.is_confirmed(block):
            return block < self.start + CONFIRM_WITHIN
        moved = self.moved_at is not None and self.moved_at <= block < self.stays_until
        return moved or block < self.end_at(block)


class Chain:
    """The chain's state. Tests change the prices at any time; calls are the runtime's own."""

    def __init__(self, clock: Clock, genesis: int = GENESIS, network: str = "") -> None:
        self.blocks = Blocks(clock, genesis, network)
        self.machines: dict[str, ChainMachine] = {}
        self.rentals: dict[int, Rental] = {}
        self._averages: list[tuple[int, int | None]] = [(0, 12_000)]  # older than what is kept here
        self.gpu_point, self.gpu_price = 1_000, 5_000_000
        self.fee = FIXED_FEE  # planck, taken once for each order
        self._next = 1287

    @property
    def avg_price(self) -> int | None:
        """USD*10^6 for a DBC, now; what it was at each block is kept."""
        return self._averages[-1][1]

    @avg_price.setter
    def avg_price(self, price: int | None) -> None:
        self._averages.append((self.blocks.head, price))

    def avg_price_at(self, block: int) -> int | None:
        """The same once that block was made; None where there was none yet."""
        prices = (price for since, price in reversed(self._averages) if since <= block)
        return next(prices, None)

    def add_machine(self, machine_id: str, gpus: int = 8, **fields: object) -> ChainMachine:
        """Bring a machine onto the chain."""
        machine = ChainMachine(machine_id, gpus)
        for name, value in fields.items():
            setattr(machine, name, value)
        self.machines[machine_id] = machine
        return machine

    def rent(
        self, renter: str, machine_id: str, gpus: int | None = None, blocks: int = PER_DAY
    ) -> Rental:
        """`rent_machine`: reserve the price; the order waits for its confirmation."""
        machine, now = self.machines[machine_id], self.blocks.head
        if blocks % HALF_HOUR:
            raise ChainRefused("OnlyHalfHourAllowed")
        busy = {gpu for one in self.of_machine(machine_id, now) for gpu in one.gpus}
        free = [gpu for gpu in range(machine.gpu_num) if gpu not in busy]
        wanted = machine.gpu_num if gpus is None else gpus
        if len(free) < wanted:
            raise ChainRefused("GPUNotEnough")
        blocks = min(blocks, MOST_AHEAD)
        number, self._next = self._next, self._next + 1
        stake = self.price(machine, wanted, blocks)
        rental = Rental(
            number, machine_id, renter, now, free[:wanted], stake, [(now, now + blocks)]
        )
        self.rentals[number] = rental
        return rental

    def confirm(self, number: int) -> None:
        """`confirm_rent`."""
        rental, now = self.rentals[number], self.blocks.head
        if now > rental.start + CONFIRM_WITHIN:
            raise ChainRefused("ExpiredConfirm")
        if rental.confirmed_at is not None:
            raise ChainRefused("NoOrderExist")
        rental.confirmed_at = now
        rental.paid.append((now, rental.stake))

    def relet(self, number: int, blocks: int) -> None:
        """`relet_machine`: the end moves, at most to 60 days from now; then it moves less."""
        rental, now = self.rentals[number], self.blocks.head
        if not (rental.is_confirmed(now) and rental.exists(now)):
            raise ChainRefused("NoOrderExist")
        if blocks < SHORTEST_RELET:
            raise ChainRefused("ReletTooShort")
        end = min(rental.end + blocks, now + MOST_AHEAD)
        if end <= rental.end:
            return  # the call succeeds and does nothing
        machine = self.machines[rental.machine_id]
        rental.paid.append((now, self.price(machine, len(rental.gpus), end - rental.end)))
        rental.ends.append((now, end))

    def move_end(self, number: int, blocks: int) -> None:
        """Let an order end so many blocks from now; before now, if below 0. No chain can do that.

        Whoever follows the order reads the end before the order is gone.
        """
        rental, now = self.rentals[number], self.blocks.head
        if not (rental.is_confirmed(now) and rental.exists(now)):
            raise ChainRefused("NoOrderExist")
        rental.ends.append((now, now + blocks))
        rental.moved_at, rental.stays_until = now, now + MOVED_STAYS

    def ended(self, renter: str, machine_id: str, gpus: list[int], ago: int) -> Rental:
        """An order of a day that ended so many blocks ago: older blocks have it, and none since."""
        number, self._next = self._next, self._next + 1
        end = self.blocks.head - ago
        rental = Rental(
            number, machine_id, renter, end - PER_DAY, gpus, 0, [(end - PER_DAY, end)],
            confirmed_at=end - PER_DAY,
        )  # fmt: skip
        self.rentals[number] = rental
        return rental

    def was_read(self, rental: Rental, block: int) -> None:
        """Somebody has read an order at a block: a moved end has been noticed with a final one."""
        if rental.moved_at is not None and rental.moved_at <= block <= self.blocks.finalized:
            rental.stays_until = min(rental.stays_until, self.blocks.head + AFTER_READING)

    def price(self, machine: ChainMachine, need: int, blocks: int) -> int:
        """What so many GPUs cost for so many blocks, in planck, cut as the runtime cuts."""
        if not self.avg_price:
            raise ChainRefused("GetMachinePriceFailed")
        whole = self.gpu_price * machine.calc_point * 10_000 // self.gpu_point
        day = whole * need // machine.gpu_num // 10_000 + (machine.extra_price or 0) * need
        return (day * blocks // PER_DAY) * PLANCK // self.avg_price

    def reorganise(self, depth: int) -> None:
        """Undo what the newest `depth` blocks did: another fork has won."""
        since = self.blocks.head - depth + 1
        self.blocks.fork(since)
        for number, rental in list(self.rentals.items()):
            if rental.start >= since:
                del self.rentals[number]
                continue
            if rental.confirmed_at is not None and rental.confirmed_at >= since:
                rental.confirmed_at = None
            rental.ends = [one for one in rental.ends if one[0] < since]
            rental.paid = [one for one in rental.paid if one[0] < since]

    def number_next(self, number: int) -> None:
        """Give the next order this number: a fork that was undone had counted on."""
        self._next = number

    def rental(self, number: int, block: int) -> Rental | None:
        """An order as it stands at a block; None where the runtime has none (any more)."""
        found = self.rentals.get(number)
        return found if found is not None and found.exists(block) else None

    def of_machine(self, machine_id: str, block: int) -> list[Rental]:
        """The orders of a machine at a block."""
        return [one for one in self._at(block) if one.machine_id == machine_id]

    def of_renter(self, renter: str, block: int) -> list[Rental]:
        """The orders of a wallet at a block."""
        return [one for one in self._at(block) if one.renter == renter]

    def _at(self, block: int) -> Iterator[Rental]:
        return (one for one in self.rentals.values() if one.exists(block))
