"""The doctor's look at the database, the keys, and what waits. Opens for reading alone."""

import os
import shutil
import stat
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from tempfile import mkdtemp

from bot.clock import Clock
from bot.commands.rows import command_table
from bot.config import Settings
from bot.doctor.frozen import frozen
from bot.doctor.streaming import sink, streaming
from bot.errors import BotError
from bot.health import Health
from bot.monitoring.findings import Finding, Findings, Sight, fault, ok, warning
from bot.reply import Text, Words, listed, say, say_number, sentences
from bot.reviews.policy import Policy
from bot.services.beginning import refuse_to_hide_another
from bot.services.credential_keys import key_file_of
from bot.services.damage import Damage, named
from bot.services.database import advice, cause
from storage import (
    MOUNT,
    PRIVATE,
    Inspection,
    Schema,
    Server,
    StorageFailed,
    Store,
    Vault,
    has_sealed,
    is_claimed,
    is_read_only,
    is_there,
    keys_in,
    place_of,
    require_ours,
)

_LITTLE_SPACE = 512 * 1024**2  # bytes; a year of a busy team is a few hundred MiB
_NO_SPACE = 32 * 1024**2
_LATE = 300  # seconds; outages of minutes are ordinary
_NO_KEY = say("There is none yet, and nothing to open. The next start makes one.")
_FIRST = say("The first start makes it.")
_FIRST_OF_THESE = say(
    "DATABASE_URL is not set here: the first start makes this default, unless the bot's unit or "
    "container names another database."
)
_DATABASE, _MODES, _KEYS = say("database"), say("file modes"), say("keys")


async def storage(
    settings: Settings, policy: Policy | None, sight: Sight, clock: Clock
) -> Findings:
    """All about what is kept; `policy` are the rules, None where they cannot be read."""
    file = settings.sqlite_file
    if file is not None and not is_there(file):
        looks = _missing(settings, file, sight)
    else:
        looks = _there(settings, file, policy, sight, clock)
    async for found in looks:
        yield found


async def _there(
    settings: Settings, file: Path | None, policy: Policy | None, sight: Sight, clock: Clock
) -> Findings:
    if file is not None and sight.is_local:
        try:
            require_ours(file)
        except BotError as error:
            yield fault(_DATABASE, sentences((error.words, error.hint)))
            return
    if file is not None:
        sight = replace(sight, is_running=bool(is_claimed(file)))
        for found in _file(file, sight):
            yield found
    try:
        await refuse_to_hide_another(settings)
        inspection = Inspection(settings.database_url)
        try:
            async for found in _looked_into(inspection, settings, policy, sight, clock.now()):
                yield found
        finally:
            await inspection.close()
    except StorageFailed as error:
        if file is not None and is_read_only(file):
            return  # that is said
        told = say("It cannot be used: {why}.", why=cause(error))
        yield fault(_DATABASE, told, advice(error) or say("See DATABASE_URL."))
    except BotError as error:
        yield fault(_DATABASE, sentences((error.words, error.hint)))


async def _looked_into(
    inspection: Inspection, settings: Settings, policy: Policy | None, sight: Sight, now: datetime
) -> Findings:
    if server := await inspection.server():
        yield _server(server, settings.described["database"], sight)
    schema = await inspection.schema()
    yield _schema(schema)
    if schema.is_newest:
        async for found in _content(inspection, now, sight):
            yield found
        if sight.is_local:  # the bot that runs tells of it by itself
            async for found in frozen(inspection, policy):
                yield found
    stream = streaming(settings, inspection, now, sight) if schema.is_newest else None
    async for found in stream or sink(settings, sight):
        yield found
    async for found in _keys(settings, sight, schema):
        yield found


async def _missing(settings: Settings, file: Path, sight: Sight) -> Findings:
    """What a start would say of a file that is not there, and what a bot that runs would need."""
    if not sight.is_local or is_claimed(file):
        yield _gone(file, sight)
        return
    try:
        await refuse_to_hide_another(settings)
    except BotError as error:
        yield fault(_DATABASE, sentences((error.words, error.hint)))
        return
    is_default = "database_url" not in settings.model_fields_set
    yield _to_be_made(file, sight, _FIRST_OF_THESE if is_default else _FIRST)
    async for found in sink(settings, sight):
        yield found


def _gone(file: Path, sight: Sight) -> Finding:
    told = say("{file} was deleted under the bot that runs.", file=sight.path(file))
    if file.exists():
        told = say("{file} was emptied under the bot that runs.", file=sight.path(file))
    return fault(_DATABASE, told, say("Put it back or restore a backup, then restart the bot."))


