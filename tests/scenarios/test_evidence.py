"""Without an answer: what the node shows of it proves how it ended."""

from datetime import timedelta

import pytest

from bot.ids import UserId
from sandbox.dbc.worker import Durations
from tests.scenarios.changing import NO_REVIEW
from tests.scenarios.site import rules
from tests.scenarios.stage import CHANNEL, Stage
from tests.scenarios.stored import alter
from tests.scenarios.test_create import CREATE


@pytest.fixture
async def stage(one_stage: Stage) -> Stage:
    """Socket Mode; Alice may act on two nodes."""
    await one_stage.gives_session(one_stage.alice, "gpu1", "gpu2")
    await one_stage.asks(one_stage.alice, "/dbc vm list")
    return one_stage


async def asks_and_confirms(stage: Stage, line: str) -> None:
    """Alice asks for what has to be confirmed."""
    await stage.asks(stage.alice, line)
    await stage.confirms(stage.alice, "inference")


@pytest.mark.parametrize("fault", ["timeout_after_doing", "reset_after", "bad_json"])
async def test_a_creation_that_failed_under_its_own_id_has_failed(stage: Stage, fault: str) -> None:
    stage.node("gpu2").fail("create", "no_domain")
    stage.world.faults.on(fault, path="/tasks/start", count=1)
    await stage.asks(stage.alice, f"{CREATE} on gpu2")
    end = await stage.ends(stage.alice, "t1 on gpu2 is in state “create error”", within=30)
    assert end.plain.startswith(":x:")
    assert len(stage.endings(stage.alice)) == 1


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("vm restart inference force", "inference has restarted on gpu1: the node's log says"),
        ("vm restart inference", "inference was told to reboot on gpu1: the node's log says"),
        ("vm reset inference", "inference has been reset on gpu1: the node's log says"),
    ],
)
async def test_a_restart_that_nobody_saw_is_proved_by_the_nodes_log(
    stage: Stage, line: str, told: str
) -> None:
    stage.world.faults.on("reset_after", path=f"/tasks/{line.split()[1]}", count=1)
    await asks_and_confirms(stage, f"/dbc {line}")
    stage.clock.advance(timedelta(seconds=20))
    end = await stage.ends(stage.alice, told, within=20)
    assert "task successful” at 2026-01-05 09:0" in end.plain
    assert end.plain.startswith(":white_check_mark:")
    assert len(stage.endings(stage.alice)) == 1


async def test_a_restart_carried_out_late_is_proved_by_a_newer_entry_of_the_log(
    stage: Stage,
) -> None:
    await asks_and_confirms(stage, "/dbc vm restart inference force")
    await stage.ends(stage.alice, "inference has restarted on gpu1")
    stage.world.faults.on("late", path="/tasks/restart", count=1, seconds=400)
    await asks_and_confirms(stage, "/dbc vm restart inference force")
    unknown = await stage.ends(
        stage.alice,
        "inference on gpu1 is “running”; it is unknown whether the command was carried out",
        within=180,
    )
    assert "The node's log last says “restart task successful” at 2026-01-05" in unknown.plain
    stage.clock.advance(timedelta(seconds=300))
    await stage.asks(stage.alice, "/dbc vm list")
    stage.clock.advance(timedelta(seconds=20))  # it has restarted before anybody looks
    told = "inference has restarted on gpu1: the node's log says “restart task successful”"
    await stage.ends(stage.alice, told, within=300)
    assert stage.changes() == ["tasks.restart", "tasks.restart"]


async def test_a_restart_that_left_no_trace_stays_unknown(stage: Stage) -> None:
    stage.world.faults.on("reset_before", path="/tasks/restart", count=1)
    await asks_and_confirms(stage, "/dbc vm restart inference force")
    end = await stage.ends(
        stage.alice,
        "inference on gpu1 is “running”; it is unknown whether the command was carried out",
        within=180,
    )
    assert "The node's log" not in end.plain


def has_clock(stage: Stage, off: timedelta) -> None:
    """The node's clock has always been so far ahead of ours."""
    stage.node("gpu1").clock_off = off
    stage.task("inference").log.clear()


