"""What people and channels want to be told, and when not."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

_HOURS = re.compile(r"(\d{1,2}:\d{2})\s?-\s?(\d{1,2}:\d{2})(?: (\S+))?")


class Notify(StrEnum):
    """What somebody, or a channel, is told."""

    ALL = "all"
    ENDS = "ends"  # and no other news
    FAILURES = "failures"  # and what was not done; of good ends nothing but what the card says
    SILENT = "silent"  # without being mentioned


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
