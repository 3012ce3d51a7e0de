"""Work that takes longer than its lease: it goes on, and its end is told as it is."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from datetime import timedelta
from pathlib import Path

import asyncpg
import pytest
from cryptography.fernet import Fernet
from pydantic import SecretStr
from structlog.testing import capture_logs

from bot.app import Bot
from bot.dbc.guard import Limits
from bot.model import AuditKind, ExecutionStatus
from sandbox.dbc import Daemon, ManualClock
from sandbox.dbc.demo import demo_world
from sandbox.dbc.values import GIB
from sandbox.slack import Workspace
from tests.clocks import MachineClock, unwaited
from tests.scenarios.machines import off
from tests.scenarios.site import entries
from tests.scenarios.stage import CHANNEL, MANIFEST, Stage, settings_for, staged
from tests.storage.samples import claim_watches

SLOW = 70  # seconds on the stage's clock that the node takes for each change
PATIENT = Limits(read=timedelta(seconds=60), turn=timedelta(seconds=60))
MODIFY = "/dbc vm modify inference mem=32 cpu=4 ssh=5700 vnc=5950 ports=tcp,8080 gpu=0"


async def beats(bot: Bot, clock: ManualClock, seconds: float) -> None:
    """Let time pass and a bot's heart beat, and let it look for work that nobody does."""
    clock.advance(timedelta(seconds=seconds))
    jobs = {job.name: job for job in bot._ticker._jobs}  # the others would wait for the node
    await jobs["leases"].run()
    await jobs["recover"].run()


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    """A stage with patience, where Alice has a machine."""
    async with staged(tmp_path, daemon_patience=60, limits=PATIENT) as one:
        await one.gives_session(one.alice, "gpu1")
        await one.asks(one.alice, "/dbc vm list")
        yield one


async def outcomes(stage: Stage, command: str) -> list[str]:
    """The ends of a command that the audit has, oldest first."""
    ended = [entry for entry in await entries(stage) if entry.kind is AuditKind.ENDED]
    return [entry.outcome for entry in ended if entry.command == command]


async def test_a_change_that_outlasts_its_lease_is_told_as_it_ends(stage: Stage) -> None:
    stage.world.faults.on("slow", path="/tasks/modify", seconds=SLOW)
    await stage.alice.types(MODIFY, CHANNEL)
    for number in range(1, 7):
        await stage.world.calls.wait("tasks.modify", count=number)
        await stage.clock.sleeping()
        for _ in range(2):
            await beats(stage.bot, stage.clock, SLOW / 2)
    await stage.quiet()
    assert "SSH port 5685 → 5700" in stage.alice.last(CHANNEL).plain
    assert "memory 64 → 32 GiB" in stage.alice.last(CHANNEL).plain
    assert "interrupted" not in stage.alice.screen()
    assert stage.changes() == ["tasks.modify"] * 6
    assert await outcomes(stage, "vm.modify") == ["done"]


async def test_a_clock_that_leaps_over_a_lease_ends_no_living_work(stage: Stage) -> None:
    stage.world.faults.on("slow", path="/tasks/modify", seconds=3 * 3600)
    await stage.alice.types("/dbc vm modify inference mem=32", CHANNEL)
    await stage.world.calls.wait("tasks.modify")
    await stage.clock.sleeping()
    stage.clock.advance(timedelta(hours=2))
    await beats(stage.bot, stage.clock, 0)
    assert "interrupted" not in stage.alice.screen()
    stage.clock.advance(timedelta(hours=1))
    await stage.quiet()
    assert await outcomes(stage, "vm.modify") == ["done"]


async def test_slow_preparations_are_begun_by_one_alone(stage: Stage) -> None:
    off(stage)
    stage.world.faults.on("slow", path="/tasks", seconds=400)
    await stage.alice.types("/dbc disk add inference 50", CHANNEL)
    await stage.world.calls.wait("tasks.detail")
    await stage.clock.sleeping()
    for _ in range(8):
        await beats(stage.bot, stage.clock, 45)
    assert len(stage.world.calls.of("tasks.detail")) == 1


