"""Rentals are watched on the chain: what is about to be lost is told in time, and once."""

from copy import deepcopy
from datetime import timedelta
from pathlib import Path

import pytest

from sandbox.dbc import Wallet
from sandbox.dbc.task import Snapshot
from tests.scenarios.orders import DAY, ChainStage, chained
from tests.scenarios.stage import Stage
from tests.scenarios.test_units_of_work import statements


async def test_an_order_that_waits_for_confirmation_counts_down_in_one_message(
    scene: ChainStage,
) -> None:
    alice = scene.stage.alice
    rental = scene.rents(confirmed=False)
    await scene.passes(minutes=1, step=30)
    (told,) = scene.told(alice, f"Confirm order {rental.number} for gpu1 by")
    assert "rentMachine.confirmRent(rent_id = 1287)" in told
    seen = set()
    for _ in range(14):
        await scene.passes(minutes=1, step=15)
        told = (scene.told(alice, "Confirm order", "for gpu1") or scene.told(alice, "lapsed"))[0]
        seen.add(told.split("\n")[0].split(": at least ")[-1].split(" left as of this message.")[0])
    assert {"10 minutes", "5 minutes", "2 minutes"} <= seen


async def test_a_confirmation_ends_the_countdown(scene: ChainStage) -> None:
    alice = scene.stage.alice
    rental = scene.rents(confirmed=False)
    await scene.passes(minutes=2, step=30)
    scene.chain.confirm(rental.number)
    await scene.passes(minutes=2, step=15)
    assert scene.told(alice, "Confirm order") == []
    assert len(scene.told(alice, "is confirmed. It ends")) == 1
    await scene.passes(minutes=20, step=30)
    assert len(scene.told(alice, f"rder {rental.number} ")) == 1


@pytest.mark.slow
async def test_a_lapsed_order_is_told_with_what_it_cost(scene: ChainStage) -> None:
    rental = scene.rents(confirmed=False)
    await scene.passes(minutes=17, step=15)
    told = scene.told(scene.stage.alice, f"Order {rental.number} for gpu1 has lapsed")
    assert len(told) == 3  # a line in place of the countdown and of its last call
    assert [
        index for index, one in enumerate(told) if "The renter loses the 10.00 DBC fee." in one
    ] == [2]
    assert scene.told(scene.stage.alice, "Confirm order") == []


async def test_an_end_is_told_72_24_6_and_1_hours_before(scene: ChainStage) -> None:
    alice = scene.stage.alice
    rental = scene.rents(blocks=5 * DAY)
    await scene.passes(1)
    (told,) = scene.told(alice, "Order")  # it was confirmed before anybody saw it
    assert f"Order {rental.number} for gpu1 is confirmed. It ends <!date" in told
    for number, left in enumerate((72, 24, 6, 1), 1):
        await scene.until(rental.end - left * 600)
        told = scene.told(alice, f"Order {rental.number} for gpu1 ends <!date")[-1]
        assert len(scene.told(alice, "for gpu1 ends")) == number
        assert ", in " not in told.split("\n")[0]  # it is read hours later
        assert "inference" in told
        assert f"rentMachine.reletMachine(rent_id = {rental.number}" in told
    assert len(scene.told(alice, "for gpu1 ends")) == 4


async def test_what_ended_is_told_with_what_is_lost_and_until_when(scene: ChainStage) -> None:
    alice = scene.stage.alice
    rental = scene.rents(blocks=DAY)
    await scene.until(rental.end + 60)
    (told,) = scene.told(alice, f"Order {rental.number} for gpu1 has ended.")
    assert "Ada's training run (vda 350G, vdb 100G) and inference (vda 350G" in told
    await scene.until(rental.end + 48 * 600)
    assert len(scene.told(alice, "gpu1 deletes", at="deletion-24")) == 1
    await scene.until(rental.end + 66 * 600)
    assert len(scene.told(alice, "gpu1 deletes", at="deletion-6")) == 1
    await scene.until(rental.end + 73 * 600)
    assert len(scene.told(alice, "The 72 hours after the end of order", "are over")) == 1
    before = len(alice.messages("@dbc"))
    await scene.passes(48, step=3600)
    assert len(alice.messages("@dbc")) == before


