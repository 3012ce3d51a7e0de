"""How the statements that tests carry out are planned: none goes through a table that grows.

Each statement is looked at once in a process, after the first test that has carried it out. What
PostgreSQL would do with many rows it tells where reading a whole table is the last resort.
"""

import atexit
import json
import sqlite3
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from functools import cache, partial, wraps
from pathlib import Path
from typing import Any

from sqlalchemy.engine.default import DefaultDialect

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
    "INDEX ix_messages_copied": "of messages whose copies are due, and of nothing else",
    "INDEX ix_messages_told_in": "of what was told together: small where it is gone through",
    "CAST(executions.arguments AS TEXT) LIKE": "which commands name a file: browsed, beside others",
    "FROM audit ORDER BY audit.seq": "the whole audit is verified",
    "DELETE FROM": "what has had its time, once an hour",
    "executions.secrets IS NOT NULL": "all that is sealed, while keys are rotated",
    "SET copy_of = substr(key": "a migration, once",
    "SET copy_of = split_part(key": "the same",
    "UPDATE messages SET attempts=CASE": "a backup is restored",
    "SET copy_of = NULL WHERE key <>": "a test's own, as an older version",
    "problem = 'msg_too_long' WHERE key LIKE": "the same",
}

_NEXT = "-- the next plan"
_DONE, _OF_A_FORMER_SCHEMA = "00000", {"42P01", "42703"}  # no such table, no such column
_fresh: dict[str, Any] = {}
_fresh_on_postgres: dict[str, Any] = {}
_known: set[tuple[str, str]] = set()


def watch() -> None:
    """Note each statement that is carried out from now on, with its parameters.

    Not by an event: with a single listener SQLAlchemy looks for others at each step of everything.
    """
    dialect: Any = DefaultDialect
    one, many = dialect.do_execute, dialect.do_executemany

    @wraps(one)
    def execute(self: Any, cursor: Any, statement: str, values: Any, *rest: Any) -> None:
        if (self.name, statement) not in _known:
            _note(self.name, statement, values)
        one(self, cursor, statement, values, *rest)

    @wraps(many)
    def executemany(self: Any, cursor: Any, statement: str, values: Any, *rest: Any) -> None:
        if (self.name, statement) not in _known:
            _note(self.name, statement, values[0])
        many(self, cursor, statement, values, *rest)

    dialect.do_execute, dialect.do_executemany = execute, executemany


def _note(dialect: str, statement: str, values: Any) -> None:
    _known.add((dialect, statement))
    fresh = _fresh if dialect == "sqlite" else _fresh_on_postgres
    fresh[statement] = values


def faults() -> list[str]:
    """What is new since the last call and goes through a table that grows."""
    if not _fresh:
        return []
    fresh = dict(_fresh)
    _fresh.clear()
    planner = _planner()
    return [one for statement, values in fresh.items() for one in _of(planner, statement, values)]


def postgres_faults(grown: Callable[[], str], psql: Callable[[str], str]) -> list[str]:
    """What is new since the last call and goes through a table that grows, on PostgreSQL.

    `psql` carries out commands, `grown` names a database with many rows in such tables.
    """
    fresh = {one: values for one, values in _fresh_on_postgres.items() if _is_planned(one)}
    _fresh_on_postgres.clear()
    if not fresh:
        return []
    ask = partial(_asked_of_postgres, grown(), psql)
    found = ask(fresh, "auto")
    # The values of a test may be about so much of a table that reading all of it is best, as in a
    # part of the audit that is nearly all of it: which values came first is a matter of the order.
    again = ask({one: fresh[one] for one in found}, "force_generic_plan") if found else {}
    return [fault for one in again for fault in found[one]]


def _asked_of_postgres(
    grown: str, psql: Callable[[str], str], fresh: Mapping[str, Any], mode: str
) -> dict[str, list[str]]:
    """The faults of each statement that has some."""
    asked = "".join(
        f"\\echo {_NEXT}\nDEALLOCATE ALL;\nPREPARE one AS {statement};\n\\echo :SQLSTATE\n"
        f"EXPLAIN (FORMAT JSON) EXECUTE one{_literals(values)};\n"
        for statement, values in fresh.items()
    )
    said = "\\pset format unaligned\n\\t on\n\\set QUIET on\n"
    settings = f"SET enable_seqscan = off;\nSET plan_cache_mode = {mode};\n"
    plans = psql(f"\\c {grown}\n{said}{settings}{asked}").split(_NEXT)[1:]
    told = {
        statement: list(_of_postgres(statement, plan))
        for statement, plan in zip(fresh, plans, strict=True)
    }
    return {statement: faults for statement, faults in told.items() if faults}


def _of_postgres(statement: str, plan: str) -> Iterator[str]:
    state, _, told = plan.strip().partition("\n")
    if state in _OF_A_FORMER_SCHEMA:  # which a test has begun with
        return
    if state != _DONE:
        yield f"not planned, error {state}: {statement}"
        return
    for step in _whole(json.loads(told)[0]["Plan"]):
        if not any(part in f"{statement} {step}" for part in ALLOWED):
            yield f"{step}: {statement}"


def _literals(values: Sequence[Any]) -> str:
    """What a statement was carried out with, as PostgreSQL reads it; nothing where it has none."""
    return f"({', '.join(map(_literal, values))})" if values else ""


def _literal(value: Any) -> str:
    if value is None:
        return "NULL"
    text = f"\\x{value.hex()}" if isinstance(value, bytes) else str(value)
    return "'" + text.replace("'", "''") + "'"


def _whole(plan: Mapping[str, Any], *, is_first_few: bool = False, of: str = "") -> Iterator[str]:
    """The steps of a plan that go through all of a table that grows, or of one of its indexes.

    `of`: the table for which an index without a name of its table is gone through.
    """
    table = plan.get("Relation Name", of)
    kind = plan["Node Type"]
    is_by_index = kind.startswith("Index") or kind == "Bitmap Index Scan"
    is_whole = kind == "Seq Scan" or (is_by_index and "Index Cond" not in plan)
    is_first_few = is_first_few and "Filter" not in plan  # which may fit none
    if is_whole and table in GROWING and not is_first_few:
        yield f"{kind} on {table} INDEX {plan.get('Index Name', '')}"
    is_first_few = kind == "Limit" or (is_first_few and kind == "Index Scan")
    for part in plan.get("Plans", ()):
        yield from _whole(part, is_first_few=is_first_few, of=table)


@cache
def _planner() -> sqlite3.Connection:
    """A database that has the tables and is asked for plans, as long as this process lives."""
    database = sqlite3.connect(":memory:")
    atexit.register(database.close)
    database.executescript(_schema())
    return database


def _schema() -> str:
    with tempfile.TemporaryDirectory() as directory:
        file = Path(directory) / "bot.db"
        begin(file)
        with closing(sqlite3.connect(file)) as database:
            made = database.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL")
            return ";\n".join(sql for (sql,) in made)


def _of(database: sqlite3.Connection, statement: str, values: Any) -> Iterator[str]:
    if not _is_planned(statement):
        return
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


def _is_planned(statement: str) -> bool:
    """Whether it looks for something; else all is meant: a table is copied, a test damages it."""
    return statement.startswith(("SELECT", "UPDATE", "DELETE", "WITH")) and any(
        word in statement for word in ("WHERE", "LIMIT", "ORDER BY")
    )


def _goes_through(step: str) -> bool:
    words = step.split()
    return words[0] == "SCAN" and words[1] in GROWING