@pytest.mark.parametrize("hours", [0, 8, -5])
@pytest.mark.parametrize("line", ["vm restart inference force", "vm reset inference"])
async def test_a_restart_that_never_arrived_is_not_proved_by_the_one_before(
    stage: Stage, line: str, hours: int
) -> None:
    has_clock(stage, timedelta(hours=hours))
    await asks_and_confirms(stage, f"/dbc {line}")
    await stage.passes(4)
    await stage.passes(4)
    assert len(stage.endings(stage.alice)) == 1
    stage.world.faults.on("reset_before", path=f"/tasks/{line.split()[1]}", count=1)
    await asks_and_confirms(stage, f"/dbc {line}")
    end = await stage.ends(
        stage.alice,
        "inference on gpu1 is “running”; it is unknown whether the command was carried out",
        within=180,
    )
    assert "from before this command" in end.plain
    assert end.plain.startswith(":grey_question:")


@pytest.mark.parametrize("minutes", [-90, -10, 10, 600])
async def test_a_node_whose_clock_is_wrong_proves_a_restart_all_the_same(
    stage: Stage, minutes: int
) -> None:
    has_clock(stage, timedelta(minutes=minutes))
    await asks_and_confirms(stage, "/dbc vm reset inference")
    await stage.ends(stage.alice, "inference has been reset on gpu1")
    stage.world.faults.on("reset_after", path="/tasks/reset", count=1)
    await asks_and_confirms(stage, "/dbc vm reset inference")
    stage.clock.advance(timedelta(seconds=20))
    await stage.ends(stage.alice, "inference has been reset on gpu1: the node's log", within=20)


async def test_without_a_look_at_the_log_before_a_restart_its_end_stays_unknown(
    stage: Stage,
) -> None:
    stage.world.faults.on("bad_json", path="/tasks/logs", count=4)  # a read is tried twice
    stage.world.faults.on("reset_after", path="/tasks/restart", count=1)
    await asks_and_confirms(stage, "/dbc vm restart inference force")
    stage.clock.advance(timedelta(seconds=20))
    end = await stage.ends(
        stage.alice,
        "inference on gpu1 is “running”; it is unknown whether the command was carried out",
        within=180,
    )
    assert "I could not read the log before sending" in end.plain


async def test_a_log_that_does_not_fit_into_an_answer_proves_no_restart_by_its_older_lines(
    stage: Stage,
) -> None:
    task, node = stage.task("inference"), stage.node("gpu1")
    for verb in ("create", "restart"):  # the second is left out of the next answer
        node.log(task, "vm_client.cpp", 1, "CreateDomain", "x" * 5000)
        node.log(task, "TaskManager.cpp", 1, f"process_{verb}_task", f"{verb} task successful")
        stage.clock.advance(timedelta(seconds=1))
    stage.world.faults.on("reset_before", path="/tasks/restart", count=1)
    await asks_and_confirms(stage, "/dbc vm restart inference force")
    task.log = task.log[-1:]
    end = await stage.ends(
        stage.alice,
        "inference on gpu1 is “running”; it is unknown whether the command was carried out",
        within=180,
    )
    assert "restart task successful" in end.plain


async def test_of_two_restarts_that_got_lost_one_entry_proves_neither(stage: Stage) -> None:
    stage.world.faults.on("reset_before", path="/tasks/restart", count=1)
    stage.world.faults.on("reset_after", path="/tasks/restart", count=1)
    await asks_and_confirms(stage, "/dbc vm restart inference force")
    stage.clock.advance(timedelta(seconds=31))
    again = await stage.asks(stage.alice, "/dbc vm restart inference force")
    await stage.alice.presses("Run it anyway", again)
    await stage.quiet()
    stage.clock.advance(timedelta(seconds=31))
    await stage.passes(15, times=12)
    ends = stage.endings(stage.alice)
    assert ["has restarted" in told for told in ends] == [False, False]
    assert "It may be about another command: more than one was sent." in ends[-1]


