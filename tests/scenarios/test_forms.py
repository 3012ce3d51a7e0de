"""Forms: what is faulty is said at its field, what was typed stays, what is offered fits."""

import asyncio
import json

import pytest

from sandbox.dbc.demo import demo_renter
from sandbox.slack.person import SeenView
from tests.scenarios.machines import off
from tests.scenarios.site import DELETE, asked, site
from tests.scenarios.stage import CHANNEL, Stage

IMAGE = "ubuntu-22.04-cuda-12.qcow2"


@pytest.fixture
async def stage(one_stage: Stage) -> Stage:
    """Socket Mode; Alice may act on two of the nodes."""
    await one_stage.gives_session(one_stage.alice, "gpu1", "gpu2")
    await one_stage.passes(60)
    return one_stage


async def opens(stage: Stage, line: str) -> SeenView:
    """Alice's form for a command, with all that is shown in it in the end."""
    await stage.alice.types(f"/dbc {line}", CHANNEL)
    await stage.quiet()
    return form_of(stage)


def form_of(stage: Stage) -> SeenView:
    modal = stage.alice.modal
    assert modal is not None, stage.alice.screen()
    return modal


# Faults stand at their fields


async def test_a_node_that_nothing_else_says_is_needed_in_the_form(stage: Stage) -> None:
    await opens(stage, "vm create")
    await stage.alice.submits({"Name": "t1", "Image": IMAGE})
    form = form_of(stage)
    assert form.errors == {"Node": "Please complete this required field."}
    assert form.value("Name") == "t1"
    await stage.alice.submits({"Node": stage.node("gpu2").node_id})
    await stage.ends(stage.alice, "t1 is running on gpu2")


async def test_a_node_that_a_default_says_may_be_left_out(stage: Stage) -> None:
    await stage.asks(stage.alice, "/dbc node use gpu2")
    await opens(stage, "vm create")
    await stage.alice.submits({"Name": "t1", "Image": IMAGE})
    await stage.ends(stage.alice, "t1 is running on gpu2")


async def test_a_form_says_that_multisig_stands_in_for_one_wallet(stage: Stage) -> None:
    form = await opens(stage, "session request gpu3")
    assert form.plain.count("unless you fill in the multisig below") == 3


async def test_a_node_without_a_session_is_said_at_its_field(stage: Stage) -> None:
    await opens(stage, "vm create")
    await stage.alice.submits({"Name": "t1", "Node": stage.node("gpu3").node_id, "Image": IMAGE})
    assert "You have no session for gpu3." in form_of(stage).plain
    assert stage.changes() == []


async def test_access_is_asked_for_where_a_form_lacks_it_and_the_form_stays(stage: Stage) -> None:
    alice, carol = stage.alice, stage.carol
    await stage.gives_session(carol, "gpu1")
    await carol.types("/dbc vm create", CHANNEL)
    await carol.sees_modal("Create a machine")
    lacks, form = "You have no session for gpu2.", {"Name": "t1", "Image": IMAGE}
    for _ in range(2):  # sent in once more, it offers it once
        await carol.submits({**form, "Node": stage.node("gpu2").node_id})
        shown = carol.modal
        assert shown is not None
        assert shown.plain.count(lacks) == 1
        assert shown.buttons.count("Ask for access") == 1
    await carol.presses("Ask for access")
    await carol.sees_modal("Only you see this")
    await stage.passes()
    await alice.sees(rf"<@{carol.id}> asks for access to \*gpu2\*", "@dbc")
    await carol.closes()
    assert carol.modal is not None
    assert lacks in carol.modal.plain
    await stage.gives_session(carol, "gpu2")
    await carol.submits({})  # what she typed still stands there
    await stage.ends(carol, "t1 is running on gpu2")


async def test_a_name_of_several_machines_is_said_at_its_field(stage: Stage) -> None:
    for port in (5998, 5999):
        stage.node("gpu1").running_task(demo_renter(), desc=f"twin-{port}", vnc_port=port)
    await stage.asks(stage.alice, "/dbc vm list")
    form = await opens(stage, "disk add twin")
    assert form.value("Machine") == "twin"
    await stage.alice.submits({"Size (GiB)": "10"})
    form = form_of(stage)
    assert "could be any of twin-5998" in form.errors["Machine"]
    assert form.value("Size (GiB)") == "10"
    assert stage.changes() == []


async def test_a_name_that_only_a_node_can_know_is_asked_for_while_the_form_waits(
    stage: Stage,
) -> None:
    await opens(stage, "vm name nosuch")
    await stage.alice.submits({"Nickname": "prod"})
    form = await stage.alice.sees_modal("None of your machines is called “nosuch”")
    assert form.value("Nickname") == "prod"
    kinds = [block["type"] for block in form.blocks]
    assert kinds == ["context", "input", "context", "input"]