async def test_a_renewal_is_read_from_the_chain_and_silences_the_warnings(
    scene: ChainStage,
) -> None:
    alice = scene.stage.alice
    rental = scene.rents(blocks=2 * DAY)
    await scene.until(rental.end - 24 * 600)
    scene.chain.relet(rental.number, 100 * DAY)  # cut to 60 days from now
    await scene.passes(minutes=10, step=30)
    assert len(scene.told(alice, "is renewed. It now ends")) == 1
    await scene.passes(48, step=3600)
    assert scene.told(alice, "for gpu1 has ended") == []
    assert len(scene.told(alice, "for gpu1 ends")) == 2  # seen at 48 hours, and at 24


async def test_everybody_concerned_is_told_and_nobody_else(scene: ChainStage) -> None:
    stage = scene.stage
    await stage.asks(stage.alice, "/dbc session share gpu1 with @bob")
    scene.rents(confirmed=False)
    await scene.passes(minutes=1, step=30)
    assert scene.told(stage.alice, "Confirm order")
    assert scene.told(stage.bob, "Confirm order")
    assert scene.told(stage.carol, "Confirm order") == []


async def test_a_strangers_order_on_the_same_node_is_nobodys(scene: ChainStage) -> None:
    stranger = Wallet.from_seed("a stranger").address
    scene.rents(gpus=1, renter=stranger, confirmed=False)
    scene.rents(gpus=1, confirmed=False)
    await scene.passes(minutes=2, step=30)
    told = scene.told(scene.stage.alice, "Confirm order")
    assert [one for one in told if "order 1287 " in one] == []
    assert len(told) == 1
    listed = await scene.stage.asks(scene.stage.alice, "/dbc order show 1287")
    assert "You are told of no order 1287" in listed.plain


async def test_a_watched_wallet_needs_no_session(scene: ChainStage) -> None:
    carol = scene.stage.carol
    told = await scene.stage.asks(carol, f"/dbc order watch {scene.renter}")
    assert "You are told of the orders of" in told.plain
    rental = scene.rents("gpu2", confirmed=False)
    await scene.passes(minutes=1, step=30)
    assert scene.told(carol, f"Confirm order {rental.number} for gpu2")
    listed = await scene.stage.asks(carol, "/dbc order list")
    assert f"{rental.number}" in listed.plain
    await scene.stage.asks(carol, f"/dbc order unwatch {scene.renter}")
    listed = await scene.stage.asks(carol, "/dbc order list")
    assert "The chain has no order of your nodes and wallets." in listed.plain
    refused = await scene.stage.asks(carol, "/dbc order watch 5abc")
    assert "is not a wallet address" in refused.plain
    for node in ("gpu1", scene.stage.node("gpu1").node_id):
        refused = await scene.stage.asks(carol, f"/dbc order watch {node}")
        assert "The wallet that rents a node is shown by: `/dbc node orders`" in refused.plain


@pytest.mark.slow
async def test_after_downtime_the_most_urgent_is_told_and_no_passed_one(scene: ChainStage) -> None:
    alice = scene.stage.alice
    rental = scene.rents(blocks=5 * DAY)
    await scene.passes(1)
    scene.stage.clock.advance(scene.chain.blocks.until(rental.end - 2 * 600))
    await scene.restart()
    await scene.passes(minutes=2, step=30)
    assert len(scene.told(alice, "for gpu1 ends")) == 1
    await scene.restart()
    await scene.passes(minutes=10, step=30)
    assert len(scene.told(alice, "for gpu1 ends")) == 1
    scene.stage.clock.advance(scene.chain.blocks.until(rental.end + 60 * 600))
    await scene.restart()
    await scene.passes(minutes=10, step=60)
    assert len(scene.told(alice, "for gpu1 ended")) == 1
    assert scene.told(alice, "gpu1 deletes") == []  # the end says until when, at 12 hours


async def test_an_outage_of_the_chain_holds_back_no_last_warning(scene: ChainStage) -> None:
    alice = scene.stage.alice
    rental = scene.rents(blocks=DAY)
    await scene.passes(1)
    scene.rpc[0].down = True
    await scene.until(rental.end - 6 * 600)
    (told,) = scene.told(alice, "for gpu1 ends", at="end-6")
    assert "could not be read from the chain just now" in told
    listed = (await scene.stage.asks(alice, "/dbc order list")).plain
    assert "This could not be read from the chain just now: it is as of" in listed
    await scene.until(rental.end + 600)
    assert scene.told(alice, "has ended") == []  # nobody could know
    scene.rpc[0].down = False
    await scene.passes(minutes=5, step=30)
    assert len(scene.told(alice, "for gpu1 ended")) == 1


