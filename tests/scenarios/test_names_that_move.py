"""A request goes to what its names meant when it was acknowledged, however long it waits then."""

import pytest

from sandbox.dbc.demo import demo_renter
from sandbox.dbc.metal import MetalMachine
from sandbox.dbc.task import Task
from tests.scenarios.machines import off
from tests.scenarios.metal import knows_rack, rents_slot, slot
from tests.scenarios.stage import CHANNEL, Stage

ADAS = "Ada's training run"
HERE = "/dbc node use {} here"


async def _waits_for_slack(stage: Stage, line: str) -> None:
    """Alice's request is acknowledged, and Slack does not say who she is."""
    stage.ws.faults.add("http_500", "users.info", times=None)
    await stage.asks(stage.alice, line)
    assert "It goes on once Slack does" in stage.alice.screen()
    stage.ws.faults.clear()


async def _goes_on(stage: Stage) -> None:
    """Slack answers again, and what waits for it is taken up."""
    await stage.passes(30)
    await stage.quiet()


async def _both_off(stage: Stage) -> tuple[Task, Task]:
    for person in (stage.alice, stage.bob):
        await stage.gives_session(person, "gpu1")
    off(stage)
    off(stage, ADAS)
    await stage.asks(stage.alice, "/dbc vm list")
    return stage.task("inference"), stage.task(ADAS)


async def test_a_name_that_moves_while_slack_is_silent_starts_no_other(one_stage: Stage) -> None:
    stage = one_stage
    one, two = await _both_off(stage)
    await stage.asks(stage.alice, f"/dbc vm name {one.task_id} box")
    await _waits_for_slack(stage, "/dbc vm start box")
    await stage.asks(stage.bob, f"/dbc vm name {one.task_id} oldbox")
    await stage.asks(stage.bob, f"/dbc vm name {two.task_id} box")
    await _goes_on(stage)
    assert stage.changes() == []
    assert "The name means another machine now" in stage.alice.screen()


@pytest.mark.parametrize("asked", ["box", "BO"])
async def test_a_name_that_nobody_had_when_it_was_typed_starts_none(
    one_stage: Stage, asked: str
) -> None:
    stage = one_stage
    _, two = await _both_off(stage)
    await _waits_for_slack(stage, f"/dbc vm start {asked}")
    await stage.passes(2)
    await stage.asks(stage.bob, f"/dbc vm name {two.task_id} box")
    await _goes_on(stage)
    assert stage.changes() == []
    assert "The name means another machine now" in stage.alice.screen()


async def test_what_fitted_two_machines_when_it_was_typed_starts_neither(one_stage: Stage) -> None:
    stage = one_stage
    one, two = await _both_off(stage)
    for number, task in enumerate((one, two)):
        await stage.asks(stage.alice, f"/dbc vm name {task.task_id} box-{number}")
    await _waits_for_slack(stage, "/dbc vm start box")
    await stage.asks(stage.bob, f"/dbc vm name {two.task_id} other")
    await _goes_on(stage)
    assert stage.changes() == []
    assert "The name means another machine now" in stage.alice.screen()


async def test_a_node_whose_name_moves_while_slack_is_silent_is_not_looked_at_instead(
    one_stage: Stage,
) -> None:
    stage = one_stage
    for person in (stage.alice, stage.bob):
        await stage.gives_session(person, "gpu1", "gpu2")
    off(stage)
    stage.task("inference").desc = "fresh"
    await stage.asks(stage.alice, "/dbc node name gpu2 rack")
    await _waits_for_slack(stage, "/dbc vm start fresh on rack")
    await stage.asks(stage.bob, "/dbc node name gpu2 oldrack")
    await stage.asks(stage.bob, "/dbc node name gpu1 rack")
    await _goes_on(stage)
    assert stage.changes() == []
    assert "The name means another node now" in stage.alice.screen()


@pytest.mark.parametrize("asked", ["fresh-one", "fresh", "inference"])
async def test_a_machine_is_started_once_slack_answers_as_it_would_have_been(
    one_stage: Stage, asked: str
) -> None:
    """Also one that only its node knows, and whose name only begins so."""
    stage = one_stage
    one, two = await _both_off(stage)
    two.desc = "fresh-one"
    await _waits_for_slack(stage, f"/dbc vm start {asked}")
    await stage.passes(2)
    if asked == two.desc:
        await stage.asks(stage.bob, f"/dbc vm name {two.task_id} given-later")
    await _goes_on(stage)
    meant = one if asked == "inference" else two
    assert [call.task_id for call in stage.world.changing_calls()] == [meant.task_id]


@pytest.mark.parametrize("before", [["gpu1"], []])
async def test_a_default_that_moves_while_slack_is_silent_makes_nothing(
    one_stage: Stage, before: list[str]
) -> None:
    stage = one_stage
    for person in (stage.alice, stage.bob):
        await stage.gives_session(person, "gpu1", "gpu2")
    for node in before:
        await stage.asks(stage.alice, HERE.format(node))
    await _waits_for_slack(stage, "/dbc lan create team01 192.168.66.0/24")
    await stage.asks(stage.bob, HERE.format("gpu2"))
    await _goes_on(stage)
    assert stage.changes() == []
    assert "Another node is meant without a name now" in stage.alice.screen()


async def test_the_default_that_was_meant_is_used_once_slack_answers(one_stage: Stage) -> None:
    stage = one_stage
    await stage.gives_session(stage.alice, "gpu1", "gpu2")
    await stage.asks(stage.alice, HERE.format("gpu2"))
    await _waits_for_slack(stage, "/dbc lan create team01 192.168.66.0/24")
    await _goes_on(stage)
    assert [(c.op, c.node_name) for c in stage.world.changing_calls()] == [("lan.create", "gpu2")]