def _to_be_made(file: Path, sight: Sight, first: Text) -> Finding:
    name = sight.path(file)
    if file.is_file():
        return warning(_DATABASE, say("{file} is empty.", file=name), first)
    if file.exists():
        return fault(_DATABASE, say("{file} is not a file.", file=name), say("See DATABASE_URL."))
    there = next(one for one in file.absolute().parents if one.exists())
    if is_read_only(there):
        told = say("{file} does not exist, and nobody can make it in {directory}: {why}.",
            file=name, directory=sight.path(there), why=say("read-only file system"))  # fmt: skip
        return fault(_DATABASE, told, MOUNT)
    if not _takes_more(there):
        told = say("{file} does not exist, and this account cannot make it in {directory}.",
            file=name, directory=sight.path(there))  # fmt: skip
        return fault(_DATABASE, told, say("See DATABASE_URL."))
    told = say("{file} does not exist yet.", file=name)
    return ok(_DATABASE, sentences((told, first)))  # so it is before the first start


def _takes_more(directory: Path) -> bool:
    """Whether this account can make something there; modes tell it of no special file system."""
    if not os.access(directory, os.W_OK | os.X_OK):
        return False
    try:
        Path(mkdtemp(prefix=".dbc-bot-", dir=directory)).rmdir()
    except OSError:
        return False
    return True


def _server(server: Server, host: str, sight: Sight) -> Finding:
    where = f"PostgreSQL {server.version.partition(' ')[0]}"
    if sight.is_local:
        where += f" at {host}, database {server.database}, schema {server.schema}"
    if server.is_pooled:
        return ok(_DATABASE, say("{where}, behind a pooler, which hides who else is connected.",
            where=where))  # fmt: skip
    told: Words = say_number(
        "{where}; {number} other process of the bot is connected.",
        "{where}; {number} other processes of the bot are connected.",
        server.bots, where=where,
    )  # fmt: skip
    if server.quiet:
        told = sentences((told, say_number(
            "{number} of them has asked nothing for a minute: it is suspended, or it has ended and "
            "a pooler such as PgBouncer keeps its connections.",
            "{number} of them have asked nothing for a minute: they are suspended, or have ended "
            "and a pooler such as PgBouncer keeps their connections.",
            server.quiet,
        )))  # fmt: skip
    if not server.programs:
        return ok(_DATABASE, told)
    others = say_number(
        "Other programs use this account as well, over {number} connection.",
        "Other programs use this account as well, over {number} connections.",
        server.programs,
    )
    return ok(_DATABASE, sentences((told, others)))


def _file(file: Path, sight: Sight) -> Iterator[Finding]:
    name = sight.path(file)
    running = {
        True: say("{file}, a bot has it open.", file=name),
        False: say("{file}, no bot has it open.", file=name),
        None: say("{file}; whether a bot has it open is not known.", file=name),
    }
    if is_read_only(file):
        told = say("It cannot be used: {why}.", why=say("read-only file system"))
        yield fault(_DATABASE, told, MOUNT)
    elif os.access(file, os.R_OK | os.W_OK):  # else it cannot be opened, which is told next
        yield ok(_DATABASE, running[is_claimed(file)])
    for one in (file.name, f"{file.name}-wal", f"{file.name}-shm"):
        yield from _modes(file.with_name(one), sight)
    free = shutil.disk_usage(file.parent).free
    about = say("free space")
    told = say("{size} MiB are free on the disk of {file}.",
        size=f"{free // 1024**2:,}", file=sight.path(file.parent))  # fmt: skip
    if free < _NO_SPACE:
        yield fault(about, told, say("Make room: soon nothing can be recorded."))
    elif free < _LITTLE_SPACE:
        yield warning(about, told, say("Make room."))
    else:
        yield ok(about, told)


def _modes(path: Path, sight: Sight) -> Iterator[Finding]:
    """The fault where others can read a file of ours."""
    if path.exists() and (mode := stat.S_IMODE(path.stat().st_mode)) & ~PRIVATE:
        name = sight.path(path)
        told = say("{file} is {mode}: others can read it.", file=name, mode=f"{mode:04o}")
        yield fault(_MODES, told, say("Run: {command}", command=f"chmod 600 {name}"))


def _schema(schema: Schema) -> Finding:
    about = say("schema")
    if schema.is_being_restored:
        told = say("It is being restored from a backup, or its restore was broken off.")
        repeat = say(
            "Where it was broken off, run: {command}", command="python -m bot restore FILE"
        )
        return fault(about, told, repeat)
    if schema.is_newer:
        told = say("A newer version of the bot has used it ({schema}).", schema=schema.current)
        restore = say(
            "Run that version, or restore with this one a backup from before the upgrade."
        )
        return fault(about, told, restore)
    if not schema.is_newest:
        told = say("{current}; this version has {needed}.",
            current=schema.current or say("none yet"), needed=schema.needed)  # fmt: skip
        return warning(about, told, say("The next start migrates it."))
    return ok(about, say("{schema}, up to date.", schema=schema.current))