@pytest.mark.slow
async def test_a_chain_that_stands_still_ends_nothing(scene: ChainStage) -> None:
    rental = scene.rents(blocks=DAY)
    await scene.passes(1)
    scene.chain.blocks.halt()
    await scene.passes(30, step=1800)
    assert scene.told(scene.stage.alice, "has ended") == []
    scene.chain.blocks.resume()
    await scene.until(rental.end + 60)
    assert len(scene.told(scene.stage.alice, "has ended.")) == 1


async def test_the_channel_of_the_rules_is_told(tmp_path: Path) -> None:
    async with chained(tmp_path) as one:
        room = one.stage.ws.core.state.channel("gpu-ops").id
        (one.stage.data / "policy.toml").write_text(f'[orders]\nchannel = "{room}"\n')
        one.stage.bot.reload_policy()
        await one.stage.gives_session(one.stage.alice, "gpu1")
        one.rents(confirmed=False)
        await one.passes(minutes=1, step=30)
        assert "Confirm order" in one.stage.carol.last("gpu-ops").plain


async def test_an_order_is_shown_with_its_price_and_what_its_renter_signs(
    scene: ChainStage,
) -> None:
    alice = scene.stage.alice
    rental = scene.rents(blocks=10 * DAY)
    await scene.passes(minutes=1, step=30)
    shown = await scene.stage.asks(alice, f"/dbc order show {rental.number}")
    plain = shown.plain.replace("*", "")
    assert "299.45 USD · 24,954.17 DBC" in plain
    assert "10.00 DBC, once, and not returned" in plain
    assert "Paid\n2,994.50 USD · 249,541.67 DBC\n" in plain
    assert f"rentMachine.reletMachine(rent_id = {rental.number}, duration = 14400)" in plain
    assert shown.ephemeral
    priced = await scene.stage.asks(alice, "/dbc order list")
    assert "299.45 USD a day" in priced.plain
    listed = await scene.stage.asks(alice, "/dbc vm show inference")
    assert f"Order {rental.number} for gpu1 ends" in listed.plain.replace("*", "")
    rescue = await scene.stage.asks(alice, f"/dbc order rescue {rental.number}")
    assert "snapshot create" in rescue.plain


async def test_whoever_makes_a_machine_on_an_order_that_ends_soon_is_told_first(
    scene: ChainStage,
) -> None:
    alice = scene.stage.alice
    rental = scene.rents(blocks=DAY)
    await scene.passes(minutes=1, step=30)
    question = await scene.stage.asks(
        alice,
        "/dbc vm create name=late image=ubuntu-20.04.qcow2 gpu=1 cpu=2 mem=8 disk=10 on gpu1",
    )
    said = question.plain.replace("*", "")
    assert f"Before you go on\n:warning: Order {rental.number} for gpu1 ends" in said
    assert scene.stage.changes() == []
    assert scene.told(alice, f"Order {rental.number} for gpu1", "What is on it then is lost") == []


async def test_what_a_node_does_not_tell_hides_no_end_of_its_order(scene: ChainStage) -> None:
    stage, alice = scene.stage, scene.stage.alice
    rental = scene.rents(blocks=DAY)
    await scene.passes(minutes=1, step=30)
    stage.world.faults.on("echo", node="gpu1", path="/mining_nodes")
    question = await stage.asks(
        alice,
        "/dbc vm create name=late image=ubuntu-20.04.qcow2 gpu=1 cpu=2 mem=8 disk=10 on gpu1",
    )
    said = question.plain.replace("*", "")
    assert f"Before you go on\n:warning: Order {rental.number} for gpu1 ends" in said
    assert stage.changes() == []
    await alice.presses("Run it anyway", question)
    await scene.stage.quiet()
    assert scene.stage.changes() == ["tasks.create"]
    listed = await scene.stage.asks(alice, "/dbc vm list")
    assert f"Order {rental.number} for gpu1 ends" in listed.plain.replace("*", "")


async def test_without_a_chain_the_nodes_are_asked_and_marked_as_such(one_stage: Stage) -> None:
    await one_stage.gives_session(one_stage.alice, "gpu1")
    listed = await one_stage.asks(one_stage.alice, "/dbc order list")
    assert "until block 99999999" in listed.plain
    assert "They never notice that an order has ended" in listed.plain


