"""Logs what nobody expected, once for each fault of each thing, and counts the rest."""

import sys
import traceback
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import TypeVar

import structlog

T = TypeVar("T")

log = structlog.get_logger()


class Surprises:
    """Remembers what was logged, until nothing is wrong any more: then it says how often it was."""

    def __init__(self) -> None:
        self._known: dict[str, Counter[tuple[str, ...]]] = {}

    def exception(self, event: str, *, ids: Sequence[str]) -> None:
        """Log the exception that is being handled, unless that was done for all of these.

        Another kind of fault, or the same at another line, is logged as well.
        """
        self._log(event, ids, sys.exception())

    def exceptions(self, event: str, errors: Mapping[str, BaseException | None]) -> None:
        """The same of what was caught before, by id: what several have in common is one entry."""
        alike: defaultdict[tuple[str, ...], list[str]] = defaultdict(list)
        for one, error in errors.items():
            alike[_fault(event, error)].append(one)
        for ids in alike.values():
            self._log(event, ids, errors[ids[0]])

    def _log(self, event: str, ids: Sequence[str], error: BaseException | None) -> None:
        fault = _fault(event, error)
        new = [one for one in ids if fault not in self._known.get(one, ())]
        for one in ids:
            self._known.setdefault(one, Counter())[fault] += 1
        if new:
            log.error(event, ids=new, exc_info=error)

    def well(self, one: str, result: T) -> T:
        """Give `result` through: that went well, so what goes wrong after it is logged anew."""
        if (known := self._known.pop(one, None)) is not None and known.total() > 1:
            log.info("watch.well_again", id=one, failed_times=known.total())
        return result


def _fault(event: str, error: BaseException | None) -> tuple[str, ...]:
    """What tells one fault from another."""
    return (event, type(error).__qualname__, *_line_of(error))


def _line_of(error: BaseException | None) -> tuple[str, ...]:
    """Where it was raised."""
    if error is None or error.__traceback__ is None:
        return ()
    *_, (frame, number) = traceback.walk_tb(error.__traceback__)
    return frame.f_code.co_filename, str(number)
