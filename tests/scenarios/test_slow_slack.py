"""Slack is slow: what it carries out late, and answers late or never, stands there once."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from tests.scenarios.machines import off
from tests.scenarios.stage import CHANNEL, Stage, is_card


async def carried_out(stage: Stage, seconds: float) -> None:
    """So much time passes, and Slack does what it had put off until then."""
    await stage.passes(seconds)
    await stage.ws.caught_up()


async def said(stage: Stage) -> None:
    """Time passes until the bot has said what it is saying, whatever that waits for."""
    quiet = asyncio.ensure_future(stage.quiet())
    while not quiet.done():
        asleep = asyncio.ensure_future(stage.clock.sleeping())
        await asyncio.wait({quiet, asleep}, return_when=asyncio.FIRST_COMPLETED)
        asleep.cancel()
        await carried_out(stage, 20)
    await quiet


def cards(stage: Stage, channel: str = CHANNEL) -> list[str]:
    """The cards that stand in a channel."""
    return [m.plain for m in stage.alice.messages(channel) if is_card(m.plain)]


@pytest.mark.parametrize(
    ("kind", "status", "late"),
    [
        *(("reset", 0, late) for late in (7, 20, 45, 100)),
        *(("http", 504, late) for late in (7, 20, 45, 100)),
        ("http", 503, 45),
        ("http", 200, 45),
        ("malformed", 200, 45),
    ],
)
async def test_a_card_and_an_end_that_come_late_stand_there_once(
    one_stage: Stage, kind: Any, status: int, late: float
) -> None:
    stage = one_stage
    await stage.gives_session(stage.alice, "gpu1")
    off(stage)
    slow = stage.ws.faults.add(kind, "chat.postMessage", times=None, late=late, status=status)
    await stage.alice.types("/dbc vm start inference", CHANNEL)
    await stage.quiet()
    for _ in range(8):
        await stage.passes(5)
    for _ in range(8):
        await carried_out(stage, 30)
    stage.ws.faults.pending.remove(slow)
    for _ in range(3):
        await carried_out(stage, 60)
    assert len(cards(stage)) == 1
    assert "is running on gpu1" in cards(stage)[0].replace("*", "")
    assert len(stage.endings(stage.alice)) == 1


@pytest.mark.parametrize("place", ["thread", "direct"])
async def test_a_late_card_in_a_thread_or_a_direct_message_stands_there_once(
    one_stage: Stage, place: str
) -> None:
    stage = one_stage
    await stage.gives_session(stage.alice, "gpu1")
    off(stage)
    channel = CHANNEL if place == "thread" else "@dbc"
    if place == "thread":
        await stage.alice.types("It is down.", CHANNEL)
    thread = stage.alice.last(CHANNEL) if place == "thread" else None
    stage.ws.faults.add("reset", "chat.postMessage", times=1, late=25)
    await stage.alice.types("@dbc vm start inference", channel, thread)
    await stage.quiet()
    for _ in range(12):
        await carried_out(stage, 20)
    assert len(cards(stage, channel)) == 1
    assert len(stage.endings(stage.alice)) == 1


@pytest.mark.parametrize("kind", ["reset", "http_500"])
async def test_what_is_never_carried_out_is_posted_in_the_end(one_stage: Stage, kind: Any) -> None:
    stage = one_stage
    await stage.gives_session(stage.alice, "gpu1")
    off(stage)
    stage.ws.faults.add(kind, "chat.postMessage", times=2)
    await stage.alice.types("/dbc vm start inference", CHANNEL)
    await stage.quiet()
    for _ in range(20):
        await stage.passes(15)
    assert len(cards(stage)) == 1
    assert len(stage.endings(stage.alice)) == 1


async def test_an_old_edit_that_comes_last_does_not_stay(one_stage: Stage) -> None:
    stage = one_stage
    await stage.gives_session(stage.alice, "gpu1")
    off(stage)
    await stage.asks(stage.alice, "/dbc vm start inference")
    stage.ws.faults.add("reset", "chat.update", times=2, late=50)
    await stage.ends(stage.alice, "inference is running on gpu1")
    for _ in range(10):
        await carried_out(stage, 20)
    assert len(cards(stage)) == 1
    assert "is running on gpu1" in cards(stage)[0].replace("*", "")


async def test_a_card_that_slack_shows_with_a_clock_behind_ours_is_found(one_stage: Stage) -> None:
    stage = one_stage
    await stage.gives_session(stage.alice, "gpu1")
    off(stage)
    stage.ws.faults.add("reset", "chat.postMessage", times=1, after_effect=True)
    await stage.alice.types("/dbc vm start inference", CHANNEL)
    await stage.quiet()
    [posted] = [m for m in stage.alice.messages(CHANNEL) if is_card(m.plain)]
    messages = stage.ws.core.state.channel(CHANNEL).messages
    early = f"{float(posted.ts) - 60:.6f}"
    messages[early] = messages.pop(posted.ts)
    messages[early].ts = early
    for _ in range(12):
        await stage.passes(20)
    assert len(cards(stage)) == 1


@pytest.mark.parametrize("kind", ["reset", "http"])
@pytest.mark.parametrize("line", ["vm list", "node name gpu1 left"])
async def test_a_late_answer_to_a_mention_stands_there_once(
    one_stage: Stage, kind: Any, line: str
) -> None:
    stage = one_stage
    await stage.gives_session(stage.alice, "gpu1")
    stage.ws.faults.add(kind, "chat.postMessage", times=1, late=70, status=502)
    await stage.alice.types(f"@dbc {line}", CHANNEL)
    await said(stage)
    for _ in range(10):
        await carried_out(stage, 20)
    [told] = [m for m in stage.alice.messages() if m.message.bot]
    assert told.channel == stage.ws.core.state.channel(CHANNEL).id


async def test_a_form_that_slack_opened_without_saying_so_is_offered_by_no_button(
    one_stage: Stage,
) -> None:
    stage = one_stage
    stage.ws.faults.add("reset", "views.open", after_effect=True)
    await stage.alice.types("/dbc session add gpu1", CHANNEL)
    await stage.alice.sees_modal("Add a session")
    await stage.quiet()
    assert stage.alice.messages(CHANNEL) == []


async def test_a_form_that_slack_opens_late_is_offered_by_no_button(one_stage: Stage) -> None:
    stage = one_stage
    stage.ws.faults.add("reset", "views.open", late=2)
    await stage.alice.types("/dbc session add gpu1", CHANNEL)
    await stage.ws.until(lambda: stage.ws.calls_of("views.update"))
    stage.clock.advance(timedelta(seconds=2))
    await stage.alice.sees_modal("Add a session")
    await stage.quiet()
    assert stage.alice.messages(CHANNEL) == []


@pytest.mark.parametrize(("kind", "late"), [("reset", 0), ("http_500", 0), ("reset", 45)])
async def test_a_file_whose_sharing_is_not_answered_is_shared_once(
    one_stage: Stage, kind: Any, late: float
) -> None:
    stage = one_stage
    await stage.gives_session(stage.alice, "gpu1")
    stage.ws.faults.add(kind, "files.completeUploadExternal", after_effect=not late, late=late)
    await stage.alice.types("@dbc vm list --file", CHANNEL)
    await said(stage)
    assert len([m for m in stage.alice.messages() if m.files]) == 1
    assert len([m for m in stage.alice.messages() if "in the file here" in m.plain]) == 1
    assert not [m for m in stage.alice.messages() if "Still waiting" in m.plain]


async def test_an_answer_to_a_mention_that_slack_lost_is_said_once(one_stage: Stage) -> None:
    stage = one_stage
    await stage.gives_session(stage.alice, "gpu1")
    stage.ws.faults.add("reset", "chat.postMessage")
    await stage.alice.types("@dbc vm list", CHANNEL)
    await said(stage)
    assert len([m for m in stage.alice.messages() if m.message.bot]) == 1


async def test_what_nobody_lets_the_bot_look_for_is_posted_in_the_end(one_stage: Stage) -> None:
    stage = one_stage
    await stage.gives_session(stage.alice, "gpu1")
    off(stage)
    stage.ws.take_scopes("channels:history")
    stage.ws.faults.add("reset", "chat.postMessage")
    await stage.alice.types("/dbc vm start inference", CHANNEL)
    await stage.quiet()
    await stage.passes(60)
    assert cards(stage) == []
    for _ in range(10):
        await stage.passes(15)
    assert len(cards(stage)) == 1
    assert "is running on gpu1" in cards(stage)[0].replace("*", "")
