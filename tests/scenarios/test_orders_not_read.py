"""What is told of orders while the chain cannot be read, stands still or contradicts itself."""

from datetime import timedelta
from pathlib import Path

import pytest

from sandbox.chain import answers
from tests.scenarios.orders import DAY, ChainStage, chained

HOUR = 600  # blocks
CONFIRMS = "confirmRent"
RENEWS = "reletMachine"


async def test_a_deletion_is_announced_though_nobody_could_read_the_end(scene: ChainStage) -> None:
    alice = scene.stage.alice
    await scene.stage.asks(alice, "/dbc vm list")
    rental = scene.rents(blocks=DAY)
    await scene.passes(minutes=10, step=60)
    await scene.until(rental.end - 100)
    scene.rpc[0].down = True
    for left, warning in ((23, "deletion-24"), (5, "deletion-6")):
        await scene.until(rental.end + (72 - left) * HOUR, step=1800)
        (told,) = scene.told(alice, at=warning)
        assert "gpu1 deletes Ada's training run" in told
        assert f"unless order {rental.number} was renewed. It was to end" in told
        assert "This could not be read from the chain just now: it is as of" in told
    scene.rpc[0].down = False
    await scene.passes(minutes=10, step=60)
    assert len(scene.told(alice, "for gpu1 ended", "off by now")) == 1
    assert len(scene.told(alice, "gpu1 deletes Ada's training run")) == 2


@pytest.mark.slow
async def test_nothing_is_deleted_of_what_the_newest_block_had_renewed(scene: ChainStage) -> None:
    alice = scene.stage.alice
    rental = scene.rents(blocks=DAY)
    await scene.passes(minutes=10, step=60)
    end = rental.end
    await scene.until(end - 60)
    scene.chain.blocks.finality_stuck_at = scene.chain.blocks.finalized
    scene.chain.relet(rental.number, 10 * DAY)
    await scene.passes(minutes=2, step=30)
    scene.rpc[0].down = True
    await scene.until(end + 70 * HOUR, step=1800)
    assert scene.told(alice, "gpu1 deletes") == []
    assert scene.told(alice, "This is over") == []


@pytest.mark.slow
async def test_the_end_is_told_a_day_before_though_the_chain_is_down(scene: ChainStage) -> None:
    alice = scene.stage.alice
    rental = scene.rents(blocks=5 * DAY)
    await scene.passes(minutes=10, step=60)
    await scene.until(rental.end - 80 * HOUR, step=1800)
    scene.rpc[0].down = True
    await scene.until(rental.end - 23 * HOUR, step=1800)
    (told,) = scene.told(alice, "for gpu1 ends", at="end-24")
    assert "This could not be read from the chain just now: it is as of" in told
    scene.rpc[0].down = False
    await scene.until(rental.end - 22 * HOUR)
    assert len(scene.told(alice, "for gpu1 ends")) == 1


@pytest.mark.slow
async def test_one_of_two_nodes_that_lies_hides_no_deletion(tmp_path: Path) -> None:
    async with chained(tmp_path, nodes=2) as scene:
        alice, chain = scene.stage.alice, scene.chain
        await scene.stage.gives_session(alice, "gpu1")
        rental = scene.rents(blocks=2 * DAY)
        await scene.passes(minutes=10, step=60)
        told = answers.order(rental, chain.blocks.head)
        scene.rpc[1].lies[rental.number] = {**told, "rentEnd": rental.end + 30 * DAY}
        await scene.until(rental.end - 23 * HOUR, step=1800)
        assert scene.told(alice, "for gpu1 ends", at="end-24")
        await scene.until(rental.end + 67 * HOUR, step=1800)
        for warning in ("deletion-24", "deletion-6"):
            assert scene.told(alice, "was renewed. It was to end", at=warning)


