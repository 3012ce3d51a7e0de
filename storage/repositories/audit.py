"""The audit: rows that are only ever added, each chained to the one before (storage/chain.py).

The database itself refuses to change or remove one. Who may read what is not known here.
"""

import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    RowMapping,
    Table,
    false,
    insert,
    not_,
    or_,
    select,
    text,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.clock import UNTOLD
from bot.model import AuditEntry, AuditHead, AuditKind, AuditQuery, AuditRow, MessageRef, Place
from storage.chain import GENESIS, canonical, hash_of
from storage.repositories.repository import Repository, texts
from storage.tables import audit, executions, messages

CHUNK = 500  # rows read at once, by those who read all


class Audit(Repository):
    """What happened, in order. `shown` gives moments as they are to be told."""

    def __init__(
        self,
        connection: AsyncConnection,
        shown: Callable[[datetime], datetime] = lambda at: at,
    ) -> None:
        super().__init__(connection)
        self.shown = shown
        self._pending: list[AuditEntry] = []

    def append(self, entry: AuditEntry) -> None:
        """Add an entry; it is written as the last thing before the unit of work commits.

        So the chain is held as shortly as can be, and nobody who holds it waits for a row.
        """
        self._pending.append(replace(entry, at=self.shown(entry.at)))

    @property
    def is_pending(self) -> bool:
        """Whether something was appended and not written yet."""
        return bool(self._pending)

    async def flush(self) -> None:
        """Write what was appended. The unit of work's own; nobody else calls it."""
        entries, self._pending = self._pending, []
        await self._connection.run_sync(append_all, entries)

    async def freeze(self) -> None:
        """Keep everybody else from appending until this unit of work ends."""
        await self._connection.run_sync(_wait_for_turn)

    async def head(self) -> AuditHead | None:
        """The last row's place and hash; None while there is no row."""
        rows = await self._connection.execute(_HEAD)
        row = rows.one_or_none()
        return None if row is None else AuditHead(row.seq, row.hash)

    async def page(self, query: AuditQuery, *, before: int | None, limit: int) -> list[AuditRow]:
        """Up to `limit` rows that fit, newest first, those before row `before` only."""
        wanted = _SELECT.where(*_conditions(query)).order_by(audit.c.seq.desc()).limit(limit)
        if before is not None:
            wanted = wanted.where(audit.c.seq < before)
        rows = await self._connection.execute(wanted)
        return [_from_row(row) for row in rows.mappings()]

    async def all(self, query: AuditQuery) -> AsyncIterator[AuditRow]:
        """Every row that fits, oldest first."""
        wanted = _SELECT.where(*_conditions(query)).order_by(audit.c.seq).limit(CHUNK)
        last = 0
        while True:
            rows = await self._connection.execute(wanted.where(audit.c.seq > last))
            chunk = [_from_row(row) for row in rows.mappings()]
            for row in chunk:
                yield row
            if len(chunk) < CHUNK:
                return
            last = chunk[-1].seq

    async def raw(self) -> AsyncIterator[Sequence[Mapping[str, Any]]]:
        """Every row as it is stored, in order, some at a time: for `storage.chain`."""
        wanted = select(audit).order_by(audit.c.seq).limit(CHUNK)
        # Not from 1: a row may have been smuggled in before the first.
        rows = await self._connection.execute(wanted)
        while chunk := rows.mappings().all():
            yield [{str(name): row[name] for name in row} for row in chunk]
            rows = await self._connection.execute(wanted.where(audit.c.seq > chunk[-1]["seq"]))


_HEAD = select(audit.c.seq, audit.c.hash).order_by(audit.c.seq.desc()).limit(1)

_SELECT = (
    select(
        audit,
        messages.c.ref_channel,
        messages.c.ref_ts,
        executions.c.node.label("known_node"),
        executions.c.task.label("known_task"),
        executions.c.label.label("known_label"),
    )
    .join_from(audit, messages, messages.c.key == audit.c.message, isouter=True)
    .join(executions, executions.c.id == audit.c.execution, isouter=True)
)


def append_all(connection: Connection, entries: Sequence[AuditEntry]) -> None:
    """Chain the entries to the last row, in order, in the transaction that is open."""
    if not entries:
        return
    _wait_for_turn(connection)
    head = connection.execute(_HEAD).one_or_none()
    seq, last = (0, GENESIS) if head is None else (head.seq, head.hash)
    rows = []
    for seq_here, entry in enumerate(entries, seq + 1):
        row = {"seq": seq_here, **_to_row(entry), "prev_hash": last}
        row["hash"] = last = hash_of(row)
        rows.append(row)
    connection.execute(insert(audit), rows)


