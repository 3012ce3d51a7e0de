"""Looking on for what may still arrive, after it was told that nobody knows whether it will. Pure.

A node works through its requests one by one, also those whose sender has long been told that the
time is over (docs/dbc-api.md §1.6): a command without an answer can be carried out minutes later.
"""

from dataclasses import replace
from datetime import datetime, timedelta

from bot.ids import new_id
from bot.model import MACHINE_GOALS, Execution, Goal, Noted, Watch, WatchState
from bot.reply import Text, Words, keep, kept, kept_text

LOOKED_FOR = timedelta(hours=1)
_SHORTEST, _LONGEST = timedelta(seconds=15), timedelta(minutes=5)
_TOLD: tuple[str, ...] = (Noted.LATE_TOLD_AS, Noted.LATE_WHY, Noted.LATE_MORE)
_WHICH = (Noted.NAME, Noted.DISK)  # which snapshot, network or disk a command is about


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
        about={
            **watch.about,
            Noted.LATE_TOLD_AS: told_as,
            Noted.LATE_WHY: keep(why),
            Noted.LATE_MORE: keep(more),
        },
    )


def resumed(old: Watch, told_as: str, now: datetime) -> Watch:
    """The watch that looks on once more after `old`; `told_as` as far as `old` is not late."""
    again = begun(old, told_as, "", "", now)
    marks = {name: old.about[name] for name in _TOLD if name in old.about}
    about = {**again.about, **(marks if is_late(old) else {}), Noted.LATE_RESUMED: "yes"}
    return replace(again, next_poll_at=now, state=WatchState.OPEN, about=about)


def is_resumed(watch: Watch) -> bool:
    """Whether somebody has pressed for it."""
    return Noted.LATE_RESUMED in watch.about


def is_late(watch: Watch) -> bool:
    """Whether the watch only looks for a late arrival."""
    return bool(told_as(watch))


def told_as(watch: Watch) -> str:
    """The key of the message that told that it is unknown."""
    return watch.about.get(Noted.LATE_TOLD_AS, "")


def why(watch: Watch) -> Text:
    """Why it was told to be unknown; a former version kept what stands behind the name.

    Nothing where that was told by a watch that looked for no late arrival.
    """
    return kept_text(watch.about.get(Noted.LATE_WHY, ""))


def more(watch: Watch) -> Words:
    """What was said after that."""
    return kept(watch.about.get(Noted.LATE_MORE, ""))


def pause(watch: Watch, now: datetime) -> timedelta:
    """When to look again: ever more seldom."""
    return min(max((now - watch.started_at) / 4, _SHORTEST), _LONGEST)


def woken(watch: Watch) -> Watch:
    """The same as a watch like any other."""
    marks = {*_TOLD, Noted.LATE_RESUMED}
    return replace(watch, about={n: text for n, text in watch.about.items() if n not in marks})


def replaces(newer: Execution, older: Watch) -> bool:
    """Whether what `newer` does can no longer be told from what `older` looks for."""
    if newer.id == older.execution or older.goal is Goal.SETTLED:
        return False
    if newer.command != older.command:
        return False  # `bot.watches.observers.others` tells the effects on a machine apart
    if (newer.node, newer.task) != (older.node, older.task):
        return False
    if older.goal in MACHINE_GOALS:
        return True
    which = [[known.get(name, "") for name in _WHICH] for known in (newer.known, older.about)]
    return which[0] == which[1] and (bool(older.task) or newer.label == older.label)
