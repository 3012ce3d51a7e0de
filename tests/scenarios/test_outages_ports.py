"""Dead SSH ports of machines that run, as their nodes say."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from tests.scenarios.stage import Stage, staged
from tests.scenarios.test_outages import ON, goes_on, news, told

SSH = f"{ON}ssh = true\n"


async def test_a_dead_ssh_port_of_a_running_machine_is_told_once(tmp_path: Path) -> None:
    async with staged(tmp_path, policy=SSH) as stage:
        machine = stage.task("inference")
        server = await asyncio.start_server(_takes, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        stage.node("gpu1").public_ip = "127.0.0.1"
        machine.ssh_port = port
        await stage.gives_session(stage.alice, "gpu1")
        await stage.asks(stage.alice, "/dbc vm show inference")
        await goes_on(stage, 4)
        server.close()
        await server.wait_closed()
        await goes_on(stage, 6)
        (message,) = news(stage.alice)
        assert (
            "SSH does not answer on gpu1, although the node says the machine is running: inference."
            in message
        )
        server = await asyncio.start_server(_takes, "127.0.0.1", port)
        await goes_on(stage, 3)
        assert "SSH answers again on gpu1: inference." in news(stage.alice)[-1]
        server.close()


@pytest.mark.slow
async def test_a_dead_port_that_answers_after_its_node_was_silent_is_told(tmp_path: Path) -> None:
    async with staged(tmp_path, policy=SSH) as stage:
        port = await loses_its_port(stage)
        stage.world.faults.on("dead_node", node="gpu1")
        await goes_on(stage, 12)
        server = await asyncio.start_server(_takes, "127.0.0.1", port)
        stage.world.faults.off()
        await goes_on(stage, 12)
        server.close()
        assert len(told(stage.alice, "SSH does not answer")) == 1
        alarm, _ = told(stage.alice, "SSH answers again on gpu1: inference.")
        assert "Before: SSH does not answer on gpu1" in alarm


async def test_a_process_that_never_reached_a_port_does_not_call_it_dead(tmp_path: Path) -> None:
    async with staged(tmp_path, policy=SSH) as stage:
        server = await _has_a_port(stage)
        await goes_on(stage, 4)
        await stage.restart_bot()  # on another host, as it were, which does not reach it
        server.close()
        await server.wait_closed()
        await goes_on(stage, 6)
        assert news(stage.alice) == []


async def test_a_dead_port_is_told_though_a_machine_of_the_same_id_answers(tmp_path: Path) -> None:
    async with staged(tmp_path, policy=SSH) as stage:
        original = await _has_a_port(stage)
        machine, there = stage.task("inference"), stage.node("gpu2")
        there.public_ip = "127.0.0.1"
        copy = await asyncio.start_server(_takes, "127.0.0.1", 0)
        port = copy.sockets[0].getsockname()[1]
        there.tasks[machine.task_id] = replace(machine, ssh_port=port)
        await stage.gives_session(stage.alice, "gpu2")
        await goes_on(stage, 2)
        await stage.asks(stage.alice, "/dbc vm show inference on gpu2")
        await goes_on(stage, 4)
        copy.close()
        await copy.wait_closed()
        await goes_on(stage, 6)
        (message,) = news(stage.alice)
        assert "SSH does not answer on gpu2" in message
        original.close()


async def _has_a_port(stage: Stage) -> asyncio.Server:
    machine = stage.task("inference")
    server = await asyncio.start_server(_takes, "127.0.0.1", 0)
    stage.node("gpu1").public_ip = "127.0.0.1"
    machine.ssh_port = server.sockets[0].getsockname()[1]
    await stage.gives_session(stage.alice, "gpu1")
    await stage.asks(stage.alice, "/dbc vm show inference")
    return server


async def loses_its_port(stage: Stage) -> int:
    """Have the SSH port of inference be dead, and told as that; it is given back."""
    server = await _has_a_port(stage)
    port: int = server.sockets[0].getsockname()[1]
    await goes_on(stage, 4)
    server.close()
    await server.wait_closed()
    await goes_on(stage, 6)
    (message,) = news(stage.alice)
    assert "the node says the machine is running: inference." in message
    return port


async def _takes(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.close()
