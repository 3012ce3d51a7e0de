"""What people and channels want to be told, and when not."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

_HOURS = re.compile(r"(\d{1,2}:\d{2})\s?-\s?(\d{1,2}:\d{2})(?: (\S+))?")

_HOUR = re.compile(r"(?P<hour>\d{1,2})(:(?P<minute>\d{2}))?( (?P<zone>\S+))?")


class Notify(StrEnum):
    """What somebody, or a channel, is told."""

    ALL = "all"
    ENDS = "ends"  # and no other news
    FAILURES = "failures"  # and what was not done; of good ends nothing but what the card says
    SILENT = "silent"  # without being mentioned
    DIGEST = "digest"  # good ends once a day, all together; what was not done at once


@dataclass(frozen=True, slots=True)
class QuietHours:
    """From when to when, by the clocks of a time zone, nothing is told that can wait."""

    begin: time
    end: time
    zone: str

    @classmethod
    def read(cls, text: str, zone: str = "UTC") -> "QuietHours | None":
        """What `str` wrote, or what somebody types: `22:00-7:00`; None for anything else."""
        found = _HOURS.fullmatch(text.strip())
        if found is None:
            return None
        try:
            begin, end = (time.fromisoformat(part.zfill(5)) for part in found.group(1, 2))
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


@dataclass(frozen=True, slots=True)
class DigestHour:
    """When somebody reads what has ended since the day before, by the clocks of a time zone."""

    at: time
    zone: str

    @classmethod
    def read(cls, text: str, zone: str = "UTC") -> "DigestHour | None":
        """What `str` wrote, or what somebody types: `9:00`, `18`; None for anything else."""
        found = _HOUR.fullmatch(text.strip())
        if found is None:
            return None
        try:
            at = time(int(found["hour"]), int(found["minute"] or 0))
            hour = cls(at, found["zone"] or zone)
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
