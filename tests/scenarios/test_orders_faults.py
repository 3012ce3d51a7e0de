"""What goes wrong with the chain and its nodes costs no warning, and brings no false one."""

from datetime import timedelta

import pytest

from bot.addresses import keys_in
from tests.scenarios.orders import DAY, ChainStage


@pytest.mark.slow
async def test_an_order_that_a_node_loses_for_a_moment_is_not_told_to_be_gone(
    scene: ChainStage,
) -> None:
    alice = scene.stage.alice
    rental = scene.rents(blocks=DAY + 3000)
    await scene.passes(minutes=20)
    scene.rpc[0].denies.add(rental.number)
    await scene.passes(minutes=4, step=15)
    scene.rpc[0].denies.clear()
    await scene.passes(minutes=20)
    assert scene.told(alice, "no longer on the chain") == []
    await scene.until(rental.end - 6 * 600)
    assert len(scene.told(alice, "for gpu1 ends", at="end-6")) == 1


async def test_an_order_is_warned_of_while_a_node_has_lost_it(scene: ChainStage) -> None:
    alice = scene.stage.alice
    rental = scene.rents(confirmed=False)
    await scene.passes(minutes=4.5, step=30)
    scene.rpc[0].denies.add(rental.number)
    await scene.passes(minutes=1, step=15)
    (told,) = scene.told(alice, "Confirm order")
    assert "10 minutes left" in told
    assert "The order was not found on the chain just now. That is being checked." in told
    assert "The chain cannot be read at present." not in told


async def test_a_deadline_that_passed_unseen_is_told_as_passed_and_being_checked(
    scene: ChainStage,
) -> None:
    rental = scene.rents(confirmed=False)
    await scene.passes(minutes=3, step=30)
    scene.rpc[0].denies.add(rental.number)
    scene.stage.clock.advance(timedelta(minutes=20))
    await scene.restart()
    await scene.passes(minutes=1, step=30)
    listed = (await scene.stage.asks(scene.stage.alice, "/dbc order list")).plain
    assert "had to be confirmed by" in listed
    assert "which has passed (not found on the chain just now, which is being checked)" in listed
    assert "the chain cannot be read" not in listed


@pytest.mark.slow
async def test_an_order_that_was_told_to_be_gone_is_watched_again_once_it_is_back(
    scene: ChainStage,
) -> None:
    alice = scene.stage.alice
    rental = scene.rents(blocks=DAY)
    await scene.passes(minutes=20)
    scene.rpc[0].denies.add(rental.number)
    await scene.passes(minutes=30, step=60)
    assert len(scene.told(alice, "no longer on the chain")) == 1
    scene.rpc[0].denies.clear()
    await scene.passes(minutes=2, step=30)
    assert scene.told(alice, "no longer on the chain") == []
    assert len(scene.told(alice, "is on the chain after all")) == 1
    await scene.until(rental.end - 6 * 600)
    assert len(scene.told(alice, "for gpu1 ends", at="end-6")) == 1


@pytest.mark.slow
@pytest.mark.parametrize(
    ("language", "over", "back"),
    [
        (
            "en",
            "This is over: the order vanished from the chain.",
            "The order is on the chain after all. It is watched as before.",
        ),
        ("zh", "已过时：链上已没有这个订单。", "该订单仍在链上，照旧提醒。"),
    ],
)
async def test_warnings_of_an_order_that_is_back_do_not_say_that_it_vanished(
    scene: ChainStage, language: str, over: str, back: str
) -> None:
    alice = scene.stage.alice
    await scene.stage.asks(alice, f"/dbc language {language}")
    rental = scene.rents(blocks=2 * DAY)
    await scene.passes(minutes=20)
    await scene.until(rental.end - 22 * 600)
    for _ in range(2):  # one that is back may vanish again
        scene.rpc[0].denies.add(rental.number)
        await scene.passes(minutes=30, step=60)
        assert len(scene.told(alice, over)) == 2  # at 48 hours, and at 24
        assert scene.told(alice, back) == []
        scene.rpc[0].denies.clear()
        await scene.passes(minutes=2, step=30)
        assert scene.told(alice, over) == []
        assert len(scene.told(alice, back)) == 1  # the other one warns anew


