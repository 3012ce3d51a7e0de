"""After an order's end, only what its node still does is offered, and it is said what to do."""

import re
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

from sandbox.chain import Rental
from sandbox.dbc.keys import Wallet
from tests.scenarios.machines import off
from tests.scenarios.orders import DAY, ChainStage
from tests.scenarios.stored import alter
from tests.scenarios.test_orders_over import CREATE

COPIES = "That saves no machine of an order that has ended, but lets you copy its data"
OFFERED_NEVER = {"Modify …", "Add a disk …", "Rename …"}
IN_VAIN = {"Start", "Logs", "Restart", "Force restart", "Take a snapshot …", "More …"}


async def ended(scene: ChainStage) -> Rental:
    """An order of gpu1 that ended 20 minutes ago, on a node that asks the chain."""
    node = scene.stage.node("gpu1")
    rental = scene.rents(blocks=600)
    node.ledger = scene.chain
    for task in node.tasks.values():
        task.rent_order = str(rental.number)
    await scene.stage.asks(scene.stage.alice, "/dbc vm list")
    await scene.stage.asks(scene.stage.alice, "/dbc vm show inference")
    await scene.until(rental.end + 200)
    node.settle()
    await scene.passes(minutes=2, step=60)
    return rental


async def rents_one_gpu(scene: ChainStage) -> None:
    """Somebody else rents a GPU of the node, which then takes commands again."""
    scene.rents(gpus=1, renter=Wallet.from_seed("another").address)
    await scene.passes(minutes=2, step=60)


def in_menus(blocks: Sequence[dict[str, Any]]) -> set[str]:
    """What the menus beside machines offer."""
    menus = [one["accessory"] for one in blocks if "accessory" in one]
    return {option["text"]["text"] for menu in menus for option in menu["options"]}


async def test_of_a_node_without_machines_nobody_is_told_to_copy_any(scene: ChainStage) -> None:
    stage, node = scene.stage, scene.stage.node("gpu1")
    node.tasks.clear()
    node.ledger = scene.chain
    await scene.passes(minutes=2, step=60)
    listed = await stage.asks(stage.alice, "/dbc vm list")
    assert "until one of its GPUs is rented again." in listed.plain
    assert "copy" not in listed.plain


async def test_on_a_node_that_nobody_rents_nothing_is_offered_that_it_refuses(
    scene: ChainStage,
) -> None:
    stage, alice = scene.stage, scene.stage.alice
    rental = await ended(scene)
    listed = await stage.asks(alice, "/dbc vm list")
    assert in_menus(listed.blocks) == {"Show"}
    assert "Create a machine" not in listed.buttons
    assert "The node is not rented at present." in listed.plain
    assert f"until one of its GPUs is rented again. {COPIES}" in listed.plain
    await alice.opens_home()
    home = await alice.sees_home("is not rented at present")
    assert in_menus(home.blocks) == {"Show"}
    assert "Create a machine" not in home.buttons
    shown = await stage.asks(alice, "/dbc vm show inference")
    assert "when last seen" in shown.plain
    assert COPIES in shown.plain
    assert not IN_VAIN & {*shown.buttons}
    assert f"Copy data of order {rental.number} …" in shown.buttons
    rescue = await stage.asks(alice, f"/dbc order rescue {rental.number}")
    assert "Rent one of its GPUs again first" in rescue.plain
    assert not IN_VAIN & {*rescue.buttons}
    steps = rescue.plain.replace("*", "")
    assert "vda 350G: by a snapshot to image server backup, once gpu1 is rented again" in steps
    assert "vdb 100G: only over SSH, once gpu1 is rented again" in steps
    assert not re.search(r"vm (shutdown|start)|snapshot create|Start it", steps)
    await stage.asks(alice, "/dbc language zh")
    rescue_in_chinese = await stage.asks(alice, f"/dbc order rescue {rental.number}")
    assert "gpu1 现在无人租用" in rescue_in_chinese.plain
    assert "/data：" in rescue_in_chinese.plain
    help_in_chinese = await stage.asks(alice, "/dbc help session request")
    assert "[租用订单=…]" in help_in_chinese.plain
    assert "rent_order" not in help_in_chinese.plain
    await rents_one_gpu(scene)
    await stage.asks(alice, "/dbc language en")
    await alice.presses("Ask gpu1 again", rescue)
    await stage.quiet()
    assert {"Start", "Take a snapshot …"} <= {*alice.last().buttons}


