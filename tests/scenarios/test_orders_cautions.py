"""Whoever puts something on a node is told first what becomes of it, by the order's own phase."""

from datetime import timedelta
from pathlib import Path

import pytest

from tests.scenarios.changing import BOBS_REVIEW
from tests.scenarios.machines import off
from tests.scenarios.orders import DAY, ChainStage, chained

CREATE = "/dbc vm create name=late image=ubuntu-20.04.qcow2 gpu=1 cpu=2 mem=8 disk=10 on gpu1"
DOWNLOAD = "/dbc image download pytorch-2.4.qcow2 from=hub on gpu1"


async def asked(scene: ChainStage, line: str) -> str:
    """What is asked before a command is sent; nothing of it has been sent by then."""
    question = await scene.stage.asks(scene.stage.alice, line)
    assert scene.stage.changes() == []
    return question.plain.replace("*", "")


async def test_on_an_order_that_has_ended_it_says_so_and_when_all_is_deleted(
    scene: ChainStage,
) -> None:
    off(scene.stage, "inference")
    rental = scene.rents(blocks=DAY // 24)
    await scene.until(rental.end + 20, step=60)
    ended = f"Before you go on\n:warning: Order {rental.number} for gpu1 has ended; machines are"
    for line in (CREATE, DOWNLOAD, "/dbc disk add inference 10"):
        said = await asked(scene, line)
        assert f"{ended} deleted after" in said
        assert "It cannot be renewed any more." in said


async def test_on_an_order_that_has_lapsed_it_says_that_nobody_pays(scene: ChainStage) -> None:
    rental = scene.rents(confirmed=False)
    await scene.passes(minutes=17, step=15)
    for line in (CREATE, DOWNLOAD):
        said = await asked(scene, line)
        assert f":warning: Order {rental.number} for gpu1 has lapsed (nobody confirmed" in said
        assert "you have no other order for this node" in said
    scene.rpc[0].down = True
    await scene.passes(minutes=1, step=30)
    said = await asked(scene, CREATE)
    assert "has lapsed (nobody confirmed" in said
    assert "you have no other order" not in said
    assert "The chain could not be searched for another one" in said


@pytest.mark.slow
async def test_a_lapse_names_the_machines_that_were_made_before_it(scene: ChainStage) -> None:
    stage, alice = scene.stage, scene.stage.alice
    rental = scene.rents(confirmed=False)
    await scene.passes(minutes=1, step=15)
    await alice.presses("Run it anyway", await stage.asks(alice, CREATE))
    await scene.passes(minutes=4, step=15)
    stage.task("late").rent_order = str(rental.number)
    await stage.asks(alice, "/dbc vm show late")
    await scene.passes(minutes=12, step=15)
    (told,) = scene.told(alice, f"Order {rental.number} for gpu1 has lapsed", at="lapsed")
    assert "late (vda 350G, vdb 10G) can be switched off at any moment, and may be" in told
    shown = (await stage.asks(alice, f"/dbc order show {rental.number}")).plain.replace("*", "")
    assert "may be deleted with all disks and snapshots after <!date" in shown
    assert "To reach them, rent a GPU of gpu1 again." in shown


@pytest.mark.slow
async def test_approvers_read_as_well_that_the_chain_could_not_be_searched(tmp_path: Path) -> None:
    async with chained(tmp_path, policy=BOBS_REVIEW) as scene:
        stage = scene.stage
        await stage.gives_session(stage.alice, "gpu1")
        scene.rents(confirmed=False)
        await scene.passes(minutes=17, step=15)
        scene.rpc[0].down = True
        await scene.passes(minutes=1, step=30)
        await stage.alice.types(CREATE)
        await stage.quiet()
        card = stage.bob.last("gpu-ops").plain.replace("*", "")
        assert "The order for gpu1 has lapsed" in card
        assert "The chain could not be searched for another one just now. Without one" in card


async def test_a_node_of_a_channel_that_was_not_searched_yet_is_not_said_to_have_no_order(
    scene: ChainStage,
) -> None:
    stage = scene.stage
    rental = scene.rents(confirmed=False)
    await scene.passes(minutes=17, step=15)
    for line in ("session remove gpu1", "session share gpu1 with #gpu-ops"):
        await stage.asks(stage.alice, f"/dbc {line}")
        if "remove" in line:
            stage.clock.advance(timedelta(seconds=5))
            await stage.gives_session(stage.alice, "gpu1")
    said = (await stage.asks(stage.carol, CREATE)).plain.replace("*", "")
    assert f"Order {rental.number} for gpu1 has lapsed" in said
    assert "you have no other order" not in said


@pytest.mark.slow
async def test_once_it_is_rented_again_nothing_of_the_old_order_is_said(scene: ChainStage) -> None:
    scene.rents(confirmed=False)
    await scene.passes(minutes=17, step=15)
    scene.rents()
    await scene.passes(minutes=2, step=30)
    said = (await scene.stage.asks(scene.stage.alice, CREATE)).plain
    assert "lapsed" not in said
    assert "Before you go on" not in said


async def test_on_an_unconfirmed_order_it_says_to_confirm_not_to_renew(scene: ChainStage) -> None:
    rental = scene.rents(confirmed=False)
    await scene.passes(minutes=1, step=15)
    said = await asked(scene, CREATE)
    assert f":warning: Order {rental.number} for gpu1 to be confirmed by" not in said
    assert f":warning: Order {rental.number} for gpu1 must be confirmed by" in said
    assert "Unless the renter confirms it by then" in said
    assert "renewed" not in said
    await scene.stage.asks(scene.stage.alice, "/dbc language 中文")
    said = await asked(scene, CREATE)
    assert "确认" in said
    assert "续租" not in said


@pytest.mark.slow
async def test_a_machine_of_an_order_that_is_over_hides_no_other_order_of_its_node(
    scene: ChainStage,
) -> None:
    stage = scene.stage
    await stage.asks(stage.alice, "/dbc vm list")
    over = scene.rents(blocks=600, gpus=1)
    await scene.passes(minutes=2, step=60)
    scene.rents(blocks=20 * DAY, gpus=1)
    stage.task("inference").rent_order = str(over.number)
    await scene.passes(minutes=2, step=60)
    await stage.asks(stage.alice, "/dbc vm show inference")
    await scene.until(over.end + 74 * 600)
    off(stage)
    said = await stage.asks(stage.alice, "/dbc disk add inference 50")
    assert "no other order" not in said.plain


@pytest.mark.parametrize("confirmed", [False, True])
async def test_whoever_reads_that_it_runs_reads_by_when_its_order_needs_them(
    scene: ChainStage, *, confirmed: bool
) -> None:
    stage, alice = scene.stage, scene.stage.alice
    scene.rents(blocks=DAY // 2, confirmed=confirmed)
    await scene.passes(minutes=1, step=15)
    await alice.presses("Run it anyway", await stage.asks(alice, CREATE))
    await stage.quiet()
    told = (await stage.ends(alice, "late is running on gpu1", within=600)).plain.replace("*", "")
    by = "ends <!date" if confirmed else "must be confirmed by <!date"
    assert f":alarm_clock: The order for gpu1 {by}" in told
    assert "left" not in told


async def test_several_warnings_stand_below_each_other(scene: ChainStage) -> None:
    scene.rents(blocks=3000)
    await scene.passes(minutes=5, step=60)
    off(scene.stage)
    await scene.stage.asks(scene.stage.alice, "/dbc vm list")
    told = (await scene.stage.asks(scene.stage.alice, f"{CREATE} --dry-run")).plain.replace("*", "")
    (ends,) = [one for one in told.splitlines() if "for gpu1 ends" in one]
    (claims,) = [one for one in told.splitlines() if "start again while this machine" in one]
    assert ends != claims
