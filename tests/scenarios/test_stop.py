"""SIGTERM: what is under way ends within a bound, or is left for the next process to find."""

import asyncio
import json
import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from bot.dbc.guard import Limits
from tests.clocks import unwaited
from tests.mortal import START, Mortal, mortal
from tests.scenarios.stage import CHANNEL, staged
from tests.scenarios.test_crash import CREATE

# Answers under way get ten seconds, requests by HTTP three; the rest is closing what is open.
BOUND = 20.0


async def asked_for_a_machine(one: Mortal) -> None:
    """Alice has asked for a machine, and the daemon has got the call."""
    alice = one.ws.member("alice")
    await one.gives_session(alice, "gpu2")
    await alice.types(CREATE, channel=CHANNEL)
    await one.world.calls.wait("tasks.create", timeout=30)


@pytest.mark.slow
@pytest.mark.timeout(150)
async def test_a_call_under_way_is_answered_and_stored_before_the_bot_ends(tmp_path: Path) -> None:
    async with mortal(tmp_path, daemon_patience=30, ack_seconds=START) as one:
        one.world.faults.on("slow", path="/tasks/start", count=1, seconds=4)  # 1 s at this speed
        await asked_for_a_machine(one)
        assert await one.end(BOUND) == 0
        [kept] = one.rows("SELECT status FROM executions WHERE command = 'vm.create'")
        assert kept["status"] == "following"
        assert not one.rows("SELECT 1 FROM watches WHERE unsure")
        for entry in one.log.read_text().splitlines():
            assert json.loads(entry)["event"]


async def test_what_does_not_end_in_time_is_left_to_the_next_and_never_sent_again(
    tmp_path: Path,
) -> None:
    patient = Limits(read=timedelta(seconds=60))
    async with staged(tmp_path, daemon_patience=None, limits=patient) as stage:
        await stage.gives_session(stage.alice, "gpu2")
        stage.world.faults.on("slow", path="/tasks/start", count=1, seconds=20)
        await stage.alice.types(CREATE, CHANNEL)
        await stage.world.calls.wait("tasks.create")
        async with asyncio.timeout(BOUND):  # of the loop's time, which goes ahead
            await unwaited(stage.bot.stop())
        with closing(sqlite3.connect(tmp_path / "bot.db")) as database:
            kept = database.execute("SELECT status FROM executions WHERE command = 'vm.create'")
            assert kept.fetchall() == [("running",)]
        stage.clock.advance(timedelta(seconds=20))
        await stage.restart_bot()
        await stage.ends(stage.alice, "t1 is running on gpu2")
        await stage.passes(120)
        assert len(stage.endings(stage.alice)) == 1
        assert stage.changes() == ["tasks.create"]


@pytest.mark.slow
@pytest.mark.timeout(150)
async def test_a_stop_while_a_node_is_silent_logs_no_error(tmp_path: Path) -> None:
    async with mortal(tmp_path, daemon_patience=60, ack_seconds=START) as one:
        await asked_for_a_machine(one)
        await one.comes_true("SELECT count(*) FROM watches")
        one.world.node("gpu2").silent = True
        seen = len(one.world.calls.of("tasks.list"))
        await one.world.calls.wait("tasks.list", count=seen + 1, timeout=60)
        assert await one.end(BOUND) == 0
        entries = [json.loads(entry) for entry in one.log.read_text().splitlines()]
        assert [e for e in entries if "exception" in e or e["level"] in {"error", "critical"}] == []
