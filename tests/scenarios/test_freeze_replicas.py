"""A freeze holds on every replica from the moment on at which it is in force, and so do others."""

import asyncio
from datetime import timedelta

from bot.model import AuditKind
from sandbox.slack import SeenMessage
from tests.scenarios.replicas import Replicas, ask, replicas
from tests.scenarios.site import NAME, entries, now
from tests.scenarios.stage import CHANNEL

__all__ = ["replicas"]  # fixtures
FREEZE = "/dbc freeze network outage"
FROZE = "froze all changes: network outage"
HELD = "All changes have been frozen since"
AT_ONCE = "[defaults]\ndisrupt = {}\ndestroy = {}\n"
BOBS = '[freeze]\npeople = { persons = ["U0BOB"] }\n'


async def governed(replicas: Replicas, text: str = AT_ONCE) -> None:
    """These rules are in force on every replica; all have sessions."""
    stage = replicas.stage
    (stage.data / "policy.toml").write_text(text + BOBS, encoding="utf-8")
    for bot in replicas.bots:
        bot.reload_policy()
    for person in (stage.alice, stage.bob, stage.carol):
        await stage.gives_session(person, "gpu1")


async def test_what_is_frozen_by_one_is_sent_by_none(replicas: Replicas) -> None:
    """Deliveries go to one replica after the other: each of them meets the freeze of one."""
    stage = replicas.stage
    await governed(replicas)
    await replicas.asks(stage.alice, "/dbc vm list")
    assert FROZE in (await replicas.asks(stage.bob, FREEZE)).plain
    for line in ("vm restart", "vm reset", "vm shutdown"):
        said = await replicas.asks(stage.alice, f"/dbc {line} {NAME}")
        assert HELD in said.plain
        assert f"Ask <@{stage.bob.id}> to lift the freeze" in said.plain
    assert stage.changes() == []
    assert "lifted the freeze" in (await replicas.asks(stage.bob, "/dbc unfreeze")).plain
    await replicas.asks(stage.alice, f"/dbc vm restart {NAME}")
    assert stage.changes() == ["tasks.restart"]


async def about_to_be_sent(replicas: Replicas, question: SeenMessage) -> None:
    """Carol approves, and all that one replica holds the request against is read."""
    stage = replicas.stage
    reads = len(stage.world.calls.of("snapshots.list"))
    await stage.carol.presses("Approve", question)
    await stage.world.calls.wait("snapshots.list", count=reads + 1)
    # What was shown is compared. That Carol may approve is the last thing that is asked for.
    stage.ws.faults.add("slow", "users.info", late=1)
    await stage.ws.until(lambda: bool(stage.ws.core.late))


async def test_what_one_is_about_to_send_is_held_back_once_another_has_frozen(
    replicas: Replicas,
) -> None:
    stage = replicas.stage
    await governed(replicas, "[defaults]\n")
    question = await ask(replicas)
    await about_to_be_sent(replicas, question)
    await stage.bob.types(FREEZE, channel=CHANNEL)
    await stage.bob.sees(FROZE, CHANNEL)
    await replicas.pass_(1)
    await replicas.quiet()
    await replicas.pass_(60)
    assert stage.changes() == []
    ended = now(stage, question)
    assert HELD in ended.plain
    assert ended.buttons == []
    assert len([end for end in stage.endings(stage.alice) if HELD in end]) == 1
    await replicas.asks(stage.bob, "/dbc unfreeze")
    await replicas.pass_(310)
    assert stage.changes() == []  # what was turned down is not sent later, by anybody


async def test_nothing_is_begun_after_a_freeze_at_the_same_moment(replicas: Replicas) -> None:
    stage = replicas.stage
    await governed(replicas)
    await replicas.asks(stage.alice, "/dbc vm list")
    lines = (
        stage.alice.types(f"/dbc vm restart {NAME}", CHANNEL),
        stage.carol.types(f"/dbc vm shutdown {NAME}", CHANNEL),
        stage.carol.types(f"/dbc vm reset {NAME}", CHANNEL),
    )
    typing = asyncio.gather(*lines)
    await stage.world.calls.wait("tasks.detail")  # the first one is looked at
    await asyncio.gather(typing, stage.bob.types(FREEZE, CHANNEL))
    await replicas.quiet()
    written = [(entry.kind, entry.command) for entry in await entries(stage)]
    frozen = written.index((AuditKind.FROZEN, "freeze"))
    begun = [
        at
        for at, (kind, command) in enumerate(written)
        if kind == AuditKind.STARTED and command.startswith("vm.")
    ]
    assert all(at < frozen for at in begun)
    assert len(begun) == len(stage.changes())


async def test_the_breaker_counts_what_all_replicas_have_sent(replicas: Replicas) -> None:
    stage = replicas.stage
    await governed(replicas, AT_ONCE + "[breaker]\ndestroys = 1\n")
    await replicas.asks(stage.alice, "/dbc vm list")
    stage.world.faults.on("slow", count=3)  # all look before any of them is sent
    lines = ("vm shutdown", "vm reset", "vm poweroff")
    await asyncio.gather(*(stage.alice.types(f"/dbc {line} {NAME}", CHANNEL) for line in lines))
    stage.clock.advance(timedelta(seconds=1))
    await replicas.quiet()
    assert len(stage.changes()) == 1
    stage.world.faults.off()
    other = next(t for t in stage.node("gpu1").tasks.values() if t.desc != NAME)
    for line in lines:  # one for each replica
        said = await replicas.asks(stage.alice, f"/dbc {line} {other.task_id}")
        assert "1 destructive command was sent since" in said.plain
    assert len(stage.changes()) == 1
