"""The last hour of a rental: who said to renew it has not renewed it, and all learn that."""

from collections.abc import AsyncIterator
from datetime import timedelta
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


@pytest.mark.slow
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
    before = len(scene.told(stage.alice, ENDS))
    await scene.until(rental.end - 150, step=60)
    *others, told = scene.told(stage.alice, ENDS)
    assert len(others) == before
    assert "to renew it. The chain has no renewal yet." in told
    assert "bob" in told.casefold() or stage.bob.id in told
    (said,) = scene.told(stage.bob, "到期", "链上还没有续租")
    assert f"{rental.number}" in said


async def test_who_watches_a_wallet_is_told_at_once_what_is_pending(scene: ChainStage) -> None:
    rental = scene.rents(confirmed=False)
    scene.rents("gpu2", blocks=30 * DAY)
    await scene.passes(minutes=1, step=30)
    told = (await scene.stage.asks(scene.stage.carol, f"/dbc order watch {scene.renter}")).plain
    assert "You are told of the orders of" in told
    assert f"{rental.number}" in told
    assert "14 minutes left" in told
    assert ", in 30 days" not in told


@pytest.mark.slow
async def test_a_renewed_order_gets_no_last_call(scene: ChainStage) -> None:
    rental = scene.rents(blocks=DAY)
    end = rental.end
    await scene.until(end - 500)
    scene.chain.relet(rental.number, 10 * DAY)
    before = len(scene.told(scene.stage.alice, ENDS))
    await scene.until(end - 10, step=60)
    assert scene.told(scene.stage.alice, "is renewed. It now ends")
    assert len(scene.told(scene.stage.alice, ENDS)) == before


async def test_who_renews_is_told_wherever_the_order_is(scene: ChainStage) -> None:
    stage, alice = scene.stage, scene.stage.alice
    rental = scene.rents(blocks=DAY)
    await scene.passes(minutes=5, step=60)
    await stage.bob.presses("I renew it", stage.bob.last("@dbc"))
    await scene.passes(minutes=1, step=30)
    for asked in (f"order show {rental.number}", "order list", "vm list"):
        shown = (await stage.asks(alice, f"/dbc {asked}")).plain
        assert "to renew it" in shown, asked
        assert stage.bob.id in shown or "bob" in shown.casefold(), asked
    await alice.opens_home()
    await stage.quiet()
    assert alice.home is not None
    assert "to renew it" in alice.home.plain


async def test_a_second_taker_is_asked_and_the_first_one_is_told(scene: ChainStage) -> None:
    stage, alice, bob = scene.stage, scene.stage.alice, scene.stage.bob
    rental = scene.rents(blocks=DAY)
    await scene.passes(minutes=5, step=60)
    mine, his = alice.last("@dbc"), bob.last("@dbc")
    await alice.presses("I renew it", mine)
    await scene.passes(minutes=1, step=30)
    await bob.presses("I renew it", his)
    await stage.quiet()
    asked = bob.last("@dbc")
    assert "Do you take it over?" in asked.plain
    assert scene.told(bob, f"renews order {rental.number}", bob.id) == []
    await bob.presses("Take it over", asked)
    await scene.passes(minutes=1, step=30)
    assert len(scene.told(alice, "has taken over from you: they renew order")) == 1
    assert scene.told(bob, "has taken over from you") == []
    shown = await stage.asks(alice, f"/dbc order show {rental.number}")
    assert bob.id in shown.plain or "bob" in shown.plain.casefold()
    await bob.presses("Take it over", asked)
    await scene.passes(minutes=1, step=30)
    assert len(scene.told(alice, "has taken over from you")) == 1


