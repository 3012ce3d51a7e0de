"""An open card says of its order what holds now: renewed, ended or lapsed; its votes stand."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from bot.model import AuditKind
from sandbox.chain import Rental
from sandbox.chain.ledger import HALF_HOUR
from sandbox.dbc.keys import Wallet
from sandbox.slack import SeenMessage
from tests.scenarios.changing import BOBS_REVIEW
from tests.scenarios.orders import DAY, ChainStage, chained
from tests.scenarios.site import DELETE, asked, entries, now
from tests.scenarios.stage import card as card_of

CREATE = "/dbc vm create name=late image=ubuntu-20.04.qcow2 gpu=1 cpu=2 mem=8 disk=10 on gpu1"
OTHER = CREATE.replace("late", "later")
LONG = BOBS_REVIEW + 'expires = "3d"\n'


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[ChainStage]:
    async with chained(tmp_path, policy=LONG) as one:
        await one.stage.gives_sessions((p, "gpu1") for p in (one.stage.alice, one.stage.bob))
        yield one


@asynccontextmanager
async def machine_of_an_order(tmp_path: Path) -> AsyncIterator[tuple[ChainStage, Rental]]:
    """A node that asks the chain, with machines of an order of an hour."""
    async with chained(tmp_path, policy=BOBS_REVIEW + 'expires = "7d"\n') as scene:
        stage = scene.stage
        await stage.gives_sessions((p, "gpu1") for p in (stage.alice, stage.bob))
        rental = scene.rents(blocks=600)
        stage.node("gpu1").ledger = scene.chain
        for task in stage.node("gpu1").tasks.values():
            task.rent_order = str(rental.number)
        for line in ("vm list", "vm show inference"):
            await stage.asks(stage.alice, f"/dbc {line}")
        await scene.passes(minutes=2, step=60)
        yield scene, rental


def read(scene: ChainStage, card: SeenMessage) -> str:
    return now(scene.stage, card).plain.replace("*", "")


async def test_a_renewal_is_on_every_card_and_the_approval_counts(scene: ChainStage) -> None:
    stage = scene.stage
    rental = scene.rents(blocks=DAY)
    await scene.passes(minutes=2, step=60)
    card = await asked(stage, CREATE)
    before = read(scene, card)
    assert "Before you go on\n:warning: The order for gpu1 ends" in before
    scene.chain.relet(rental.number, 20 * DAY)
    await scene.passes(minutes=10, step=60)
    after = read(scene, card)
    (line,) = [one for one in after.splitlines() if f"order {rental.number}, ends" in one]
    assert line not in before
    assert "Before you go on" not in after  # which was that it ends within a day
    (copy,) = [m for m in stage.bob.messages("@dbc") if "Requested by" in m.plain]
    assert line in copy.plain.replace("*", "")
    (told,) = [e for e in await entries(stage) if e.kind == AuditKind.SHOWN_ANEW]
    assert str(rental.number) in told.details["shown"]["rental"]
    await stage.bob.presses("Approve", now(stage, card))
    await stage.quiet()
    assert stage.changes() == ["tasks.create"]


@pytest.mark.slow
async def test_an_end_is_on_the_card_once_its_block_must_have_come(scene: ChainStage) -> None:
    rental = scene.rents(blocks=DAY)
    await scene.passes(minutes=2, step=60)
    card = await asked(scene.stage, CREATE)
    await scene.until(rental.end - 5, step=60)
    scene.rpc[0].down = True
    scene.stage.clock.advance(timedelta(minutes=1))
    await scene.stage.bot.tick()
    assert "it may have ended" in read(scene, card)
    scene.rpc[0].down = False
    await scene.passes(minutes=5, step=60)
    said = read(scene, card)
    assert f"order {rental.number} has ended; machines are deleted after" in said
    assert "The order for gpu1 has ended" in said
    assert "renewed before its end" not in said
    assert "Approve" in now(scene.stage, card).buttons


async def test_that_its_node_refuses_all_is_on_the_card_of_a_machine(tmp_path: Path) -> None:
    async with machine_of_an_order(tmp_path) as (scene, rental):
        card = await asked(scene.stage)
        assert "refuses" not in read(scene, card)
        await scene.until(rental.end + 200)
        await scene.passes(minutes=2, step=60)
        refuses = "its node refuses every command until it is rented again"
        said = read(scene, card)
        assert f"order {rental.number} has ended; machines are deleted after" in said
        assert refuses in said
        scene.rents(gpus=1, renter=Wallet.from_seed("another").address)
        await scene.stage.asks(scene.stage.alice, "/dbc vm list")
        await scene.passes(minutes=2, step=60)
        assert refuses not in read(scene, card)
        assert f"order {rental.number} has ended" in read(scene, card)


@pytest.mark.slow
async def test_nobody_is_asked_about_a_machine_once_its_node_has_deleted_it(
    tmp_path: Path,
) -> None:
    async with machine_of_an_order(tmp_path) as (scene, rental):
        card = await asked(scene.stage)
        await scene.until(rental.end + 72 * 600 + 200)
        await scene.passes(minutes=2, step=60)
        assert "its order ended more than 72 hours ago" in read(scene, card)
        assert now(scene.stage, card).buttons == []


async def test_a_lapse_is_on_the_card(scene: ChainStage) -> None:
    rental = scene.rents(confirmed=False)
    await scene.passes(minutes=1, step=30)
    card = await asked(scene.stage, CREATE)
    assert f"order {rental.number}, to be confirmed by" in read(scene, card)
    await scene.passes(minutes=17, step=30)
    said = read(scene, card)
    assert f"order {rental.number} has lapsed" in said
    assert "to be confirmed" not in said


async def test_a_card_of_which_nothing_has_changed_is_not_touched(scene: ChainStage) -> None:
    scene.rents(blocks=20 * DAY)
    await scene.passes(minutes=2, step=60)
    card = await asked(scene.stage, DELETE)
    await scene.passes(minutes=10, step=60)
    assert not now(scene.stage, card).edited


@pytest.mark.slow
async def test_a_new_machine_is_of_the_order_that_goes_on(scene: ChainStage) -> None:
    ended = scene.rents(blocks=HALF_HOUR)
    await scene.until(ended.end + 20, step=60)
    card = await asked(scene.stage, CREATE)
    assert f"order {ended.number} has ended" in read(scene, card)
    again = scene.rents(blocks=DAY)
    await scene.passes(minutes=3, step=60)
    redrawn = now(scene.stage, card)
    await scene.stage.asks(scene.stage.alice, OTHER)
    for said in (redrawn, card_of(scene.stage.bob, "Create later")):
        plain = said.plain.replace("*", "")
        assert f"order {again.number}, ends" in plain
        assert str(ended.number) not in plain
