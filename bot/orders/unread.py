"""Logs what is the matter with orders: a line when it begins and one when it ends, for all."""

from collections import Counter
from datetime import timedelta

import structlog

from bot.clock import Clock

# What was not tried again for so long is over, or another process's.
_FORGOTTEN = timedelta(minutes=5)

log = structlog.get_logger()


class Unread:
    """What could not be read when it was tried last. `begins` and `ends` are the log's words.

    `level` is that of the beginning; an end is information.
    """

    def __init__(self, clock: Clock, begins: str, ends: str, level: str = "warning") -> None:
        self._clock = clock
        self._begins = begins
        self._ends = ends
        self._level = level
        self._failing: dict[str, tuple[timedelta, str]] = {}  # when it failed last, and why
        self._since: timedelta | None = None
        self._ever: set[str] = set()  # those that failed since it began

    def failed(self, one: str, why: str) -> None:
        """That could not be read, for this reason."""
        self._failing[one] = self._clock.monotonic(), why

    def read(self, one: str) -> None:
        """That could be read."""
        self._failing.pop(one, None)

    def tell(self, *, is_tried: bool = True) -> None:
        """Log what has begun or ended, once all were tried; unless nothing can be (`is_tried`)."""
        passed = self._clock.monotonic()
        self._failing = {
            one: (at if is_tried else passed, why)
            for one, (at, why) in self._failing.items()
            if not is_tried or passed - at < _FORGOTTEN
        }
        self._ever |= self._failing.keys()
        if self._failing and self._since is None:
            self._since = passed
            reasons = Counter(why for _, why in self._failing.values())
            first, why = min(self._failing), reasons.most_common(1)[0][0]
            tell = log.warning if self._level == "warning" else log.info
            tell(self._begins, number=len(self._failing), first=first, why=why)
        elif self._since is not None and not self._failing:
            lasted = round((passed - self._since).total_seconds())
            log.info(self._ends, after_seconds=lasted, number=len(self._ever))
            self._since, self._ever = None, set()
