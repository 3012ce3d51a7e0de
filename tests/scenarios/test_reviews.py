"""The question before what disrupts or destroys: who may answer, once, until when."""

import asyncio
from datetime import timedelta

import pytest

from sandbox.slack import SeenMessage
from tests.scenarios.site import both_stages
from tests.scenarios.stage import CHANNEL, Stage

EXPIRED = timedelta(minutes=10, seconds=1)


async def asks_delete(stage: Stage) -> SeenMessage:
    await stage.gives_session(stage.alice, "gpu1")
    return await stage.asks(stage.alice, "/dbc vm delete inference")


@both_stages
async def test_a_cancelled_question_changes_nothing(stage: Stage) -> None:
    card = await asks_delete(stage)
    await stage.alice.presses("Withdraw", card)
    seen = await stage.alice.sees(r"You withdrew “Delete .inference. on .gpu1.”\.")
    assert (seen.ts, seen.buttons) == (card.ts, [])
    await stage.passes(30)
    assert stage.changes() == []
    assert stage.endings(stage.alice) == []


@both_stages
async def test_a_question_expires_after_ten_minutes(stage: Stage) -> None:
    card = await asks_delete(stage)
    await stage.passes(9 * 60)
    assert stage.alice.messages(CHANNEL)[-1].buttons == ["Confirm", "Withdraw", "Show"]
    await stage.passes(61)
    await stage.alice.sees(r"expired: it was not confirmed in time\.", "@dbc")
    await stage.alice.presses("Confirm", card)
    await stage.quiet()
    [seen] = [m for m in stage.alice.messages(CHANNEL) if m.ts == card.ts]
    assert ("This expired" in seen.plain, seen.buttons) == (True, [])
    assert stage.changes() == []


@both_stages
async def test_a_click_at_the_last_moment_comes_too_late(stage: Stage) -> None:
    card = await asks_delete(stage)
    stage.clock.advance(EXPIRED)
    await stage.alice.presses("Confirm", card)
    await stage.alice.sees("This expired 1 s ago")
    await stage.passes(5)
    await stage.alice.sees(r"expired: it was not confirmed in time")
    assert stage.changes() == []


@both_stages
async def test_only_who_asked_can_answer(stage: Stage) -> None:
    card = stage.shown_to_all(await asks_delete(stage))
    await stage.gives_session(stage.bob, "gpu1")
    for button in ("Confirm", "Withdraw"):
        await stage.bob.presses(button, card)
        told = await stage.bob.sees("Only the requester")
        assert told.ephemeral
    await stage.quiet()
    assert stage.changes() == []
    await stage.alice.presses("Confirm", card)
    await stage.ends(stage.alice, "inference is deleted")
    assert stage.changes() == ["tasks.delete"]


@both_stages
async def test_twenty_clicks_are_one_call(stage: Stage) -> None:
    card = await asks_delete(stage)
    await asyncio.gather(*(stage.alice.presses("Confirm", card) for _ in range(20)))
    await stage.quiet()
    await stage.ends(stage.alice, "inference is deleted")
    assert stage.changes() == ["tasks.delete"]
    assert len(stage.endings(stage.alice)) == 1


@both_stages
async def test_one_click_delivered_twenty_times_is_one_call(stage: Stage) -> None:
    card = await asks_delete(stage)
    await stage.alice.presses("Confirm", card)
    for _ in range(20):
        await stage.ws.deliver_again("block_actions")
    await stage.quiet()
    await stage.ends(stage.alice, "inference is deleted")
    assert stage.changes() == ["tasks.delete"]


@both_stages
async def test_confirm_and_cancel_at_once_are_decided_once(stage: Stage) -> None:
    card = await asks_delete(stage)
    await asyncio.gather(
        stage.alice.presses("Withdraw", card), stage.alice.presses("Confirm", card)
    )
    await stage.quiet()
    await stage.passes(5)
    await stage.passes(5)
    screen = stage.alice.screen().replace("*", "")
    cancelled = "You withdrew “" in screen or "you withdrew this" in screen
    assert stage.changes() == ([] if cancelled else ["tasks.delete"])
    assert cancelled != ("inference is deleted" in screen)
    assert "Too late: " in screen


@both_stages
async def test_a_late_click_is_told_what_was_decided(stage: Stage) -> None:
    card = await asks_delete(stage)
    view = stage.alice.messages(CHANNEL)[-1]
    await stage.alice.presses("Withdraw", view)
    await stage.quiet()
    await stage.ws.deliver_again("block_actions")
    await stage.quiet()
    assert stage.changes() == []
    assert card.ts == view.ts


async def test_a_question_typed_again_is_the_same_question(one_stage: Stage) -> None:
    first = await asks_delete(one_stage)
    await one_stage.passes(31)
    second = await one_stage.asks(one_stage.alice, "/dbc vm delete inference")
    assert first.ts != second.ts
    assert second.buttons[:3] == first.buttons
    await one_stage.alice.presses("Confirm", first)
    await one_stage.quiet()
    await one_stage.alice.presses("Confirm", second)
    await one_stage.quiet()
    await one_stage.ends(one_stage.alice, "inference is deleted")
    await one_stage.passes(31)
    assert one_stage.changes() == ["tasks.delete"]
    again = next(m for m in one_stage.alice.messages() if m.ts == second.ts)
    assert "You confirmed" in again.plain
    assert again.buttons == []


@pytest.mark.parametrize("renamed", ["Ada", "inference"])
async def test_a_name_that_moved_voids_the_confirmation(one_stage: Stage, renamed: str) -> None:
    """What was confirmed is one machine, whatever its name has come to mean since."""
    stage = one_stage
    await stage.gives_session(stage.alice, "gpu1")
    await stage.asks(stage.alice, "/dbc vm name inference prod")
    card = await stage.asks(stage.alice, "/dbc vm delete prod")
    await stage.asks(stage.alice, "/dbc vm name inference old")
    if renamed == "Ada":
        await stage.asks(stage.alice, "/dbc vm name Ada prod")
    else:
        await stage.asks(stage.alice, "/dbc vm name inference prod")
    await stage.alice.presses("Confirm", card)
    await stage.quiet()
    await stage.passes(5)
    left = {task.desc for task in stage.node("gpu1").tasks.values()}
    if renamed == "Ada":
        assert stage.changes() == []
        assert "means another machine now" in stage.alice.screen()
        assert len(left) == 2
    else:
        assert left == {"Ada's training run"}
