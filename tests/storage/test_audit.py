import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.ids import ApprovalId, ChannelId, ExecutionId, NodeId, TaskId, UserId
from bot.model import (
    ApprovalStatus,
    AuditEntry,
    AuditHead,
    AuditKind,
    AuditQuery,
    ExecutionStatus,
    Fact,
    Place,
    ReviewKind,
    Verdict,
    Vote,
)
from storage import Archive, Store, UnitOfWork
from tests.storage.conftest import Racing
from tests.storage.samples import LATER, NOW, REF, SOON, approval, execution, put, record, session
from tests.storage.trail import EVERYTHING, append, entry, fault, rows

# Appending


async def test_entries_come_back_as_they_were_in_order_without_gaps(store: Store) -> None:
    entries = [entry(str(number)) for number in range(5)]
    await append(store, *entries[:2])
    await append(store, *entries[2:])
    found = await rows(store)
    assert [row.entry for row in found] == entries
    assert [row.seq for row in found] == [1, 2, 3, 4, 5]
    assert [row.prev_hash for row in found[1:]] == [row.hash for row in found[:-1]]
    async with store.read() as tx:
        assert await tx.audit.head() == AuditHead(5, found[-1].hash)


async def test_what_is_undone_is_not_in_the_audit(store: Store) -> None:
    async def fail() -> None:
        async with store.write() as tx:
            tx.audit.append(entry())
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    assert await rows(store) == []


async def test_a_unit_of_work_that_reads_cannot_append(store: Store) -> None:
    with pytest.raises(RuntimeError):
        async with store.read() as tx:
            tx.audit.append(entry())


async def test_many_who_append_at_once_make_one_chain(
    store: Store, racing: Racing, archive: Archive
) -> None:
    async def attempt(tx: UnitOfWork, number: int) -> None:
        tx.audit.append(entry(f"{number}a"))
        await tx.audit.head()
        tx.audit.append(entry(f"{number}b"))

    await asyncio.gather(
        racing(attempt, times=20), *(record(store, execution(f"r{n}")) for n in range(20))
    )
    found = await rows(store)
    assert [row.seq for row in found] == list(range(1, 61))
    assert {row.entry.actor for row in found} >= {f"U{n}{side}" for n in range(20) for side in "ab"}
    assert await fault(archive) is None


async def test_nobody_appends_while_the_audit_is_frozen(store: Store, replica: Store) -> None:
    async with store.write() as tx:
        await tx.audit.freeze()
        other = asyncio.create_task(append(replica, entry("other")))
        tx.audit.append(entry("first"))
        await asyncio.wait([other], timeout=0.05)
        assert not other.done()
    await other
    assert [row.entry.actor for row in await rows(store)] == ["Ufirst", "Uother"]


async def test_an_entry_knows_its_message_once_it_is_posted(store: Store) -> None:
    await append(store, entry())
    assert (await rows(store))[0].ref is None
    message = await put(store, "card:execution-1", "hello")
    async with store.write() as tx:
        await tx.messages.claim_due("p", NOW, SOON, 1)
        await tx.messages.delivered(message.id, 1, REF, "p")
    assert (await rows(store))[0].ref == REF


# What the ledger and the reviews record


async def kinds(store: Store) -> list[tuple[str, str, str]]:
    return [(str(r.entry.kind), r.entry.actor, r.entry.outcome) for r in await rows(store)]


async def move(store: Store, to: ExecutionStatus, *, outcome: str = "") -> None:
    async with store.write() as tx:
        await tx.executions.set_status(
            ExecutionId("execution-1"),
            to,
            outcome=outcome,
            now=LATER,
            expect=set(ExecutionStatus) - {to},
        )


async def claim(store: Store) -> None:
    async with store.write() as tx:
        await tx.executions.set_target(
            ExecutionId("execution-1"), NodeId("node-1"), TaskId("task-1"), "train-01", {}
        )
        await tx.executions.claim(
            ExecutionId("execution-1"),
            "process-1",
            LATER,
            LATER,
            expect={ExecutionStatus.RECORDED},
            to=ExecutionStatus.RUNNING,
        )


async def test_a_request_its_run_and_its_end_are_recorded_once_each(store: Store) -> None:
    await record(store, execution(arguments={"vm": "7a9Q", "reason": "stuck"}))
    assert not await store.record(execution("2", key="delivery-1"), by="p", until=SOON)
    await claim(store)
    await claim(store)
    await move(store, ExecutionStatus.FOLLOWING)
    await move(store, ExecutionStatus.DONE, outcome="It runs.")
    await move(store, ExecutionStatus.DONE)
    requested, started, ended = await rows(store)
    assert (requested.entry.kind, requested.entry.reason) == (AuditKind.REQUESTED, "stuck")
    assert requested.entry.arguments == {"vm": "7a9Q", "reason": "stuck"}
    assert (started.entry.kind, started.entry.label) == (AuditKind.STARTED, "train-01")
    assert (ended.entry.kind, ended.entry.outcome) == (AuditKind.ENDED, "done")
    assert (ended.entry.reason, ended.entry.at) == ("It runs.", LATER)
    assert {row.entry.message for row in (requested, started, ended)} == {"card:execution-1"}


async def test_secrets_of_a_command_are_not_recorded(store: Store) -> None:
    await record(store, execution(secrets={"password": "SECRET-PASSWORD"}))
    await claim(store)
    await move(store, ExecutionStatus.FAILED, outcome="no")
    async with store.write() as tx:
        await tx.sessions.put(session())
    found = repr(await rows(store))
    assert "SECRET" not in found


