from datetime import datetime, timedelta
from typing import Any

import pytest

from bot.clock import UNTOLD
from bot.errors import NotFound
from bot.ids import ApprovalId, ExecutionId, UserId
from bot.model import (
    CLICK_WAITS,
    ApprovalStatus,
    AuditEntry,
    AuditKind,
    AuditQuery,
    Fact,
    ReviewKind,
    Verdict,
    Vote,
)
from storage import Store, UnitOfWork
from storage.tables import approvals
from tests.storage.conftest import Racing
from tests.storage.samples import HERE, LATER, NOW, SOON, approval, execution, record

SECOND = timedelta(seconds=1)
TEN_MINUTES, DAY = timedelta(minutes=10), timedelta(days=1)

PENDING, APPROVED, DENIED, CANCELLED, EXPIRED, VOID = ApprovalStatus


@pytest.fixture(autouse=True)
async def recorded(store: Store) -> None:
    await record(store, execution())


async def test_a_review_comes_back_unchanged(store: Store) -> None:
    async with store.write() as tx:
        await tx.approvals.add(approval())
    async with store.read() as tx:
        assert await tx.approvals.get(ApprovalId("approval-1")) == approval()
        assert await tx.approvals.for_execution(ExecutionId("execution-1")) == approval()
        assert await tx.approvals.for_execution(ExecutionId("execution-2")) is None
        assert await tx.approvals.find(ApprovalId("approval-2")) is None
        with pytest.raises(NotFound, match="That review does not exist"):
            await tx.approvals.get(ApprovalId("approval-2"))


async def test_of_many_decisions_one_wins(store: Store, racing: Racing) -> None:
    async with store.write() as tx:
        await tx.approvals.add(approval())

    async def decide(tx: UnitOfWork, number: int) -> bool:
        status = (APPROVED, DENIED, CANCELLED, VOID)[number % 4]
        return await tx.approvals.resolve(
            ApprovalId("approval-1"), status, by=UserId(f"U{number}"), now=SOON
        )

    results = await racing(decide)
    assert results.count(True) == 1
    async with store.read() as tx:
        decided = await tx.approvals.get(ApprovalId("approval-1"))
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
        assert (
            await tx.approvals.resolve(ApprovalId("approval-1"), status, by=UserId("U2"), now=LATER)
            is wins
        )


async def test_every_review_past_its_time_expires_once(store: Store, racing: Racing) -> None:
    async with store.write() as tx:
        for number in range(10):
            await tx.approvals.add(approval(str(number)))
        late = approval("late", expires_at=LATER + timedelta(seconds=1))
        await tx.approvals.add(late)
        await tx.approvals.resolve(ApprovalId("approval-0"), APPROVED, by=UserId("U2"), now=NOW)

    async def expire(tx: UnitOfWork, _number: int) -> list[str]:
        expired = await tx.approvals.claim_expired(LATER, 2)
        assert all(each.status is EXPIRED for each in expired)
        return [each.id for each in expired]

    batches = await racing(expire) + await racing(expire)
    claimed = [each for batch in batches for each in batch]
    assert sorted(claimed) == [f"approval-{number}" for number in range(1, 10)]
    async with store.read() as tx:
        assert (await tx.approvals.get(ApprovalId("approval-late"))).status is PENDING


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
        await tx.approvals.remind(ApprovalId("approval-1"), now + DAY)
    assert await reminded(store, now + timedelta(seconds=5)) == []
    assert await reminded(store, now + DAY) == [earlier + 2]


@pytest.mark.parametrize(("earlier", "due"), [(0, [1]), (1, [])])
async def test_a_clock_set_back_by_hours_brings_the_first_reminder_and_no_other(
    store: Store, earlier: int, due: list[int]
) -> None:
    async with store.write() as tx:
        await tx.approvals.add(approval(remind_at=NOW + TEN_MINUTES, reminders=earlier))
    assert await reminded(store, NOW - timedelta(hours=5)) == due


async def test_no_more_reminders_stays_so_where_the_clock_was_set_back(store: Store) -> None:
    async with store.write() as tx:
        await tx.approvals.add(approval())
    assert await reminded(store, NOW - DAY) == []


async def audited(store: Store) -> list[AuditEntry]:
    """What the audit has of reviews, oldest first."""
    async with store.read() as tx:
        rows = await tx.audit.page(AuditQuery(), before=None, limit=50)
    return [row.entry for row in reversed(rows)][1:]


async def test_every_part_of_a_review_comes_back(store: Store) -> None:
    whole = approval(
        kind=ReviewKind.APPROVE, shown={"state": Fact("off"), "disks": Fact("vdb", "is silent")},
        needed=2, denials=3, self_approval=True, type_name=True, remind_at=SOON, reminders=4,
        reviewer="", status=APPROVED, decided_by="U3", decided_at=LATER,
    )  # fmt: skip
    async with store.write() as tx:
        await tx.approvals.add(whole)
    async with store.read() as tx:
        assert await tx.approvals.get(whole.id) == whole