async def test_a_restart_in_between_the_look_at_the_log_and_the_sending_proves_nothing(
    stage: Stage,
) -> None:
    """What may lie between the two: a node that is slow to show what a card shows."""
    rules(stage, NO_REVIEW)
    await stage.gives_session(stage.bob, "gpu1")
    stage.node("gpu1").durations = Durations(restart=timedelta(seconds=10))
    await stage.asks(stage.bob, "/dbc vm restart inference")
    stage.clock.advance(timedelta(seconds=1))
    stage.world.faults.on("reset_before", path="/tasks/restart", count=1)
    await stage.asks(stage.alice, "/dbc vm restart inference force")
    sent_at = (stage.clock.now() + timedelta(seconds=40)).isoformat(sep=" ")
    moved = "UPDATE executions SET started_at = ? WHERE actor = ? AND status = 'following'"
    alter(stage, moved, sent_at, stage.alice.id)
    await stage.passes(15, times=12)
    assert any("was told to reboot" in end for end in stage.endings(stage.bob))
    [end] = stage.endings(stage.alice)
    assert "It may be about another command: more than one was sent." in end


@pytest.mark.parametrize("rotated", [False, True])
async def test_a_log_whose_times_go_back_is_not_quoted(stage: Stage, *, rotated: bool) -> None:
    has_clock(stage, timedelta())
    await asks_and_confirms(stage, "/dbc vm restart inference force")
    await stage.ends(stage.alice, "inference has restarted on gpu1")
    stage.world.faults.on("reset_after", path="/tasks/restart", count=1)
    rules(stage, NO_REVIEW)
    await stage.asks(stage.alice, "/dbc vm restart inference force")
    stage.node("gpu1").clock_off = timedelta(hours=-2)  # and the worker has not begun yet
    if rotated:
        stage.task("inference").log.clear()
    stage.clock.advance(timedelta(seconds=20))
    end = await stage.ends(
        stage.alice,
        "inference on gpu1 is “running”; it is unknown whether the command was carried out",
        within=180,
    )
    assert "The times in the node's log go back: its clock was set back" in end.plain
    assert "last says" not in end.plain
    assert end.plain.startswith(":grey_question:")


async def test_a_silent_node_does_not_hold_up_a_restart(stage: Stage) -> None:
    inference = stage.task("inference").task_id
    stage.world.faults.on("hang", path=f"/tasks/{inference}", count=1)
    (stage.data / "policy.toml").write_text("[defaults]\ndisrupt = {}\n", encoding="utf-8")
    stage.bot.reload_policy()
    await stage.alice.types("/dbc vm restart inference", channel=CHANNEL)
    await stage.world.calls.wait("tasks.detail")
    stage.clock.advance(timedelta(seconds=2))
    await stage.world.calls.wait("tasks.restart")
    await stage.goes_unanswered("tasks.detail")
    await stage.quiet()
    await stage.ends(stage.alice, "inference was told to reboot and reads as running on gpu1")


async def test_a_creation_is_known_by_its_name_as_soon_as_it_is_accepted(stage: Stage) -> None:
    await stage.asks(stage.alice, f"{CREATE} on gpu2")
    shown = await stage.asks(stage.alice, "/dbc vm show t1")
    assert "t1 on gpu2" in shown.plain.replace("*", "")


async def test_a_finished_creation_is_known_by_name_where_the_list_cannot_be_read(
    stage: Stage,
) -> None:
    await stage.asks(stage.alice, f"{CREATE.replace('gpu2', 'gpu1')}")
    stage.task("Ada's training run").desc = 'a "quoted" one'
    await stage.ends(stage.alice, "t1 is running on gpu1")
    shown = await stage.asks(stage.alice, "/dbc vm show t1", CHANNEL)
    assert "t1 on gpu1" in shown.plain.replace("*", "")
    async with stage.bot.store.read() as tx:
        [seen] = [m for m in await tx.inventory.machines(UserId(stage.alice.id)) if m.desc == "t1"]
    assert seen.status == "running"


async def test_a_creation_without_an_answer_is_known_by_name_once_it_is_seen_there(
    stage: Stage,
) -> None:
    stage.world.faults.on("timeout_after_doing", path="/tasks/start", count=1)
    await stage.asks(stage.alice, f"{CREATE.replace('gpu2', 'gpu1')}")
    stage.task("Ada's training run").desc = 'a "quoted" one'
    await stage.ends(stage.alice, "t1 is running on gpu1")
    shown = await stage.asks(stage.alice, "/dbc vm show t1", CHANNEL)
    assert "t1 on gpu1" in shown.plain.replace("*", "")
