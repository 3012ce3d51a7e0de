"""Which nodes and daemons answer, as this process hears by the requests that are made anyway."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.clock import Clock
from bot.dbc.transport import Call, Reach
from bot.ids import NodeId
from bot.model import DAEMONS

# So often in a row nobody answers by chance.
_TIMES = 3
# The longest pause between two requests to a silent node, and the time that one takes.
_RECENT = timedelta(minutes=7)


@dataclass(slots=True)
class _Heard:
    answered_at: datetime | None = None
    missed_at: datetime | None = None
    missed: int = 0  # since it answered last


class Attendance:
    """Counts answers and silence; `DAEMONS` stands for whichever daemon was asked."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._heard: defaultdict[NodeId, _Heard] = defaultdict(_Heard)

    def note(self, call: Call) -> None:
        """Hear what came of a request."""
        reach = call.reach
        if reach is Reach.UNCLEAR and not call.node:
            reach = Reach.NOWHERE
        if reach is Reach.NOWHERE:
            self._missed(DAEMONS)
        elif reach is not Reach.UNCLEAR:
            self._answered(DAEMONS)
        if call.node and reach is Reach.NODE:
            self._answered(call.node)
        elif call.node and reach in {Reach.DAEMON, Reach.UNCLEAR}:
            self._missed(call.node)

    def answered_at(self, node: NodeId) -> datetime | None:
        """When it last answered this process."""
        return self._heard[node].answered_at

    def has_missed(self, node: NodeId) -> bool:
        """Whether it left several requests in a row unanswered, and nobody has heard it since."""
        return self._heard[node].missed >= _TIMES

    def is_silent(self, node: NodeId) -> bool:
        """The same where the last one was lately: a node that nobody asks may answer by now."""
        missed_at = self._heard[node].missed_at
        if missed_at is None or not self.has_missed(node):
            return False
        return self._clock.now() - missed_at < _RECENT

    def _answered(self, node: NodeId) -> None:
        self._heard[node] = _Heard(self._clock.now())

    def _missed(self, node: NodeId) -> None:
        heard = self._heard[node]
        heard.missed, heard.missed_at = heard.missed + 1, self._clock.now()
