"""Whether a SQLite file is still the one that the bot works on, also where it was written over.

SQLite notices none of it: it goes on with a file that was deleted, and mixes what it keeps in
memory into one that was emptied or overwritten. Nobody but SQLite may open the file meanwhile:
closing it anew would end the locks of this process on it.
"""

import asyncio
import errno
import os
import sqlite3
from contextlib import closing
from pathlib import Path

from bot.reply import Text, say
from storage.busy import sqlite_code
from storage.repositories.probe import PROBE

_DELETED = say("its file was deleted under the running bot")
_REPLACED = say("another file was put in the place of its own under the running bot")
_EMPTIED = say("its file was emptied under the running bot")
_CUT_SHORT = say("its file was cut short under the running bot")
_OVERWRITTEN = say("its file was overwritten under the running bot")
_PUT_BACK = say(
    "Put the former file back; where it is lost, stop the bot and restore a backup: {command}",
    command="python -m bot restore FILE",
)
_RESTORE = say("Stop the bot and restore a backup: {command}", command="python -m bot restore FILE")
_IS_WHOLE = "PRAGMA quick_check(1)"
_MARKS = "SELECT id FROM defaults WHERE scope = ?"
_TRIES = 20  # that are remembered, in case one was stored all the same
_SPOILT = frozenset({sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_ERROR})


class FileChanged(OSError):
    """The file is gone, or is not what the bot has written: nothing more may be written."""

    def __init__(self, why: Text, mend: Text) -> None:
        super().__init__(errno.ENOENT, str(why))
        self.why = why
        self.mend = mend


def changed(found: tuple[int, int] | None) -> FileChanged:
    """The failure of a file in whose place `found` is now."""
    return FileChanged(_REPLACED if found else _DELETED, _PUT_BACK)


def identity(file: Path) -> tuple[int, int] | None:
    """Which file it is, whatever is in it; None where there is none."""
    return _identity(_stat(file))


class Presence:
    """Knows whether a file is still the one that was opened, and holds what was written last.

    Every change of it that is not by this process is looked into: another one of the bot's may
    have moved the journal into it.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        found = _stat(file)
        self._opened = _identity(found)
        self._size = found.st_size if found else 0
        self._left = _state(found)
        self._mark = ""  # what is in the file, once it was written
        self._coming: tuple[str, ...] = ()  # what may be there in its place: tries that failed, too
        self._why: Text = ""  # once it is spoilt, which only a restart ends
        self._look: asyncio.Task[None] | None = None  # at all of it, and at which state
        self._looked_at: tuple[int, int] | None = None

    async def check(self) -> None:
        """Return if the file is there and the same. Raises FileChanged.

        Where all of it has to be read, that goes on when its caller is cancelled: the next one
        waits for the same look.
        """
        if self._why:
            raise FileChanged(self._why, _RESTORE)
        found = _stat(self._file)
        if found is None or _identity(found) != self._opened:
            raise changed(_identity(found))
        if _state(found) == self._left:
            return
        if found.st_size >= self._size:
            self._looked_into(found, self._spoilt(found.st_size))
        else:
            await self._look_at_all(found)
        if self._why:
            raise FileChanged(self._why, _RESTORE)

    async def is_sound(self) -> bool:
        """Whether `check` would return."""
        try:
            await self.check()
        except OSError:  # also where nobody can tell
            return False
        return True

    async def _look_at_all(self, found: os.stat_result) -> None:
        async def look() -> None:
            self._looked_into(found, await asyncio.to_thread(self._spoilt, found.st_size))

        if self._look is None or self._look.done() or self._looked_at != _state(found):
            self._looked_at = _state(found)
            self._look = asyncio.ensure_future(look())
        await asyncio.shield(self._look)

    def _looked_into(self, found: os.stat_result, why: Text) -> None:
        self._why = self._why or why
        if not why:
            self._size, self._left = found.st_size, _state(found)

    def doubt(self) -> None:
        """Look into the file at the next check, even where nothing seems to have changed."""
        self._left = None

    def left(self) -> None:
        """Remember the file as this process has just left it, which is stored by now.

        Where that cannot be told, as on a network file system, the next check looks into it.
        """
        try:
            found = _stat(self._file)
        except OSError:
            self._left = None
            return
        if found is not None and _identity(found) == self._opened:
            self._size, self._left = found.st_size, _state(found)

    def marks(self, mark: str) -> None:
        """`mark` is about to be written in the place of the last one."""
        self._coming = (*self._coming[-_TRIES:], mark)

    def marked(self) -> None:
        """It is written."""
        self._mark, self._coming = self._coming[-1], ()

    def _spoilt(self, size: int) -> Text:
        """What has become of the content; nothing where it is ours."""
        if not size:
            return _EMPTIED
        try:
            with closing(
                # Whoever writes waits for this look, and often the event loop: it waits for nobody.
                sqlite3.connect(f"{self._file.absolute().as_uri()}?mode=ro", uri=True, timeout=0)
            ) as raw:
                # VACUUM makes it shorter, too, and what was written since may be in the journal.
                if size < self._size and raw.execute(_IS_WHOLE).fetchone() != ("ok",):
                    return _CUT_SHORT
                found = {mark for (mark,) in raw.execute(_MARKS, (PROBE,))}
        except sqlite3.Error as error:
            is_ours = sqlite_code(error) not in _SPOILT  # as while somebody holds it
            return "" if is_ours else _CUT_SHORT if size < self._size else _OVERWRITTEN
        known = {self._mark, *self._coming}
        return _OVERWRITTEN if self._mark and found.isdisjoint(known) else ""


def _stat(file: Path) -> os.stat_result | None:
    try:
        return file.stat()
    except FileNotFoundError:
        return None


def _identity(found: os.stat_result | None) -> tuple[int, int] | None:
    return None if found is None else (found.st_dev, found.st_ino)


def _state(found: os.stat_result | None) -> tuple[int, int] | None:
    return None if found is None else (found.st_size, found.st_ctime_ns)