async def test_below_an_end_nothing_is_offered_that_its_node_refuses(scene: ChainStage) -> None:
    stage, alice, node = scene.stage, scene.stage.alice, scene.stage.node("gpu1")
    rental = scene.rents(blocks=600)
    node.ledger = scene.chain
    stage.task("inference").rent_order = str(rental.number)
    off(stage)
    await stage.asks(alice, "/dbc vm list")
    await scene.until(rental.end - 20)
    asked = await stage.asks(alice, "/dbc vm start inference")
    await alice.presses("Run it anyway", asked) if "Run it anyway" in asked.buttons else None
    await stage.quiet()
    stage.clock.advance(scene.chain.blocks.until(rental.end + 200))
    node.settle()
    await scene.passes(1.5, step=600)
    (told,) = [one for one in alice.messages() if "unknown" in one.plain and one.buttons]
    assert "Show" in told.buttons
    assert not {*IN_VAIN, "Show logs", "Retry …"} & {*told.buttons}


async def test_of_an_ended_order_only_what_helps_to_copy_is_offered(scene: ChainStage) -> None:
    stage, alice = scene.stage, scene.stage.alice
    rental = await ended(scene)
    await rents_one_gpu(scene)
    listed = await stage.asks(alice, "/dbc vm list")
    assert {"Show", "Start", "Logs", "More …"} == in_menus(listed.blocks)
    assert "Create a machine" not in listed.buttons
    assert "a machine that you start runs for 15 minutes at most" in listed.plain
    shown = await stage.asks(alice, "/dbc vm show inference")
    assert "Start" in shown.buttons
    assert not OFFERED_NEVER & {*shown.buttons}
    await alice.presses("More …", shown)
    await stage.quiet()
    assert {"Start", "Take a snapshot …"} <= {*alice.last().buttons}
    assert not OFFERED_NEVER & {*alice.last().buttons}
    rescue = await stage.asks(alice, f"/dbc order rescue {rental.number}")
    assert {"Start", "Take a snapshot …"} <= {*rescue.buttons}
    assert "1. vda" in rescue.plain
    assert "only over SSH. Start it: it runs for 15 minutes at most" in rescue.plain


async def test_what_a_new_order_pays_for_is_offered_as_ever(scene: ChainStage) -> None:
    stage, alice = scene.stage, scene.stage.alice
    await ended(scene)
    new = scene.rents(blocks=10 * DAY)
    await scene.passes(minutes=5, step=60)
    kept = stage.task("Ada's training run")
    kept.rent_order = str(new.number)
    shown = await stage.asks(alice, f"/dbc vm show {kept.task_id}")
    assert "Modify …" in shown.buttons
    shown = await stage.asks(alice, "/dbc vm show inference")
    assert not OFFERED_NEVER & {*shown.buttons}
    listed = await stage.asks(alice, "/dbc vm list")
    assert "Create a machine" in listed.buttons
    assert "a machine that you start runs for 15 minutes at most" in listed.plain
    assert "For new machines, rent again" not in listed.plain


async def test_what_is_copied_is_told_and_not_asked_for_again(scene: ChainStage) -> None:
    stage, alice = scene.stage, scene.stage.alice
    rental = await ended(scene)
    new = scene.rents(blocks=10 * DAY)
    await scene.passes(minutes=2, step=60)
    line = f"/dbc order rescue {rental.number}"
    rescue = await stage.asks(alice, line)
    assert f"gpu1 is rented again (order {new.number}), so these steps can be run now" in (
        rescue.plain
    )
    await alice.presses("Take a snapshot …", rescue)
    form = await alice.sees_modal("Take a snapshot")
    assert (form.value("Snapshot name"), form.value("To image server")) == ("rescue", "backup")
    task = stage.task("inference").task_id[:8]
    await stage.asks(alice, "/dbc snapshot create inference rescue to backup")
    assert "snapshot rescue is on its way to image server" in (
        await stage.asks(alice, line)
    ).plain.replace("*", "").replace("`", "")
    await stage.ends(alice, "inference on gpu1: snapshot rescue is on backup")
    await stage.asks(alice, "/dbc language zh")
    rescue = await stage.asks(alice, line)
    assert "快照 rescue 已存到镜像中心 backup" in rescue.plain.replace("*", "").replace("`", "")
    assert f"{task} rescue" not in rescue.plain.replace("*", "").replace("`", "")


async def test_just_after_the_end_machines_are_reached_while_they_run(scene: ChainStage) -> None:
    stage, alice = scene.stage, scene.stage.alice
    stage.node("gpu1").ledger = scene.chain
    rental = scene.rents(blocks=600)
    await stage.asks(alice, "/dbc vm list")
    await stage.asks(alice, "/dbc vm show Ada")
    await scene.until(rental.end + 30)
    rescue = await stage.asks(alice, f"/dbc order rescue {rental.number}")
    assert "Those that run can be reached for 15 minutes at most" in rescue.plain.replace(
        "*", ""
    ).replace("`", "")
    assert "over SSH now. It is switched off within 15 minutes" in rescue.plain.replace(
        "*", ""
    ).replace("`", "")
    assert "Start it" not in rescue.plain.replace("*", "").replace("`", "")


