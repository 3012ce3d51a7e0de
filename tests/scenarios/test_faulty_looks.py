"""A bug in looking at what goes on: it ends nothing, doubles nothing, and is logged once."""

from collections import Counter
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from bot.dbc.identity import Target
from bot.model import DbcSession, Goal, Watch
from bot.watches.observers.look import Observer, Seen, Sight, one_by_one
from tests.scenarios.machines import off
from tests.scenarios.stage import Stage, staged


@dataclass(eq=False)
class Faulty:
    """Looks as `real` does, but stumbles over the watches of these labels."""

    real: Observer
    over: set[str] = field(default_factory=set)
    stumbled: Counter[str] = field(default_factory=Counter)

    async def look(self, session: DbcSession, watches: Sequence[Watch]) -> Seen:
        if any(watch.label in self.over for watch in watches):
            raise LookupError("a bug")
        return await self.real.look(session, watches)


class FaultyAtEach(Faulty):
    """The same, where each is looked at by itself."""

    async def look(self, session: DbcSession, watches: Sequence[Watch]) -> Seen:
        async def each(_target: Target, watch: Watch) -> Sight:
            if watch.label in self.over:
                self.stumbled[watch.id] += 1
                raise LookupError("a bug")
            found = (await self.real.look(session, [watch]))[watch.id]
            assert isinstance(found, Sight)
            return found

        return await one_by_one(session, watches, each)


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    async with staged(tmp_path) as one:
        await one.gives_session(one.alice, "gpu1")
        await one.asks(one.alice, "/dbc vm list")
        yield one


def faulty(stage: Stage, *over: str, kind: type[Faulty] = Faulty) -> Faulty:
    """Have the bot stumble over these machines from now on."""
    looking: Any = stage.bot._services.watches._observers
    one = kind(looking[Goal.RUNNING], {*over})
    looking.update({goal: one for goal, real in looking.items() if real is one.real})
    return one


async def test_a_bug_in_looking_ends_no_watch_and_is_logged_once(stage: Stage) -> None:
    off(stage)
    off(stage, "Ada's training run")
    bug = faulty(stage, "inference")
    await stage.asks(stage.alice, "/dbc vm start inference")
    await stage.asks(stage.alice, "/dbc vm start Ada")
    with capture_logs() as logs:
        await stage.ends(stage.alice, "Ada's training run is running on gpu1")
        for _ in range(5):
            await stage.passes(120)
    async with stage.bot.store.read() as tx:
        followed = [watch.id for watch in await tx.watches.open()]
    errors = [entry for entry in logs if entry["log_level"] == "error"]
    assert [(one["event"], one["ids"]) for one in errors] == [("watch.poll_failed", followed)]
    bug.over.clear()
    await stage.ends(stage.alice, "inference is running on gpu1", within=600)
    assert len([told for told in stage.endings(stage.alice) if "inference" in told]) == 1
    assert stage.changes() == ["tasks.start", "tasks.start"]


async def test_a_bug_in_looking_at_each_is_logged_once_and_counted(stage: Stage) -> None:
    off(stage)
    off(stage, "Ada's training run")
    bug = faulty(stage, "inference", "Ada's training run", kind=FaultyAtEach)
    await stage.asks(stage.alice, "/dbc vm start inference")
    await stage.asks(stage.alice, "/dbc vm start Ada")
    with capture_logs() as logs:
        for _ in range(5):
            await stage.passes(120)
        errors = [entry for entry in logs if entry["log_level"] == "error"]
        async with stage.bot.store.read() as tx:
            followed = {watch.id for watch in await tx.watches.open()}
        assert [one["event"] for one in errors] == ["watch.look_failed"]
        assert set(errors[0]["ids"]) == followed
        bug.over.clear()
        await stage.ends(stage.alice, "inference is running on gpu1", within=600)
        await stage.ends(stage.alice, "Ada's training run is running on gpu1")
    well = {one["id"]: one["failed_times"] for one in logs if one["event"] == "watch.well_again"}
    assert well == bug.stumbled
    assert well.keys() == followed


async def test_a_bug_in_looking_into_a_refusal_leaves_the_refusal(stage: Stage) -> None:
    faulty(stage, "inference")
    stage.world.faults.on("sent_later", path="/tasks/shutdown", count=1)
    with capture_logs() as logs:
        await stage.asks(stage.alice, "/dbc vm shutdown inference")
        await stage.confirms(stage.alice, "Shut down")
        for _ in range(5):
            await stage.passes(60)
    ends = [told for told in stage.endings(stage.alice) if "inference" in told]
    errors = [entry["event"] for entry in logs if entry["log_level"] == "error"]
    assert errors == ["refusal.not_looked_into"]
    assert len(ends) == 1
    assert "was refused" in ends[0]
