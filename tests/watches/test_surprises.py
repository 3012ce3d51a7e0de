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


def entries(surprises: Surprises, event: str, *ids: str) -> list[tuple[object, object, object]]:
    """What is logged of one fault at one line: the event, of what, and which error."""
    with capture_logs() as logged:
        try:
            fails(ValueError)
        except ValueError as error:
            surprises.exception(event, ids=ids)
            known = error
    assert all(entry["exc_info"] is known for entry in logged)
    return [(entry["event"], entry["ids"], entry["log_level"]) for entry in logged]


def test_what_is_logged_says_of_which_things_it_is_new() -> None:
    surprises = Surprises()
    assert entries(surprises, "a", "w1") == [("a", ["w1"], "error")]
    assert entries(surprises, "a", "w1", "w2") == [("a", ["w2"], "error")]
    assert entries(surprises, "b", "w1", "w2") == [("b", ["w1", "w2"], "error")]
    assert entries(surprises, "a", "w1", "w2") == []
    surprises.well("w2", None)
    assert entries(surprises, "a", "w1", "w2") == [("a", ["w2"], "error")]
    surprises.well("never heard of", None)


def test_the_same_kind_of_fault_at_another_line_is_logged() -> None:
    surprises = Surprises()
    assert surprised(surprises, ValueError) == 1
    with capture_logs() as logged:
        try:
            int("odd")
        except ValueError:
            surprises.exception("watch.poll_failed", ids=["w1"])
    assert len(logged) == 1


def test_without_an_error_it_is_logged_once_all_the_same() -> None:
    surprises = Surprises()
    with capture_logs() as logged:
        surprises.exception("odd", ids=["w1"])
        surprises.exception("odd", ids=["w1"])
    assert [entry["event"] for entry in logged] == ["odd"]
