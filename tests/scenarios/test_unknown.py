"""Sent, and no clear answer: never sent again, shown as unknown, settled by looking."""

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest

from tests.scenarios.changing import in_turns
from tests.scenarios.machines import off
from tests.scenarios.stage import Stage

# name, and whether the node did it in spite of everything
FAULTS = [
    ("timeout_after_doing", True),
    ("dead_node", False),
    ("hang", False),
    ("reset_before", False),
    ("reset_after", True),
    ("html_body", False),
    ("bad_json", True),
    ("gateway_down", False),
    ("gateway_timeout", True),
    ("redirect", False),
    ("web_page", False),
    ("upstream_lost", True),
    ("proxy_timeout", True),
    ("too_many", True),
]
CREATE = "/dbc vm create name=t1 image=ubuntu-22.04-cuda-12.qcow2 gpu=1 on gpu2"


def strikes(stage: Stage, fault: str, path: str) -> None:
    """The next request on this path meets the fault."""
    stage.world.faults.on(fault, path=path, count=1)


async def meets(stage: Stage, fault: str, op: str, doing: Coroutine[Any, Any, object]) -> None:
    """Somebody does what sends this, and nobody waits for a daemon that does not answer."""
    async with asyncio.TaskGroup() as both:
        both.create_task(doing)
        if fault == "hang":
            both.create_task(stage.goes_unanswered(op))


async def is_unknown(stage: Stage, line: str) -> None:
    """The card says that nobody knows."""
    await stage.alice.sees(f"{line}.*unknown whether the command was carried out; I keep looking")


@pytest.mark.parametrize(("fault", "done"), in_turns(FAULTS, 4, 0))
async def test_a_start_without_an_answer_is_settled_by_looking(
    stage: Stage, fault: str, done: bool
) -> None:
    alice = stage.alice
    await stage.gives_session(alice, "gpu1")
    off(stage)
    strikes(stage, fault, "/tasks/start")
    await meets(stage, fault, "tasks.start", stage.asks(alice, "/dbc vm start inference"))
    await is_unknown(stage, r"(?s)Start a machine: \*inference\*")
    if done:
        await stage.ends(alice, "inference is running on gpu1")
    else:
        end = await stage.ends(alice, "inference on gpu1 is “off”", within=180)
        assert "it is unknown whether the command was carried out" in end.plain
        assert end.plain.startswith(":grey_question:")
        assert end.buttons == ["Keep watching", "Show logs", "Show", "More …"]
    await stage.passes(60)
    assert stage.changes() == ["tasks.start"]
    assert len(stage.endings(alice)) == 1


@pytest.mark.parametrize(("fault", "done"), in_turns(FAULTS, 4, 1))
async def test_a_delete_without_an_answer_is_settled_by_looking(
    one_stage: Stage, fault: str, done: bool
) -> None:
    stage, alice = one_stage, one_stage.alice
    await stage.gives_session(alice, "gpu1")
    strikes(stage, fault, "/tasks/delete")
    await stage.asks(alice, "/dbc vm delete inference")
    await meets(stage, fault, "tasks.delete", stage.confirms(alice, "Delete"))
    await is_unknown(stage, r"(?s)Delete a machine: \*inference\*")
    if done:
        await stage.ends(alice, "inference is deleted on gpu1")
    else:
        await stage.ends(alice, "inference on gpu1 is “running”; it is unknown", within=180)
    await stage.passes(60)
    assert stage.changes() == ["tasks.delete"]
    assert len(stage.endings(alice)) == 1


@pytest.mark.parametrize(("fault", "done"), in_turns(FAULTS, 4, 2))
async def test_a_creation_without_an_answer_is_settled_by_its_id(
    one_stage: Stage, fault: str, done: bool
) -> None:
    stage, alice = one_stage, one_stage.alice
    await stage.gives_session(alice, "gpu2")
    strikes(stage, fault, "/tasks/start")
    await meets(stage, fault, "tasks.create", stage.asks(alice, CREATE))
    await is_unknown(stage, r"(?s)Create a machine: \*t1\*")
    if done:
        await stage.ends(alice, "t1 is running on gpu2")
        assert stage.task("t1").task_id == stage.world.changing_calls()[0].additional["task_id"]
    else:
        await stage.ends(alice, "t1 on gpu2 does not exist so far; the command got no", within=180)
    await stage.passes(60)
    assert stage.changes() == ["tasks.create"]
    assert len(stage.node("gpu2").tasks) == int(done)
    assert len(stage.endings(alice)) == 1