@pytest.mark.slow
async def test_a_passed_end_that_nobody_read_offers_nothing_to_sign(scene: ChainStage) -> None:
    alice = scene.stage.alice
    rental = scene.rents(blocks=DAY)
    await scene.passes(minutes=10, step=60)
    await scene.until(rental.end - 100)
    assert scene.told(alice, RENEWS)
    scene.rpc[0].down = True
    await scene.passes(minutes=20, step=60)
    assert scene.told(alice, RENEWS) == []
    assert "I renew it" not in [one for told in alice.messages("@dbc") for one in told.buttons]
    over = "This is over: its time has passed, and the chain could not be read since."
    assert scene.told(alice, over) == scene.told(alice, "for gpu1 ends")
    assert alice.last("@dbc").plain.startswith(":alarm_clock: *Order") is False


async def test_a_countdown_says_at_once_that_the_chain_is_not_read(scene: ChainStage) -> None:
    alice = scene.stage.alice
    rental = scene.rents(confirmed=False)
    await scene.passes(minutes=6, step=15)
    scene.rpc[0].down = True
    await scene.passes(minutes=1, step=15)
    (told,) = scene.told(alice, f"Confirm order {rental.number}", CONFIRMS)
    assert "This could not be read from the chain just now: it is as of" in told
    scene.rpc[0].down = False
    await scene.passes(minutes=1, step=15)
    (told,) = scene.told(alice, f"Confirm order {rental.number}", CONFIRMS)
    assert "cannot be read" not in told


async def test_a_passed_deadline_that_nobody_read_offers_no_confirmation(
    scene: ChainStage,
) -> None:
    alice = scene.stage.alice
    rental = scene.rents(confirmed=False)
    await scene.passes(minutes=2, step=15)
    scene.rpc[0].down = True
    await scene.passes(minutes=12, step=15)
    assert len(scene.told(alice, CONFIRMS)) == 2
    await scene.passes(minutes=10, step=15)
    assert scene.told(alice, CONFIRMS) == []
    assert "I confirm it" not in [one for told in alice.messages("@dbc") for one in told.buttons]
    for told in scene.told(alice, f"Order {rental.number} for gpu1 had to be confirmed by"):
        assert "It may have lapsed." in told
    scene.rpc[0].down = False
    await scene.passes(minutes=6, step=15)
    assert len(scene.told(alice, "has lapsed: nobody confirmed it")) == 3  # one new, two edited


@pytest.mark.slow
async def test_an_end_that_a_halt_puts_off_is_told_anew(scene: ChainStage) -> None:
    alice = scene.stage.alice
    rental = scene.rents(blocks=DAY)
    await scene.passes(minutes=10, step=60)
    await scene.until(rental.end - 140)
    before = len(alice.messages("@dbc"))
    scene.chain.blocks.halt()
    await scene.passes(3, step=300)
    assert len(alice.messages("@dbc")) == before
    scene.chain.blocks.resume()
    await scene.passes(minutes=5, step=30)
    assert len(alice.messages("@dbc")) == before + 1
    assert RENEWS in alice.last("@dbc").plain
    assert "I renew it" in alice.last("@dbc").buttons
    assert len(scene.told(alice, f"Order {rental.number} for gpu1 ends", RENEWS)) == 1
    await scene.until(rental.end + 60)
    assert len(alice.messages("@dbc")) == before + 2
    assert len(scene.told(alice, "has ended.")) == 1


@pytest.mark.slow
async def test_a_halt_hours_before_an_end_has_its_time_told_anew(scene: ChainStage) -> None:
    alice = scene.stage.alice
    rental = scene.rents(blocks=DAY)
    await scene.passes(minutes=10, step=60)
    await scene.until(rental.end - 2 * HOUR)
    scene.chain.blocks.halt()
    await scene.passes(1.5, step=300)
    assert scene.told(alice, "for gpu1 ends", at="end-1")  # by what was read
    scene.chain.blocks.resume()
    await scene.passes(minutes=5, step=30)
    (told,) = scene.told(alice, "for gpu1 ends", RENEWS)
    assert "cannot be read" not in told
    await scene.until(rental.end - 50)
    assert len(scene.told(alice, "for gpu1 ends", at="end-1-1")) == 1
    assert len(scene.told(alice, "for gpu1 ends", at="end-15m-1")) == 1
    over = "This is over: the chain had stood still, so its moments come later."
    assert scene.told(alice, "for gpu1 ends", over, at="end-1")


