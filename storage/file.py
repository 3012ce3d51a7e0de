"""The care of a SQLite file: who may read it, and who uses it."""

import errno
import fcntl
import os
import re
import secrets
import shutil
import sqlite3
from collections.abc import Iterator, Set
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from stat import S_ISREG
from typing import IO

from bot.errors import BotError
from bot.reply import Text, say
from storage.busy import sqlite_code
from storage.errors import InUse

# Nobody but the bot's own account reads what it keeps, nor the copies that it makes.
PRIVATE = 0o600
PRIVATE_DIRECTORY = 0o700
JOURNALS = ("-wal", "-shm")
LOCK = ".lock"  # a file whose lock says that a bot uses the database beside it
MOUNT = say("Mount it writable, or let DATABASE_URL name a file elsewhere.")
MAGIC = b"SQLite format 3\0"
_LOCKS = Path("/proc/locks")
_HELD = re.compile(r"FLOCK .* (-?\d+) ([0-9a-f]+):([0-9a-f]+):(\d+) ")  # by whom, and on which file


def prepare(file: Path) -> None:
    """Make the file and its directory where they are missing, and private in any case.

    An existing directory keeps its mode: it may hold other things. Raises BotError.
    """
    try:
        file.parent.mkdir(mode=PRIVATE_DIRECTORY, parents=True, exist_ok=True)
        if not file.exists():
            _make(file)
    except OSError as error:
        raise BotError(f"The database {file} cannot be made: {error.strerror}.") from None
    except sqlite3.Error as error:
        raise BotError(
            say("The database {file} cannot be made: {why}.",
                file=str(file), why=sqlite_cause(error, file)),
            hint=sqlite_advice(error, file),
        ) from None  # fmt: skip
    if not file.is_file():
        raise BotError(
            f"The database {file} cannot be used: it is not a file.", hint="Check DATABASE_URL."
        )
    require_ours(file)
    if is_read_only(file):
        raise BotError(
            say("The database {file} cannot be used: {why}.", file=str(file), why=_READ_ONLY),
            hint=MOUNT,
        )
    if not os.access(file, os.R_OK | os.W_OK):
        raise BotError(
            f"The database {file} cannot be used: this account may not write to it.",
            hint="Run the bot as the account that owns the file, or give the file to this one.",
        )
    # SQLite gives its journals the mode of the file, but keeps that of journals which are there.
    for name in (file.name, *(file.name + journal for journal in JOURNALS)):
        with suppress(OSError):  # somebody else's file, or a file system without modes
            _make_private(file.with_name(name))


def _make(file: Path) -> None:
    """Put a database without tables there, whole from the first moment.

    A file of zero bytes is thus never of our making: whatever was in it is lost.
    """
    draft = file.with_name(f".{file.name}.{secrets.token_hex(8)}")
    os.close(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE))
    try:
        with closing(sqlite3.connect(draft)) as made:
            made.execute("PRAGMA journal_mode = WAL")  # writes the file's first page
        with suppress(FileExistsError):  # another one that starts at once has made it
            give_name(draft, file)
    finally:
        for name in (draft.name, *(draft.name + journal for journal in JOURNALS)):
            draft.with_name(name).unlink(missing_ok=True)
    flush_directory(file)


@contextmanager
def new_file(target: Path) -> Iterator[Path]:
    """A draft to write, which becomes `target` once that is done. Raises BotError."""
    if os.path.lexists(target):
        raise _exists(target)
    with drafted(target) as draft:
        yield draft
        try:
            flush(draft)
            give_name(draft, target)
            flush_directory(target)
        except FileExistsError:
            raise _exists(target) from None
        except OSError as error:
            raise BotError(f"{target} cannot be written: {error.strerror}.") from None


def _exists(file: Path) -> BotError:
    return BotError(f"{file} exists already.", hint="Name a new file.")


@contextmanager
def drafted(target: Path) -> Iterator[Path]:
    """A new private file beside `target` to write into, gone afterwards whatever happens."""
    draft = target.with_name(f".{target.name}.{secrets.token_hex(8)}")
    try:
        os.close(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE))
    except OSError as error:
        raise BotError(f"{target.parent} cannot be written: {error.strerror}.") from None
    try:
        yield draft
    finally:
        for name in (draft.name, *(draft.name + journal for journal in JOURNALS)):
            draft.with_name(name).unlink(missing_ok=True)