def _wait_for_turn(connection: Connection) -> None:
    # SQLite's transaction is the only one that writes; PostgreSQL's waits here for its turn, so
    # that no two rows can follow on one.
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(hashtext('dbc-bot audit'))"))


def _conditions(query: AuditQuery) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if query.person:
        found.append(_concerns(query.person))
    if query.machine:
        found.append(_or_its_execution(lambda table: _is_machine(table, query.machine)))
    if query.command:
        found.append(
            or_(
                audit.c.command == query.command,
                audit.c.command.startswith(f"{query.command}.", autoescape=True),
            )
        )
    if query.outcome:
        found.append(or_(audit.c.outcome == query.outcome, audit.c.kind == query.outcome))
    if query.since is not None:
        found.append(audit.c.at >= _stamp(query.since))
    if query.until is not None:
        found.append(audit.c.at < _stamp(query.until))
    if query.reader_nodes is not None:
        nodes = query.reader_nodes
        about = _or_its_execution(lambda table: table.c.node.in_(nodes)) if nodes else false()
        found.append(or_(about, _concerns(query.reader)))
    if query.hidden_nodes:
        found.append(not_(_or_its_execution(lambda table: table.c.node.in_(query.hidden_nodes))))
    return found


def _is_machine(table: Table, machine: str) -> ColumnElement[bool]:
    return or_(table.c.task.startswith(machine, autoescape=True), table.c.label == machine)


def _concerns(person: str) -> ColumnElement[bool]:
    """What a person did, and everything about what they asked for."""
    return _or_its_execution(lambda table: table.c.actor == person)


def _or_its_execution(holds: Callable[[Table], ColumnElement[bool]]) -> ColumnElement[bool]:
    """Whether it holds for the row, or for the execution that the row is about.

    When something is asked for, for one, it is not known yet which machine the words mean.
    """
    return or_(
        holds(audit), audit.c.execution.in_(select(executions.c.id).where(holds(executions)))
    )


def _stamp(at: datetime) -> str:
    """The moment in the one spelling that is stored and hashed, and that sorts."""
    return at.astimezone(UTC).isoformat(timespec="microseconds")


def _to_row(entry: AuditEntry) -> dict[str, Any]:
    return {
        "at": _stamp(entry.at),
        "kind": str(entry.kind),
        "actor": entry.actor,
        "command": entry.command,
        "arguments": canonical(dict(entry.arguments)),
        "node": entry.node,
        "task": entry.task,
        "label": entry.label,
        "execution": entry.execution,
        "approval": entry.approval,
        "outcome": entry.outcome,
        "reason": entry.reason,
        "channel": entry.place.channel,
        "thread": entry.place.thread,
        "message": entry.message,
        "details": canonical(dict(entry.details)),
    }


def _mapping(text: str) -> dict[str, Any]:
    """What is kept as JSON; a row that was tampered with shows as much as can be read."""
    try:
        return texts(json.loads(text))
    except (ValueError, TypeError):
        return {}


def _kind(stored: Any) -> AuditKind | str:
    """What is recorded; as it is stored where only another version knows the word."""
    try:
        return AuditKind(stored)
    except ValueError:
        return str(stored)


def _moment(text: str) -> datetime:
    """When it was; that nobody can tell of a row that was tampered with."""
    try:
        at = datetime.fromisoformat(text)
    except (ValueError, TypeError):
        return UNTOLD
    return at if at.tzinfo else UNTOLD


_TOLD = (
    "actor", "command", "node", "task", "label", "execution", "approval", "outcome", "reason",
    "message", "channel", "thread",
)  # fmt: skip


def _from_row(row: RowMapping) -> AuditRow:
    told = {name: str(row[name]) for name in _TOLD}  # bytes, where it was tampered with
    place = Place(told.pop("channel"), told.pop("thread"))
    entry = AuditEntry(
        kind=_kind(row["kind"]),
        at=_moment(row["at"]),
        arguments=_mapping(row["arguments"]),
        place=place,
        details=_mapping(row["details"]),
        **told,
    )
    ref = None if row["ref_ts"] is None else MessageRef(row["ref_channel"], row["ref_ts"])
    return AuditRow(
        row["seq"], entry, str(row["prev_hash"]), str(row["hash"]), ref,
        node=entry.node or row["known_node"] or "",
        task=entry.task or row["known_task"] or "",
        label=entry.label or row["known_label"] or "",
    )  # fmt: skip
