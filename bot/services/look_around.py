"""Brings what is known here of nodes and machines up to date, whether or not anybody asks."""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import timedelta

import structlog

from bot.clock import Clock
from bot.dbc.client import DbcClient
from bot.errors import BotError
from bot.ids import NodeId
from bot.model import DbcSession
from bot.services.catalogue import Sightings
from bot.services.inventory import Inventory
from storage import Store

_SOON = timedelta(seconds=15)  # less than one refreshment after the other
# Nodes: half of a daemon's places are left for what people wait for. One after the other, twenty
# that fall silent at once would take half an hour to be known as that, 35 s each and three times.
_SIDE_BY_SIDE = 8

log = structlog.get_logger()


class LookAround:
    """A few nodes side by side: what nobody waits for must not keep a daemon busy."""

    def __init__(
        self, store: Store, dbc: DbcClient, inventory: Inventory, sightings: Sightings, clock: Clock
    ) -> None:
        self._store = store
        self._dbc = dbc
        self._inventory = inventory
        self._sightings = sightings
        self._clock = clock
        self._looking = asyncio.Lock()

    async def everywhere(self) -> None:
        """Bring the picture up to date, one request per person and node; problems are logged."""
        async with self._looking:
            await self._machines()

    async def closer(self) -> None:
        """Look at disks, images and the like, where that was long ago."""
        await self._sightings.refresh()

    async def at_new_sessions(self) -> None:
        """List what sessions show with which this process has not asked yet."""
        if self._looking.locked():  # that asks with all of them
            return
        async with self._looking:
            held = (await self._store.known()).held
            new = [one for own in held.values() for one in own.values()]
            await self._list(one for one in new if not self._inventory.lists.has_asked(one))

    async def _machines(self) -> None:
        """Where a machine is followed, its node is about to be asked anyway."""
        try:
            await self._inventory.refresh_all_nodes()
        except BotError as problem:
            log.info("inventory.nodes_not_listed", problem=problem.sentence)
        async with self._store.browse() as tx:
            followed = await tx.watches.looked_at_before(self._clock.now() + _SOON)
        held = (await self._store.known()).held
        sessions = [one for own in held.values() for one in own.values()]
        await self._list(one for one in sessions if (one.user, one.node) not in followed)

    async def _list(self, sessions: Iterable[DbcSession]) -> None:
        found: dict[NodeId, list[DbcSession]] = defaultdict(list)
        for session in await self._inventory.of_gpu_nodes(sessions):
            found[session.node].append(session)
        turns = asyncio.Semaphore(_SIDE_BY_SIDE)

        async def in_turn(node: NodeId, some: Sequence[DbcSession]) -> None:
            async with turns:
                await self._list_at(node, some)

        await asyncio.gather(*(in_turn(*one) for one in found.items()))

    async def _list_at(self, node: NodeId, sessions: Sequence[DbcSession]) -> None:
        for session in sessions:
            silence = self._dbc.silence(node)
            if silence is None or silence.until is None:  # else it is asked when that was told
                await self._inventory.list_node(session)
