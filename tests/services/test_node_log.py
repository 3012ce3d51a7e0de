"""What a node's log proves of a restart without an answer."""

from datetime import UTC, datetime, timedelta

import pytest

from bot.model import Goal, Place, Watch
from bot.services.observers.node_log import can_prove, proof

SENT = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
NOW = SENT + timedelta(seconds=40)


def watch(command: str = "vm.restart", **about: str) -> Watch:
    known = {"command": command, "sent_at": SENT.isoformat(), **about}
    return Watch(
        "w", "e", "n", "t", "train-01", Goal.RUNNING, "U1", Place("C1"), SENT, SENT, SENT,
        unsure=True, about=known,
    )  # fmt: skip


def entry(at: str, verb: str = "restart", end: str = "successful") -> str:
    source = f"TaskManager.cpp | 3030 | process_{verb}_task"
    return f"{at}.113000 | 7a9Q | info    | {source} | {verb} task {end}"


@pytest.mark.parametrize(
    "at",
    [
        "2026-01-05 09:00:20",  # the zone of UTC
        "2026-01-05 17:00:20",  # China's
        "2026-01-05 14:30:20",  # India's
        "2026-01-05 04:00:05",
    ],
)
def test_an_entry_that_fits_into_the_time_since_proves_it_in_any_zone(at: str) -> None:
    assert proof(watch(), [entry(at)], NOW).is_about_it


@pytest.mark.parametrize(
    "text",
    [
        entry("2026-01-05 08:59:20"),
        entry("2026-01-05 08:59:58"),
        entry("2026-01-05 16:47:20"),
        entry("2026-01-05 09:00:20", "reset"),
        entry("2026-01-05 09:00:20", end="failed"),
        "2026-01-05 09:00:20 restart task successful",
        "",
    ],
)
def test_any_other_entry_proves_nothing(text: str) -> None:
    assert not proof(watch(), [text], NOW).is_about_it


def test_minutes_later_a_fitting_time_is_no_proof_but_a_newer_entry_is() -> None:
    late = SENT + timedelta(minutes=10)
    first = proof(watch(), [entry("2026-01-05 17:05:00")], late)
    assert not first.is_about_it
    again = watch(**first.about)
    assert not proof(again, [entry("2026-01-05 17:05:00")], late).is_about_it
    lines = [entry("2026-01-05 17:05:00"), entry("2026-01-05 17:11:00")]
    assert proof(again, lines, late + timedelta(minutes=2)).is_about_it


def test_the_first_entry_in_an_empty_log_is_newer_than_none() -> None:
    again = watch(**proof(watch(), [], NOW).about)
    assert proof(again, [entry("2026-01-05 17:11:00")], SENT + timedelta(minutes=11)).is_about_it


@pytest.mark.parametrize(
    ("command", "can"),
    [("vm.restart", True), ("vm.reset", True), ("vm.start", False), ("watch.vm", False)],
)
def test_only_what_shows_nowhere_else_is_looked_up_in_the_log(command: str, can: bool) -> None:
    assert can_prove(watch(command)) is can