async def test_a_fork_that_takes_back_a_confirmation_brings_back_the_countdown(
    scene: ChainStage,
) -> None:
    rental = scene.rents(confirmed=False)
    scene.stage.clock.advance(timedelta(minutes=1))
    scene.chain.confirm(rental.number)
    await scene.stage.bot.tick()  # found in a block that is not final
    scene.chain.reorganise(1)
    await scene.passes(minutes=1, step=15)
    assert len(scene.told(scene.stage.alice, f"Confirm order {rental.number}")) == 1


@pytest.mark.slow
async def test_what_ended_while_nobody_looked_is_not_told_to_have_lapsed(
    scene: ChainStage,
) -> None:
    alice = scene.stage.alice
    rental = scene.rents(confirmed=False, blocks=DAY)
    await scene.passes(minutes=1, step=30)
    scene.chain.confirm(rental.number)
    scene.stage.clock.advance(scene.chain.blocks.until(rental.end + 6000))
    await scene.restart()
    await scene.passes(minutes=5, step=30)
    assert scene.told(alice, "lapsed") == []
    assert scene.told(alice, "for gpu1 ended")
    await scene.until(rental.end + 66 * 600)
    assert len(scene.told(alice, "gpu1 deletes", at="deletion-6")) == 1


@pytest.mark.slow
async def test_an_end_that_one_node_made_up_is_taken_back(scene: ChainStage) -> None:
    alice = scene.stage.alice
    rental = scene.rents(blocks=DAY)
    end = rental.end
    await scene.passes(minutes=10)
    await scene.until(end - 20)
    scene.chain.relet(rental.number, 10 * DAY)
    scene.rpc[0].denies.add(rental.number)
    await scene.passes(minutes=10, step=30)
    scene.rpc[0].denies.clear()
    await scene.passes(minutes=20, step=60)
    assert len(scene.told(alice, "is renewed. It now ends")) == 1
    await scene.until(end + 67 * 600)
    assert scene.told(alice, "gpu1 deletes") == []


async def test_the_operator_is_told_that_the_chain_cannot_be_read(scene: ChainStage) -> None:
    health = scene.stage.bot.health
    scene.rpc[0].status = 429
    await scene.passes(minutes=6, step=30)
    assert [one for one in health.impairments if "The chain cannot be read." in one]
    scene.rpc[0].status = 0
    await scene.passes(minutes=1, step=30)
    assert [one for one in health.impairments if "chain" in one] == []


def test_the_keys_of_an_address_are_known_as_secrets() -> None:
    url = "https://me:pass-w0rd@rpc.example.org:7788/v1/Zk29sKJx0aPq?token=Yt7Hs92Lmn1"
    found = keys_in(url)
    assert {"me:pass-w0rd", "pass-w0rd", "Zk29sKJx0aPq", "Yt7Hs92Lmn1"} <= set(found)
    assert "rpc.example.org" not in found


async def test_time_left_is_in_words_on_home_and_in_the_orders_of_a_node(scene: ChainStage) -> None:
    alice = scene.stage.alice
    rental = scene.rents(blocks=2 * DAY)
    await scene.passes(minutes=10, step=30)
    listed = (await scene.stage.asks(alice, "/dbc node orders gpu1")).plain
    assert f"order {rental.number}" in listed.replace("*", "")
    assert "in 47 hours" in listed
    assert "Dates are the earliest ones" in listed
    await alice.opens_home()
    home = (await alice.sees_home(f"Order {rental.number}")).plain.replace("*", "")
    assert f"Order {rental.number} for gpu1 ends" in home
    assert "in 47 hours" in home


async def test_a_list_says_of_the_order_that_was_not_found_that_it_was_not(
    scene: ChainStage,
) -> None:
    stage, alice = scene.stage, scene.stage.alice
    await stage.gives_session(alice, "gpu1", "gpu2")
    scene.rents("gpu1", blocks=20 * DAY)
    missing = scene.rents("gpu2", blocks=20 * DAY)
    await scene.passes(minutes=20, step=60)
    scene.rpc[0].denies.add(missing.number)
    await scene.passes(minutes=10, step=60)
    said = (await stage.asks(alice, "/dbc order list")).plain
    assert said.count("not found on the chain just now") == 1
    assert "The order was not found" not in said
