"""What can be copied of a rental that ends, in which order, and until when."""

import pytest

from sandbox.dbc.task import Libvirt, Snapshot, Status
from tests.scenarios.orders import DAY, ChainStage
from tests.scenarios.site import rules
from tests.scenarios.stage import CONFIRM_ONLY
from tests.scenarios.stored import alter

REVIEWED = '[[rule]]\nname = "r"\nmatch = { command = "vm.shutdown" }\napprovals = 1\n'
NO = '[[rule]]\nname = "no"\ndeny = "Not for you."\nmatch = '


@pytest.fixture
async def scene(scene: ChainStage) -> ChainStage:
    """Its machines were listed once, so that they are known."""
    await scene.stage.asks(scene.stage.alice, "/dbc vm list")
    return scene


async def test_the_steps_are_numbered_with_ssh_first_and_have_buttons(scene: ChainStage) -> None:
    stage, alice = scene.stage, scene.stage.alice
    rental = scene.rents(blocks=DAY)
    await scene.passes(minutes=5, step=60)
    shown = await stage.asks(alice, f"/dbc order rescue {rental.number}")
    said = shown.plain
    assert "1. vdb 100G: over SSH while it runs, to a computer of yours: ssh -p " in said.replace(
        "`", ""
    )
    assert said.index("1. vdb") < said.index("2. vda") < said.index("vm shutdown")
    assert "takes hours to transfer" in said
    await alice.presses("Take a snapshot …", shown)
    await stage.quiet()
    assert alice.modal is not None


@pytest.mark.slow
async def test_after_the_end_and_after_the_deletion_only_what_is_possible_is_said(
    scene: ChainStage,
) -> None:
    stage, alice = scene.stage, scene.stage.alice
    rental = scene.rents(blocks=600)
    await scene.until(rental.end + 60)
    await alice.opens_home()
    copies = f"Copy data of order {rental.number} …"
    assert copies in (await alice.sees_home("has ended")).buttons
    said = (await stage.asks(alice, f"/dbc order rescue {rental.number}")).plain
    assert "While any GPU of gpu1 is rented, it takes commands for these machines" in said
    assert "They are deleted all the same." in said
    assert "over SSH now. It is switched off within 15 minutes: ssh -p" in said.replace("`", "")
    assert "while the machine runs" not in said
    await scene.until(rental.end + 73 * 600)
    await stage.asks(alice, "/dbc language zh")
    said = (await stage.asks(alice, f"/dbc order rescue {rental.number}")).plain
    assert "已经来不及备份" in said
    assert "SSH" not in said


async def test_of_one_number_the_order_that_is_not_over_is_meant(scene: ChainStage) -> None:
    stage, alice = scene.stage, scene.stage.alice
    other = scene.older()
    other.confirm(other.rent(scene.renter, stage.node("gpu1").node_id, None, DAY).number)
    await scene.passes(minutes=1, step=60)
    rental = scene.rents(blocks=DAY)
    await scene.passes(minutes=2, step=60)
    older = "WHERE id LIKE 'terminatingRental.%'"
    alter(stage, f"UPDATE rental_orders SET phase = 'gone', ends = ends - {9 * DAY} {older}")
    for verb in ("rescue", "show"):
        shown = (await stage.asks(alice, f"/dbc order {verb} {rental.number}")).plain
        assert "ends <!date" in shown or "Copy what you need" in shown
    alter(stage, f"UPDATE rental_orders SET phase = 'lapsed', ends = ends - {18 * DAY} {older}")
    alter(stage, "UPDATE rental_orders SET phase = 'gone' WHERE phase = 'renting'")
    shown = (await stage.asks(alice, f"/dbc order show {rental.number}")).plain
    assert "lapsed" not in shown


async def test_what_the_rules_surely_deny_is_offered_by_no_button(scene: ChainStage) -> None:
    stage, alice = scene.stage, scene.stage.alice
    rental = scene.rents(blocks=DAY)
    await scene.passes(minutes=5, step=60)
    rules(stage, f'{CONFIRM_ONLY}{NO}{{ command = "vm.shutdown", person = "{alice.id}" }}\n')
    shown = await stage.asks(alice, f"/dbc order rescue {rental.number}")
    assert "Take a snapshot …" in shown.buttons
    assert "Shut down" not in shown.buttons