async def _box_moves(stage: Stage) -> None:
    """Bob gives the nickname of Alice's machine to another one."""
    await stage.asks(stage.bob, f"/dbc vm name {stage.task('inference').task_id} oldbox")
    await stage.asks(stage.bob, f"/dbc vm name {stage.task(ADAS).task_id} box")


@pytest.mark.parametrize("named", ["box", "BOX", "inference", "box on gpu1"])
async def test_a_form_is_about_the_machine_it_was_opened_for(one_stage: Stage, named: str) -> None:
    stage = one_stage
    one, _ = await _both_off(stage)
    await stage.asks(stage.alice, f"/dbc vm name {one.task_id} box")
    await stage.alice.types(f"/dbc vm modify {named}", CHANNEL)
    form = await stage.alice.sees_modal("box on gpu1. Grey is what it has now")
    assert form.value("Machine") == one.task_id
    await _box_moves(stage)
    await stage.alice.submits({"Memory (GiB)": "32"})
    await stage.quiet()
    assert [call.task_id for call in stage.world.changing_calls()] == [one.task_id]
    assert "Changed *oldbox*" in stage.alice.screen()


async def test_a_form_is_about_the_node_it_was_opened_for(one_stage: Stage) -> None:
    stage = one_stage
    for person in (stage.alice, stage.bob):
        await stage.gives_session(person, "gpu1", "gpu2")
    await stage.asks(stage.alice, "/dbc node name gpu2 lab")
    await stage.alice.types("/dbc lan create on lab", CHANNEL)
    await stage.alice.sees_modal("Create a network")
    await stage.asks(stage.bob, "/dbc node name gpu2 oldlab")
    await stage.asks(stage.bob, "/dbc node name gpu1 lab")
    await stage.alice.submits({"Network name": "team01", "Address range (CIDR)": "192.168.66.0/24"})
    await stage.quiet()
    assert [(c.op, c.node_name) for c in stage.world.changing_calls()] == [("lan.create", "gpu2")]


async def test_a_form_opened_later_is_about_the_node_that_was_typed(one_stage: Stage) -> None:
    stage = one_stage
    for person in (stage.alice, stage.bob):
        await stage.gives_session(person, "gpu1", "gpu2")
    await stage.asks(stage.alice, "/dbc node name gpu2 lab")
    line = "/dbc vm create name=t1 image=ubuntu-20.04.qcow2 gpu=40 on lab"
    told = await stage.asks(stage.alice, line)
    await stage.asks(stage.bob, "/dbc node name gpu2 oldlab")
    await stage.asks(stage.bob, "/dbc node name gpu1 lab")
    await stage.alice.presses("Change it…", told)
    form = await stage.alice.sees_modal("Create a machine")
    assert form.value("Node") == stage.node("gpu2").node_id


async def test_what_a_refusal_advises_is_about_the_machine_it_was_about(one_stage: Stage) -> None:
    stage = one_stage
    for person in (stage.alice, stage.bob):
        await stage.gives_session(person, "gpu1")
    one = stage.task("inference")
    await stage.asks(stage.alice, "/dbc vm list")
    await stage.asks(stage.alice, f"/dbc vm name {one.task_id} box")
    told = await stage.asks(stage.alice, "/dbc disk add box 10")
    await _box_moves(stage)
    await stage.alice.presses("Shut down a machine", told)
    form = await stage.alice.sees_modal("Shut down a machine")
    assert form.value("Machine") == one.task_id


async def test_the_next_page_is_of_the_same_node(one_stage: Stage) -> None:
    stage = one_stage
    for person in (stage.alice, stage.bob):
        await stage.gives_session(person, "gpu1", "gpu2")
    for number in range(12):
        stage.node("gpu2").running_task(demo_renter(), desc=f"job-{number:02}", gpus=[])
    await stage.asks(stage.alice, "/dbc node name gpu2 lab")
    told = await stage.asks(stage.alice, "/dbc vm list lab")
    await stage.asks(stage.bob, "/dbc node name gpu2 oldlab")
    await stage.asks(stage.bob, "/dbc node name gpu1 lab")
    await stage.alice.presses("Next ▶", told)
    turned = await stage.alice.sees("11 to 12 of 12")
    assert "job-11" in turned.plain
    assert "*oldlab*" in turned.plain


async def _adds_session(stage: Stage, machine: MetalMachine) -> None:
    await stage.alice.types(f"/dbc session add {machine.node_id}", channel=CHANNEL)
    await stage.alice.sees_modal("Add a session")
    session_id, sign = machine.session_for(demo_renter())
    await stage.alice.submits({"Session id": session_id, "Session signature": sign})
    await stage.reads(stage.alice, "it is a bare-metal machine")


async def test_a_second_request_of_bare_metal_goes_to_the_same_machine(one_stage: Stage) -> None:
    stage, alice = one_stage, one_stage.alice
    await knows_rack(stage)
    one, two = await rents_slot(stage), slot(stage, 2)
    await _adds_session(stage, two)
    await stage.asks(alice, f"/dbc node name {one.node_id} box")
    stage.world.faults.on("slow", path="/bare_metal/power", seconds=3, count=1)
    for _ in range(2):
        await alice.types("/dbc metal power on box", CHANNEL)
    told = await alice.sees("was not added", CHANNEL)
    await stage.passes(4)
    await stage.asks(alice, f"/dbc node name {one.node_id} oldbox")
    await stage.asks(alice, f"/dbc node name {two.node_id} box")
    before = stage.changes()
    await alice.presses("Request it a second time", told)
    await stage.quiet()
    assert stage.changes() == before
    assert "means another node now" in alice.screen()
