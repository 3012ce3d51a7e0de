"""The claim on a SQLite file: one process of the bot uses it at a time."""

import fcntl
from pathlib import Path
from typing import IO

from bot.errors import BotError
from storage.errors import InUse

# Nobody but the bot's own account reads what it keeps, nor the copies that it makes.
PRIVATE = 0o600


def claim(file: Path) -> IO[bytes]:
    """Hold `file` until the result is closed or the process ends.

    Raises InUse while another process holds it, BotError where the lock cannot be written.
    """
    path = file.with_name(file.name + ".lock")
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
    return lock