@pytest.mark.parametrize("is_read", [True, False], ids=["read", "not read"])
async def test_no_shutdown_is_advised_in_time_once_the_end_has_come(
    scene: ChainStage, is_read: bool
) -> None:
    stage, alice = scene.stage, scene.stage.alice
    rules(stage, REVIEWED)
    stage.node("gpu1").ledger = scene.chain
    rental = scene.rents(blocks=600)
    await scene.passes(minutes=2, step=60)
    asked = f"/dbc order rescue {rental.number}"
    assert "needs approval here. Request it in time" in (await stage.asks(alice, asked)).plain
    scene.rpc[0].down = not is_read
    stage.clock.advance(scene.chain.blocks.until(rental.end + 1))
    said = (await stage.asks(alice, asked)).plain
    assert "once gpu1 is rented again" in said.replace("*", "")
    assert "needs approval" not in said


@pytest.mark.slow
async def test_a_snapshot_of_a_machine_that_has_run_since_is_not_the_last_one(
    scene: ChainStage,
) -> None:
    stage, alice = scene.stage, scene.stage.alice
    rental = scene.rents(blocks=2 * DAY + 12 * 600)
    await scene.passes(minutes=2, step=60)
    task = stage.task("inference")
    assert task.domain is not None
    task.domain.state, task.status = Libvirt.SHUT_OFF, Status.CLOSED
    await stage.asks(alice, "/dbc vm show inference")
    await stage.asks(alice, "/dbc snapshot create inference rescue to backup")
    await stage.ends(alice, "inference on gpu1: snapshot rescue is on backup")
    line = f"/dbc order rescue {rental.number}"
    again = f"/dbc snapshot create {task.task_id[:8]} rescue-2 to backup"
    said = (await stage.asks(alice, line)).plain.replace("*", "").replace("`", "")
    assert "vda 350G: snapshot rescue, taken <!date" in said
    assert again not in said
    await stage.asks(alice, "/dbc vm start inference")
    await scene.until(rental.end - 600)
    await stage.asks(alice, "/dbc vm show inference")
    rescue = await stage.asks(alice, line)
    said = rescue.plain.replace("*", "").replace("`", "")
    assert f"then {again}. Snapshot rescue, taken <!date" in said
    assert "is on image server backup without what was written since" in said
    assert rescue.buttons.count("Take a snapshot …") == 2
    task.domain.state, task.status = Libvirt.SHUT_OFF, Status.CLOSED
    await stage.asks(alice, "/dbc vm show inference")
    rescue = await stage.asks(alice, line)
    assert rescue.buttons.count("Take a snapshot …") == 2
    await stage.asks(alice, "/dbc language zh")
    said = (await stage.asks(alice, line)).plain.replace("*", "").replace("`", "")
    assert "之后写入的内容不在其中" in said


async def test_a_name_is_free_whatever_number_of_them_is_taken(scene: ChainStage) -> None:
    stage, alice = scene.stage, scene.stage.alice
    rental = scene.rents(blocks=DAY)
    await scene.passes(minutes=5, step=60)
    task = stage.task("inference")
    for name in ("rescue", *(f"rescue-{number}" for number in range(2, 101))):
        task.snapshots.append(Snapshot(name, "", f"/data/{name}.qcow2", task.created_at))
    await stage.asks(alice, "/dbc snapshot list inference")
    said = (await stage.asks(alice, f"/dbc order rescue {rental.number}")).plain
    assert f"snapshot create {task.task_id[:8]} rescue-101 to backup" in said


@pytest.mark.slow
async def test_what_a_living_order_may_pay_for_is_not_lost_with_one_that_lapsed(
    scene: ChainStage,
) -> None:
    stage, alice = scene.stage, scene.stage.alice
    living = scene.rents(blocks=40 * DAY, gpus=4)
    await scene.passes(minutes=5, step=60)
    lapsed = scene.rents(blocks=10 * DAY, gpus=4, confirmed=False)
    await scene.passes(minutes=20, step=30)
    (told,) = scene.told(alice, f"Order {lapsed.number} for gpu1 has lapsed", at="lapsed")
    shown = await stage.asks(alice, f"/dbc order show {lapsed.number}")
    rescue = await stage.asks(alice, f"/dbc order rescue {lapsed.number}")
    for one in (told, shown.plain, rescue.plain):
        assert "inference" not in one
        assert "switched off" not in one
    assert "Shut down" not in rescue.buttons
    assert "Copy data …" not in shown.buttons
    assert "inference" in (await stage.asks(alice, f"/dbc order rescue {living.number}")).plain
