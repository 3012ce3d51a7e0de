from datetime import timedelta

import pytest

from bot.errors import Conflict, NotFound
from bot.ids import ExecutionId, NodeId, TaskId, UserId
from bot.model import ExecutionStatus
from storage import Store, UnitOfWork
from tests.storage.conftest import Racing
from tests.storage.samples import LATER, NOW, SOON, execution, record

RECORDED, WAITING, RUNNING, DONE = (
    ExecutionStatus.RECORDED,
    ExecutionStatus.WAITING,
    ExecutionStatus.RUNNING,
    ExecutionStatus.DONE,
)


async def test_what_is_recorded_comes_back_unchanged(store: Store) -> None:
    original = execution(secrets={"password": "hunter2"}, node="n", task="t", label="l")
    await record(store, original)
    async with store.read() as tx:
        assert await tx.executions.get(original.id) == original


async def test_a_missing_execution_is_named_so(store: Store) -> None:
    async with store.read() as tx:
        assert await tx.executions.find(ExecutionId("nobody")) is None
        with pytest.raises(NotFound):
            await tx.executions.get(ExecutionId("nobody"))


async def test_a_repeated_delivery_is_recorded_once(store: Store) -> None:
    await record(store, execution("1"))
    again = execution("2", key=execution("1").key)
    assert not await store.record(again, by="p", until=SOON)
    assert not await store.record(execution("1"), by="p", until=SOON)
    async with store.read() as tx:
        assert await tx.executions.find(again.id) is None


async def test_an_id_that_clashes_is_an_error_and_not_a_repeated_delivery(store: Store) -> None:
    await record(store, execution("1"))
    clash = execution("1", key="another delivery")
    with pytest.raises(Conflict):
        await store.record(clash, by="p", until=SOON)


async def test_of_many_claims_one_wins(store: Store, racing: Racing) -> None:
    await record(store, execution(), by="other")

    async def claim(tx: UnitOfWork, number: int) -> object:
        return await tx.executions.claim(
            ExecutionId("execution-1"), f"p{number}", LATER, LATER, expect={RECORDED}, to=RUNNING
        )

    won = [each for each in await racing(claim) if each is not None]
    assert [(each.status, each.started_at) for each in won] == [(RUNNING, LATER)]


async def test_a_claim_waits_for_anothers_lease_but_not_for_its_own(store: Store) -> None:
    await record(store, execution(), by="me")
    async with store.write() as tx:
        claim = tx.executions.claim
        lost = await claim(
            ExecutionId("execution-1"), "you", NOW, LATER, expect={RECORDED}, to=WAITING
        )
        won = await claim(
            ExecutionId("execution-1"), "me", NOW, LATER, expect={RECORDED}, to=WAITING
        )
    assert lost is None
    assert won is not None


async def test_a_claim_of_another_status_loses(store: Store) -> None:
    await record(store, execution(), by="me")
    async with store.write() as tx:
        assert (
            await tx.executions.claim(
                ExecutionId("execution-1"), "me", NOW, LATER, expect={WAITING}, to=RUNNING
            )
            is None
        )


async def test_of_many_ends_one_is_written(store: Store, racing: Racing) -> None:
    await record(store, execution())

    async def end(tx: UnitOfWork, number: int) -> bool:
        return await tx.executions.set_status(
            ExecutionId("execution-1"),
            DONE,
            outcome=str(number),
            now=LATER,
            expect={RECORDED, RUNNING},
        )

    results = await racing(end)
    assert results.count(True) == 1
    async with store.read() as tx:
        ended = await tx.executions.get(ExecutionId("execution-1"))
    assert ended.outcome == str(results.index(True))
    assert ended.finished_at == LATER


@pytest.mark.parametrize("status", list(ExecutionStatus))
async def test_secrets_are_erased_at_the_end_and_not_before(
    store: Store, status: ExecutionStatus
) -> None:
    await record(store, execution(secrets={"password": "hunter2"}))
    async with store.write() as tx:
        assert await tx.executions.set_status(
            ExecutionId("execution-1"), status, now=NOW, expect={RECORDED}
        )
    async with store.read() as tx:
        after = await tx.executions.get(ExecutionId("execution-1"))
    assert after.status is status
    assert bool(after.secrets) is not status.is_end
    assert (after.finished_at is not None) is status.is_end


async def test_stranded_are_those_whose_lease_ran_out_before_their_end(store: Store) -> None:
    await record(
        store,
        execution("recorded"),
        execution("running", created_at=NOW - timedelta(seconds=1)),
        execution("waiting"),
        execution("done"),
    )
    async with store.write() as tx:
        until = SOON
        await tx.executions.claim(
            ExecutionId("execution-running"), "process-1", NOW, until, expect={RECORDED}, to=RUNNING
        )
        for name, status in (("waiting", WAITING), ("done", DONE)):
            await tx.executions.set_status(
                ExecutionId(f"execution-{name}"), status, now=NOW, expect={RECORDED}
            )
        assert await tx.executions.claim_stranded("p2", NOW, LATER, 10) == []
    async with store.write() as tx:
        stranded = await tx.executions.claim_stranded("p2", SOON, LATER, 10)
        assert [(each.id, each.status) for each in stranded] == [
            ("execution-running", RUNNING),
            ("execution-recorded", RECORDED),
        ]
        assert await tx.executions.claim_stranded("p3", SOON, LATER, 10) == []


async def test_every_stranded_execution_is_claimed_once(store: Store, racing: Racing) -> None:
    await record(store, *(execution(str(number)) for number in range(30)))

    async def claim(tx: UnitOfWork, number: int) -> list[str]:
        stranded = await tx.executions.claim_stranded(f"p{number}", SOON, LATER, 3)
        return [each.id for each in stranded]

    batches = await racing(claim)
    claimed = [each for batch in batches for each in batch]
    assert all(len(batch) <= 3 for batch in batches)
    assert len(claimed) == len(set(claimed))
    # PostgreSQL's claims pass over rows that another one holds, so one more round may be due.
    claimed += [each for batch in await racing(claim) for each in batch]
    assert sorted(claimed) == sorted(f"execution-{number}" for number in range(30))


async def test_the_ledger_is_read_newest_first_and_without_secrets(store: Store) -> None:
    for number in range(5):
        await record(
            store,
            execution(
                str(number),
                created_at=NOW + timedelta(seconds=number),
                actor="U1" if number % 2 else "U2",
                secrets={"password": "hunter2"},
            ),
        )
    async with store.write() as tx:
        await tx.executions.set_target(
            ExecutionId("execution-3"), NodeId("node-1"), TaskId("task-1"), "train-01", {}
        )
    async with store.read() as tx:
        assert [each.id[-1] for each in await tx.executions.recent(limit=3)] == ["4", "3", "2"]
        assert [each.id[-1] for each in await tx.executions.recent(actor=UserId("U1"))] == [
            "3",
            "1",
        ]
        (found,) = await tx.executions.recent(task=TaskId("task-1"))
    assert (found.node, found.task, found.label) == ("node-1", "task-1", "train-01")
    assert found.secrets == {}
