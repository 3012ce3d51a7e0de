"""Several bots on one PostgreSQL look at once: budgets, outages and rentals are told once."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from sandbox.chain import Chain, RpcNode
from sandbox.dbc import ManualClock
from sandbox.dbc.demo import demo_renter
from sandbox.slack import Person
from tests.scenarios.machines import off
from tests.scenarios.orders import DAY
from tests.scenarios.replicas import Replicas, replicated
from tests.scenarios.stage import CHANNEL
from tests.scenarios.test_cost import CREATE
from tests.scenarios.test_outages import runs_again, told


@dataclass
class Scene:
    """Replicas that read a chain, and the chain."""

    replicas: Replicas
    chain: Chain

    async def goes_on(self, minutes: int, *, step: int = 60) -> None:
        """So many minutes, with a tick of all at the same moment every `step` seconds."""
        for _ in range(minutes * 60 // step):
            await self.replicas.pass_(step)
            await self.replicas.quiet()

    def rules(self, text: str) -> None:
        """These are the rules of all from now on."""
        (self.replicas.stage.data / "policy.toml").write_text(text, encoding="utf-8")
        for bot in self.replicas.bots:
            bot.reload_policy()


@pytest.fixture
async def scene(tmp_path: Path, postgres_url: str) -> AsyncIterator[Scene]:
    clock = ManualClock()
    chain = Chain(clock)
    clock.advance(timedelta(hours=1))
    async with (
        RpcNode(chain) as rpc,
        replicated(tmp_path, postgres_url, clock=clock, rpc=[rpc.url]) as replicas,
    ):
        stage = replicas.stage
        for node in stage.world.nodes.values():
            chain.add_machine(node.node_id, node.gpus)
        for person in (stage.alice, stage.bob):
            await stage.gives_session(person, "gpu1")
        one = Scene(replicas, chain)
        one.rules("[outages]\n")
        await one.goes_on(3)
        yield one


@pytest.mark.slow
async def test_a_budget_is_told_once_and_holds_on_every_replica(scene: Scene) -> None:
    replicas, stage = scene.replicas, scene.replicas.stage
    rental = scene.chain.rent(demo_renter().address, stage.node("gpu1").node_id, None, 20 * DAY)
    scene.chain.confirm(rental.number)
    await scene.goes_on(6, step=120)
    scene.rules(f'[[budget]]\nname = "research"\nperson = "{stage.alice.id}"\nusd = 1\n')
    await replicas.asks(stage.alice, CREATE)
    assert stage.task("late").desc
    await scene.goes_on(90, step=900)
    assert len(told(stage.alice, "Budget research is spent for")) == 1
    # Whichever replica takes them, all at the same moment: each needs approval.
    names = ["later", "latest", "last"]
    await asyncio.gather(
        *(stage.alice.types(CREATE.replace("late", name), CHANNEL) for name in names)
    )
    await replicas.quiet()
    await scene.goes_on(3)
    made = {task.desc for task in stage.node("gpu1").tasks.values()}
    assert made.isdisjoint(names)
    asked = [one for one in stage.alice.messages(CHANNEL) if "approval" in one.plain]
    assert len(asked) == len(names)
    assert len(told(stage.alice, "Budget research")) == 1


@pytest.mark.slow
async def test_what_changes_outside_the_bot_is_told_once_by_all_and_damped_by_all(
    scene: Scene,
) -> None:
    stage = scene.replicas.stage
    for _ in range(3):
        off(stage)
        await scene.goes_on(4)
        runs_again(stage)
        await scene.goes_on(4)
    for person in (stage.alice, stage.bob):
        news = told(person, "inference")
        assert ["again" in one.split("\n")[0] for one in news] == [True, True, False]
    del stage.node("gpu1").tasks[stage.task("inference").task_id]
    await scene.goes_on(6)
    for person in (stage.alice, stage.bob):
        assert len(told(person, "inference no longer exists")) == 1


@pytest.mark.slow
async def test_a_node_that_comes_and_goes_is_damped_by_all(scene: Scene) -> None:
    stage = scene.replicas.stage
    for _ in range(3):
        stage.world.faults.on("dead_node", node="gpu1")
        await scene.goes_on(12)
        stage.world.faults.off()
        await scene.goes_on(6)
    assert kinds(stage.alice) == [True, False, True]
    await scene.goes_on(10)
    assert kinds(stage.alice) == [True, False, True, False]


@pytest.mark.slow
async def test_a_rentals_warnings_are_told_once_by_all(scene: Scene) -> None:
    stage = scene.replicas.stage
    rental = scene.chain.rent(demo_renter().address, stage.node("gpu1").node_id, None, 900)
    await scene.goes_on(2, step=15)
    assert len(told(stage.alice, f"Confirm order {rental.number}")) == 1
    scene.chain.confirm(rental.number)
    await scene.goes_on(40, step=300)
    for words in (f"Order {rental.number} for gpu1 is confirmed", "for gpu1 ends"):
        assert len(told(stage.alice, words)) == 1, words


def kinds(person: Person) -> list[bool]:
    """Of what was told of nodes: whether it says that one is silent."""
    return ["not responded" in one for one in told(person, "respond")]
