"""Looking on for what may still arrive, after it was told that nobody knows whether it will. Pure.

A node works through its requests one by one, also those whose sender has long been told that the
time is over (docs/dbc-api.md §1.6): a command without an answer can be carried out minutes later.
"""

from dataclasses import replace
from datetime import datetime, timedelta

from bot.ids import new_id
from bot.model import MACHINE_GOALS, Goal, Watch
from bot.reply import Text, Words, keep, kept, kept_text

LOOKED_FOR = timedelta(hours=1)
_SHORTEST, _LONGEST = timedelta(seconds=15), timedelta(minutes=5)
_TOLD_AS = "late"  # the key of the message that told that it is unknown
_WHY = "late_why"  # in which words
_MORE = "late_more"  # and what was said after it


def begun(watch: Watch, told_as: str, why: Text, more: Words, now: datetime) -> Watch:
    """The watch that looks on where `watch` has ended without a clear end."""
    return replace(
        watch,
        id=new_id(),
        started_at=now,
        deadline_at=now + LOOKED_FOR,
        next_poll_at=now + _SHORTEST,
        polls=0,
        silent_since=None,
        about={**watch.about, _TOLD_AS: told_as, _WHY: keep(why), _MORE: keep(more)},
    )


def is_late(watch: Watch) -> bool:
    """Whether the watch only looks for a late arrival."""
    return bool(told_as(watch))


def told_as(watch: Watch) -> str:
    """The key of the message that told that it is unknown."""
    return watch.about.get(_TOLD_AS, "")


def why(watch: Watch) -> Text:
    """Why it was told to be unknown; a former version kept what stands behind the name."""
    return kept_text(watch.about.get(_WHY, ""))


def more(watch: Watch) -> Words:
    """What was said after that."""
    return kept(watch.about.get(_MORE, ""))


def pause(watch: Watch, now: datetime) -> timedelta:
    """When to look again: ever more seldom."""
    return min(max((now - watch.started_at) / 4, _SHORTEST), _LONGEST)


def woken(watch: Watch) -> Watch:
    """The same as a watch like any other."""
    marks = {_TOLD_AS, _WHY, _MORE}
    return replace(watch, about={n: text for n, text in watch.about.items() if n not in marks})


def replaces(newer: Watch, older: Watch) -> bool:
    """Whether what `newer` follows can no longer be told from what `older` looks for."""
    if newer.execution == older.execution or newer.goal is Goal.SETTLED:
        return False
    if (newer.goal, newer.command) != (older.goal, older.command):
        return False  # `bot.watches.observers.others` tells their effects apart
    named = [(w.node, w.task, w.label, w.about.get("name", "")) for w in (newer, older)]
    if newer.goal in MACHINE_GOALS:
        named = [(node, task, "", "") for node, task, _, _ in named]
    return named[0] == named[1]
