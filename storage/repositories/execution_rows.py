"""Commands of the ledger as rows, and back."""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Connection, RowMapping, select
from sqlalchemy.sql.dml import ReturningInsert

from bot.clock import UNTOLD
from bot.errors import Conflict
from bot.model import (
    AuditEntry,
    AuditKind,
    Effect,
    Execution,
    ExecutionStatus,
    Place,
    Source,
)
from bot.reply import keep, kept, say
from storage.repositories.audit import append_all
from storage.repositories.repository import (
    inserting,
    is_word,
    texts,
    word,
)
from storage.tables import executions
from storage.vault import Vault


def to_row(execution: Execution, vault: Vault, *, by: str, until: datetime) -> dict[str, Any]:
    """The row of a new execution, its secrets sealed and leased to `by`."""
    return {
        "id": execution.id,
        "key": execution.key,
        "actor": execution.actor,
        "channel": execution.place.channel,
        "thread": execution.place.thread,
        "source": execution.source,
        "command": execution.command,
        "arguments": dict(execution.arguments),
        "effect": int(execution.effect),
        "secrets": vault.encrypt(execution.secrets) if execution.secrets else None,
        "status": execution.status,
        "node": execution.node,
        "task": execution.task,
        "label": execution.label,
        "facts": dict(execution.facts),
        "outcome": keep(execution.outcome),
        "session_of": execution.session_of,
        "approved_by": " ".join(execution.approved_by),
        "created_at": execution.created_at,
        "started_at": execution.started_at,
        "finished_at": execution.finished_at,
        "behind": " ".join(execution.behind),
        "leased_by": by,
        "leased_until": until,
    }


@cache
def _inserting(dialect: str) -> ReturningInsert[str]:
    return inserting(dialect, executions).on_conflict_do_nothing().returning(executions.c.id)


def insert_new(
    connection: Connection,
    rows: Sequence[dict[str, Any]],
    shown: Callable[[datetime], datetime] = lambda at: at,
    *,
    again: bool = False,
) -> list[bool]:
    """Insert those rows whose key is new, with their audit, and say for each whether it was.

    `again`: these very rows may have been inserted before, and are new all the same.
    `Conflict` if an id is taken by another key: passing over it would lose a command.
    """
    inserted = set(
        connection.execute(
            _inserting(connection.dialect.name),
            rows,
        ).scalars()
    )
    first = []
    requested = []
    for row in rows:
        first.append(row["id"] in inserted)
        if row["id"] in inserted:
            requested.append(_requested(row, shown))
            inserted.discard(row["id"])  # the same row twice in one batch: the first one counts
    repeated = {row["key"] for row, is_first in zip(rows, first, strict=True) if not is_first}
    if repeated:
        ids = _ids(connection, repeated)
        if repeated - set(ids):
            raise Conflict(say("Another command has the same id."), hint=say("Try again."))
        if again:
            first = [ids.get(row["key"], row["id"]) == row["id"] for row in rows]
    append_all(connection, requested)
    return first


def _ids(connection: Connection, keys: Collection[str]) -> dict[str, str]:
    rows = connection.execute(
        select(executions.c.key, executions.c.id).where(executions.c.key.in_(keys))
    )
    return {row.key: row.id for row in rows}


def _requested(row: Mapping[str, Any], shown: Callable[[datetime], datetime]) -> AuditEntry:
    asked = from_row(row, secrets={})
    return AuditEntry.about(
        asked,
        AuditKind.REQUESTED,
        shown(asked.created_at),
        reason=asked.arguments.get("reason", ""),
        details={"source": str(asked.source)},
    )


def from_row(row: RowMapping | Mapping[str, Any], *, secrets: Mapping[str, str]) -> Execution:
    """The execution of a row, with its secrets as far as they were opened.

    Whatever stands in it: one that cannot be read is no reason not to read the others.
    """
    damaged = [name for name in ("arguments", "facts") if not isinstance(row[name], dict)]
    if not is_word(Effect, row["effect"]):
        damaged.append("effect")
    if row["created_at"] == UNTOLD:
        damaged.append("date")
    return Execution(
        id=row["id"],
        key=row["key"],
        actor=row["actor"],
        place=Place(row["channel"], row["thread"]),
        source=word(Source, row["source"], Source.SLASH),
        command=row["command"],
        arguments=texts(row["arguments"]),
        effect=word(Effect, row["effect"], Effect.DESTROY),
        created_at=row["created_at"],
        secrets=secrets,
        status=word(ExecutionStatus, row["status"], ExecutionStatus.UNKNOWN),
        node=row["node"],
        task=row["task"],
        label=row["label"],
        facts=texts(row["facts"]),
        outcome=kept(row["outcome"]),
        session_of=row["session_of"],
        approved_by=tuple(row["approved_by"].split()),
        started_at=None if row["started_at"] == UNTOLD else row["started_at"],
        finished_at=None if row["finished_at"] == UNTOLD else row["finished_at"],
        behind=tuple(row["behind"].split()),
        unreadable=next(iter(damaged), ""),
    )
