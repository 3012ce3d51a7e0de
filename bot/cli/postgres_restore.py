"""`python -m bot restore` with PostgreSQL: a dump is looked at before anything is replaced."""

import asyncio
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import click
from cryptography.fernet import Fernet

from bot.cli.asking import require_yes
from bot.clock import SystemClock
from bot.config import KeySettings
from bot.errors import BotError
from bot.plural import counted
from bot.services.credential_keys import key_file_of, vault_of
from bot.services.database import cause
from storage import (
    Dump,
    Inspection,
    LostKey,
    Restoring,
    Schema,
    StorageFailed,
    Store,
    Vault,
    others_in,
    put_back_dump,
    read_dump,
    read_script,
)

T = TypeVar("T")

SINCE = (
    "Nothing that happened since the backup is in it. Requests that were open in it may have been "
    "carried out\nsince: the bot sends none of them, and looks up at DBC what became of them."
)
SILENCE = 60.0  # seconds; a bot that lives writes every 30 to 35 (`bot.services.database`)
_LOOKS_AGAIN = 0.5  # seconds
_INPUT = "-"
_ARE_YOU_SURE = (
    "What is open in this database will not be sent: its requests end as unknown. Has pg_restore "
    "just put it back?"
)
_REPLACES = (
    "{file} replaces all that the database {name} holds of the bot. No bot uses it before this is "
    "through. Is that what you want?"
)
_TO_BE_ENDED = "Before a bot starts, run: python -m bot restore --yes"


def with_postgresql(
    keys: KeySettings, file: Path | None, *, yes: bool, without_key: bool, check: bool
) -> None:
    """Restore `file`, or `check` it alone; without one, go on after pg_restore. Raises BotError."""
    if file is None:
        if check:
            raise click.UsageError("Missing argument 'FILE': the backup, or - for what is piped.")
        _go_on(keys, yes=yes)
        return
    if str(file) == _INPUT and not check:
        raise click.UsageError("What is piped is only looked at: add --check.")
    dump = read_script(sys.stdin.buffer, "The input") if str(file) == _INPUT else read_dump(file)
    lost = dump.lost(present_keys(keys))
    if lost and not without_key:
        raise _unopened(lost, dump, file)
    if check:
        click.echo(
            f"The keys open {encrypted(len(dump.sealed) - lost)} in it. Nothing was changed."
        )
        asyncio.run(_warn_of_bots(keys))
        return
    _restore(keys, file, dump, yes=yes)
    click.echo(f"Restored {file}.\n{SINCE}")
    if lost:
        rows = encrypted(len(dump.sealed))
        click.echo(f"Warning: no key opens {lost} of {rows}. See: python -m bot keys list")


def _unopened(lost: int, dump: Dump, file: Path) -> BotError:
    name = "The input" if str(file) == _INPUT else file
    return BotError(
        f"{name} was not restored. {LostKey(lost, len(dump.sealed)).sentence}",
        hint="Put the key of the time of the backup at the end of CREDENTIAL_KEYS, then restore "
        "it. Where that key is lost, add --without-key.",
    )


def _restore(keys: KeySettings, file: Path, dump: Dump, *, yes: bool) -> None:
    asyncio.run(_require_stopped(keys))
    name, target = asyncio.run(_target(keys))
    revision = target.current
    if revision and [revision] != dump.revisions:
        raise BotError(
            f"{file} is of another version than the database {name}, and was not restored: tables "
            "that it does not have would stay.",
            hint="Let DATABASE_URL name a new, empty database (createdb), and restore it there.",
        )
    if revision and (others := others_in(file)):
        raise BotError(
            f"{file} was not restored: it also has tables of other programs, which would lose all "
            f"that happened since the backup: {', '.join(others)}.",
            hint="Let DATABASE_URL name a new, empty database (createdb), and restore it there.",
        )
    if revision and not yes:
        require_yes(_REPLACES.format(file=file, name=name))
    marked_in = asyncio.run(_at(keys, lambda one: one.begin(dump.revisions)))
    try:
        asyncio.run(_require_nobody(keys))  # one may have started just before
        put_back_dump(file, keys.database_url, replacing=bool(revision), marked_in=marked_in)
    except BotError:
        if marked_in and not target.is_being_restored:
            asyncio.run(_at(keys, lambda one: one.undo(was_empty=not revision)))
        raise
    try:
        asyncio.run(_at(keys, lambda one: one.end(SystemClock().now(), file.name)))
    except BotError as error:
        raise BotError(
            f"{file} is put back, but what was open in it is not ended: {error.sentence}",
            hint=_TO_BE_ENDED,
        ) from None


