"""What an approval covers, and for how long it is asked for."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.ids import ExecutionId, NodeId, TaskId, UserId
from bot.model import Execution, ReviewKind
from bot.reviews.beginning import binding, lasts, pause_after
from bot.reviews.policy import Decision, DecisionKind
from tests.storage.samples import execution

CONFIRM, APPROVE, AFTERWARDS = ReviewKind


@pytest.mark.parametrize(
    "other",
    [
        replace(execution(), command="vm.poweroff"),
        replace(execution(), arguments={"vm": "train-02"}),
        replace(execution(), arguments={}),
        replace(execution(), node=NodeId("node-2")),
        replace(execution(), task=TaskId("task-2")),
    ],
    ids=["command", "argument", "no argument", "node", "task"],
)
def test_any_other_request_has_another_binding(other: Execution) -> None:
    assert binding(other) != binding(execution())


def test_the_order_of_arguments_and_who_asks_are_no_part_of_the_binding() -> None:
    one = replace(execution(), arguments={"vm": "train-01", "force": "yes"})
    other = replace(
        one,
        arguments={"force": "yes", "vm": "train-01"},
        actor=UserId("U2"),
        id=ExecutionId("execution-2"),
    )
    assert binding(one) == binding(other)


MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


@pytest.mark.parametrize(
    ("kind", "says", "open_for"),
    [
        (CONFIRM, None, 10 * MINUTE),
        (APPROVE, None, HOUR),
        (CONFIRM, 5 * MINUTE, 5 * MINUTE),
        (APPROVE, 2 * HOUR, 2 * HOUR),
        (AFTERWARDS, None, 3650 * DAY),
        (AFTERWARDS, HOUR, 3650 * DAY),  # broken glass is looked at however long that takes
    ],
)
def test_a_question_is_open_for_as_long_as_the_rules_say(
    kind: ReviewKind, says: timedelta | None, open_for: timedelta
) -> None:
    assert lasts(kind, Decision(DecisionKind.APPROVE, expires=says)) == open_for


@pytest.mark.parametrize(
    ("first", "reminders", "pause"),
    [
        (10 * MINUTE, 0, 10 * MINUTE),
        (10 * MINUTE, 1, 20 * MINUTE),
        (10 * MINUTE, 3, 80 * MINUTE),
        (10 * MINUTE, 8, DAY),
        (10 * MINUTE, 1_000_000, DAY),
        (2 * DAY, 0, 2 * DAY),  # where the rules say so, the first one comes as late
        (2 * DAY, 5, 2 * DAY),
        (timedelta(microseconds=1), 21, timedelta(microseconds=1 << 20)),  # doubled no more
    ],
)
def test_reminders_come_ever_more_seldom_down_to_one_a_day(
    first: timedelta, reminders: int, pause: timedelta
) -> None:
    assert pause_after(first, reminders) == pause
