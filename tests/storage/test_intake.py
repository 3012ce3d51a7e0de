import asyncio
import contextlib
import resource
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import make_url, text

from bot.ids import ExecutionId
from storage import StorageFailed, Store, Vault
from storage.errors import StorageBusy, StorageUnsure
from storage.intake import LARGEST_BATCH, GroupCommit, Seal
from tests.storage.samples import SOON, execution


class Ledger:
    """What a commit does: holds each batch until it is let go, then echoes or fails."""

    def __init__(self) -> None:
        self.batches: list[Sequence[int]] = []
        self.began = asyncio.Event()
        self.go = asyncio.Event()
        self.error: Exception | None = None
        self.again: list[bool] = []
        self.is_committing = False  # whether it is held at the commit, or before

    async def commit(self, items: Sequence[int], seal: Seal, *, again: bool) -> Sequence[int]:
        self.batches.append(items)
        self.again.append(again)
        if self.is_committing:
            seal()
        self.began.set()
        await self.go.wait()
        if self.error is not None:
            raise self.error
        return [item * 10 for item in items]


async def test_what_arrives_during_a_commit_shares_the_next() -> None:
    ledger = Ledger()
    intake = GroupCommit(ledger.commit)
    first = asyncio.create_task(intake.submit(0))
    await ledger.began.wait()
    others = [asyncio.ensure_future(intake.submit(number)) for number in range(1, 65)]
    await asyncio.sleep(0)
    ledger.go.set()
    assert await asyncio.gather(first, *others) == [number * 10 for number in range(65)]
    assert [len(batch) for batch in ledger.batches] == [1, 64]


async def test_a_batch_has_a_largest_size() -> None:
    ledger = Ledger()
    ledger.go.set()
    intake = GroupCommit(ledger.commit)
    await asyncio.gather(*(intake.submit(number) for number in range(LARGEST_BATCH + 1)))
    assert [len(batch) for batch in ledger.batches] == [LARGEST_BATCH, 1]


async def test_a_failed_batch_fails_for_each_of_its_callers_and_no_other() -> None:
    ledger = Ledger()
    ledger.go.set()
    ledger.error = StorageFailed("No space.")
    intake = GroupCommit(ledger.commit)
    results = await asyncio.gather(
        *(intake.submit(number) for number in range(5)), return_exceptions=True
    )
    assert [str(result) for result in results] == ["No space."] * 5
    assert len({id(result) for result in results}) == 5
    ledger.error = None
    assert await intake.submit(7) == 70


async def test_a_caller_who_leaves_takes_nobody_along() -> None:
    ledger = Ledger()
    intake = GroupCommit(ledger.commit)
    leaving = asyncio.create_task(intake.submit(1))
    staying = asyncio.create_task(intake.submit(2))
    await ledger.began.wait()
    leaving.cancel()
    ledger.go.set()
    assert await staying == 20
    with pytest.raises(asyncio.CancelledError):
        await leaving


async def test_whoever_leaves_before_the_commit_leaves_nothing_behind(
    store: Store, replica: Store
) -> None:
    async with replica.write() as other:  # which has the lock of the SQLite file by now
        connection = other.executions._connection
        if connection.dialect.name == "postgresql":
            await connection.execute(text("LOCK TABLE executions"))
        leaving = asyncio.ensure_future(store.record(execution("1"), by="p", until=SOON))
        staying = asyncio.ensure_future(store.record(execution("2"), by="p", until=SOON))
        await asyncio.sleep(0)
        while store._intake._waiting:  # noqa: ASYNC110 - it tells nobody
            await asyncio.sleep(0)
        leaving.cancel()
        await asyncio.wait([leaving])
    assert leaving.cancelled()
    assert await staying
    async with store.read() as tx:
        assert [each.id for each in await tx.executions.recent()] == ["execution-2"]


async def test_whoever_leaves_during_the_commit_is_told_how_it_ended() -> None:
    ledger = Ledger()
    ledger.is_committing = True
    intake = GroupCommit(ledger.commit)
    leaving = asyncio.create_task(intake.submit(1))
    await ledger.began.wait()
    leaving.cancel()
    await asyncio.sleep(0)
    ledger.go.set()
    assert await leaving == 10


async def test_what_nobody_knows_the_end_of_is_asked_again_and_not_refused() -> None:
    ledger = Ledger()
    ledger.go.set()
    ledger.error = StorageUnsure("Lost.")

    def mend() -> float:
        ledger.error = None
        return 0

    intake = GroupCommit(ledger.commit, [mend])
    assert await intake.submit(1) == 10
    assert ledger.again == [False, True]


