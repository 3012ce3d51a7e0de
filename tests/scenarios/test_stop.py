"""SIGTERM: what is under way ends within a bound, or is left for the next process to find."""

import json
from pathlib import Path

import pytest

from tests.mortal import START, Mortal, mortal
from tests.scenarios.stage import CHANNEL
from tests.scenarios.test_crash import CREATE, ENDED, endings

# Answers under way get ten seconds, requests by HTTP three; the rest is closing what is open.
BOUND = 20.0


async def asked_for_a_machine(one: Mortal) -> None:
    """Alice has asked for a machine, and the daemon has got the call."""
    alice = one.ws.member("alice")
    await one.gives_session(alice, "gpu2")
    await alice.types(CREATE, channel=CHANNEL)
    await one.world.calls.wait("tasks.create", timeout=30)


def sent(one: Mortal) -> list[str]:
    """The creations that DBC has received."""
    return [call.op for call in one.world.changing_calls() if call.op == "tasks.create"]


@pytest.mark.timeout(150)
async def test_a_call_under_way_is_answered_and_stored_before_the_bot_ends(tmp_path: Path) -> None:
    async with mortal(tmp_path, daemon_patience=30, ack_seconds=START) as one:
        one.world.faults.on("slow", path="/tasks/start", count=1, seconds=8)  # 2 s at this speed
        await asked_for_a_machine(one)
        assert await one.end(BOUND) == 0
        [kept] = one.rows("SELECT status FROM executions WHERE command = 'vm.create'")
        assert kept["status"] == "following"
        assert not one.rows("SELECT 1 FROM watches WHERE unsure")
        for entry in one.log.read_text().splitlines():
            assert json.loads(entry)["event"]


@pytest.mark.timeout(200)
async def test_what_does_not_end_in_time_is_left_to_the_next_and_never_sent_again(
    tmp_path: Path,
) -> None:
    async with mortal(tmp_path, speed=8, daemon_patience=300, ack_seconds=START) as one:
        one.world.faults.on("slow", path="/tasks/start", count=1, seconds=112)  # 14 s
        await asked_for_a_machine(one)
        assert await one.end(BOUND) == 0
        [kept] = one.rows("SELECT status FROM executions WHERE command = 'vm.create'")
        assert kept["status"] == "running"
        await one.start()
        await one.comes_true(ENDED, "vm.create", within=150)
        await one.comes_true("SELECT count(*) FROM messages WHERE key LIKE 'end:%' "
                             "AND delivered = version")  # fmt: skip
        assert len(endings(one, "t1")) == 1
        assert len(sent(one)) == 1


@pytest.mark.timeout(150)
async def test_a_stop_while_a_node_is_silent_logs_no_error(tmp_path: Path) -> None:
    async with mortal(tmp_path, daemon_patience=60, ack_seconds=START) as one:
        await asked_for_a_machine(one)
        await one.comes_true("SELECT count(*) FROM watches")
        one.world.node("gpu2").silent = True
        seen = len(one.world.calls.of("tasks.list"))
        await one.world.calls.wait("tasks.list", count=seen + 1, timeout=60)
        assert await one.end(BOUND) == 0
        entries = [json.loads(entry) for entry in one.log.read_text().splitlines()]
        assert [e for e in entries if "exception" in e or e["level"] in {"error", "critical"}] == []
