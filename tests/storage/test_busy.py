"""Others are in the way of a transaction: it is done again, whole, and counts once."""

import ast
import asyncio
import sqlite3
from collections.abc import AsyncIterator, Sequence
from contextlib import closing
from pathlib import Path

import asyncpg
import pytest
from sqlalchemy import make_url, text

from bot.model import Message
from storage import Store, Vault
from storage.errors import StorageBusy, StorageUnsure
from storage.handover import Handover
from tests.storage.samples import HERE, NOW, SOON, execution

ONE, OTHER = "card:one", "card:other"


@pytest.fixture
async def pair(postgres_url: str, vault: Vault) -> AsyncIterator[list[Store]]:
    """Two replicas' ways into one PostgreSQL that has two messages, and finds deadlocks soon."""
    name, other = make_url(postgres_url).database, await connected(postgres_url)
    await other.execute(f"ALTER DATABASE \"{name}\" SET deadlock_timeout = '10ms'")
    await other.close()
    stores = [Store(postgres_url, vault) for _ in range(2)]
    for store in stores:
        await store.migrate()
    async with stores[0].write() as tx:
        for key in (ONE, OTHER):
            await tx.messages.put(key, HERE, "before", NOW)
    yield stores
    for store in stores:
        await store.close()


async def connected(postgres_url: str) -> asyncpg.Connection:
    """Somebody else in the database, who is never the one that PostgreSQL breaks off."""
    address = make_url(postgres_url)
    other = await asyncpg.connect(
        host=str(address.query["host"]), user=address.username, database=address.database
    )
    await other.execute("SET deadlock_timeout = '1h'")
    return other


async def is_waiting(other: asyncpg.Connection, statement: str) -> None:
    """Return once somebody waits for a lock with this statement."""
    waits = (
        "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query ILIKE $1"
    )
    for _ in range(10_000):
        if await other.fetchval(waits, f"%{statement}%"):
            return
    raise AssertionError(f"nobody waits with {statement}")


async def version(store: Store, key: str) -> int:
    async with store.read() as tx:
        found = await tx.messages.find(key)
    assert found is not None
    return found.version


async def test_two_replicas_that_write_in_opposite_orders_never_wait_for_each_other(
    pair: list[Store],
) -> None:
    async def write(store: Store, keys: tuple[str, ...], text: str) -> None:
        async with store.write() as tx:
            for key in keys:
                await tx.messages.put(key, HERE, text, NOW)
                await asyncio.sleep(0)

    await asyncio.gather(
        *(write(pair[0], (ONE, OTHER), f"a{n}") for n in range(10)),
        *(write(pair[1], (OTHER, ONE), f"b{n}") for n in range(10)),
    )
    assert [await version(pair[0], key) for key in (ONE, OTHER)] == [21, 21]


class InTheWay:
    """Somebody who holds one row, and then wants the other: a deadlock."""

    def __init__(self, postgres_url: str) -> None:
        self._url = postgres_url
        self._holds, self._go, self._waits = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self._work = asyncio.ensure_future(self._hold())

    async def holds(self) -> None:
        """Return once the row is held."""
        await self._holds.wait()

    async def goes_on(self) -> None:
        """Return once it waits for a row that the caller holds."""
        self._go.set()
        await self._waits.wait()

    async def is_over(self) -> None:
        """Return once it has let go of everything."""
        await self._work

    async def _hold(self) -> None:
        other, looking = await connected(self._url), await connected(self._url)
        transaction, row = other.transaction(), "SELECT 1 FROM messages WHERE key = $1 FOR UPDATE"
        await transaction.start()
        await other.execute(row, OTHER)
        self._holds.set()
        await self._go.wait()
        waiting = asyncio.ensure_future(other.execute(row, ONE))
        await is_waiting(looking, "FOR UPDATE")
        self._waits.set()
        await waiting
        await transaction.rollback()
        await other.close()
        await looking.close()


async def test_a_transaction_that_was_broken_off_is_done_again_whole(
    pair: list[Store], postgres_url: str
) -> None:
    other, tries = InTheWay(postgres_url), 0
    await other.holds()
    async for attempt in pair[0].attempts():
        async with attempt as tx:
            tries += 1
            await tx.messages.put(ONE, HERE, "after", NOW)
            await other.goes_on()
            await tx.messages.put(OTHER, HERE, "after", NOW)
    await other.is_over()
    assert tries == 2
    assert [await version(pair[0], key) for key in (ONE, OTHER)] == [2, 2]