@pytest.mark.parametrize("status", ["running", "done", "cancelled"])
async def test_what_another_process_took_further_meanwhile_is_not_sent(
    stage: Stage, status: str
) -> None:
    off(stage)
    stage.world.faults.on("slow", path="/tasks", count=1, seconds=5)
    await stage.alice.types("/dbc disk add inference 50", CHANNEL)
    await stage.world.calls.wait("tasks.detail")
    await stage.clock.sleeping()
    with closing(sqlite3.connect(f"{stage.data}/bot.db")) as database:
        database.execute(
            "UPDATE executions SET status = ?, leased_by = NULL, leased_until = NULL "
            "WHERE command = 'disk.add'",
            (status,),
        )
        database.commit()
    stage.clock.advance(timedelta(seconds=6))
    await stage.clock.sleeping()
    stage.clock.advance(timedelta(seconds=60))
    await stage.quiet()
    assert stage.changes() == []


async def slow_look(stage: Stage, after: int) -> "asyncio.Future[tuple[None]]":
    """Begins a look that lasts five minutes, so many seconds after the start of a machine."""
    off(stage)
    await stage.asks(stage.alice, "/dbc vm start inference")
    stage.world.faults.on("slow", path="/tasks", count=1, seconds=300)
    stage.world.calls.clear()
    stage.clock.advance(timedelta(seconds=after))
    look = asyncio.gather(looks(stage.bot))
    await stage.world.calls.wait()
    await stage.clock.sleeping()
    return look


async def test_a_poll_that_outlasts_its_lease_is_not_begun_again(stage: Stage) -> None:
    look = await slow_look(stage, after=3)
    for _ in range(8):
        await beats(stage.bot, stage.clock, 20)
        await looks(stage.bot)
    assert len(stage.world.calls) == 1
    stage.clock.advance(timedelta(seconds=200))
    await look
    assert len(stage.endings(stage.alice)) == 1


async def test_a_clock_that_leaps_over_a_lease_begins_no_poll_again(stage: Stage) -> None:
    look = await slow_look(stage, after=60)  # it runs by now
    stage.clock.advance(timedelta(seconds=200))
    await looks(stage.bot)
    assert len(stage.world.calls) == 1
    stage.clock.advance(timedelta(seconds=100))
    await look
    assert len(stage.endings(stage.alice)) == 1


async def test_a_look_that_lost_its_lease_tells_no_end(stage: Stage) -> None:
    look = await slow_look(stage, after=60)  # it runs by now
    stage.clock.advance(timedelta(seconds=150))
    now = stage.clock.now()
    async with stage.bot.store.write() as tx:
        assert await claim_watches(tx, "another bot", now, now + timedelta(minutes=2))
    stage.clock.advance(timedelta(seconds=150))
    await look
    assert stage.endings(stage.alice) == []
    await looks(stage.bot)
    assert len(stage.endings(stage.alice)) == 1


async def test_a_transfer_whose_lease_was_lost_during_the_look_is_told_by_who_took_it_over(
    stage: Stage,
) -> None:
    """Nothing is listed before its node is asked: only the end looks at the lease again."""
    stage.node("gpu1").transfers.rate = GIB
    await stage.asks(stage.alice, "/dbc image download pytorch-2.4.qcow2 on gpu1")
    await stage.passes(10)
    stage.clock.advance(timedelta(seconds=120))  # it is there by now
    stage.world.faults.on("slow", path="/images", count=1, seconds=300)
    stage.world.calls.clear()
    look = asyncio.gather(looks(stage.bot))
    await stage.world.calls.wait()
    await stage.clock.sleeping()
    stage.clock.advance(timedelta(seconds=150))
    now = stage.clock.now()
    async with stage.bot.store.write() as tx:
        assert await claim_watches(tx, "another bot", now, now + timedelta(hours=1))
    stage.clock.advance(timedelta(seconds=150))
    await look
    assert stage.endings(stage.alice) == []
    stage.clock.advance(timedelta(hours=1))
    await looks(stage.bot)
    assert len(stage.endings(stage.alice)) == 1


async def looks(bot: Bot) -> None:
    """The bot looks at all watches that are due."""
    await next(job for job in bot._ticker._jobs if job.name == "watches").run()


