"""Whether what answers again goes on doing so: what comes and goes is one outage, not many."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from bot.clock import Clock
from bot.ids import NodeId
from bot.model import Kept

_LATELY = timedelta(hours=1)
_LONGER = timedelta(minutes=10)  # without a break, for each time that it was said lately
_LONGEST = timedelta(minutes=30)


class Steadiness:
    """Knows when nodes were last silent, and when it was told that they are back.

    In memory: after a restart of the bot the next answer is believed at once.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._silent_at: dict[NodeId, timedelta] = {}
        self._told_at: defaultdict[NodeId, list[timedelta]] = defaultdict(list)

    def silent(self, nodes: Iterable[NodeId]) -> None:
        """They keep silent now."""
        self._silent_at.update(dict.fromkeys(nodes, self._clock.monotonic()))

    def told(self, nodes: Iterable[NodeId]) -> None:
        """People were told that they are back, by whichever process."""
        for node in nodes:
            self._told_at[node].append(self._clock.monotonic())

    def lasts(self, node: NodeId) -> timedelta:
        """For how long one has to answer until it is told that it is back."""
        now = self._clock.monotonic()
        told = [at for at in self._told_at.pop(node, ()) if now - at < _LATELY]
        if told:
            self._told_at[node] = told
        return _after(told)

    def is_back(self, node: NodeId) -> bool:
        """Whether one that answers has done so for long enough."""
        silent_at = self._silent_at.get(node)
        return silent_at is None or self._clock.monotonic() - silent_at >= self.lasts(node)


def lasts(machine: Kept, now: datetime) -> timedelta:
    """For how long a machine has to be otherwise than it was told to be, until that is told."""
    return _after(_lately(machine, now)) if machine.episode else timedelta()


def turned(machine: Kept, now: datetime) -> str:
    """When it was told lately that a machine is back, or otherwise again, with this time."""
    told = [*_lately(machine, now), *([now] if machine.episode else [])]
    return " ".join(str(int(at.timestamp())) for at in told)


def to_last(turns: str) -> timedelta:
    """For how long the next change of a machine has to last that turned at these times."""
    return _after(turns.split())


def _lately(machine: Kept, now: datetime) -> list[datetime]:
    told = [datetime.fromtimestamp(int(at), now.tzinfo) for at in machine.turns.split()]
    return [at for at in told if timedelta() <= now - at < _LATELY]


def _after(told: Sequence[object]) -> timedelta:
    return min(len(told) * _LONGER, _LONGEST)
