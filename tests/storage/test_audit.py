import asyncio
import sqlite3
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from bot.errors import BotError
from bot.model import (
    ApprovalStatus,
    AuditEntry,
    AuditHead,
    AuditKind,
    AuditQuery,
    AuditRow,
    ExecutionStatus,
    Place,
    ReviewKind,
    Verdict,
    Vote,
)
from storage import Archive, Store, UnitOfWork
from storage.chain import hash_of
from storage.engine import open_engines
from storage.tables import audit
from tests.storage.conftest import Racing
from tests.storage.samples import LATER, NOW, REF, SOON, approval, execution, put, record, session

EVERYTHING = AuditQuery()


def entry(name: str = "1", **changes: Any) -> AuditEntry:
    values: dict[str, Any] = {
        "kind": AuditKind.SESSION_SHARED,
        "at": NOW,
        "actor": f"U{name}",
        "command": "session.share",
        "arguments": {"note": "重启 ‘now’"},
        "node": "node-1",
        "task": "task-1",
        "label": "train-01",
        "execution": f"execution-{name}",
        "approval": f"approval-{name}",
        "outcome": "done",
        "reason": "because",
        "place": Place("C1", "171.2"),
        "message": f"card:execution-{name}",
        "details": {"with": ["U2"], "n": 1},
    }
    return AuditEntry(**{**values, **changes})


async def append(store: Store, *entries: AuditEntry) -> None:
    async with store.write() as tx:
        for each in entries:
            tx.audit.append(each)


async def rows(store: Store, query: AuditQuery = EVERYTHING) -> list[AuditRow]:
    async with store.read() as tx:
        return [row async for row in tx.audit.all(query)]


@pytest.fixture
async def archive(store: Store, url: str) -> AsyncIterator[Archive]:
    """The database of `store`, as an auditor opens it."""
    archive = Archive(url)
    yield archive
    await archive.close()


async def fault(archive: Archive, known: AuditHead | None = None) -> tuple[int, str] | None:
    found, _ = await archive.verify(known)
    return None if found is None else (found.seq, found.sentence)


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
            "execution-1", to, outcome=outcome, now=LATER, expect=set(ExecutionStatus) - {to}
        )


async def claim(store: Store) -> None:
    async with store.write() as tx:
        await tx.executions.set_target("execution-1", "node-1", "task-1", "train-01")
        await tx.executions.claim(
            "execution-1",
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
            Vote(f"click-{user}", "approval-1", user, verdict, NOW, Place("C1"), reason)
        )
    async with store.write() as tx:
        await tx.votes.count(f"click-{user}", SOON)


async def test_questions_decisions_and_clicks_that_do_not_count_are_recorded(store: Store) -> None:
    await record(store, execution())
    asked = replace(approval(), needed=2, shown={"Present state": "running"})
    async with store.write() as tx:
        await tx.approvals.add(asked)
    await vote(store, "U2", Verdict.APPROVE)
    async with store.write() as tx:
        await tx.votes.cast(Vote("x", "approval-1", "U3", Verdict.APPROVE, NOW, Place("C1")))
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
    assert found[1].entry.details["shown"] == {"Present state": "running"}
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
                    "approval-1", ApprovalStatus.CANCELLED, by="U1", now=SOON
                )
            elif how == "expire":
                await tx.approvals.claim_expired(LATER + timedelta(days=1), 10)
            else:
                await tx.approvals.void("approval-1", SOON)
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
        (AuditQuery(person="U1"), [1, 2, 3]),
        (AuditQuery(person="U2"), [2, 4]),
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
        (AuditQuery(reader="U9", reader_nodes=frozenset({"node-1"})), [1, 2, 3]),
        (AuditQuery(reader="U1", reader_nodes=frozenset()), [1, 2, 3]),
        (AuditQuery(reader="U2", reader_nodes=frozenset({"node-2"})), [2, 4]),
        (AuditQuery(reader="U9", reader_nodes=frozenset()), []),
    ],
)
async def test_rows_are_found_by_what_they_say_and_by_the_command_they_are_about(
    store: Store, query: AuditQuery, found: list[int]
) -> None:
    asked = execution()
    await record(store, asked)
    async with store.write() as tx:
        await tx.executions.set_target(asked.id, "node-1", "task-1", "train-01")
        tx.audit.append(AuditEntry.about(asked, AuditKind.DENIED, NOW, actor="U2"))
    await move(store, ExecutionStatus.DONE)
    await append(
        store,
        AuditEntry(AuditKind.SESSION_ADDED, NOW, actor="U2"),
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


# The database refuses


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit SET reason = 'x' WHERE seq = 2",
        "UPDATE audit SET reason = reason",
        "DELETE FROM audit WHERE seq = 2",
        "DELETE FROM audit",
        "TRUNCATE audit",
    ],
)
async def test_the_database_refuses_to_change_or_remove_a_row(
    store: Store, url: str, archive: Archive, statement: str
) -> None:
    if url.startswith("sqlite") and statement.startswith("TRUNCATE"):
        pytest.skip("SQLite knows no TRUNCATE")
    await append(store, entry("1"), entry("2"), entry("3"))
    engines = open_engines(url)
    with pytest.raises((DBAPIError, BotError)) as caught:
        async with engines.writing() as connection:
            await connection.execute(text(statement))
    assert "append-only" in f"{caught.value} {caught.value.__cause__}"
    await engines.dispose()
    assert len(await rows(store)) == 3
    assert await fault(archive) is None


