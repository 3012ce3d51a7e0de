"""The audit: rows that are only ever added, each chained to the one before (storage/chain.py).

The database itself refuses to change or remove one. Who may read what is decided elsewhere.
"""

import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import lru_cache
from typing import Any, Literal, overload

from sqlalchemy import (
    Connection,
    RowMapping,
    insert,
    select,
    text,
)

from bot.clock import UNTOLD
from bot.ids import ChannelId
from bot.model import AuditEntry, AuditHead, AuditKind, AuditQuery, AuditRow, Place
from storage.chain import GENESIS, canonical, hash_of
from storage.connection import OpenConnection, carried_out
from storage.repositories.audit_search import WINDOWS, WORDS, Search, stamp
from storage.repositories.mapper import Mapper, Read, Row, readable, ref
from storage.repositories.repository import Repository, texts
from storage.tables import audit

CHUNK = 1_000  # rows read at once, by those who read all


AuditWord = Literal["command", "label", "task", "outcome", "kind"]


class Audit(Repository):
    """What happened, in order. `shown` gives moments as people are told them."""

    def __init__(
        self,
        connection: OpenConnection,
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
        search = Search(query, self._connection.dialect.name)
        if before is None:
            head = await self.head()
            before = head.seq + 1 if head is not None else 1
        for window in WINDOWS:
            newest = audit.c.seq < before, audit.c.seq >= before - window
            wanted = search.rows().where(*newest).order_by(audit.c.seq.desc()).limit(limit)
            rows = (await self._connection.execute(wanted)).mappings().all()
            if len(rows) == limit or window >= before:
                return [_ROWS.read(row) for row in rows]
        found = await self._connection.execute(search.page(before, limit))
        return [_ROWS.read(row) for row in found.mappings()]

    async def all(self, query: AuditQuery) -> AsyncIterator[AuditRow]:
        """Every row that fits and is there now, oldest first."""
        head = await self.head()
        last, end = 0, head.seq if head is not None else 0
        while last < end:
            chunk = await self.after(query, last, end, limit=CHUNK)
            for row in chunk:
                yield row
            last = chunk[-1].seq if len(chunk) == CHUNK else end

    async def after(self, query: AuditQuery, seq: int, end: int, *, limit: int) -> "Rows":
        """Up to `limit` rows that fit behind row `seq`, oldest first, up to row `end`."""
        wanted = Search(query, self._connection.dialect.name).rows()
        wanted = wanted.where(audit.c.seq > seq, audit.c.seq <= end)
        rows = await self._connection.execute(wanted.order_by(audit.c.seq).limit(limit))
        return Rows(rows.mappings().all())

    async def words(self, *columns: AuditWord) -> list[str]:
        """What has ever stood in these columns, each once."""
        found: list[str] = []
        for column in columns:
            wanted = text(WORDS[self._connection.dialect.name].format(column=column))
            rows = await self._connection.execute(wanted)
            found += [word for word in rows.scalars() if isinstance(word, str)]
        return found

    async def raw(self) -> AsyncIterator[Sequence[Mapping[str, Any]]]:
        """Every row as it is stored, in order, some at a time: for `storage.chain`."""
        wanted = select(audit).order_by(audit.c.seq).limit(CHUNK)
        names = [column.name for column in audit.columns]
        # Not from 1: a row may have been smuggled in before the first.
        rows = await self._connection.execute(wanted)
        while chunk := [dict(zip(names, row, strict=True)) for row in rows]:
            yield chunk
            rows = await self._connection.execute(wanted.where(audit.c.seq > chunk[-1]["seq"]))


class Rows(Sequence[AuditRow]):
    """Rows that were read, each made an `AuditRow` when it is looked at: that takes longer."""

    def __init__(self, rows: Sequence[RowMapping]) -> None:
        self._rows = rows

    def __len__(self) -> int:
        return len(self._rows)

    @overload
    def __getitem__(self, index: int) -> AuditRow: ...

    @overload
    def __getitem__(self, index: slice) -> "Rows": ...

    def __getitem__(self, index: int | slice) -> "AuditRow | Rows":
        """One of them, or some that nobody has looked at yet."""
        if isinstance(index, slice):
            return Rows(self._rows[index])
        return _ROWS.read(self._rows[index])


_ADD = insert(audit)
_HEAD = select(audit.c.seq, audit.c.hash).order_by(audit.c.seq.desc()).limit(1)


def append_all(connection: Connection, entries: Sequence[AuditEntry]) -> None:
    """Chain the entries to the last row, in order, in the transaction that is open."""
    if not entries:
        return
    _wait_for_turn(connection)
    head = carried_out(connection, _HEAD).one_or_none()
    seq, last = (0, GENESIS) if head is None else (head.seq, head.hash)
    rows = []
    for seq_here, entry in enumerate(entries, seq + 1):
        row = {"seq": seq_here, **_ENTRIES.write(entry), "prev_hash": last}
        row["hash"] = last = hash_of(row)
        rows.append(row)
    carried_out(connection, _ADD, rows if len(rows) > 1 else rows[0])


def _wait_for_turn(connection: Connection) -> None:
    # SQLite's transaction is the only one that writes; PostgreSQL's waits here for its turn, so
    # that no two rows can follow on one.
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(hashtext('dbc-bot audit'))"))


@lru_cache(1_000)
def _mapping(text: str) -> Mapping[str, Any]:
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


def _written(entry: AuditEntry) -> dict[str, str]:
    return {
        "at": stamp(entry.at),
        "kind": str(entry.kind),
        "arguments": canonical(dict(entry.arguments)),
        "channel": entry.place.channel,
        "thread": entry.place.thread,
        "details": canonical(dict(entry.details)),
    }


def _place(row: Row) -> Place:
    return Place(ChannelId(str(row["channel"])), str(row["thread"]))


def _learnt(name: str) -> Read:
    """What an entry is about: as it says or, where that was not known yet, the ledger."""
    return lambda row: str(row[name]) or row[f"known_{name}"] or ""


_TOLD = (
    "actor", "command", "node", "task", "label", "execution", "approval", "outcome", "reason",
    "message",
)  # fmt: skip
_ENTRIES = Mapper(
    AuditEntry,
    audit,
    _written,
    kind=lambda row: _kind(row["kind"]),
    at=lambda row: _moment(row["at"]),
    arguments=lambda row: _mapping(row["arguments"]),
    place=_place,
    details=lambda row: _mapping(row["details"]),
    **{name: readable(name) for name in _TOLD},
)
_ROWS = Mapper(
    AuditRow,
    audit,
    entry=_ENTRIES.read,
    prev_hash=readable("prev_hash"),
    hash=readable("hash"),
    ref=ref,
    **{name: _learnt(name) for name in ("node", "task", "label")},
)
