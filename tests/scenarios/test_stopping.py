"""The bot is told to stop while people wait: they are told, and nothing more is taken."""

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from bot.app import Bot
from bot.dbc.guard import Limits
from tests.clocks import unwaited
from tests.scenarios.site import NAME
from tests.scenarios.stage import CHANNEL, staged


@pytest.mark.parametrize("where", [CHANNEL, "@dbc"])
async def test_who_waits_for_an_answer_reads_that_the_bot_is_stopping(
    tmp_path: Path, where: str
) -> None:
    limits = Limits(read=timedelta(seconds=60))
    async with staged(tmp_path, daemon_patience=None, limits=limits) as stage:
        await stage.gives_session(stage.alice, "gpu1")
        await stage.asks(stage.alice, "/dbc vm list")
        stage.node("gpu1").silent = True
        await stage.alice.types(f"/dbc vm logs {NAME}", where)
        await stage.waits(3.1)
        await stage.alice.sees("Still waiting for gpu1", where)
        await unwaited(stage.bot.stop())
        told = await stage.alice.sees("The bot is stopping, so this was not finished", where)
        assert "Try again in a minute" in told.plain


async def test_nothing_is_taken_while_jobs_under_way_may_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with staged(tmp_path, daemon_patience=None) as stage:
        await stage.bot.stop()
        stage.world.faults.on("hang")
        stage.world.calls.clear()
        stage.bot = Bot(stage.settings(), stage.machine, Limits(read=timedelta(seconds=60)))
        await stage.bot.start()
        await stage.bot.edge.connected()
        await stage.world.calls.wait()
        with capture_logs() as logs, monkeypatch.context() as still:
            now = asyncio.get_running_loop().time()
            # The time that these jobs are left does not pass.
            still.setattr(asyncio.get_running_loop(), "time", lambda: now)
            stopping = asyncio.create_task(stage.bot.stop())
            await stage.ws.until(lambda: not stage.ws.connected)
            while not logs:  # noqa: ASYNC110 - told to nobody
                await asyncio.sleep(0)
            for _ in range(5000):  # in which a job could end that is not left its time
                await asyncio.sleep(0)
            assert [one["event"] for one in logs] == ["socket.closed"]
        await unwaited(asyncio.wait_for(stopping, None))