@pytest.mark.parametrize(
    ("kind", "noted"),
    [
        (ReviewKind.APPROVE, AuditKind.ASKED),
        (ReviewKind.CONFIRM, AuditKind.ASKED),
        (ReviewKind.AFTERWARDS, AuditKind.BROKE_GLASS),
    ],
)
async def test_the_audit_has_what_was_asked_and_shown(
    store: Store, kind: ReviewKind, noted: AuditKind
) -> None:
    shown = {"state": Fact("off"), "disks": Fact("vdb", "is silent")}
    async with store.write() as tx:
        await tx.approvals.add(approval(kind=kind, needed=2, denials=3, shown=shown))
    details = {
        "review": str(kind), "needed": 2, "denials": 3, "expires_at": LATER.isoformat(),
        "shown": {"state": "off", "disks": {"unread": "is silent", "last_seen": "vdb"}},
        "binding": "b1",
    }  # fmt: skip
    assert await audited(store) == [
        AuditEntry.about(
            execution(), noted, NOW, approval=ApprovalId("approval-1"), details=details
        )
    ]


@pytest.mark.parametrize(
    ("status", "noted"),
    [
        (APPROVED, AuditKind.APPROVED),
        (DENIED, AuditKind.DENIED),
        (CANCELLED, AuditKind.CANCELLED),
        (VOID, AuditKind.VOIDED),
    ],
)
async def test_an_end_is_that_reviews_alone_and_in_the_audit(
    store: Store, status: ApprovalStatus, noted: AuditKind
) -> None:
    async with store.write() as tx:
        await tx.approvals.add(approval())
        await tx.approvals.add(approval("2"))
        assert await tx.approvals.resolve(
            ApprovalId("approval-1"), status, by=UserId("U2"), now=SOON
        )
        assert await tx.approvals.get(ApprovalId("approval-2")) == approval("2")
    assert (await audited(store))[2:] == [
        AuditEntry.about(
            execution(), noted, SOON, actor=UserId("U2"), approval=ApprovalId("approval-1")
        )
    ]


@pytest.mark.parametrize(("status", "counts"), [(PENDING, True), (APPROVED, True), (DENIED, False)])
async def test_what_covers_something_else_by_now_is_void(
    store: Store, status: ApprovalStatus, *, counts: bool
) -> None:
    async with store.write() as tx:
        await tx.approvals.add(approval(status=status, decided_by="U2"))
        await tx.approvals.add(approval("2"))
        assert await tx.approvals.void(ApprovalId("approval-1"), SOON) is counts
        assert (await tx.approvals.get(ApprovalId("approval-1"))).status is (
            VOID if counts else status
        )
        assert (await tx.approvals.get(ApprovalId("approval-2"))).status is PENDING
    noted = [(e.kind, e.actor, e.at) for e in (await audited(store))[2:]]
    assert noted == ([(AuditKind.VOIDED, "", SOON)] if counts else [])


async def test_the_newest_review_of_a_command_counts_and_open_ones_come_oldest_first(
    store: Store,
) -> None:
    async with store.write() as tx:
        await tx.approvals.add(approval("old"))
        await tx.approvals.add(approval("new", created_at=SOON))
        await tx.approvals.add(approval("over", created_at=NOW - SECOND, status=DENIED))
        newest = await tx.approvals.for_execution(ExecutionId("execution-1"))
        assert newest is not None
        assert newest.id == "approval-new"
        assert [one.id for one in await tx.approvals.open()] == ["approval-old", "approval-new"]


async def test_a_review_is_named_by_the_beginning_of_its_id(store: Store) -> None:
    async with store.write() as tx:
        for number, name in enumerate(["a%5", "Ab1", "ab2", "ab3", "ab4"]):
            await tx.approvals.add(approval(id=name, created_at=NOW + number * SECOND))
        assert [one.id for one in await tx.approvals.named("ab")] == ["ab4", "ab3"]
        assert [one.id for one in await tx.approvals.named("Ab")] in ([], ["Ab1"])
        assert [one.id for one in await tx.approvals.named("a%")] == ["a%5"]
        assert await tx.approvals.named("b1") == []


def click(name: str, at: datetime, **changes: Any) -> Vote:
    return Vote(
        f"click-{name}",
        ApprovalId(f"approval-{name}"),
        UserId("U2"),
        Verdict.APPROVE,
        at,
        HERE,
        **changes,
    )


