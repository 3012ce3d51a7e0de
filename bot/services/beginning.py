"""Whether an empty database may be begun: a mistyped DATABASE_URL must not hide a full one.

An empty database knows no sessions, no open approvals and no audit, and nothing would look wrong.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from bot.config import DatabaseSettings, KeySettings
from bot.errors import BotError
from bot.reply import say
from bot.services.credential_keys import KEY_FILE, gone, key_file_of
from storage import JOURNALS, LOCK, has_sealed, is_database, is_there, is_unused, require_ours

_DEFAULT = Path("data/dbc-bot.db")
_ANEW = "python -m bot run --new-database"
_HINT = say("Correct DATABASE_URL, or begin anew with: {command}", command=_ANEW)
_MOVE = say(
    "Copy it there ({copy}), correct DATABASE_URL, or begin anew with: {command}",
    copy=f"python -m bot copy {_DEFAULT}", command=_ANEW,
)  # fmt: skip
_GONE = say(
    "Correct DATABASE_URL, put the file back, restore a backup ({restore}), or begin anew with: "
    "{command}",
    restore="python -m bot restore FILE", command=_ANEW,
)  # fmt: skip
_MOVED = say(
    "{copy} has moved it: let DATABASE_URL name the PostgreSQL database. To go back before the bot "
    "has run there, rename the file. Or begin anew with: {command}",
    copy="python -m bot copy", command=_ANEW,
)  # fmt: skip
_ASIDE = re.compile(r"\.(before|moved)-")  # what the bot itself has put aside


async def refuse_to_begin(settings: KeySettings, *, anew: bool) -> None:
    """Return unless a start would hide a database, or its key. Raises BotError.

    `anew`: an empty database is what is wanted.
    """
    key, file = key_file_of(settings), settings.sqlite_file
    if file is not None:
        require_ours(file)
    if not anew:
        await refuse_to_hide_another(settings)
    if key is None or key.exists() or file is None or not is_database(file):
        return
    if await has_sealed(settings.database_url):
        raise gone(key)


async def refuse_to_hide_another(settings: DatabaseSettings) -> None:
    """Return unless the database is new while another one was in use. Raises BotError.

    The doctor tells the same of a database that is not there.
    """
    file = settings.sqlite_file
    if file is None:
        if is_database(_DEFAULT) and await is_unused(settings.database_url):
            told = say(
                "DATABASE_URL names {named}, which is empty, but {other} is a database of the bot.",
                named=say("a PostgreSQL database"), other=str(_DEFAULT),
            )  # fmt: skip
            raise BotError(told, hint=_MOVE)
        return
    is_empty = file.is_file() and not is_there(file)  # no first start leaves that
    if file.exists() and not is_empty:
        return
    asides = _asides(file)
    if asides:
        raise _lost(file, asides[-1])
    for other in _others(file):
        told = say(
            "DATABASE_URL names {named}, where there is no database, but {other} is a database of "
            "the bot.", named=str(file), other=str(other),
        )  # fmt: skip
        raise BotError(told, hint=_HINT)
    for end in (*JOURNALS, LOCK):
        if (left := file.with_name(file.name + end)).exists():
            raise _lost(file, left)
    if (key := file.with_name(KEY_FILE)).exists():
        raise BotError(
            say(
                "DATABASE_URL names {file}, where there is no database, but {key} is the key of "
                "one.",
                file=str(file),
                key=str(key),
            ),
            hint=_GONE,
        )


def _lost(file: Path, left: Path) -> BotError:
    """The failure that there is no database any more, although something of it is there."""
    told = say(
        "DATABASE_URL names {file}, where there is no database any more: {left} is left of it.",
        file=str(file), left=str(left),
    )  # fmt: skip
    return BotError(told, hint=_MOVED if ".moved-" in left.name else _GONE)


def _asides(file: Path) -> list[Path]:
    """What the bot has put aside of this file, oldest first."""
    try:
        found = file.parent.glob(f"{file.name}.*")
        kept = (path for path in found if _ASIDE.search(path.name))
        files = (path for path in kept if not path.name.endswith(JOURNALS))
        return sorted(files, key=lambda path: path.name.rpartition("-")[2])
    except OSError:
        return []


def _others(file: Path) -> Iterator[Path]:
    """Databases of a bot that may be meant: beside the file, or at the default place."""
    try:
        beside = sorted(file.parent.iterdir())
    except OSError:  # not there, or not ours to read: the start itself will say so
        beside = []
    candidates = [path for path in beside if not _ASIDE.search(path.name)]
    if not file.is_absolute():
        candidates.append(_DEFAULT)
    return (path for path in candidates if path != file and is_database(path))