@asynccontextmanager
async def two_bots(data: Path, database: str) -> AsyncIterator[tuple[Stage, Bot]]:
    """A stage whose bot takes what Slack delivers, and another one on the same database."""
    clock = ManualClock()
    world = demo_world(clock)
    async with (
        Workspace(clock=clock, manifest=MANIFEST) as ws,
        Daemon(world, timeout=60) as daemon,
    ):
        keys = (SecretStr(Fernet.generate_key().decode()),)
        settings = settings_for(ws, daemon, data, http=False).model_copy(
            update={"database_url": database, "credential_keys": keys}
        )
        machine = MachineClock(clock)
        first, second = (Bot(settings, machine, PATIENT) for _ in range(2))
        await first.start(ticking=False)
        await first.edge.connected()
        await second.start(ticking=False)
        await second.edge.stop()  # Slack delivers to the first one
        clock.advance(timedelta(seconds=30))
        try:
            yield Stage(ws, world, daemon, clock, first, data, machine), second
        finally:
            await first.stop()
            await second.stop()


async def test_a_bot_that_stood_still_sends_nothing_that_another_one_took_over(
    tmp_path: Path, postgres_url: str
) -> None:
    async with two_bots(tmp_path, postgres_url) as (stage, other):
        alice = stage.alice
        await stage.gives_session(alice, "gpu1")
        await stage.asks(alice, "/dbc vm list")
        stage.world.faults.on("slow", path="/tasks/modify", seconds=400)
        await alice.types(MODIFY, CHANNEL)
        await stage.world.calls.wait("tasks.modify")
        await stage.clock.sleeping()
        await beats(other, stage.clock, 310)
        await alice.sees("it is unknown whether the command was carried out")
        stage.clock.advance(timedelta(seconds=100))
        await stage.quiet()
        assert stage.changes() == ["tasks.modify"]
        end = stage.alice.last(CHANNEL).plain
        assert "Changed: SSH port 5685 → 5700" in end
        assert "another process took over; this was not sent" in end
        assert "Not tried: VNC port" in end
        assert await outcomes(stage, "vm.modify") == ["failed"]
        async with other.store.read() as tx:
            assert await tx.watches.open() == []


async def test_other_bots_leave_living_work_alone(tmp_path: Path, postgres_url: str) -> None:
    async with two_bots(tmp_path, postgres_url) as (stage, other):
        await stage.gives_session(stage.alice, "gpu1")
        await stage.asks(stage.alice, "/dbc vm list")
        stage.world.faults.on("slow", path="/tasks/modify", seconds=SLOW)
        await stage.alice.types(MODIFY, CHANNEL)
        for number in range(1, 7):
            await stage.world.calls.wait("tasks.modify", count=number)
            await stage.clock.sleeping()
            for _ in range(2):
                await beats(stage.bot, stage.clock, SLOW / 2)
                await beats(other, stage.clock, 0)
        await stage.quiet()
        assert stage.changes() == ["tasks.modify"] * 6
        assert await outcomes(stage, "vm.modify") == ["done"]


async def test_what_a_stopping_bot_leaves_is_taken_up_at_once(
    tmp_path: Path, postgres_url: str
) -> None:
    async with two_bots(tmp_path, postgres_url) as (stage, other):
        await stage.gives_session(stage.alice, "gpu1")
        await stage.asks(stage.alice, "/dbc vm list")
        stage.world.faults.on("slow", path="/tasks/modify", seconds=400)
        await stage.alice.types(MODIFY, CHANNEL)
        await stage.world.calls.wait("tasks.modify")
        await stage.clock.sleeping()
        await unwaited(stage.bot.stop())
        await beats(other, stage.clock, 0)
        async with other.store.read() as tx:
            [left] = await tx.executions.recent(limit=1)
            followed = await tx.watches.open()
        assert left.status is ExecutionStatus.FOLLOWING
        assert [one.unsure for one in followed] == [True]
        assert stage.changes() == ["tasks.modify"]


async def test_a_bot_that_cannot_free_what_it_holds_lets_go_of_all_else(
    tmp_path: Path, postgres_url: str
) -> None:
    async with two_bots(tmp_path, postgres_url) as (stage, _):
        connection = await asyncpg.connect(postgres_url)
        await connection.execute("ALTER TABLE watches RENAME TO gone")
        with capture_logs() as logged:
            await stage.bot.stop()
        await connection.execute("ALTER TABLE gone RENAME TO watches")
        await connection.close()
        assert [e["log_level"] for e in logged if e["event"] == "leases.not_freed"] == ["error"]
