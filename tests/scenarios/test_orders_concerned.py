"""Whom warnings of a rental reach: who holds or shares its session at that moment, and no guest."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.scenarios.orders import DAY, ChainStage, chained
from tests.scenarios.test_outages import ON, goes_on, told

ENDS = "for gpu1 ends"


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[ChainStage]:
    async with chained(tmp_path, policy=ON) as one:
        await one.stage.gives_session(one.stage.alice, "gpu1")
        yield one


@pytest.mark.parametrize("until", ["", " hours=12"])
async def test_a_share_that_ends_between_two_warnings_ends_them(
    scene: ChainStage, until: str
) -> None:
    stage = scene.stage
    rental = scene.rents(blocks=2 * DAY)
    await scene.until(rental.end - 30 * 600)
    await stage.asks(stage.alice, f"/dbc session share gpu1 with @bob{until}")
    await scene.until(rental.end - 24 * 600)
    assert len(scene.told(stage.bob, ENDS)) == 1
    if not until:
        await stage.asks(stage.alice, "/dbc session unshare gpu1 with @bob")
    await scene.until(rental.end - 600)
    await scene.until(rental.end + 60)
    assert len(scene.told(stage.bob, f"rder {rental.number}")) == 1
    assert len(scene.told(stage.alice, ENDS)) == 4  # at 48, 24, 6 and 1 hours


async def test_a_session_of_ones_own_outlasts_the_share(scene: ChainStage) -> None:
    stage = scene.stage
    rental = scene.rents(blocks=2 * DAY)
    await stage.asks(stage.alice, "/dbc session share gpu1 with @bob")
    await stage.gives_session(stage.bob, "gpu1")
    await stage.asks(stage.alice, "/dbc session unshare gpu1 with @bob")
    await scene.until(rental.end - 6 * 600)
    assert len(scene.told(stage.bob, ENDS, "in 6 hours")) == 1


async def test_a_guest_is_told_of_no_rental_by_a_session_kept_from_before(
    scene: ChainStage,
) -> None:
    stage = scene.stage
    await stage.gives_session(stage.bob, "gpu1")
    rental = scene.rents(blocks=2 * DAY)
    await scene.passes(1)
    assert len(scene.told(stage.bob, ENDS)) == 1
    stage.bob.member.is_restricted = True
    await scene.until(rental.end - 24 * 600)
    await stage.alice.presses("I renew it", stage.alice.last("@dbc"))
    await scene.until(rental.end - 6 * 600)
    assert len(scene.told(stage.alice, ENDS)) == 3
    assert len(scene.told(stage.bob, "rder")) == 1
    stage.bob.member.is_restricted = False
    await scene.until(rental.end - 600)
    assert len(scene.told(stage.bob, ENDS)) == 2


async def test_a_guest_is_told_of_no_outage_by_a_session_kept_from_before(
    scene: ChainStage,
) -> None:
    stage = scene.stage
    await stage.gives_session(stage.bob, "gpu1")
    stage.bob.member.is_restricted = True
    stage.world.faults.on("dead_node", node="gpu1")
    await goes_on(stage, 12)
    assert len(told(stage.alice, "not responded")) == 1
    assert told(stage.bob, "not responded") == []


async def test_while_slack_does_not_say_who_it_is_the_warnings_go_on(scene: ChainStage) -> None:
    stage = scene.stage
    rental = scene.rents(blocks=DAY)
    await scene.passes(1)
    stage.ws.faults.add("http_500", "users.info", times=None)
    await scene.until(rental.end - 6 * 600)
    assert len(scene.told(stage.alice, ENDS, "in 6 hours")) == 1
