"""Changing a machine: what it is like now and what becomes of it, before and after."""

import pytest

from tests.scenarios.site import approves, asked, site
from tests.scenarios.stage import CHANNEL, Stage
from tests.scenarios.test_approval_rules import rule
from tests.scenarios.test_forms import form_of, opens


@pytest.fixture
async def stage(one_stage: Stage) -> Stage:
    """Socket Mode; Alice may act on a node that has a machine of hers."""
    await one_stage.gives_session(one_stage.alice, "gpu1")
    await one_stage.asks(one_stage.alice, "/dbc vm list")
    return one_stage


def placeholder(stage: Stage, label: str) -> str:
    """What stands in grey in an empty field."""
    found = next(b for b in form_of(stage).blocks if b.get("label", {}).get("text") == label)
    return str(found["element"].get("placeholder", {}).get("text", ""))


async def test_the_form_shows_what_it_is_like_now(stage: Stage) -> None:
    form = await opens(stage, "vm modify inference")
    assert "inference on gpu1" in form.plain
    assert placeholder(stage, "Memory (GiB)") == "now 64"
    assert placeholder(stage, "SSH port") == "now 5685"
    assert placeholder(stage, "Public IP") == "none at present"
    assert form.value("Memory (GiB)") is None


async def test_a_machine_chosen_in_the_form_is_shown_and_what_was_typed_stays(
    stage: Stage,
) -> None:
    await opens(stage, "vm modify")
    await stage.alice.fills({"CPU cores": "4", "Machine": stage.task("inference").task_id})
    await stage.quiet()
    assert placeholder(stage, "CPU cores") == "now 8"
    assert form_of(stage).value("CPU cores") == "4"


async def test_a_beginning_means_the_machine_that_the_form_has_shown(stage: Stage) -> None:
    shown, other = stage.task("inference"), stage.task("Ada's training run")
    form = await opens(stage, "vm modify infer")
    assert "inference on gpu1" in form.plain
    other.desc, shown.desc = "infer", "served"  # by now it is the whole name of another one
    await stage.alice.submits({"SSH port": "5700"})
    await stage.quiet()
    await stage.alice.sees("SSH port 5685 → 5700")
    assert [one.task_id for one in stage.world.calls.of("tasks.modify")] == [shown.task_id]


async def test_the_form_opens_although_the_node_is_dead(stage: Stage) -> None:
    stage.node("gpu1").die()
    form = await opens(stage, "vm modify inference")
    assert "could not be read" in form.plain
    assert placeholder(stage, "Memory (GiB)") == "For example 64"


async def test_the_answer_tells_before_and_after_and_from_when(stage: Stage) -> None:
    told = await stage.asks(stage.alice, "/dbc vm modify inference mem=32 ssh=5700")
    assert "memory 64 → 32 GiB (from the next start)" in told.plain
    assert "SSH port 5685 → 5700" in told.plain
    assert "5700 (from" not in told.plain


async def test_what_is_so_already_is_said_and_not_sent(stage: Stage) -> None:
    await opens(stage, "vm modify inference")
    await stage.alice.submits({"Memory (GiB)": "64"})
    await stage.alice.sees_modal("There is nothing to change: memory is 64 GiB already.")
    await stage.alice.submits({"Memory (GiB)": "32"})
    await stage.alice.sees("memory 64 → 32 GiB", CHANNEL)
    assert stage.changes() == ["tasks.modify"]


async def test_the_card_shows_before_and_after(tmp_path: object) -> None:
    rules = rule('command = "vm.modify"', "approvals = 1")
    async with site(tmp_path, rules) as stage:  # type: ignore[arg-type]
        question = await asked(stage, "/dbc vm modify inference mem=32")
        said = "Change memory 64 → 32 GiB (from the next start) of inference on gpu1?"
        assert said in question.plain.replace("*", "")
        assert stage.changes() == []
        await approves(stage, stage.bob, question)
        assert "memory 64 → 32 GiB" in stage.alice.screen()
        assert stage.changes() == ["tasks.modify"]
