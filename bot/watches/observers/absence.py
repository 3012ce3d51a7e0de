"""When to believe what a list shows: that something is gone, or that no more than this came. Pure.

A list can be short for a moment, as of a node that has just started; and what reached a node twice
is carried out one after the other.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta

from bot.model import Noted, Watch, WatchState
from bot.watches.machine_ends import WAIT, Verdict

_A_WHILE = timedelta(seconds=5)


def is_missed(about: Mapping[str, str]) -> bool:
    """Whether the last look, which remembers this, did not find it."""
    return bool(about.get(Noted.MISSING_SINCE))


def once_believed(watch: Watch, found: Verdict, now: datetime) -> tuple[Verdict, Mapping[str, str]]:
    """What to say where one list is not enough for DONE, and what to remember of it.

    Nothing is said before lists have shown it for a while.
    """
    if found.state is not WatchState.DONE:
        return found, {Noted.MISSING_SINCE: ""}
    since = watch.about.get(Noted.MISSING_SINCE) or now.isoformat()
    is_believed = now - datetime.fromisoformat(since) >= _A_WHILE
    return found if is_believed else WAIT, {Noted.MISSING_SINCE: since}
