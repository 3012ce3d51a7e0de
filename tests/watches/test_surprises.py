"""What nobody expected is logged once for each fault, and anew once all was well."""

import pytest
from structlog.testing import capture_logs

from bot.watches.surprises import Surprises


def fails(kind: type[Exception]) -> None:
    """Raise an error of this kind."""
    raise kind("odd")


def surprised(surprises: Surprises, kind: type[Exception]) -> int:
    """How many entries the log gets."""
    with capture_logs() as logged:
        try:
            fails(kind)
        except kind:
            surprises.exception("watch.poll_failed", ids=["w1"])
    return len(logged)


def test_the_same_fault_is_logged_once() -> None:
    surprises = Surprises()
    assert [surprised(surprises, ValueError) for _ in range(3)] == [1, 0, 0]


@pytest.mark.parametrize("kind", [TypeError, KeyError])
def test_a_different_fault_of_the_same_watch_is_logged(kind: type[Exception]) -> None:
    surprises = Surprises()
    assert surprised(surprises, ValueError) == 1
    assert surprised(surprises, kind) == 1


def test_a_fault_that_comes_back_after_a_good_look_is_logged_again() -> None:
    surprises = Surprises()
    assert surprised(surprises, ValueError) == 1
    assert surprises.well("w1", "seen") == "seen"
    assert surprised(surprises, ValueError) == 1
