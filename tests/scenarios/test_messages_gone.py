"""What is still to be told is told where the message that should say it is gone, or stays as it is.

Somebody deletes it, it is too old for an edit, or it is not the bot's any more.
"""

from pathlib import Path

import pytest

from sandbox.slack import SeenMessage
from tests.scenarios.machines import off
from tests.scenarios.site import NAME, approves, asked, denies, site
from tests.scenarios.stage import CHANNEL, CONFIRM_ONLY, Stage, is_card, staged

TWO = '[[rule]]\nname = "two"\nmatch = { command = "vm.delete" }\napprovals = 2\n'


def deleted(stage: Stage, message: SeenMessage) -> None:
    """A workspace admin deletes it."""
    del stage.ws.core.state.channel(message.channel).messages[message.ts]


async def goes_on(stage: Stage, minutes: int) -> None:
    """So many rounds of the clockwork, one a minute."""
    for _ in range(minutes):
        await stage.passes(60)
        await stage.quiet()


def seen(stage: Stage) -> list[SeenMessage]:
    """The cards in the channel, oldest first."""
    return [one for one in stage.alice.messages(CHANNEL) if is_card(one.plain)]


@pytest.mark.parametrize(
    "error", ["message_not_found", "cant_update_message", "edit_window_closed"]
)
async def test_a_question_that_takes_no_edit_is_asked_anew(tmp_path: Path, error: str) -> None:
    async with site(tmp_path, TWO) as stage:
        question = stage.shown_to_all(await asked(stage))
        if error == "message_not_found":
            deleted(stage, question)
        else:
            stage.ws.faults.error(error, "chat.update", times=1)
        await approves(stage, stage.bob, await stage.bob.sees("Delete"))
        *_, again = seen(stage)
        assert again.ts != question.ts
        assert "1 of 2" in again.plain
        await approves(stage, stage.carol, again)
        await stage.ends(stage.alice, f"{NAME} is deleted on gpu1")
        assert stage.changes() == ["tasks.delete"]
        if error == "message_not_found":
            assert len(seen(stage)) == 1


async def test_a_refusal_is_told_though_its_question_is_gone(tmp_path: Path) -> None:
    async with site(tmp_path) as stage:
        question = stage.shown_to_all(await asked(stage))
        copy = await stage.bob.sees("Delete")
        deleted(stage, question)
        await denies(stage, stage.bob, copy, "It trains until Friday.")
        told = [m.plain for m in stage.alice.messages() if "until Friday" in m.plain]
        assert len(told) == 1


async def test_an_end_is_told_once_though_card_and_thread_are_gone(one_stage: Stage) -> None:
    stage = one_stage
    await stage.gives_session(stage.alice, "gpu1")
    off(stage)
    await stage.asks(stage.alice, "/dbc vm start inference")
    [card] = seen(stage)
    deleted(stage, card)
    await stage.ends(stage.alice, "inference is running on gpu1")
    assert seen(stage) == []  # its progress and its last face are told by nothing else
    assert len(stage.endings(stage.alice)) == 1


async def test_that_a_node_is_back_is_told_once_though_its_alarm_is_gone(tmp_path: Path) -> None:
    async with staged(tmp_path, policy=f"{CONFIRM_ONLY}[outages]\n") as stage:
        await stage.gives_session(stage.alice, "gpu1")
        await goes_on(stage, 3)
        stage.world.faults.on("dead_node", node="gpu1")
        await goes_on(stage, 20)
        [alarm] = [m for m in stage.alice.messages("@dbc") if "has not responded" in m.plain]
        deleted(stage, alarm)
        stage.world.faults.off()
        await goes_on(stage, 12)
        [back] = [m for m in stage.alice.messages("@dbc") if "is responding again" in m.plain]
        assert back.thread_ts is None
