"""What the App Home says of nodes, daemons and access beside one's machines."""

from datetime import timedelta

from tests.scenarios.stage import Stage


async def test_a_home_says_that_the_rental_of_a_node_has_ended(one_stage: Stage) -> None:
    stage = one_stage
    await stage.gives_session(stage.alice, "gpu1")
    await stage.passes(1)
    stage.node("gpu1").end_rental()
    await stage.passes(61)
    await stage.alice.opens_home()
    home = await stage.alice.sees_home("The node is not rented at present")
    assert "as last seen" in home.plain


async def test_a_home_says_that_no_daemon_can_be_reached(one_stage: Stage) -> None:
    stage = one_stage
    await stage.gives_session(stage.alice, "gpu1")
    await stage.passes(1)
    await stage.daemon.stop()
    await stage.passes(61)
    await stage.alice.opens_home()
    home = await stage.alice.sees_home("The DBC daemon cannot be reached")
    assert "as last seen" in home.plain
    assert "Ask gpu1 again now" in home.buttons


async def test_a_home_says_that_nobody_has_asked_for_long(one_stage: Stage) -> None:
    stage = one_stage
    await stage.gives_session(stage.alice, "gpu1")
    await stage.passes(1)
    await stage.restart_bot()
    stage.clock.advance(timedelta(minutes=4))
    await stage.alice.opens_home()
    home = await stage.alice.sees_home("as last seen")
    assert ":warning: Last read <!date" in home.plain
    assert "Ask gpu1 again now" in home.buttons


async def test_a_home_reads_until_machines_are_known(one_stage: Stage) -> None:
    stage = one_stage
    await stage.passes(1)
    await stage.gives_session(stage.alice, "gpu1")
    await stage.alice.opens_home()
    home = await stage.alice.sees_home("*gpu1* :hourglass_flowing_sand: reading …")
    assert "None that I know of" not in home.plain
    assert "Ask gpu1 again now" not in home.buttons
    await stage.passes(5)
    await stage.passes(5)
    home = await stage.alice.sees_home("inference")
    assert "reading" not in home.plain
