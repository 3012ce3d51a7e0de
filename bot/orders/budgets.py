"""How much of each budget is spent this month, and the warnings of it.

A job counts it once a minute; decisions go by what it has counted, and wait for no chain.

What counts is what the machines cost that were made by its people, in its channels: their shares of
the blocks of the month so far, as `cost` shows them. What no machine held counts for nobody.
"""

import asyncio
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Protocol

import structlog

from bot.chain.errors import ChainError
from bot.clock import Clock, shown
from bot.ids import ChannelId, UserId
from bot.messages.wishes import quiet_until
from bot.model import Place
from bot.orders.amounts import both
from bot.orders.costs import NOTHING, Amount, For, Part
from bot.orders.months import Month, block_at, milliseconds, month_of
from bot.orders.orders import Orders
from bot.orders.reports import Account
from bot.orders.schedule import head_at
from bot.reply import (
    Line,
    Note,
    Para,
    Reply,
    Text,
    any_of,
    bold,
    channel,
    command,
    dump,
    emoji,
    line,
    mention,
    say,
)
from storage import Store

_FRESH = timedelta(minutes=1)
_HOLDS = timedelta(minutes=5)  # so long decisions go by what was counted
_MICRO, _PLANCK = 10**6, 10**15  # of a USD, of a DBC

log = structlog.get_logger()


class Budget(Protocol):
    """A budget as the rules have it."""

    @property
    def name(self) -> str:
        """What it is called."""

    @property
    def person(self) -> Sequence[str]:
        """Whose machines count; empty: anybody's."""

    @property
    def channel(self) -> Sequence[str]:
        """The channels in which they were made; empty: any."""

    @property
    def usd(self) -> int | None:
        """What they may cost in a month."""

    @property
    def dbc(self) -> int | None:
        """The same in DBC."""

    @property
    def warn(self) -> int:
        """The share that is told of, in percent."""


@dataclass(frozen=True, slots=True)
class Standing:
    """What of a budget is spent. Of one that is not `is_complete`, what some rental cost lacks."""

    budget: Budget
    spent: Amount
    is_complete: bool = True

    @property
    def percent(self) -> int:
        """How much of it, rounded down: a budget is spent when all of it is."""
        if self.budget.usd is not None:
            return self.spent.micro * 100 // (self.budget.usd * _MICRO)
        return self.spent.planck * 100 // ((self.budget.dbc or 1) * _PLANCK)

    @property
    def is_spent(self) -> bool:
        """Whether all of it is."""
        return self.percent >= 100

    @property
    def limit(self) -> Text:
        """`500.00 USD`."""
        if self.budget.usd is not None:
            return say("{amount} USD", amount=_whole(self.budget.usd))
        return say("{amount} DBC", amount=_whole(self.budget.dbc or 0))

    @property
    def counts(self) -> Text:
        """What counts in it: `machines that @ada or @bob made in #gpu-ops`."""
        people = any_of(line(mention(UserId(one))) for one in self.budget.person)
        rooms = any_of(line(channel(ChannelId(one))) for one in self.budget.channel)
        if not rooms:
            return say("machines that {people} made", people=people)
        if not people:
            return say("machines made in {channels}", channels=rooms)
        return say("machines that {people} made in {channels}", people=people, channels=rooms)

    @property
    def told(self) -> Line:
        """`412.30 USD · 8,100.00 DBC of 500 USD (82 %)`."""
        of = say("of {limit} ({percent} %)", limit=self.limit, percent=self.percent)
        lacks = () if self.is_complete else (" ", say("(incomplete)"))
        return line(both(self.spent), *lacks, " ", of)

    def concerns(self, person: UserId, channel: ChannelId) -> bool:
        """Whether it is a budget of a person, or of a channel."""
        return person in self.budget.person or channel in self.budget.channel


@dataclass(frozen=True, slots=True)
class _Count:
    """What was spent of the budgets of some rules in a month, and when that was counted."""

    budgets: Sequence[Budget]
    month: Month
    at: timedelta
    standings: Sequence[Standing]


def _whole(amount: int) -> str:
    """`1,500`."""
    return f"{amount:,}"