@pytest.mark.slow
async def test_whoever_renews_it_is_known_to_all_who_are_told(scene: ChainStage) -> None:
    stage = scene.stage
    await stage.asks(stage.alice, "/dbc session share gpu1 with @bob")
    rental = scene.rents(blocks=5 * DAY)
    await scene.passes(1)
    await scene.until(rental.end - 24 * 600)
    warning = stage.bob.last("@dbc")
    still_shown = deepcopy(warning.message.blocks)
    await stage.bob.presses("I renew it", warning)
    await scene.passes(minutes=0.5, step=30)
    for person in (stage.alice, stage.bob):
        (told,) = scene.told(person, f"renews order {rental.number} for gpu1")
        assert stage.bob.id in told or "bob" in told.casefold()
    await scene.until(rental.end - 6 * 600)
    (last,) = scene.told(stage.alice, "for gpu1 ends", at="end-6")
    assert "to renew it. The chain has no renewal yet." in last
    scene.chain.relet(rental.number, 10 * DAY)
    await scene.passes(minutes=20, step=60)
    warning.message.blocks = still_shown
    await stage.bob.presses("I renew it", warning)
    await scene.passes(minutes=0.5, step=30)
    assert len(scene.told(stage.alice, f"renews order {rental.number} for gpu1")) == 1


@pytest.mark.slow
async def test_a_snoozed_order_is_warned_of_at_the_last_moments_only(scene: ChainStage) -> None:
    alice = scene.stage.alice
    rental = scene.rents(blocks=5 * DAY)
    await scene.passes(1)
    await scene.until(rental.end - 72 * 600)
    await alice.presses("Snooze", alice.last("@dbc"))
    await scene.passes(minutes=0.5, step=30)
    assert len(scene.told(alice, f"snoozes order {rental.number} for gpu1")) == 1
    await scene.until(rental.end - 6 * 600)
    await scene.until(rental.end - 1 * 600)
    assert len(scene.told(alice, "for gpu1 ends")) == 3  # 72, 6 hours and 1 hour before


@pytest.mark.slow
async def test_whoever_has_signed_the_renewal_has_the_chain_looked_at(scene: ChainStage) -> None:
    alice = scene.stage.alice
    rental = scene.rents(blocks=2 * DAY)
    await scene.passes(1)
    await scene.until(rental.end - 24 * 600)
    await scene.passes(minutes=1, step=15)
    scene.chain.relet(rental.number, 10 * DAY)
    await alice.presses("Done", alice.last("@dbc"))
    assert scene.told(alice, "is renewed. It now ends") == []
    await scene.passes(minutes=2, step=15)
    assert len(scene.told(alice, "is renewed. It now ends")) == 1


async def test_a_warning_is_handled_only_by_who_is_still_told(scene: ChainStage) -> None:
    stage = scene.stage
    await stage.asks(stage.alice, "/dbc session share gpu1 with @bob")
    rental = scene.rents(blocks=2 * DAY)
    await scene.passes(1)
    warning = stage.bob.last("@dbc")
    await stage.asks(stage.alice, "/dbc session unshare gpu1 with @bob")
    await stage.bob.presses("I renew it", warning)
    await scene.passes(minutes=0.5, step=30)
    assert scene.told(stage.alice, f"renews order {rental.number} for gpu1") == []


async def test_one_moment_is_told_in_the_same_words_a_minute_later(scene: ChainStage) -> None:
    alice, task = scene.stage.alice, scene.stage.task("inference")
    task.snapshots.append(Snapshot("nightly", "", "/data/nightly.qcow2", task.created_at))
    rental = scene.rents(blocks=2 * DAY)
    await scene.until(rental.end - 6 * 600 - 50)  # a warning is early rather than late
    warned = scene.told(alice, "for gpu1 ends")[-1]
    told = warned.partition("ends ")[2].partition(".")[0]
    for _ in range(3):
        scene.stage.clock.advance(timedelta(seconds=50))
        shown = await scene.stage.asks(alice, f"/dbc order show {rental.number}")
        assert told in shown.plain
        assert shown.plain.split(" ")[0] == warned.split(" ")[0] == ":alarm_clock:"
        assert "inference (vda 350G, vdb 100G, snapshot nightly)" in shown.plain.replace("*", "")
        assert "72 hours later the node deletes them with all disks and snapshots" in shown.plain
    scene.stage.clock.advance(timedelta(minutes=10))
    shown = await scene.stage.asks(alice, f"/dbc order show {rental.number}")
    assert ", in 5 hours and 50 minutes" in shown.plain


async def test_of_snapshots_those_of_the_orders_machines_alone_are_read(scene: ChainStage) -> None:
    scene.rents()
    await scene.passes(minutes=1, step=30)
    with statements() as seen:
        listed = await scene.stage.asks(scene.stage.alice, "/dbc order list")
    assert "ends" in listed.plain
    read = [one for one in seen if "FROM sightings" in one]
    assert read
    assert [one for one in read if "sightings.place IN" not in one] == []
