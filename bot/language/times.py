"""Moments as people type them: `2h`, `yesterday`, `monday`, `november`, `2026-11-01T18:30`."""

import re
from datetime import datetime, time, timedelta, tzinfo

from bot.errors import Refused
from bot.folding import typed
from bot.language.periods import PERIOD, period
from bot.model import clock_time
from bot.reply import say

_AGO = re.compile(r"(\d{1,6})\s*(m|min|h|d|w|分钟?|个?小时|天|个?(?:周|星期))\s*(?:之?前|ago)?")
_UNITS = {
    "m": timedelta(minutes=1),
    "min": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
    "w": timedelta(weeks=1),
    "分": timedelta(minutes=1),
    "分钟": timedelta(minutes=1),
    "小时": timedelta(hours=1),
    "天": timedelta(days=1),
    "周": timedelta(weeks=1),
    "星期": timedelta(weeks=1),
}
_DAYS = {"today": 0, "yesterday": 1, "今天": 0, "昨天": 1, "前天": 2}

_SPOKEN = re.compile(
    r"\b(?P<day>today|yesterday)\b|(?P<tag>今天|昨天|前天)|\b(?P<short>\d{1,4}[mhdw])\b"
    r"|(?:last |past |最近|过去) ?(?P<number>\d{1,4}|an?|one)? ?"
    r"(?P<unit>min|hour|day|week|分钟|个?小时|天|周)"
)
_SINCE_HOUR = re.compile(
    r"\b(?:since|after|from|at) (?P<hour>\d{1,2}(?::\d\d)?(?: ?[ap]m)?)(?=[?.!,]*$)"
)
_SHORT = {"min": "m", "hour": "h", "day": "d", "week": "w"}
_WHOLE = frozenset({"day", "week", "天", "周"})  # “last week” is no week from now


def spoken(text: str) -> str:
    """Since when, as a sentence says it: “yesterday”, “last 3 days”; nothing where it says none."""
    if whole := PERIOD.search(text):
        return whole[0]
    found = _SPOKEN.search(text)
    if found is None and (hour := _SINCE_HOUR.search(text)):
        return hour["hour"]
    if found is None or (found["unit"] in _WHOLE and not found["number"]):
        return ""
    if found["unit"]:
        number = found["number"] if (found["number"] or "").isdecimal() else "1"
        return f"{number}{_SHORT.get(found['unit'], found['unit'])}"
    return found["day"] or found["tag"] or found["short"]


def spoken_end(text: str) -> str:
    """Until when, of a sentence that is about a whole month or week."""
    whole = PERIOD.search(text)
    is_open = whole is not None and text[: whole.start()].rstrip().endswith(("since", "from"))
    return whole[0] if whole is not None and not is_open else ""


def moment(text: str, now: datetime, zone: tzinfo, *, end: bool = False) -> datetime:
    """The moment that is meant; a whole day means its beginning, or with `end` its end.

    Raises Refused for anything else.
    """
    given = typed(text)
    word = given.lower()
    if found := _AGO.fullmatch(word):
        try:
            return now - int(found[1]) * _UNITS[found[2].removeprefix("个")]
        except OverflowError:
            raise _unclear(text) from None
    if word in _DAYS:
        day = now.astimezone(zone).date() - timedelta(days=_DAYS[word])
        return _day(datetime.combine(day, time()), zone, end=end)
    if named := period(" ".join(word.split()), now.astimezone(zone).date()):
        return _day(datetime.combine(named[end], time()), zone, end=False)
    if (shown := _by_the_clock(word, now.astimezone(zone))) is not None:
        return shown
    try:
        at = datetime.fromisoformat(given)
    except ValueError:
        raise _unclear(text) from None
    if len(given) <= len("2026-11-01"):
        return _day(at, zone, end=end)
    return at if at.tzinfo else at.replace(tzinfo=zone)


def _by_the_clock(word: str, here: datetime) -> datetime | None:
    """The last time that a clock has shown this: `9am`, `at 9`, `yesterday at 9`; None if none."""
    day, _, rest = word.partition(" ")
    back = _DAYS.get(day)
    at = clock_time(word if back is None else rest)
    if at is None:
        return None
    found = datetime.combine(here.date() - timedelta(days=back or 0), at, here.tzinfo)
    return found - timedelta(days=1) if back is None and found > here else found


def _day(midnight: datetime, zone: tzinfo, *, end: bool) -> datetime:
    try:
        return (midnight + timedelta(days=1 if end else 0)).replace(tzinfo=zone)
    except OverflowError:
        raise _unclear(str(midnight.date())) from None


def _unclear(text: str) -> Refused:
    return Refused(
        say("I don't understand the time “{text}”.", text=text),
        hint=say("Say 2h, 3d, yesterday, 2026-11-01 or 2026-11-01T18:30."),
    )