@pytest.mark.slow
async def test_a_confirmation_that_a_halt_puts_off_is_asked_for_again(scene: ChainStage) -> None:
    alice = scene.stage.alice
    rental = scene.rents(confirmed=False)
    await scene.passes(minutes=9, step=15)
    scene.chain.blocks.halt()
    await scene.passes(minutes=20, step=30)
    assert scene.told(alice, CONFIRMS) == []
    scene.chain.blocks.resume()
    await scene.passes(minutes=1, step=15)
    (told,) = scene.told(alice, f"Confirm order {rental.number}", "5 minutes left")
    assert "cannot be read" not in told
    await scene.passes(minutes=3, step=15)
    assert scene.told(alice, "2 minutes left", at="confirm-last-1")


@pytest.mark.slow
async def test_what_is_signed_near_an_end_is_read_when_somebody_asks(scene: ChainStage) -> None:
    stage, alice = scene.stage, scene.stage.alice
    await stage.asks(alice, "/dbc vm list")
    rental = scene.rents(blocks=DAY)
    await scene.passes(minutes=10, step=60)
    await scene.until(rental.end - 50)
    scene.chain.relet(rental.number, 10 * DAY)
    stage.clock.advance(timedelta(seconds=45))  # no look comes in between
    for asked in (f"order show {rental.number}", "order list", "vm list"):
        shown = (await stage.asks(alice, f"/dbc {asked}")).plain
        assert "in 10 days" in shown
    await stage.gives_session(alice, "gpu2")
    waiting = scene.rents("gpu2", confirmed=False)
    await scene.passes(minutes=1, step=15)
    scene.chain.confirm(waiting.number)
    stage.clock.advance(timedelta(seconds=45))
    shown = (await stage.asks(alice, f"/dbc order show {waiting.number}")).plain
    assert CONFIRMS not in shown
    assert "must be confirmed" not in shown


async def test_an_order_that_cannot_be_read_is_shown_as_of_when_it_is(scene: ChainStage) -> None:
    stage, alice = scene.stage, scene.stage.alice
    rental = scene.rents(blocks=DAY)
    waiting = scene.rents("gpu2", confirmed=False)
    await stage.gives_session(alice, "gpu2")
    await scene.passes(minutes=10, step=15)
    await stage.quiet()
    scene.rpc[0].down = True
    for asked in (f"order show {waiting.number}", "order list", "vm list"):
        shown = (await stage.asks(alice, f"/dbc {asked}")).plain
        assert "the chain cannot be read)" in shown
    shown = (await stage.asks(alice, f"/dbc order show {rental.number}")).plain
    assert "Sign this only if nobody has renewed the order since it was read" in shown
    assert RENEWS in shown
    told = [one for one in alice.messages("@dbc") if f"order {rental.number}" in one.plain.lower()]
    await alice.presses("Done", next(one for one in told if "I renew it" in one.buttons))
    await stage.quiet()
    stage.clock.advance(timedelta(seconds=30))
    shown = (await stage.asks(alice, f"/dbc order show {rental.number}")).plain
    assert "Sign again only if the wallet says that the transaction failed" in shown
    assert RENEWS not in shown


@pytest.mark.slow
async def test_what_the_newest_block_has_renewed_has_not_ended(scene: ChainStage) -> None:
    stage, alice = scene.stage, scene.stage.alice
    await stage.asks(alice, "/dbc vm list")
    rental = scene.rents(blocks=DAY)
    await scene.passes(minutes=10, step=60)
    end = rental.end
    await scene.until(end - 60, step=60)
    scene.chain.blocks.finality_stuck_at = scene.chain.blocks.finalized
    scene.chain.relet(rental.number, 11 * DAY)
    await scene.until(end + 5, step=12)
    newest = "(by the newest block, which is not final yet)"
    for asked in (f"order show {rental.number}", "order list", "vm list"):
        shown = (await stage.asks(alice, f"/dbc {asked}")).plain
        assert f"in 11 days {newest}" in shown
        assert RENEWS not in shown
        assert "can no longer be renewed" not in shown
        assert "I renew it" not in shown
    saved = (await stage.asks(alice, f"/dbc order rescue {rental.number}")).plain
    assert "has ended" not in saved
    assert "Shut down" not in saved.split("Copy data disks first")[1]


