from datetime import datetime, timedelta

import pytest

from bot.errors import NotFound
from bot.model import ApprovalStatus
from storage import Store, UnitOfWork
from tests.storage.conftest import Racing
from tests.storage.samples import LATER, NOW, SOON, approval, execution, record

TEN_MINUTES, DAY = timedelta(minutes=10), timedelta(days=1)

PENDING, APPROVED, DENIED, CANCELLED, EXPIRED, VOID = ApprovalStatus


@pytest.fixture(autouse=True)
async def recorded(store: Store) -> None:
    await record(store, execution())


async def test_a_review_comes_back_unchanged(store: Store) -> None:
    async with store.write() as tx:
        await tx.approvals.add(approval())
    async with store.read() as tx:
        assert await tx.approvals.get("approval-1") == approval()
        assert await tx.approvals.for_execution("execution-1") == approval()
        assert await tx.approvals.for_execution("execution-2") is None
        assert await tx.approvals.find("approval-2") is None
        with pytest.raises(NotFound):
            await tx.approvals.get("approval-2")


async def test_of_many_decisions_one_wins(store: Store, racing: Racing) -> None:
    async with store.write() as tx:
        await tx.approvals.add(approval())

    async def decide(tx: UnitOfWork, number: int) -> bool:
        status = (APPROVED, DENIED, CANCELLED, VOID)[number % 4]
        return await tx.approvals.resolve("approval-1", status, by=f"U{number}", now=SOON)

    results = await racing(decide)
    assert results.count(True) == 1
    async with store.read() as tx:
        decided = await tx.approvals.get("approval-1")
    assert decided.decided_by == f"U{results.index(True)}"
    assert decided.decided_at == SOON


@pytest.mark.parametrize(
    ("status", "wins"), [(APPROVED, False), (DENIED, False), (CANCELLED, True), (VOID, True)]
)
async def test_past_its_time_a_review_can_be_ended_but_not_decided(
    store: Store, status: ApprovalStatus, *, wins: bool
) -> None:
    async with store.write() as tx:
        await tx.approvals.add(approval())
        assert await tx.approvals.resolve("approval-1", status, by="U2", now=LATER) is wins


async def test_every_review_past_its_time_expires_once(store: Store, racing: Racing) -> None:
    async with store.write() as tx:
        for number in range(10):
            await tx.approvals.add(approval(str(number)))
        late = approval("late", expires_at=LATER + timedelta(seconds=1))
        await tx.approvals.add(late)
        await tx.approvals.resolve("approval-0", APPROVED, by="U2", now=NOW)

    async def expire(tx: UnitOfWork, _number: int) -> list[str]:
        expired = await tx.approvals.claim_expired(LATER, 2)
        assert all(each.status is EXPIRED for each in expired)
        return [each.id for each in expired]

    batches = await racing(expire) + await racing(expire)
    claimed = [each for batch in batches for each in batch]
    assert sorted(claimed) == [f"approval-{number}" for number in range(1, 10)]
    async with store.read() as tx:
        assert (await tx.approvals.get("approval-late")).status is PENDING


async def reminded(store: Store, now: datetime) -> list[int]:
    """How many reminders each review has had whose reminder is due, this one included."""
    async with store.write() as tx:
        due = await tx.approvals.claim_reminders(now, TEN_MINUTES, DAY, 10)
    return [each.reminders for each in due]


@pytest.mark.parametrize("earlier", [0, 3])
async def test_a_clock_that_was_set_back_brings_one_reminder(store: Store, earlier: int) -> None:
    async with store.write() as tx:
        await tx.approvals.add(approval(remind_at=NOW + TEN_MINUTES, reminders=earlier))
    now = NOW - 2 * DAY
    assert await reminded(store, now) == [earlier + 1]
    for _ in range(10):
        now += timedelta(seconds=5)
        assert await reminded(store, now) == []
    async with store.write() as tx:  # as after each reminder, with a growing pause
        await tx.approvals.remind("approval-1", now + DAY)
    assert await reminded(store, now + timedelta(seconds=5)) == []
    assert await reminded(store, now + DAY) == [earlier + 2]


async def test_no_more_reminders_stays_so_where_the_clock_was_set_back(store: Store) -> None:
    async with store.write() as tx:
        await tx.approvals.add(approval())
    assert await reminded(store, NOW - DAY) == []
