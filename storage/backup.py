"""Copies of the SQLite file that are whole, and putting one back.

A copy made with `cp` lacks what stands in the journal; SQLite's online backup does not. What is
restored is older than what has happened since, so nothing in it may be sent a second time.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import URL, Connection, case, create_engine, delete, func, select, update
from sqlalchemy.exc import DBAPIError

from bot.errors import BotError
from bot.model import (
    AccessState,
    ApprovalStatus,
    AuditEntry,
    AuditHead,
    AuditKind,
    ExecutionStatus,
    ReviewKind,
    VoteState,
)
from bot.plural import counted
from storage.busy import sqlite_code
from storage.chain import Fault, Verification
from storage.errors import NewerVersion
from storage.file import (
    JOURNALS,
    PRIVATE_DIRECTORY,
    claim,
    drafted,
    flush,
    flush_directory,
    new_file,
    require_there,
    sqlite_advice,
    sqlite_cause,
)
from storage.journal import is_own_journal, require_own_journal
from storage.migrations import upgrade
from storage.repositories.audit import append_all
from storage.tables import (
    SEALED,
    access_requests,
    approvals,
    audit,
    executions,
    kept_machines,
    kept_owners,
    messages,
    session_shares,
    silences,
    votes,
    watches,
)
from storage.vault import Vault


@dataclass(frozen=True, slots=True)
class Copied:
    """What a copy holds: the last sound row of its audit, and the audit's first fault if any."""

    head: AuditHead
    fault: Fault | None


@dataclass(frozen=True, slots=True)
class PutBack:
    """What a backup held, where the former database is now, and what is left to be said."""

    copied: Copied
    aside: Path | None
    former: str  # the older schema that the backup had; empty: it was this version's
    sealed: int  # encrypted rows
    lost: int  # of these, how many no key opens


class LostKey(BotError):
    """No key opens what is encrypted in a backup. Nothing was moved."""

    def __init__(self, lost: int, sealed: int) -> None:
        super().__init__(f"No key opens {lost} of {counted(sealed, 'encrypted row')} in it.")


def back_up(source: Path, target: Path) -> Copied:
    """Write everything that is committed in `source` to the new file `target`, mode 0600.

    Works beside a running bot and holds nobody up. `target` appears once it is whole and on disk.
    Raises BotError.
    """
    require_there(source)
    with new_file(target) as draft:
        return copy_whole(source, draft)


def restore(
    backup: Path,
    file: Path,
    now: datetime,
    vault: Vault | None = None,
    *,
    without_key: bool = False,
) -> PutBack:
    """Put `backup` in the place of the database `file`; the former one is kept beside it.

    Commands that were open in the backup may have gone on since: they are settled by reading only,
    and messages are looked for in Slack before they are posted. The copy gets this version's
    schema, which an older version refuses: what is held back is written as this version reads it.
    Raises InUse while the bot runs, BotError; nothing was moved then. `LostKey`, unless
    `without_key`, where `vault` does not open all that is encrypted.
    """
    if not backup.is_file():
        raise BotError(f"There is no file {backup}.")
    if file.exists() and backup.samefile(file):
        raise BotError(f"{backup} is the database itself.")
    file.parent.mkdir(mode=PRIVATE_DIRECTORY, parents=True, exist_ok=True)
    with claim(file), drafted(file) as draft:
        copied = copy_whole(backup, draft)
        try:
            former, sealed, lost = _hold_back(draft, now, backup.name, vault)
        except NewerVersion as error:
            raise _of_newer(backup, error) from None
        except DBAPIError as error:
            if not isinstance(error.orig, sqlite3.Error):
                raise
            raise _not_copied(error.orig, backup, draft) from None
        if lost and not without_key:
            raise LostKey(lost, sealed)
        aside = set_aside(file, now)
        draft.replace(file)
        flush_directory(file)
    return PutBack(copied, aside, former, sealed, lost)


def _of_newer(backup: Path, error: NewerVersion) -> BotError:
    return BotError(
        f"{backup} was not restored: it is of a newer version of the bot (schema {error.schema}).",
        hint="Install that version, and restore it with that.",
    )


def copy_whole(source: Path, target: Path) -> Copied:
    """Copy a database of the bot, whole and checked, into one file without a journal."""
    require_own_journal(source, is_first=True)
    verification = Verification()
    try:
        with (
            closing(sqlite3.connect(f"{source.absolute().as_uri()}?mode=rw", uri=True)) as taken,
            closing(sqlite3.connect(target)) as made,
        ):
            taken.backup(made)
            made.execute("PRAGMA journal_mode = DELETE")
            made.execute("SELECT 1 FROM alembic_version, executions LIMIT 0")
            (found,) = made.execute("PRAGMA integrity_check(1)").fetchone()
            made.row_factory = sqlite3.Row
            rows = made.execute("SELECT * FROM audit ORDER BY seq")
            fault = verification.go_on(dict(row) for row in rows)
    except sqlite3.Error as error:
        raise _not_copied(error, source, target) from None
    if found != "ok":
        raise BotError(f"{source} is damaged: {found}.", hint="Use an older backup.")
    flush(target)
    return Copied(verification.last, fault)


