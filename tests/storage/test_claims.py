"""What is claimed again and again is found without reading through all that is done."""

import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, event, make_url

from bot.ids import NodeId, UserId
from bot.model import MACHINE_GOALS, Goal
from storage import Due, Store, UnitOfWork, Vault
from tests.databases import begin
from tests.storage.samples import NOW, SOON, execution

Claim = Callable[[UnitOfWork], Awaitable[object]]
A_DAY = timedelta(days=1)
GROUP = Due(NodeId("node-1"), UserId("U1"), Goal.RUNNING)

CLAIMS: dict[str, Claim] = {
    "messages": lambda tx: tx.messages.claim_due("p", NOW, SOON, 50),
    "due watches": lambda tx: tx.watches.due(NOW, 50),
    "a node's watches": lambda tx: tx.watches.claim(GROUP, "p", NOW, SOON, goals=MACHINE_GOALS),
    "a node's due watches": lambda tx: tx.watches.claim(GROUP, "p", NOW, SOON),
    "open watches on a node": lambda tx: tx.watches.open(node=NodeId("n")),
    "executions": lambda tx: tx.executions.claim_stranded("p", NOW, SOON, 50),
    "expired approvals": lambda tx: tx.approvals.claim_expired(NOW, 50),
    "reminders": lambda tx: tx.approvals.claim_reminders(NOW, A_DAY, A_DAY, 50),
    "lost clicks": lambda tx: tx.votes.pending(NOW, 50),
}


@pytest.fixture
async def lite(sqlite_url: str, vault: Vault) -> AsyncIterator[Store]:
    begin(Path(str(make_url(sqlite_url).database)))
    store = Store(sqlite_url, vault)
    await store.migrate()
    yield store
    await store.close()


async def plan(store: Store, file: Path, claim: Claim) -> list[str]:
    """How SQLite carries out what `claim` asks of it."""
    asked: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, given: Any, *_: Any) -> None:
        if not statement.startswith("BEGIN"):
            asked.append((statement, given))

    event.listen(Engine, "before_cursor_execute", note)
    try:
        async with store.write() as tx:
            await claim(tx)
    finally:
        event.remove(Engine, "before_cursor_execute", note)
    with closing(sqlite3.connect(file)) as raw:
        ((statement, given),) = asked
        return [step for *_, step in raw.execute(f"EXPLAIN QUERY PLAN {statement}", given)]


@pytest.mark.parametrize("claim", CLAIMS.values(), ids=CLAIMS.keys())
async def test_a_claim_reads_no_whole_table(lite: Store, tmp_path: Path, claim: Claim) -> None:
    steps = await plan(lite, tmp_path / "data" / "bot.db", claim)
    assert [step for step in steps if "INDEX" in step]
    scans = [step for step in steps if step.startswith("SCAN") and step != "SCAN due"]
    # A scan of the partial index: it has only what is outstanding.
    assert scans in ([], ["SCAN messages USING INDEX ix_messages_due"])


async def test_whose_turn_it_is_takes_no_look_at_watches_of_others(
    lite: Store, tmp_path: Path
) -> None:
    file = tmp_path / "data" / "bot.db"
    steps = await plan(lite, file, lambda tx: tx.turns.others(execution("1")))
    assert "SEARCH watches USING INDEX ix_watches_execution (execution=?)" in steps
