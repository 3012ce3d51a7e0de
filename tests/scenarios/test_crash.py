"""SIGKILL while something runs; started again, the bot ends it: one end, one message."""

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from sandbox.dbc.demo import demo_renter
from sandbox.slack import SeenMessage
from tests.mortal import Mortal, mortal
from tests.scenarios.stage import CHANNEL, is_card

CREATE = (
    "/dbc vm create name=t1 image=ubuntu-22.04-cuda-12.qcow2 gpu=1 cpu=4 mem=16 disk=50 on gpu2"
)
# What was on its way to Slack at the crash is looked for first, for up to two minutes (seconds).
LOOKED_FOR = 150
ENDED = "SELECT count(*) FROM executions WHERE command = ? AND finished_at IS NOT NULL"
TOLD = "SELECT count(*) FROM messages WHERE key LIKE 'end:%' AND delivered = version"
SHOWN = "SELECT count(*) FROM messages WHERE key LIKE 'card:%' AND delivered = version"


async def recorded(one: Mortal) -> None:
    """The command is in the ledger, and perhaps not acknowledged yet."""
    await one.comes_true("SELECT count(*) FROM executions WHERE command = 'vm.create'")


async def received(one: Mortal) -> None:
    """The daemon has got the call, and has not answered."""
    await one.world.calls.wait("tasks.create", timeout=30)


async def followed(one: Mortal) -> None:
    """DBC has accepted it, and it is looked at from now on."""
    await one.comes_true("SELECT count(*) FROM watches")


async def settled(one: Mortal) -> None:
    """Its end is stored, and perhaps not posted."""
    await one.comes_true(ENDED, "vm.create", within=100)


def endings(one: Mortal, name: str) -> list[SeenMessage]:
    """The messages that tell Alice how it ended."""
    alice = one.ws.member("alice")
    return [
        m
        for m in alice.messages(CHANNEL)
        if name in m.plain and f"<@{alice.id}>" in m.plain and not is_card(m.plain)
    ]


@pytest.mark.slow
@pytest.mark.timeout(400)
@pytest.mark.parametrize("when", [recorded, received, followed, settled])
async def test_a_creation_ends_once_though_the_bot_was_killed(
    tmp_path: Path, when: Callable[[Mortal], Awaitable[None]]
) -> None:
    async with mortal(tmp_path, speed=8) as one:
        alice = one.ws.member("alice")
        await one.gives_session(alice, "gpu2")
        await alice.types(CREATE, channel=CHANNEL)
        await when(one)
        await one.restart()
        await one.comes_true(ENDED, "vm.create", within=150)
        await one.comes_true(TOLD, within=LOOKED_FOR)
        await one.comes_true(SHOWN, within=LOOKED_FOR)
        assert len(endings(one, "t1")) == 1, alice.screen()
        creations = [c for c in one.world.changing_calls() if c.op == "tasks.create"]
        assert len(creations) <= 1
        cards = [m for m in alice.messages(CHANNEL) if "t1" in m.plain and is_card(m.plain)]
        assert len(cards) == 1
        assert ("is running" in cards[0].plain) == ("is running" in endings(one, "t1")[0].plain)
        one.verified()


@pytest.mark.timeout(200)
async def test_the_rules_are_read_anew_on_a_signal_and_nothing_that_waits_is_lost(
    tmp_path: Path,
) -> None:
    policy = tmp_path / "policy.toml"
    policy.write_text("[defaults]\ndestroy = { approvals = 1 }\n")
    async with mortal(tmp_path, extra={"POLICY_FILE": str(policy)}) as one:
        alice, bob = one.ws.member("alice"), one.ws.member("bob")
        for person in (alice, bob):
            await one.gives_session(person, "gpu1")
        node = one.world.node("gpu1")
        node.running_task(demo_renter(), desc="second", gpus=[], cpu_cores=1, memory=2**30)
        await alice.types("/dbc vm delete second on gpu1", channel=CHANNEL)
        first = await alice.sees("Delete .second", CHANNEL, timeout=30)
        policy.write_text("[[rule]")  # a mistake: the rules stay as they were
        one.hang_up()
        await one.logs("policy.faulty")
        await alice.types("/dbc vm delete inference on gpu1", channel=CHANNEL)
        await alice.sees("Delete .inference", CHANNEL, timeout=30)
        policy.write_text('[[rule]]\nname = "no"\nmatch = { command = "vm.delete", person = '
                          '"U0BOB" }\ndeny = "Not Bob."\n')  # fmt: skip
        one.hang_up()
        await one.logs("policy.reloaded")
        await bob.types("/dbc vm delete inference on gpu1", channel=CHANNEL)
        await bob.sees("Not Bob.", CHANNEL, timeout=30)
        await bob.presses("Approve", first)
        await one.comes_true(f"{ENDED} AND actor = ?", "vm.delete", alice.id)
        assert len([c for c in one.world.changing_calls() if c.op == "tasks.delete"]) == 1
        loaded = one.rows("SELECT 1 FROM audit WHERE kind = 'policy_loaded'")
        assert len(loaded) == 2