async def test_a_question_waits_for_the_clicks_that_were_made_in_time(store: Store) -> None:
    late = LATER - CLICK_WAITS  # from then on a click is no longer looked at
    made = {
        "in-time": LATER - SECOND, "at-the-end": LATER, "long-ago": late - TEN_MINUTES,
        "just-looked-at": late - timedelta(seconds=59),
    }  # fmt: skip
    async with store.write() as tx:
        for name, at in made.items():
            await tx.approvals.add(approval(name, created_at=NOW - DAY))
            await tx.votes.cast(click(name, at))
        await tx.approvals.add(approval("refused"))
        await tx.votes.cast(click("refused", NOW))
        await tx.votes.refuse("click-refused", "No.", NOW)
        expired = await tx.approvals.claim_expired(LATER, 10)
        assert {one.id.removeprefix("approval-") for one in expired} == {
            "at-the-end", "long-ago", "refused",
        }  # fmt: skip
        assert {one.decided_at for one in expired} == {LATER}


async def test_those_that_expired_first_are_ended_first_and_noted(store: Store) -> None:
    async with store.write() as tx:
        for name, at in {"2": SOON, "3": LATER, "1": NOW}.items():
            await tx.approvals.add(approval(name, expires_at=at))
        first = await tx.approvals.claim_expired(LATER, 2)
        assert [one.id for one in first] == ["approval-1", "approval-2"]
    noted = [(e.kind, e.actor, e.at) for e in (await audited(store))[3:]]
    assert noted == [(AuditKind.EXPIRED, "", LATER)] * 2


async def test_a_reminder_is_due_once_and_the_next_after_a_pause(store: Store) -> None:
    async with store.write() as tx:
        for name, at in {"2": NOW, "1": NOW - SECOND, "3": SOON}.items():
            await tx.approvals.add(approval(name, remind_at=at))
        await tx.approvals.add(approval("over", remind_at=NOW, status=DENIED))
        due = await tx.approvals.claim_reminders(NOW, TEN_MINUTES, DAY, 1)
        assert [one.id for one in due] == ["approval-1"]
        due = await tx.approvals.claim_reminders(NOW, TEN_MINUTES, DAY, 9)
        assert [one.id for one in due] == ["approval-2"]
        assert [(one.remind_at, one.reminders) for one in due] == [(NOW + TEN_MINUTES, 1)]
        await tx.approvals.remind(ApprovalId("approval-2"), None)
        assert (await tx.approvals.get(ApprovalId("approval-2"))).remind_at is None
        assert (await tx.approvals.get(ApprovalId("approval-1"))).remind_at == NOW + TEN_MINUTES


@pytest.mark.parametrize(
    ("values", "is_unreadable"),
    [
        ({"shown": ["state"]}, True),
        ({"shown": {"state": {"text": "off"}}}, True),
        ({"shown": {"state": 7}}, True),
        ({"kind": "shrug"}, True),
        ({"created_at": UNTOLD}, True),
        ({"expires_at": UNTOLD}, True),
        ({"shown": {"Present state": "off"}}, False),
    ],
)
async def test_a_record_that_cannot_be_read_is_said_to_be_so(
    store: Store, values: dict[str, Any], *, is_unreadable: bool
) -> None:
    async with store.write() as tx:
        await tx.approvals.add(approval())
        await tx.approvals._connection.execute(approvals.update().values(**values))
        found = await tx.approvals.get(ApprovalId("approval-1"))
    assert found.is_unreadable is is_unreadable
    assert found.shown == ({} if is_unreadable else {"state": Fact("off")})


async def test_what_nobody_knows_approves_nothing(store: Store) -> None:
    async with store.write() as tx:
        await tx.approvals.add(approval())
        await tx.approvals._connection.execute(
            approvals.update().values(status="sleeping", kind="shrug")
        )
        found = await tx.approvals.get(ApprovalId("approval-1"))
    assert (found.status, found.kind) == (VOID, ReviewKind.APPROVE)


async def test_what_waits_for_the_same_machine_is_found(store: Store) -> None:
    for name, machine, status in (("2", "a", PENDING), ("3", "b", PENDING), ("4", "a", CANCELLED)):
        await record(store, execution(name, task=machine, node="node-1"))
        asked = {"kind": ReviewKind.APPROVE, "execution": f"execution-{name}"}
        async with store.write() as tx:
            await tx.approvals.add(approval(name, status=status, **asked))
    new = approval("new", kind=ReviewKind.APPROVE, execution="execution-4")
    async with store.read() as tx:
        assert [one.id for one in await tx.approvals.beside(new)] == ["approval-2"]
        assert await tx.approvals.by_machine() == {
            ("node-1", "a"): {"approval-2"},
            ("node-1", "b"): {"approval-3"},
        }