@pytest.mark.slow
async def test_who_signed_learns_that_the_chain_has_no_renewal(scene: ChainStage) -> None:
    stage, alice, bob = scene.stage, scene.stage.alice, scene.stage.bob
    rental = scene.rents(blocks=2 * DAY)
    await scene.passes(minutes=5, step=60)
    await stage.asks(bob, "/dbc language zh")
    await alice.presses("Done", alice.last("@dbc"))
    await bob.presses("Done", bob.last("@dbc"))
    await scene.passes(minutes=1, step=15)
    assert scene.told(alice, "is on the chain yet") == []
    await scene.passes(minutes=2, step=15)
    (told,) = scene.told(alice, f"No renewal of order {rental.number}", "the transaction failed")
    assert scene.renter in told
    assert len(scene.told(bob, "链上还没有 gpu1 订单", "交易是否失败")) == 1
    await scene.passes(minutes=10, step=60)
    assert len(scene.told(alice, "is on the chain yet")) == 1
    await alice.presses("Done", alice.last("@dbc"))
    scene.chain.relet(rental.number, 10 * DAY)
    await scene.passes(minutes=5, step=15)
    assert len(scene.told(alice, "is renewed. It now ends")) == 1
    assert len(scene.told(alice, "is on the chain yet")) == 1


async def test_who_signed_is_not_sent_to_sign_again_while_the_chain_cannot_be_read(
    scene: ChainStage,
) -> None:
    alice, bob = scene.stage.alice, scene.stage.bob
    rental = scene.rents(blocks=2 * DAY)
    await scene.passes(minutes=5, step=60)
    scene.rpc[0].down = True
    await bob.presses("Done", bob.last("@dbc"))
    await alice.presses("Done", alice.last("@dbc"))
    await scene.passes(minutes=8, step=30)
    (told,) = scene.told(alice, "is on the chain, could not be read")
    assert "Sign again only if the wallet says that the transaction failed" in told
    assert "Then sign again" not in told
    scene.rpc[0].down = False
    await scene.passes(minutes=2, step=30)
    assert len(scene.told(alice, f"No renewal of order {rental.number}")) == 1
    assert len(scene.told(alice, "is on the chain, could not be read")) == 1


async def test_an_order_signed_by_who_lost_access_since_is_not_looked_at_for_ever(
    scene: ChainStage,
) -> None:
    stage, bob = scene.stage, scene.stage.bob
    scene.rents(blocks=2 * DAY)
    await scene.passes(minutes=5, step=60)
    await bob.presses("Done", bob.last("@dbc"))
    await stage.quiet()
    await stage.asks(stage.alice, "/dbc session unshare gpu1 with @bob")
    await scene.passes(minutes=3, step=30)
    async with stage.bot.store.read() as tx:
        (order,) = await tx.orders.open()
    assert order.signers == ()
    assert order.next_look_at > stage.clock.now() + timedelta(minutes=1)
    assert scene.told(bob, "is on the chain yet") == []


@pytest.mark.slow
async def test_a_confirmation_is_taken_and_its_last_minutes_call_whoever_took_it(
    scene: ChainStage,
) -> None:
    stage, alice, bob = scene.stage, scene.stage.alice, scene.stage.bob
    rental = scene.rents(confirmed=False)
    await scene.passes(minutes=2, step=30)
    await alice.presses("I confirm it", alice.last("@dbc"))
    await alice.presses("Done", alice.messages("@dbc")[-1])
    await scene.passes(minutes=3, step=15)
    assert len(scene.told(bob, f"confirms order {rental.number}")) == 1
    assert len(scene.told(alice, f"No confirmation of order {rental.number}")) == 1
    await scene.passes(minutes=9, step=15)
    assert (
        len(scene.told(alice, "Confirm order", "2 minutes left")) == 2
    )  # the edited one, a new one
    assert len(scene.told(bob, "Confirm order", "2 minutes left")) == 1
    scene.chain.confirm(rental.number)
    await scene.passes(minutes=2, step=15)
    assert scene.told(alice, "Confirm order") == []
    assert scene.told(alice, "is confirmed. It ends")
    assert "to renew it" not in (await stage.asks(bob, f"/dbc order show {rental.number}")).plain


async def test_the_last_minutes_of_a_confirmation_call_all_where_nobody_took_it(
    scene: ChainStage,
) -> None:
    scene.rents(confirmed=False)
    await scene.passes(minutes=14, step=15)
    for person in (scene.stage.alice, scene.stage.bob):
        assert len(scene.told(person, "Confirm order")) == 2
