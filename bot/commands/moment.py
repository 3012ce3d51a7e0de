"""Moments as people type them: `2h`, `yesterday`, `2026-11-01`, `2026-11-01T18:30`."""

import re
from datetime import datetime, time, timedelta, tzinfo

from bot.errors import Refused

_AGO = re.compile(r"(\d{1,6})\s*(m|min|h|d|w)")
_UNITS = {
    "m": timedelta(minutes=1),
    "min": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
    "w": timedelta(weeks=1),
}
_DAYS = {"today": 0, "yesterday": 1}


def moment(text: str, now: datetime, zone: tzinfo, *, end: bool = False) -> datetime:
    """The moment that is meant; a whole day means its beginning, or with `end` its end.

    Raises Refused for anything else.
    """
    typed = text.strip().lower()
    if found := _AGO.fullmatch(typed):
        try:
            return now - int(found[1]) * _UNITS[found[2]]
        except OverflowError:
            raise _unclear(text) from None
    if typed in _DAYS:
        day = now.astimezone(zone).date() - timedelta(days=_DAYS[typed])
        return _day(datetime.combine(day, time()), zone, end=end)
    try:
        given = datetime.fromisoformat(text.strip())
    except ValueError:
        raise _unclear(text) from None
    if len(text.strip()) <= len("2026-11-01"):
        return _day(given, zone, end=end)
    return given if given.tzinfo else given.replace(tzinfo=zone)


def _day(midnight: datetime, zone: tzinfo, *, end: bool) -> datetime:
    try:
        return (midnight + timedelta(days=1 if end else 0)).replace(tzinfo=zone)
    except OverflowError:
        raise _unclear(str(midnight.date())) from None


def _unclear(text: str) -> Refused:
    return Refused(
        f"“{text}” is no time that I understand.",
        hint="Say 2h, 3d, yesterday, 2026-11-01 or 2026-11-01T18:30.",
    )
