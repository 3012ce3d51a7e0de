"""Logs what nobody expected, once for each thing that it is about, however often it is met."""

import sys
from collections.abc import Sequence

import structlog

log = structlog.get_logger()


class Surprises:
    """Remembers what was logged."""

    def __init__(self) -> None:
        self._known: set[tuple[str, str]] = set()

    def exception(self, event: str, *, ids: Sequence[str]) -> None:
        """Log the exception that is being handled, unless that was done for all of these."""
        new = [one for one in ids if (event, one) not in self._known]
        self._known.update((event, one) for one in new)
        if new:
            log.error(event, ids=new, exc_info=sys.exception())