async def test_sqlite_refuses_to_replace_a_row_or_put_one_in_between(
    store: Store, url: str, tmp_path: Path
) -> None:
    if not url.startswith("sqlite"):
        pytest.skip("only SQLite has INSERT OR REPLACE")
    await append(store, entry("1"), entry("2"))
    with sqlite3.connect(tmp_path / "data" / "bot.db") as connection:
        for seq in (0, 1, 2):
            with pytest.raises(sqlite3.IntegrityError, match="append-only"):
                connection.execute(
                    "INSERT OR REPLACE INTO audit SELECT ?, " + _names("seq") + " FROM audit "
                    "WHERE seq = 2",
                    [seq],
                )
    connection.close()
    assert len(await rows(store)) == 2


def _names(*without: str) -> str:
    return ", ".join(f'"{c.name}"' for c in audit.columns if c.name not in without)


# Tampering by someone who can do anything with the database

ROWS = 4
COLUMNS = [column.name for column in audit.columns]


async def tampered(url: str, *statements: str) -> None:
    engines = open_engines(url)
    async with engines.writing() as connection:
        if url.startswith("sqlite"):
            for trigger in ("update", "delete", "replace"):
                await connection.execute(text(f"DROP TRIGGER audit_refuses_{trigger}"))
        else:
            await connection.execute(text("ALTER TABLE audit DISABLE TRIGGER ALL"))
        for statement in statements:
            await connection.execute(text(statement))
    await engines.dispose()


@pytest.fixture
async def head(store: Store) -> AuditHead:
    """Some rows, and the head that was told when they were the last."""
    await append(store, *(entry(str(number)) for number in range(1, ROWS + 1)))
    async with store.read() as tx:
        head = await tx.audit.head()
    assert head is not None
    return head


async def test_an_untouched_audit_is_sound(archive: Archive, head: AuditHead) -> None:
    assert await archive.verify() == (None, head)
    assert await archive.verify(head) == (None, head)


@pytest.mark.parametrize("column", [name for name in COLUMNS if name != "seq"])
@pytest.mark.parametrize("seq", [1, 2, ROWS])
async def test_any_altered_column_of_any_row_is_found(
    sqlite_url: str, vault: Any, column: str, seq: int
) -> None:
    store = Store(sqlite_url, vault)
    await store.migrate()
    await append(store, *(entry(str(number)) for number in range(1, ROWS + 1)))
    await store.close()
    await tampered(sqlite_url, f"UPDATE audit SET \"{column}\" = 'x' WHERE seq = {seq}")
    archive = Archive(sqlite_url)
    found = await fault(archive)
    await archive.close()
    assert found is not None
    assert found[0] == seq
    assert "altered" in found[1]


@pytest.mark.parametrize(
    ("statement", "seq", "word"),
    [
        ("UPDATE audit SET reason = 'x' WHERE seq = 2", 2, "altered"),
        ("UPDATE audit SET arguments = '{}' WHERE seq = 1", 1, "altered"),
        ("UPDATE audit SET seq = 9 WHERE seq = 4", 4, "removed"),
        ("UPDATE audit SET seq = 0 WHERE seq = 1", 1, "removed"),
        ("DELETE FROM audit WHERE seq = 1", 1, "removed"),
        ("DELETE FROM audit WHERE seq = 3", 3, "removed"),
        ("DELETE FROM audit WHERE seq IN (2, 3)", 2, "removed"),
    ],
)
async def test_altered_and_removed_rows_are_named(
    url: str, archive: Archive, head: AuditHead, statement: str, seq: int, word: str
) -> None:
    await tampered(url, statement)
    for known in (None, head):
        found = await fault(archive, known)
        assert found is not None
        assert found[0] == seq
        assert word in found[1]


@pytest.mark.parametrize("kept", [3, 1, 0])
async def test_rows_cut_off_at_the_end_are_found_against_a_head(
    url: str, archive: Archive, head: AuditHead, kept: int
) -> None:
    await tampered(url, f"DELETE FROM audit WHERE seq > {kept}")
    assert await fault(archive) is None
    found = await fault(archive, head)
    assert found is not None
    assert found[0] == kept + 1
    assert "cut off" in found[1]


async def test_a_chain_made_anew_is_found_against_a_head(
    store: Store, url: str, archive: Archive, head: AuditHead
) -> None:
    await tampered(url, "DELETE FROM audit WHERE seq > 1")
    await append(store, *(entry("forged") for _ in range(ROWS)))
    assert await fault(archive) is None
    found = await fault(archive, head)
    assert found is not None
    assert found[0] == ROWS
    assert "given head" in found[1]


async def test_a_row_with_a_hash_made_anew_is_found_at_the_next(
    url: str, archive: Archive, head: AuditHead, store: Store
) -> None:
    async with store.read() as tx:
        async for chunk in tx.audit.raw():
            stored = {**chunk[1], "reason": "forged"}
    await tampered(
        url, f"UPDATE audit SET reason = 'forged', hash = '{hash_of(stored)}' WHERE seq = 2"
    )
    found = await fault(archive)
    assert found is not None
    assert found[0] == 2


async def test_bytes_put_into_a_column_are_found(sqlite_url: str, vault: Any) -> None:
    store = Store(sqlite_url, vault)
    await store.migrate()
    await append(store, entry("1"))
    await store.close()
    await tampered(sqlite_url, "UPDATE audit SET reason = CAST(reason AS BLOB)")
    archive = Archive(sqlite_url)
    found = await fault(archive)
    await archive.close()
    assert found is not None


async def test_an_archive_needs_a_database(tmp_path: Path) -> None:
    with pytest.raises(BotError, match="no database"):
        Archive(f"sqlite:///{tmp_path}/none.db")