async def test_a_creation_that_a_proxy_sends_twice_is_followed_to_its_end(one_stage: Stage) -> None:
    """The node refuses the second one, for its id is taken: by the first one."""
    stage, alice = one_stage, one_stage.alice
    await stage.gives_session(alice, "gpu2")
    strikes(stage, "sent_twice", "/tasks/start")
    await stage.asks(alice, CREATE)
    await alice.sees(r"(?s)Create a machine: \*t1\*.*it already has this machine")
    await stage.ends(alice, "t1 is running on gpu2")
    await stage.passes(60)
    assert stage.changes() == ["tasks.create"]
    assert len(stage.node("gpu2").tasks) == 1
    assert len(stage.endings(alice)) == 1


@pytest.mark.parametrize(("fault", "done"), in_turns(FAULTS, 4, 3))
async def test_a_restart_without_an_answer_proves_nothing_by_running(
    one_stage: Stage, fault: str, done: bool
) -> None:
    """A running machine is no proof of a restart; only being seen on the way is."""
    stage, alice = one_stage, one_stage.alice
    await stage.gives_session(alice, "gpu1")
    strikes(stage, fault, "/tasks/restart")
    await stage.asks(alice, "/dbc vm restart inference force")
    await meets(stage, fault, "tasks.restart", stage.confirms(alice, "Force-restart"))
    await is_unknown(stage, r"(?s)(Force-restart|Restart) a machine: \*inference\*")
    if done:
        await stage.ends(alice, "inference has restarted on gpu1")
    else:
        await stage.ends(alice, "inference on gpu1 is “running”; it is unknown", within=180)
    await stage.passes(60)
    assert stage.changes() == ["tasks.restart"]


@pytest.mark.parametrize("fault", ["unknown_node", "slots_full", "disconnected"])
async def test_what_surely_reached_no_node_has_failed(one_stage: Stage, fault: str) -> None:
    stage, alice = one_stage, one_stage.alice
    await stage.gives_session(alice, "gpu1")
    off(stage)
    strikes(stage, fault, "/tasks/start")
    told = await stage.asks(alice, "/dbc vm start inference")
    assert told.plain.startswith(":x:")
    assert "DBC daemon" in told.plain
    assert told.ephemeral  # nobody else has seen that it was begun
    assert "inference" not in stage.bob.screen()
    await stage.passes(60)
    assert [m for m in alice.messages() if "DBC daemon" in m.plain] == [told]
    assert stage.changes() == ["tasks.start"]


async def test_a_daemon_that_is_down_is_said_and_nothing_is_kept_for_later(
    one_stage: Stage,
) -> None:
    stage, alice = one_stage, one_stage.alice
    await stage.gives_session(alice, "gpu1")
    off(stage)
    await stage.asks(alice, "/dbc vm list")
    stage.daemon.crash()
    told = await stage.asks(alice, "/dbc vm start inference")
    assert "The DBC daemon cannot be reached." in told.plain
    listed = await stage.asks(alice, "/dbc vm list")
    assert "The DBC daemon cannot be reached." in listed.plain
    await stage.daemon.restart()
    await stage.passes(60)
    assert stage.changes() == []


async def test_looking_goes_on_when_asked_and_tells_a_new_end(stage: Stage) -> None:
    alice = stage.alice
    await stage.gives_session(alice, "gpu1")
    off(stage)
    strikes(stage, "hang", "/tasks/start")
    card = await stage.asks(alice, "/dbc vm start inference")
    end = await stage.ends(alice, "inference on gpu1 is “off”", within=180)
    await alice.presses("Keep watching", end)
    await alice.sees(r"I go on following .inference")
    await stage.passes(3)
    now = next(m for m in alice.messages() if m.ts == card.ts)
    assert "Start a machine" in now.plain
    off(stage)
    machine = stage.task("inference")
    machine.status = type(machine.status)("running")
    assert machine.domain is not None
    machine.domain.state = type(machine.domain.state)("running")
    again = await stage.ends(alice, "inference is running on gpu1")
    assert again.ts != end.ts
    assert len(stage.endings(alice)) == 2
    await alice.presses("Keep watching", end)
    await alice.sees("It is followed already, or has ended")
    assert stage.changes() == ["tasks.start"]
