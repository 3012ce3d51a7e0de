"""An order's end as a real node lived through it: read, and played again in the sandbox.

Its block heights are the recorded ones; the order that ended is 1, which 2 of the same wallet
follows. Rows with `step` say what was done, those behind them are what the daemon answered then.
"""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from bot.dbc.client import DbcClient
from bot.dbc.errors import CutOff
from bot.dbc.identity import SessionPair, Target
from bot.dbc.models import RentOrder, TaskSummary
from bot.ids import NodeId, TaskId
from bot.orders.schedule import KEPT, LOOP
from sandbox.chain import Chain, Rental
from sandbox.dbc import Daemon, ManualClock, Wallet, World
from sandbox.dbc.node import Node
from sandbox.dbc.task import Task
from sandbox.dbc.values import GIB
from tests.dbc.conftest import NODE, Connect, FakeDaemon, text
from tests.dbc.recorded import RECORDINGS, RENTER

ROWS: list[dict[str, Any]] = [
    json.loads(line) for line in (RECORDINGS / "chain" / "lifecycle.jsonl").read_text().splitlines()
]
ENDED, LIVES = 1_014_400, 2_000_000
BLOCK = timedelta(seconds=6)
_CUT = '"}]}}'  # what is missing at the end of the one row that was recorded with so many letters

AT_FIRST = {"v1": "create error", "v2": "create error", "v3": "running", "v4": "closed"}
ALL_OFF = {**AT_FIRST, "v3": "closed"}
BOTH = {"2": LIVES, "1": ENDED}
# What was done, and what the answers behind it mean, in their order.
STEPS: list[tuple[str, list[object]]] = [
    ("before", [AT_FIRST]),
    (
        "order 1 gone from chain, order 2 of the same wallet exists; block = end+1; prune not yet",
        [AT_FIRST, AT_FIRST],
    ),
    ("start v4 with rent_order 2", ["ok", ("running", "1"), BOTH]),
    ("after prune 1", [ALL_OFF, BOTH]),
    ("block = end+43200 exactly", []),
    ("after prune 2 at end+43200", [ALL_OFF]),
    ("block = end+43201", []),
    ("after prune 3 at end+43201", [{}, {}, BOTH]),
    ("done", []),
]


def _shown(tasks: tuple[TaskSummary, ...]) -> dict[str, str]:
    return {one.task_id[-2:]: one.status for one in tasks}


def _ends(orders: tuple[RentOrder, ...]) -> dict[str, int | None]:
    assert {one.rent_status for one in orders} <= {"renting"}  # whatever the chain says
    return {one.id: one.rent_end for one in orders}


async def _meaning(dbc: DbcClient, body: str) -> object:
    """What the product understands of an answer, read as what it is an answer to."""
    message = json.loads(body)["message"]
    if message == "ok":
        await dbc.tasks.start(RENTER, TaskId("7fleet00000000000000v4"))
        return "ok"
    if isinstance(message, list):
        return _shown(await dbc.tasks.list(RENTER))
    if "rent_orders" in message:
        return _ends(await dbc.nodes.rent_orders(NODE))
    detail = await dbc.tasks.get(RENTER, TaskId(message["task_id"]))
    return detail.status, detail.rent_order


async def test_each_row_is_what_its_step_says(daemon: FakeDaemon, dbc: DbcClient) -> None:
    steps: list[tuple[str, list[object]]] = []
    for row in ROWS:
        if "step" in row:
            steps.append((row["step"], []))
            continue
        assert row["after"] == steps[-1][0]
        body = row["body"]
        daemon.answer = text(body)
        if not body.endswith("}"):
            with pytest.raises(CutOff):
                await dbc.tasks.get(RENTER, TaskId("7fleet00000000000000v4"))
            body += _CUT
            daemon.answer = text(body)
        steps[-1][1].append(await _meaning(dbc, body))
    assert steps == STEPS
    assert len(ROWS) == 21


