"""What people see of rentals, from an order's start to the deletion, in both languages.

After a wanted change: `make snapshots`, and read the difference.
"""

from pathlib import Path

import pytest
from syrupy.assertion import SnapshotAssertion

from bot.commands.rows import command_table
from sandbox.chain import Rental
from tests.scenarios.orders import DAY, ChainStage, chained
from tests.scenarios.surfaces import KEEP_THEM, TextFile, as_text, of_view
from tests.scenarios.test_surfaces import Walk as Everything
from tests.scenarios.test_surfaces_of_trouble import LOCALES, Walk, speaks

LINES = (
    "order list", "order list on gpu2",
    "order show 1287", "order rescue 1287", "cost", "cost person", "cost machine",
    "vm list", "vm show inference", "node show gpu1",
)  # fmt: skip


async def asks(scene: ChainStage, walk: Walk, when: str) -> None:
    """What Alice is answered and sees in her Home at a moment of the order."""
    alice = scene.stage.alice
    for line in LINES:
        await scene.stage.asks(alice, f"/dbc {line}")
        walk.note(f"{when}, {line}")
    await alice.opens_home()
    await scene.stage.quiet()
    assert alice.home is not None
    walk.shown[f"{when}, home"] = of_view(alice.home)
    walk.note(f"{when}, beside")


async def forms(scene: ChainStage, walk: Walk, locale: str) -> None:
    """The forms about orders, with orders to choose."""
    opened = Everything(scene.stage, locale)
    for command in command_table():
        if command.id.startswith(("order.", "cost")):
            await opened.form(command)
    walk.shown.update(opened.shown)
    walk.note("forms, beside")


async def begins(scene: ChainStage, walk: Walk) -> Rental:
    """An order that has to be confirmed, and is."""
    rental = scene.rents(blocks=600, confirmed=False)
    await scene.passes(minutes=4, step=60)
    walk.note("to be confirmed")
    scene.chain.confirm(rental.number)
    await scene.passes(minutes=3, step=60)
    walk.note("confirmed")
    return rental


@pytest.mark.timeout(300)
@pytest.mark.parametrize("locale", LOCALES)
async def test_an_order_from_its_start_to_the_deletion(
    tmp_path: Path, locale: str, snapshot: SnapshotAssertion
) -> None:
    async with chained(tmp_path) as scene:
        stage, node = scene.stage, scene.stage.node("gpu1")
        await stage.gives_session(stage.alice, "gpu1")
        walk = await speaks(stage, locale)
        await stage.asks(stage.alice, "/dbc session share gpu1 with @bob")
        await stage.asks(stage.alice, "/dbc vm list")
        walk.note("before")
        rental = await begins(scene, walk)
        node.ledger = scene.chain
        for task in node.tasks.values():
            task.rent_order = str(rental.number)
        await scene.passes(minutes=1, step=60)
        await asks(scene, walk, "ends soon")
        await forms(scene, walk, locale)
        await walk.presses(stage.bob, "I renew it")
        walk.note("Bob renews it")
        await scene.until(rental.end - 140, step=60)
        walk.note("a quarter before the end")
        await scene.until(rental.end + 200)
        node.settle()
        await scene.passes(minutes=2, step=60)
        walk.note("ended")
        await asks(scene, walk, "ended")
        await scene.until(rental.end + 73 * 600)
        walk.note("deleted")
        await asks(scene, walk, "deleted")
    assert as_text(walk.shown) == snapshot(extension_class=TextFile), KEEP_THEM


@pytest.mark.parametrize("locale", LOCALES)
async def test_orders_that_lapse_are_renewed_or_put_off(
    tmp_path: Path, locale: str, snapshot: SnapshotAssertion
) -> None:
    async with chained(tmp_path) as scene:
        stage = scene.stage
        await stage.gives_session(stage.alice, "gpu1")
        walk = await speaks(stage, locale)
        await stage.asks(stage.alice, f"/dbc order watch {scene.renter}")
        await stage.asks(stage.alice, "/dbc vm list")
        walk.note("before")
        lapsing = scene.rents(blocks=600, confirmed=False)
        await scene.passes(minutes=4, step=60)
        walk.note("to be confirmed")
        await walk.presses(stage.alice, "Done")
        walk.note("said to be confirmed")
        await scene.until(lapsing.end)
        walk.note("lapsed")
        rental = scene.rents(blocks=10 * DAY)
        await scene.until(rental.end - 3 * DAY + 100)
        walk.note("ends in days")
        await walk.presses(stage.alice, "Snooze")
        walk.note("put off")
        scene.chain.relet(rental.number, 10 * DAY)
        await scene.passes(minutes=10, step=60)
        walk.note("renewed")
        await stage.asks(stage.alice, f"/dbc order unwatch {scene.renter}")
        walk.note("unwatched")
    assert as_text(walk.shown) == snapshot(extension_class=TextFile), KEEP_THEM
