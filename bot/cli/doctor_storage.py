"""The doctor's look at the database, the keys, and what waits. Opens for reading alone."""

import shutil
import stat
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path

from bot.app import key_file_of
from bot.cli.failures import told
from bot.cli.findings import Finding, fault, ok, warning
from bot.config import Settings
from bot.errors import BotError
from bot.plural import counted
from bot.services.database import cause
from storage import PRIVATE, Inspection, Server, StorageFailed, Store, Vault, is_claimed, keys_in

_LITTLE_SPACE = 512 * 1024**2  # bytes; a year of a busy team is a few hundred MiB
_NO_SPACE = 32 * 1024**2
_LATE = 300  # seconds; outages of minutes are ordinary


async def storage(settings: Settings) -> AsyncIterator[Finding]:
    """All about what is kept."""
    file = settings.sqlite_file
    if file is not None and not file.is_file():
        yield warning("database", f"{file} does not exist yet.", "The first start makes it.")
        return
    if file is not None:
        for found in _file(file):
            yield found
    try:
        inspection = Inspection(settings.database_url)
        try:
            if server := await inspection.server():
                yield _server(server, settings.described["database"])
            async for found in _content(inspection):
                yield found
        finally:
            await inspection.close()
        async for found in _keys(settings):
            yield found
    except StorageFailed as error:
        yield fault("database", f"It cannot be used: {cause(error)}.", "See DATABASE_URL.")
    except BotError as error:
        yield fault("database", told(error))


def _server(server: Server, host: str) -> Finding:
    version = server.version.partition(" ")[0]
    where = f"PostgreSQL {version} at {host}, database {server.database}, schema {server.schema}"
    others = counted(server.others, "other connection")
    return ok("database", f"{where}; {others} of this account (replicas, a bot that runs).")


def _file(file: Path) -> Iterator[Finding]:
    running = {True: "a bot has it open", False: "no bot has it open", None: "in use or not"}
    yield ok("database", f"{file}, {running[is_claimed(file)]}.")
    for name in (file.name, f"{file.name}-wal", f"{file.name}-shm"):
        path = file.with_name(name)
        if path.exists() and (mode := stat.S_IMODE(path.stat().st_mode)) & ~PRIVATE:
            yield fault("file modes", f"{path} is {mode:04o}: others can read it.",
                        f"Run: chmod 600 {path}")  # fmt: skip
    free = shutil.disk_usage(file.parent).free
    told = f"{free // 1024**2:,} MiB are free on the disk of {file.parent}."
    if free < _NO_SPACE:
        yield fault("free space", told, "Make room: soon nothing can be recorded.")
    elif free < _LITTLE_SPACE:
        yield warning("free space", told, "Make room.")
    else:
        yield ok("free space", told)


async def _content(inspection: Inspection) -> AsyncIterator[Finding]:
    schema = await inspection.schema()
    if schema.is_newer:
        yield fault("schema", f"A newer version of the bot has used it ({schema.current}).",
                    "Run that version, or restore a backup from before the upgrade.")  # fmt: skip
        return
    if not schema.is_newest:
        current = schema.current or "none yet"
        yield warning("schema", f"{current}; this version has {schema.needed}.",
                      "The next start migrates it.")  # fmt: skip
        return
    yield ok("schema", f"{schema.current}, the newest.")
    journal = await inspection.journal()
    if journal and journal != "wal":
        yield warning("journal", f"Its mode is {journal}, not wal.", "The next start sets it.")
    elif journal:
        yield ok("journal", "WAL.")
    now = datetime.now(UTC)
    figures = await inspection.figures(now)
    many = counted(figures.messages_due, "message")
    yield _waiting("messages", many, figures.message_oldest, now)
    watched = counted(figures.watches_open, "operation")
    if figures.watches_overdue:
        yield warning("watches", f"{watched} in progress, {figures.watches_overdue} overdue.",
                      "Is the bot running? If so, see its log.")  # fmt: skip
    else:
        yield ok("watches", f"{watched} in progress, none overdue.")
    yield ok("approvals", f"{counted(figures.approvals_waiting, 'request')} pending.")


def _waiting(about: str, many: str, since: datetime | None, now: datetime) -> Finding:
    if since is None:
        return ok(about, f"{many} to deliver.")
    minutes = int((now - since).total_seconds() // 60)
    told = f"{many} to deliver, the oldest for {minutes} min."
    if (now - since).total_seconds() < _LATE:
        return ok(about, told)
    return warning(about, told, "Is the bot running? If so, see message.undelivered in its log.")


async def _keys(settings: Settings) -> AsyncIterator[Finding]:
    file = key_file_of(settings)
    if file is not None and not file.exists():
        yield fault("keys", f"The key file {file} is gone.",
                    "Put it back, or nobody's session can be read.")  # fmt: skip
        return
    if file is not None and (mode := stat.S_IMODE(file.stat().st_mode)) & ~PRIVATE:
        yield fault("file modes", f"{file} is {mode:04o}: others can read it.",
                    f"Run: chmod 600 {file}")  # fmt: skip
    given = [key.get_secret_value() for key in settings.credential_keys]
    vault = Vault(keys_in(file) if file is not None else given)
    store = Store(settings.database_url, vault)
    try:
        counts = await store.sealed_under()
    finally:
        await store.close()
    total, lost = counts.total(), counts[None]
    keys = counted(len(vault.fingerprints), "key")
    if not lost:
        yield ok("keys", f"{keys} for {counted(total, 'encrypted row')}; each row can be opened.")
        return
    told = f"No key opens {lost} of {counted(total, 'encrypted row')}."
    advice = "Put the former key back at the end of CREDENTIAL_KEYS or the key file."
    yield fault("keys", told, advice) if lost == total else warning("keys", told, advice)
