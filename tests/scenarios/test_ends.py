"""Where an end is told: to the requester alone what nobody else has seen, and never lost."""

from datetime import timedelta
from pathlib import Path

import pytest

from bot.dbc.guard import Limits
from bot.pipeline.aside import BEING_SAID
from sandbox.slack import SeenMessage
from tests.mortal import START, mortal
from tests.scenarios.site import told
from tests.scenarios.stage import CHANNEL, Stage, card, is_card, staged

CREATE = "/dbc vm create name=t1 image=ubuntu-22.04-cuda-12.qcow2"
USE = "@dbc node use gpu1"
ENDED = "SELECT count(*) FROM executions WHERE command = 'node.use' AND finished_at > 0"
PRIVATE = "SELECT count(*) FROM messages WHERE key LIKE 'told:%' AND delivered = version"


def public(stage: Stage) -> list[SeenMessage]:
    """What everybody in the channel sees."""
    return [m for m in stage.bob.messages(CHANNEL) if not m.ephemeral]


@pytest.mark.parametrize(
    "line", [f"{CREATE} on gpu3", f"@dbc {CREATE.removeprefix('/dbc ')} on gpu3"]
)
async def test_a_creation_that_never_started_is_told_once_and_only_to_who_asked(
    stage: Stage, line: str
) -> None:
    await stage.gives_session(stage.alice, "gpu1")
    await stage.asks(stage.alice, line)
    await stage.passes(120)
    assert [m for m in public(stage) if m.user == "dbc"] == []
    [end] = told(stage.alice, "You have no session for gpu3")
    assert end.ephemeral
    assert {"Ask for access", "Change it…"} <= set(end.buttons)
    assert stage.changes() == []


async def test_what_everybody_has_seen_waiting_ends_there_and_is_told(tmp_path: Path) -> None:
    limits = Limits(read=timedelta(seconds=20))
    async with staged(tmp_path, daemon_patience=20, limits=limits) as stage:
        await stage.gives_session(stage.alice, "gpu2")
        stage.world.faults.on("slow", path="/tasks/start", count=1, seconds=5)
        await stage.alice.types(f"{CREATE} on gpu2", CHANNEL)
        await stage.waits(0.5)
        await stage.bob.sees(r"(?s)t1.*waiting for gpu2 to answer")
        stage.node("gpu2").gpus = 0  # somebody else has taken them meanwhile
        stage.clock.advance(timedelta(seconds=5))
        await stage.quiet()
        assert "gpu2 does not have enough free resources" in card(stage.bob).plain
        [end] = stage.endings(stage.alice)
        assert "“Create a machine: t1 on gpu2” failed" in end
        shown = [m.plain for m in public(stage)]
        assert sum("See what it has left: `/dbc node show gpu2`" in text for text in shown) == 1


async def test_what_slack_does_not_take_as_an_answer_comes_as_a_direct_message(
    one_stage: Stage,
) -> None:
    stage = one_stage
    await stage.gives_session(stage.alice, "gpu1")
    stage.ws.faults.add("http_500", "chat.postEphemeral", times=None)
    await stage.asks(stage.alice, USE)
    stage.ws.faults.clear()
    for _ in range(3):
        await stage.passes(61)
    [end] = told(stage.alice, "Your default node is now gpu1")
    assert end.channel == stage.alice.last("@dbc").channel
    assert "You requested “Set the default node”" in end.plain


async def test_what_was_said_is_not_said_again(one_stage: Stage) -> None:
    stage = one_stage
    await stage.gives_session(stage.alice, "gpu1")
    await stage.asks(stage.alice, USE)
    await stage.passes(120)
    await stage.restart_bot()
    await stage.passes(600)
    assert len(told(stage.alice, "Your default node is now gpu1")) == 1
    assert stage.alice.messages("@dbc") == []


async def test_a_private_answer_survives_a_death_before_it_was_said(tmp_path: Path) -> None:
    async with mortal(tmp_path, ack_seconds=START) as one:
        alice = one.ws.member("alice")
        await one.gives_session(alice, "gpu1")
        one.ws.faults.add("hang", "chat.postEphemeral", times=None)
        await alice.types(USE, channel=CHANNEL)
        await one.comes_true(ENDED)
        await one.restart(after=BEING_SAID)
        one.ws.faults.clear()
        await one.comes_true(f"{PRIVATE} AND ref_ts IS NOT NULL")
        assert len([m for m in alice.messages("@dbc") if "Your default node" in m.plain]) == 1


@pytest.mark.parametrize(
    ("how", "advice"),
    [
        ("no_domain", "most often a network filter, or an image that it cannot use"),
        ("no_lease", "starting it may succeed later, and it can be deleted"),
    ],
)
async def test_why_a_creation_failed_and_what_to_do_stand_once_where_people_look(
    one_stage: Stage, how: str, advice: str
) -> None:
    stage = one_stage
    await stage.gives_session(stage.alice, "gpu2")
    stage.node("gpu2").fail("create", how)
    await stage.asks(stage.alice, f"{CREATE} on gpu2")
    end = await stage.ends(stage.alice, "t1 on gpu2 is in state “create error”")
    assert advice in end.plain
    assert ("process_create_task: " in end.plain) == (how == "no_lease")
    [shown] = [m for m in public(stage) if is_card(m.plain)]
    assert "create error" in shown.plain
    assert "process_create_task" not in shown.plain
    assert advice not in shown.plain
