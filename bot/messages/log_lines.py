"""The node's log about a machine, as people read it: what each line has anew. Pure.

A line of the node's is `2026-11-23 13:12:26.578984 | <task> | info | vm_client.cpp | 879 |
CreateDomain | mem: 4194304KB` (docs/dbc-api.md): day, id and source would fill a phone's screen.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

_LINE = re.compile(
    r"(?P<day>\d{4}-\d\d-\d\d) (?P<time>\d\d:\d\d:\d\d)\.\d+ \| [^|]* \| (?P<level>\w+) *\| [^|]* "
    r"\| \d+ \| (?P<function>[^|]*) \| (?P<text>.*)",
    re.DOTALL,
)
_ERRORS = frozenset({"error", "fatal"})
_USUAL = frozenset({"info", "debug", "trace"})


@dataclass(frozen=True, slots=True)
class Excerpt:
    """Lines of a log: as text, how many of them are errors, the first and the last moment.

    The moments are the node's; empty where no line has one.
    """

    text: str
    errors: int
    first: str
    last: str


def excerpt(lines: Sequence[str]) -> Excerpt:
    """The lines with each day told once, errors marked; what is built in another way as it is."""
    told: list[str] = []
    days, moments, errors = list[str](), list[str](), 0
    for one in lines:
        found = _LINE.fullmatch(one)
        if found is None:
            told.append(one)
            continue
        if found["day"] not in days[-1:]:
            days.append(found["day"])
            told.append(found["day"])
        errors += found["level"] in _ERRORS
        moments.append(f"{found['day']} {found['time']}")
        mark = "" if found["level"] in _USUAL else f"{found['level'].upper()} "
        told.append(f"{found['time']} {mark}{found['function']}: {found['text']}")
    first, last = (moments[0], moments[-1]) if moments else ("", "")
    return Excerpt("\n".join(told), errors, first, last)
