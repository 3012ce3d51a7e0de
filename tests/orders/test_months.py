"""Weeks of many orders: random ends, renewals, lapses, halts, outages, forks, lies and restarts.

Whatever happens: a confirmation is asked for before it is too late, a deletion is told six hours
before it at the latest, everything is told once, and nothing is told of what was renewed. Most
trouble lasts for minutes, some for days, over the end of an order: then nobody can read that.
A message counts once it is in the outbox; that this delivers it, and once, is shown elsewhere.

What was paid is in the books to the planck, although prices change. Excused is what the books call
an estimate: of a price that changed in the very block of the payment, or of a payment just before
the trouble of hours or days, as nobody keeps those blocks until it is over. Where the order has
ended by then, a renewal that nobody could read may be missing.

Processes are killed in the middle of a tick, at any of their steps with the database, also while
the machine's clock is wrong; the next one begins on the same file, and nothing was put in order.

In the environment, `RENTALS` is how many orders a world has (one every sixth of a day), and
`WORLDS` how many worlds are played, each by its own seed. The time that a world takes grows with
the square of its orders: `WORLDS=20 RENTALS=50` plays a thousand orders in a twentieth of the time
of `RENTALS=1000`, and twenty courses of events. Only the latter has half a year in one database.
"""

import os
import random
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from bot.chain.reader import ChainReader
from bot.clock import SteadyClock
from bot.dbc.client import DbcClient
from bot.ids import NodeId, UserId, new_id
from bot.model import Basis
from bot.orders.books import Books
from bot.orders.concerned import Concerned
from bot.orders.finding import Searched
from bot.orders.orders import Orders
from bot.pipeline.rehearsal import SilentMessenger, SilentOutbox
from bot.services.inventory import Inventory
from bot.services.last_known import LastKnown
from bot.services.sessions import Sessions
from sandbox.chain import Chain, Rental, RpcNode, answers
from sandbox.chain.blocks import SLOT
from sandbox.chain.ledger import FIXED_FEE
from sandbox.dbc import ManualClock, Wallet
from storage import Vault
from storage.heartbeat import Leases
from tests.clocks import MachineClock
from tests.databases import begin
from tests.orders.mortal_store import Killed, MortalStore

