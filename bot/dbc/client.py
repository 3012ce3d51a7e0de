"""The DBC client: one small client per area over one transport. The door for everyone else.

async with DbcClient(settings.dbc_client_urls, clock) as dbc:
    target = Target(node_id=node, credentials=SessionPair.of(session_id, sign))
    for machine in await dbc.tasks.list(target): ...
"""

from collections.abc import Awaitable, Callable, Sequence
from copy import copy
from datetime import datetime
from types import TracebackType
from typing import Self

from bot.clock import Clock
from bot.dbc.disks import Disks
from bot.dbc.endpoint import Caller
from bot.dbc.guard import Limits, Silence
from bot.dbc.images import Images
from bot.dbc.lans import Lans
from bot.dbc.metal import Metal
from bot.dbc.nodes import VERSION, Nodes
from bot.dbc.presence import Presence
from bot.dbc.snapshots import Snapshots
from bot.dbc.tasks import Tasks
from bot.dbc.transport import Announcing, Call, DryRun, Transport, ignore
from bot.dbc.would_send import WouldSend
from bot.ids import NodeId
from bot.redaction import Redactor


class Areas:
    """All operations of DBC, by area."""

    def __init__(self, caller: Caller, redactor: Redactor) -> None:
        self.nodes = Nodes(caller)
        self.tasks = Tasks(caller, redactor)
        self.disks = Disks(caller)
        self.snapshots = Snapshots(caller)
        self.images = Images(caller)
        self.lans = Lans(caller)
        self.metal = Metal(caller)


class DbcClient(Areas):
    """Calls to one or more DBC daemons.

    Reads fail over to the next daemon; a change is sent once, to one. Every failure is a DbcError
    (`bot.dbc.errors`): `surely_not_done` and `outcome_unknown` tell what may be said about it.
    `observe` is told of each request that was sent, with nothing secret. The `redactor` learns
    every secret that passes, and takes those it knows out of every text that comes in.
    """

    def __init__(
        self,
        urls: Sequence[str],
        clock: Clock,
        limits: Limits | None = None,
        observe: Callable[[Call], None] = ignore,
        redactor: Redactor | None = None,
    ) -> None:
        self._redactor = redactor or Redactor()
        self._transport = Transport(urls, clock, limits or Limits(), observe, self._redactor)
        super().__init__(self._transport, self._redactor)

    def silence(self, node_id: NodeId) -> Silence | None:
        """How a node keeps silent; None for one that answered when it was last asked."""
        return self._transport.breaker.silence(node_id)

    def last_answer(self, node_id: NodeId) -> datetime | None:
        """When a node last answered this process."""
        return self._transport.breaker.last_answer(node_id)

    def came_back(self) -> frozenset[NodeId]:
        """The nodes that have answered after a silence, or for the first time; each told once."""
        return self._transport.breaker.came_back()

    def ask_again(self, node_id: NodeId) -> None:
        """Let the next read try a silent node at once."""
        self._transport.breaker.ask_again(node_id)

    @property
    def presence(self) -> Presence:
        """Which daemons can be used."""
        return self._transport.presence

    async def look_at_daemons(self) -> None:
        """Ask those of which nothing was heard lately whether they are there."""
        await self._transport.look(VERSION)

    def dry_run(self, sent: list[WouldSend] | None = None) -> "DbcClient":
        """The same with every change stopped by WouldSend after all checks; reads work.

        With `sent`, changes are noted there, and those that DBC answers with a mere `ok` count as
        done, so that what would be sent after them is noted too.
        It shares this client's connections: there is nothing more to close.
        """
        dry = copy(self)
        Areas.__init__(dry, DryRun(self._transport, sent), self._redactor)
        return dry

    def announcing(self, announce: Callable[[], Awaitable[None]]) -> "DbcClient":
        """The same, awaiting `announce` just before each change is sent; if it raises, none is.

        It shares this client's connections: there is nothing more to close.
        """
        announcing = copy(self)
        Areas.__init__(announcing, Announcing(self._transport, announce), self._redactor)
        return announcing

    async def close(self) -> None:
        """Close all connections."""
        await self._transport.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()
