"""The database fails while a change is on its way: never told as failed, followed all the same."""

import asyncio
import resource
import sqlite3
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from aiohttp import ClientSession
from structlog.testing import capture_logs

from bot.dbc.guard import Limits
from tests.scenarios.images import PYTORCH
from tests.scenarios.machines import off
from tests.scenarios.stage import CHANNEL, Stage, card, staged

SLOW = 5  # seconds on the stage's clock that DBC takes


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    """A stage whose daemon and bot have patience, Alice's session, and a machine that is off."""
    limits = Limits(read=timedelta(seconds=20))
    async with staged(tmp_path, daemon_patience=20, limits=limits) as one:
        await one.gives_session(one.alice, "gpu1")
        await one.asks(one.alice, "/dbc vm list")
        off(one)
        yield one


@contextmanager
def broken(stage: Stage, written: str) -> Iterator[None]:
    """Meanwhile everything that is `written` (`UPDATE ON …`) fails as a faulty disk lets it."""
    with closing(sqlite3.connect(f"{stage.data}/bot.db")) as database:
        database.execute(
            f"CREATE TRIGGER broken BEFORE {written} BEGIN SELECT * FROM not_there; END"
        )
        yield
        database.execute("DROP TRIGGER broken")


async def logged(logs: Sequence[Mapping[str, object]], event: str) -> None:
    """Wait until this was logged."""
    async with asyncio.timeout(5):
        while event not in [entry["event"] for entry in logs]:  # noqa: ASYNC110 - a log tells nobody
            await asyncio.sleep(0.01)


async def answers(stage: Stage) -> None:
    """DBC answers what it was slow with, and all that follows from it has been done."""
    stage.clock.advance(timedelta(seconds=SLOW))
    await stage.quiet()


async def test_a_card_that_cannot_be_kept_does_not_stop_the_change(stage: Stage) -> None:
    stage.world.faults.on("slow", path="/tasks/start", count=1, seconds=SLOW)
    with capture_logs() as logs, broken(stage, "INSERT ON messages"):
        await stage.alice.types("/dbc vm start inference", CHANNEL)
        await stage.waits(0.5)
        await logged(logs, "courtesy_failed")
    await answers(stage)
    assert "accepted" in stage.alice.last(CHANNEL).plain
    await stage.ends(stage.alice, "inference is running on gpu1")
    assert stage.changes() == ["tasks.start"]


async def test_an_outcome_that_cannot_be_kept_is_found_out_by_looking(stage: Stage) -> None:
    stage.world.faults.on("slow", path="/tasks/start", count=1, seconds=SLOW)
    await stage.alice.types("/dbc vm start inference", CHANNEL)
    await stage.waits(0.5)
    await stage.alice.sees("waiting for gpu1 to answer")
    with broken(stage, "INSERT ON watches"):
        await answers(stage)
    told = stage.alice.last(CHANNEL)
    assert "whether it is done is not known" in told.plain
    assert "Do not repeat it" in told.plain
    await stage.ends(stage.alice, "inference is running on gpu1", within=400)
    assert stage.changes() == ["tasks.start"]


@pytest.mark.slow
async def test_what_cannot_be_kept_beside_the_outcome_is_found_out_by_looking(stage: Stage) -> None:
    await stage.asks(stage.alice, f"/dbc image download {PYTORCH} on gpu1")
    await stage.asks(stage.alice, f"/dbc image stop {PYTORCH} on gpu1")
    with broken(stage, "UPDATE ON watches"):
        await stage.confirms(stage.alice, f"Stop the download of {PYTORCH}")
    told = stage.alice.last(CHANNEL)
    assert "whether it is done is not known" in told.plain
    for _ in range(30):
        await stage.passes(15)
    assert "I am checking whether it did" in card(stage.alice, "was told to stop").plain
    assert stage.changes() == ["images.download", "images.download_stop"]


async def test_readiness_says_that_the_database_is_gone_until_it_is_back(tmp_path: Path) -> None:
    async with staged(tmp_path, http=True) as stage:
        url = f"http://127.0.0.1:{stage.bot.edge.port}/readyz"
        file = stage.data / "bot.db"
        stopping = asyncio.create_task(stage.bot.locked_out(timedelta()))
        moved = file.rename(file.with_name("elsewhere.db"))
        await stage.bot.tick()
        async with ClientSession() as http, http.get(url) as answer:
            assert answer.status == 503
            assert "database could not be read or written" in await answer.text()
        assert not stopping.done()
        moved.rename(file)
        await stage.bot.tick()
        async with ClientSession() as http, http.get(url) as answer:
            assert (answer.status, await answer.text()) == (200, "ok\n")
        stopping.cancel()


@contextmanager
def full_disk() -> Iterator[None]:
    """Meanwhile this process can make no file longer."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


async def test_readiness_says_that_the_disk_is_full_until_there_is_room(tmp_path: Path) -> None:
    async with staged(tmp_path, http=True) as stage:
        url = f"http://127.0.0.1:{stage.bot.edge.port}/readyz"
        await stage.bot.tick()
        stage.clock.advance(timedelta(seconds=31))
        with capture_logs(), full_disk():
            await stage.bot.tick()
        async with ClientSession() as http, http.get(url) as answer:
            assert answer.status == 503
            assert "database could not be read or written" in await answer.text()
        await stage.bot.tick()
        async with ClientSession() as http, http.get(url) as answer:
            assert (answer.status, await answer.text()) == (200, "ok\n")


async def test_what_fails_for_want_of_room_says_why_in_the_log_and_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    full = {"disk I/O error", "database or disk is full"}
    async with staged(tmp_path) as stage:
        stage.ws.core.dispatcher.ack_seconds = 0.5  # Slack is not told that it was taken
        await stage.bot.tick()
        with capture_logs() as logs, full_disk(), caplog.at_level("INFO"):
            await stage.alice.types("/dbc alias add r = vm list", channel=CHANNEL)
            await logged(logs, "failed")
            await stage.quiet()
        failed = [one["because"] for one in logs if one["event"] == "failed"]
        assert set(failed) <= full
        assert "Unsuccessful Bolt" not in caplog.text


async def test_that_nothing_is_remembered_is_said_once_until_there_is_room(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        await stage.gives_session(stage.alice, "gpu1")
        for times in (1, 2):
            with capture_logs() as logs:
                for line in ("/dbc image list", "/dbc vm list", "/dbc image servers") * times:
                    with full_disk():
                        await stage.asks(stage.alice, line)
                        await stage.passes(1)
            forgotten = [one for one in logs if one["event"] == "database.not_remembered"]
            assert len(forgotten) == 1
            await stage.passes(31)


async def test_trials_of_the_database_leave_one_row(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        for _ in range(4):
            await stage.passes(31)
        with closing(sqlite3.connect(f"{stage.data}/bot.db")) as database:
            query = "SELECT count(*) FROM defaults WHERE scope = 'probe'"
            assert database.execute(query).fetchone() == (1,)
