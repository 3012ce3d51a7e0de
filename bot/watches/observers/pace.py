"""How fast something moves, from the percentages seen so far; and the bar that shows it. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Self

from bot.messages.cards import duration
from bot.model import Noted
from bot.reply import Line, Para, Words, line, say

_CELLS = 20
_STALLED_AFTER = timedelta(minutes=2)
_ENOUGH = timedelta(seconds=10)  # a speed from less than this is a guess
_QUICKEST, _SLOWEST = timedelta(seconds=5), timedelta(minutes=1)
_UNITS = ("B", "KiB", "MiB", "GiB")


@dataclass(frozen=True, slots=True)
class Pace:
    """Percentages seen: the first, the last, and when each was first seen."""

    first: int
    first_at: datetime
    percent: int
    moved_at: datetime

    @classmethod
    def seen(cls, about: Mapping[str, str], percent: int, now: datetime) -> Self:
        """What is known after seeing `percent`; one that falls is a new beginning."""
        try:
            first, last = int(about[Noted.FIRST]), int(about[Noted.PERCENT])
            first_at = datetime.fromisoformat(about[Noted.FIRST_AT])
            moved_at = datetime.fromisoformat(about[Noted.MOVED_AT])
        except KeyError:
            return cls(percent, now, percent, now)
        if percent < last:
            return cls(percent, now, percent, now)
        return cls(first, first_at, percent, moved_at if percent == last else now)

    def about(self) -> Mapping[str, str]:
        """The same as texts, to be kept with a watch."""
        return {
            Noted.FIRST: str(self.first),
            Noted.FIRST_AT: self.first_at.isoformat(),
            Noted.PERCENT: str(self.percent),
            Noted.MOVED_AT: self.moved_at.isoformat(),
        }

    @property
    def _per_second(self) -> float | None:
        """Percent per second."""
        spent = self.moved_at - self.first_at
        if spent < _ENOUGH:
            return None
        return (self.percent - self.first) / spent.total_seconds()

    @property
    def left(self) -> timedelta | None:
        """How long the rest takes at this pace; None where it is not known."""
        speed = self._per_second
        return timedelta(seconds=(100 - self.percent) / speed) if speed else None

    def has_stalled(self, now: datetime) -> bool:
        """Whether it has not moved for so long that it should be said.

        A big file may take long for one percent: twice its usual time is allowed.
        """
        usual = timedelta(seconds=2 / self._per_second) if self._per_second else _STALLED_AFTER
        return now - self.moved_at >= max(usual, _STALLED_AFTER)

    def pause(self, now: datetime) -> timedelta:
        """When to look again: often while it moves, ever more seldom when it does not."""
        return min(max((now - self.moved_at) / 6, _QUICKEST), _SLOWEST)

    def bar(self, size: int | None, now: datetime) -> Para:
        """`▓▓▓▓▓▓▓░░░░░░░░░░░░░ 37 % · 105 MiB/s · about 2 min left`; `size` is in bytes."""
        full = self.percent * _CELLS // 100
        told: list[Words] = [f"{'▓' * full}{'░' * (_CELLS - full)} {self.percent} %"]
        speed = self._per_second
        if speed and not self.has_stalled(now):
            if size:
                told.append(rate(speed * size / 100))
            if self.left:
                left = duration(_rounded(self.left))
                told.append(say("about {duration} left", duration=left))
        return Para(line(*(piece for one in told for piece in (" · ", *line(one))))[1:])


def standing(percent: int | None) -> Line:
    """A bar without history."""
    if percent is None:
        return line(say("progress not known yet"))
    full = percent * _CELLS // 100
    return line(f"{'▓' * full}{'░' * (_CELLS - full)} {percent} %")


def rate(per_second: float) -> str:
    """`105 MiB/s`."""
    unit = 0
    while per_second >= 1000 and unit < len(_UNITS) - 1:
        per_second /= 1024
        unit += 1
    return f"{per_second:.3g} {_UNITS[unit]}/s"


def _rounded(span: timedelta) -> timedelta:
    """Nobody wants an estimate to the second."""
    seconds = span.total_seconds()
    step = 5 if seconds < 60 else 60 if seconds > 600 else 10
    return timedelta(seconds=max(step, round(seconds / step) * step))