async def test_a_data_disk_that_was_requested_is_told_before_it_is_read(scene: ChainStage) -> None:
    stage, alice = scene.stage, scene.stage.alice
    rental = scene.rents(blocks=3 * DAY)
    await scene.passes(minutes=2, step=60)
    await stage.asks(alice, CREATE)
    await scene.passes(minutes=2, step=60)
    late = stage.task("late").task_id
    alter(stage, f"DELETE FROM machine_details WHERE task = '{late}'")
    rescue = await stage.asks(alice, f"/dbc order rescue {rental.number}")
    assert (
        "data disk of 10 GiB by its creation (could not be read): over SSH"
        in rescue.plain.replace("*", "").replace("`", "")
    )


async def test_whoever_starts_a_machine_of_an_ended_order_is_told_for_how_long(
    scene: ChainStage,
) -> None:
    stage, alice = scene.stage, scene.stage.alice
    rental = await ended(scene)
    await rents_one_gpu(scene)
    warned = f"Order {rental.number} has ended. inference runs for 15 minutes at most"
    asked = await stage.asks(alice, "/dbc vm start inference")
    assert f"{warned} and is deleted after <!date" in asked.plain.replace("*", "")
    asked = await stage.asks(alice, "/dbc vm restart Ada")
    assert "Ada's training run runs for 15 minutes at most" in asked.plain.replace("*", "")


async def test_a_session_that_is_refused_does_not_mean_that_nobody_rents(
    scene: ChainStage,
) -> None:
    stage, alice = scene.stage, scene.stage.alice
    rental = await ended(scene)
    await rents_one_gpu(scene)
    stage.node("gpu1").gate.sessions.clear()
    await stage.asks(alice, "/dbc vm list")
    said = (await stage.asks(alice, f"/dbc order rescue {rental.number}")).plain.replace("*", "")
    assert "Nobody rents" not in said
    assert ":warning: The node does not accept this session." in said


async def test_steps_can_be_run_now_only_where_a_later_order_rents_a_node_that_answers(
    scene: ChainStage,
) -> None:
    stage, alice = scene.stage, scene.stage.alice
    rental = await ended(scene)
    new = scene.rents(blocks=2 * DAY)
    await scene.passes(minutes=5, step=60)
    line = f"/dbc order rescue {rental.number}"
    again = f"gpu1 is rented again (order {new.number})"
    assert again in (await stage.asks(alice, line)).plain
    stage.world.faults.on("dead_node", node="gpu1")
    said = (await stage.asks(alice, line)).plain
    assert again not in said
    assert "The node did not answer in time." in said


async def test_an_order_that_ran_beside_an_ended_one_does_not_rent_it_again(
    scene: ChainStage,
) -> None:
    stage, alice = scene.stage, scene.stage.alice
    rental = scene.rents(blocks=600, gpus=2)
    scene.rents(blocks=20 * DAY, gpus=2)
    for task in stage.node("gpu1").tasks.values():
        task.rent_order = str(rental.number)
    await stage.asks(alice, "/dbc vm list")
    await scene.until(rental.end + 200)
    said = (await stage.asks(alice, f"/dbc order rescue {rental.number}")).plain
    assert "While any GPU of gpu1 is rented" in said
    assert "is rented again" not in said


@pytest.mark.slow
async def test_data_is_copied_only_until_the_machines_are_deleted(
    scene: ChainStage,
) -> None:
    stage, alice = scene.stage, scene.stage.alice
    await stage.asks(alice, "/dbc vm list")
    rental = scene.rents(blocks=DAY)
    await scene.until(rental.end + 60)
    assert "copy your data" in (await stage.asks(alice, "/dbc vm list")).plain
    await scene.until(rental.end + 3 * DAY + 60)
    past = (await stage.asks(alice, "/dbc vm list")).plain
    assert f"Order {rental.number}" in past
    assert "copy your data" not in past


async def test_of_an_ended_order_without_machines_there_is_nothing_to_copy(
    scene: ChainStage,
) -> None:
    stage, alice = scene.stage, scene.stage.alice
    stage.node("gpu1").tasks = {}
    await stage.asks(alice, "/dbc vm list")
    rental = scene.rents(blocks=DAY)
    await scene.until(rental.end + 60)
    said = (await stage.asks(alice, "/dbc vm list")).plain
    assert "copy your data" not in said
    assert "For new machines, rent again." in said
    await stage.asks(alice, "/dbc language zh")
    assert "要新建虚拟机，请重新租用。" in (await stage.asks(alice, "/dbc vm list")).plain


