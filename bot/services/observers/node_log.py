"""What a node's log about a machine proves of a restart that got no answer. Pure.

A machine that runs before and after a restart shows nothing of it; the log is the only trace
(docs/dbc-api.md §11.4). Its times are the node's own, without a zone.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from bot.model import Watch

_ENTRY = re.compile(
    r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d{1,6})?) \|.*\| (\w+) task successful\s*"
)
_VERBS = {"vm.restart": "restart", "vm.reset": "reset"}
_BEFORE = "log_before"  # what the log said last when nothing was known yet
_NOTHING = "-"
# Zones differ by whole half hours. So soon after the command, an entry that fits into the time
# since then is about it, and not about another one that many half hours before.
_ZONE = timedelta(minutes=30)
_WEST, _EAST = timedelta(hours=-12), timedelta(hours=14)  # the time zones that there are
_SOON = timedelta(minutes=2)
# How far the node's clock may be ahead. None behind: an entry just before the command is another's.
_AHEAD = timedelta(seconds=5)


@dataclass(frozen=True, slots=True)
class Proof:
    """The newest entry of success; whether it is about the command; what to remember of it."""

    entry: str
    at: str
    is_about_it: bool
    about: Mapping[str, str]


def can_prove(watch: Watch) -> bool:
    """Whether the log is where the end of this would show."""
    return watch.unsure and not watch.moved and watch.about.get("command", "") in _VERBS


def proof(watch: Watch, lines: Sequence[str], now: datetime) -> Proof:
    """What these lines say, compared with what they said before."""
    verb = _VERBS[watch.about["command"]]
    entries = [found for text in lines if (found := _ENTRY.fullmatch(text)) and found[2] == verb]
    at = entries[-1][1] if entries else ""
    before = watch.about.get(_BEFORE)
    if before is None:
        sent = datetime.fromisoformat(watch.about["sent_at"])
        is_new = bool(at) and now - sent <= _SOON and _fits(at, sent, now)
    else:
        is_new = at > before
    remembered = before or at or _NOTHING
    return Proof(f"{verb} task successful", at, is_new, {_BEFORE: remembered})


def _fits(at: str, sent: datetime, now: datetime) -> bool:
    shown = datetime.fromisoformat(at).replace(tzinfo=UTC)
    zone = round((shown - now) / _ZONE) * _ZONE
    if not _WEST <= zone <= _EAST:  # an entry of another day
        return False
    return sent <= shown - zone <= now + _AHEAD
