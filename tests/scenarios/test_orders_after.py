"""What is told and offered after a rental's end: what is certain, once, and with one time."""

import re
from datetime import timedelta

import pytest

from tests.scenarios.orders import DAY, ChainStage

HOUR, KEPT = 600, 3 * DAY  # blocks


@pytest.fixture
async def scene(scene: ChainStage) -> ChainStage:
    """Its machines were listed once, so that they are known."""
    await scene.stage.asks(scene.stage.alice, "/dbc vm list")
    return scene


@pytest.mark.slow
async def test_the_deletion_has_one_time_whenever_it_is_told(scene: ChainStage) -> None:
    stage, alice, blocks = scene.stage, scene.stage.alice, scene.chain.blocks
    blocks.halt()
    stage.clock.advance(timedelta(seconds=3))
    blocks.resume()
    rental = scene.rents(blocks=HOUR)
    deleted = stage.clock.now() + blocks.until(rental.end + KEPT)
    scene.chain.relet(rental.number, (300 - int(deleted.timestamp()) % 300) // 6 + DAY)
    await scene.until(rental.end + 60)
    deleted = stage.clock.now() + blocks.until(rental.end + KEPT)  # seconds before a full 5 minutes
    blocks.empty_slots(0.1)
    told: set[str] = set()
    for _ in range(4):
        shown = await stage.asks(alice, f"/dbc order show {rental.number}")
        told |= {*re.findall(r"deleted after <!date\^(\d+)", shown.plain)}
        await scene.passes(minutes=11, step=61)
    (moment,) = told
    assert int(moment) % 300 == 0
    assert 0 <= deleted.timestamp() - int(moment) < 300


async def test_an_end_is_told_once(scene: ChainStage) -> None:
    rental = scene.rents(blocks=HOUR)
    await scene.until(rental.end + 60)
    (told,) = scene.told(scene.stage.alice, f"Order {rental.number} for gpu1 has ended")
    assert told.count("has ended") == 1
    assert "Renting a GPU of gpu1 again does not save them" in told


@pytest.mark.parametrize(
    ("hours", "words"),
    [
        (67, ("gpu1 deletes inference (", "with all disks and snapshots after")),
        (74, ("gpu1 deletes, or has deleted, inference (",)),
    ],
)
async def test_after_a_downtime_past_the_end_the_deletion_is_told_first(
    scene: ChainStage, hours: int, words: tuple[str, ...]
) -> None:
    stage, alice = scene.stage, scene.stage.alice
    stage.node("gpu1").tasks = {stage.task("inference").task_id: stage.task("inference")}
    await stage.asks(alice, "/dbc vm list")
    await stage.asks(alice, "/dbc vm show inference")
    rental = scene.rents(blocks=2 * HOUR)
    await scene.passes(minutes=5)
    scene.rpc[0].down = True
    await stage.bot.stop()
    stage.clock.advance(scene.chain.blocks.until(rental.end + hours * HOUR))
    await scene.restart()
    await scene.passes(minutes=2, step=30)
    (told,) = scene.told(alice, f"unless order {rental.number} was renewed. It was to end")
    assert all(word in told for word in words)
    assert "lose power within 15 minutes" not in told


@pytest.mark.parametrize(
    ("hours", "words"),
    [
        (67, ("gpu1 may delete",)),
        (73, ("gpu1 may have deleted",)),
    ],
)
async def test_an_end_that_was_not_seen_names_the_machines_of_which_it_is_not_certain(
    scene: ChainStage, hours: int, words: tuple[str, ...]
) -> None:
    stage, alice = scene.stage, scene.stage.alice
    for command in ("vm list", "vm show inference"):
        await stage.asks(alice, f"/dbc {command}")
    rental = scene.rents(blocks=2 * HOUR, gpus=2)
    scene.rents(blocks=20 * DAY, gpus=2)
    await scene.passes(minutes=5)
    scene.rpc[0].down = True
    await stage.bot.stop()
    stage.clock.advance(scene.chain.blocks.until(rental.end + hours * HOUR))
    await scene.restart()
    await scene.passes(minutes=2, step=30)
    (told,) = scene.told(alice, f"unless order {rental.number} was renewed. It was to end")
    words = (*words, "inference (vda", "I do not know which order pays for them.")
    assert not [word for word in words if word not in told], told
    assert "its machines" not in told


async def test_of_an_order_without_machines_nothing_is_offered_to_copy(scene: ChainStage) -> None:
    stage, alice = scene.stage, scene.stage.alice
    stage.node("gpu1").tasks = {}
    await stage.asks(alice, "/dbc vm list")
    rental = scene.rents(blocks=DAY)
    await scene.passes(minutes=5, step=60)
    for _ in range(2):
        for line in (f"/dbc order show {rental.number}", "/dbc order list", "/dbc vm list"):
            assert not [one for one in (await stage.asks(alice, line)).buttons if "Copy" in one]
        await scene.until(rental.end + 60)


async def test_the_ways_to_copy_name_their_orders(scene: ChainStage) -> None:
    alice = scene.stage.alice
    rentals = [scene.rents(blocks=HOUR, gpus=2) for _ in range(2)]
    await scene.until(rentals[-1].end + 60)
    await alice.opens_home()
    home = await alice.sees_home("has ended")
    ways = [one for one in home.buttons if one.startswith("Copy data")]
    assert ways == [f"Copy data of order {one.number} …" for one in rentals]
