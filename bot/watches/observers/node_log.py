"""What a node's log about a machine proves of a restart that got no answer. Pure.

A machine that runs before and after a restart shows nothing of it; the log is the only trace
(docs/dbc-api.md §11.4). Its times are the node's own, without a zone, by a clock that may differ
from ours: entries are compared with each other, never with our time.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bot.model import Deed, Logged, Noted, Watch

LINES = 20  # how many of the newest are read
_TIME = re.compile(r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d{1,6})?) \|")
_ENTRY = re.compile(_TIME.pattern + r".*\| (\w+) task successful\s*")
_NOTHING = "-"  # the log was empty


@dataclass(frozen=True, slots=True)
class Proof:
    """The newest entry of success; whether it is about the command; what to remember of it.

    `is_older`: it was there before the command was sent. `may_be_another`: it is newer, but another
    command may have left it. `is_unordered`: the node's clock was set back, so that no time says
    which entry is the last.
    """

    entry: str
    at: str
    is_about_it: bool
    is_older: bool
    about: Mapping[str, str]
    may_be_another: bool = False
    is_unordered: bool = False


def sought(watch: Watch, deed: Deed) -> Logged | None:
    """What the log calls a command whose end would show there alone; None where it is not."""
    return deed.logged if watch.unsure and not watch.moved else None


def before(lines: Sequence[str]) -> Mapping[str, str]:
    """What to know of all the newest lines before a command is sent; nothing if they do not say."""
    newest = _newest(lines)
    return {Noted.LOG_BEFORE: newest} if newest else {}


def proof(watch: Watch, verb: Logged, lines: Sequence[str], *, whole: bool = True) -> Proof:
    """What these lines say, compared with what the log said before; not `whole` if some may lack.

    Without a known time before the command was sent, only what is newer than the first look counts.
    """
    entries = [found for text in lines if (found := _ENTRY.fullmatch(text)) and found[2] == verb]
    at = max((found[1] for found in entries), key=_in_order, default="")
    known = watch.about.get(Noted.LOG_BEFORE, "")
    since = known or watch.about.get(Noted.LOG_SINCE, "")
    # Strictly: within one moment (some nodes tell whole seconds) nothing says which came first.
    is_new = bool(at and since) and _in_order(at) > _in_order(since)
    first = "" if since or not whole else _newest(lines)
    about: Mapping[str, str] = {Noted.LOG_SINCE: first} if first else {}
    is_older = bool(at and known) and not is_new
    is_unordered = not is_new and _is_set_back(lines, known)
    return Proof(f"{verb} task successful", at, is_new, is_older, about, is_unordered=is_unordered)


def _is_set_back(lines: Sequence[str], known: str) -> bool:
    """Whether times of a log go back from line to line, or behind the newest one known before."""
    times = [_in_order(found[1]) for text in lines if (found := _TIME.match(text))]
    if known in {"", _NOTHING} or not times:
        return times != sorted(times)
    return times != sorted(times) or times[-1] < _in_order(known)


def _newest(lines: Sequence[str]) -> str:
    """The newest time among lines of any kind; nothing where none of them tells one.

    Not the last line's: the node's clock may have been set back, and older entries show later.
    """
    times = [found[1] for text in lines if (found := _TIME.match(text))]
    return max(times, key=_in_order, default="" if lines else _NOTHING)


def _in_order(at: str) -> str:
    """By which times of a log compare: with as many decimals as any."""
    seconds, _, decimals = at.partition(".")
    return f"{seconds}.{decimals:0<6}"
