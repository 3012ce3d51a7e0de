"""What the chain's nodes invent, lose or mix up, and strangers on the same node or wallet."""

from datetime import timedelta
from pathlib import Path

import pytest

from sandbox.chain import Chain, RpcNode
from sandbox.dbc import Wallet
from sandbox.slack.errors import CannotDo
from tests.scenarios.orders import DAY, ChainStage, chained
from tests.scenarios.site import rules
from tests.scenarios.stage import CONFIRM_ONLY

STRANGER = Wallet.from_seed("a stranger").address


@pytest.mark.slow
@pytest.mark.parametrize("network", ["", "another"])
async def test_a_wrong_address_ends_no_order(scene: ChainStage, network: str) -> None:
    alice, clock = scene.stage.alice, scene.stage.clock
    rental = scene.rents(blocks=DAY)
    await scene.passes(minutes=10)
    before = scene.told(alice, f"rder {rental.number}")
    other = Chain(clock, 11_000_000, network)
    clock.advance(timedelta(minutes=30))
    async with RpcNode(other) as wrong:
        right = list(scene.rpc)
        scene.rpc[:] = [wrong]
        await scene.restart()
        await scene.passes(minutes=10, step=60)
        assert scene.told(alice, f"rder {rental.number}") == before
        assert [one for one in scene.stage.bot.health.impairments if "another network" in one]
        await scene.until(rental.end - 6 * 600)
        told = scene.told(alice, "for gpu1 ends")[-1]
        assert "could not be read from the chain just now" in told
        scene.rpc[:] = right
        await scene.restart()
    await scene.until(rental.end - 600)
    assert "cannot be read" not in scene.told(alice, "for gpu1 ends")[-1]


@pytest.mark.slow
async def test_an_order_that_was_told_to_be_over_is_taken_up_again(scene: ChainStage) -> None:
    alice = scene.stage.alice
    rental = scene.rents(blocks=600)
    await scene.passes(minutes=10)
    end = rental.end
    await scene.until(end - 20)
    scene.chain.relet(rental.number, 20 * DAY)
    scene.rpc[0].denies.add(rental.number)
    await scene.until(end + 74 * 600)
    assert len(scene.told(alice, "The 72 hours after the end of order")) == 1
    scene.rpc[0].denies.clear()
    await scene.passes(minutes=2, step=30)
    assert scene.told(alice, "The 72 hours after the end of order") == []
    assert len(scene.told(alice, "for gpu1 is on the chain after all")) == 1
    assert len(scene.told(alice, "The order is on the chain after all.")) == 3  # what it settled


async def test_one_unreadable_order_hides_no_other(scene: ChainStage) -> None:
    strange = scene.rents(gpus=1, renter=STRANGER)
    scene.rpc[0].lies[strange.number] = {"gpuNum": None}
    ours = scene.rents(gpus=1, confirmed=False)
    await scene.passes(minutes=1, step=30)
    assert scene.told(scene.stage.alice, f"Confirm order {ours.number}")


async def test_an_order_that_one_of_two_nodes_denies_is_warned_of(tmp_path: Path) -> None:
    async with chained(tmp_path, nodes=2) as scene:
        await scene.stage.gives_session(scene.stage.alice, "gpu1")
        await scene.passes(minutes=5)
        scene.rpc[1].denies.add(1287)
        rental = scene.rents(confirmed=False)
        await scene.passes(minutes=1, step=30)
        (told,) = scene.told(scene.stage.alice, f"Confirm order {rental.number}")
        assert "could not be read from the chain just now" in told
        assert [one for one in scene.stage.bot.health.impairments if "contradicts" in one]


async def test_the_order_that_a_fork_put_under_that_number_is_another_one(
    scene: ChainStage,
) -> None:
    alice = scene.stage.alice
    await scene.passes(minutes=10, step=30)
    scene.stage.clock.advance(timedelta(seconds=32))
    rental = scene.rents(confirmed=False)
    await scene.stage.bot.tick()
    scene.chain.reorganise(1)
    scene.chain.number_next(rental.number)
    other = scene.rents("gpu2", confirmed=False, renter=STRANGER)
    assert other.number == rental.number
    await scene.passes(minutes=1, step=15)
    scene.chain.confirm(other.number)
    await scene.passes(minutes=3, step=15)
    assert scene.told(alice, "is confirmed") == []
    assert scene.told(alice, "is no longer on the chain")


