"""What people and channels want to be told, and when not."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

_HALF = r"\s?(?:[ap]\.?m\.?)"  # of the day: 10pm
_DAYPART = "凌晨|早上|早晨|上午|中午|下午|傍晚|晚上|夜里"
_CLOCK = (
    rf"(?:{_DAYPART})?\d{{1,2}}(?:[:：.]\d{{2}}|[点點時时](?:半|\d{{2}}分?)?)?(?:{_HALF}(?!\w))?"
    r"|noon|midnight|中午|半夜|午夜"
)
_HOURS = re.compile(
    rf"(?:from |between |从)?({_CLOCK})\s?(?:[-~～〜–—至到]|to|until|till|and)\s?({_CLOCK})"
    r"(?: (?:in )?(\S+))?",
    re.IGNORECASE,
)

_HOUR = re.compile(rf"(?:at |by )?({_CLOCK})(?: (?:in )?(\S+))?", re.IGNORECASE)
_NOON = 12
_NAMED = {"noon": 12, "中午": 12, "midnight": 0, "半夜": 0, "午夜": 0}
_LATE = ("下午", "傍晚", "晚上", "夜里", "中午")


class Notify(StrEnum):
    """What somebody, or a channel, is told."""

    ALL = "all"
    ENDS = "ends"  # and no other news
    FAILURES = "failures"  # and what was not done; of good ends nothing but what the card says
    SILENT = "silent"  # without being mentioned
    DIGEST = "digest"  # good ends once a day, all together; what was not done at once


def _time_of(text: str) -> time:
    """What a clock shows: `22`, `22:30`, `22点半`, `10pm`, `晚上10点`. Raises ValueError."""
    if (named := _NAMED.get(text.lower())) is not None:
        return time(named)
    shown, minute, *_ = (*re.findall(r"\d+|半", text), "0")
    hour, half = int(shown), re.search("[ap](?=\\.?m)", text.lower())
    if half is not None and not 1 <= hour <= _NOON:
        raise ValueError(text)
    is_late = half is not None and half[0] == "p"
    if (is_late or text.startswith(_LATE)) and hour < _NOON:
        hour += _NOON
    elif hour == _NOON and ((half and not is_late) or text.startswith("凌晨")):
        hour = 0
    return time(hour, 30 if minute == "半" else int(minute))


@dataclass(frozen=True, slots=True)
class QuietHours:
    """From when to when, by the clocks of a time zone, nothing is told that can wait."""

    begin: time
    end: time
    zone: str

    @classmethod
    def read(cls, text: str, zone: str = "UTC") -> "QuietHours | None":
        """What `str` wrote, or what somebody types: `22:00-7:00`, `22点～7点`, or None."""
        found = _HOURS.fullmatch(text.strip())
        if found is None:
            return None
        try:
            begin, end = map(_time_of, found.group(1, 2))
            hours = cls(begin, end, found[3] or zone)
            ZoneInfo(hours.zone)
        except (ValueError, OSError, KeyError):
            return None
        return hours if begin != end else None

    def __str__(self) -> str:
        return f"{self.span} {self.zone}"

    @property
    def span(self) -> str:
        """`22:00-07:00`."""
        return f"{self.begin:%H:%M}-{self.end:%H:%M}"

    def over_at(self, now: datetime) -> datetime | None:
        """When the quiet hours of this moment are over; None outside of them."""
        here = now.astimezone(ZoneInfo(self.zone))
        shown, day = here.time(), here.date()
        if self.begin < self.end:
            is_quiet = self.begin <= shown < self.end
        else:
            is_quiet = shown >= self.begin or shown < self.end
            if shown >= self.begin:
                day += timedelta(days=1)
        over = datetime.combine(day, self.end, ZoneInfo(self.zone)).astimezone(UTC)
        return over if is_quiet and over > now else None


def clock_time(text: str) -> time | None:
    """What a clock shows, as somebody types it: `9`, `9am`, `at 9:30`; None for anything else."""
    found = _HOUR.fullmatch(text.strip())
    if found is None or found[2]:
        return None
    try:
        return _time_of(found[1])
    except ValueError:
        return None


@dataclass(frozen=True, slots=True)
class DigestHour:
    """When somebody reads what has ended since the day before, by the clocks of a time zone."""

    at: time
    zone: str

    @classmethod
    def read(cls, text: str, zone: str = "UTC") -> "DigestHour | None":
        """What `str` wrote, or what somebody types: `9:00`, `18`, `9点半`, or None."""
        found = _HOUR.fullmatch(text.strip())
        if found is None:
            return None
        try:
            hour = cls(_time_of(found[1]), found[2] or zone)
            ZoneInfo(hour.zone)
        except (ValueError, OSError, KeyError):
            return None
        return hour

    def __str__(self) -> str:
        return f"{self.shown} {self.zone}"

    @property
    def shown(self) -> str:
        """`09:00`."""
        return f"{self.at:%H:%M}"

    def after(self, now: datetime) -> datetime:
        """The next one: at most a day away, or an hour more where the clocks are set back."""
        zone = ZoneInfo(self.zone)
        day = now.astimezone(zone).date()
        days = (day + timedelta(days=ahead) for ahead in range(-1, 3))
        moments = (datetime.combine(one, self.at, zone).astimezone(UTC) for one in days)
        return next(moment for moment in moments if moment > now)


# Before people are at work, as a rule.
USUAL_HOUR = time(9)
