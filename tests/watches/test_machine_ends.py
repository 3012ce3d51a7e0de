"""What an observation means: every goal, every doubt."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bot.commands.rows import command_table
from bot.dbc.models import state_of
from bot.ids import ChannelId, ExecutionId, NodeId, TaskId, UserId
from bot.language.args import Vm
from bot.language.row_parts import Follow
from bot.language.table import Command, Group, Table
from bot.model import Deed, Effect, Goal, Place, Watch, WatchState
from bot.watches.machine_ends import ABSENT, UNSURE_FOR, verdict
from tests.watches.words import seen_of

START = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
SOON = START + timedelta(seconds=10)
LATE = START + UNSURE_FOR
OVER = START + timedelta(minutes=60)

deed = command_table().deed


def watch(goal: Goal, *, unsure: bool = False, moved: bool = False) -> Watch:
    return Watch(
        "w",
        ExecutionId("e"),
        NodeId("n"),
        TaskId("t"),
        "train-01",
        goal,
        UserId("U1"),
        Place(ChannelId("C1")),
        START,
        OVER,
        START,
        unsure=unsure,
        moved=moved,
    )


@pytest.mark.parametrize(
    ("goal", "command", "status"),
    [
        (Goal.RUNNING, "vm.create", "running"),
        (Goal.RUNNING, "vm.start", "running"),
        (Goal.RUNNING, "vm.restart", "running"),
        (Goal.CLOSED, "vm.shutdown", "closed"),
        (Goal.GONE, "vm.delete", ABSENT),
    ],
)
def test_a_goal_that_is_reached_ends_well(goal: Goal, command: str, status: str) -> None:
    assert verdict(watch(goal), deed(command), status, SOON).state is WatchState.DONE


@pytest.mark.parametrize("status", ["creating", "restarting", "being shutdown", "deleting"])
@pytest.mark.parametrize("goal", list(Goal))
def test_a_state_in_between_is_waited_out_until_the_deadline(goal: Goal, status: str) -> None:
    assert verdict(watch(goal), deed("vm.start"), status, LATE).state is WatchState.OPEN
    late = verdict(watch(goal), deed("vm.start"), status, OVER)
    assert late.state is WatchState.UNKNOWN
    assert state_of(status) in seen_of(late)


@pytest.mark.parametrize(
    ("status", "state", "told"),
    [
        ("running", WatchState.DONE, "is running on {node}"),
        ("closed", WatchState.DONE, "is off on {node}"),
        ("pmsuspend", WatchState.DONE, "is asleep on {node}"),
        (ABSENT, WatchState.DONE, "is gone from {node}"),
        ("start error", WatchState.FAILED, "is in state “start error”"),
        ("starting", WatchState.OPEN, ""),
        ("a word of another version", WatchState.OPEN, ""),
    ],
)
def test_what_was_started_elsewhere_is_followed_to_wherever_it_rests(
    status: str, state: WatchState, told: str
) -> None:
    found = verdict(watch(Goal.SETTLED), deed("watch.vm"), status, SOON)
    assert (found.state, seen_of(found)) == (state, told)


@pytest.mark.parametrize("status", ["a word of another version", "none"])
def test_an_unknown_status_is_no_end(status: str) -> None:
    assert verdict(watch(Goal.RUNNING), deed("vm.start"), status, SOON).state is WatchState.OPEN


@pytest.mark.parametrize(
    ("goal", "status"),
    [(Goal.RUNNING, "create error"), (Goal.RUNNING, ABSENT), (Goal.CLOSED, "poweroff error")],
)
def test_an_error_of_an_accepted_command_is_a_failure(goal: Goal, status: str) -> None:
    assert verdict(watch(goal), deed("vm.start"), status, SOON).state is WatchState.FAILED


def test_a_machine_that_started_and_is_off_again_has_failed() -> None:
    seen = watch(Goal.RUNNING, moved=True)
    assert verdict(seen, deed("vm.start"), "closed", SOON).state is WatchState.FAILED


async def _pause(ctx: object, vm: Vm) -> None:
    """Pause a machine, which DBC calls a shutdown."""


def test_a_failure_is_told_by_dbcs_word_where_the_command_has_another() -> None:
    follow = Follow(Goal.CLOSED, "{label} is being paused", "{label} is paused")
    row = Command(
        "pause", _pause, Effect.DESTROY, "vm pause x", follow=follow,
        asks="Pause {target}", loses="It is off.", deed=Deed(verb="shutdown"),
    )  # fmt: skip
    table = Table((Group("vm", "Machines", (row,)),))
    unanswered = replace(watch(Goal.CLOSED, unsure=True), status="running")
    found = verdict(unanswered, table.deed("vm.pause"), "shutdown error", SOON)
    assert (found.state, seen_of(found)) == (WatchState.FAILED, "is in state “shutdown error”")


@pytest.mark.parametrize("command", ["vm.restart", "vm.reset"])
def test_running_proves_no_restart_that_was_never_answered(command: str) -> None:
    unanswered = watch(Goal.RUNNING, unsure=True)
    assert verdict(unanswered, deed(command), "running", SOON).state is WatchState.OPEN
    assert verdict(unanswered, deed(command), "running", LATE).state is WatchState.UNKNOWN


def test_a_restart_seen_under_way_is_believed_although_it_was_never_answered() -> None:
    seen = watch(Goal.RUNNING, unsure=True, moved=True)
    assert verdict(seen, deed("vm.restart"), "running", SOON).state is WatchState.DONE


def test_running_proves_a_creation_that_was_never_answered() -> None:
    unanswered = watch(Goal.RUNNING, unsure=True)
    assert verdict(unanswered, deed("vm.create"), "running", SOON).state is WatchState.DONE


def test_a_creation_without_an_answer_may_still_arrive_and_is_never_called_failed() -> None:
    unanswered = watch(Goal.RUNNING, unsure=True)
    assert verdict(unanswered, deed("vm.create"), ABSENT, SOON).state is WatchState.OPEN
    unseen = verdict(unanswered, deed("vm.create"), ABSENT, LATE)
    assert (unseen.state, unseen.in_doubt) == (WatchState.UNKNOWN, True)
    assert "does not exist so far" in seen_of(unseen)


def test_a_creation_that_was_accepted_and_is_not_there_is_given_time_and_then_failed() -> None:
    accepted = watch(Goal.RUNNING)
    assert verdict(accepted, deed("vm.create"), ABSENT, SOON).state is WatchState.OPEN
    gone = verdict(accepted, deed("vm.create"), ABSENT, LATE)
    assert (gone.state, gone.in_doubt) == (WatchState.FAILED, False)
    assert "although the node accepted the command" in seen_of(gone)


def test_an_id_of_our_own_that_is_there_proves_that_the_creation_arrived() -> None:
    unanswered = watch(Goal.RUNNING, unsure=True)
    failed = verdict(unanswered, deed("vm.create"), "create error", SOON)
    assert (failed.state, seen_of(failed)) == (WatchState.FAILED, "is in state “create error”")


@pytest.mark.parametrize(
    ("before", "state"),
    [("closed", WatchState.FAILED), ("start error", WatchState.OPEN), ("", WatchState.OPEN)],
)
def test_an_error_of_the_command_itself_proves_it_where_it_was_not_there_before(
    before: str, state: WatchState
) -> None:
    unanswered = replace(watch(Goal.RUNNING, unsure=True), status=before)
    assert verdict(unanswered, deed("vm.start"), "start error", SOON).state is state
    assert verdict(unanswered, deed("vm.start"), "restart error", SOON).state is WatchState.OPEN


@pytest.mark.parametrize(
    ("goal", "status"),
    [(Goal.RUNNING, "closed"), (Goal.CLOSED, "running"), (Goal.GONE, "running")],
)
def test_a_machine_that_never_moved_after_no_answer_stays_unknown(goal: Goal, status: str) -> None:
    unanswered = watch(goal, unsure=True)
    assert verdict(unanswered, deed("vm.x"), status, SOON).state is WatchState.OPEN
    assert verdict(unanswered, deed("vm.x"), status, LATE).state is WatchState.UNKNOWN


NOT_KNOWN = "it is unknown whether the command was carried out, for it got no clear answer"
NEVER_MADE = "although the node accepted the command: the node has restarted since, or someone"


@pytest.mark.parametrize(
    ("seen", "command", "status", "now", "state", "why"),
    [
        (watch(Goal.RUNNING), "vm.start", "running", OVER, WatchState.DONE, ""),
        (watch(Goal.GONE), "vm.delete", "running", LATE, WatchState.OPEN, ""),
        (
            watch(Goal.GONE), "vm.delete", "running", OVER, WatchState.UNKNOWN,
            "is still “running”; I have stopped looking",
        ),
        (
            watch(Goal.GONE, moved=True), "vm.delete", "running", LATE, WatchState.UNKNOWN,
            "is “running”, although the node accepted the command",
        ),
        (watch(Goal.GONE, moved=True), "vm.delete", "running", SOON, WatchState.OPEN, ""),
        (watch(Goal.RUNNING), "vm.start", "closed", SOON, WatchState.OPEN, ""),
        (
            watch(Goal.RUNNING), "vm.start", "closed", LATE, WatchState.UNKNOWN,
            "is “off”, although the node accepted the command",
        ),
        (
            watch(Goal.RUNNING, moved=True), "vm.start", "closed", SOON, WatchState.FAILED,
            "is “off” again",
        ),
        (
            watch(Goal.RUNNING, moved=True), "vm.start", "pmsuspend", SOON, WatchState.FAILED,
            "is “asleep” again",
        ),
        (watch(Goal.RUNNING, moved=True), "vm.start", "none", SOON, WatchState.OPEN, ""),
        (
            watch(Goal.RUNNING), "vm.start", ABSENT, SOON, WatchState.FAILED, "no longer exists",
        ),
        (
            watch(Goal.RUNNING), "vm.create", ABSENT, LATE, WatchState.FAILED,
            f"does not exist, {NEVER_MADE} deleted it",
        ),
        (watch(Goal.CLOSED), "vm.shutdown", ABSENT, SOON, WatchState.FAILED, "no longer exists"),
        (
            watch(Goal.CLOSED, moved=True), "vm.shutdown", "running", SOON, WatchState.FAILED,
            "is “running” again",
        ),
        (
            watch(Goal.CLOSED), "vm.poweroff", "poweroff error", SOON, WatchState.FAILED,
            "is in state “poweroff error”",
        ),
    ],
)  # fmt: skip
def test_what_is_seen_is_told_in_its_words(
    seen: Watch, command: str, status: str, now: datetime, state: WatchState, why: str
) -> None:
    found = verdict(seen, deed(command), status, now)
    assert (found.state, seen_of(found), found.in_doubt) == (state, why, False)


@pytest.mark.parametrize(
    ("command", "status", "why"),
    [
        ("vm.start", "closed", f"is “off”; {NOT_KNOWN}"),
        ("vm.create", ABSENT, "does not exist so far; the command got no clear answer"),
    ],
)  # fmt: skip
def test_what_was_never_answered_is_told_as_a_doubt(command: str, status: str, why: str) -> None:
    found = verdict(watch(Goal.RUNNING, unsure=True), deed(command), status, LATE)
    assert (found.state, seen_of(found), found.in_doubt) == (WatchState.UNKNOWN, why, True)


@pytest.mark.parametrize(
    ("goal", "command", "status"),
    [
        (Goal.RUNNING, "vm.start", "running"),
        (Goal.CLOSED, "vm.shutdown", "closed"),
        (Goal.CLOSED, "vm.shutdown", "being poweroff"),
    ],
)
def test_what_may_come_of_another_change_proves_nothing(
    goal: Goal, command: str, status: str
) -> None:
    seen = watch(goal, unsure=True)
    early = verdict(seen, deed(command), status, SOON, is_contested=True)
    found = verdict(seen, deed(command), status, LATE, is_contested=True)
    assert early.state is WatchState.OPEN
    assert (found.state, found.in_doubt) == (WatchState.UNKNOWN, True)


def test_nothing_else_removes_a_machine() -> None:
    seen = watch(Goal.GONE, unsure=True)
    found = verdict(seen, deed("vm.delete"), ABSENT, SOON, is_contested=True)
    assert found.state is WatchState.DONE
