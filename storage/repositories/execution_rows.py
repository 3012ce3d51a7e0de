"""Commands of the ledger as rows, and back."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Connection, select
from sqlalchemy.sql.dml import ReturningInsert

from bot.clock import UNTOLD
from bot.errors import Conflict
from bot.model import (
    AuditEntry,
    AuditKind,
    Effect,
    Execution,
    ExecutionStatus,
    Meant,
    Source,
)
from bot.reply import keep, kept, say
from storage.repositories.audit import append_all
from storage.repositories.mapper import Mapper, Read, Row, apart, mapping, one_of, place
from storage.repositories.repository import (
    inserting,
    is_word,
    texts,
)
from storage.tables import executions
from storage.vault import Vault


def to_row(execution: Execution, vault: Vault, *, by: str, until: datetime) -> dict[str, Any]:
    """The row of a new execution, its secrets sealed and leased to `by`."""
    secrets = execution.secrets
    return {
        **_ROWS.write(execution),
        "secrets": vault.encrypt(secrets) if secrets else None,
        "digest": vault.digest(secrets, execution.key) if secrets else "",
        "leased_by": by,
        "leased_until": until,
    }


def was_given(row: Row, secrets: Mapping[str, str], vault: Vault) -> bool:
    """Whether a row was recorded with these secrets, which may be erased; True where nobody can
    tell.
    """
    sealed, digest = row["secrets"], row["digest"]
    if sealed is not None and vault.opens(sealed):
        return texts(vault.decrypt(sealed)) == dict(secrets)
    if digest is None:
        return True
    return vault.matches(digest, secrets, row["key"]) if digest else not secrets


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


def from_row(row: Row, *, secrets: Mapping[str, str]) -> Execution:
    """The execution of a row, with its secrets as far as they were opened.

    Whatever stands in it: one that cannot be read is no reason not to read the others.
    """
    found = _ROWS.read(row)
    return replace(found, secrets=secrets) if secrets else found


def _damaged(row: Row) -> str:
    """What cannot be read, if anything."""
    for name in ("arguments", "facts", "meant"):
        if not isinstance(row[name], dict):
            return name
    if not is_word(Effect, row["effect"]):
        return "effect"
    return "date" if row["created_at"] == UNTOLD else ""


# Before the id of what a name surely meant.
_SURELY = "="


def meant_as_kept(meant: Mapping[str, Meant]) -> dict[str, str]:
    """What names meant, in a column."""
    return {name: f"{_SURELY if one.is_sure else ''}{one.id}" for name, one in meant.items()}


def _meant(row: Row) -> dict[str, Meant]:
    return {
        name: Meant(kept_so.removeprefix(_SURELY), kept_so.startswith(_SURELY))
        for name, kept_so in texts(row["meant"]).items()
    }


def _moment(name: str) -> Read:
    return lambda row: None if row[name] == UNTOLD else row[name]


def _written(execution: Execution) -> dict[str, Any]:
    return {
        "channel": execution.place.channel,
        "thread": execution.place.thread,
        "arguments": dict(execution.arguments),
        "effect": int(execution.effect),
        "facts": dict(execution.facts),
        "outcome": keep(execution.outcome),
        "approved_by": " ".join(execution.approved_by),
        "behind": " ".join(execution.behind),
        "meant": meant_as_kept(execution.meant),
    }


_ROWS = Mapper(
    Execution,
    executions,
    _written,
    place=place,
    source=one_of("source", Source, Source.SLASH),
    arguments=mapping("arguments"),
    effect=one_of("effect", Effect, Effect.DESTROY),
    secrets=lambda _row: {},
    status=one_of("status", ExecutionStatus, ExecutionStatus.UNKNOWN),
    facts=mapping("facts"),
    outcome=lambda row: kept(row["outcome"]),
    approved_by=apart("approved_by"),
    started_at=_moment("started_at"),
    finished_at=_moment("finished_at"),
    behind=apart("behind"),
    meant=_meant,
    unreadable=_damaged,
)