async def test_what_the_newest_block_has_confirmed_is_not_to_be_confirmed(
    scene: ChainStage,
) -> None:
    stage, alice = scene.stage, scene.stage.alice
    rental = scene.rents(confirmed=False)
    await scene.passes(minutes=6, step=15)
    scene.chain.blocks.finality_stuck_at = scene.chain.blocks.finalized
    scene.chain.confirm(rental.number)
    await scene.passes(minutes=5, step=15)
    for asked in (f"order show {rental.number}", "order list"):
        shown = (await stage.asks(alice, f"/dbc {asked}")).plain
        assert "must be confirmed" not in shown
        assert CONFIRMS not in shown
        assert "(by the newest block, which is not final yet)" in shown


async def test_what_the_newest_block_has_confirmed_has_an_end_though_nothing_is_read_since(
    scene: ChainStage,
) -> None:
    stage, alice = scene.stage, scene.stage.alice
    rental = scene.rents(blocks=DAY + 3600, confirmed=False)
    await scene.passes(minutes=2, step=12)
    await alice.presses("I confirm it", alice.last("@dbc"))
    scene.chain.confirm(rental.number)
    stage.clock.advance(timedelta(seconds=12))
    await stage.bot._services.orders.poll_due()
    scene.rpc[0].down = True
    await scene.until(rental.start + 260, step=30)
    assert scene.told(alice, "Confirm order", "could not be read from the chain") == []
    assert scene.told(alice, "This is over: its time has passed")
    await scene.until(rental.end - 50)
    for warning in ("end-24", "end-6", "end-1", "end-15m"):
        (told,) = scene.told(alice, "for gpu1 ends", "may have been confirmed", at=warning)
        assert "said" not in told  # who said to confirm it
    scene.rpc[0].down = False
    await scene.passes(minutes=2, step=15)
    assert scene.told(alice, "is confirmed") == []
    await scene.passes(minutes=10, step=15)
    assert len(scene.told(alice, f"Order {rental.number} for gpu1 has ended.")) == 1


async def test_all_orders_beside_each_other_are_marked_as_not_read_or_none(
    scene: ChainStage,
) -> None:
    stage, alice = scene.stage, scene.stage.alice
    over = scene.rents("gpu1", blocks=DAY, gpus=1)
    scene.rents("gpu1", blocks=3 * DAY, gpus=1)
    await scene.passes(minutes=10, step=60)
    await scene.until(over.end + 100)
    near = scene.rents("gpu2", blocks=HOUR)
    await stage.gives_session(alice, "gpu2")
    await scene.passes(minutes=10, step=60)
    mark = "the chain cannot be read)"
    for asked in ("order list", "vm list"):
        assert mark not in (await stage.asks(alice, f"/dbc {asked}")).plain
    scene.rpc[0].down = True
    stage.clock.advance(timedelta(seconds=10))
    listed = (await stage.asks(alice, "/dbc order list")).plain.splitlines()
    await scene.passes(minutes=1, step=15)
    for lines in (listed, (await stage.asks(alice, "/dbc vm list")).plain.splitlines()):
        marked = [one for one in lines if "ends" in one]
        assert len(marked) == 2
        assert [one for one in marked if mark not in one] == []
        assert [one for one in lines if "has ended" in one and mark in one] == []
    await scene.until(near.start + 2 * HOUR)
    scene.rpc[0].down = False
    await scene.passes(minutes=1, step=15)
    assert mark not in (await stage.asks(alice, "/dbc order list")).plain
