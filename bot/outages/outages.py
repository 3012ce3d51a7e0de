"""All of it together, as the clockwork calls it and as the rules want it."""

from collections.abc import Callable, Collection
from typing import Protocol

from bot.chain.reader import ChainReader
from bot.clock import Clock
from bot.dbc.client import DbcClient
from bot.outages.attendance import Attendance
from bot.outages.drift import AfterEnd, Drift
from bot.outages.machine_departures import MachineDepartures
from bot.outages.rounds import Rounds, Wanted
from bot.outages.silences import Silences
from bot.outages.telling import Barred, Hidden, Offers, People
from bot.services.inventory import Inventory
from bot.services.last_known import LastKnown
from storage import Store


class Rules(Protocol):
    """What the site's rules say of it."""

    @property
    def nodes(self) -> bool:
        """Whether silent nodes are told of."""

    @property
    def machines(self) -> bool:
        """Whether changes outside the bot are."""

    @property
    def ssh(self) -> bool:
        """Whether SSH ports are tried."""

    @property
    def channel(self) -> str:
        """Where everybody is told; empty: nowhere."""


class Outages:
    """Looks once a minute, after the look around."""

    def __init__(
        self,
        store: Store,
        dbc: DbcClient,
        chain: ChainReader,
        inventory: Inventory,
        last_known: LastKnown,
        attendance: Attendance,
        hidden: Hidden,
        is_barred: Barred,
        offers: Offers,
        clock: Clock,
        rules: Callable[[], Rules],
        deletions: Collection[str],
        after_end: AfterEnd,
    ) -> None:
        people = People(store, hidden, is_barred, lambda: rules().channel, offers)
        self._silences = Silences(
            store, attendance, inventory, chain, people, clock, lambda: rules().nodes
        )
        self._rules = rules
        self._departures = MachineDepartures(store, inventory, people, clock)
        self._drift = Drift(
            store,
            dbc,
            inventory,
            people,
            clock,
            lambda: rules().machines,
            deletions,
            after_end,
        )
        self._rounds = Rounds(
            store, last_known, inventory, people, clock,
            lambda: Wanted(sizes=rules().machines, ports=rules().machines and rules().ssh),
        )  # fmt: skip

    async def look(self) -> None:
        """Write down and tell what has changed."""
        await self._silences.look()
        await self._rounds.look_at_rules()  # before everything is forgotten
        if self._rules().machines:  # before what nobody sees any more is forgotten
            await self._departures.look()
        await self._drift.look()
        await self._rounds.look()
