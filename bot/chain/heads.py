"""Which node of the chain can be believed: each one's head, held to its past and to the others'.

A node that stands still makes every countdown look fine, and one that lies ends every order. So a
head counts only while it moves, at the pace that a chain can have, and together with the others:
no node is ever believed against another one, but by a majority.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

SLOT = timedelta(seconds=6)  # no chain of ours makes blocks faster, on average
STANDS_STILL = timedelta(seconds=60)
APART = 10  # blocks that two healthy nodes may differ by
# A block is final after a few others. Where finality stands still, so many blocks stand for it.
DEEP = 100
# A block's moment is its author's clock, and this machine's may be off as well; what is farther
# away than this is a node that is still catching up, or one that invents blocks.
FARTHEST = timedelta(minutes=10)
_AHEAD = timedelta(seconds=30)  # that an author's clock may be, of what another node shows


@dataclass(frozen=True, slots=True)
class Block:
    """A block: its number, its hash, and its own time."""

    number: int
    hash: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Head:
    """What one node says of the newest block and of the newest that is final.

    `genesis` names the network. `is_stuck`: finality is far behind, and `final` is a block that is
    merely deep.
    """

    url: str
    genesis: str
    best: Block
    final: Block
    is_stuck: bool = False


class Pulse:
    """What is remembered of one node's head: when it moved last, on the clock that is never set."""

    def __init__(self) -> None:
        self._number: int | None = None
        self._moved_at: timedelta | None = None
        self._first: Head | None = None
        self._known_since = timedelta()

    def fault(self, head: Head, now: datetime, world: datetime, passed: timedelta) -> str:
        """Why this head cannot be believed by itself; empty where it can.

        `now` is this machine's time and `world` what it is by `present`.
        """
        best, known = head.best, self._number
        if head.final.number > best.number:
            return "its final block is newer than its newest"
        if self._first is None or self._first.genesis != head.genesis:
            self._first, self._known_since, known = head, passed, None
        if best.number > most_by(self._first.best, best.at):
            return "its blocks come faster than blocks can"
        is_fresh = abs(now - best.at) <= STANDS_STILL
        if known is None:
            self._number, self._moved_at = best.number, passed if is_fresh else None
        elif best.number != known:
            self._number, self._moved_at = best.number, passed
        if abs(world - best.at) > FARTHEST:
            return "its newest block is not of this hour"
        if self._moved_at is None or passed - self._moved_at >= STANDS_STILL:
            return "its head does not move"
        return ""

    def is_new(self, passed: timedelta) -> bool:
        """Whether this head is known for too short a time to tell that it does not move."""
        is_known = self._first is not None and self._moved_at is None
        return is_known and passed - self._known_since < STANDS_STILL


def most_by(known: Block, at: datetime) -> int:
    """The highest number that a block of that time can have, from what is known of an older one."""
    return known.number + (at - known.at) // SLOT + 2 * APART


def present(heads: Sequence[Head], now: datetime) -> datetime:
    """What time it is: `now`, unless two nodes know of a later block or are of another hour."""
    if len(heads) < 2:
        return now
    second = sorted(head.best.at for head in heads)[-2]
    return second if second > now or now - second > FARTHEST else now


def ahead(heads: Sequence[Head], world: datetime) -> set[str]:
    """Which nodes name a block of the future, though others do not."""
    found = {head.url for head in heads if head.best.at > world + _AHEAD}
    return found if len(heads) > 1 else set()


def agreeing(heads: Sequence[Head]) -> list[Head]:
    """Those of the heads that stand together, the highest first; empty where nobody can tell.

    They are of one network, and count blocks alike: what one lacks, it will have in the time that
    blocks take. Who is behind is left out where most are not; else all are believed together.
    """
    ordered = sorted(heads, key=lambda head: head.best.number, reverse=True)
    alike = _most(ordered, [(one.genesis, _beat(one)) for one in ordered])
    return _most(alike, [("", one.best.number) for one in alike]) or alike


def _beat(head: Head) -> int:
    """Which number the block of a fixed moment has by this head; alike for all that tell truth."""
    return head.best.number - int(head.best.at.timestamp() // SLOT.total_seconds())


def _most(heads: Sequence[Head], places: Sequence[tuple[str, int]]) -> list[Head]:
    """More than half of the heads, in one place; none where they are scattered."""
    groups = [
        [
            other
            for other, there in zip(heads, places, strict=True)
            if there[0] == here[0] and abs(there[1] - here[1]) <= APART
        ]
        for here in places
    ]
    largest = max(groups, key=len, default=[])
    return largest if 2 * len(largest) > len(heads) else []
