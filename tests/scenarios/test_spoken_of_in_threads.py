"""What a line in the thread of a card means without naming its machine: “restart it”."""

from pathlib import Path

import pytest

from sandbox.slack import SeenMessage
from tests.scenarios.site import asked, site
from tests.scenarios.stage import CHANNEL, Stage, card
from tests.scenarios.test_threads import START, ready

BOT = "@dbc"
STARTED = ["tasks.start"]


@pytest.fixture
async def stage(one_stage: Stage) -> Stage:
    """Alice has started inference, and there are other machines."""
    stage = one_stage
    await ready(stage)
    await stage.gives_session(stage.alice, "gpu2")
    await stage.gives_session(stage.bob, "gpu1")
    await stage.asks(stage.alice, START)
    await stage.passes(60)
    return stage


async def says(stage: Stage, line: str, thread: SeenMessage | None) -> SeenMessage:
    """What Alice is told for a mention with this line."""
    return await stage.asks(stage.alice, f"{BOT} {line}", CHANNEL, thread)


async def test_it_is_the_machine_of_the_card(stage: Stage) -> None:
    thread = card(stage.alice)
    for line in (
        "restart it", "please restart it", "restart this one", "restart the machine!",
        "can you restart this machine please", "重启它", "重启这台机器",
    ):  # fmt: skip
        told = await says(stage, line, thread)
        assert "Restart *inference* on *gpu1*" in told.plain, line
        assert told.message.thread_ts == thread.ts, line
    for line in ("logs", "logs please", "show the logs of this machine", "what about its logs?"):
        told = await says(stage, line, thread)
        if told.buttons[0] == "Show a machine's log":
            await stage.alice.presses("Show a machine's log", told)
            await stage.quiet()
            told = stage.alice.last(CHANNEL)
        assert told.plain.startswith("*inference: last "), line
    assert stage.changes() == STARTED


async def test_what_destroys_it_asks_and_names_it(stage: Stage) -> None:
    thread = card(stage.alice)
    for line, button in {
        "delete it": "Delete a machine",
        "shut it down": "Shut down a machine",
        "把它删掉": "Delete a machine",
    }.items():
        told = await says(stage, line, thread)
        assert told.buttons[0] == button, line
        await stage.alice.presses(button, told)
        form = await stage.alice.sees_modal(button)
        assert form.value("Machine") == stage.task("inference").task_id, line
        await stage.alice.closes()
    told = await says(stage, "force restart it", thread)
    assert "Force-restart *inference* on *gpu1*?" in told.plain
    assert stage.changes() == STARTED


async def test_what_changes_it_unnamed_opens_the_form_with_it(stage: Stage) -> None:
    thread = card(stage.alice)
    told = await says(stage, "restart", thread)
    await stage.alice.presses("Open the form", told)
    form = await stage.alice.sees_modal("Restart a machine")
    assert form.value("Machine") == stage.task("inference").task_id
    assert stage.changes() == STARTED


async def test_a_line_that_names_another_machine_is_about_that_one(stage: Stage) -> None:
    thread = card(stage.alice)
    told = await says(stage, 'restart "Ada\'s training run", it hangs', thread)
    assert "inference" not in told.plain
    told = await says(stage, "restart it and ada", thread)
    assert "Confirm" not in told.buttons
    told = await says(stage, "restart it on gpu2", thread)
    assert "inference is on gpu1, not on gpu2." in told.plain
    assert stage.changes() == STARTED


async def test_elsewhere_it_is_nothing(stage: Stage) -> None:
    for thread in (None, await says(stage, "vm list", None)):
        told = await says(stage, "restart it", thread)
        assert told.buttons == ["Restart a machine", "Switch the power"]
    assert stage.changes() == STARTED


async def test_the_thread_of_what_waits_for_approval_is_about_its_machine(tmp_path: Path) -> None:
    async with site(tmp_path, entitled="alice bob") as stage:
        told = await says(stage, "show it", await asked(stage))
        await stage.alice.presses("Show a machine", told)
        await stage.quiet()
        assert stage.alice.last(CHANNEL).plain.startswith("*inference* on *gpu1*")