async def test_a_read_by_form_keeps_what_was_typed_too(stage: Stage) -> None:
    await opens(stage, "snapshot show nosuch")
    await stage.alice.submits({"Snapshot": "before"})
    form = await stage.alice.sees_modal("None of your machines is called “nosuch”")
    assert form.value("Snapshot") == "before"


async def test_what_a_node_has_against_it_is_said_at_its_field(stage: Stage) -> None:
    await opens(stage, "image download from=hub on gpu1")
    await stage.alice.submits({"Image": "nosuch.qcow2"})
    form = await stage.alice.sees_modal("has no image nosuch.qcow2")
    assert form.value("Image") == "nosuch.qcow2"
    assert stage.changes() == []


async def test_a_form_in_which_nothing_has_to_be_read_closes_by_itself(stage: Stage) -> None:
    off(stage)
    await opens(stage, "vm start")
    await stage.alice.submits({"Machine": stage.task("inference").task_id})
    assert stage.alice.modal is None


async def test_a_form_that_is_checked_for_longer_says_where_it_goes_on(patient: Stage) -> None:
    stage = patient
    await stage.gives_session(stage.alice, "gpu1", "gpu2")
    await stage.passes(60)
    off(stage)
    await opens(stage, "vm start")
    machine = stage.task("inference").task_id
    stage.world.faults.on("slow", path=f"/tasks/{machine}", count=1, seconds=3)
    sent = asyncio.create_task(stage.alice.submits({"Machine": machine}))
    await stage.waits(2)
    await sent
    await stage.alice.sees_modal("Checking …")
    await stage.waits(1)
    await stage.alice.sees_modal("The message where you asked says how it goes on.")


async def test_what_a_node_refuses_at_once_can_be_changed_and_sent_again(stage: Stage) -> None:
    await opens(stage, "vm create")
    await stage.alice.submits(
        {"Name": "t1", "Node": stage.node("gpu2").node_id, "Image": IMAGE, "GPUs": "12"}
    )
    offer = await stage.alice.sees("gpu2 has 4 GPUs; this asks for 12")
    assert offer.ephemeral
    await stage.alice.presses("Open the form", offer)
    form = await stage.alice.sees_modal("Create a machine")
    assert [form.value(label) for label in ("Name", "Image", "GPUs")] == ["t1", IMAGE, "12"]
    await stage.alice.submits({"GPUs": "1"})
    await stage.ends(stage.alice, "t1 is running on gpu2")


async def test_a_form_of_a_command_that_is_gone_is_answered(stage: Stage) -> None:
    form = await opens(stage, "vm name")
    known = json.loads(form.private_metadata)
    form.view.body["private_metadata"] = json.dumps(known | {"command": "vm.gone"})
    await stage.alice.submits({"Machine": stage.task("inference").task_id, "Nickname": "prod"})
    await stage.alice.sees("This form is of an older kind.")


# What is offered fits what is chosen


async def test_images_are_those_of_the_chosen_node(stage: Stage) -> None:
    files = stage.node("gpu2").files
    files["/data/only-here.qcow2"] = files[f"/data/{IMAGE}"]
    await stage.asks(stage.alice, "/dbc image list on gpu2")
    await opens(stage, "vm create")
    await stage.alice.fills({"Name": "typed", "Node": stage.node("gpu1").node_id})
    await stage.quiet()
    assert not [i for i in await stage.alice.suggests("Image", "") if i.startswith("only-here")]
    await stage.alice.fills({"Node": stage.node("gpu2").node_id})
    await stage.quiet()
    assert [i for i in await stage.alice.suggests("Image", "") if i.startswith("only-here")]
    assert form_of(stage).value("Name") == "typed"


async def test_images_are_those_of_the_default_node(stage: Stage) -> None:
    files = stage.node("gpu2").files
    files["/data/only-here.qcow2"] = files[f"/data/{IMAGE}"]
    await stage.asks(stage.alice, "/dbc image list on gpu2")
    await stage.asks(stage.alice, "/dbc node use gpu1")
    await opens(stage, "vm create")
    assert not [i for i in await stage.alice.suggests("Image", "") if i.startswith("only-here")]


async def test_disks_are_those_of_the_chosen_machine(stage: Stage) -> None:
    await stage.asks(stage.alice, "/dbc vm list")
    await opens(stage, "disk delete")
    await stage.alice.fills({"Machine": stage.task("inference").task_id})
    await stage.quiet()
    offered = await stage.alice.suggests("Disk", "")
    assert [disk.split(" ")[0] for disk in offered] == list(stage.task("inference").disks)


# Deciding


async def test_the_forms_of_a_decision_say_what_is_decided(tmp_path: object) -> None:
    async with site(tmp_path) as stage:  # type: ignore[arg-type]
        question = await asked(stage, DELETE)
        await stage.bob.presses("Deny", question)
        form = await stage.bob.sees_modal("Deny")
        assert "Deny · Delete inference on gpu1, requested by" in form.plain.replace("*", "")
        assert stage.alice.id in form.plain
        assert form.view.body["submit"]["text"] == "Deny"
