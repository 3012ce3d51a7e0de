"""How long a rental lasts stands where machines are listed, shown, changed and decided on."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from sandbox.dbc import Wallet
from sandbox.dbc.demo import demo_renter
from tests.scenarios.orders import DAY, ChainStage, chained
from tests.scenarios.site import rules

NO_BUTTONS = (
    '[[rule]]\nname = "nothing"\ndeny = "No."\n'
    'match = { command = ["vm.start", "vm.shutdown", "vm.restart", "vm.logs", "vm.delete", '
    '"vm.name", "vm.modify", "disk.*", "snapshot.*", "order.*"] }\n'
)


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[ChainStage]:
    async with chained(tmp_path) as one:
        await one.stage.gives_session(one.stage.alice, "gpu1")
        rental = one.rents(blocks=2 * DAY)
        assert rental.number == 1287
        await one.passes(1)
        yield one


@pytest.mark.parametrize("policy", ["", NO_BUTTONS])
async def test_it_stands_in_lists_shown_machines_and_home_with_buttons_or_without(
    scene: ChainStage, policy: str
) -> None:
    stage, alice = scene.stage, scene.stage.alice
    for number in range(30):
        stage.node("gpu1").running_task(demo_renter(), desc=f"m{number:02}")
    if policy:
        rules(stage, policy)
    await stage.passes(61)
    said = "Order 1287 for gpu1 ends"
    for line in ("vm list", "vm list --filter m01", "vm list state=running", "vm show inference"):
        shown = (await stage.asks(alice, f"/dbc {line}")).plain.replace("*", "")
        assert said in shown, line
        assert ", in 47 hours." in shown, line
    await alice.opens_home()
    home = (await alice.sees_home("Your machines")).plain.replace("*", "")
    assert said in home
    assert ", in 47 hours." in home


async def test_it_leads_to_the_order_from_each_of_them(scene: ChainStage) -> None:
    stage, alice = scene.stage, scene.stage.alice
    for line in ("vm list", "vm show inference"):
        shown = await stage.asks(alice, f"/dbc {line}")
        await alice.presses("Show order 1287", shown)
        await stage.quiet()
        assert "rentMachine.reletMachine(rent_id = 1287" in alice.last().plain
    await alice.opens_home()
    await alice.sees_home("Order 1287")
    await alice.presses("Show order 1287", on_home=True)
    await alice.sees_modal(r"rentMachine\.reletMachine\(rent_id = 1287")


async def test_it_stands_on_the_card_of_a_question(scene: ChainStage) -> None:
    asked = await scene.stage.asks(scene.stage.alice, "/dbc vm delete inference")
    assert "order 1287, ends" in asked.plain


async def test_before_the_chain_was_read_no_order_is_said_not_to_be_there(tmp_path: Path) -> None:
    async with chained(tmp_path) as new:
        stage, alice = new.stage, new.stage.alice
        await stage.gives_session(alice, "gpu1")
        new.rents()
        unread = "The chain could not be read for your orders yet. Try again in a minute."
        sought = "The chain is being searched for your orders. Try again in a minute."
        for line in ("order list", "order show 1287", "order rescue 1287"):
            shown = (await stage.asks(alice, f"/dbc {line}")).plain
            assert sought in shown
            assert " no order" not in shown
        await new.passes(minutes=1, step=30)
        assert "1287" in (await stage.asks(alice, "/dbc order list")).plain
        missing = await stage.asks(alice, "/dbc order show 99")
        assert sought not in missing.plain
        assert "You are told of no order 99." in missing.plain
        new.rents("gpu2")
        stage.clock.advance(timedelta(seconds=5))
        await stage.gives_session(stage.bob, "gpu2")
        assert sought in (await stage.asks(stage.bob, "/dbc order show 1288")).plain
        new.rpc[0].down = True
        await new.passes(minutes=5, step=30)
        shown = (await stage.asks(alice, "/dbc order show 99")).plain
        assert unread in shown
        assert " no order" not in shown


async def test_of_a_wallet_that_was_just_watched_nothing_is_said_not_to_be_there(
    scene: ChainStage,
) -> None:
    carol, other = scene.stage.carol, Wallet.from_seed("another").address
    await scene.stage.asks(carol, f"/dbc order watch {scene.renter}")
    await scene.passes(minutes=2, step=30)
    assert "1287" in (await scene.stage.asks(carol, "/dbc order list")).plain
    scene.rents("gpu2", renter=other)
    scene.stage.clock.advance(timedelta(seconds=5))
    sought = "The chain is being searched for your orders. Try again in a minute."
    assert sought in (await scene.stage.asks(carol, f"/dbc order watch {other}")).plain
    shown = (await scene.stage.asks(carol, "/dbc order list")).plain
    assert sought in shown
    assert "1287" in shown
    await scene.passes(minutes=1, step=30)
    shown = (await scene.stage.asks(carol, "/dbc order list")).plain
    assert sought not in shown
    assert "1288" in shown
    bob, third = scene.stage.bob, Wallet.from_seed("a third").address
    assert sought in (await scene.stage.asks(bob, f"/dbc order watch {third}")).plain
    assert sought in (await scene.stage.asks(bob, "/dbc cost")).plain
