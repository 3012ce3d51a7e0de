"""A node that cannot reach the chain refuses everybody for a while; nothing has ended by that."""

from datetime import timedelta

import pytest

from sandbox.dbc.task import Status
from tests.scenarios.images import PYTORCH
from tests.scenarios.machines import off
from tests.scenarios.stage import CHANNEL, Stage
from tests.scenarios.test_create import CREATE

NO_CHAIN = "cannot reach the chain to check the rental"


@pytest.fixture
async def stage(one_stage: Stage) -> Stage:
    """Socket Mode; Alice may act on two nodes."""
    await one_stage.gives_session(one_stage.alice, "gpu1", "gpu2")
    await one_stage.asks(one_stage.alice, "/dbc vm list")
    return one_stage


async def begins(stage: Stage) -> None:
    """A machine is being created, and the node stays at it."""
    await stage.asks(stage.alice, f"{CREATE} on gpu2")
    await stage.passes(2)
    stage.node("gpu2").worker.clear()


def comes_up(stage: Stage) -> None:
    """The node finishes the machine."""
    stage.node("gpu2").define(stage.task("t1"))
    stage.task("t1").status = Status.RUNNING


@pytest.mark.parametrize("orders_only", [False, True])
async def test_a_machine_comes_up_while_the_node_cannot_ask_the_chain(
    stage: Stage, orders_only: bool
) -> None:
    await begins(stage)
    stage.node("gpu2").lose_chain(9, orders_only=orders_only)
    await stage.passes(3)
    assert stage.endings(stage.alice) == []
    said = "The rental behind this session has expired. I check again until"
    assert (said if orders_only else f"{NO_CHAIN}. I keep trying") in stage.alice.screen()
    comes_up(stage)
    await stage.ends(stage.alice, "t1 is running on gpu2")
    assert len(stage.endings(stage.alice)) == 1


async def test_a_chain_that_stays_away_ends_no_watch_before_its_deadline(stage: Stage) -> None:
    await begins(stage)
    stage.node("gpu2").lose_chain(55 * 60)
    for _ in range(11):
        await stage.passes(5 * 60)
    assert stage.endings(stage.alice) == []
    comes_up(stage)
    await stage.ends(stage.alice, "t1 is running on gpu2", within=600)


@pytest.mark.slow
async def test_at_the_deadline_the_chain_is_named_and_looking_can_go_on(stage: Stage) -> None:
    await begins(stage)
    stage.node("gpu2").lose_chain(70 * 60)
    for _ in range(13):
        await stage.passes(5 * 60)
    [end] = stage.endings(stage.alice)
    assert "t1 on gpu2 could not be looked at in time" in end
    await stage.passes(10 * 60)
    await stage.alice.presses("Keep watching")
    comes_up(stage)
    await stage.ends(stage.alice, "t1 is running on gpu2")


@pytest.mark.slow
async def test_a_look_that_works_makes_refusals_count_from_the_beginning(stage: Stage) -> None:
    await begins(stage)
    for _ in range(4):
        stage.node("gpu2").lose_chain(190, orders_only=True)
        for _ in range(4):
            await stage.passes(60)
        await stage.passes(60)
    assert stage.endings(stage.alice) == []


async def test_a_rental_that_is_gone_ends_the_looking_once_it_was_refused_for_minutes(
    stage: Stage,
) -> None:
    await begins(stage)
    stage.node("gpu2").end_rental()
    for _ in range(5):
        await stage.passes(59)
        assert stage.endings(stage.alice) == []
    await stage.passes(60)
    await stage.passes(60)
    [end] = stage.endings(stage.alice)
    assert "t1 on gpu2 can no longer be looked at" in end


async def test_a_transfer_goes_on_being_followed(stage: Stage) -> None:
    await stage.asks(stage.alice, f"/dbc image download {PYTORCH} on gpu2")
    await stage.passes(3)
    stage.node("gpu2").lose_chain(9)
    await stage.passes(6)
    assert stage.endings(stage.alice) == []
    assert f"{NO_CHAIN}. I keep trying" in stage.alice.screen()
    await stage.ends(stage.alice, f"{PYTORCH} was downloaded to gpu2", within=3000)


async def test_a_change_that_is_refused_says_that_it_was_sent_and_did_nothing(
    stage: Stage,
) -> None:
    off(stage)
    stage.node("gpu1").lose_chain(9)
    await stage.asks(stage.alice, "/dbc vm delete inference")
    await stage.confirms(stage.alice, "Delete")
    end = stage.endings(stage.alice) or [stage.alice.last(CHANNEL).plain]
    assert "received the command and refused it" in end[-1]
    assert NO_CHAIN in end[-1]
    assert "Nothing has changed" in end[-1]
    assert "Try again in a minute" in stage.alice.screen()
    assert stage.changes() == ["tasks.delete"]


async def test_what_had_to_be_read_first_says_that_nothing_was_sent(stage: Stage) -> None:
    stage.node("gpu1").lose_chain(9)
    told = await stage.asks(stage.alice, "/dbc vm modify inference mem=32")
    assert f"gpu1 {NO_CHAIN}" in told.plain
    assert "Nothing was sent" in told.plain
    assert stage.changes() == []


async def test_a_list_shows_what_was_last_seen_and_blames_the_chain(stage: Stage) -> None:
    stage.node("gpu1").lose_chain(9)
    listed = await stage.asks(stage.alice, "/dbc vm list")
    assert "inference" in listed.plain
    assert NO_CHAIN in listed.plain


async def test_a_session_is_not_called_bad_for_it(stage: Stage) -> None:
    stage.node("gpu1").lose_chain(9)
    alone = await stage.asks(stage.alice, "/dbc session check gpu1")
    assert f"gpu1 {NO_CHAIN}" in alone.plain
    both = await stage.asks(stage.alice, "/dbc session check")
    assert "Your session for gpu1 could not be checked" in both.plain.replace("*", "")
    assert "1 of 2 sessions work; 1 could not be checked" in both.text
    listed = await stage.asks(stage.alice, "/dbc session list")
    assert NO_CHAIN not in listed.plain
    assert ":warning:" not in listed.plain


async def test_a_session_that_cannot_be_tried_is_not_stored_and_that_is_said(
    one_stage: Stage,
) -> None:
    stage = one_stage
    stage.node("gpu1").lose_chain(9)
    await stage.alice.types("/dbc session add gpu1", channel=CHANNEL)
    await stage.alice.sees_modal("Add a session")
    pair = stage.pair("gpu1")
    await stage.alice.submits({"Session id": pair[0], "Session signature": pair[1]})
    form = await stage.alice.sees_modal(NO_CHAIN)
    assert "The session was not kept" in form.plain
    stage.clock.advance(timedelta(seconds=10))
    await stage.alice.submits({"Session id": pair[0], "Session signature": pair[1]})
    await stage.reads(stage.alice, "session for *gpu1* works")
