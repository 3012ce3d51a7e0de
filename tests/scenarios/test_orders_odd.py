"""Orders of which the chain tells nonsense are named as such; nothing is made up of them."""

import json
import re
from collections.abc import Mapping

import pytest

from tests.scenarios.orders import DAY, ChainStage


def operator(scene: ChainStage) -> list[str]:
    """What the operator reads; the health port says the same without numbers."""
    health = scene.stage.bot.health
    faults = [str(one) for one in health.lessened]
    assert len([one for one in health.impairments if "1 rental could not be read" in one]) == len(
        [one for one in faults if "could not be read" in one]
    )
    return faults


@pytest.mark.parametrize(
    "lie",
    [
        {"machineId": "0xAB"},
        {"rentStatus": "paused"},
        {"stakeAmount": "-5"},
        {"stakeAmount": str(2**127)},
        {"rentStart": 99_999_999},
    ],
    ids=str,
)
async def test_an_order_that_makes_no_sense_is_named(
    scene: ChainStage, lie: Mapping[str, object]
) -> None:
    stage, alice = scene.stage, scene.stage.alice
    scene.is_watched_whole = True
    good = scene.rents(gpus=1)
    odd = scene.rents(gpus=1, blocks=2 * DAY)
    scene.rpc[0].lies[odd.number] = lie
    await scene.passes(minutes=6, step=60)
    said = f"Order {odd.number} could not be read: the answer of the chain makes no sense."
    assert said in operator(scene)
    shown = (await stage.asks(alice, "/dbc order list")).plain
    assert said in shown
    assert str(good.number) in shown
    assert "Try again" not in shown
    shown = (await stage.asks(alice, f"/dbc order show {odd.number}")).plain
    assert said in shown
    assert " no order" not in shown
    cost = (await stage.asks(alice, "/dbc cost")).plain
    assert said in cost
    assert cost.count("(incomplete)") == 3
    told = json.loads((await stage.asks(alice, "/dbc cost --json")).plain.strip("`\n"))
    assert told["is_complete"] is False
    orders = (await stage.asks(alice, "/dbc node orders gpu1")).plain
    assert said in orders
    assert "the chain does not" not in orders
    scene.rpc[0].lies.clear()
    await scene.passes(minutes=2, step=60)
    assert said not in operator(scene)
    assert "could not be read" not in (await stage.asks(alice, "/dbc order list")).plain
    assert "(incomplete)" not in (await stage.asks(alice, "/dbc cost")).plain


@pytest.mark.parametrize(
    "lie",
    [{"rentEnd": 0}, {"rentEnd": 9_000_100, "rentStart": 9_000_000}, {"rentEnd": 2**31}],
    ids=str,
)
async def test_what_was_read_stays_where_an_order_begins_to_make_no_sense(
    scene: ChainStage, lie: Mapping[str, object]
) -> None:
    stage, alice = scene.stage, scene.stage.alice
    await stage.asks(alice, "/dbc vm list")
    rental = scene.rents(blocks=2 * DAY)
    await scene.passes(minutes=10, step=60)
    before = len(scene.told(alice))
    scene.rpc[0].lies[rental.number] = lie
    await scene.passes(minutes=20, step=60)
    assert scene.told(alice)[before:] == []
    said = f"Order {rental.number} could not be read: the answer of the chain makes no sense."
    assert said in operator(scene)
    shown = (await stage.asks(alice, "/dbc order list")).plain
    assert said in shown
    assert "as read" in shown
    assert "ends" in shown
    assert re.search(r"-\d+\.", (await stage.asks(alice, "/dbc cost")).plain) is None
    await scene.until(rental.end - 300)
    assert len(scene.told(alice, "ends", at="end-1")) == 1  # the last one is given all the same
    scene.rpc[0].lies.clear()
    await scene.passes(minutes=5, step=60)
    assert said not in operator(scene)
    assert scene.told(alice, "is renewed") == []
    assert "as read" not in (await stage.asks(alice, "/dbc order list")).plain


async def test_an_order_that_waits_again_for_its_confirmation_gets_its_last_warning(
    scene: ChainStage,
) -> None:
    rental = scene.rents(blocks=DAY)
    await scene.until(rental.end - 500)
    scene.rpc[0].lies[rental.number] = {"rentStatus": "waitingVerifying", "confirmRent": 0}
    await scene.until(rental.end - 140, step=60)
    assert scene.told(scene.stage.alice, f"Order {rental.number}", at="end-15m")
    assert any("could not be read" in one for one in operator(scene))
    cost = (await scene.stage.asks(scene.stage.alice, "/dbc cost")).plain
    assert f"Order {rental.number} could not be read" in cost
    assert "(incomplete)" in cost
