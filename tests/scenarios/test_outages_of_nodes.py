"""What nobody asked for: nodes that keep silent, and daemons that are down."""

import asyncio
import re
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from tests.clocks import hurry
from tests.scenarios.orders import chained
from tests.scenarios.stage import Stage, staged
from tests.scenarios.test_outages import ON, goes_on, news, told


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    async with staged(tmp_path, policy=ON) as one:
        await one.gives_session(one.alice, "gpu1")
        await goes_on(one, 3)
        yield one


async def test_a_silent_node_is_told_once_and_that_it_is_back(stage: Stage) -> None:
    stage.world.faults.on("dead_node", node="gpu1")
    await goes_on(stage, 20)
    (message,) = news(stage.alice)
    assert "gpu1 has not responded since" in message
    await stage.restart_bot()
    await goes_on(stage, 12)
    assert len(news(stage.alice)) == 1
    stage.world.faults.off()
    await goes_on(stage, 12)
    first, back = news(stage.alice)
    assert "gpu1 is responding again. It was silent since" in back
    (begun,), (said,) = (re.findall(r"<!date\^(\d+)", one) for one in (message, back))
    assert begun == said
    # The alarm itself says so, too, and offers nothing for what is over.
    assert first.startswith(":white_check_mark: gpu1 is responding again. It was silent since")
    assert "Before: gpu1 has not responded since" in first
    assert "responds again" not in first
    assert "Ask gpu1 again now" in message
    assert "Ask gpu1 again now" not in first


@pytest.mark.slow
async def test_a_node_that_comes_and_goes_is_one_outage(stage: Stage) -> None:
    for there in (6, 6, 15):
        stage.world.faults.on("dead_node", node="gpu1")
        await goes_on(stage, 12)
        stage.world.faults.off()
        await goes_on(stage, there)
    told = ["not responded" in one for one in news(stage.alice)]
    assert told == [True, False, True, False]  # what was back for six minutes was believed once
    await goes_on(stage, 60)
    stage.world.faults.on("dead_node", node="gpu1")
    await goes_on(stage, 12)
    stage.world.faults.off()
    await goes_on(stage, 6)
    assert len(news(stage.alice)) == 6


@pytest.mark.slow
async def test_quiet_hours_hide_no_node_that_is_silent_while_another_is_back(
    tmp_path: Path,
) -> None:
    async with staged(tmp_path, policy=ON) as stage:
        await stage.gives_session(stage.alice, "gpu1", "gpu2")
        await goes_on(stage, 3)
        await stage.asks(stage.alice, "/dbc settings quiet-hours 09:30-11:00")
        for node in ("gpu1", "gpu2"):
            stage.world.faults.on("dead_node", node=node)
        await goes_on(stage, 15)
        stage.world.faults.off()
        stage.world.faults.on("dead_node", node="gpu2")
        await goes_on(stage, 10)
        await stage.passes(3600)
        await goes_on(stage, 2)
        silent, back = news(stage.alice)
        assert "2 nodes are not responding" in silent
        assert "gpu1 is responding again." in back


@pytest.mark.slow
async def test_the_end_of_an_outage_that_outlasts_what_is_kept_is_told(stage: Stage) -> None:
    stage.world.faults.on("dead_node", node="gpu1")
    await goes_on(stage, 12)
    assert len(news(stage.alice)) == 1
    await stage.passes(timedelta(days=stage.bot._settings.keep_days + 30).total_seconds())
    await goes_on(stage, 3)
    stage.world.faults.off()
    await goes_on(stage, 12)
    assert "gpu1 is responding again." in news(stage.alice)[-1]


async def test_a_daemon_that_is_down_is_one_message_and_none_of_a_node(tmp_path: Path) -> None:
    async with staged(tmp_path, policy=ON) as stage:
        await stage.gives_session(stage.alice, "gpu1", "gpu2")
        await goes_on(stage, 3)
        await stage.daemon.stop()
        await goes_on(stage, 12)
        (message,) = news(stage.alice)
        assert "No DBC daemon has been reachable since" in message
        await stage.daemon.start()
        await goes_on(stage, 12)
        assert "A DBC daemon can be reached again." in news(stage.alice)[-1]
        assert len(news(stage.alice)) == 2


@pytest.mark.slow
async def test_the_chain_says_what_it_knows_of_a_silent_node(tmp_path: Path) -> None:
    async with chained(tmp_path, policy=ON) as one:
        stage = one.stage
        await stage.gives_session(stage.alice, "gpu1")
        one.rents()
        await goes_on(stage, 3)
        one.chain.machines[stage.node("gpu1").node_id].offline_since = 9_001_000
        stage.world.faults.on("dead_node", node="gpu1")
        await goes_on(stage, 15)
        (message,) = told(stage.alice, "not responded")
        assert "The chain has it reported offline since block 9,001,000." in message


async def test_a_slow_chain_is_waited_for_once_for_all_silent_nodes(tmp_path: Path) -> None:
    async with chained(tmp_path, policy=ON) as one:
        stage, rpc, asks = one.stage, one.rpc[0], "onlineProfile_getMachineInfo"
        await stage.gives_session(stage.alice, "gpu1", "gpu2")
        await goes_on(stage, 3)
        for name in ("gpu1", "gpu2"):
            stage.world.faults.on("dead_node", node=name)
        rpc.takes[asks] = slowest = 14
        looking = asyncio.create_task(goes_on(stage, 9))
        await rpc.dawdles.wait()
        async with asyncio.timeout(slowest - 2):  # both are asked before one of them answers
            while [method for method, _ in rpc.calls].count(asks) < 2:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        hurry(timedelta(seconds=slowest))
        await looking
        (message,) = told(stage.alice, "not responding")
        assert message.count("The chain lists it as") == 2


async def test_what_the_chain_calls_a_node_is_told_in_the_readers_language(tmp_path: Path) -> None:
    async with chained(tmp_path, policy=ON) as one:
        stage = one.stage
        await stage.gives_session(stage.alice, "gpu1")
        await stage.asks(stage.alice, "/dbc language zh")
        one.rents()
        stage.world.faults.on("dead_node", node="gpu1")
        await goes_on(stage, 15)
        (message,) = told(stage.alice, "无响应")
        assert "已租出" in message
        assert "rented" not in message
