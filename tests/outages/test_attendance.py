"""Who answers, counted by what came of requests."""

from datetime import timedelta

import pytest

from bot.dbc.errors import Mode
from bot.dbc.transport import Call, Reach
from bot.ids import NodeId
from bot.model import DAEMONS
from bot.outages.attendance import Attendance
from sandbox.dbc import ManualClock

NODE = NodeId("node-1")


def _call(reach: Reach, node: NodeId = NODE) -> Call:
    return Call("/tasks", Mode.READ, "ok", timedelta(seconds=1), node, reach)


@pytest.mark.parametrize(
    ("reach", "silent"),
    [
        (Reach.NODE, set()),
        (Reach.DAEMON, {NODE}),
        (Reach.UNCLEAR, {NODE}),
        (Reach.REFUSED, set()),
        (Reach.NOWHERE, {DAEMONS}),
    ],
)
def test_three_in_a_row_are_silence_of_whoever_did_not_answer(
    reach: Reach, silent: set[NodeId]
) -> None:
    attendance = Attendance(ManualClock())
    for _ in range(2):
        attendance.note(_call(reach))
    assert not any(attendance.is_silent(one) for one in (NODE, DAEMONS))
    attendance.note(_call(reach))
    assert {one for one in (NODE, DAEMONS) if attendance.is_silent(one)} == silent


def test_an_answer_ends_it_and_so_does_time_without_a_request() -> None:
    clock = ManualClock()
    attendance = Attendance(clock)
    for _ in range(3):
        attendance.note(_call(Reach.DAEMON))
    clock.advance(timedelta(minutes=8))
    assert not attendance.is_silent(NODE)
    attendance.note(_call(Reach.DAEMON))
    assert attendance.is_silent(NODE)
    attendance.note(_call(Reach.NODE))
    assert not attendance.is_silent(NODE)
    assert attendance.answered_at(NODE) == clock.now()


def test_a_daemon_that_leaves_a_question_about_itself_unanswered_is_missed() -> None:
    attendance = Attendance(ManualClock())
    for _ in range(3):
        attendance.note(_call(Reach.UNCLEAR, NodeId("")))
    assert attendance.is_silent(DAEMONS)
