"""Which machines a rental's warnings name: all but those that name another order."""

import re

import pytest

from sandbox.chain import Rental
from sandbox.dbc.demo import demo_renter
from tests.scenarios.orders import DAY, ChainStage
from tests.scenarios.test_orders_over import CREATE

HOURS = 600  # blocks


async def shown(scene: ChainStage, number: int) -> str:
    """What `order show` says of an order to Alice."""
    seen = await scene.stage.asks(scene.stage.alice, f"/dbc order show {number}")
    return seen.plain.replace("*", "")


@pytest.mark.slow
async def test_a_machine_that_names_no_order_is_warned_of_under_the_next_one(
    scene: ChainStage,
) -> None:
    stage, alice = scene.stage, scene.stage.alice
    old = scene.rents(blocks=2 * DAY)
    await scene.passes(1)
    await stage.asks(alice, CREATE)
    await scene.passes(2, step=900)
    assert "perhaps" not in await shown(scene, old.number)  # nothing else can pay for it
    await scene.until(old.end + 2 * HOURS)
    new = scene.rents(blocks=5 * DAY)
    await scene.passes(3, step=900)
    for number in (old.number, new.number):
        assert "perhaps Ada's training run" in (told := await shown(scene, number))
        assert "late (vda 350G, vdb 10G)" in told
    await scene.until(old.end + 66 * HOURS)
    (told,) = scene.told(alice, f"rder {old.number}", "gpu1 may delete", at="deletion-6")
    assert "late (vda 350G, vdb 10G)" in told
    assert "I do not know which order pays for them." in told
    await scene.until(old.end + 73 * HOURS)
    (told,) = scene.told(
        alice, f"order {old.number} for gpu1 are over", "the node may delete, or may have deleted"
    )
    assert "late (vda 350G, vdb 10G)" in told
    assert "its machines" not in told
    await scene.until(new.end + 600)
    assert "late" in [task.desc for task in stage.node("gpu1").tasks.values()]
    (told,) = scene.told(alice, f"rder {new.number} for gpu1 ended")
    assert "late (vda 350G, vdb 10G)" in told
    for hours in (24, 6):
        await scene.until(new.end + (72 - hours) * HOURS)
        assert scene.told(
            alice, f"rder {new.number}", "late (vda 350G, vdb 10G)", at=f"deletion-{hours}"
        )


@pytest.mark.slow
async def test_a_machine_that_names_its_order_is_warned_of_under_that_alone(
    scene: ChainStage,
) -> None:
    stage, alice = scene.stage, scene.stage.alice
    old = scene.rents(blocks=2 * DAY)
    await stage.asks(alice, CREATE)
    await scene.passes(1, step=900)
    old_one, new_one = (stage.task(name) for name in ("inference", "late"))
    await scene.until(old.end + 2 * HOURS)
    new = scene.rents(blocks=5 * DAY)
    old_one.rent_order, new_one.rent_order = str(old.number), str(new.number)
    for name in ("inference", "late"):
        await stage.asks(alice, f"/dbc vm show {name}")
    await scene.passes(1, step=900)
    mine = await shown(scene, new.number)
    assert "inference" not in mine
    assert "Machines\nlate (vda 350G, vdb 10G); perhaps" in mine
    await scene.until(new.end - 24 * HOURS)
    (told,) = scene.told(alice, f"rder {new.number} for gpu1 ends", at="end-24")
    assert "inference" not in told


async def test_an_end_names_the_machines_that_may_be_lost_where_another_order_lives(
    scene: ChainStage,
) -> None:
    await scene.stage.asks(scene.stage.alice, "/dbc vm list")
    first = scene.rents(blocks=HOURS, gpus=2)
    scene.rents(blocks=20 * DAY, gpus=2)
    await scene.until(first.end + 60)
    (told,) = scene.told(scene.stage.alice, f"rder {first.number} for gpu1 has ended")
    assert "inference (vda 350G, vdb 100G) may lose power within 15 minutes" in told
    assert "I do not know which order pays for them." in told


@pytest.mark.slow
async def test_chinese_says_of_which_machines_it_is_not_known(scene: ChainStage) -> None:
    alice = scene.stage.alice
    await scene.stage.asks(alice, "/dbc language zh")
    old = scene.rents(blocks=2 * DAY)
    await scene.passes(1, step=900)
    await scene.until(old.end + 2 * HOURS)
    new = scene.rents(blocks=2 * DAY)
    await scene.passes(1, step=900)
    assert "可能有 Ada's training run" in await shown(scene, new.number)
    await scene.until(new.end - 24 * HOURS)
    (told,) = scene.told(alice, f"订单 {new.number} 将于", at="end-24")
    assert f"可能随订单 {new.number} 一起丢失：不确定由哪个订单付费。" in told
    await scene.until(old.end + 66 * HOURS)
    (told,) = scene.told(alice, "gpu1 可能会删除 Ada's training run", at="deletion-6")
    assert "不确定由哪个订单付费。" in told


