"""Listing machines: all nodes at once, dead and unreadable ones named."""

import asyncio
import json
from datetime import timedelta
from pathlib import Path

from bot.dbc.guard import Limits
from bot.ids import UserId
from sandbox.dbc.demo import demo_renter
from tests.scenarios.stage import CHANNEL, Stage, staged


async def gives_all_sessions(stage: Stage) -> None:
    """Alice has a session for every node; gpu3 falls silent afterwards."""
    stage.node("gpu3").silent = False
    await stage.gives_session(stage.alice, "gpu1", "gpu2", "gpu3")
    stage.node("gpu3").silent = True


async def are_stored(stage: Stage, *names: str) -> None:
    """Return once the bot has taken in what these nodes list for Alice."""
    wanted = {stage.node(name).node_id for name in names}
    async with asyncio.timeout(10):
        while True:
            async with stage.bot.store.read() as tx:
                if wanted <= {
                    one.node for one in await tx.inventory.machines(UserId(stage.alice.id))
                }:
                    return
            await asyncio.sleep(0.01)


async def test_all_nodes_are_listed_and_the_dead_one_is_named(stage: Stage) -> None:
    await gives_all_sessions(stage)
    await stage.alice.types("/dbc vm list")
    listed = await stage.alice.sees("inference")
    lines = listed.plain.replace("*", "").splitlines()
    assert lines[0] == "gpu1"
    assert "Ada's training run" in lines[1]
    assert lines[1].endswith("running · created 2026-01-05")
    assert "no machines" in lines[4]
    assert lines[5] == "gpu3 :warning: The node did not answer in time."
    assert listed.ephemeral
    assert listed.text.startswith("2 machines on 2 nodes; gpu3 could not be listed")


async def test_living_nodes_are_shown_before_a_dead_one_has_answered(tmp_path: Path) -> None:
    patient = Limits(read=timedelta(seconds=60))
    async with staged(tmp_path, daemon_patience=None, limits=patient) as stage:
        await gives_all_sessions(stage)
        stage.node("gpu2").running_task(demo_renter(), desc="second", vnc_port=5998)
        stage.world.calls.clear()
        await stage.alice.types("@dbc vm list")
        await stage.world.calls.wait("tasks.list", count=3)
        await are_stored(stage, "gpu1", "gpu2")
        for _ in range(8):  # what is left to do for their answers is done meanwhile
            await stage.bob.types("/dbc vm list", CHANNEL)
            await stage.bob.sees("You have no node access yet")
        await stage.waits(2)
        early = await stage.alice.sees("gpu3 did not answer within 2 s. The whole list follows.")
        assert "inference" in early.plain
        assert "gpu2" in early.plain
        stage.clock.advance(timedelta(seconds=30))
        await stage.alice.sees("The node did not answer in time")
        # What was asked in public is answered by one message that grows.
        answers = [m for m in stage.alice.messages() if "inference" in m.plain]
        assert [m.ts for m in answers] == [early.ts]


async def test_nobody_sees_machines_without_a_session(stage: Stage) -> None:
    await stage.gives_session(stage.alice, "gpu1")
    await stage.bob.types("/dbc vm list")
    told = await stage.bob.sees("You have no node access yet.")
    assert "session add" in told.plain
    told = await stage.asks(stage.bob, "/dbc vm show inference")
    assert "You have no node access yet." in told.plain


async def test_a_list_of_one_state_says_that_nothing_is_beside_what_a_dead_node_may_have(
    stage: Stage,
) -> None:
    await gives_all_sessions(stage)
    await stage.asks(stage.alice, "/dbc vm list")
    stage.node("gpu1").silent = True
    listed = await stage.asks(stage.alice, "/dbc vm list state=off")
    assert "None of the machines that were read is in this state: off." in listed.plain
    assert listed.message.text.startswith("None of the machines that were read")
    assert "*gpu1* :warning:" in listed.plain


