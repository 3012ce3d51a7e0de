"""Several bots on one PostgreSQL: whoever takes a click or a tick, everything happens once."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from pydantic import SecretStr

from bot.app import Bot
from sandbox.dbc import Daemon, ManualClock
from sandbox.dbc.demo import demo_world
from sandbox.slack import Person, SeenMessage, Workspace
from tests.clocks import MachineClock
from tests.scenarios.site import NAME, now, told
from tests.scenarios.stage import (
    CHANNEL,
    DAEMON_PATIENCE,
    LIMITS,
    MANIFEST,
    Stage,
    is_card,
    settings_for,
)
from tests.storage.conftest import postgres, postgres_url

__all__ = ["postgres", "postgres_url"]  # fixtures
REPLICAS = 3
CLICKERS = 5


class Replicas:
    """One stage, several bots behind it; Socket Mode deals deliveries out to all of them."""

    def __init__(self, stage: Stage, bots: list[Bot]) -> None:
        self.stage = stage
        self.bots = bots

    async def pass_(self, seconds: float) -> None:
        """Let time pass, and every bot tick at the same moment."""
        self.stage.clock.advance(timedelta(seconds=seconds))
        await asyncio.gather(*(bot.tick() for bot in self.bots))

    async def until_ended(self, question: SeenMessage) -> None:
        """Let time pass until the card tells an end; then some more, for a second one."""
        ends = ("is deleted", "denied by", "cancelled by")
        for _ in range(30):
            await self.pass_(3)
            if any(end in now(self.stage, question).plain for end in ends):
                break
        await self.pass_(60)
        await self.pass_(310)

    async def quiet(self) -> None:
        """Wait until no bot has anything under way."""
        for bot in self.bots:
            await replace(self.stage, bot=bot).quiet()

    async def clickers(self) -> list[Person]:
        """Bob, Carol and others, all of them entitled."""
        ws = self.stage.ws
        people = [self.stage.bob, self.stage.carol]
        channel = ws.core.state.channel(CHANNEL)
        for number in range(CLICKERS - len(people)):
            person = ws.add_member(f"dave{number}")
            channel.members.append(person.id)
            people.append(person)
        for person in (self.stage.alice, *people):
            await self.stage.gives_session(person, "gpu1")
        return people


@pytest.fixture
async def replicas(tmp_path: Path, postgres_url: str) -> AsyncIterator[Replicas]:
    (tmp_path / "policy.toml").write_text("[defaults]\n", encoding="utf-8")
    clock = ManualClock()
    world = demo_world(clock)
    async with (
        Workspace(clock=clock, manifest=MANIFEST) as ws,
        Daemon(world, timeout=DAEMON_PATIENCE) as daemon,
    ):
        keys = (SecretStr(Fernet.generate_key().decode()),)
        settings = settings_for(ws, daemon, tmp_path, http=False).model_copy(
            update={"database_url": postgres_url, "credential_keys": keys}
        )
        machine = MachineClock(clock)
        bots = [Bot(settings, machine, LIMITS) for _ in range(REPLICAS)]
        await asyncio.gather(*(bot.start(ticking=False) for bot in bots))
        await asyncio.gather(*(bot.edge.connected() for bot in bots))
        clock.advance(timedelta(seconds=30))
        try:
            yield Replicas(Stage(ws, world, daemon, clock, bots[0], tmp_path, machine), list(bots))
        finally:
            await asyncio.gather(*(bot.stop() for bot in bots))


async def ask(replicas: Replicas) -> SeenMessage:
    """Alice asks; the question."""
    await replicas.stage.alice.types(f"/dbc vm delete {NAME}", channel=CHANNEL)
    await replicas.quiet()
    await replicas.pass_(1)
    return await replicas.stage.alice.sees(f"Delete .{NAME}", CHANNEL)


async def test_many_click_at_once_and_it_runs_once(replicas: Replicas) -> None:
    stage = replicas.stage
    people = await replicas.clickers()
    question = await ask(replicas)
    stage.ws.deliver_twice(3)
    acks = await asyncio.gather(*(person.presses("Approve", question) for person in people))
    assert all(ack is not None and ack.ok for ack in acks)
    await replicas.quiet()
    await replicas.until_ended(question)
    assert stage.changes() == ["tasks.delete"]
    assert len([e for e in stage.endings(stage.alice) if "is deleted" in e]) == 1
    winners = [person for person in people if told(person, "Approved. It runs")]
    assert len(winners) == 1
    late = [p for p in people if told(p, f"Too late: this was approved by <@{winners[0].id}>")]
    assert len(late) == len(people) - 1
    assert now(stage, question).buttons == []
    copies = {m.plain for p in people for m in p.messages("@dbc") if is_card(m.plain)}
    assert copies == {now(stage, question).plain}


@pytest.mark.parametrize("needed", [1, 2, 4])
async def test_clicks_among_reloads_count_by_the_rules_of_the_run(
    replicas: Replicas, needed: int
) -> None:
    """Each replica reads the rules anew at another moment, while all people click."""
    stage = replicas.stage
    people = await replicas.clickers()
    question = await ask(replicas)
    demanding = f"[defaults]\ndestroy = {{ approvals = {needed} }}\n"
    (stage.data / "policy.toml").write_text(demanding, encoding="utf-8")

    async def reloads(bot: Bot, after: int) -> None:
        for _ in range(after):
            await asyncio.sleep(0)
        bot.reload_policy()

    await asyncio.gather(
        *(reloads(bot, 40 * number) for number, bot in enumerate(replicas.bots)),
        *(person.presses("Approve", question) for person in people[:3]),
    )
    await replicas.quiet()
    for _ in range(10):
        await replicas.pass_(3)
    approved = stage.changes() == ["tasks.delete"]
    assert approved or stage.changes() == []
    if needed > 3:  # but for a run that a replica had begun by the rules before
        votes = now(stage, question).plain
        assert approved or "3 of 4" in votes
        for person in people[3:]:
            await person.presses("Approve", question)
        await replicas.quiet()
    await replicas.until_ended(question)
    assert stage.changes() == ["tasks.delete"]
    assert len([e for e in stage.endings(stage.alice) if "is deleted" in e]) == 1
    assert now(stage, question).buttons == []


async def test_approve_deny_and_cancel_at_once_come_to_one_end(replicas: Replicas) -> None:
    stage = replicas.stage
    people = await replicas.clickers()
    question = await ask(replicas)
    denier = people[0]
    await denier.presses("Deny", question)
    await denier.sees_modal("Deny")
    await asyncio.gather(
        denier.submits({"Why not?": "no"}),
        stage.alice.presses("Cancel", question),
        *(person.presses("Approve", question) for person in people[1:]),
    )
    await replicas.quiet()
    await replicas.until_ended(question)
    ended = now(stage, question)
    assert ended.buttons == []
    ran = "is deleted" in ended.plain
    assert stage.changes() == (["tasks.delete"] if ran else [])
    assert ran + ("denied by" in ended.plain) + ("cancelled by" in ended.plain) == 1
    for person in people[1:]:
        assert told(person, "Too late") or told(person, "Approved.")


async def test_ticks_at_once_remind_once_and_expire_once(replicas: Replicas) -> None:
    stage = replicas.stage
    await replicas.clickers()
    question = await ask(replicas)
    for _ in range(3):
        await replicas.pass_(4 * 60)
    assert len(told(stage.alice, "still waits")) == 1
    await replicas.pass_(3600)
    await replicas.pass_(1)
    assert len([e for e in stage.endings(stage.alice) if "nobody decided in time" in e]) == 1
    assert now(stage, question).buttons == []
    assert stage.changes() == []


async def test_a_replica_that_dies_leaves_its_work_to_the_others(replicas: Replicas) -> None:
    stage = replicas.stage
    people = await replicas.clickers()
    question = await ask(replicas)
    await asyncio.gather(*(person.presses("Approve", question) for person in people))
    await asyncio.gather(*(bot.stop() for bot in replicas.bots[1:]))
    replicas.bots = replicas.bots[:1]
    await replicas.pass_(310)  # leases run out
    await replicas.until_ended(question)
    assert stage.changes() == ["tasks.delete"]
    assert len([e for e in stage.endings(stage.alice) if "is deleted" in e]) == 1
    assert now(stage, question).buttons == []
