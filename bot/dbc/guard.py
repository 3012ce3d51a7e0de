"""Who may be asked now: daemons left alone, nodes that stay silent, turns for the rest.

Each unanswered request costs a daemon one of its 1,024 slots for good (docs/dbc-api.md §1.6).
Decides by the time that passes, whatever the clock shows; knows neither HTTP nor the requests.
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from yarl import URL

from bot.clock import Clock
from bot.dbc.errors import DaemonDisconnected, Mode, NodeSilent, TooBusy
from bot.ids import NodeId


@dataclass(frozen=True, slots=True)
class Limits:
    """How much we ask of daemons and nodes, and how long we wait."""

    connect: timedelta = timedelta(seconds=3)
    read: timedelta = timedelta(seconds=35)  # the daemon's own limit is 30 s, but may never come
    turn: timedelta = timedelta(seconds=40)  # waiting for others' requests
    body: int = 1024 * 1024  # bytes of an answer: thousands of nodes, told by their daemon
    per_daemon: int = 16
    # A node works one by one; a second place keeps a slow read from blocking. Reads and changes
    # have places of their own: reads that a node leaves unanswered keep no change from being sent.
    per_node: int = 2
    silences: int = 3  # answers missed in a row before a node is left alone
    first_pause: timedelta = timedelta(seconds=30)
    longest_pause: timedelta = timedelta(minutes=5)
    quarantine: timedelta = timedelta(seconds=60)  # after `broadcast request failed`
    avoid: timedelta = timedelta(seconds=15)  # after a failed connection, others come first


class Daemon:
    """One daemon: its address, its health, its turns."""

    def __init__(self, url: str, clock: Clock, limits: Limits) -> None:
        parsed = URL(url)
        if parsed.scheme not in {"http", "https"} or not parsed.host:
            raise ValueError("a DBC daemon's address looks like http://127.0.0.1:5050")
        self.url = url.rstrip("/")
        self._clock = clock
        self._limits = limits
        self._alone_until: timedelta | None = None
        self._avoid_until: timedelta | None = None
        self._all = asyncio.Semaphore(limits.per_daemon)
        self._nodes: defaultdict[tuple[str, Mode], asyncio.Semaphore] = defaultdict(
            lambda: asyncio.Semaphore(limits.per_node)
        )
        self._kinds: defaultdict[tuple[str, str], asyncio.Lock] = defaultdict(asyncio.Lock)

    @property
    def is_left_alone(self) -> bool:
        """Whether it has lost its network less than a minute ago."""
        return self._alone_until is not None and self._clock.monotonic() < self._alone_until

    @property
    def is_avoided(self) -> bool:
        """Whether it could not be reached a moment ago."""
        return self._avoid_until is not None and self._clock.monotonic() < self._avoid_until

    def lost_network(self) -> None:
        """It said `broadcast request failed`: leave it alone."""
        self._alone_until = self._clock.monotonic() + self._limits.quarantine

    def unreachable(self) -> None:
        """It could not be reached: prefer others for a moment."""
        self._avoid_until = self._clock.monotonic() + self._limits.avoid

    @asynccontextmanager
    async def turn(self, node_id: NodeId, kind: str, mode: Mode) -> AsyncIterator[None]:
        """Hold a place among the pending requests. Raises TooBusy after waiting too long.

        Two requests of one kind at a silent node make one of them hang for ever (§1.6.6), so
        those wait for each other.
        """
        async with AsyncExitStack() as held:
            try:
                async with asyncio.timeout(self._limits.turn.total_seconds()):
                    if node_id:
                        await held.enter_async_context(self._kinds[node_id, kind])
                        await held.enter_async_context(self._nodes[node_id, mode])
                    await held.enter_async_context(self._all)
            except TimeoutError:
                raise TooBusy(mode=mode) from None
            yield


def choose(daemons: Sequence[Daemon], mode: Mode) -> list[Daemon]:
    """The daemons to ask, best first: one for a change, all in turn for a read.

    Raises DaemonDisconnected if all are being left alone.
    """
    usable = [daemon for daemon in daemons if not daemon.is_left_alone]
    if not usable:
        raise DaemonDisconnected(mode=mode)
    usable.sort(key=lambda daemon: daemon.is_avoided)
    return usable[:1] if mode is Mode.CHANGE else usable


@dataclass(slots=True)
class _Silence:
    missed: int = 0
    pause: timedelta = timedelta()
    until: timedelta | None = None  # by the monotonic clock
    probing: bool = False


@dataclass(frozen=True, slots=True)
class Silence:
    """A node that did not answer lately: its last answer, and until when it is not asked again.

    Either is None where that is not known, or not so.
    """

    last_answer: datetime | None
    until: datetime | None


@dataclass(slots=True)
class Breaker:
    """Stops reads from nodes that stay silent: growing pauses, one request to try at a time."""

    clock: Clock
    limits: Limits
    _nodes: defaultdict[str, _Silence] = field(default_factory=lambda: defaultdict(_Silence))
    _answered: dict[str, datetime] = field(default_factory=dict)  # when each last did
    _back: set[NodeId] = field(default_factory=set)  # answered again, and nobody was told yet

    def check(self, node_id: NodeId, mode: Mode) -> None:
        """Raise NodeSilent if a read must wait. Changes are a person's own decision and pass."""
        node = self._nodes.get(node_id)
        if node is None or node.until is None or mode is Mode.CHANGE:
            return
        if node.probing or self.clock.monotonic() < node.until:
            raise NodeSilent(mode=mode, until=self._retry(node))

    def silence(self, node_id: NodeId) -> Silence | None:
        """How a node keeps silent; None for one that answered when it was last asked."""
        node = self._nodes.get(node_id)
        if node is None or not node.missed:
            return None
        return Silence(self._answered.get(node_id), self._retry(node))

    def last_answer(self, node_id: NodeId) -> datetime | None:
        """When a node last answered, as far as this process knows."""
        return self._answered.get(node_id)

    def came_back(self) -> frozenset[NodeId]:
        """The nodes that have answered after a silence, or for the first time; each told once."""
        back = frozenset(self._back)
        self._back.clear()
        return back

    def ask_again(self, node_id: NodeId) -> None:
        """Let the next read try a silent node at once, unless one is trying it right now."""
        node = self._nodes.get(node_id)
        if node is not None and node.until is not None and not node.probing:
            node.until = self.clock.monotonic()

    def _retry(self, node: _Silence) -> datetime | None:
        """When the pause of a node ends, by the clock."""
        left = node.until - self.clock.monotonic() if node.until is not None else timedelta()
        return self.clock.now() + left if left > timedelta() else None

    def enter(self, node_id: NodeId, mode: Mode) -> bool:
        """Start a request; says whether it is the one that tries a silent node again."""
        self.check(node_id, mode)
        node = self._nodes.get(node_id)
        if node is None or node.until is None or mode is Mode.CHANGE:
            return False
        node.probing = True
        return True

    def leave(self, node_id: NodeId, *, probe: bool, silent: bool, answered: bool) -> None:
        """Say what came of it. Neither silent nor answered: the request never reached the node."""
        if answered or not node_id:
            was_silent = self._nodes.pop(node_id, None) is not None
            if node_id and (was_silent or node_id not in self._answered):
                self._back.add(node_id)
            self._answered[node_id] = self.clock.now()
            return
        node = self._nodes[node_id]
        if probe:
            node.probing = False
        if silent:
            self._miss(node, probe=probe)

    def _miss(self, node: _Silence, *, probe: bool) -> None:
        node.missed += 1
        already_paused = node.until is not None and self.clock.monotonic() < node.until
        if node.missed < self.limits.silences or (already_paused and not probe):
            return
        node.pause = min(max(node.pause * 2, self.limits.first_pause), self.limits.longest_pause)
        node.until = self.clock.monotonic() + node.pause