NODE = NodeId("58fb618aa482c41114eb3cfdaefd3ba183172da9e25251449d045043fbd37f45")
RENTER = Wallet.from_seed("a renter").address
WATCHER = "U0WATCHER"
HOUR, DAY, KEPT = 600, 14_400, 43_200
RENTALS = int(os.environ.get("RENTALS", "12"))
SEEDS = range(2, 2 + int(os.environ.get("WORLDS", "1")))  # in the first, all that may happen does
DAYS = max(6, RENTALS // 6)
# Thirds of a day that are rented at most: of a few rentals, most come to the deletion at their end.
LONGEST = 15 if RENTALS > 100 else 8
OFTEN = timedelta(seconds=30)  # between two looks, while something waits for its confirmation
LATE = timedelta(minutes=4)  # so late a busy bot may be
SELDOM = timedelta(minutes=9) + LATE  # at most so long an order is not looked at
DIES_WITHIN = 12  # steps with the database, of a tick that is cut


@dataclass(frozen=True)
class Said:
    """A message as it was first put, at the true time."""

    at: datetime
    channel: str
    content: str


@dataclass
class World:
    """The chain, two of its nodes, and a bot without a face that is restarted now and then."""

    clock: ManualClock
    chain: Chain
    rpc: list[RpcNode]
    url: str
    vault: Vault
    machine: MachineClock
    orders: Orders | None = None
    books: Books | None = None
    halted: timedelta = timedelta()
    unread: tuple[datetime, datetime] | None = None  # from when until when nothing could be read
    unread_block: int = 0  # the newest one when that began
    deaths: int = 0
    noted: int = 0  # the last message that was noted
    begun: list[tuple[Orders, MortalStore]] = field(default_factory=list)
    said: dict[str, Said] = field(default_factory=dict)  # by the message's key
    ends: dict[int, list[tuple[datetime, int]]] = field(default_factory=dict)

    async def start(self) -> None:
        """Begin anew on the same database, as the bot does: the former one ends nothing."""
        clock, by = SteadyClock(self.machine), new_id()
        store = MortalStore(self.url, self.vault)
        dbc = DbcClient(["http://127.0.0.1:1"], clock)
        inventory = Inventory(store, dbc, Sessions(store, dbc, clock), clock)
        leases = Leases(store, clock, by)
        outbox = SilentOutbox(store, SilentMessenger(), leases, clock, by)
        chain = ChainReader([node.url for node in self.rpc], clock)
        concerned = Concerned(
            store, LastKnown(store), inventory.lists.listed_at, _hides_nothing, _bars_nobody
        )
        self.orders = Orders(
            store, chain, concerned, inventory, outbox, clock, by, lambda: "", Searched()
        )
        self.books = Books(store, self.orders, inventory, LastKnown(store), clock)
        self.begun.append((self.orders, store))
        await store.migrate()
        await store.release_leases_of_others(by)
        if (known := await store.newest_moment()) is not None:
            clock.doubt(known)

    async def stop(self) -> None:
        """Let go of everything."""
        for orders, store in self.begun:
            await orders.chain.close()
            await store.close()

    async def looks(self) -> None:
        """One tick; what it has said is noted whether or not it came to its end."""
        assert self.orders is not None
        assert self.books is not None
        try:
            await self.orders.find_due()
            await self.orders.poll_due()
            await self.books.keep()
        finally:
            self._note_said()

    async def dies(self, steps: int) -> None:
        """A tick that is cut after so many steps, and a new process."""
        store = self.begun[-1][1]
        store.left = steps
        with suppress(Killed):
            await self.looks()
            self.deaths -= 1  # there was less to be done
        self.deaths += 1
        store.left = 0
        await self.start()

    async def until_due(self) -> timedelta:
        """How long there is nothing to do; what a clock that was ahead put off for hours is due."""
        async with self.begun[-1][1].read() as tx:
            due = [one.next_look_at - self.clock.now() for one in await tx.orders.open()]
        due = [left if left <= SELDOM else timedelta() for left in due]
        return max(timedelta(), min(due, default=LATE))

    def _note_said(self) -> None:
        with closing(sqlite3.connect(self.file)) as database:  # not as the bot reads: all of it
            rows = database.execute(
                "SELECT rowid, key, channel, content FROM messages WHERE rowid > ? ORDER BY rowid",
                (self.noted,),
            ).fetchall()
        for self.noted, key, channel, content in rows:
            self.said[key] = Said(self.clock.now(), channel, content)

    def payments(self) -> dict[int, list[dict[str, int | str]]]:
        """What is in the books, by the order's number."""
        with closing(sqlite3.connect(self.file)) as database:
            database.row_factory = sqlite3.Row
            rows = database.execute("SELECT * FROM order_payments ORDER BY begins").fetchall()
        found: dict[int, list[dict[str, int | str]]] = {}
        for row in rows:
            found.setdefault(int(row["order_id"].partition(".")[2]), []).append(dict(row))
        return found

    @property
    def file(self) -> str:
        """The database."""
        return self.url.partition("///")[2]

    def note_end(self, rental: Rental) -> None:
        """Remember from when on an order had which end."""
        self.ends.setdefault(rental.number, []).append((self.clock.now(), rental.end))


async def _hides_nothing(_: UserId) -> frozenset[str]:
    return frozenset()


async def _bars_nobody(_: UserId) -> bool:
    return False


@asynccontextmanager
async def world(data: Path) -> AsyncIterator[World]:
    """A chain that has run for an hour, and somebody who watches its renter."""
    begin(data / "bot.db")
    clock = ManualClock()
    chain = Chain(clock)
    chain.add_machine(NODE, 64)
    clock.advance(timedelta(hours=1))
    url = f"sqlite+aiosqlite:///{data}/bot.db"
    async with RpcNode(chain) as one, RpcNode(chain) as other:
        vault = Vault([Fernet.generate_key().decode()])
        made = World(clock, chain, [one, other], url, vault, MachineClock(clock))
        await made.start()
        async with made.begun[0][1].write() as tx:
            await tx.orders.watch(UserId(WATCHER), RENTER, clock.now())
        yield made
        await made.stop()


class Fate:
    """What happens: to be played by its own clock, the same for one seed."""

    def __init__(self, made: World, seed: int) -> None:
        self.world = made
        self.dice = random.Random(seed)
        self.more = random.Random(f"prices and deaths {seed}")
        self.priced: set[int] = {0}  # blocks at which the price changed
        self.waiting: dict[int, int] = {}  # order and block of its confirmation; 0: never
        self.bad_until: datetime | None = None
        self.bad_from = made.clock.now()  # the last trouble of any kind
        self.unseen: set[int] = set()  # confirmed in the trouble that began as they did
        self.odds = 1.0  # of all that may happen, by how long nothing could
        self.bad_since: datetime | None = None  # a halt
        self.long = timedelta()  # trouble of hours or days, once in a world
        self.resumed: datetime | None = None  # after a halt of hours
        self.stepped = timedelta()

    def _is_so(self, chance: float) -> bool:
        return self.dice.random() < chance * self.odds

    def happens(self) -> None:
        """What this moment brings."""
        if self.more.random() < 0.01:
            self.world.chain.avg_price = self.more.randrange(2_000, 40_000)
            self.priced.add(self.world.chain.blocks.head)
        world, dice, chain = self.world, self.dice, self.world.chain
        head = chain.blocks.head
        for number, block in list(self.waiting.items()):
            if block and head >= block:
                chain.confirm(number)
                if self.bad_until is not None and self.bad_from <= chain.blocks.made_at(
                    _start(world, number)
                ):
                    self.unseen.add(number)
                del self.waiting[number]
        if self.bad_until is not None and world.clock.now() >= self.bad_until:
            self._recovers()
        if self.bad_until is not None:
            return
        self._trouble()
        if self.bad_until is not None:
            self.bad_from = world.clock.now()
        for rental in [one for one in chain.of_renter(RENTER, head) if one.is_confirmed(head)]:
            if rental.end - head < 2 * DAY and self._is_so(0.002):
                chain.relet(rental.number, dice.randrange(1, 4) * DAY)
                world.note_end(rental)

    def _recovers(self) -> None:
        world, now = self.world, self.world.clock.now()
        if self.bad_since is not None:
            world.chain.blocks.resume()
            world.halted += now - self.bad_since
        world.machine.step(-self.stepped)
        self.bad_until, self.bad_since, self.stepped = None, None, timedelta()
        for node in world.rpc:
            node.down, node.stuck_at, node.finality_stuck_at = False, None, None
            node.lag = node.ahead = 0
            node.denies.clear()
            node.lies.clear()

    def _long_trouble(self) -> bool:
        """Whether the chain is unreadable for long from now on: just before the end of an order."""
        world, dice, chain = self.world, self.dice, self.world.chain
        head, now = chain.blocks.head, world.clock.now()
        mine = [one for one in chain.of_renter(RENTER, head) if one.is_confirmed(head)]
        near = [one for one in mine if 0 < one.end - head < 3 * HOUR]
        if self.long or self.waiting or not near or dice.random() > 0.15:
            return False
        lasts = timedelta(hours=70)  # until after the last warning of the deletion
        match dice.randrange(3):
            case 0:
                for node in world.rpc:
                    node.down = True
            case 1:
                lasts = timedelta(hours=3)
                chain.blocks.halt()
                self.bad_since, self.resumed = now, now + lasts
            case _:
                for one in mine:
                    told = answers.order(one, head)
                    world.rpc[1].lies[one.number] = {**told, "rentEnd": one.end + 30 * DAY}
        self.bad_until = now + lasts
        world.unread, world.unread_block = (now, self.bad_until), head
        self.long = lasts
        return True

    def _trouble(self) -> None:
        world, dice, chain = self.world, self.dice, self.world.chain
        roll, now = dice.random() / self.odds, world.clock.now()
        if self._long_trouble():
            return
        if roll < 0.002:
            self.bad_until = world.clock.now() + timedelta(minutes=dice.randrange(1, 7))
            for node in world.rpc:
                node.down = True
        elif roll < 0.004:
            world.rpc[0].stuck_at = chain.blocks.head
            self.bad_until = world.clock.now() + timedelta(minutes=20)
        elif roll < 0.008:
            chain.reorganise(2)
        elif roll < 0.009:
            chain.blocks.halt()
            self.bad_since, self.bad_until = now, now + timedelta(minutes=dice.randrange(1, 30))
        elif roll < 0.011:
            self.stepped = timedelta(hours=dice.choice((-5, -4, 3)))
            world.machine.step(self.stepped)
            self.bad_until = now + timedelta(hours=2)
        elif roll < 0.014:
            self._one_node_errs()
            self.bad_until = now + timedelta(minutes=dice.randrange(1, 7))

    def _one_node_errs(self) -> None:
        chain, dice, node = self.world.chain, self.dice, self.world.rpc[1]
        match dice.randrange(4):
            case 0:
                node.denies |= {one.number for one in chain.of_renter(RENTER, chain.blocks.head)}
            case 1:
                node.lag = dice.randrange(1, 80)
            case 2:
                node.ahead = dice.randrange(1, 80)
            case _:
                node.finality_stuck_at = chain.blocks.finalized

    def restarts(self) -> bool:
        """Whether the bot is killed now."""
        return self._is_so(0.005)

    def rents(self) -> None:
        """Somebody rents: most confirm it, some too late, some never."""
        blocks = self.dice.randrange(1, LONGEST + 1) * 4_800
        rental = self.world.chain.rent(RENTER, NODE, 1, blocks)
        self.world.note_end(rental)
        late = self.dice.randrange(1, 140)
        self.waiting[rental.number] = rental.start + late if self.dice.random() < 0.8 else 0


@pytest.mark.slow
@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.timeout(max(400, 40 * RENTALS))
async def test_nothing_is_lost_to_a_date(tmp_path: Path, seed: int) -> None:
    async with world(tmp_path) as made:
        fate, until = Fate(made, seed), made.clock.now() + timedelta(days=DAYS)
        rented: list[Rental] = []
        next_rent = made.clock.now()
        while made.clock.now() < until + fate.long:
            if made.clock.now() >= next_rent and fate.bad_until is None:
                fate.rents()
                rented = list(made.chain.rentals.values())
                pause = timedelta(days=DAYS) / RENTALS * fate.dice.uniform(0.6, 1.4)
                next_rent = made.clock.now() + pause
            fate.happens()
            if fate.restarts():
                await made.dies(fate.more.randrange(1, DIES_WITHIN))
            else:
                await made.looks()
            step = OFTEN if fate.waiting else await made.until_due() + LATE
            made.clock.advance(step)
            fate.odds = max(1.0, step / LATE)
            over = made.chain.blocks.head - 200
            fate.waiting = {n: b for n, b in fate.waiting.items() if _start(made, n) > over}
        booked = made.payments()
    told = {key: one.at for key, one in made.said.items()}
    assert len(rented) >= RENTALS // 2
    for rental in rented:
        _is_told_in_time(made, rental, told, is_unseen=rental.number in fate.unseen)
        _is_told_after_a_halt(made, rental, told, fate.resumed)
        _is_booked(made, rental, booked.pop(rental.number, []), fate.priced)
    assert not booked
    assert made.deaths
    _is_said_once(made)


def _start(made: World, number: int) -> int:
    found = made.chain.rentals.get(number)
    return found.start if found is not None else 0


def _is_told_in_time(
    made: World, rental: Rental, told: dict[str, datetime], *, is_unseen: bool
) -> None:
    blocks, name = made.chain.blocks, f"order:rentMachine.{rental.number}"
    asked = f"{name}.{rental.start}.confirm.{WATCHER}"
    assert is_unseen or told[asked] <= blocks.made_at(rental.start + 150)
    mine = {key: at for key, at in told.items() if key.startswith(f"{name}.")}
    for key, at in mine.items():
        _, _, stage, _ = key.removeprefix("order:").replace("rentMachine.", "").split(".")
        end = int(key.split(".")[2])
        if stage.startswith(("end-", "deletion-")):
            assert end in _ends_at(made, rental.number, at), key
        if stage.startswith("end-"):
            left = stage.split("-")[1]  # behind it, which time it is, after a halt
            early = timedelta(minutes=int(left[:-1]) if left[-1] == "m" else 60 * int(left))
            earliest = blocks.made_at(end) - early - timedelta(minutes=6)
            assert at >= earliest - made.halted, key
    if rental.confirmed_at is None:
        assert any(".lapsed." in key for key in mine) or not rental.exists(blocks.head)
        return
    deleted = rental.end + KEPT
    if deleted < blocks.head:
        six = min(at for key, at in mine.items() if f".{rental.end}.deletion-6" in key)
        assert six <= blocks.made_at(deleted) - timedelta(hours=6)
        assert f"{name}.{rental.end}.ended.{WATCHER}" in mine


def _is_told_after_a_halt(
    made: World, rental: Rental, told: dict[str, datetime], resumed: datetime | None
) -> None:
    """The end that a halt has put off is told with its new time, while that is still to come."""
    ends = made.chain.blocks.made_at(rental.end)
    if resumed is None or not timedelta(minutes=30) < ends - resumed < timedelta(hours=3):
        return
    mine = f"order:rentMachine.{rental.number}.{rental.end}.end-"
    assert [at for key, at in told.items() if key.startswith(mine) and resumed <= at < ends]


def _ends_at(made: World, number: int, at: datetime) -> set[int]:
    """What the order's end may be told as at that time."""
    known = {at}
    if made.unread is not None and made.unread[0] <= at <= made.unread[1]:
        # What was renewed just before nothing could be read is warned of by what was read last.
        known.add(made.unread[0] - SELDOM)
    ends = made.ends[number]
    return {
        [end for since, end in ends if since <= then][-1] for then in known if ends[0][0] <= then
    }


def _is_said_once(made: World) -> None:
    """The same words in the same place are another warning of the order, some time later."""
    by_words: dict[tuple[str, str], dict[str, datetime]] = {}
    for key, one in made.said.items():
        by_words.setdefault((one.channel, one.content), {})[key] = one.at
    for keys in by_words.values():
        names = {"-".join(key.split(".")[3].split("-")[:2]) for key in keys}
        assert len(names) == len(keys), keys
        apart = [later - at for at, later in pairwise(keys.values())]
        assert all(one > timedelta(minutes=30) for one in apart), keys


def _is_booked(
    made: World, rental: Rental, rows: list[dict[str, int | str]], priced: set[int]
) -> None:
    """What was paid is in the books as the chain has taken it, to the planck."""
    begins = [rental.start, *(end for _, end in rental.ends[:-1])]
    blocks = [rental.start, *(at for at, _ in rental.paid[1:])]
    plancks = [rental.stake, *(planck for _, planck in rental.paid[1:])]  # lapsed: its fee
    unread = range(made.unread_block - SELDOM // SLOT, made.unread_block + 1)
    assert all(at in unread for at in blocks[len(rows) :])
    for row, first, (_, end), at, planck in zip(
        rows, begins, rental.ends, blocks, plancks, strict=False
    ):
        assert (row["begins"], row["ends"]) == (first, end)
        assert row["fee"] == str(FIXED_FEE if first == rental.start else 0)
        if row["basis"] == Basis.LATER:
            assert at in priced or at in unread, row
        else:
            assert int(row["planck"]) == planck, row
