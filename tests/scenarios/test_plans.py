"""No statement of a command, a card or the clockwork goes through a table that grows."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, event

from tests.scenarios.stage import Stage, staged

GROWING = frozenset({"executions", "messages", "audit", "approvals", "votes", "watches"})
# Part of a statement that may, and why.
ALLOWED = {
    "SELECT audit.seq, audit.hash": "the head: the first step from the end of the key",
    " NOT IN (": "words of another version, once a minute, on connections of their own",
    "INDEX ix_messages_outstanding": "an index of what is to be delivered, and of nothing else",
    "INDEX ix_messages_due": "the same",
    "FROM audit ORDER BY audit.seq": "the whole audit is verified",
    "DELETE FROM": "what has had its time, once an hour",
}


@pytest.fixture
def asked() -> Iterator[dict[str, Any]]:
    """The statements that are carried out, each with its last parameters."""
    found: dict[str, Any] = {}

    def note(_on: Connection, _c: Any, statement: str, values: Any, _x: Any, many: bool) -> None:
        found[statement] = values[0] if many else values

    event.listen(Engine, "before_cursor_execute", note)
    yield found
    event.remove(Engine, "before_cursor_execute", note)


async def test_nothing_goes_through_a_table_that_grows(
    tmp_path: Path, asked: dict[str, Any]
) -> None:
    async with staged(tmp_path) as stage:
        asked.clear()  # the schema was made
        await _a_day(stage)
    scans = set()
    with closing(sqlite3.connect(tmp_path / "bot.db")) as database:
        for statement, values in asked.items():
            if statement.startswith(("SELECT", "UPDATE", "DELETE", "WITH")):
                steps = database.execute(f"EXPLAIN QUERY PLAN {statement}", values)
                scans |= {
                    (step[3], statement)
                    for step in steps
                    if _goes_through(step[3])
                    and not any(part in f"{statement} {step[3]}" for part in ALLOWED)
                }
    assert scans == set()


async def _a_day(stage: Stage) -> None:
    await stage.gives_session(stage.alice, "gpu1")
    await stage.asks(stage.alice, "/dbc vm poweroff inference")
    await stage.confirms(stage.alice, "Power off")
    for _ in range(3):
        await stage.passes(60)
    for line in ("vm list", "vm show inference", "audit list", "approval list", "watch list"):
        await stage.asks(stage.alice, f"/dbc {line}")
    await stage.passes(3600)
    await stage.restart_bot()
    await stage.passes(60)


def _goes_through(step: str) -> bool:
    words = step.split()
    return words[0] == "SCAN" and words[1] in GROWING
