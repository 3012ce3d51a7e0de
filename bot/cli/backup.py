"""`python -m bot backup`, `restore` and `copy`: whole copies of the SQLite database.

PostgreSQL has tools of its own for this, which the commands name.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import click
from cryptography.fernet import Fernet

from bot.cli.asking import require_yes
from bot.cli.settings import load
from bot.clock import SystemClock
from bot.config import DatabaseSettings, KeySettings
from bot.errors import BotError
from bot.plural import counted
from bot.services.credential_keys import key_file_of, retired_beside, vault_of
from storage import Copied, Inspection, LostKey, PutBack, Store, Vault, back_up, move
from storage import restore as put_back

_SINCE = (
    "Nothing that happened since the backup is in it. Requests that were open in it may have been "
    "carried out\nsince: the bot sends none of them, and looks up at DBC what became of them."
)


SILENCE = 60.0  # seconds; a bot that lives writes every 30 to 35 (`bot.services.database`)
_LOOKS_AGAIN = 0.5  # seconds
_ARE_YOU_SURE = (
    "What is open in this database will not be sent: its requests end as unknown. Has pg_restore "
    "just put it back?"
)


@click.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
def backup(file: Path) -> None:
    """Write a copy of the database to the new FILE, also while the bot runs.

    The credential key is not in it. Keep the key elsewhere: together they open every session.
    """
    source = _sqlite_file("pg_dump --format=custom --file=FILE")
    copied = back_up(source, file)
    click.echo(f"Backed up {source} to {file}. {_told(copied)}")


@click.command()
@click.argument("file", required=False, type=click.Path(dir_okay=False, path_type=Path))
@click.option("--yes", is_flag=True, help="With PostgreSQL: ask nothing.")
@click.option(
    "--without-key", is_flag=True, help="Also where no key opens what is encrypted in it."
)
def restore(file: Path | None, *, yes: bool, without_key: bool) -> None:
    """Put the backup FILE in the place of the database, with the bot stopped.

    The former database stays beside it under another name. With PostgreSQL, use pg_restore, then
    this without FILE, before the bot starts: what was open in the backup is not sent again. To go
    back to an older version, install that one first: it cannot use what a newer one has restored.
    """
    keys = load(KeySettings)
    if file is None and keys.sqlite_file is None:
        asyncio.run(_require_stopped(keys))
        if not yes:
            require_yes(_ARE_YOU_SURE)
        asyncio.run(_disarm(keys))
        click.echo(_SINCE)
        _require_keys(keys)
        return
    target = _sqlite_file("pg_restore --clean --dbname=NAME FILE, then this without FILE,")
    if file is None:
        raise click.UsageError("Missing argument 'FILE': the backup.")
    now = SystemClock().now()
    try:
        done = put_back(file, target, now, _present_keys(keys), without_key=without_key)
    except LostKey as error:
        raise BotError(f"{file} was not restored. {error.sentence}", hint=_key_for(keys)) from None
    click.echo(f"Restored {file} to {target}. {_told(done.copied)}")
    click.echo("\n".join(_also(done)))


def _also(done: PutBack) -> Iterator[str]:
    """What whoever has restored a backup should know besides."""
    if done.aside is not None:
        yield f"The former database is {done.aside}."
    yield _SINCE
    if done.former:
        yield (
            f"The backup was of an older version (schema {done.former}), and is restored with the "
            "schema of this one,\nwhich an older version refuses. To go back to an older version, "
            "install it first and restore the backup with it."
        )
    if done.lost:
        rows = _encrypted(done.sealed)
        yield f"Warning: no key opens {done.lost} of {rows}. See: python -m bot keys list"


def _key_for(settings: KeySettings) -> str:
    """What to do where no key opens what a backup holds; a retired key may be the one."""
    file = key_file_of(settings)
    where = file or "the end of CREDENTIAL_KEYS"
    told = f"Put the key of the time of the backup into {where}"
    if file is not None and (kept := retired_beside(file)):
        told += f" (retired keys are kept in {', '.join(map(str, kept))})"
    return f"{told}, then restore it. Where that key is lost, add --without-key."


def _encrypted(rows: int) -> str:
    return counted(rows, "encrypted row")


@click.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
def copy(file: Path) -> None:
    """Copy the SQLite database FILE into the empty PostgreSQL database of DATABASE_URL.

    With the bot stopped. All goes on there: sessions, open approvals, watches, the audit. FILE is
    put aside under another name afterwards.
    """
    settings = load(KeySettings)
    if settings.sqlite_file is not None:
        raise click.ClickException(
            "DATABASE_URL has to name the PostgreSQL database to copy to: "
            "postgresql+asyncpg://user:password@host/name"
        )
    now = SystemClock().now()
    copied, rows, aside = move(file, settings.database_url, vault_of(settings), now)
    click.echo(f"Copied {rows} rows of {file}, which is {aside} now. {_told(copied)}")
    click.echo("Start the bot with the same DATABASE_URL and CREDENTIAL_KEYS.")


async def _require_stopped(settings: KeySettings) -> None:
    """Return unless a bot uses the database, as far as that can be seen. Raises BotError.

    A pooler keeps connections of bots that have ended, and gives those of living ones other names:
    there it only counts whether anybody writes.
    """
    inspection = Inspection(settings.database_url)
    try:
        server = await inspection.server()
        if server is not None and server.is_pooled:
            await _require_silence(inspection)
        elif server is not None and server.bots:
            used = counted(server.bots, "process", "processes")
            raise BotError(
                f"The database is in use by {used} of the bot. What is open there is no backup's.",
                hint="Stop the bot first. Where it used a pooler such as PgBouncer, that may keep "
                "its idle connections: stop the pooler, or give it the command RECONNECT.",
            )
    finally:
        await inspection.close()


async def _require_silence(inspection: Inspection) -> None:
    """Return once no bot has written for longer than living ones pause. Raises BotError."""
    click.echo(
        f"A pooler stands before the database. For {SILENCE:.0f} s it is looked whether a bot "
        "writes there."
    )
    before, until = await inspection.heartbeat(), time.monotonic() + SILENCE
    while time.monotonic() < until:
        await asyncio.sleep(_LOOKS_AGAIN)
        if await inspection.heartbeat() != before:
            raise BotError(
                "The database is in use: a bot has just written there, through a pooler. What is "
                "open there is no backup's.",
                hint="Stop the bot first.",
            )


async def _disarm(settings: KeySettings) -> None:
    """Let nothing be sent that is open in what pg_restore has put back."""
    store = Store(settings.database_url, vault_of(settings))
    try:
        await store.migrate()
        await store.disarm(SystemClock().now())
    finally:
        await store.close()


def _require_keys(settings: KeySettings) -> None:
    """Say whether the keys open what pg_restore has put back. Raises ClickException if not."""
    counts = asyncio.run(_sealed_under(settings))
    if counts is None:
        click.echo("Once the bot has started, python -m bot doctor says whether its keys fit.")
    elif lost := counts[None]:
        raise click.ClickException(
            f"It is restored, but no key opens {lost} of {_encrypted(counts.total())}.\nBefore you "
            "start the bot, put the key of the time of the backup at the end of CREDENTIAL_KEYS, "
            "and check it:\npython -m bot keys list"
        )


async def _sealed_under(settings: KeySettings) -> Counter[str | None] | None:
    """How many rows are encrypted under which key; None where the schema is an older one."""
    inspection = Inspection(settings.database_url)
    try:
        if not (await inspection.schema()).is_newest:
            return None
    finally:
        await inspection.close()
    store = Store(settings.database_url, _present_keys(settings))
    try:
        return await store.sealed_under()
    finally:
        await store.close()


def _present_keys(settings: KeySettings) -> Vault:
    """The keys as they are; where their file is gone, one that opens nothing, and none is made."""
    file = key_file_of(settings)
    is_gone = file is not None and not file.exists()
    return Vault([Fernet.generate_key().decode()]) if is_gone else vault_of(settings)


def _sqlite_file(instead: str) -> Path:
    """The database's file. Raises BotError with PostgreSQL, naming what to use instead."""
    file = load(DatabaseSettings).sqlite_file
    if file is None:
        raise BotError(
            "DATABASE_URL is a PostgreSQL database, which has its own tools.",
            hint=f"Use {instead} with the same host and name; see docs/operations.md.",
        )
    return file


def _told(copied: Copied) -> str:
    head = copied.head
    told = f"Audit head: {head.seq}:{head.hash}." if head.seq else "Its audit is empty."
    return f"{told} Warning: {copied.fault.sentence}" if copied.fault else told