async def test_with_one_attempt_it_is_told_as_busy_and_nothing_is_done(
    pair: list[Store], postgres_url: str
) -> None:
    other = InTheWay(postgres_url)
    await other.holds()

    async def once() -> None:
        async with pair[0].write() as tx:
            await tx.messages.put(ONE, HERE, "after", NOW)
            await other.goes_on()
            await tx.messages.put(OTHER, HERE, "after", NOW)

    with pytest.raises(StorageBusy):
        await once()
    await other.is_over()
    assert [await version(pair[0], key) for key in (ONE, OTHER)] == [1, 1]


async def test_a_command_is_recorded_once_though_its_transaction_was_broken_off(
    pair: list[Store], postgres_url: str
) -> None:
    """The audit's lock is taken last, and here somebody holds it who waits for the ledger."""
    other, looking = await connected(postgres_url), await connected(postgres_url)
    transaction = other.transaction()
    await transaction.start()
    await other.execute("SELECT pg_advisory_xact_lock(hashtext('dbc-bot audit'))")
    recording = asyncio.ensure_future(pair[0].record(execution(), by="p", until=SOON))
    await is_waiting(looking, "pg_advisory_xact_lock")
    await other.execute("LOCK TABLE executions")
    await transaction.rollback()
    assert await recording
    async with pair[1].read() as tx:
        rows = [row async for row in tx.audit.raw()]
    assert len([row for chunk in rows for row in chunk]) == 1
    await other.close()
    await looking.close()


async def test_a_server_with_another_isolation_by_default_makes_no_difference(
    pair: list[Store], postgres_url: str, vault: Vault
) -> None:
    looking = await connected(postgres_url)
    name = make_url(postgres_url).database
    await looking.execute(
        f'ALTER DATABASE "{name}" SET default_transaction_isolation = serializable'
    )
    await looking.close()
    store = Store(postgres_url, vault)

    async def write(number: int) -> None:
        async with store.write() as tx:
            await tx.messages.find(OTHER)
            await tx.messages.put(ONE, HERE, str(number), NOW)

    await asyncio.gather(*(write(number) for number in range(10)))
    assert await version(store, ONE) == 11
    await store.close()