def give_name(draft: Path, file: Path) -> None:
    """Let `file` be what the draft is, whole at once. Raises FileExistsError, OSError.

    The draft may be gone afterwards: where the file system knows no hard links (CIFS, exFAT), it is
    moved there, by one process at a time.
    """
    try:
        file.hardlink_to(draft)
    except FileExistsError:
        raise
    except OSError:
        _move_new(draft, file)


def _move_new(draft: Path, file: Path) -> None:
    """Move it there as the first one. A process that was killed meanwhile holds up nobody."""
    path = file.with_name(f".{file.name}{LOCK}")
    with path.open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        is_first = not os.path.lexists(file)
        if is_first:
            draft.replace(file)
        # Who waits for this very lock finds the file there, and needs none.
        path.unlink(missing_ok=True)
    if not is_first:
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(file))


def is_there(file: Path) -> bool:
    """Whether a file that could be a database is there: not one of zero bytes."""
    return file.is_file() and file.stat().st_size > 0


def require_there(file: Path) -> None:
    """Return where a database can be in `file`. Raises BotError, PermissionError."""
    if not file.is_file() and is_claimed(file):
        raise BotError(
            say("{file} was deleted under the bot that runs.", file=str(file)),
            hint=say("Put it back or restore a backup, then restart the bot."),
        )
    if not file.is_file():
        raise BotError(f"There is no database {file}.", hint="Check DATABASE_URL.")
    if not is_there(file):
        raise BotError(
            f"There is no database in {file} any more: the file is empty.",
            hint="Put it back, or restore a backup: python -m bot restore FILE",
        )


def _make_private(file: Path) -> None:
    mode = file.stat().st_mode
    if S_ISREG(mode) and mode & 0o077:
        file.chmod(PRIVATE)


def is_database(file: Path) -> bool:
    """Whether a bot has kept anything in this file."""
    try:
        with file.open("rb") as opened:
            if opened.read(len(MAGIC)) != MAGIC:
                return False
        with closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True)) as raw:
            raw.execute("SELECT 1 FROM alembic_version, executions LIMIT 1")
    except (OSError, sqlite3.Error):
        return False
    return True


def require_ours(file: Path) -> None:
    """Return unless something else is there than a database of the bot. Raises BotError.

    Before the file is made private, locked or written to: a mistyped setting may name anything. A
    database without tables is what a first start that was broken off has left.
    """
    try:
        with file.open("rb") as opened:
            beginning = opened.read(len(MAGIC))
    except OSError:
        return  # whoever opens it says why it cannot be read
    if not beginning:
        return
    if beginning == MAGIC:
        try:
            with closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True)) as raw:
                named = {name for (name,) in raw.execute("SELECT name FROM sqlite_master")}
        except sqlite3.Error:
            return
        if not named or "alembic_version" in named:
            return
    raise BotError(
        say("DATABASE_URL names {file}, which is no database of this bot.", file=str(file)),
        hint=say("Nothing in it was changed. Check DATABASE_URL."),
    )


# In SQLite's own words, which people search for, but for the one that does not say who may not.
_CAUSES = {
    sqlite3.SQLITE_READONLY: say("this account may not write to the file or its directory"),
    sqlite3.SQLITE_BUSY: say("database is locked"),
    sqlite3.SQLITE_FULL: say("database or disk is full"),
    sqlite3.SQLITE_IOERR: say("disk I/O error"),
    sqlite3.SQLITE_CANTOPEN: say("unable to open database file"),
    sqlite3.SQLITE_CORRUPT: say("database disk image is malformed"),
    sqlite3.SQLITE_NOTADB: say("file is not a database"),
}


_READ_ONLY = say("read-only file system")
# What SQLite says where its journal finds no room, and where it may make none.
_NO_ROOM = frozenset({sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN})
_NO_WRITING = frozenset({sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN})
_LITTLE = 1024**2  # bytes; with less, there may be no room for SQLite's journals


