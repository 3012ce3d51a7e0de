"""Whether the journal beside a SQLite file is its own.

SQLite does not ask: it moves whatever `…-wal` it finds into whatever file is there, which damages
one that was put in the place of another. So each journal of ours tells which file it continues.

The first page of a file has two numbers for its owner: here, `user_version` is the mark of the
last journal that was moved into it, and `application_id` that of the journal before. A journal
begins with that page and a new mark, so its file has the new mark or the one before, wherever a
move was broken off. A backup is told without marks: it says that it has no journal at all.
"""

import os
import secrets
import struct
from collections.abc import Set
from pathlib import Path
from typing import IO

import structlog
from sqlalchemy import Connection

from bot.errors import BotError
from bot.reply import say
from storage.file import JOURNALS, LOCK, MAGIC, claim, holders, is_claimed

# https://www.sqlite.org/fileformat2.html#the_database_header
_HEADER = 100  # bytes at the beginning of the first page
_JOURNAL_MODES = slice(18, 20)
_WITHOUT_JOURNAL = b"\1\1"
_MARK, _FORMER_MARK = slice(60, 64), slice(68, 72)

# https://www.sqlite.org/fileformat2.html#the_write_ahead_log
_BEGINNING = 32  # bytes before the first frame
_FRAME = 24  # bytes before each page
_LITTLE, _BIG = 0x377F0682, 0x377F0683  # what it begins with, by the order of its checksums
_SALTS, _SUMS = slice(8, 16), slice(16, 24)  # of a frame

_BEGAN = 19  # of the words behind the name in /proc/PID/stat: in ticks since the system did
_NOTED = 2  # words: which file, and since when its user runs
_TRIES = 5  # times: a journal that is in use may begin anew between two looks

log = structlog.get_logger()


class ForeignJournal(BotError):
    """The journal beside a file belongs to another one. Nothing was opened or changed."""

    def __init__(self, file: Path) -> None:
        wal, shm = (file.name + end for end in JOURNALS)
        super().__init__(
            say(
                "{journal} is not the journal of {file}, but was left by a file that was there "
                "before. Both together would be a damaged database.",
                journal=str(file.with_name(wal)), file=str(file),
            ),
            hint=say(
                "To put a backup there, use {command}: it moves both away. To use the file as it "
                "is, delete {wal} and {shm} beside it first.",
                command="python -m bot restore FILE", wal=wal, shm=shm,
            ),
        )  # fmt: skip


def mark(writer: Connection) -> None:
    """Let the open transaction, which may begin a journal, tell which file that continues."""
    former = writer.exec_driver_sql("PRAGMA user_version").scalar()
    writer.exec_driver_sql(f"PRAGMA application_id = {former}")
    writer.exec_driver_sql(f"PRAGMA user_version = {secrets.randbits(31) or 1}")


def require_own_journal(file: Path, *, is_first: bool = False) -> None:
    """Return unless SQLite would mix two databases on opening `file`. Raises BotError.

    Of a file that a bot uses, only its identity is looked at: closing a file ends all locks that
    the process has on it, SQLite's too. `is_first`: this process has not opened it so far.
    """
    is_used = is_claimed(file)
    if is_used:
        _require_same(file)
    elif is_first or is_used is False:
        require_no_foreign(file)


def require_no_foreign(file: Path) -> None:
    """Return unless the journal beside `file`, which nobody has opened, is another one's.

    Raises ForeignJournal.
    """
    if not is_own_journal(file):
        raise ForeignJournal(file)


def claim_own(file: Path) -> IO[bytes]:
    """Hold `file` as `claim` does, unless its journal is another one's. Raises BotError.

    The claim comes first: from then on no other process of the bot begins a journal there.
    """
    lock = claim(file)
    try:
        require_no_foreign(file)
    except BaseException:
        lock.close()
        raise
    return lock


