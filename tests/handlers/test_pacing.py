"""Who waits for Slack's next window, and who does not."""

import asyncio
from datetime import timedelta

import pytest

from bot.ids import ChannelId
from bot.ports import PutOff
from handlers.pacing import PATIENCE, POST, Pacing
from sandbox.slack import HandClock

NO_TIME = timedelta()


async def answered() -> str:
    return "ok"


async def refused() -> str:
    raise PutOff("ratelimited", timedelta(seconds=2))


async def test_what_lives_by_a_trigger_is_not_sent_once_the_trigger_is_dead() -> None:
    pacing = Pacing(HandClock())
    for call in (refused, answered):
        with pytest.raises(PutOff):
            await pacing.send("views.open", ChannelId(""), call, PATIENCE)


@pytest.mark.parametrize("method", ["users.info", "usergroups.list", "views.update"])
async def test_slow_calls_for_others_hold_up_nobody_who_waits_for_a_person(method: str) -> None:
    pacing, slow = Pacing(HandClock()), asyncio.Event()

    async def hang() -> str:
        await slow.wait()
        return "late"

    hanging = [
        asyncio.create_task(pacing.send(method, ChannelId(""), hang, NO_TIME)) for _ in range(5)
    ]
    await asyncio.sleep(0)
    assert await asyncio.wait_for(pacing.send(method, ChannelId(""), answered, NO_TIME), 5) == "ok"
    slow.set()
    assert await asyncio.gather(*hanging) == ["late"] * 5


async def test_posts_in_one_channel_go_a_few_at_a_time() -> None:
    pacing, slow, begun = Pacing(HandClock()), asyncio.Event(), 0

    async def hang() -> str:
        nonlocal begun
        begun += 1
        await slow.wait()
        return "late"

    hanging = [
        asyncio.create_task(pacing.send(POST, ChannelId("C1"), hang, NO_TIME)) for _ in range(9)
    ]
    await asyncio.sleep(0)
    assert begun == 5
    slow.set()
    await asyncio.gather(*hanging)
