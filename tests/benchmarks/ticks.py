"""The bot's clockwork over many due watches, against a sandbox DBC daemon."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import perf_counter

from bot.app import Bot
from bot.ids import ChannelId, ExecutionId, NodeId, TaskId, UserId
from bot.model import (
    DbcSession,
    Effect,
    Execution,
    ExecutionStatus,
    Goal,
    Place,
    Source,
    Watch,
)
from sandbox.dbc import Daemon, Node, RunningClock, World
from sandbox.dbc.demo import demo_renter
from sandbox.slack import Workspace
from tests.benchmarks.servers import settings_between

_ANNOUNCED = timedelta(seconds=30)  # by then the daemon has learnt of its nodes


async def time_of_tick(data: Path, watches: int, nodes: int) -> float:
    """Seconds until every watch, all due and none at its end, was looked at and stored.

    The daemon runs on the same event loop: its share is included.
    """
    clock = RunningClock()
    world = World(clock)
    rooms = [_node(world, number, watches // nodes) for number in range(nodes)]
    async with Workspace(commands={"/dbc"}) as ws, Daemon(world) as daemon:
        clock.advance(_ANNOUNCED)
        bot = Bot(
            settings_between(ws.bot_token, ws.signing_secret, ws.api_url, daemon.url, data / "tick")
        )
        await bot.start(ticking=False)
        try:
            await bot.tick()  # the picture of nodes and machines is there, connections are open
            await _watch_all(bot, ws.member("alice").id, rooms)
            # Alone, without what else a tick does: the inventory asks every node as well.
            poll = next(job.run for job in bot._ticker._jobs if job.name == "watches")
            begun = perf_counter()
            for _ in range(watches):  # a tick takes a part, the next ones the rest
                await poll()
                async with bot.store.read() as tx:
                    looks = [watch.polls for watch in await tx.watches.open()]
                if 0 not in looks:
                    break
            seconds = perf_counter() - begun
        finally:
            await bot.stop()
    if looks != [1] * (watches // nodes * nodes):
        raise RuntimeError("not every watch was looked at once")
    return seconds


def _node(world: World, number: int, machines: int) -> Node:
    node = world.add_node(f"gpu{number}", images={"ubuntu.qcow2": 1})
    node.rent(demo_renter())
    for machine in range(machines):
        node.running_task(
            demo_renter(), image_name="ubuntu.qcow2", cpu_cores=1, memory=1, ssh_port=5684 + machine
        )
    return node


async def _watch_all(bot: Bot, user: str, nodes: list[Node]) -> None:
    now = datetime.now(UTC)
    place = Place(ChannelId("C0GPUOPS"))
    async with bot.store.write() as tx:
        for node in nodes:
            pair = node.session_for(demo_renter())
            await tx.sessions.put(
                DbcSession(UserId(user), NodeId(node.node_id), *pair, added_at=now)
            )
    watches = [
        Watch(
            id=task,
            execution=ExecutionId(task),
            node=NodeId(node.node_id),
            task=TaskId(task),
            label=task[:8],
            goal=Goal.CLOSED,
            owner=UserId(user),
            place=place,
            started_at=now,
            deadline_at=now + timedelta(hours=1),
            next_poll_at=now,
            status="running",
        )
        for node in nodes
        for task in node.tasks
    ]
    executions = [_execution(watch) for watch in watches]
    await asyncio.gather(*(bot.store.record(one, by="benchmark", until=now) for one in executions))
    async with bot.store.write() as tx:
        for watch in watches:
            await tx.executions.set_status(
                ExecutionId(watch.id),
                ExecutionStatus.FOLLOWING,
                now=now,
                expect={ExecutionStatus.RECORDED},
            )
            await tx.watches.add(watch)


def _execution(watch: Watch) -> Execution:
    return Execution(
        id=watch.execution,
        key=watch.id,
        actor=watch.owner,
        place=watch.place,
        source=Source.SLASH,
        command="vm.poweroff",
        arguments={"vm": watch.task},
        effect=Effect.DESTROY,
        created_at=watch.started_at,
    )
