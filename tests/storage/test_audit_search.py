"""A page of a long audit is the newest of what fits, by whichever way it was found."""

import io
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet
from sqlalchemy import Engine, event

from bot.clock import SystemClock
from bot.ids import UserId
from bot.model import AuditQuery
from bot.reviews.audit import AuditLog
from bot.reviews.policy import Policy
from storage import Store, Vault
from tests.benchmarks.filling import BEGINNING, fill, node_of

ROWS = 8_000  # more than are looked through before an index is asked
SOON = BEGINNING + timedelta(hours=1)  # long before the newest rows
NODE = node_of(7)

QUERIES = {
    "all": AuditQuery(),
    "old": AuditQuery(until=SOON),
    "since": AuditQuery(since=SOON),
    "between": AuditQuery(since=BEGINNING + timedelta(minutes=10), until=SOON),
    "machine": AuditQuery(machine="train-0007"),
    "task": AuditQuery(machine="0000000000000000000"),
    "no machine": AuditQuery(machine="train_0%"),
    "names": AuditQuery(names=frozenset({"train-0007", "0000000000000000000007"}), until=SOON),
    "commands long ago": AuditQuery(commands=frozenset({"vm.delete", "vm.start"}), until=SOON),
    "person": AuditQuery(person=UserId("U00007")),
    "person long ago": AuditQuery(person=UserId("U00007"), until=SOON),
    "stranger": AuditQuery(person=UserId("U7")),
    "command long ago": AuditQuery(command="vm.delete", until=SOON),
    "group long ago": AuditQuery(command="vm", until=SOON),
    "no command": AuditQuery(command="v"),
    "outcome": AuditQuery(outcome="failed"),
    "outcome long ago": AuditQuery(outcome="failed", until=SOON),
    "kind long ago": AuditQuery(outcome="asked", until=SOON),
    "rare": AuditQuery(outcome="unknown"),
    "nothing to read": AuditQuery(reader=UserId("U7"), reader_nodes=frozenset()),
    "own": AuditQuery(reader=UserId("U00007"), reader_nodes=frozenset(), until=SOON),
    "node": AuditQuery(reader=UserId("U7"), reader_nodes=frozenset({NODE})),
    "node long ago": AuditQuery(reader=UserId("U7"), reader_nodes=frozenset({NODE}), until=SOON),
    "nodes long ago": AuditQuery(
        reader=UserId("U00003"), reader_nodes=frozenset({NODE, node_of(8)}), until=SOON
    ),
    "hidden": AuditQuery(
        reader=UserId("U00003"),
        reader_nodes=frozenset({NODE}),
        hidden_nodes=frozenset({NODE}),
        until=SOON,
    ),
    "reader's person": AuditQuery(
        reader=UserId("U7"), reader_nodes=frozenset({NODE}), person=UserId("U00007"), until=SOON
    ),
}


@pytest.fixture
async def long(url: str) -> AsyncIterator[Store]:
    store = Store(url, Vault([Fernet.generate_key().decode()]))
    try:
        await store.migrate()
        await fill(url, ROWS)
        yield store
    finally:
        await store.close()


@pytest.mark.slow
async def test_a_page_has_the_newest_rows_that_fit(long: Store) -> None:
    differ = []
    async with long.browse() as tx:
        for name, query in QUERIES.items():
            fitting = [row async for row in tx.audit.all(query)]
            for before in (None, ROWS // 2, 20):
                page = await tx.audit.page(query, before=before, limit=11)
                older = [row for row in fitting if before is None or row.seq < before]
                if page != older[:-12:-1]:
                    differ.append((name, before))
    assert differ == []


@pytest.mark.slow
async def test_each_word_that_stood_there_is_given_once(long: Store) -> None:
    async with long.browse() as tx:
        rows = [row.entry async for row in tx.audit.all(AuditQuery())]
        for column in ("label", "task", "command"):
            words = await tx.audit.words(column)
            assert sorted(words) == sorted({getattr(row, column) for row in rows} - {""})


@pytest.mark.slow
async def test_no_page_is_found_by_going_through_everything(tmp_path: Path) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path}/bot.db"
    store = Store(url, Vault([Fernet.generate_key().decode()]))
    await store.migrate()
    await fill(url, ROWS)
    asked: list[tuple[str, Any]] = []

    def note(_c: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        asked.append((statement, parameters))

    event.listen(Engine, "before_cursor_execute", note)
    try:
        async with store.browse() as tx:
            for query in QUERIES.values():
                await tx.audit.page(query, before=None, limit=11)
    finally:
        event.remove(Engine, "before_cursor_execute", note)
    await store.close()
    scans = set()
    with closing(sqlite3.connect(tmp_path / "bot.db")) as database:
        for statement, parameters in asked:
            # The head is read from the end of the key: the first step suffices.
            if statement.startswith("SELECT") and "SELECT audit.seq, audit.hash" not in statement:
                plan = database.execute(f"EXPLAIN QUERY PLAN {statement}", parameters)
                scans |= {(step[3], statement) for step in plan if _is_scan(step[3])}
    assert scans == set()


def _is_scan(step: str) -> bool:
    return step.startswith("SCAN") and any(
        step.split()[1] == table for table in ("audit", "executions", "messages")
    )


async def test_an_export_has_all_that_fits_without_what_is_secret(tmp_path: Path) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path}/bot.db"
    store = Store(url, Vault([Fernet.generate_key().decode()]))
    await store.migrate()
    await fill(url, 2_400)
    log = AuditLog(
        store,
        None,  # type: ignore[arg-type]
        SystemClock(),
        Policy,
        redact=lambda text: text.replace("train-0007", "******"),
    )
    file = io.BytesIO()
    assert await log.export(AuditQuery(outcome="requested"), "jsonl", file, 10**9) == 600
    lines = file.getvalue().decode().splitlines()
    await store.close()
    assert len(lines) == 600
    assert [line for line in lines if "train-0007" in line] == []
    assert sum("******" in line for line in lines) == 1
