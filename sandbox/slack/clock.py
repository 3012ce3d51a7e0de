"""The sandbox's own time: real in the demo, wound by hand in tests."""

from datetime import UTC, datetime, timedelta
from typing import Protocol

from sandbox.dbc.clock import ManualClock


class Clock(Protocol):
    """Tells the time as an aware datetime in UTC."""

    def now(self) -> datetime:
        """The present moment."""
        ...


class SystemClock:
    """The machine's clock, plus whatever it was wound forward."""

    def __init__(self) -> None:
        self._ahead = timedelta()

    def now(self) -> datetime:
        """The present moment."""
        return datetime.now(UTC) + self._ahead

    def wind(self, by: timedelta) -> None:
        """Move the present forward."""
        self._ahead += by


class HandClock(ManualClock):
    """A clock that stands still until it is wound."""

    def wind(self, by: timedelta) -> None:
        """Move the present forward and wake whoever waited for a moment passed by."""
        self.advance(by)