async def test_a_lock_on_the_file_that_outlasts_the_busy_timeout_is_waited_for(
    tmp_path: Path, vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("storage.sqlite.PATIENCE", 0)
    file = tmp_path / "bot.db"
    store = Store(f"sqlite+aiosqlite:///{file}", vault)
    await store.migrate()
    pauses = 0
    with closing(sqlite3.connect(file)) as backup:
        backup.execute("BEGIN IMMEDIATE")

        def pause() -> float:
            nonlocal pauses
            pauses += 1
            backup.rollback()
            return 0

        monkeypatch.setattr("storage.sqlite.PAUSES", (pause, pause))
        async with store.write() as tx:
            await tx.messages.put(ONE, HERE, "after", NOW)
    assert pauses == 1
    assert await version(store, ONE) == 1
    await store.close()


async def test_a_transaction_whose_connection_was_ended_is_done_again_whole(
    pair: list[Store], postgres_url: str
) -> None:
    other, tries = await connected(postgres_url), 0
    async for attempt in pair[0].attempts():
        async with attempt as tx:
            tries += 1
            await tx.messages.put(ONE, HERE, "after", NOW)
            if tries == 1:
                mine = await tx.messages._connection.scalar(text("SELECT pg_backend_pid()"))
                await other.execute("SELECT pg_terminate_backend($1, 5000)", mine)
            await tx.messages.put(OTHER, HERE, "after", NOW)
    await other.close()
    assert tries == 2
    assert [await version(pair[0], key) for key in (ONE, OTHER)] == [2, 2]


async def test_connections_that_ended_while_nobody_used_them_are_no_failure(
    pair: list[Store], postgres_url: str
) -> None:
    for writes in (False, True):
        other = await connected(postgres_url)
        await other.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        await other.close()
        if writes:
            async with pair[0].write() as tx:
                await tx.messages.put(ONE, HERE, "after", NOW)
        assert await pair[1].record(execution(str(writes)), by="p", until=SOON)
        assert await version(pair[0], ONE) == 1 + writes


async def test_a_transaction_that_stood_still_for_too_long_is_done_again_whole(
    pair: list[Store], postgres_url: str
) -> None:
    other, tries = await connected(postgres_url), 0
    gone = "SELECT count(*) = 0 FROM pg_stat_activity WHERE pid = $1"
    async for attempt in pair[0].attempts():
        async with attempt as tx:
            tries += 1
            await tx.messages.put(ONE, HERE, "after", NOW)
            if tries == 1:
                connection = tx.messages._connection
                mine = await connection.scalar(text("SELECT pg_backend_pid()"))
                await connection.execute(
                    text("SET LOCAL idle_in_transaction_session_timeout = '1ms'")
                )
                while not await other.fetchval(gone, mine):
                    pass
            await tx.messages.put(OTHER, HERE, "after", NOW)
    await other.close()
    assert tries == 2
    assert [await version(pair[0], key) for key in (ONE, OTHER)] == [2, 2]


async def fails_at_its_commit(postgres_url: str, how: str) -> None:
    """The next commit that writes a message fails like this; those that follow succeed."""
    other = await connected(postgres_url)
    await other.execute(f"""
        CREATE SEQUENCE commits;
        CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            IF nextval('commits') = 1 THEN {how}; END IF; RETURN NULL;
        END $$;
        CREATE CONSTRAINT TRIGGER failing AFTER UPDATE ON messages
            DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION fail();
        """)
    await other.close()


async def test_a_commit_that_was_broken_off_is_done_again_whole(
    pair: list[Store], postgres_url: str
) -> None:
    await fails_at_its_commit(postgres_url, "RAISE SQLSTATE '40001'")
    tries = 0
    async for attempt in pair[0].attempts():
        async with attempt as tx:
            tries += 1
            await tx.messages.put(ONE, HERE, "after", NOW)
    assert (tries, await version(pair[0], ONE)) == (2, 2)


async def test_a_connection_that_is_lost_at_the_commit_leaves_it_open_and_is_not_repeated(
    pair: list[Store], postgres_url: str
) -> None:
    await fails_at_its_commit(
        postgres_url, "PERFORM pg_terminate_backend(pg_backend_pid()), pg_sleep(5)"
    )
    tries = 0

    async def once() -> None:
        nonlocal tries
        async for attempt in pair[0].attempts():
            async with attempt as tx:
                tries += 1
                await tx.messages.put(ONE, HERE, "after", NOW)

    with pytest.raises(StorageUnsure):
        await once()
    assert tries == 1


class _Recipient:
    """Sends nothing; remembers what it was told to send, and what to look at."""

    def __init__(self) -> None:
        self.taken: list[Message] = []
        self.doubted: list[str] = []

    def handover(self) -> Handover:
        return Handover("p", SOON, SOON, lambda _where: True)

    def take(self, messages: Sequence[Message]) -> None:
        self.taken += messages

    def doubt(self, handover: Handover) -> None:
        self.doubted += [message.key for message in handover.messages.values()]


async def test_what_may_not_be_stored_is_not_handed_over_as_stored(
    pair: list[Store], postgres_url: str
) -> None:
    await fails_at_its_commit(
        postgres_url, "PERFORM pg_terminate_backend(pg_backend_pid()), pg_sleep(5)"
    )
    recipient = pair[0].courier = _Recipient()

    async def puts() -> None:
        async with pair[0].write() as tx:
            await tx.messages.put("card:new", HERE, "told", NOW)
            await tx.messages.put(ONE, HERE, "after", NOW)

    with pytest.raises(StorageUnsure):
        await puts()
    assert (recipient.taken, recipient.doubted) == ([], ["card:new"])


async def test_a_command_whose_commit_lost_its_connection_is_recorded_once(
    pair: list[Store], postgres_url: str
) -> None:
    await fails_at_its_commit(
        postgres_url, "PERFORM pg_terminate_backend(pg_backend_pid()), pg_sleep(5)"
    )
    other = await connected(postgres_url)
    await other.execute("ALTER TABLE messages DISABLE TRIGGER failing")
    await other.execute(
        "CREATE CONSTRAINT TRIGGER failing AFTER INSERT ON executions "
        "DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION fail()"
    )
    await other.close()
    assert await pair[0].record(execution(), by="p", until=SOON)
    async with pair[1].read() as tx:
        rows = [row async for row in tx.audit.raw()]
    assert len([row for chunk in rows for row in chunk]) == 1


@pytest.mark.slow
def test_nothing_is_returned_from_inside_of_what_may_be_done_again() -> None:
    """Only the commit shows whether it was done, and after a return nothing is done again."""
    for file in Path("bot").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.AsyncFor) and "attempts()" in ast.unparse(node.iter):
                for inside in ast.walk(node):
                    if isinstance(inside, ast.Return) and inside.value is not None:
                        assert isinstance(inside.value, ast.Constant), (file, inside.lineno)
