"""What a node's log proves of a restart without an answer."""

from datetime import UTC, datetime

import pytest

from bot.commands.rows import command_table
from bot.ids import ChannelId, ExecutionId, NodeId, TaskId, UserId
from bot.model import Goal, Logged, Place, Watch
from bot.watches.observers.node_log import before, proof, sought

SENT = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)


def watch(command: str = "vm.restart", **about: str) -> Watch:
    known = {"command": command, **about}
    return Watch(
        "w",
        ExecutionId("e"),
        NodeId("n"),
        TaskId("t"),
        "train-01",
        Goal.RUNNING,
        UserId("U1"),
        Place(ChannelId("C1")),
        SENT,
        SENT,
        SENT,
        unsure=True,
        about=known,
    )


def entry(at: str, verb: str = "restart", end: str = "successful") -> str:
    at = at if "." in at else f"{at}.113000"
    source = f"TaskManager.cpp | 3030 | process_{verb}_task"
    return f"{at} | 7a9Q | info    | {source} | {verb} task {end}"


def whole_seconds(at: str) -> str:
    return entry(f"{at}.0").replace(".0 |", " |")


OLD = entry("2026-01-05 08:40:00")


@pytest.mark.parametrize(
    "at",
    [
        "2026-01-05 09:00:20",  # the zone of UTC
        "2026-01-05 17:00:20",  # China's
        "2026-01-05 08:59:20",  # a clock that is slow
        "2026-03-01 12:00:00",  # a clock that is wrong
    ],
)
def test_an_entry_newer_than_the_logs_end_before_sending_proves_it_by_any_clock(at: str) -> None:
    assert proof(watch(**before([OLD])), Logged.RESTART, [OLD, entry(at)]).is_about_it


@pytest.mark.parametrize(
    "text",
    [
        OLD,
        entry("2026-01-05 08:39:59"),
        entry("2026-01-05 09:00:20", "reset"),
        entry("2026-01-05 09:00:20", end="failed"),
        "2026-01-05 09:00:20 restart task successful",
        "",
    ],
)
def test_any_other_entry_proves_nothing(text: str) -> None:
    assert not proof(watch(**before([OLD])), Logged.RESTART, [text]).is_about_it


def test_an_entry_from_before_is_told_from_a_newer_one() -> None:
    seen = proof(watch(**before([OLD])), Logged.RESTART, [OLD])
    assert seen.is_older
    assert not proof(watch(), Logged.RESTART, [OLD]).is_older


@pytest.mark.parametrize("at", ["2026-01-05 09:00:05", "2026-01-05 17:00:05"])
def test_without_knowing_the_logs_end_before_sending_an_entry_proves_nothing(at: str) -> None:
    first = proof(watch(), Logged.RESTART, [entry(at)])
    assert not first.is_about_it
    assert not proof(watch(**first.about), Logged.RESTART, [entry(at)]).is_about_it


def test_what_is_newer_than_the_first_look_after_sending_proves_it() -> None:
    first = proof(watch(), Logged.RESTART, [entry("2026-01-05 17:05:00")])
    lines = [entry("2026-01-05 17:05:00"), entry("2026-01-05 17:11:00")]
    assert proof(watch(**first.about), Logged.RESTART, lines).is_about_it


def test_the_first_entry_in_an_empty_log_is_newer_than_none() -> None:
    assert proof(watch(**before([])), Logged.RESTART, [entry("2026-01-05 17:11:00")]).is_about_it


def test_within_one_second_nothing_says_which_of_two_entries_came_first() -> None:
    known = before([whole_seconds("2026-01-05 09:00:20")])
    assert not proof(
        watch(**known), Logged.RESTART, [whole_seconds("2026-01-05 09:00:20")] * 2
    ).is_about_it
    assert proof(watch(**known), Logged.RESTART, [whole_seconds("2026-01-05 09:00:21")]).is_about_it


def test_decimals_compare_as_numbers() -> None:
    known = before([entry("2026-01-05 09:00:20.5")])
    assert proof(watch(**known), Logged.RESTART, [entry("2026-01-05 09:00:20.51")]).is_about_it
    assert not proof(watch(**known), Logged.RESTART, [entry("2026-01-05 09:00:20.500")]).is_about_it


def test_lines_of_any_kind_say_where_the_log_ends() -> None:
    """An answer may hold fewer lines the next time, and then shows older ones that it left out."""
    known = before([entry("2026-01-05 08:50:00", "start")])
    assert not proof(watch(**known), Logged.RESTART, [OLD]).is_about_it


def test_a_log_whose_clock_was_set_back_ends_with_its_newest_time() -> None:
    known = before([entry("2026-01-05 01:50:00"), entry("2026-01-05 01:10:00", "start")])
    assert not proof(watch(**known), Logged.RESTART, [entry("2026-01-05 01:50:00")]).is_about_it


def test_a_log_that_was_begun_anew_still_proves_what_is_newer() -> None:
    known = before([OLD])
    assert not proof(watch(**known), Logged.RESTART, []).is_about_it
    assert proof(watch(**known), Logged.RESTART, [entry("2026-01-05 09:00:05")]).is_about_it


def test_lines_without_times_say_nothing_of_where_the_log_ends() -> None:
    assert before(["something else"]) == {}
    assert proof(watch(), Logged.RESTART, ["something else"]).about == {}


def test_a_first_look_that_may_lack_lines_is_not_compared_with() -> None:
    assert proof(watch(), Logged.RESTART, [OLD], whole=False).about == {}


@pytest.mark.parametrize(
    ("command", "can"),
    [("vm.restart", True), ("vm.reset", True), ("vm.start", False), ("watch.vm", False)],
)
def test_only_what_shows_nowhere_else_is_looked_up_in_the_log(command: str, can: bool) -> None:
    assert (sought(watch(command), command_table().deed(command)) is not None) is can
