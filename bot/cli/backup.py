"""`python -m bot backup` and `restore`: whole copies of the SQLite database.

PostgreSQL has tools of its own for this, which the commands name.
"""

from pathlib import Path

import click

from bot.cli.settings import load
from bot.clock import SystemClock
from bot.config import DatabaseSettings
from bot.errors import BotError
from storage import Copied, back_up
from storage import restore as put_back

_SINCE = (
    "Nothing that happened since the backup is in it. Requests that were open in it may have been "
    "carried out\nsince: the bot sends none of them, and looks up at DBC what became of them."
)


@click.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
def backup(file: Path) -> None:
    """Write a copy of the database to the new FILE, also while the bot runs.

    The credential key is not in it. Keep the key elsewhere: together they open every session.
    """
    try:
        source = _sqlite_file("pg_dump --format=custom --file=FILE")
        copied = back_up(source, file)
    except BotError as error:
        raise click.ClickException(f"{error.sentence} {error.hint}".strip()) from None
    click.echo(f"Backed up {source} to {file}. {_told(copied)}")


@click.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
def restore(file: Path) -> None:
    """Put the backup FILE in the place of the database, with the bot stopped.

    The former database stays beside it under another name.
    """
    try:
        target = _sqlite_file("pg_restore --clean --dbname=NAME FILE")
        copied, aside = put_back(file, target, SystemClock().now())
    except BotError as error:
        raise click.ClickException(f"{error.sentence} {error.hint}".strip()) from None
    click.echo(f"Restored {file} to {target}. {_told(copied)}")
    if aside is not None:
        click.echo(f"The former database is {aside}.")
    click.echo(_SINCE)


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