async def vote(store: Store, user: str, verdict: Verdict, reason: str = "") -> None:
    async with store.write() as tx:
        await tx.votes.cast(
            Vote(
                f"click-{user}",
                ApprovalId("approval-1"),
                UserId(user),
                verdict,
                NOW,
                Place(ChannelId("C1")),
                reason,
            )
        )
    async with store.write() as tx:
        await tx.votes.count(f"click-{user}", SOON)


async def test_questions_decisions_and_clicks_that_do_not_count_are_recorded(store: Store) -> None:
    await record(store, execution())
    asked = replace(approval(), needed=2, shown={"state": Fact("running")})
    async with store.write() as tx:
        await tx.approvals.add(asked)
    await vote(store, "U2", Verdict.APPROVE)
    async with store.write() as tx:
        await tx.votes.cast(
            Vote(
                "x",
                ApprovalId("approval-1"),
                UserId("U3"),
                Verdict.APPROVE,
                NOW,
                Place(ChannelId("C1")),
            )
        )
        await tx.votes.refuse("x", "You may not.", SOON)
    await vote(store, "U4", Verdict.DENY, "not now")
    await vote(store, "U5", Verdict.APPROVE)
    assert [found[:2] for found in await kinds(store)] == [
        ("requested", "U1"),
        ("asked", "U1"),
        ("approved", "U2"),
        ("click_refused", "U3"),
        ("denied", "U4"),
        ("click_refused", "U5"),
    ]
    found = await rows(store)
    assert found[1].entry.details["shown"] == {"state": "running"}
    assert found[3].entry.details["why"] == "You may not."
    assert found[4].entry.reason == "not now"
    assert {row.entry.approval for row in found[1:]} == {"approval-1"}


@pytest.mark.parametrize(
    ("how", "kind", "actor"),
    [("cancel", "cancelled", "U1"), ("expire", "expired", ""), ("void", "voided", "")],
)
async def test_the_other_ends_of_a_review_are_recorded(
    store: Store, how: str, kind: str, actor: str
) -> None:
    await record(store, execution())
    async with store.write() as tx:
        await tx.approvals.add(approval())
    for _ in range(2):
        async with store.write() as tx:
            if how == "cancel":
                await tx.approvals.resolve(
                    ApprovalId("approval-1"), ApprovalStatus.CANCELLED, by=UserId("U1"), now=SOON
                )
            elif how == "expire":
                await tx.approvals.claim_expired(LATER + timedelta(days=1), 10)
            else:
                await tx.approvals.void(ApprovalId("approval-1"), SOON)
    assert await kinds(store) == [("requested", "U1", ""), ("asked", "U1", ""), (kind, actor, "")]


async def test_broken_glass_and_its_review_are_recorded(store: Store) -> None:
    await record(store, execution())
    async with store.write() as tx:
        await tx.approvals.add(replace(approval(), kind=ReviewKind.AFTERWARDS))
    await vote(store, "U2", Verdict.APPROVE)
    assert [found[:2] for found in await kinds(store)] == [
        ("requested", "U1"),
        ("broke_glass", "U1"),
        ("reviewed", "U2"),
    ]


# Reading


@pytest.mark.parametrize(
    ("query", "found"),
    [
        (EVERYTHING, [1, 2, 3, 4, 5]),
        (AuditQuery(person=UserId("U1")), [1, 2, 3]),
        (AuditQuery(person=UserId("U2")), [2, 4]),
        (AuditQuery(machine="train-01"), [1, 2, 3]),
        (AuditQuery(machine="task"), [1, 2, 3]),
        (AuditQuery(machine="%"), []),
        (AuditQuery(command="vm"), [1, 2, 3]),
        (AuditQuery(command="vm.restart"), [1, 2, 3]),
        (AuditQuery(command="v"), []),
        (AuditQuery(outcome="done"), [3]),
        (AuditQuery(outcome="denied"), [2]),
        (AuditQuery(since=SOON), [3]),
        (AuditQuery(until=SOON), [1, 2, 4, 5]),
        (AuditQuery(reader=UserId("U9"), reader_nodes=frozenset({"node-1"})), [1, 2, 3]),
        (AuditQuery(reader=UserId("U1"), reader_nodes=frozenset()), [1, 2, 3]),
        (AuditQuery(reader=UserId("U2"), reader_nodes=frozenset({"node-2"})), [2, 4]),
        (AuditQuery(reader=UserId("U9"), reader_nodes=frozenset()), []),
    ],
)
async def test_rows_are_found_by_what_they_say_and_by_the_command_they_are_about(
    store: Store, query: AuditQuery, found: list[int]
) -> None:
    asked = execution()
    await record(store, asked)
    async with store.write() as tx:
        await tx.executions.set_target(asked.id, NodeId("node-1"), TaskId("task-1"), "train-01", {})
        tx.audit.append(AuditEntry.about(asked, AuditKind.DENIED, NOW, actor=UserId("U2")))
    await move(store, ExecutionStatus.DONE)
    await append(
        store,
        AuditEntry(AuditKind.SESSION_ADDED, NOW, actor=UserId("U2")),
        AuditEntry(AuditKind.POLICY_LOADED, NOW),
    )
    assert [row.seq for row in await rows(store, query)] == found
    async with store.read() as tx:
        page = await tx.audit.page(query, before=None, limit=10)
        assert [row.seq for row in page] == found[::-1]


async def test_pages_go_back_in_time(store: Store) -> None:
    await append(store, *(entry(str(number)) for number in range(7)))
    async with store.read() as tx:
        first = await tx.audit.page(EVERYTHING, before=None, limit=3)
        second = await tx.audit.page(EVERYTHING, before=first[-1].seq, limit=3)
        third = await tx.audit.page(EVERYTHING, before=second[-1].seq, limit=3)
    assert [row.seq for row in (*first, *second, *third)] == [7, 6, 5, 4, 3, 2, 1]
