"""Which node of the chain can be believed: each one's head, held to its past and to the others'.

A node that stands still makes every countdown look fine, and one that lies ends every order. So a
head counts only while it moves, at the pace that a chain can have, and together with the others.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

SLOT = timedelta(seconds=6)  # no chain of ours makes blocks faster, on average
STANDS_STILL = timedelta(seconds=60)
APART = 10  # blocks that two healthy nodes may differ by
# A block's moment is its author's clock, and this machine's may be off as well; what is farther
# away than this is a node that is still catching up, or one that invents blocks.
_FARTHEST = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Block:
    """A block: its number, its hash, and its own time."""

    number: int
    hash: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Head:
    """What one node says of the newest block and of the newest that is final."""

    url: str
    best: Block
    final: Block


class Pulse:
    """What is remembered of one node's head: when it moved last, on the clock that is never set."""

    def __init__(self) -> None:
        self._number: int | None = None
        self._moved_at: timedelta | None = None
        self._first: tuple[int, timedelta] | None = None

    def fault(self, head: Head, now: datetime, passed: timedelta) -> str:
        """Why this head cannot be believed by itself; empty where it can."""
        number, known = head.best.number, self._number
        if head.final.number > number:
            return "its final block is newer than its newest"
        if self._first is None:
            self._first = (number, passed)
        first, since = self._first
        if number > first + (passed - since) / SLOT + 2 * APART:
            self._first = None  # it may have been down: measured anew from here
            return "its blocks come faster than blocks can"
        is_fresh = abs(now - head.best.at) <= STANDS_STILL
        if known is None:
            self._number, self._moved_at = number, passed if is_fresh else None
        elif number != known:
            self._number, self._moved_at = number, passed
        if abs(now - head.best.at) > _FARTHEST:
            return "its newest block is not of this hour"
        if self._moved_at is None or passed - self._moved_at >= STANDS_STILL:
            return "its head does not move"
        return ""


def agreeing(heads: Sequence[Head]) -> list[Head]:
    """Those of the heads that stand together, the highest first; empty where nobody can tell.

    Of two groups the larger one counts. Of two alike the higher, where the blocks that the other
    one lacks took the time that blocks take: then it is merely behind.
    """
    ordered = sorted(heads, key=lambda head: head.best.number, reverse=True)
    groups = [
        [one for one in ordered if abs(one.best.number - of.best.number) <= APART] for of in ordered
    ]
    most = max((len(group) for group in groups), default=0)
    largest = [group for group in groups if len(group) == most]
    if not largest:
        return []
    highest, lowest = largest[0][0].best, largest[-1][-1].best
    lacks = highest.number - lowest.number
    if lacks > APART and highest.at - lowest.at < lacks * SLOT / 2:
        return []
    return largest[0]
