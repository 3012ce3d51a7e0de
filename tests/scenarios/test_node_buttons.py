"""The buttons for the nodes that a line may mean: they do what was typed, or nothing."""

from datetime import timedelta

import pytest

from sandbox.slack import SeenMessage
from tests.scenarios.stage import CHANNEL, Stage
from tests.scenarios.test_broken_database import broken
from tests.scenarios.test_sharing import shares

UNSHARE = "/dbc session unshare with @bob"
HOUR = timedelta(minutes=61)


async def _which(stage: Stage) -> SeenMessage:
    """Alice shares a session with Bob and no longer wants to; she is asked where."""
    await shares(stage, "@bob")
    await stage.asks(stage.alice, UNSHARE)
    return await stage.alice.sees("Which node?", CHANNEL)


async def test_a_button_of_an_hour_ago_takes_no_shorter_line(one_stage: Stage) -> None:
    stage = one_stage
    await stage.gives_session(stage.alice, "gpu1", "gpu2")
    which = await _which(stage)
    assert which.buttons == ["gpu1", "gpu2"]
    stage.clock.advance(HOUR)
    await stage.alice.presses("gpu1", which)
    await stage.quiet()
    assert "This button has expired" in stage.alice.screen()
    assert stage.alice.screen().count("Which node?") == 1
    async with stage.bot.store.read() as tx:
        asked = await tx.executions.recent(limit=9)
    assert [one for one in asked if one.command == "session.unshare" and not one.arguments] == []


async def test_a_suggestion_of_an_hour_ago_reads_nothing_wider(one_stage: Stage) -> None:
    stage = one_stage
    await stage.gives_session(stage.alice, "gpu1")
    offer = await stage.asks(stage.alice, "/dbc audit lsit person=@bob")
    stage.clock.advance(HOUR)
    await stage.alice.presses(offer.buttons[0], offer)
    await stage.alice.sees_modal(offer.buttons[0])


async def test_for_another_node_the_form_keeps_what_was_typed(one_stage: Stage) -> None:
    stage = one_stage
    for number in range(4, 8):
        stage.world.add_node(f"gpu{number}", gpus=8)
    await stage.gives_session(stage.alice, *(f"gpu{number}" for number in range(1, 7)))
    which = await _which(stage)
    assert which.buttons[-1] == "Another node …"
    await stage.alice.presses("Another node …", which)
    await stage.alice.sees_modal("Stop sharing a session")
    await stage.alice.submits({"Node": stage.node("gpu1").node_id})
    told = await stage.alice.sees("no longer shares their session", CHANNEL)
    assert f"with <@{stage.bob.id}>" in told.plain


@pytest.mark.parametrize(
    "line",
    [
        "session unshare with @bob",
        "session unshaer gpu1 with @bob",
        "disk resize inference vda +50",
    ],
)
async def test_a_refusal_is_read_though_its_buttons_cannot_be_kept(
    one_stage: Stage, line: str
) -> None:
    stage = one_stage
    await stage.gives_session(stage.alice, "gpu1", "gpu2")
    await shares(stage, "@bob")
    refused = await stage.asks(stage.alice, f"/dbc {line}")
    assert refused.buttons
    said = refused.plain
    with broken(stage, "INSERT ON suggestions"):
        again = await stage.asks(stage.alice, f"/dbc {line}")
    assert again.plain.partition("\n")[0] == said.partition("\n")[0]
    assert again.buttons == []


async def test_of_several_image_servers_each_is_a_button(one_stage: Stage) -> None:
    stage = one_stage
    await stage.gives_session(stage.alice, "gpu1")
    which = await stage.asks(stage.alice, "/dbc image upload ubuntu-20.04.qcow2 on gpu1")
    assert "Which image server?" in which.plain
    assert which.buttons == ["backup", "hub"]
    assert stage.changes() == []
    await stage.alice.presses("backup", which)
    await stage.alice.sees(r"ubuntu-20\.04\.qcow2.* to \*?backup", CHANNEL)
    assert len(stage.changes()) == 1
