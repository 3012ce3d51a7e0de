"""Something on the way sends a change twice: the refusal of the second copy says nothing."""

from pathlib import Path

import pytest

from sandbox.dbc.task import Libvirt, Status
from tests.scenarios.changing import DEEDS, NO_REVIEW
from tests.scenarios.site import rules
from tests.scenarios.stage import Stage, staged
from tests.scenarios.test_metal import rents_slot
from tests.scenarios.test_outcome_words import carried_out, ended
from tests.scenarios.test_power import off

# What the second copy changes too, or what DBC never confirms.
_OTHERWISE = {"disk.resize", "metal.boot", "session.request"}
# It may as well be somebody else's work, since the machine's state was read too long before.
_BY_WHOM = {(f"vm.{name}", "sent_later") for name in ("shutdown", "poweroff", "delete")}
POWER = 'metal power {} "rack 7, slot 1"'


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        (name, fault)
        for name, deed in DEEDS.items()
        for fault in ("sent_twice", "sent_later")
        if deed.sends and name not in _OTHERWISE and (name, fault) not in _BY_WHOM
    ],
)
async def test_what_went_through_at_first_is_not_told_as_refused(
    tmp_path: Path, name: str, fault: str
) -> None:
    async with staged(tmp_path) as stage:
        await carried_out(stage, name, fault)
        end = await ended(stage, name)
        assert end is not None
        assert end.outcome == "done", end.reason


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
        ("dead_node", "off", "rack 7, slot 1 has power; whether the command arrived"),
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
