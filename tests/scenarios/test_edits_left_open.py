"""What stands there is brought to the newest state in the end, whatever became of an edit."""

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from tests.scenarios.machines import off
from tests.scenarios.site import NAME, rules, site
from tests.scenarios.stage import CHANNEL, Stage
from tests.scenarios.test_slow_slack import cards, carried_out
from tests.scenarios.test_very_slow_slack import hours_pass

CREATE = "/dbc vm create name=t1 image=ubuntu-22.04-cuda-12.qcow2 on gpu2"
SHUT = [
    "channel_is_archived",
    "channel_not_found",
    "is_archived",
    "not_in_channel",
    "posting_to_channel_denied",
    "restricted_action",
    "restricted_action_read_only_channel",
]


async def test_an_edit_of_a_process_that_ended_does_not_undo_a_later_one(one_stage: Stage) -> None:
    stage = one_stage
    await stage.gives_session(stage.alice, "gpu1", "gpu2")
    await stage.alice.types(CREATE, CHANNEL)
    await stage.quiet()
    stage.ws.faults.add("hang", "chat.update", times=1, late=60)
    stage.clock.advance(timedelta(seconds=3))
    ticking = asyncio.ensure_future(stage.bot.tick())
    await stage.ws.until(lambda: stage.ws.core.late)
    await stage.restart_bot()  # while the edit has no answer
    ticking.cancel()
    await stage.passes(5, times=8)
    assert ["is running" in card for card in cards(stage)] == [True]
    for _ in range(12):
        await carried_out(stage, 15)
    assert not stage.ws.core.late
    assert ["is running" in card for card in cards(stage)] == [True]


async def test_an_edit_that_is_answered_is_not_repeated(one_stage: Stage) -> None:
    stage = one_stage
    await stage.gives_session(stage.alice, "gpu1")
    off(stage)
    await stage.asks(stage.alice, "/dbc vm start inference")
    await stage.ends(stage.alice, "inference is running on gpu1")
    edits = len(stage.ws.calls_of("chat.update"))
    for _ in range(20):
        await carried_out(stage, 20)
    assert len(stage.ws.calls_of("chat.update")) == edits


@pytest.mark.parametrize("error", SHUT)
async def test_a_card_in_a_place_that_was_shut_for_a_while_stops_asking(
    tmp_path: Path, error: str
) -> None:
    async with site(tmp_path) as stage:
        await stage.alice.types("/dbc vm delete inference", CHANNEL)
        await stage.quiet()
        question = await stage.bob.sees("Delete")
        stage.ws.faults.error(error, "chat.update", times=None)
        await stage.bob.presses("Approve", question)
        await stage.quiet()
        await stage.passes(30, times=8)
        assert "Delete" in cards(stage)[0]
        stage.ws.faults.pending.clear()
        await stage.passes(60, times=20)
        assert "is deleted" in cards(stage)[0].replace("*", "")
        assert not [m for m in stage.alice.messages(CHANNEL) if m.buttons]
        assert stage.changes() == ["tasks.delete"]


@pytest.mark.slow
async def test_tries_in_a_place_that_stays_shut_become_rare(tmp_path: Path) -> None:
    async with site(tmp_path) as stage:
        await stage.alice.types("/dbc vm delete inference", CHANNEL)
        await stage.quiet()
        question = await stage.bob.sees("Delete")
        stage.ws.faults.error("is_archived", "chat.update", times=None)
        await stage.bob.presses("Approve", question)
        await stage.quiet()
        await hours_pass(stage, 90)
        before = len(stage.ws.calls_of("chat.update"))
        await hours_pass(stage, 120)
        tried = len(stage.ws.calls_of("chat.update")) - before
        assert 3 <= tried <= 3 * 3  # the card and its copies, about once an hour


async def test_whoever_confirmed_is_told_directly_once_where_the_card_cannot_say_it(
    tmp_path: Path,
) -> None:
    async with site(tmp_path) as stage:
        rules(stage, "[defaults]\nchange = { confirm = true }\n")
        await stage.alice.types(f"/dbc vm name {NAME} called", CHANNEL)
        await stage.quiet()
        question = stage.alice.last(CHANNEL)
        stage.ws.faults.error("not_in_channel", "chat.update", times=None)
        await stage.alice.presses(question.buttons[0], question)
        await stage.quiet()
        await stage.passes(30, times=12)
        told = [m.plain for m in stage.alice.messages("@dbc") if "called" in m.plain]
        assert len(told) == 1, told
        assert "I am not in" in told[0]
        stage.ws.faults.pending.clear()
        await stage.passes(60, times=12)
        [shown] = cards(stage)
        assert "?" not in shown
        assert "called" in shown