def sqlite_cause(error: sqlite3.Error, file: Path | None = None) -> Text:
    """What SQLite says; where it may not write, who it is that may not.

    Of a `file`, what its disk says comes first: SQLite tells a full one from a broken one only now
    and then.
    """
    code = sqlite_code(error)
    if file is not None and code in _NO_WRITING and is_read_only(file):
        return _READ_ONLY
    if file is not None and code in _NO_WRITING and _is_barred(file):
        return _CAUSES[sqlite3.SQLITE_READONLY]
    if file is not None and code in _NO_ROOM and (free := _free(file)) is not None:
        return say("its disk is full, {size} KiB are free", size=f"{free // 1024:,}")
    return _CAUSES.get(code) or str(error)


def sqlite_advice(error: sqlite3.Error, file: Path | None = None) -> Text:
    """What helps against it, where no setting does; empty: nothing that is known."""
    code = sqlite_code(error)
    if code == sqlite3.SQLITE_CORRUPT:
        return say(
            "The file is damaged. Stop the bot and restore a backup: {command}",
            command="python -m bot restore FILE",
        )
    if file is not None and code in _NO_WRITING and is_read_only(file):
        return MOUNT
    if file is not None and code in _NO_WRITING and _is_barred(file):
        return say("Run this as the account that owns the file, or give the file to this one.")
    if code == sqlite3.SQLITE_FULL or (
        file is not None and code in _NO_ROOM and _free(file) is not None
    ):
        return say("Make room.")
    return ""


def _free(file: Path) -> int | None:
    """How many bytes are free on the disk of `file`, where these are too few."""
    try:
        free = shutil.disk_usage(file.parent).free
    except OSError:
        return None
    return free if free < _LITTLE else None


def is_read_only(path: Path) -> bool:
    """Whether nobody can write there, whatever the rights: its file system takes nothing."""
    try:
        return bool(os.statvfs(path).f_flag & os.ST_RDONLY)
    except OSError:
        return False


def _is_barred(file: Path) -> bool:
    """Whether the file is there, and this account may not use it."""
    try:
        return file.exists() and not os.access(file, os.R_OK | os.W_OK)
    except OSError:
        return True


def flush_directory(file: Path) -> None:
    """Have a new name of a file survive a loss of power."""
    flush(file.parent)


def flush(path: Path) -> None:
    """Have what was written to a file survive a loss of power."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def is_claimed(file: Path) -> bool | None:
    """Whether a process holds `file` by `claim`, found out without claiming it; None: unknown."""
    found = holders(file)
    return None if found is None else bool(found)


def holders(file: Path) -> Set[int] | None:
    """Which processes hold `file` by `claim`; None: nobody can tell."""
    try:
        found = file.with_name(file.name + LOCK).stat()
        locks = [_HELD.search(one) for one in _LOCKS.read_text(encoding="ascii").splitlines()]
    except FileNotFoundError:
        return frozenset() if _LOCKS.exists() else None
    except OSError:
        return None
    return {
        int(lock[1])
        for lock in locks
        if lock and int(lock[4]) == found.st_ino and _can_be(lock[2], lock[3], found.st_dev)
    }


def _can_be(major: str, minor: str, device: int) -> bool:
    """Whether a lock on this device can be one on a file of which `stat` tells `device`.

    Files on two disks may have one number. Of some (btrfs, overlayfs), `stat` tells a device that
    no mount has, and locks are told of another: there the file's number has to do.
    """
    mine = os.major(device), os.minor(device)
    if (int(major, 16), int(minor, 16)) == mine:
        return True
    try:
        mounts = Path("/proc/self/mountinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return True
    return f"{mine[0]}:{mine[1]}" not in {one.split()[2] for one in mounts.splitlines()}


def claim(file: Path) -> IO[bytes]:
    """Hold `file` until the result is closed or the process ends.

    Raises InUse while another process holds it, BotError where the lock cannot be written.
    """
    path = file.with_name(file.name + LOCK)
    try:
        lock = path.open("ab")
        path.chmod(PRIVATE)
    except OSError as error:
        raise BotError(f"{path} cannot be written: {error.strerror}.") from None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        lock.close()
        raise InUse(
            f"Another process of the bot is using {file}.",
            hint="Stop it first. For several processes, set DATABASE_URL to PostgreSQL.",
        ) from None
    lock.truncate(0)  # which file the last one used
    return lock