async def _at(keys: KeySettings, act: Callable[[Restoring], Awaitable[T]]) -> T:
    restoring = Restoring(keys.database_url)
    try:
        return await act(restoring)
    finally:
        await restoring.close()


async def _target(settings: KeySettings) -> tuple[str, Schema]:
    """The database's name, and the schema that it has."""
    inspection = Inspection(settings.database_url)
    try:
        server = await inspection.server()
        return server.database if server else "", await inspection.schema()
    finally:
        await inspection.close()


def _go_on(keys: KeySettings, *, yes: bool) -> None:
    """Make safe what somebody else's pg_restore has put back."""
    asyncio.run(_require_stopped(keys))
    if not yes:
        require_yes(_ARE_YOU_SURE)
    asyncio.run(_at(keys, lambda one: one.end(SystemClock().now())))
    click.echo(SINCE)
    _require_keys(keys)


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
    finally:
        await inspection.close()
    await _require_nobody(settings)


async def _require_nobody(settings: KeySettings) -> None:
    """Return unless a bot is connected, where no pooler stands before it. Raises BotError."""
    inspection = Inspection(settings.database_url)
    try:
        server = await inspection.server()
    finally:
        await inspection.close()
    if server is not None and server.bots and not server.is_pooled:
        used = counted(server.bots, "process", "processes")
        raise BotError(
            f"The database is in use by {used} of the bot. What is open there is no backup's.",
            hint="Stop the bot first. Where it used a pooler such as PgBouncer, that may keep "
            "its idle connections: stop the pooler, or give it the command RECONNECT.",
        )


async def _warn_of_bots(settings: KeySettings) -> None:
    """Say where a bot is connected, or may be: pg_restore itself would replace its tables."""
    inspection = Inspection(settings.database_url)
    try:
        server = await inspection.server()
    except StorageFailed as error:
        click.echo(f"Warning: whether a bot is connected could not be looked at: {cause(error)}.")
        return
    finally:
        await inspection.close()
    if server is not None and server.is_pooled:
        click.echo(
            "Warning: a pooler stands before the database, so a bot may be connected. Stop every "
            "bot before you run pg_restore."
        )
    elif server is not None and server.bots:
        used = counted(server.bots, "process", "processes")
        click.echo(
            f"Warning: the database is in use by {used} of the bot. Stop every bot before you run "
            "pg_restore: it would replace the tables under them."
        )


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


def _require_keys(settings: KeySettings) -> None:
    """Say whether the keys open what pg_restore has put back. Raises ClickException if not."""
    counts = asyncio.run(_sealed_under(settings))
    if counts is None:
        click.echo("Once the bot has started, python -m bot doctor says whether its keys fit.")
    elif lost := counts[None]:
        raise click.ClickException(
            f"It is restored, but no key opens {lost} of {encrypted(counts.total())}.\nBefore you "
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
    store = Store(settings.database_url, present_keys(settings))
    try:
        return await store.sealed_under()
    finally:
        await store.close()


def present_keys(settings: KeySettings) -> Vault:
    """The keys as they are; where their file is gone, one that opens nothing, and none is made."""
    file = key_file_of(settings)
    is_gone = file is not None and not file.exists()
    return Vault([Fernet.generate_key().decode()]) if is_gone else vault_of(settings)


def encrypted(rows: int) -> str:
    """`3 encrypted rows`."""
    return counted(rows, "encrypted row")
