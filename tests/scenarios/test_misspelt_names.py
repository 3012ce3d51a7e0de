"""A machine's name with a slip in it is answered with the machines that may be meant."""

import pytest

from tests.scenarios.in_chinese import assert_chinese, reads_chinese
from tests.scenarios.site import rules
from tests.scenarios.stage import CHANNEL, CONFIRM_ONLY, Stage


async def test_what_reads_runs_for_the_machine_that_was_meant(one_stage: Stage) -> None:
    stage = one_stage
    await stage.gives_session(stage.alice, "gpu1")
    offer = await stage.asks(stage.alice, "/dbc vm logs infrence head 5")
    assert "None of your machines is called “infrence”. Did you mean inference on gpu1?" in (
        " ".join(offer.plain.split())
    )
    assert offer.ephemeral
    assert offer.buttons == ["inference on gpu1", "List machines"]
    await stage.alice.presses("inference on gpu1", offer)
    await stage.quiet()
    told = stage.alice.last(CHANNEL)
    assert "inference: first 5 lines" in told.plain


@pytest.mark.parametrize("line", ["vm delete infernce", "vm restart infernce force"])
async def test_a_guessed_machine_is_shown_before_anything_is_done_to_it(
    stage: Stage, line: str
) -> None:
    await stage.gives_session(stage.alice, "gpu1")
    offer = await stage.asks(stage.alice, f"/dbc {line}")
    await stage.alice.presses("inference on gpu1", offer)
    form = await stage.alice.sees_modal()
    assert form.value("Machine") == stage.task("inference").task_id
    assert "'text': 'inference'" in str(form.blocks)
    assert stage.changes() == []
    await stage.alice.submits()
    await stage.quiet()
    assert stage.changes() == []  # it is confirmed like any other request
    assert "inference" in stage.alice.last(CHANNEL).plain
    assert "Confirm" in stage.alice.last(CHANNEL).buttons


async def test_of_several_machines_each_is_a_button(one_stage: Stage) -> None:
    stage = one_stage
    await stage.gives_session(stage.alice, "gpu1")
    await stage.asks(stage.alice, "/dbc vm name inference train-1")
    await stage.asks(stage.alice, "/dbc vm name Ada train-2")
    offer = await stage.asks(stage.alice, "/dbc vm show train")
    assert "could be any of" in offer.plain
    assert offer.buttons == ["train-1 on gpu1", "train-2 on gpu1"]
    await stage.alice.presses("train-1 on gpu1", offer)
    await stage.quiet()
    assert stage.task("inference").task_id in stage.alice.last(CHANNEL).plain


async def test_nobody_is_offered_a_machine_that_they_may_not_see(one_stage: Stage) -> None:
    stage = one_stage
    await stage.gives_session(stage.alice, "gpu1", "gpu2")
    await stage.asks(stage.alice, "/dbc vm list")
    hidden = (
        '[[rule]]\nname = "secret"\ndeny = "Not for you."\n'
        f'match = {{ command = "vm.list", node = "{stage.node("gpu1").node_id}" }}\n'
    )
    rules(stage, CONFIRM_ONLY + hidden)
    told = await stage.asks(stage.alice, "/dbc vm show infrence")
    assert told.buttons == ["List machines"]
    assert "inference" not in told.plain
    await stage.gives_session(stage.bob, "gpu2")
    told = await stage.asks(stage.bob, "/dbc vm show infrence")
    assert "inference" not in told.plain


async def test_the_offer_is_in_the_readers_language(one_stage: Stage) -> None:
    stage = one_stage
    await stage.gives_session(stage.alice, "gpu1")
    await reads_chinese(stage)
    offer = await stage.asks(stage.alice, "/dbc 重启 infrence")
    assert_chinese(offer.plain)
    assert offer.buttons == ["gpu1 上的 inference", "列出虚拟机"]


async def test_a_nodes_name_is_offered_as_well(one_stage: Stage) -> None:
    stage = one_stage
    await stage.gives_session(stage.alice, "gpu1")
    told = await stage.asks(stage.alice, "/dbc node show gup1")
    assert "There is no node called “gup1”." in told.plain
    assert "Did you mean gpu1" in told.plain