def test_the_bot_counts_the_days_until_a_deletion_as_the_node_did() -> None:
    exists = next(row["step"] for row in ROWS if "exactly" in row.get("step", ""))
    assert exists == f"block = end+{KEPT} exactly"  # what the bot warns of comes no earlier


@dataclass
class Played:
    """The recorded node in the sandbox, on a chain of its own."""

    clock: ManualClock
    chain: Chain
    node: Node
    dbc: DbcClient
    renter: Target
    ended: Rental
    tasks: dict[str, Task]

    async def shown(self) -> dict[str, str]:
        """What the node lists, by the names that the recorded machines have."""
        names = {task.task_id: name for name, task in self.tasks.items()}
        listed = await self.dbc.tasks.list(self.renter)
        return {names[one.task_id]: one.status for one in listed}

    async def until(self, after: int) -> None:
        """Let time pass until so many blocks after the end, in whole loops of the node before."""
        loops, rest = divmod(self.ended.end + after - self.chain.blocks.head, LOOP)
        self.clock.advance(rest * BLOCK)
        for _ in range(loops):
            self.clock.advance(LOOP * BLOCK)
            self.node.settle()
        assert self.chain.blocks.head == self.ended.end + after


@pytest.fixture
async def played(connect: Connect) -> AsyncIterator[Played]:
    clock, wallet = ManualClock(), Wallet.from_seed("a renter")
    world, chain = World(clock), Chain(clock)
    node = world.add_node("gpu1", node_id=NODE, gpus=2)
    chain.add_machine(NODE, 2)
    ended = chain.rent(wallet.address, NODE, blocks=600)
    chain.confirm(ended.number)
    node.ledger = chain
    node.look_at_rentals(chain)
    tasks = {
        name: node.running_task(
            wallet, desc=name, gpus=[gpu], cpu_cores=4, memory=8 * GIB,
            ssh_port=5_683 + gpu, vnc_port=5_923 + gpu,
        )
        for gpu, name in enumerate(("v3", "v4"))
    }  # fmt: skip
    for task in tasks.values():
        task.rent_order = str(ended.number)
    async with Daemon(world) as daemon:
        session = SessionPair.of(*node.session_for(wallet))
        renter = Target(node_id=NodeId(NODE), credentials=session, rent_order=str(ended.number))
        yield Played(clock, chain, node, connect(daemon.url), renter, ended, tasks)


async def test_the_sandbox_lives_through_it_alike(played: Played) -> None:
    dbc, chain, renter, v4 = played.dbc, played.chain, played.renter, played.tasks["v4"].task_id
    await dbc.tasks.poweroff(renter, TaskId(v4))
    await played.until(-1)
    played.clock.advance(2 * BLOCK)
    lives = chain.rent(played.ended.renter, NODE, blocks=30 * 14_400)
    chain.confirm(lives.number)
    played.node.look_at_rentals(chain)
    assert await played.shown() == {"v3": "running", "v4": "closed"}  # asked for with the ended one
    both = {str(played.ended.number): played.ended.end, str(lives.number): lives.end}
    with_new = renter.model_copy(update={"rent_order": str(lives.number)})
    await dbc.tasks.start(with_new, TaskId(v4))
    played.clock.advance(10 * BLOCK)
    detail = await dbc.tasks.get(with_new, TaskId(v4))
    assert (detail.status, detail.rent_order) == ("running", str(played.ended.number))
    assert _ends(await dbc.nodes.rent_orders(NODE)) == both
    await played.until(2 * LOOP)
    assert await played.shown() == {"v3": "closed", "v4": "closed"}
    await played.until(KEPT)
    assert await played.shown() == {"v3": "closed", "v4": "closed"}
    played.clock.advance(BLOCK)
    chain.blocks.halt()  # so that it looks with this very block
    played.clock.advance(LOOP * BLOCK)
    assert await played.shown() == {}
    assert chain.blocks.head == played.ended.end + KEPT + 1
    assert lives.exists(chain.blocks.head)
    assert _ends(await dbc.nodes.rent_orders(NODE)) == both