async def test_a_machine_that_was_made_after_an_end_is_no_machine_of_that_order(
    scene: ChainStage,
) -> None:
    stage, alice = scene.stage, scene.stage.alice
    old = scene.rents(blocks=2 * DAY)
    await scene.passes(1, step=900)
    await scene.until(old.end + HOURS)
    new = scene.rents(blocks=5 * DAY)
    await scene.passes(1, step=900)
    await stage.asks(alice, CREATE)
    await scene.passes(1, step=900)
    for command in ("vm list", "vm show late", "vm show inference"):
        await stage.asks(alice, f"/dbc {command}")
    assert "late" not in await shown(scene, old.number)
    assert "Machines\nlate (vda 350G, vdb 10G)" in await shown(scene, new.number)
    rescued = [await stage.asks(alice, f"/dbc order rescue {one.number}") for one in (old, new)]
    assert ["late" in one.plain for one in rescued] == [False, True]
    assert "inference" in rescued[0].plain
    machine = (await stage.asks(alice, "/dbc vm show late")).plain.replace("*", "")
    assert f"Order {new.number} for gpu1 ends" in machine
    assert f"rder {old.number}" not in machine


async def added_after_the_end(scene: ChainStage, *, names_it: bool) -> Rental:
    """An order to which a machine, late, was added after its end, with a warning."""
    stage, alice = scene.stage, scene.stage.alice
    await stage.asks(alice, "/dbc vm list")
    old = scene.rents(blocks=2 * DAY)
    await scene.passes(1, step=900)
    await scene.until(old.end + HOURS)
    warned = await stage.asks(alice, CREATE)
    assert "What you add now is switched off and deleted with them." in warned.plain
    await alice.presses("Run it anyway", warned)
    await stage.quiet()
    await scene.passes(1, step=900)
    if names_it:
        stage.task("late").rent_order = str(old.number)
    for command in ("vm list", "vm show late", "vm show inference"):
        await stage.asks(alice, f"/dbc {command}")
    return old


@pytest.mark.slow
@pytest.mark.parametrize("names_it", [False, True])
async def test_a_machine_that_was_added_to_an_ended_order_is_warned_of_with_it(
    scene: ChainStage, names_it: bool
) -> None:
    stage, alice = scene.stage, scene.stage.alice
    old = await added_after_the_end(scene, names_it=names_it)
    assert "late (vda 350G, vdb 10G)" in await shown(scene, old.number)
    assert "late" in (await stage.asks(alice, f"/dbc order rescue {old.number}")).plain
    machine = (await stage.asks(alice, "/dbc vm show late")).plain.replace("*", "")
    assert f"Order {old.number} for gpu1 has ended" in machine
    await scene.until(old.end + 49 * HOURS)
    (told,) = scene.told(alice, f"rder {old.number}", "gpu1 deletes", at="deletion-24")
    assert "late (vda 350G, vdb 10G)" in told


@pytest.mark.slow
async def test_a_machine_that_names_an_ended_order_is_of_it_also_beside_a_new_one(
    scene: ChainStage,
) -> None:
    stage, alice = scene.stage, scene.stage.alice
    old = await added_after_the_end(scene, names_it=True)
    new = scene.rents(blocks=5 * DAY)
    await scene.passes(1, step=900)
    assert "late (vda 350G, vdb 10G)" in await shown(scene, old.number)
    assert "late (" not in await shown(scene, new.number)
    machine = (await stage.asks(alice, "/dbc vm show late")).plain.replace("*", "")
    assert f"Order {old.number} for gpu1 has ended" in machine
    assert f"rder {new.number}" not in machine


async def test_of_one_machine_an_end_is_told_in_the_singular(scene: ChainStage) -> None:
    node = scene.stage.node("gpu1")
    node.drop(scene.stage.task("Ada's training run"))
    await scene.stage.asks(scene.stage.alice, "/dbc vm list")
    rental = scene.rents(blocks=600)
    await scene.until(rental.end + 60)
    told = scene.told(scene.stage.alice, "inference (vda 350G, vdb 100G) loses power")
    assert told
    assert "deletes it with all disks" in told[-1]


async def test_however_many_machines_are_lost_it_says_until_when(scene: ChainStage) -> None:
    stage, alice = scene.stage, scene.stage.alice
    scene.is_watched_whole = True
    rental = scene.rents(blocks=DAY)
    for number in range(30):
        name = f"{number:02}" + "长" * 100
        task = stage.node("gpu1").running_task(demo_renter(), desc=name, gpus=[])
        task.rent_order = str(rental.number)
    await scene.until(rental.end + 30)
    (told,) = scene.told(alice, "has ended.")
    assert re.search(r" and \d\d more lose power within 15 minutes, and the node deletes", told)
    assert f"/dbc order rescue {rental.number}" in told
    assert "more lines" not in told
    (warned,) = scene.told(alice, "for gpu1 ends", at="end-15m")
    assert "This is over" in warned
    shown = (await stage.asks(alice, f"/dbc order show {rental.number}")).plain
    assert re.search(r" and \d\d more\n", shown)
