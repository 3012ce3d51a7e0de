"""Several bots on one PostgreSQL, for scenarios."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
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
from tests.scenarios.site import NAME, now
from tests.scenarios.stage import (
    ACK_SECONDS,
    CHANNEL,
    LIMITS,
    MANIFEST,
    Stage,
    settings_for,
)

REPLICAS = 3
SLOWEST = 3.0  # real seconds in which a node that is slow by the clock is waited for
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
        ends = ("is deleted", " denied “", " withdrew “")
        for _ in range(30):
            await self.pass_(3)
            if any(end in now(self.stage, question).plain for end in ends):
                break
        await self.pass_(60)
        await self.pass_(310)

    async def asks(self, person: Person, line: str) -> SeenMessage:
        """Somebody types a line, for some bot; the newest message once all are done."""
        await person.types(line, channel=CHANNEL)
        await self.quiet()
        return person.last(CHANNEL)

    async def look(self) -> None:
        """Let every bot know what there is at this moment."""
        await asyncio.gather(*(bot.store.known() for bot in self.bots))

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


@asynccontextmanager
async def replicated(
    data: Path, url: str, *, clock: ManualClock | None = None, rpc: Sequence[str] = ()
) -> AsyncIterator[Replicas]:
    """Several bots, which read these nodes of a chain."""
    (data / "policy.toml").write_text("[defaults]\n", encoding="utf-8")
    clock = clock or ManualClock()
    world = demo_world(clock)
    async with (
        Workspace(clock=clock, manifest=MANIFEST, ack_seconds=ACK_SECONDS) as ws,
        Daemon(world, timeout=SLOWEST) as daemon,
    ):
        keys = (SecretStr(Fernet.generate_key().decode()),)
        settings = settings_for(ws, daemon, data, http=False).model_copy(
            update={"database_url": url, "credential_keys": keys, "chain_rpc_urls": tuple(rpc)}
        )
        machine = MachineClock(clock)
        bots = [Bot(settings, machine, LIMITS) for _ in range(REPLICAS)]
        await asyncio.gather(*(bot.start(ticking=False) for bot in bots))
        await asyncio.gather(*(bot.edge.connected() for bot in bots))
        clock.advance(timedelta(seconds=30))
        stage = Stage(ws, world, daemon, clock, bots[0], data, machine)
        replicas = Replicas(stage, list(bots))
        try:
            yield replicas
        finally:  # a test may have put others in their place
            await asyncio.gather(*(bot.stop() for bot in {*bots, *replicas.bots}))


@pytest.fixture
async def replicas(tmp_path: Path, postgres_url: str) -> AsyncIterator[Replicas]:
    async with replicated(tmp_path, postgres_url) as some:
        yield some


async def ask(replicas: Replicas) -> SeenMessage:
    """Alice asks; the question."""
    await replicas.stage.alice.types(f"/dbc vm delete {NAME}", channel=CHANNEL)
    await replicas.quiet()
    await replicas.pass_(1)
    return await replicas.stage.alice.sees(f"Delete .{NAME}", CHANNEL)
