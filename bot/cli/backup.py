"""`python -m bot backup`, `restore` and `copy`: whole copies of the database.

PostgreSQL has tools of its own for this, which the commands name or use.
"""

from collections.abc import Iterator
from pathlib import Path

import click

from bot.cli.paths import FilePath
from bot.cli.postgres_restore import SINCE, encrypted, present_keys, with_postgresql
from bot.cli.settings import load
from bot.clock import SystemClock
from bot.config import DatabaseSettings, KeySettings
from bot.errors import BotError
from bot.services.credential_keys import key_file_of, retired_beside, vault_of
from storage import Copied, LostKey, PutBack, back_up, move
from storage import restore as put_back


@click.command()
@click.argument("file", type=FilePath(dir_okay=False))
def backup(file: Path) -> None:
    """Write a copy of the database to the new FILE, also while the bot runs.

    The credential key is not in it. Keep the key elsewhere: together they open every session.
    """
    source = _sqlite_file("pg_dump --format=custom --file=FILE")
    copied = back_up(source, file)
    click.echo(f"Backed up {source} to {file}. {_told(copied)}")


@click.command()
@click.argument("file", required=False, type=FilePath(dir_okay=False, allow_dash=True))
@click.option("--yes", is_flag=True, help="With PostgreSQL: ask nothing.")
@click.option(
    "--without-key", is_flag=True, help="Also where no key opens what is encrypted in it."
)
@click.option("--check", is_flag=True, help="With PostgreSQL: only look whether it can be done.")
def restore(file: Path | None, *, yes: bool, without_key: bool, check: bool) -> None:
    """Put the backup FILE in the place of the database, with the bot stopped.

    The former database stays beside it under another name. With PostgreSQL, FILE is what pg_dump
    has written, and replaces the database in one transaction of pg_restore's; --check looks at it
    alone, or at what pg_restore --file=- writes to it (-). Without FILE, what pg_restore has just
    put back is made safe to start. To go back to an older version, install that one first: it
    cannot use what a newer one has restored.
    """
    keys = load(KeySettings)
    if keys.sqlite_file is None:
        with_postgresql(keys, file, yes=yes, without_key=without_key, check=check)
        return
    if check:
        raise click.UsageError("With SQLite, restore itself looks before it moves anything.")
    if file is None:
        raise click.UsageError("Missing argument 'FILE': the backup.")
    target = keys.sqlite_file
    now = SystemClock().now()
    try:
        done = put_back(file, target, now, present_keys(keys), without_key=without_key)
    except LostKey as error:
        raise BotError(f"{file} was not restored. {error.sentence}", hint=_key_for(keys)) from None
    click.echo(f"Restored {file} to {target}. {_told(done.copied)}")
    click.echo("\n".join(_also(done)))


def _also(done: PutBack) -> Iterator[str]:
    """What whoever has restored a backup should know besides."""
    if done.aside is not None:
        yield f"The former database is {done.aside}."
    yield SINCE
    if done.former:
        yield (
            f"The backup was of an older version (schema {done.former}), and is restored with the "
            "schema of this one,\nwhich an older version refuses. To go back to an older version, "
            "install it first and restore the backup with it."
        )
    if done.lost:
        rows = encrypted(done.sealed)
        yield f"Warning: no key opens {done.lost} of {rows}. See: python -m bot keys list"


def _key_for(settings: KeySettings) -> str:
    """What to do where no key opens what a backup holds; a retired key may be the one."""
    file = key_file_of(settings)
    where = file or "the end of CREDENTIAL_KEYS"
    told = f"Put the key of the time of the backup into {where}"
    if file is not None and (kept := retired_beside(file)):
        told += f" (retired keys are kept in {', '.join(map(str, kept))})"
    return f"{told}, then restore it. Where that key is lost, add --without-key."


@click.command()
@click.argument("file", type=FilePath(dir_okay=False))
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
