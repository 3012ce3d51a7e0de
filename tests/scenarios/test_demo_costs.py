"""The demo's rentals cost what its chain was paid, from its first block on."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from sandbox.chain import RpcNode
from sandbox.demo_chain import demo_chain
from sandbox.seed import seed
from tests.scenarios.orders import ChainStage
from tests.scenarios.stage import staged


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[ChainStage]:
    async with staged(tmp_path) as stage:
        chain = demo_chain(stage.world, stage.clock)
        async with RpcNode(chain) as node:
            one = ChainStage(stage, chain, [node], is_watched_whole=True)
            await one.restart()
            assert await seed(stage.ws, stage.world) == []
            yield one


@pytest.mark.slow
async def test_the_demo_tells_what_was_paid_since_its_first_block(scene: ChainStage) -> None:
    await scene.passes(minutes=10, step=60)
    told = json.loads(
        (await scene.stage.asks(scene.stage.alice, "/dbc cost --json")).plain.strip("`\n")
    )
    paid, waiting = scene.chain.rentals.values()
    assert paid.start == scene.chain.blocks.genesis
    [(_, planck)] = paid.paid
    passed = told["to_block"] - paid.start
    fee = 10 * 10**15
    assert int(told["dbc"].replace(".", "")) == planck * passed // (paid.end - paid.start) + fee
    assert [one["order"] for one in told["parts"]] == [paid.number]
    assert not told["is_estimate"]
    assert waiting.confirmed_at is None
