"""How the audit is searched: what fits, and the ways to the newest rows of it. Reads nothing.

Nothing here goes through the whole table to find a page: either the newest rows hold one, or one
of the conditions has an index that leads to it.
"""

from collections.abc import Iterator
from datetime import UTC, datetime

from sqlalchemy import (
    ColumnElement,
    Select,
    Table,
    and_,
    or_,
    select,
    true,
    union_all,
)

from bot.ids import UserId
from bot.model import AuditKind, AuditQuery, ExecutionStatus
from storage.repositories.repository import begins
from storage.tables import audit, executions, messages

# Most of what people ask for is among the newest; each is so many rows.
WINDOWS = (500, 5_000)
# What so many rows have that the newest ones hold a page of it, if it is there at all.
_COMMON = frozenset({ExecutionStatus.DONE, AuditKind.REQUESTED, AuditKind.STARTED})

_JOINED = audit.outerjoin(messages, messages.c.key == audit.c.message).outerjoin(
    executions, executions.c.id == audit.c.execution
)
COLUMNS = (
    audit,
    messages.c.ref_channel,
    messages.c.ref_ts,
    executions.c.node.label("known_node"),
    executions.c.task.label("known_task"),
    executions.c.label.label("known_label"),
)


def stamp(at: datetime) -> str:
    """The moment in the one spelling that is stored and hashed, and that sorts."""
    return at.astimezone(UTC).isoformat(timespec="microseconds")


# Each word of a column once, by its index: from one to the next one, however many rows have it.
WORDS = {
    "sqlite": """
        WITH RECURSIVE known(word) AS (
            SELECT min({column}) FROM audit
            UNION ALL
            SELECT (SELECT min({column}) FROM audit WHERE {column} > word) FROM known
            WHERE word IS NOT NULL
        ) SELECT word FROM known WHERE word <> ''
    """,
    "postgresql": """
        WITH RECURSIVE known(word) AS (
            (SELECT {column} FROM audit ORDER BY {column} USING ~<~ LIMIT 1)
            UNION ALL
            SELECT (
                SELECT {column} FROM audit WHERE {column} ~>~ word
                ORDER BY {column} USING ~<~ LIMIT 1
            ) FROM known WHERE word IS NOT NULL
        ) SELECT word FROM known WHERE word <> ''
    """,
}


class Search:
    """What fits a query, in SQL."""

    def __init__(self, query: AuditQuery, dialect: str) -> None:
        self._query = query
        self._dialect = dialect
        self._fits = and_(true(), *self._conditions())

    def rows(self) -> Select[tuple[object, ...]]:
        """Every row that fits."""
        return select(*COLUMNS).select_from(_JOINED).where(self._fits)

    def page(self, before: int, limit: int) -> Select[tuple[object, ...]]:
        """Up to `limit` rows that fit, the newest before row `before`, each way by its index."""
        ways = [
            select(audit.c.seq)
            .select_from(_JOINED)
            .where(way, self._fits, order < before)
            .order_by(order.desc())
            .limit(limit)
            .subquery()
            for way, order in self._ways()
        ]
        found = union_all(*(select(way.c.seq) for way in ways))
        return (
            select(*COLUMNS)
            .select_from(_JOINED)
            .where(audit.c.seq.in_(found))
            .order_by(audit.c.seq.desc())
            .limit(limit)
        )

    def _ways(self) -> Iterator[tuple[ColumnElement[bool], ColumnElement[int]]]:
        """Conditions of which one holds for whatever fits, and what to order the rows by.

        Where the index does not have them in order, nor must the database look for another way
        that has: that one goes through everything.
        """
        query, seq = self._query, audit.c.seq
        unordered = seq + 0
        if query.machine or query.names:
            yield from self._about_machines()
        elif query.outcome and query.outcome not in _COMMON:
            yield audit.c.outcome == query.outcome, seq
            yield audit.c.kind == query.outcome, seq
        elif query.person or query.reader_nodes is not None:
            person = query.person or query.reader
            yield audit.c.actor == person, seq
            yield executions.c.actor == person, unordered
            for node in () if query.person else sorted(query.reader_nodes or ()):
                yield audit.c.node == node, seq
                yield executions.c.node == node, unordered
        elif query.command or query.commands:
            yield from self._of_commands()
        elif query.until is not None:
            yield true(), unordered  # the index on `at`
        else:
            yield true(), seq

    def _about_machines(self) -> Iterator[tuple[ColumnElement[bool], ColumnElement[int]]]:
        query, seq = self._query, audit.c.seq
        if query.machine:
            for table in _BOTH:
                yield begins(self._dialect, table.c.task, query.machine), seq + 0
            yield audit.c.label == query.machine, seq
            yield executions.c.label == query.machine, seq + 0
        for column in (one for table in _BOTH for one in (table.c.task, table.c.label)):
            if query.names:
                yield column.in_(sorted(query.names)), seq + 0

    def _of_commands(self) -> Iterator[tuple[ColumnElement[bool], ColumnElement[int]]]:
        query, seq = self._query, audit.c.seq
        for command in sorted(query.commands):
            yield audit.c.command == command, seq
        if query.command:
            yield audit.c.command == query.command, seq
            yield begins(self._dialect, audit.c.command, f"{query.command}."), seq + 0

    def _conditions(self) -> Iterator[ColumnElement[bool]]:
        query = self._query
        if query.person:
            yield or_(*_by(query.person))
        if query.machine or query.names:
            yield or_(*(way for way, _ in self._about_machines()))
        if query.command or query.commands:
            yield or_(*(way for way, _ in self._of_commands()))
        if query.outcome:
            yield or_(audit.c.outcome == query.outcome, audit.c.kind == query.outcome)
        if query.since is not None:
            yield audit.c.at >= stamp(query.since)
        if query.until is not None:
            yield audit.c.at < stamp(query.until)
        if query.reader_nodes is not None:
            about = [table.c.node.in_(query.reader_nodes) for table in _BOTH]
            yield or_(*about, *_by(query.reader))
        if query.hidden_nodes:
            yield audit.c.node.not_in(query.hidden_nodes)
            known = executions.c.node
            yield or_(known.is_(None), known.not_in(query.hidden_nodes))


# A row of the audit and the command that it is about: when something is asked for, for one, it is
# not known yet which machine the words mean.
_BOTH: tuple[Table, Table] = (audit, executions)


def _by(person: UserId) -> Iterator[ColumnElement[bool]]:
    """What a person did, and everything about what they asked for."""
    return (table.c.actor == person for table in _BOTH)
