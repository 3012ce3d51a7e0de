"""How the statements that tests carry out are planned: none goes through a table that grows.

Each statement is looked at once in a process, after the first test that has carried it out.
"""

import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing
from functools import cache
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, event

from tests.databases import begin

GROWING = frozenset(
    {"executions", "messages", "audit", "approvals", "votes", "watches", "used_nonces"}
)
# Part of a statement or of a step that may, and why.
ALLOWED = {
    "SELECT audit.seq, audit.hash": "the head: the first step from the end of the key",
    " NOT IN (": "words of another version, once a minute, on connections of their own",
    "INDEX ix_messages_outstanding": "an index of messages to deliver, and of nothing else",
    "INDEX ix_messages_due": "the same",
    "FROM audit ORDER BY audit.seq": "the whole audit is verified",
    "DELETE FROM": "what has had its time, once an hour",
    "executions.secrets IS NOT NULL": "all that is sealed, while keys are rotated",
    "SET copy_of = substr(key": "a migration, once",
    "UPDATE messages SET attempts=CASE": "a backup is restored",
    "SET copy_of = NULL WHERE key <>": "a test's own, as an older version",
    "problem = 'msg_too_long' WHERE key LIKE": "the same",
}

_fresh: dict[str, Any] = {}
_known: set[str] = set()


def watch() -> None:
    """Note each statement that is carried out on SQLite from now on, with its parameters."""

    @event.listens_for(Engine, "before_cursor_execute")
    def _note(on: Connection, _c: Any, statement: str, values: Any, _x: Any, many: bool) -> None:
        if statement not in _known and on.dialect.name == "sqlite":
            _known.add(statement)
            _fresh[statement] = values[0] if many else values


def faults() -> list[str]:
    """What is new since the last call and goes through a table that grows."""
    if not _fresh:
        return []
    fresh = dict(_fresh)
    _fresh.clear()
    with closing(sqlite3.connect(":memory:")) as database:
        database.executescript(_schema())
        return [
            one for statement, values in fresh.items() for one in _of(database, statement, values)
        ]


@cache
def _schema() -> str:
    with tempfile.TemporaryDirectory() as directory:
        file = Path(directory) / "bot.db"
        begin(file)
        with closing(sqlite3.connect(file)) as database:
            made = database.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL")
            return ";\n".join(sql for (sql,) in made)


def _of(database: sqlite3.Connection, statement: str, values: Any) -> Iterator[str]:
    if not statement.startswith(("SELECT", "UPDATE", "DELETE", "WITH")):
        return
    if not any(word in statement for word in ("WHERE", "LIMIT", "ORDER BY")):
        return  # all of it is meant: a table is copied, or a test damages its rows
    try:
        steps = list(database.execute(f"EXPLAIN QUERY PLAN {statement}", values))
    except sqlite3.OperationalError as error:
        if "no such" not in str(error):  # of a former schema, which a test has begun with
            raise
        return
    # The first few in the order of an index: no more than those are read.
    is_first_few = "WHERE" not in statement and " LIMIT ?" in statement
    is_sorted = any("TEMP B-TREE" in step for *_, step in steps)
    for *_, step in steps:
        if is_first_few and not is_sorted and " USING " in step:
            continue
        if _goes_through(step) and not any(part in f"{statement} {step}" for part in ALLOWED):
            yield f"{step}: {statement}"


def _goes_through(step: str) -> bool:
    words = step.split()
    return words[0] == "SCAN" and words[1] in GROWING