async def test_the_next_renter_of_a_node_is_not_taken_for_the_last_one(scene: ChainStage) -> None:
    alice = scene.stage.alice
    mine = scene.rents(blocks=600)
    await scene.until(mine.end + 60)
    other = scene.rents(confirmed=False, renter=STRANGER)
    await scene.passes(minutes=1, step=30)
    assert scene.told(alice, f"order {other.number}") == []
    shown = await scene.stage.asks(alice, f"/dbc order show {other.number}")
    assert f"You are told of no order {other.number}" in shown.plain


@pytest.mark.slow
async def test_who_watches_a_wallet_sees_no_machine_and_decides_nothing(scene: ChainStage) -> None:
    stage = scene.stage
    alice, carol = stage.alice, stage.carol
    await stage.asks(alice, "/dbc vm list")
    await stage.asks(carol, f"/dbc order watch {scene.renter}")
    rental = scene.rents(blocks=2 * DAY)
    await scene.passes(1, step=1800)
    (to_alice,), (to_carol,) = (
        scene.told(alice, "for gpu1 ends"),
        scene.told(carol, "for gpu1 ends"),
    )
    assert "inference" in to_alice
    assert "inference" not in to_carol
    assert "its machines lose power" in to_carol
    rescue = await stage.asks(carol, f"/dbc order rescue {rental.number}")
    assert "You have no access to the machines" in rescue.plain
    shown = await stage.asks(carol, f"/dbc order show {rental.number}")
    assert "inference" not in shown.plain
    assert "you have no access to them" in shown.plain
    assert "none known here" not in shown.plain
    with pytest.raises(CannotDo):
        await carol.presses("Snooze", carol.last("@dbc"))
    await scene.until(rental.end - 24 * 600)
    assert len(scene.told(alice, "for gpu1 ends", at="end-24")) == 1


async def test_from_whom_the_rules_hide_a_node_its_orders_are_hidden(scene: ChainStage) -> None:
    stage = scene.stage
    node = stage.node("gpu1").node_id
    rule = f'[[rule]]\nname = "c"\nmatch = {{ person = "{stage.carol.id}", node = "{node}" }}\n'
    (stage.data / "policy.toml").write_text(f'{rule}deny = "no"\n')
    stage.bot.reload_policy()
    await stage.asks(stage.carol, f"/dbc order watch {scene.renter}")
    scene.rents(blocks=2 * DAY)
    await scene.passes(1, step=1800)
    assert scene.told(stage.alice, "for gpu1 ends")
    assert scene.told(stage.carol, "for gpu1 ends") == []


async def test_a_slack_that_does_not_say_who_is_in_a_group_costs_nobody_the_last_warning(
    scene: ChainStage,
) -> None:
    stage = scene.stage
    group = stage.ws.add_usergroup("interns", "carol")
    match = f'{{ group = "{group.id}", node = "{stage.node("gpu1").node_id}" }}'
    rules(
        stage,
        f'{CONFIRM_ONLY}[[rule]]\nname = "no"\ndeny = "No."\nmatch = {match}\n'
        '[orders]\nchannel = "C0GPUOPS"\n',
    )
    await stage.asks(stage.carol, f"/dbc order watch {scene.renter}")
    rental = scene.rents(blocks=2 * DAY)
    await scene.until(rental.end - 200)
    stage.ws.faults.add("http_500", "usergroups.list", times=None)
    await scene.until(rental.end - 140, step=60)
    assert scene.told(stage.alice, "for gpu1 ends", at="end-15m")
    assert scene.told(stage.carol, "for gpu1 ends") == []


async def test_the_only_order_of_a_node_is_known_as_such_however_it_was_found(
    tmp_path: Path,
) -> None:
    async with chained(tmp_path) as scene:
        stage = scene.stage
        await stage.asks(stage.carol, f"/dbc order watch {STRANGER}")
        rental = scene.rents(confirmed=False, renter=STRANGER)
        await scene.passes(minutes=1, step=30)
        await stage.gives_session(stage.alice, "gpu1")  # like a multisig's: not signed by it
        await scene.passes(minutes=6, step=30)
        assert scene.told(stage.alice, f"Confirm order {rental.number}")