def note_identity(lock: IO[bytes], file: Path) -> None:
    """Write down which file it is that whoever holds this lock uses, and since when it runs.

    Where that cannot be written, as on a full disk, the start goes on without.
    """
    try:
        os.ftruncate(lock.fileno(), 0)
        os.write(lock.fileno(), f"{file.stat().st_ino} {_began(os.getpid())}\n".encode())
    except OSError as error:
        log.warning("sqlite.identity_not_noted", error=error.strerror)


def _began(process: int) -> str:
    """When it began, as the system counts: the same for all who ask, in a container too."""
    try:
        told = Path(f"/proc/{process}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    return "".join(told.rpartition(")")[2].split()[_BEGAN : _BEGAN + 1])


def _require_same(file: Path) -> None:
    """Return unless whoever holds `file` noted another one. Raises BotError.

    An older version notes nothing, and leaves there what one before it had noted.
    """
    try:
        noted = file.with_name(file.name + LOCK).read_text(encoding="ascii").split()
        present = str(file.stat().st_ino)
    except (OSError, ValueError):
        return  # whoever opens it says why it cannot be read
    if len(noted) != _NOTED or noted[0] == present:
        return
    if noted[1] in map(_began, holders(file) or ()):
        raise BotError(
            say(
                "Another file was put in the place of {file} under the running bot.", file=str(file)
            ),
            hint=say(
                "Stop the bot and restore a backup: {command}", command="python -m bot restore FILE"
            ),
        )


def is_own_journal(file: Path) -> bool:
    """Whether there is nothing in the journal, or it continues `file`."""
    journal = file.with_name(file.name + JOURNALS[0])
    try:
        for _ in range(_TRIES):
            began = _first(journal, _BEGINNING)
            if journal.stat().st_size <= _BEGINNING or _fits(_first(file, _HEADER), journal):
                return True
            if _first(journal, _BEGINNING) == began:
                return False
    except OSError:
        pass  # no journal; or whoever opens it says why it cannot be read
    return True


def _first(file: Path, number: int) -> bytes:
    with file.open("rb") as opened:
        return opened.read(number)


def _fits(header: bytes, journal: Path) -> bool:
    if len(header) < _HEADER or not header.startswith(MAGIC):
        return True  # whoever opens it says that this is no database
    if header[_JOURNAL_MODES] == _WITHOUT_JOURNAL:
        return False
    with journal.open("rb") as opened:
        known = _marks(opened)
    return not known or header[_MARK] in known


def _marks(journal: IO[bytes]) -> Set[bytes]:
    """Which marks the file can have that this journal continues; empty: it does not tell.

    What SQLite would not carry over any more, as after a loss of power, tells nothing.
    """
    beginning = journal.read(_BEGINNING)
    magic, _, size = struct.unpack(">III", beginning[:12])
    salts, sums = beginning[16:24], _sums(beginning[:24], (0, 0), magic)
    known = set[bytes]()
    if magic not in {_LITTLE, _BIG} or struct.pack(">II", *sums) != beginning[24:]:
        return known
    while (
        len(frame := journal.read(_FRAME)) == _FRAME
        and frame[_SALTS] == salts
        and len(page := journal.read(size)) == size
    ):
        if not known:  # a page that was half written is told by its checksum alone
            sums = _sums(frame[:8] + page, sums, magic)
            if struct.pack(">II", *sums) != frame[_SUMS]:
                break
        if frame[:4] == b"\0\0\0\1":
            known |= {page[_MARK]} if known else {page[_MARK], page[_FORMER_MARK]}
    return known


def _sums(content: bytes, sums: tuple[int, int], magic: int) -> tuple[int, int]:
    """SQLite's checksum of a journal up to here, from that of what stands before."""
    words = struct.unpack(f"{'>' if magic == _BIG else '<'}{len(content) // 4}I", content)
    first, second = sums
    for one, other in zip(words[::2], words[1::2], strict=True):
        first = (first + one + second) & 0xFFFFFFFF
        second = (second + other + first) & 0xFFFFFFFF
    return first, second
