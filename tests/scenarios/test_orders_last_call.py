"""The last hour of a rental: who said to renew it has not renewed it, and all learn that."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.scenarios.orders import DAY, ChainStage, chained

ENDS = "for gpu1 ends"


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[ChainStage]:
    async with chained(tmp_path) as one:
        await one.stage.gives_session(one.stage.alice, "gpu1")
        await one.stage.asks(one.stage.alice, "/dbc session share gpu1 with @bob")
        yield one


async def test_a_claim_without_a_renewal_is_told_to_all_a_quarter_before_the_end(
    scene: ChainStage,
) -> None:
    stage = scene.stage
    await stage.asks(stage.alice, "/dbc settings quiet-hours 00:00-23:59")
    await stage.asks(stage.bob, "/dbc language zh")
    rental = scene.rents(blocks=DAY)
    await scene.until(rental.end - 500)
    await stage.bob.presses("我来续租", stage.bob.last("@dbc"))
    await scene.until(rental.end - 160, step=60)
    assert scene.told(stage.alice, ENDS, ", in 15 minutes.") == []
    await scene.until(rental.end - 150, step=60)
    (told,) = scene.told(stage.alice, ENDS, ", in 15 minutes.")
    assert "has said to renew it. The chain has no renewal yet." in told
    assert "bob" in told.casefold() or stage.bob.id in told
    (said,) = scene.told(stage.bob, "还剩 15 分钟", "链上还没有续租")
    assert f"{rental.number}" in said


async def test_a_renewed_order_gets_no_last_call(scene: ChainStage) -> None:
    rental = scene.rents(blocks=DAY)
    end = rental.end
    await scene.until(end - 500)
    scene.chain.relet(rental.number, 10 * DAY)
    await scene.until(end - 10, step=60)
    assert scene.told(scene.stage.alice, "is renewed. It now ends")
    assert scene.told(scene.stage.alice, ENDS, ", in 15 minutes.") == []