class Budgets:
    """Knows what is spent. `budgets` gives those of the rules in force."""

    def __init__(
        self, store: Store, orders: Orders, clock: Clock, budgets: Callable[[], Sequence[Budget]]
    ) -> None:
        self._store = store
        self._orders = orders
        self._clock = clock
        self._budgets = budgets
        self._count: _Count | None = None
        self._counting = asyncio.Lock()

    async def over(self) -> frozenset[str]:
        """The names of those that are spent, as last counted; asks the chain nothing.

        Where nothing is counted yet for these rules in this month, or long ago, the books tell.
        """
        if not self._is_on:
            return frozenset()
        count = self._still(_HOLDS) or await self._counted(None)
        return frozenset(one.budget.name for one in count.standings if one.is_spent)

    async def standings(self, head: int) -> Sequence[Standing]:
        """All of them as of the newest block, as the sums beside them; none without a chain."""
        if not self._is_on:
            return ()
        return await self._standings(self._budgets(), self._month(), head)

    async def look(self) -> None:
        """Tell of those that are nearly spent, or spent, once a month each."""
        if not self._is_on:
            return
        count = await self._now()
        for one in count.standings:
            shares = [share for share in (one.budget.warn, 100) if one.percent >= share]
            if shares:
                await self._tell(one, shares[-1], count.month)

    @property
    def _is_on(self) -> bool:
        return bool(self._budgets()) and self._orders.chain.is_on

    def impairments(self) -> tuple[Text, ...]:
        """That budgets count nothing, for the operator."""
        if self._budgets() and not self._orders.chain.is_on:
            return (say("Budgets count nothing: CHAIN_RPC_URLS is not set."),)
        return ()

    def _month(self) -> Month:
        return month_of(shown(self._clock, self._clock.now()))

    # Counting

    def _still(self, within: timedelta) -> _Count | None:
        """What was counted within a time, if it is of these rules and of this month."""
        count = self._count
        if count is None or count.budgets is not self._budgets() or count.month != self._month():
            return None
        return count if self._clock.monotonic() - count.at < within else None

    async def _now(self) -> _Count:
        return self._still(_FRESH) or await self._counted(await self._newest())

    async def _counted(self, newest: int | None) -> _Count:
        """Count, up to the newest block, unless somebody has just done it."""
        async with self._counting:
            if (count := self._still(_FRESH)) is not None:
                return count
            budgets, month = self._budgets(), self._month()
            at = self._clock.monotonic()
            standings = await self._standings(budgets, month, newest)
            self._count = _Count(budgets, month, at, standings)
            return self._count

    async def _newest(self) -> int | None:
        """The newest block; None where no node of the chain tells."""
        try:
            return (await self._orders.chain.view()).newest.number
        except ChainError:
            return None

    async def _standings(
        self, budgets: Sequence[Budget], month: Month, newest: int | None
    ) -> list[Standing]:
        stretch = await self._stretch(month, newest)
        if stretch is None:
            return [Standing(one, NOTHING) for one in budgets]
        since, until = stretch
        async with self._store.read() as tx:
            orders = await tx.orders.after(since)
            ids = [order.id for order in orders]
            payments, uses = await tx.money.payments(ids), await tx.money.uses(ids, since)
        spent: dict[Part, Amount] = {}
        odd = self._orders.odd
        is_complete = not odd.new
        for order in orders:
            account = Account(
                order,
                tuple(one for one in payments if one.order == order.id),
                tuple(one for one in uses if one.order == order.id),
                is_open=True,
            )
            is_read = account.is_known(until) and order.id not in odd.known
            is_complete = is_complete and (is_read or not account.uses)
            for part, amount in account.cost(since, until).parts.items():
                spent[part] = spent.get(part, NOTHING) + amount
        return [Standing(one, _sum_of(one, spent), is_complete) for one in budgets]

    async def _stretch(self, month: Month, newest: int | None) -> tuple[int, int] | None:
        """The month so far in blocks; None where nothing is written down yet."""
        async with self._store.read() as tx:
            last = await tx.money.last_block()
            edge = await tx.money.around(milliseconds(month.begins))
            orders = await tx.orders.open()
        since = block_at(milliseconds(month.begins), *edge)
        if since is None or last is None:
            return None
        if newest is None:
            now = shown(self._clock, self._clock.now())
            newest = max([last.block, *(head_at(one, now) for one in orders)])
        return since, max(since, newest)

    # Telling

    async def _tell(self, one: Standing, share: int, month: Month) -> None:
        people, channels = one.budget.person, one.budget.channel
        places = [Place.direct(UserId(user)) for user in people]
        places += [Place(ChannelId(channel)) for channel in channels]
        reply, now = _warning(one, share, month), self._clock.now()
        keys = {_key(one, share, month, place): place for place in places}
        async with self._store.read() as tx:
            new = [key for key in keys if await tx.messages.find(key) is None]
        if new:
            await self._put(new, keys, reply, now)
            log.info("budget.told", budget=one.budget.name, percent=one.percent)

    async def _put(
        self, new: Collection[str], keys: dict[str, Place], reply: Reply, now: datetime
    ) -> None:
        async with self._store.write() as tx:
            for key in new:
                if await tx.messages.find(key) is None:  # another replica may have been faster
                    place = keys[key]
                    held = await quiet_until(tx, place.channel, now)
                    await tx.messages.put(key, place, dump(reply), now, held_until=held)


def _sum_of(budget: Budget, spent: dict[Part, Amount]) -> Amount:
    return sum(
        (
            amount
            for part, amount in spent.items()
            if part.what is For.MACHINE
            and (not budget.person or part.maker in budget.person)
            and (not budget.channel or part.channel in budget.channel)
        ),
        start=NOTHING,
    )


def _key(one: Standing, share: int, month: Month, place: Place) -> str:
    """A warning is told once a month, and anew where the budget itself is another one."""
    about = f"{one.budget.name}\0{one.budget.usd}\0{one.budget.dbc}"
    return f"budget:{sha256(about.encode()).hexdigest()[:12]}.{month}.{share}.{place.channel}"


def _warning(one: Standing, share: int, month: Month) -> Reply:
    name = bold(one.budget.name)
    if share == 100:
        told = say("Budget {name} is spent for {month}: {spent}.",
                   name=name, month=str(month), spent=one.told)  # fmt: skip
        what = say(
            "Creating a machine, starting one and adding GPUs now need approval. Machines that run "
            "keep running, and keep costing."
        )
    else:
        told = say("Budget {name} for {month} is nearly spent: {spent}.",
                   name=name, month=str(month), spent=one.told)  # fmt: skip
        what = say("Once it is spent, what makes cost grow needs approval.")
    more = line(what, " ", say("See: {command}", command=command("cost machine")))
    return Reply(line(told), (Para(line(emoji("moneybag"), " ", told)), Note(more)))
