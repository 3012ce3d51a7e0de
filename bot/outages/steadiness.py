"""Whether what answers again goes on doing so: what comes and goes is one outage, not many."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import timedelta

from bot.clock import Clock
from bot.ids import NodeId

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
        """People were told that they are back."""
        for node in nodes:
            self._told_at[node].append(self._clock.monotonic())

    def is_back(self, node: NodeId) -> bool:
        """Whether one that answers has done so for long enough."""
        now = self._clock.monotonic()
        told = [at for at in self._told_at.pop(node, ()) if now - at < _LATELY]
        if not told:
            return True
        self._told_at[node] = told
        silent_at = self._silent_at.get(node)
        return silent_at is None or now - silent_at >= min(len(told) * _LONGER, _LONGEST)
