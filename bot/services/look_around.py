"""Brings what is known here of nodes and machines up to date, whether or not anybody asks."""

import asyncio
from collections.abc import Iterable
from datetime import timedelta

import structlog

from bot.clock import Clock
from bot.dbc.client import DbcClient
from bot.errors import BotError
from bot.model import DbcSession
from bot.services.catalogue import Sightings
from bot.services.inventory import Inventory
from storage import Store

_SOON = timedelta(seconds=15)  # less than one refreshment after the other

log = structlog.get_logger()


class LookAround:
    """One look after the other: what nobody waits for must not keep a daemon busy."""

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
        for session in await self._inventory.of_gpu_nodes(sessions):
            silence = self._dbc.silence(session.node)
            if silence is None or silence.until is None:  # else it is asked when that was told
                await self._inventory.list_node(session)
