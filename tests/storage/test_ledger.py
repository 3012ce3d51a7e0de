"""What the ledger tells of other executions, and what of each is written down and for whom."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import event, text

from bot.clock import UNTOLD
from bot.errors import NotFound
from bot.ids import ApprovalId, ExecutionId, NodeId, TaskId, UserId
from bot.model import (
    AuditEntry,
    AuditKind,
    AuditQuery,
    Effect,
    Execution,
    ExecutionStatus,
    Leased,
    Source,
)
from storage import Store
from storage.tables import executions
from tests.storage.samples import HERE, LATER, NOW, SOON, execution, record

RECORDED, WAITING, RUNNING, FOLLOWING, DONE, FAILED, UNKNOWN, *_ = ExecutionStatus
Changes = dict[str, Any]
SECOND = timedelta(seconds=1)
EARLIER = NOW - SECOND


async def stands(
    store: Store,
    name: str,
    status: ExecutionStatus = RECORDED,
    ended_at: datetime = SOON,
    **changes: Any,
) -> None:
    """Record an execution and bring it to a status."""
    found = replace(execution(name), **changes)
    await record(store, found)
    async with store.write() as tx:
        if status not in {RECORDED, WAITING}:
            await tx.executions.claim(
                found.id, "process-1", found.created_at, LATER, expect={RECORDED}, to=RUNNING
            )
        if status not in {RECORDED, RUNNING}:
            await tx.executions.set_status(
                found.id, status, now=ended_at, expect={RECORDED, RUNNING}
            )


def ids(found: Sequence[Execution]) -> list[str]:
    return [one.id.removeprefix("execution-") for one in found]


async def entries(store: Store) -> list[AuditEntry]:
    async with store.read() as tx:
        rows = await tx.audit.page(AuditQuery(), before=None, limit=50)
    return [row.entry for row in reversed(rows)]


# What else may still do the same


async def before(store: Store, one: Execution, **since: datetime) -> list[str]:
    async with store.read() as tx:
        return ids(await tx.executions.open_before(one, **{"unknown_since": NOW, **since}))


async def test_what_ended_long_ago_is_not_gone_through_for_what_is_alike(store: Store) -> None:
    asked: list[tuple[str, Any]] = []
    async with store.write() as tx:
        connection = tx.executions._connection
        if connection.dialect.name == "postgresql":  # so few rows it would rather read them all
            await connection.execute(text("SET LOCAL enable_seqscan = off"))
        event.listen(
            connection.sync_connection,
            "before_cursor_execute",
            lambda _connection, _cursor, statement, given, *_: asked.append((statement, given)),
        )
        await tx.executions.open_before(execution(), unknown_since=NOW, done_since=NOW)
        statement, given = asked[0]
        explain = "EXPLAIN QUERY PLAN" if connection.dialect.name == "sqlite" else "EXPLAIN"
        rows = await connection.run_sync(
            lambda sync: sync.exec_driver_sql(f"{explain} {statement}", given).all()
        )
        plan = "\n".join(str(row[-1]) for row in rows)
    assert "ix_executions_status_finished_at" in plan
    assert "SCAN executions" not in plan


async def test_of_two_that_nobody_has_sent_the_earlier_one_comes_first(store: Store) -> None:
    await stands(store, "b", created_at=NOW)
    await stands(store, "a", WAITING, created_at=NOW)
    await stands(store, "c", created_at=NOW)
    await stands(store, "early", created_at=EARLIER)
    await stands(store, "late", created_at=NOW + SECOND)
    await stands(store, "a-late", created_at=NOW + SECOND)
    await stands(store, "other", created_at=EARLIER, command="vm.reset")
    await stands(store, "over", FAILED, created_at=EARLIER)
    assert await before(store, execution("b")) == ["early", "a"]


@pytest.mark.parametrize("status", [RUNNING, FOLLOWING])
async def test_what_was_sent_counts_whatever_its_time(
    store: Store, status: ExecutionStatus
) -> None:
    await stands(store, "late", status, created_at=NOW + SECOND)
    assert await before(store, execution()) == ["late"]
    assert await before(store, execution("late")) == []


async def test_what_ended_as_unknown_counts_for_a_while_and_other_ends_do_not(
    store: Store,
) -> None:
    await stands(store, "unknown", UNKNOWN, created_at=NOW + SECOND)
    await stands(store, "old", UNKNOWN, ended_at=NOW)
    await stands(store, "failed", FAILED)
    await stands(store, "done", DONE, created_at=NOW + 2 * SECOND)
    assert await before(store, execution(), unknown_since=SOON) == ["unknown"]
    assert await before(store, execution(), unknown_since=NOW) == ["old", "unknown"]
    done_since = {"unknown_since": SOON, "done_since": SOON}
    assert await before(store, execution(), **done_since) == ["unknown", "done"]
    assert await before(store, execution(), unknown_since=SOON, done_since=LATER) == ["unknown"]


async def test_what_was_sent_to_a_machine_is_counted_whatever_became_of_it(store: Store) -> None:
    at = Changes(node="node-1", task="task-1")
    await stands(store, "waits", WAITING, **at)
    await stands(store, "done", DONE, **at)
    await stands(store, "runs", RUNNING, **at)
    await stands(store, "elsewhere", RUNNING, node="node-2", task="task-1")
    await stands(store, "another", RUNNING, node="node-1", task="task-2")
    async with store.read() as tx:
        assert await tx.executions.sent_to(execution(node="node-1", task="task-1")) == 2


async def test_what_is_open_on_the_same_target_is_told_oldest_first(store: Store) -> None:
    at = Changes(node="node-1", task="task-1")
    for name, status in {"b": RECORDED, "c": WAITING, "d": RUNNING, "e": FOLLOWING}.items():
        await stands(store, name, status, created_at=NOW + SECOND, **at)
    await stands(store, "a", **at)
    await stands(store, "ended", DONE, **at)
    await stands(store, "other", command="vm.reset", **at)
    await stands(store, "node", node="node-2", task="task-1")
    await stands(store, "task", node="node-1", task="task-2")
    async with store.read() as tx:
        found = await tx.executions.open_on_target(execution("mine", **at))
        mine = await tx.executions.open_on_target(execution("a", **at))
        without_a_task = await tx.executions.open_on_target(execution("new", node="node-1"))
    assert ids(found)[0] == "a"
    assert sorted(ids(found)) == ["a", "b", "c", "d", "e"]
    assert "a" not in ids(mine)
    assert without_a_task == []


@pytest.mark.parametrize(
    ("status", "ended_at", "since", "is_rival"),
    [
        (RUNNING, SOON, NOW, True),
        (FOLLOWING, SOON, NOW, True),
        (DONE, NOW + SECOND, NOW, True),
        (DONE, NOW, NOW, False),  # it had ended when this one was sent
        (UNKNOWN, SOON, SOON, True),
        (UNKNOWN, SOON, LATER, False),
        (FAILED, SOON, NOW, False),
        (WAITING, SOON, NOW, False),
    ],
)
async def test_another_one_that_may_have_left_the_same_trace_is_a_rival(
    store: Store, status: ExecutionStatus, ended_at: datetime, since: datetime, *, is_rival: bool
) -> None:
    at = Changes(node="node-1", task="task-1")
    await stands(store, "it", status, ended_at, **at)
    mine = execution("mine", started_at=NOW, created_at=EARLIER, **at)
    async with store.read() as tx:
        rival = tx.executions.has_rival
        assert await rival(mine, unknown_since=since) is is_rival
        for other in (Changes(node="n"), Changes(task="t"), Changes(command="vm.reset")):
            assert not await rival(replace(mine, **other), unknown_since=since)
        assert not await rival(replace(mine, id=ExecutionId("execution-it")), unknown_since=since)
        unsent = replace(mine, started_at=None, created_at=NOW)
        assert await rival(unsent, unknown_since=since) is is_rival


async def test_a_rival_counts_since_what_was_read_before_may_be_untrue(store: Store) -> None:
    at = Changes(node="node-1", task="task-1")
    await stands(store, "it", DONE, NOW, **at)
    mine = execution("mine", started_at=NOW, created_at=EARLIER, **at)
    other = replace(mine, command="vm.reset")
    async with store.read() as tx:
        rival = tx.executions.has_rival
        assert not await rival(mine, unknown_since=NOW)
        assert await rival(mine, unknown_since=NOW, since=NOW - SECOND)
        assert not await rival(other, unknown_since=NOW, since=NOW - SECOND)
        assert await rival(other, unknown_since=NOW, since=NOW - SECOND, of_any_command=True)


async def test_what_was_sent_later_is_told_newest_first(store: Store) -> None:
    at = Changes(node="node-1", task="task-1")
    for name, status, command, task, created_at in (
        ("before", DONE, "vm.restart", "task-1", EARLIER),
        ("failed", FAILED, "vm.restart", "task-1", SOON),
        ("elsewhere", DONE, "vm.restart", "task-2", SOON),
        ("same", RUNNING, "vm.restart", "task-1", SOON),
        ("other", UNKNOWN, "vm.start", "task-1", LATER),
        ("disk", DONE, "disk.add", "task-1", LATER),
    ):
        changes = Changes(node="node-1", task=task, command=command, created_at=created_at)
        await stands(store, name, status, LATER, **changes)
    mine = execution("mine", started_at=NOW, **at)
    async with store.read() as tx:
        assert ids(await tx.executions.sent_after(mine)) == ["other", "same"]
        assert ids(await tx.executions.sent_again(mine)) == ["same"]
        assert await tx.executions.sent_after(replace(mine, task=TaskId(""))) == []


async def test_what_has_not_ended_is_told_oldest_first_with_its_secrets(store: Store) -> None:
    await stands(store, "late", WAITING, created_at=NOW + SECOND, secrets={"password": "hunter2"})
    await stands(store, "early", FOLLOWING)
    await stands(store, "done", DONE)
    async with store.read() as tx:
        found = await tx.executions.unfinished()
    assert ids(found) == ["early", "late"]
    assert found[1].secrets == {"password": "hunter2"}


async def test_what_is_done_of_some_commands_is_told_since_a_moment(store: Store) -> None:
    await stands(store, "1", DONE)
    await stands(store, "early", DONE, created_at=EARLIER)
    await stands(store, "failed", FAILED)
    await stands(store, "other", DONE, command="vm.reset")
    async with store.read() as tx:
        assert ids(await tx.executions.done({"vm.restart", "vm.start"}, NOW)) == ["1"]


async def test_some_are_told_by_their_ids_without_their_secrets(store: Store) -> None:
    for name in "123":
        await stands(store, name, secrets={"password": "hunter2"})
    async with store.read() as tx:
        found = await tx.executions.some(
            [ExecutionId("execution-1"), ExecutionId("execution-3"), ExecutionId("nobody")]
        )
    assert sorted(found) == ["execution-1", "execution-3"]
    assert found[ExecutionId("execution-3")].id == "execution-3"
    assert found[ExecutionId("execution-3")].secrets == {}


# What is written down


async def test_what_is_learnt_is_written_into_that_execution_alone(store: Store) -> None:
    await stands(store, "1")
    await stands(store, "2")
    async with store.write() as tx:
        await tx.executions.set_target(
            ExecutionId("execution-1"), NodeId("node-1"), TaskId("task-1"), "train-01", {}
        )
        await tx.executions.set_facts(ExecutionId("execution-1"), {"size": "18G"})
        await tx.executions.set_approvers(ExecutionId("execution-1"), [UserId("U2"), UserId("U3")])
        await tx.executions.set_session_of(ExecutionId("execution-1"), UserId("U4"))
    async with store.read() as tx:
        first, second = [await tx.executions.get(ExecutionId(f"execution-{n}")) for n in "12"]
    assert (first.node, first.task, first.label) == ("node-1", "task-1", "train-01")
    assert (first.facts, first.approved_by) == ({"size": "18G"}, ("U2", "U3"))
    assert first.session_of == "U4"
    assert second == execution("2")


async def test_a_claim_or_an_end_of_one_is_none_of_another(store: Store) -> None:
    await record(store, execution("1", secrets={"a": "b"}), execution("2", secrets={"a": "b"}))
    async with store.write() as tx:
        claim, end = tx.executions.claim, tx.executions.set_status
        claimed = await claim(
            ExecutionId("execution-1"), "process-1", NOW, LATER, expect={RECORDED}, to=WAITING
        )
        assert claimed is not None
        assert (claimed.status, claimed.started_at) == (WAITING, None)
        assert not await end(ExecutionId("execution-1"), DONE, now=NOW, expect={RECORDED})
        assert await end(ExecutionId("execution-1"), DONE, now=NOW, expect={WAITING})
        assert tx.executions.erased
        assert await tx.executions.get(ExecutionId("execution-2")) == execution(
            "2", secrets={"a": "b"}
        )


async def test_an_end_without_secrets_erases_none(store: Store) -> None:
    await stands(store, "1")
    async with store.write() as tx:
        assert not tx.executions.erased
        await tx.executions.set_status(ExecutionId("execution-1"), DONE, now=NOW, expect={RECORDED})
        assert not tx.executions.erased


async def test_what_lost_its_process_is_its_takers_from_then_on(store: Store) -> None:
    await stands(store, "1")
    async with store.write() as tx:
        assert ids(await tx.executions.claim_stranded("other", LATER, LATER + SECOND, 9)) == ["1"]
        claim, kind = tx.executions.claim, Leased.EXECUTION
        assert await tx.leases.renew(kind, ["execution-1"], "process-1", LATER) == frozenset()
        assert await tx.leases.renew(kind, ["execution-1"], "other", LATER + SECOND)
        lost = await claim(
            ExecutionId("execution-1"), "process-1", LATER, LATER, expect={RECORDED}, to=RUNNING
        )
        won = await claim(
            ExecutionId("execution-1"), "other", LATER, LATER, expect={RECORDED}, to=RUNNING
        )
    assert lost is None
    assert won is not None


async def test_an_end_or_a_wait_gives_the_lease_back(store: Store) -> None:
    await stands(store, "1")
    async with store.write() as tx:
        end = tx.executions.set_status
        await end(
            ExecutionId("execution-1"), WAITING, now=NOW, expect={RECORDED}, outcome="it waits"
        )
        assert await tx.executions.claim(
            ExecutionId("execution-1"), "other", NOW, LATER, expect={WAITING}, to=RECORDED
        )
        assert (await tx.executions.get(ExecutionId("execution-1"))).outcome == "it waits"


async def test_the_audit_has_the_request_the_start_and_the_end(store: Store) -> None:
    asked = execution(
        arguments={"vm": "7a9Q", "reason": "INC-7"}, secrets={"password": "hunter2"}, node="node-1"
    )
    await record(store, asked)
    async with store.write() as tx:
        await tx.executions.set_approvers(asked.id, [UserId("U2")])
        await tx.executions.set_session_of(asked.id, UserId("U3"))
        await tx.executions.claim(asked.id, "process-1", SOON, LATER, expect={RECORDED}, to=RUNNING)
        await tx.executions.set_status(
            asked.id, FAILED, outcome="is off", decided_by=["U4"], now=LATER, expect={RUNNING}
        )
    requested, started, ended = await entries(store)
    assert requested == AuditEntry.about(
        asked, AuditKind.REQUESTED, NOW, reason="INC-7", details={"source": "slash"}
    )
    assert started == AuditEntry.about(
        asked, AuditKind.STARTED, SOON, details={"approved_by": ["U2"]}
    )
    details = {"session_of": "U3", "decided_by": ["U4"]}
    assert ended == AuditEntry.about(
        asked, AuditKind.ENDED, LATER, outcome="failed", reason="is off", details=details
    )


async def test_the_audit_tells_of_no_approvers_and_no_session_but_the_requesters_own(
    store: Store,
) -> None:
    await stands(store, "1", WAITING)
    async with store.write() as tx:
        await tx.executions.set_session_of(ExecutionId("execution-1"), UserId("U1"))
        await tx.executions.claim(
            ExecutionId("execution-1"), "p", NOW, LATER, expect={WAITING}, to=RUNNING
        )
        await tx.executions.set_status(ExecutionId("execution-1"), DONE, now=NOW, expect={RUNNING})
    assert [(e.kind, e.reason, dict(e.details)) for e in await entries(store)] == [
        (AuditKind.REQUESTED, "", {"source": "slash"}),
        (AuditKind.STARTED, "", {}),
        (AuditKind.ENDED, "", {}),
    ]


async def test_an_end_without_a_session_names_none(store: Store) -> None:
    await stands(store, "1", DONE)
    assert dict((await entries(store))[-1].details) == {}


async def test_the_same_command_recorded_twice_at_one_moment_is_new_once(store: Store) -> None:
    both = (store.record(execution(), by="p", until=SOON) for _ in range(2))
    assert sorted(await asyncio.gather(*both)) == [False, True]
    assert len(await entries(store)) == 1


async def test_a_note_is_about_its_execution_and_by_who_is_named(store: Store) -> None:
    await stands(store, "1", secrets={"password": "hunter2"})
    async with store.write() as tx:
        await tx.executions.note(ExecutionId("execution-1"), AuditKind.ASKED, SOON)
        await tx.executions.note(
            ExecutionId("execution-1"),
            AuditKind.DENIED,
            LATER,
            actor=UserId("U2"),
            approval=ApprovalId("a1"),
            reason="no",
            details={"why": "x"},
        )
    one = execution()
    assert (await entries(store))[1:] == [
        AuditEntry.about(one, AuditKind.ASKED, SOON),
        AuditEntry.about(
            one,
            AuditKind.DENIED,
            LATER,
            actor=UserId("U2"),
            approval=ApprovalId("a1"),
            reason="no",
            details={"why": "x"},
        ),
    ]


async def test_every_part_of_an_execution_comes_back(store: Store) -> None:
    whole = execution(
        source=Source.FORM, node="n", task="t", label="l", facts={"size": "18G"}, outcome="o",
        session_of="U3", approved_by=("U2", "U4"), started_at=SOON, finished_at=LATER,
        secrets={"password": "hunter2"}, effect=Effect.CHANGE, place=replace(HERE, thread=""),
    )  # fmt: skip
    await record(store, whole)
    async with store.read() as tx:
        assert await tx.executions.get(whole.id) == whole
        assert await tx.executions.find(whole.id) == whole
        with pytest.raises(NotFound, match=r"^That command is not in the ledger"):
            await tx.executions.get(ExecutionId("nobody"))


async def test_only_what_is_new_is_in_the_audit(store: Store) -> None:
    await record(store, execution("1"))
    again, fresh = execution("2", key="delivery-1"), execution("3")
    assert not await store.record(again, by="p", until=SOON)
    assert await store.record(fresh, by="p", until=SOON)
    kinds = [entry.execution for entry in await entries(store)]
    assert kinds == ["execution-1", "execution-3"]


# What is damaged, and other keys


async def damage(store: Store, **values: Any) -> Execution:
    """What the ledger makes of a row in which this stands."""
    async with store.write() as tx:
        await tx.executions._connection.execute(executions.update().values(**values))
        return await tx.executions.get(ExecutionId("execution-1"))


@pytest.mark.parametrize(
    ("values", "unreadable"),
    [
        ({"arguments": ["vm"]}, "arguments"),
        ({"facts": "none"}, "facts"),
        ({"effect": 77}, "effect"),
        ({"created_at": UNTOLD}, "date"),
        ({"secrets": b"no token"}, "secrets"),
        ({"source": "telegram"}, ""),
    ],
)
async def test_what_of_a_damaged_row_cannot_be_read_is_named(
    store: Store, values: dict[str, Any], unreadable: str
) -> None:
    await stands(store, "1")
    found = await damage(store, **values)
    assert found.unreadable == unreadable
    assert found.source is Source.SLASH
    assert found.effect is Effect.DESTROY  # the strictest, where it cannot be told


async def test_a_status_that_nobody_knows_is_unknown_and_no_moment_is_made_up(
    store: Store,
) -> None:
    await stands(store, "1")
    found = await damage(store, status="sleeping", started_at=UNTOLD, finished_at=UNTOLD)
    assert found.status is UNKNOWN
    assert (found.started_at, found.finished_at) == (None, None)


async def test_of_several_damages_the_arguments_come_before_the_secrets(store: Store) -> None:
    await stands(store, "1")
    found = await damage(store, arguments=None, secrets=b"no token")
    assert (found.unreadable, found.arguments, found.secrets) == ("arguments", {}, {})


async def test_secrets_are_sealed_anew_but_for_those_that_no_key_opens(store: Store) -> None:
    await stands(store, "1", secrets={"password": "hunter2"})
    await stands(store, "2", secrets={"password": "swordfish"})
    await stands(store, "3")
    async with store.write() as tx:
        assert await tx.executions.reseal() == 2
        assert (await tx.executions.get(ExecutionId("execution-1"))).secrets == {
            "password": "hunter2"
        }
        assert (await tx.executions.get(ExecutionId("execution-2"))).secrets == {
            "password": "swordfish"
        }
        await tx.executions._connection.execute(executions.update().values(secrets=b"no token"))
        assert await tx.executions.reseal() == 0
