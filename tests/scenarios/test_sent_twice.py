"""Something on the way sends a change twice: the refusal of the second copy says nothing."""

from datetime import timedelta
from pathlib import Path

import pytest

from sandbox.dbc.task import Libvirt, Status
from sandbox.dbc.worker import Durations
from tests.scenarios.changing import DEEDS, NO_REVIEW, walk
from tests.scenarios.machines import off
from tests.scenarios.metal import rents_slot
from tests.scenarios.site import rules
from tests.scenarios.stage import Stage, staged
from tests.scenarios.test_outcome_words import carried_out, ended

# What the second copy does once more.
_TWICE = {
    "disk.resize": "has grown vdb by 100 GiB on gpu1 instead of 50 GiB: 200G",
    "disk.add": "has 2 new disks of 50 GiB on gpu1 instead of one: vdc, vdd",
    "snapshot.create": "has 2 snapshots s1 on gpu1 instead of one: snap_",
}
# What the second copy changes too, or what DBC never confirms.
_OTHERWISE = {"metal.boot", "session.request", *_TWICE}
POWER = 'metal power {} "rack 7, slot 1"'


@pytest.mark.parametrize(
    ("name", "fault"),
    walk(
        (name, fault)
        for name, deed in DEEDS.items()
        for fault in ("sent_twice", "sent_later")
        if deed.sends and name not in _OTHERWISE
    ),
)
async def test_what_went_through_at_first_is_not_told_as_refused(
    tmp_path: Path, name: str, fault: str
) -> None:
    async with staged(tmp_path) as stage:
        await carried_out(stage, name, fault)
        end = await ended(stage, name)
        assert end is not None
        assert end.outcome == "done", end.reason


@pytest.mark.parametrize("fault", ["sent_twice", "sent_later"])
@pytest.mark.parametrize("name", _TWICE)
async def test_what_was_done_twice_is_never_told_as_done(
    tmp_path: Path, name: str, fault: str
) -> None:
    async with staged(tmp_path) as stage:
        await carried_out(stage, name, fault)
        end = await ended(stage, name)
        assert end is not None
        assert end.outcome == "failed"
        assert _TWICE[name] in end.reason
        assert "The request may have reached the node twice" in end.reason
        assert not any("white_check_mark" in m.plain for m in stage.alice.messages())


@pytest.mark.parametrize("verb", ["shutdown", "poweroff", "delete"])
async def test_a_refusal_that_the_first_copy_caused_is_told_with_its_reason(
    tmp_path: Path, verb: str
) -> None:
    async with staged(tmp_path) as stage:
        await carried_out(stage, f"vm.{verb}", "sent_later")
        end = await ended(stage, f"vm.{verb}")
        assert end is not None
        assert "The machine was running just before, so this request probably arrived" in end.reason
        assert "The node answered: “task " in end.reason


@pytest.fixture
async def stage(one_stage: Stage) -> Stage:
    """Alice may act on gpu1 and has seen her machines."""
    await one_stage.gives_session(one_stage.alice, "gpu1")
    await one_stage.asks(one_stage.alice, "/dbc vm list")
    return one_stage


async def test_a_start_of_what_runs_is_refused(stage: Stage) -> None:
    told = await stage.asks(stage.alice, "/dbc vm start inference")
    assert "The machine is running" in told.plain
    for _ in range(3):
        await stage.passes(30)
    assert stage.endings(stage.alice) == []


async def test_a_start_of_what_somebody_else_started_is_refused(stage: Stage) -> None:
    off(stage)
    await stage.asks(stage.alice, "/dbc vm list")
    task = stage.task("inference")
    assert task.domain is not None
    task.status, task.domain.state = Status.RUNNING, Libvirt.RUNNING
    told = await stage.asks(stage.alice, "/dbc vm start inference")
    assert "The machine is running" in told.plain


def switched_off(stage: Stage) -> None:
    """Somebody else has shut the machine down."""
    task = stage.task("inference")
    assert task.domain is not None
    task.status, task.domain.state = Status.CLOSED, Libvirt.SHUT_OFF


@pytest.mark.parametrize("verb", ["shutdown", "poweroff", "delete"])
async def test_what_somebody_else_did_long_before_is_refused(stage: Stage, verb: str) -> None:
    rules(stage, NO_REVIEW)
    if verb == "delete":
        stage.node("gpu1").tasks.clear()
    else:
        switched_off(stage)
    told = await stage.asks(stage.alice, f"/dbc vm {verb} inference")
    assert ("There is no such machine" if verb == "delete" else "The machine is off") in told.plain
    assert stage.endings(stage.alice) == []


async def test_what_a_command_of_ours_did_at_the_same_time_is_not_told_as_anothers(
    stage: Stage,
) -> None:
    """Bob's power cut is worked off while Alice's shutdown is on its way."""
    await stage.gives_session(stage.bob, "gpu1")
    rules(stage, NO_REVIEW)
    stage.node("gpu1").durations = Durations(poweroff=timedelta(seconds=10))
    await stage.asks(stage.bob, "/dbc vm poweroff inference")
    task = stage.task("inference")
    task.status = Status.RUNNING  # as a node shows it whose worker has not begun
    stage.world.faults.on("sent_later", path="/tasks/shutdown", count=1)
    told = await stage.asks(stage.alice, "/dbc vm shutdown inference")
    for _ in range(3):
        await stage.passes(30)
    said = [told.plain, *stage.endings(stage.alice)]
    assert not any("arrived twice" in text for text in said)


async def test_a_network_that_was_there_before_is_refused(stage: Stage) -> None:
    create = "/dbc lan create team01 192.168.66.0/24 on gpu1"
    await stage.asks(stage.alice, create)
    told = await stage.asks(stage.alice, create)
    assert "clashes with something that is already there" in told.plain


async def test_a_network_of_which_it_is_not_known_whether_it_was_there_is_refused(
    stage: Stage,
) -> None:
    create = "/dbc lan create team01 192.168.66.0/24 on gpu1"
    await stage.asks(stage.alice, create)
    stage.world.faults.on("bad_json", path="/lan", count=2)
    told = await stage.asks(stage.alice, create)
    assert "clashes with something that is already there" in told.plain


@pytest.mark.parametrize(
    ("fault", "verb", "told"),
    [
        ("timeout_after_doing", "off", "rack 7, slot 1 has no power"),
        (
            "timeout_after_doing",
            "reset",
            "rack 7, slot 1 has power, which does not show whether it was reset",
        ),
        ("dead_node", "off", "rack 7, slot 1 has power"),
    ],
)
async def test_a_power_command_that_was_not_answered_in_time_is_looked_at(
    one_stage: Stage, fault: str, verb: str, told: str
) -> None:
    stage = one_stage
    await rents_slot(stage)
    rules(stage, NO_REVIEW)
    stage.world.faults.on(fault, path="/bare_metal/power", count=1)
    await stage.asks(stage.alice, f"/dbc {POWER.format(verb)}")
    await stage.ends(stage.alice, told, within=200)
    assert len(stage.world.calls.of("metal.power", changing=True)) == 1


async def test_what_a_manager_did_without_an_answer_in_time_is_seen_in_its_list(
    tmp_path: Path,
) -> None:
    for name in ("metal.add", "metal.remove", "metal.modify"):
        data = tmp_path / name
        data.mkdir()
        async with staged(data) as stage:
            await carried_out(stage, name, "timeout_after_doing")
            end = await ended(stage, name)
            assert end is not None
            assert end.outcome == "done", end.reason
