"""The doctor's look at `.env`: who can read its secrets, and what in it is no setting."""

import os
import stat
from pathlib import Path

from bot.config import ENV_FILE, secrets_in_env_file
from bot.monitoring.findings import Finding, warning
from bot.reply import say
from bot.setting_names import strangers

_OF_GROUP, _OF_ALL = stat.S_IRGRP, stat.S_IROTH


def env_file() -> list[Finding]:
    """The warning where it holds secrets that others can read.

    A file that somebody else owns and the bot's account reads by its group is meant so.
    """
    try:
        found = Path(ENV_FILE).stat()
        names = secrets_in_env_file()
    except (OSError, UnicodeDecodeError):  # none, or none that is read
        return []
    is_ours = found.st_uid == os.geteuid()
    if not names or not found.st_mode & (_OF_GROUP | _OF_ALL if is_ours else _OF_ALL):
        return []
    mode = f"{stat.S_IMODE(found.st_mode):04o}"
    told = say("{file} is {mode}: others can read it.", file=ENV_FILE, mode=mode)
    command = f"chmod {'600' if is_ours else 'o='} {ENV_FILE}"
    return [warning(say("file modes"), told, say("Run: {command}", command=command))]


def unknown_names() -> list[Finding]:
    """The warnings about names that are no setting, in `.env` and nearly so elsewhere."""
    return [warning(say("settings"), one.told) for one in strangers()]