# What a file of something else gives: SQLITE_ERROR where the bot's tables are not in it.
_OF_ANOTHER = frozenset({sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR})


def _not_copied(error: sqlite3.Error, source: Path, target: Path) -> BotError:
    """Says of which of both it is true: a full disk casts no doubt on what is copied."""
    code, at_target = sqlite_code(error), sqlite_cause(error, target)
    if code == sqlite3.SQLITE_FULL or at_target != sqlite_cause(error):
        return BotError(
            f"{target.parent} cannot be written: {at_target}. This says nothing against {source}.",
            hint=sqlite_advice(error, target),
        )
    if code == sqlite3.SQLITE_CORRUPT:
        return BotError(f"{source} is damaged: {at_target}.", hint="Use an older backup.")
    kind = "is no database of the bot, or it " if code in _OF_ANOTHER else ""
    return BotError(f"{source} {kind}cannot be copied: {sqlite_cause(error, source)}.")


def _hold_back(file: Path, now: datetime, backup: str, vault: Vault | None) -> tuple[str, int, int]:
    """The schema that it had, how much in it is encrypted, and how much of that no key opens."""
    engine = create_engine(URL.create("sqlite", database=str(file)))
    try:
        with engine.begin() as connection:
            former = upgrade(connection)
            disarm(connection, now, backup)
            sealed = list(_sealed(connection))
    finally:
        engine.dispose()
    lost = [] if vault is None else [one for one in sealed if vault.key_of(one) is None]
    return former, len(sealed), len(lost)


def _sealed(connection: Connection) -> Iterator[bytes]:
    for column in SEALED:
        yield from connection.execute(select(column).where(column.is_not(None))).scalars()


def disarm(connection: Connection, now: datetime, backup: str = "") -> None:
    """Let nothing that the backup holds open be sent, asked or posted as if it were new.

    `backup` is the name of its file, where that is known; the audit keeps it.
    """
    # Each may have been approved and carried out since: from here on it is only looked for.
    open_ = executions.c.status.in_([ExecutionStatus.RECORDED, ExecutionStatus.WAITING])
    connection.execute(
        update(executions)
        .where(open_)
        .values(
            status=ExecutionStatus.RUNNING,
            started_at=func.coalesce(executions.c.started_at, now),
            put_back=executions.c.status,
        )
    )
    connection.execute(
        update(approvals)
        .where(
            approvals.c.status == ApprovalStatus.PENDING,
            approvals.c.kind != ReviewKind.AFTERWARDS,
        )
        .values(status=ApprovalStatus.VOID, decided_at=now)
    )
    connection.execute(
        update(votes)
        .where(votes.c.state == VoteState.PENDING)
        .values(state=VoteState.REFUSED, why="decided")
    )
    connection.execute(
        update(messages)
        .where(messages.c.delivered < messages.c.version)
        .values(attempts=case((messages.c.attempts < 1, 1), else_=messages.c.attempts))
    )
    # They may have been answered, or have ended, and their people were told of it then.
    connection.execute(
        update(access_requests)
        .where(access_requests.c.state == AccessState.OPEN)
        .values(state=AccessState.EXPIRED, ended_at=now)
    )
    connection.execute(delete(session_shares).where(session_shares.c.ends_at <= now))
    # What has changed since was told then, or was the bot's own doing.
    for known in (silences, kept_machines, kept_owners):
        connection.execute(delete(known))
    for table in (executions, messages, watches):
        connection.execute(update(table).values(leased_by=None, leased_until=None))
    append_all(
        connection, [AuditEntry(AuditKind.RESTORED, now, details=_which(connection, backup))]
    )


def _which(connection: Connection, backup: str) -> dict[str, str]:
    """Which backup it is: the name of its file, and the head of its audit."""
    told = {"file": backup} if backup else {}
    newest = select(audit.c.seq, audit.c.hash).order_by(audit.c.seq.desc()).limit(1)
    head = connection.execute(newest).one_or_none()
    return told if head is None else {**told, "head": f"{head.seq}:{head.hash}"}


def set_aside(file: Path, now: datetime, when: str = "before") -> Path | None:
    """Move the former database away, its journal first: the new file must never meet that.

    Where the file was deleted, its journal may still be there.
    """
    is_there, is_own = file.exists(), is_own_journal(file)
    if is_there and is_own:
        with suppress(sqlite3.Error), closing(sqlite3.connect(file)) as former:
            former.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    aside = file.with_name(f"{file.name}.{when}-{now:%Y%m%dT%H%M%SZ}")
    # The journal of another file is kept where nothing takes it for that of the former database.
    base = aside.name if is_own else f"{aside.name}.other"
    for journal in JOURNALS:
        with suppress(FileNotFoundError):
            file.with_name(file.name + journal).rename(aside.with_name(base + journal))
    return file.rename(aside) if is_there else None
