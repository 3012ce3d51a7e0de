"""Whom warnings of a rental reach: who holds or shares its session at that moment, and no guest."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.scenarios.orders import DAY, ChainStage, chained
from tests.scenarios.stage import CHANNEL
from tests.scenarios.test_cost import CREATE
from tests.scenarios.test_outages import ON, goes_on, told

ENDS = "for gpu1 ends"


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[ChainStage]:
    async with chained(tmp_path, policy=ON) as one:
        await one.stage.gives_session(one.stage.alice, "gpu1")
        yield one


@pytest.mark.slow
@pytest.mark.parametrize("until", ["", " hours=12"])
async def test_a_share_that_ends_between_two_warnings_ends_them(
    scene: ChainStage, until: str
) -> None:
    stage = scene.stage
    rental = scene.rents(blocks=2 * DAY)
    await scene.until(rental.end - 30 * 600)
    await stage.asks(stage.alice, f"/dbc session share gpu1 with @bob{until}")
    await scene.until(rental.end - 24 * 600)
    assert len(scene.told(stage.bob, ENDS, at="end-24")) == 1
    if not until:
        await stage.asks(stage.alice, "/dbc session unshare gpu1 with @bob")
    await scene.until(rental.end - 600)
    await scene.until(rental.end + 60)
    assert len(scene.told(stage.bob, f"rder {rental.number}")) == 2  # with the share, and then
    assert len(scene.told(stage.alice, ENDS)) == 5  # at 48, 24, 6 and 1 hours, and 15 minutes


async def test_a_session_of_ones_own_outlasts_the_share(scene: ChainStage) -> None:
    stage = scene.stage
    rental = scene.rents(blocks=2 * DAY)
    await stage.asks(stage.alice, "/dbc session share gpu1 with @bob")
    await stage.gives_session(stage.bob, "gpu1")
    await stage.asks(stage.alice, "/dbc session unshare gpu1 with @bob")
    await scene.until(rental.end - 6 * 600)
    assert len(scene.told(stage.bob, ENDS, at="end-6")) == 1


@pytest.mark.slow
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
    assert len(scene.told(stage.alice, ENDS, at="end-6")) == 1


async def test_quiet_hours_hold_back_no_renewal_by_less_than_a_day(scene: ChainStage) -> None:
    stage, alice = scene.stage, scene.stage.alice
    rental = scene.rents(blocks=DAY)
    await scene.until(rental.end - 5 * 600)
    await stage.asks(alice, "/dbc settings quiet-hours 00:00-23:59")
    for blocks in (12 * 600, DAY):  # the second one waits
        scene.chain.relet(rental.number, blocks)
        await scene.passes(minutes=12, step=60)
        assert len(scene.told(alice, "is renewed. It now ends")) == 1


@pytest.mark.slow
async def test_quiet_hours_hold_back_what_can_wait_and_no_last_warning(scene: ChainStage) -> None:
    stage, alice = scene.stage, scene.stage.alice
    await stage.asks(alice, "/dbc settings quiet-hours 00:00-23:00")
    rental = scene.rents(blocks=4 * DAY)
    await scene.until(rental.end - 72 * 600)
    assert scene.told(alice, ENDS) == []
    await scene.passes(24, step=3600)
    assert len(scene.told(alice, ENDS, at="end-72")) == 1  # in the hour that is not quiet
    for left in (24, 6, 1):
        await scene.until(rental.end - left * 600)
    await scene.until(rental.end + 60)
    assert len(scene.told(alice, ENDS)) == 5
    assert len(scene.told(alice, "has ended.")) == 1
    for left in (24, 6):
        await scene.until(rental.end + (72 - left) * 600)
    assert len(scene.told(alice, "gpu1 deletes")) == 2


@pytest.mark.slow
async def test_who_stops_watching_a_wallet_is_warned_no_more(scene: ChainStage) -> None:
    stage, carol = scene.stage, scene.stage.carol
    await stage.asks(carol, f"/dbc order watch {scene.renter}")
    rental = scene.rents(blocks=2 * DAY)
    await scene.until(rental.end - 24 * 600)
    told = len(scene.told(carol, ENDS))
    assert told
    await stage.asks(carol, f"/dbc order unwatch {scene.renter}")
    await scene.until(rental.end - 6 * 600)
    assert len(scene.told(carol, ENDS)) == told


@pytest.mark.slow
async def test_who_made_a_machine_is_warned_while_the_node_is_shared_with_its_channel(
    scene: ChainStage,
) -> None:
    stage, bob = scene.stage, scene.stage.bob
    await stage.asks(stage.alice, f"/dbc session share gpu1 with #{CHANNEL}")
    rental = scene.rents(blocks=3 * DAY)
    await scene.passes(minutes=5)
    await stage.asks(bob, CREATE)
    await scene.passes(minutes=10, step=60)
    assert stage.task("late").desc
    await scene.until(rental.end - 24 * 600)
    assert len(scene.told(bob, ENDS)) == 1
    assert scene.told(stage.carol, ENDS) == []
    await stage.asks(stage.alice, f"/dbc session unshare gpu1 with #{CHANNEL}")
    await scene.until(rental.end - 6 * 600)
    assert len(scene.told(bob, ENDS)) == 1


async def test_who_may_not_decide_any_more_is_not_the_one_who_confirms(scene: ChainStage) -> None:
    stage, alice, bob = scene.stage, scene.stage.alice, scene.stage.bob
    await stage.asks(alice, "/dbc session share gpu1 with @bob")
    await stage.asks(bob, f"/dbc order watch {scene.renter}")
    rental = scene.rents(confirmed=False)
    await scene.passes(minutes=2, step=30)
    await bob.presses("I confirm it", bob.last("@dbc"))
    await stage.quiet()
    said = f"<@{bob.id}> said"
    assert said in (await stage.asks(alice, f"/dbc order show {rental.number}")).plain
    await stage.asks(alice, "/dbc session unshare gpu1 with @bob")
    assert said not in (await stage.asks(alice, f"/dbc order show {rental.number}")).plain
    await scene.passes(minutes=11, step=30)
    assert scene.told(alice, f"Confirm order {rental.number}", at="confirm-last")
    await alice.presses("I confirm it", alice.last("@dbc"))
    await stage.quiet()
    assert "Do you take it over?" not in alice.last("@dbc").plain
    assert (
        f"<@{alice.id}> said" in (await stage.asks(alice, f"/dbc order show {rental.number}")).plain
    )


async def test_who_sees_an_order_already_is_not_told_of_it_again_with_a_share(
    scene: ChainStage,
) -> None:
    stage = scene.stage
    rental = scene.rents(blocks=DAY)
    await stage.gives_session(stage.bob, "gpu1")
    await scene.passes(minutes=1, step=30)
    await stage.asks(stage.alice, "/dbc session share gpu1 with @carol")
    for colleague in (stage.bob, stage.carol):
        await stage.asks(stage.alice, f"/dbc session share gpu1 with @{colleague.name} hours=2")
        assert scene.told(colleague, "shares their session for gpu1 with you")
        assert len(scene.told(colleague, f"Order {rental.number} for gpu1 ends")) == 1
