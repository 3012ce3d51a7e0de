"""What forms carry beside their fields: the offer of one, the node that was said, long texts."""

import pytest

from sandbox.dbc.demo import demo_renter
from tests.scenarios.machines import off
from tests.scenarios.stage import CHANNEL, Stage


@pytest.fixture
async def stage(one_stage: Stage) -> Stage:
    """Socket Mode; Alice may act on two of the nodes."""
    await one_stage.gives_session(one_stage.alice, "gpu1", "gpu2")
    await one_stage.asks(one_stage.alice, "/dbc vm list")
    return one_stage


async def test_a_mention_is_offered_its_form_once_with_what_was_found(stage: Stage) -> None:
    before = len(stage.alice.messages(CHANNEL))
    await stage.alice.types("@dbc vm modify inference", CHANNEL)
    await stage.quiet()
    offers = [
        m for m in stage.alice.messages(CHANNEL)[before:] if "Fill in the form to go on" in m.plain
    ]
    assert len(offers) == 1
    await stage.alice.presses("Open the form", offers[0])
    await stage.alice.sees_modal("Grey is what it has now")


async def test_a_node_that_was_said_goes_with_its_machine(stage: Stage) -> None:
    other = stage.node("gpu2").running_task(demo_renter(), desc="other", vnc_port=5999)
    off(stage, "other")
    await stage.asks(stage.alice, "/dbc vm list")
    await stage.alice.types("/dbc disk add inference on gpu1", CHANNEL)
    await stage.alice.sees_modal("Add a data disk")
    await stage.alice.submits({"Machine": other.task_id, "Size (GiB)": "10"})
    await stage.quiet()
    [change] = stage.world.changing_calls()
    assert change.path.endswith(f"/{other.task_id}")


async def test_a_node_that_was_said_counts_for_the_machine_it_was_said_of(stage: Stage) -> None:
    for node in ("gpu1", "gpu2"):
        stage.node(node).running_task(demo_renter(), desc=node, vnc_port=5998)
        off(stage, node)
    for node in ("gpu1", "gpu2"):
        stage.task(node).desc = "twin"
    await stage.asks(stage.alice, "/dbc vm list")
    await stage.alice.types("/dbc disk add twin on gpu2", CHANNEL)
    await stage.alice.sees_modal("Add a data disk")
    await stage.alice.submits({"Size (GiB)": "10"})
    await stage.quiet()
    [change] = stage.world.changing_calls()
    assert change.node_name == "gpu2"


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (f'resize break_glass="{"x" * 2_990}"', "Break glass is too long: 500 characters at most"),
        (f"resize {'m' * 200}", "Machine is too long: 150 characters at most"),
        (f"resize inference on {'n' * 3_000}", "too long for a form to keep"),
    ],
)
async def test_what_a_form_cannot_keep_is_refused_in_words(
    stage: Stage, said: str, why: str
) -> None:
    await stage.alice.types(f"/dbc disk {said}", CHANNEL)
    await stage.quiet()
    assert stage.alice.modal is None
    assert why in stage.alice.last(CHANNEL).plain


async def test_a_reason_that_is_too_long_is_said_at_its_field(stage: Stage) -> None:
    await stage.alice.types("/dbc vm restart", CHANNEL)
    await stage.alice.sees_modal("Restart a machine")
    await stage.alice.submits({"Machine": stage.task("inference").task_id, "Reason": "x" * 501})
    form = await stage.alice.sees_modal("Restart a machine")
    assert form.errors == {"Reason": "Reason is too long: 500 characters at most."}


async def test_a_form_opens_with_the_longest_that_it_can_keep(stage: Stage) -> None:
    reason = "é" * 499
    await stage.alice.types(f'/dbc disk resize inference on gpu1 break_glass="{reason}"', CHANNEL)
    form = await stage.alice.sees_modal("Grow a disk")
    assert reason in form.private_metadata


async def test_a_form_says_what_it_had_to_leave_out(stage: Stage) -> None:
    image = f"/data/{'i' * 200}.qcow2"
    await stage.alice.types(f"/dbc vm create image={image}", CHANNEL)
    form = await stage.alice.sees_modal("Create a machine")
    assert "too long for this field: 150 characters at most" in form.plain