async def _content(inspection: Inspection, now: datetime, sight: Sight) -> Findings:
    journal = await inspection.journal()
    if journal and journal != "wal":
        told = say("Its mode is {mode}, not wal.", mode=journal)
        yield warning(say("journal"), told, say("The next start sets it."))
    elif journal:
        yield ok(say("journal"), say("{what}.", what="WAL"))
    figures = await inspection.figures(now)
    yield _messages(figures.messages_due, figures.message_oldest, now, sight)
    yield _watches(figures.watches_open, figures.watches_overdue, sight)
    pending = say_number("{number} request pending.", "{number} requests pending.",
        figures.approvals_waiting)  # fmt: skip
    yield ok(say("approvals"), pending)


def _watches(count: int, overdue: int, sight: Sight) -> Finding:
    about = say("watches")
    if not overdue:
        return ok(about, say_number(
            "{number} operation in progress, none overdue.",
            "{number} operations in progress, none overdue.", count,
        ))  # fmt: skip
    told = say_number(
        "{number} operation in progress, {overdue} overdue.",
        "{number} operations in progress, {overdue} overdue.", count, overdue=overdue,
    )  # fmt: skip
    see = say("Is the bot running? If so, see its log.")
    is_known = sight.is_running or not sight.is_local
    return warning(about, told, say("See the log.") if is_known else see)


def _messages(count: int, since: datetime | None, now: datetime, sight: Sight) -> Finding:
    about = say("messages")
    if since is None:
        due = say_number("{number} message to deliver.", "{number} messages to deliver.", count)
        return ok(about, due)
    told = say_number(
        "{number} message to deliver, the oldest for {minutes} min.",
        "{number} messages to deliver, the oldest for {minutes} min.",
        count, minutes=int((now - since).total_seconds() // 60),
    )  # fmt: skip
    if (now - since).total_seconds() < _LATE:
        return ok(about, told)
    return warning(about, told, sight.see("message.undelivered"))


async def _keys(settings: Settings, sight: Sight, schema: Schema) -> Findings:
    file = key_file_of(settings)
    if not schema.current:  # nothing is encrypted yet
        return
    if file is not None and not file.exists():
        if not await has_sealed(settings.database_url):
            yield ok(_KEYS, _NO_KEY)
            return
        gone = say("The key file {file} is gone.", file=sight.path(file))
        yield fault(_KEYS, gone, say("Put it back, or nobody's session can be read."))
        return
    if file is not None:
        for found in _modes(file, sight):
            yield found
    if not schema.is_newest:
        return
    given = [key.get_secret_value() for key in settings.credential_keys]
    vault = Vault(given) if file is None else Vault(keys_in(file), place_of(file))
    store = Store(settings.database_url, vault)
    try:
        counts = await store.sealed_under()
        place = "CREDENTIAL_KEYS" if file is None else say("the key file {file}",
            file=sight.path(file))  # fmt: skip
        yield _opened(len(vault.fingerprints), counts.total(), counts[None], place)
        if counts[None]:
            yield _lost(await store.unopened())
        if sight.is_local:  # the bot that runs has told of them already
            damage = Damage(store, Health(), command_table().get, vault)
            for told, advice in named(await damage.found()):
                yield warning(say("stored rows"), told, advice)
    finally:
        await store.close()


# What the tables hold in which something is encrypted.
_SEALED = {
    "dbc_sessions": say("sessions"),
    "session_requests": say("requested sessions"),
    "executions": say("secrets of commands"),
    "machine_details": say("details of machines, which are read again"),
}


def _lost(found: Mapping[str, int]) -> Finding:
    """What no key opens, by kind: only some of it has a line of its own."""
    each: list[Text] = [
        say("{what}: {number}", what=_SEALED[name], number=count) for name, count in found.items()
    ]
    return warning(_KEYS, say("No key opens these: {rows}.", rows=listed(each)))


def _opened(keys: int, total: int, lost: int, place: Text) -> Finding:
    if not lost:
        with_keys = say_number("{number} key", "{number} keys", keys)
        return ok(_KEYS, say_number(
            "{keys} for {number} encrypted row; each row can be opened.",
            "{keys} for {number} encrypted rows; each row can be opened.",
            total, keys=with_keys,
        ))  # fmt: skip
    told = say_number(
        "No key opens {lost} of {number} encrypted row.",
        "No key opens {lost} of {number} encrypted rows.", total, lost=lost,
    )  # fmt: skip
    advice = say("Put the former key back at the end of {place}.", place=place)
    return fault(_KEYS, told, advice) if lost == total else warning(_KEYS, told, advice)
