"""Slack carries out what it was sent long after it was sent again: in the end one stands there."""

from typing import Any

import pytest

from sandbox.slack import SeenMessage
from tests.scenarios.images import PYTORCH
from tests.scenarios.machines import off
from tests.scenarios.stage import CHANNEL, Stage, is_card
from tests.scenarios.test_slow_slack import cards, carried_out, said

MINUTE = 60


async def hours_pass(stage: Stage, minutes: int = 75) -> None:
    """More than an hour passes, with whatever Slack had put off.

    In steps of half the pause that the bot makes between two looks, at the most.
    """
    for _ in range(minutes // 5):
        await carried_out(stage, 5 * MINUTE)


def seen_cards(stage: Stage) -> list[SeenMessage]:
    """The cards in the channel, oldest first."""
    return [one for one in stage.alice.messages(CHANNEL) if is_card(one.plain)]


async def posted_late(stage: Stage, minutes: int = 4) -> list[SeenMessage]:
    """The cards so long after a command whose card Slack posts six minutes late."""
    stage.ws.faults.add("reset", "chat.postMessage", times=1, late=6 * MINUTE)
    await stage.alice.types("/dbc vm start inference", CHANNEL)
    await stage.quiet()
    for _ in range(minutes * 4):
        await carried_out(stage, 15)
    return seen_cards(stage)


@pytest.fixture
async def stage(one_stage: Stage) -> Stage:
    """A machine to start, by Alice."""
    await one_stage.gives_session(one_stage.alice, "gpu1")
    off(one_stage)
    return one_stage


@pytest.mark.parametrize("late", [150, 10 * MINUTE, 45 * MINUTE])
@pytest.mark.parametrize(
    ("kind", "status"), [("reset", 0), pytest.param("http", 504, marks=pytest.mark.slow)]
)
async def test_a_card_and_an_end_stand_there_once_in_the_end(
    stage: Stage, kind: Any, status: int, late: float
) -> None:
    stage.ws.faults.add(kind, "chat.postMessage", times=3, late=late, status=status)
    await stage.alice.types("/dbc vm start inference", CHANNEL)
    await stage.quiet()
    for _ in range(40):
        await carried_out(stage, 15)
    await hours_pass(stage)
    [shown] = cards(stage)
    assert "is running on gpu1" in shown.replace("*", "")
    assert len(stage.endings(stage.alice)) == 1
    assert stage.changes() == ["tasks.start"]


async def test_for_a_while_there_may_be_two_and_the_one_with_the_answers_stays(
    stage: Stage,
) -> None:
    [known] = await posted_late(stage)
    await stage.bob.types("Thanks!", CHANNEL, known)
    await hours_pass(stage)
    [left] = seen_cards(stage)
    assert left.ts == known.ts


async def test_one_that_somebody_has_deleted_is_replaced_by_its_copy(stage: Stage) -> None:
    [known] = await posted_late(stage)
    del stage.ws.core.state.channel(CHANNEL).messages[known.ts]
    await hours_pass(stage)
    [left] = cards(stage)
    assert "is running on gpu1" in left.replace("*", "")


@pytest.mark.slow
async def test_a_question_can_be_answered_on_either_and_one_stays(one_stage: Stage) -> None:
    stage = one_stage
    for person in (stage.alice, stage.bob):
        await stage.gives_session(person, "gpu1")
    (stage.data / "policy.toml").write_text("[defaults]\n", encoding="utf-8")
    await stage.restart_bot()
    stage.ws.faults.add("reset", "chat.postMessage", times=1, late=4 * MINUTE)
    await stage.alice.types("/dbc vm delete inference", CHANNEL)
    await stage.quiet()
    for _ in range(17):
        await carried_out(stage, 15)
    late = seen_cards(stage)[-1]
    await stage.bob.presses("Approve", late)
    await stage.quiet()
    await hours_pass(stage)
    assert len(cards(stage)) == 1
    assert "deleted" in cards(stage)[0]
    assert stage.changes() == ["tasks.delete"]


@pytest.mark.parametrize("place", ["thread", "direct"])
async def test_in_a_thread_and_in_direct_messages_one_stays(stage: Stage, place: str) -> None:
    channel = CHANNEL if place == "thread" else "@dbc"
    if place == "thread":
        await stage.alice.types("It is down.", CHANNEL)
    thread = stage.alice.last(CHANNEL) if place == "thread" else None
    stage.ws.faults.add("reset", "chat.postMessage", times=1, late=7 * MINUTE)
    await stage.alice.types("@dbc vm start inference", channel, thread)
    await stage.quiet()
    for _ in range(12):
        await carried_out(stage, 20)
    await hours_pass(stage)
    assert len(cards(stage, channel)) == 1
    assert len(stage.endings(stage.alice)) == 1


async def test_a_restart_in_between_changes_nothing(stage: Stage) -> None:
    stage.ws.faults.add("reset", "chat.postMessage", times=2, late=9 * MINUTE)
    await stage.alice.types("/dbc vm start inference", CHANNEL)
    await stage.quiet()
    for _ in range(4):
        await carried_out(stage, 15)
    await stage.restart_bot()
    for _ in range(14):
        await carried_out(stage, 15)
    await stage.restart_bot()
    await hours_pass(stage)
    assert len(cards(stage)) == 1
    assert len(stage.endings(stage.alice)) == 1


async def test_an_old_edit_that_comes_very_late_does_not_stay(stage: Stage) -> None:
    await stage.asks(stage.alice, f"/dbc image download {PYTORCH} on gpu1")
    for _ in range(3):
        await stage.passes(5)
    stage.ws.faults.add("reset", "chat.update", times=2, late=8 * MINUTE)
    await stage.ends(stage.alice, f"{PYTORCH} was downloaded to gpu1", within=400)
    await hours_pass(stage)
    assert len(cards(stage)) == 1
    assert "was downloaded to" in cards(stage)[0].replace("*", "")


@pytest.mark.parametrize("late", [5 * MINUTE, 40 * MINUTE])
async def test_an_answer_to_a_mention_stands_there_once_in_the_end(
    stage: Stage, late: float
) -> None:
    stage.ws.faults.add("reset", "chat.postMessage", times=1, late=late)
    await stage.alice.types("@dbc vm list", CHANNEL)
    await said(stage)
    await hours_pass(stage)
    assert len([m for m in stage.alice.messages() if m.message.bot]) == 1


async def test_a_file_is_shared_once_in_the_end(stage: Stage) -> None:
    stage.ws.faults.add("reset", "files.completeUploadExternal", times=1, late=6 * MINUTE)
    await stage.alice.types("@dbc vm list --file", CHANNEL)
    await said(stage)
    await hours_pass(stage)
    assert len([m for m in stage.alice.messages() if m.files]) == 1


async def test_what_the_bot_may_not_read_is_looked_for_no_longer(stage: Stage) -> None:
    stage.ws.take_scopes("channels:history")
    stage.ws.faults.add("reset", "chat.postMessage", times=1, late=10 * MINUTE)
    await stage.alice.types("/dbc vm start inference", CHANNEL)
    await stage.quiet()
    await hours_pass(stage)
    assert len(cards(stage)) == 2  # nothing says that there are two
    assert len(stage.endings(stage.alice)) == 1


@pytest.mark.parametrize("error", ["edit_window_closed", "cant_update_message"])
async def test_one_that_takes_no_edits_any_more_stays_and_its_copy_goes(
    stage: Stage, error: str
) -> None:
    [known] = await posted_late(stage)
    stage.ws.faults.error(error, "chat.update", times=None)
    await hours_pass(stage)
    [left] = seen_cards(stage)
    assert left.ts == known.ts


@pytest.mark.slow
async def test_in_an_archived_channel_nothing_is_tried_in_vain(stage: Stage) -> None:
    await posted_late(stage, minutes=7)
    stage.ws.core.state.channel(CHANNEL).is_archived = True
    before = len(stage.ws.calls_of("chat.delete"))
    await hours_pass(stage, 30)
    assert len(stage.ws.calls_of("chat.delete")) == before
    stage.ws.core.state.channel(CHANNEL).is_archived = False
    await hours_pass(stage)
    assert len(seen_cards(stage)) == 1


async def test_an_edit_without_an_answer_costs_no_search(stage: Stage) -> None:
    await stage.asks(stage.alice, "/dbc vm start inference")
    stage.ws.faults.add("reset", "chat.update", times=2, late=8 * MINUTE)
    await stage.ends(stage.alice, "inference is running on gpu1", within=400)
    await hours_pass(stage)
    assert stage.ws.calls_of("conversations.history") == []
    assert "is running on gpu1" in cards(stage)[0].replace("*", "")