async def test_one_node_alone_is_listed(stage: Stage) -> None:
    await stage.gives_session(stage.alice, "gpu1", "gpu2")
    for line in ("vm list gpu2", "vm list on gpu2", "vm list node=gpu2"):
        before = len(stage.world.calls.of("tasks.list"))
        listed = await stage.asks(stage.alice, f"/dbc {line}")
        assert "no machines" in listed.plain
        assert "gpu1" not in listed.plain
        assert len(stage.world.calls.of("tasks.list")) == before + 1


async def test_machines_of_an_unreadable_list_are_shown_from_their_details(stage: Stage) -> None:
    await stage.gives_session(stage.alice, "gpu1")
    await stage.alice.types("/dbc vm list")
    await stage.alice.sees("inference")
    stage.node("gpu1").running_task(demo_renter(), desc='say "hi"', vnc_port=5999)
    await stage.alice.types("/dbc vm list")
    listed = await stage.alice.sees("The list cannot be read")
    assert "a description, name or log line on the node contains a quote" in listed.plain
    assert "inference" in listed.plain
    assert "as last seen" not in listed.plain


async def test_a_machine_of_an_unreadable_list_can_still_be_run(stage: Stage) -> None:
    await stage.gives_session(stage.alice, "gpu1")
    stage.node("gpu1").running_task(demo_renter(), desc='say "hi"', vnc_port=5999)
    task = stage.task("inference")
    await stage.alice.types(f"/dbc vm restart {task.task_id}")
    await stage.confirms(stage.alice, "Restart")
    await stage.ends(stage.alice, "inference was told to reboot and")
    assert stage.changes() == ["tasks.restart"]


async def test_a_node_whose_rental_ended_says_so(stage: Stage) -> None:
    await stage.gives_session(stage.alice, "gpu1", "gpu2")
    await stage.alice.types("/dbc vm list")
    await stage.alice.sees("inference")
    stage.node("gpu1").end_rental()
    await stage.alice.types("/dbc vm list")
    listed = await stage.alice.sees("The node is not rented at present")
    assert "inference" in listed.plain
    assert "as last seen" in listed.plain


async def test_foreign_text_pings_and_formats_nothing(stage: Stage) -> None:
    stage.task("inference").desc = "<!channel> <@U0BOB> *x* <https://evil.example|y>"
    await stage.gives_session(stage.alice, "gpu1")
    await stage.alice.types("@dbc vm list")
    await stage.alice.sees(r"<!channel> <@U0BOB>")
    task = next(t for t in stage.node("gpu1").tasks.values() if t.desc.startswith("<!"))
    await stage.alice.types(f"/dbc vm delete {task.task_id}")
    await stage.confirms(stage.alice, "Delete")
    await stage.passes(5)
    assert len(stage.endings(stage.alice)) == 1
    for call in stage.ws.calls_of("chat.postMessage"):
        assert "<!channel>" not in call.args["text"]
        for text in _formatted(call.args.get("blocks", [])):
            assert "<!channel>" not in text
            assert "<@U0BOB>" not in text
            assert "<https://evil" not in text


def _formatted(blocks: object) -> list[str]:
    """Every text that Slack would format."""
    if isinstance(blocks, str):
        return _formatted(json.loads(blocks)) if blocks[:1] in {"[", "{"} else []
    if isinstance(blocks, list):
        return [text for block in blocks for text in _formatted(block)]
    if isinstance(blocks, dict):
        if blocks.get("type") == "mrkdwn":
            return [blocks["text"]]
        return [text for value in blocks.values() for text in _formatted(value)]
    return []


async def test_a_list_beyond_any_node_is_said_to_be_unreadable_and_forgets_nothing(
    one_stage: Stage,
) -> None:
    stage = one_stage
    await stage.gives_session(stage.alice, "gpu1")
    await stage.asks(stage.alice, "/dbc vm list")
    stage.world.faults.on("long_list", path="/tasks")
    await stage.passes(61)
    listed = await stage.asks(stage.alice, "/dbc vm list")
    assert "The list cannot be read. It lists far more than a node has" in listed.plain
    assert "inference" in listed.plain
    stage.world.faults.off()
    listed = await stage.asks(stage.alice, "/dbc vm list")
    assert "cannot be read" not in listed.plain
