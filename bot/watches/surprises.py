"""Logs what nobody expected, once for each fault of each thing, however often it is met."""

import sys
import traceback
from collections.abc import Sequence
from typing import TypeVar

import structlog

T = TypeVar("T")

log = structlog.get_logger()


class Surprises:
    """Remembers what was logged, until nothing is wrong any more."""

    def __init__(self) -> None:
        self._known: dict[str, set[tuple[str, ...]]] = {}

    def exception(self, event: str, *, ids: Sequence[str]) -> None:
        """Log the exception that is being handled, unless that was done for all of these.

        Another kind of fault, or the same at another line, is logged as well.
        """
        error = sys.exception()
        fault = (event, type(error).__qualname__, *_line_of(error))
        new = [one for one in ids if fault not in self._known.get(one, ())]
        for one in new:
            self._known.setdefault(one, set()).add(fault)
        if new:
            log.error(event, ids=new, exc_info=error)

    def well(self, one: str, result: T) -> T:
        """Give `result` through: that went well, so what goes wrong after it is logged anew."""
        self._known.pop(one, None)
        return result


def _line_of(error: BaseException | None) -> tuple[str, ...]:
    """Where it was raised."""
    if error is None or error.__traceback__ is None:
        return ()
    *_, (frame, number) = traceback.walk_tb(error.__traceback__)
    return frame.f_code.co_filename, str(number)
