"""Blocks by the clock: which is the newest, when each was made, how each is called.

A block is made every 6 s at most: empty slots make it slower, a halt stops it. Knows no rentals.
"""

import hashlib
import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

SLOT = timedelta(seconds=6)
FINALIZED_BEHIND = 3  # blocks
GENESIS = 9_000_000  # the sandbox's first block, so that numbers look like the real ones


class Clock(Protocol):
    """Tells the time."""

    def now(self) -> datetime:
        """The present moment, aware, in UTC."""
        ...


@dataclass
class _Stretch:
    """From `since` on blocks are made every `every`, beginning behind block `number`."""

    since: datetime
    number: int
    every: timedelta | None  # None: the chain stands still


class Blocks:
    """The chain's blocks. `clock` is whatever the scene goes by.

    Other networks have blocks of the same numbers, but none of the same name.
    """

    def __init__(self, clock: Clock, genesis: int = GENESIS, network: str = "") -> None:
        self._clock = clock
        self._network = network
        self._numbers: dict[str, int] = {}  # by hash, of those that were ever named
        self.genesis = genesis
        self._stretches = [_Stretch(clock.now(), genesis, SLOT)]
        self._forks: list[tuple[int, int]] = []  # from which block on, at which count
        self.finality_stuck_at: int | None = None

    @property
    def head(self) -> int:
        """The newest block's number."""
        last, now = self._stretches[-1], self._clock.now()
        if last.every is None:
            return last.number
        return last.number + max(0, (now - last.since) // last.every)

    @property
    def finalized(self) -> int:
        """The newest block that no fork can undo."""
        newest = max(self.genesis, self.head - FINALIZED_BEHIND)
        return newest if self.finality_stuck_at is None else min(newest, self.finality_stuck_at)

    def empty_slots(self, share: float) -> None:
        """Let so many slots stay empty from now on, between 0 and 1: blocks come more slowly."""
        self._go_on(SLOT / (1 - share))

    def halt(self) -> None:
        """Make no more blocks until `resume`."""
        self._go_on(None)

    def resume(self) -> None:
        """Make blocks again."""
        self._go_on(SLOT)

    def _go_on(self, every: timedelta | None) -> None:
        head = self.head
        last = self._stretches[-1]
        # A block that was made keeps its moment; the next one comes a whole interval after it.
        since = self.made_at(head) if last.every is not None else self._clock.now()
        self._stretches.append(_Stretch(since, head, every))

    def made_at(self, number: int) -> datetime:
        """When a block was made."""
        stretch = self._stretches[0]
        for one in self._stretches:
            if one.number < number:
                stretch = one
        if stretch.every is None:
            return stretch.since
        return stretch.since + (number - stretch.number) * stretch.every

    def until(self, number: int) -> timedelta:
        """How long it takes from now until that block is made, as blocks come at present."""
        last = self._stretches[-1]
        if last.every is None:
            raise ValueError("the chain stands still")
        left = last.since + (number - last.number) * last.every - self._clock.now()
        return max(timedelta(), left)

    def fork(self, since: int) -> None:
        """Let other blocks stand in the place of those from `since` on."""
        if since <= self.finalized:
            raise ValueError("a finalized block is never undone")
        self._forks.append((since, len(self._forks) + 1))

    def hash_of(self, number: int) -> str:
        """What a block is called; another one after a fork."""
        salt = max((count for since, count in self._forks if number >= since), default=0)
        named = f"{self._network}{salt}:{number}"
        found = "0x" + hashlib.sha256(named.encode()).hexdigest()
        self._numbers[found] = number
        return found

    def number_of(self, block_hash: str, newest: int) -> int | None:
        """The number of a block up to `newest`, however old; None if it is none of ours."""
        number = self._numbers.get(block_hash)
        if number is None or number > newest or self.hash_of(number) != block_hash:
            return None
        return number


def milliseconds(at: datetime) -> int:
    """A moment as the chain keeps it."""
    return math.floor(at.timestamp() * 1000)
