"""When to believe that something is gone because a list does not have it. Pure.

A list can be short for a moment, as of a node that has just started.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta

from bot.model import Watch, WatchState
from bot.services.settle import WAIT, Verdict

_SINCE = "missing_since"
_A_WHILE = timedelta(seconds=5)


def is_missed(about: Mapping[str, str]) -> bool:
    """Whether the last look, which remembers this, did not find it."""
    return bool(about.get(_SINCE))


def once_believed(watch: Watch, found: Verdict, now: datetime) -> tuple[Verdict, Mapping[str, str]]:
    """What to say where DONE means that a list lacks something, and what to remember of it.

    Nothing is said before lists have lacked it for a while.
    """
    if found.state is not WatchState.DONE:
        return found, {_SINCE: ""}
    since = watch.about.get(_SINCE) or now.isoformat()
    is_believed = now - datetime.fromisoformat(since) >= _A_WHILE
    return found if is_believed else WAIT, {_SINCE: since}