async def test_whoever_leaves_during_a_commit_that_is_lost_is_told_what_is_stored() -> None:
    ledger = Ledger()
    ledger.is_committing = True
    ledger.error = StorageUnsure("Lost.")

    def mend() -> float:
        ledger.error = None
        return 0

    intake = GroupCommit(ledger.commit, [mend])
    leaving = asyncio.create_task(intake.submit(1))
    staying = asyncio.create_task(intake.submit(2))
    await ledger.began.wait()
    leaving.cancel()
    await asyncio.sleep(0)
    ledger.go.set()
    assert (await leaving, await staying) == (10, 20)
    assert [list(batch) for batch in ledger.batches] == [[1, 2], [1, 2]]


@pytest.mark.parametrize(
    "later", [StorageBusy("Busy."), StorageFailed("Gone."), ValueError("Odd.")]
)
async def test_once_nobody_knows_whether_it_is_stored_no_later_failure_says_that_it_is_not(
    later: Exception,
) -> None:
    ledger = Ledger()
    ledger.is_committing = True
    ledger.go.set()
    ledger.error = StorageUnsure("It may be stored.")

    def another() -> float:
        ledger.error = later
        return 0

    intake = GroupCommit(ledger.commit, [another, another])
    with pytest.raises(StorageUnsure, match="may be stored"):
        await intake.submit(1)
    assert len(ledger.batches) > 1


async def test_closing_waits_for_what_was_taken_and_takes_no_more() -> None:
    ledger = Ledger()
    intake = GroupCommit(ledger.commit)
    taken = asyncio.create_task(intake.submit(1))
    await ledger.began.wait()
    closing = asyncio.create_task(intake.close())
    await asyncio.sleep(0)
    assert not closing.done()
    with pytest.raises(StorageFailed):
        await intake.submit(2)
    ledger.go.set()
    await closing
    assert await taken == 10


async def test_the_same_delivery_many_times_at_once_is_recorded_once(
    store: Store, replica: Store
) -> None:
    results = await asyncio.gather(
        *(
            each.record(execution(name, key="one"), by="p", until=SOON)
            for name in ("a", "a", "b", "c") * 10
            for each in (store, replica)
        )
    )
    assert results.count(True) == 1


async def test_different_deliveries_at_once_are_all_recorded(store: Store) -> None:
    executions = [execution(str(number)) for number in range(LARGEST_BATCH + 100)]
    results = await asyncio.gather(*(store.record(each, by="p", until=SOON) for each in executions))
    assert all(results)
    async with store.read() as tx:
        assert len(await tx.executions.recent(limit=1_000)) == len(executions)


@contextlib.contextmanager
def full_disk(file: Path) -> Iterator[None]:
    """No file of this process grows beyond `file`'s present size."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (file.stat().st_size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


async def test_a_full_disk_reaches_every_caller_and_is_survived(
    sqlite_url: str, vault: Vault, tmp_path: Path
) -> None:
    store = Store(sqlite_url, vault)
    await store.migrate()
    await store.record(execution("before"), by="p", until=SOON)
    with full_disk(tmp_path / "data" / "bot.db-wal"):
        results = await asyncio.gather(
            *(store.record(execution(str(n)), by="p", until=SOON) for n in range(20)),
            return_exceptions=True,
        )
    assert len(results) == 20
    assert all(isinstance(result, StorageFailed) for result in results)
    async with store.read() as tx:
        assert [each.id for each in await tx.executions.recent()] == ["execution-before"]
    assert await store.record(execution("1"), by="p", until=SOON)
    await store.close()


async def test_a_database_that_is_gone_reaches_every_caller(
    postgres: Any, postgres_url: str, vault: Vault
) -> None:
    store = Store(postgres_url, vault)
    await store.migrate()
    await store.record(execution("before"), by="p", until=SOON)
    postgres.psql(f"DROP DATABASE {make_url(postgres_url).database} WITH (FORCE);")
    results = await asyncio.gather(
        *(store.record(execution(str(n)), by="p", until=SOON) for n in range(20)),
        return_exceptions=True,
    )
    assert all(isinstance(result, StorageFailed) for result in results)
    await store.close()


RECORD_AND_WAIT = """
import asyncio, sys, time
from storage import Store, Vault
from tests.storage.samples import SOON, execution

async def main() -> None:
    store = Store(sys.argv[1], Vault([sys.argv[2]]))
    await store.migrate()
    print(await store.record(execution(), by="p", until=SOON), flush=True)
    time.sleep(60)

asyncio.run(main())
"""


@pytest.mark.slow
async def test_what_was_recorded_survives_the_process(
    url: str, key: str, pytestconfig: pytest.Config
) -> None:
    process = await asyncio.to_thread(
        subprocess.Popen,
        [sys.executable, "-c", RECORD_AND_WAIT, url, key],
        stdout=subprocess.PIPE,
        cwd=pytestconfig.rootpath,
    )
    with process:
        assert process.stdout is not None
        assert await asyncio.to_thread(process.stdout.readline) == b"True\n"
        process.kill()
    store = Store(url, Vault([key]))
    async with store.read() as tx:
        assert await tx.executions.get(ExecutionId("execution-1")) == execution()
    await store.close()
