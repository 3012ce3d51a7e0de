"""Whether the journal beside a SQLite file is its own.

SQLite does not ask: it moves whatever `…-wal` it finds into whatever file is there, which damages
one that was put in the place of another. So each journal of ours tells which file it continues.

The first page of a file has two numbers for its owner: here, `user_version` is the mark of the
last journal that was moved into it, and `application_id` that of the journal before. A journal
begins with that page and a new mark, so its file has the new mark or the one before, wherever a
move was broken off. A backup is told without marks: it says that it has no journal at all.
"""

import secrets
import sqlite3
import struct
from collections.abc import Set
from pathlib import Path
from typing import IO

from bot.errors import BotError
from bot.reply import say
from storage.file import JOURNALS, LOCK, MAGIC, is_claimed

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

_TRIES = 5  # times: a journal that is in use may begin anew between two looks


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


def mark(writer: sqlite3.Connection) -> None:
    """Let the open transaction, which may begin a journal, tell which file that continues."""
    (former,) = writer.execute("PRAGMA user_version").fetchone()
    writer.execute(f"PRAGMA application_id = {former}")
    writer.execute(f"PRAGMA user_version = {secrets.randbits(31) or 1}")


def require_own_journal(file: Path, *, is_first: bool = False) -> None:
    """Return unless SQLite would mix two databases on opening `file`. Raises BotError.

    Of a file that a bot uses, only its identity is looked at: closing a file ends all locks that
    the process has on it, SQLite's too. `is_first`: this process has not opened it so far.
    """
    is_used = is_claimed(file)
    if is_used:
        _require_same(file)
    elif (is_first or is_used is False) and not is_own_journal(file):
        raise ForeignJournal(file)


def note_identity(lock: IO[bytes], file: Path) -> None:
    """Write down which file it is that whoever holds this lock uses."""
    lock.truncate(0)
    lock.write(b"%d\n" % file.stat().st_ino)
    lock.flush()


def _require_same(file: Path) -> None:
    try:
        noted = file.with_name(file.name + LOCK).read_bytes().strip()
        is_same = not noted or int(noted) == file.stat().st_ino
    except (OSError, ValueError):
        return  # whoever opens it says why it cannot be read
    if not is_same:
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