@pytest.mark.slow
async def test_whoever_starts_a_machine_is_told_no_order_that_may_be_another_and_no_past_time(
    scene: ChainStage,
) -> None:
    stage, alice = scene.stage, scene.stage.alice
    off(stage)
    await stage.asks(alice, "/dbc vm list")
    rentals = [scene.rents(blocks=600, gpus=2) for _ in range(2)]
    await scene.until(rentals[-1].end + 200)
    over = (
        "Each order that may pay for this machine has ended. inference runs for 15 minutes at most"
    )
    asked = await stage.asks(alice, "/dbc vm start inference")
    assert f"{over} and may be deleted after <!date" in asked.plain.replace("*", "")
    scene.rpc[0].down = True
    await scene.until(rentals[-1].end + 3 * DAY + 600)
    asked = await stage.asks(alice, "/dbc vm start inference")
    assert f"{over}, and can be deleted at any moment." in asked.plain.replace("*", "")
    await stage.asks(alice, "/dbc language zh")
    asked = await stage.asks(alice, "/dbc vm start inference")
    for said in ("可能为这台虚拟机付费的订单都已到期。", "最多运行 15 分钟，随时可能被删除。"):
        assert said in asked.plain


@pytest.mark.parametrize("has_ended", [False, True])
async def test_on_a_silent_node_no_step_names_a_command(
    scene: ChainStage, *, has_ended: bool
) -> None:
    stage, alice = scene.stage, scene.stage.alice
    rental = await ended(scene) if has_ended else scene.rents(blocks=DAY)
    await (rents_one_gpu(scene) if has_ended else scene.passes(minutes=2, step=60))
    await stage.asks(alice, "/dbc vm show inference")
    stage.node("gpu1").silent = True
    rescue = await stage.asks(alice, f"/dbc order rescue {rental.number}")
    steps = rescue.plain.replace("*", "")
    assert ":warning: gpu1 did not answer in time." in steps
    assert "by a snapshot to image server backup, once gpu1 takes commands again" in steps
    assert not re.search(r"vm (shutdown|start)|snapshot create|Start it", steps)
    assert not IN_VAIN & {*rescue.buttons}
    assert "Ask gpu1 again" in rescue.buttons
    stage.node("gpu1").silent = False
    stage.clock.advance(timedelta(minutes=5))
    await alice.presses("Ask gpu1 again", rescue)
    await stage.quiet()
    assert "snapshot create" in alice.last().plain


@pytest.mark.slow
async def test_until_its_end_is_final_an_order_is_told_to_have_ended_and_not_to_renew_it(
    scene: ChainStage,
) -> None:
    stage, alice = scene.stage, scene.stage.alice
    rental = scene.rents(blocks=600)
    await scene.until(rental.end - 100, step=60)
    shown = (await stage.asks(alice, f"/dbc order show {rental.number}")).plain
    assert "reletMachine" in shown
    await scene.until(rental.end + 1, step=60)
    shown = (await stage.asks(alice, f"/dbc order show {rental.number}")).plain.replace("*", "")
    assert "It has ended by the newest block, which is not final yet." in shown
    assert "reletMachine" not in shown
    assert "renewing costs" not in shown
    assert f"order rescue {rental.number}" in shown
    said = (await stage.asks(alice, f"/dbc order rescue {rental.number}")).plain.replace("*", "")
    assert f"Order {rental.number} has ended by the newest block" in said
    assert "2026-01-08 " in said.partition("\n")[0]  # 72 hours later
    assert "renew the order first" not in said
    assert "It is switched off within 15 minutes" in said


@pytest.mark.slow
async def test_past_an_end_that_nobody_could_read_copying_has_no_date_in_the_past(
    scene: ChainStage,
) -> None:
    stage, alice = scene.stage, scene.stage.alice
    rental = scene.rents(blocks=600)
    await scene.until(rental.end - 100, step=60)
    scene.rpc[0].down = True
    await scene.until(rental.end + 200, step=60)
    said = (await stage.asks(alice, f"/dbc order rescue {rental.number}")).plain.replace("*", "")
    assert "and the chain could not be read since" in said
    assert "Unless it was renewed, copy what you need from gpu1 before" in said
    assert "renew the order first" not in said
    created = (await stage.asks(alice, CREATE)).plain
    assert "Unless it was renewed before, what you add now" in created
    assert "renewing costs" not in created
