"""What somebody asks to see on the Home tab is shown above it; what stays is in the messages."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from bot.dbc.guard import Limits
from bot.ids import UserId
from bot.reply import Reply
from handlers.connection import SlackConnection
from handlers.modals import Modals, Told
from handlers.shortcuts import ANYWHERE
from tests.scenarios.machines import off
from tests.scenarios.stage import Stage, staged

HERE = "The answer is in the Messages tab."


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    async with staged(tmp_path) as one:
        await one.gives_session(one.alice, "gpu1")
        await one.asks(one.alice, "/dbc vm list")
        yield one


@pytest.fixture
async def patient(tmp_path: Path) -> AsyncIterator[Stage]:
    """One whose node says nothing, and whose daemon waits for it as long as a real one."""
    limits = Limits(read=timedelta(seconds=60))
    async with staged(tmp_path, daemon_patience=None, limits=limits) as one:
        await one.gives_session(one.alice, "gpu1")
        await one.asks(one.alice, "/dbc vm list")
        one.node("gpu1").silent = True
        yield one


async def chooses(stage: Stage, act: str) -> None:
    """Alice chooses it in the menu of inference on her Home tab."""
    await stage.alice.opens_home()
    home = await stage.alice.sees_home("inference")
    [menu] = [b["accessory"] for b in home.view.blocks if "*inference*" in str(b)]
    await stage.alice.chooses(menu["action_id"], act, on_home=True)


async def test_what_is_asked_for_on_the_home_is_shown_above_it(stage: Stage) -> None:
    said = len(stage.alice.messages("@dbc"))
    await chooses(stage, "Show")
    shown = await stage.alice.sees_modal("Local address|System")
    assert "Force restart" in shown.buttons
    await stage.alice.presses("Logs")
    await stage.quiet()
    await stage.alice.sees_modal("newest|No log|lines")
    await stage.alice.presses("Show")
    await stage.quiet()
    assert (await stage.alice.sees_modal("Local address|System")).view.id == shown.view.id
    assert len(stage.alice.messages("@dbc")) == said
    await stage.alice.closes()
    assert stage.alice.modal is None


async def test_a_form_takes_the_place_of_what_was_shown_and_leaves_the_home(stage: Stage) -> None:
    await chooses(stage, "Show")
    await stage.alice.sees_modal("Local address|System")
    await stage.alice.presses("More …")
    await stage.quiet()
    await stage.alice.sees_modal("What to do with|As last seen")
    await stage.alice.presses("Rename …")
    await stage.quiet()
    await stage.alice.submits({"Nickname": "infer-2"})
    await stage.quiet()
    assert stage.alice.modal is None
    await stage.alice.sees("infer-2", "@dbc")


async def test_what_stays_is_said_in_the_messages_and_the_modal_says_so(stage: Stage) -> None:
    off(stage)
    await stage.passes(120)
    await chooses(stage, "Show")
    await stage.alice.sees_modal("Local address|System")
    await stage.alice.presses("Start")
    await stage.quiet()
    assert (await stage.alice.sees_modal(HERE)).buttons == []
    await stage.alice.closes()
    await stage.ends(stage.alice, "inference is running")


async def test_a_silent_node_is_waited_for_above_the_home(patient: Stage) -> None:
    said = len(patient.alice.messages("@dbc"))
    await chooses(patient, "Logs")
    await patient.waits(1.1)
    await patient.alice.sees_modal("Still waiting for gpu1")
    patient.clock.advance(timedelta(seconds=40))
    await patient.quiet()
    told = await patient.alice.sees_modal("gpu1")
    assert "Still waiting" not in told.plain
    assert len(patient.alice.messages("@dbc")) == said


async def test_who_has_closed_it_meanwhile_reads_the_answer_in_the_messages(
    patient: Stage,
) -> None:
    await chooses(patient, "Logs")
    await patient.waits(1.1)
    await patient.alice.sees_modal("Still waiting for gpu1")
    await patient.alice.closes()
    patient.clock.advance(timedelta(seconds=40))
    await patient.quiet()
    await patient.alice.sees("gpu1", "@dbc")


async def test_a_late_answer_takes_the_place_of_no_form(patient: Stage) -> None:
    alice = patient.alice
    await chooses(patient, "More …")
    await alice.sees_modal("As last seen")
    await alice.presses("Logs")
    await alice.presses("Rename …")
    await alice.sees_modal("Nickname")
    await alice.fills({"Nickname": "infer-2"})
    await patient.waits(1.1)
    patient.clock.advance(timedelta(seconds=40))
    await patient.quiet()
    await alice.submits({})
    await patient.quiet()
    await alice.sees("infer-2", "@dbc")


async def test_a_dialog_of_which_slack_does_not_tell_is_found_and_ends(patient: Stage) -> None:
    patient.ws.faults.add("reset", "views.open", after_effect=True)
    await chooses(patient, "Logs")
    await patient.waits(1.1)
    await patient.alice.sees_modal("Still waiting for gpu1")
    patient.clock.advance(timedelta(seconds=40))
    await patient.quiet()
    assert "Still waiting" not in (await patient.alice.sees_modal("gpu1")).plain


async def test_what_another_replica_has_put_in_a_dialog_stays(stage: Stage) -> None:
    await chooses(stage, "More …")
    view = (await stage.alice.sees_modal("As last seen")).view
    connection = SlackConnection(stage.settings())
    await connection.open()
    one, other = Modals(connection, stage.clock), Modals(connection, stage.clock)
    told = Told("its-name", view.id, view.hash)
    assert await other.retell(Reply("newer"), UserId(stage.alice.id), told) is True
    assert await one.retell(Reply("older"), UserId(stage.alice.id), told) is None
    assert "newer" in (await stage.alice.sees_modal("")).plain
    await connection.close()


async def test_a_dialog_whose_bot_stops_says_so(patient: Stage) -> None:
    await chooses(patient, "Logs")
    await patient.waits(1.1)
    await patient.alice.sees_modal("Still waiting for gpu1")
    await patient.restart_bot()
    await patient.alice.sees_modal("The bot is stopping, so this was not finished")


async def test_passwords_open_before_nobody_who_has_closed_the_dialog(stage: Stage) -> None:
    await chooses(stage, "Show")
    await stage.alice.sees_modal("Local address|System")
    await stage.alice.presses("Reveal passwords")
    await stage.alice.closes()
    await stage.quiet()
    assert stage.alice.modal is None
    await stage.alice.sees("Press the button again", "@dbc")


async def test_a_form_above_the_home_says_where_it_is_to_be_confirmed(tmp_path: Path) -> None:
    async with staged(tmp_path, policy="[defaults]\nchange = { confirm = true }\n") as stage:
        await stage.gives_session(stage.alice, "gpu1")
        await stage.asks(stage.alice, "/dbc vm list")
        await chooses(stage, "More …")
        await stage.quiet()
        await stage.alice.presses("Set a password …")
        await stage.quiet()
        await stage.alice.submits({"New password": "Sup3rSecret1x"})
        await stage.quiet()
        await stage.alice.sees_modal("Confirm it in the Messages tab")


async def test_what_was_pressed_above_the_home_says_where_it_is_to_be_confirmed(
    tmp_path: Path,
) -> None:
    async with staged(tmp_path, policy="[defaults]\nchange = { confirm = true }\n") as stage:
        await stage.gives_session(stage.alice, "gpu1")
        off(stage)
        await stage.asks(stage.alice, "/dbc vm list")
        await chooses(stage, "Show")
        await stage.alice.sees_modal("Local address|System")
        await stage.alice.presses("Start")
        await stage.quiet()
        await stage.alice.sees_modal("Confirm it in the Messages tab")


async def test_a_form_for_what_is_asked_already_says_where_it_is_to_be_confirmed(
    stage: Stage,
) -> None:
    alice = stage.alice
    await stage.asks(alice, "/dbc vm restart inference")  # its question may be out of sight
    await alice.uses_shortcut(ANYWHERE)
    await alice.sees_modal("Run a command")
    await alice.submits({"Command": "vm restart"})
    await stage.quiet()
    await alice.sees_modal("Restart a machine")
    await alice.submits({"Machine": stage.task("inference").task_id})
    await stage.quiet()
    await alice.sees_modal("Confirm it in the Messages tab")
    assert "Confirm" in alice.last("@dbc").buttons
