"""Two versions on one PostgreSQL: the older one stands down, and the newer one goes on with all."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from http import HTTPStatus
from pathlib import Path

import aiohttp
import pytest
from sqlalchemy import text

from bot.app import Bot
from bot.clock import SystemClock
from bot.errors import BotError
from bot.services.ticker import Job, Ticker
from sandbox.dbc.worker import Durations
from sandbox.slack import SeenMessage
from storage.migrations import BEING_RESTORED, HEAD
from tests.scenarios.machines import off
from tests.scenarios.nameless import nameless
from tests.scenarios.replicas import Replicas, replicas
from tests.scenarios.site import NAME, approves
from tests.scenarios.stage import CHANNEL, LIMITS, settings_for

__all__ = ["replicas"]  # fixtures


async def _migrated(replicas: Replicas, revision: str) -> None:
    """The schema as another version would have it; what it adds is nothing that this one reads."""
    async with replicas.bots[0].store._engines.writing() as connection:
        await connection.execute(text(f"UPDATE alembic_version SET version_num = '{revision}'"))


async def _stood_down(replicas: Replicas) -> None:
    """Let the older ones notice."""
    await replicas.pass_(5)
    for bot in replicas.bots:
        assert bot.health.reasons
        retiring = bot._retiring
        assert retiring is not None
        await retiring


async def _asked(replicas: Replicas) -> SeenMessage:
    """Alice adds a disk, which goes on for minutes; Bob's start waits for it, hers for Carol."""
    stage = replicas.stage
    for person in (stage.alice, stage.bob, stage.carol):
        await stage.gives_session(person, "gpu1")
    await replicas.asks(stage.alice, "/dbc vm list")
    off(stage)
    stage.node("gpu1").durations = Durations(add=timedelta(minutes=3))
    await replicas.asks(stage.alice, f"/dbc disk add {NAME} 100")
    stage.clock.advance(timedelta(seconds=1))
    await replicas.asks(stage.bob, f"/dbc vm start {NAME}")
    stage.clock.advance(timedelta(seconds=1))
    await replicas.asks(stage.alice, '/dbc vm delete "Ada\'s training run"')
    return await stage.alice.sees("Delete .Ada", CHANNEL)


async def test_older_replicas_stand_down_and_the_newer_one_loses_nothing(
    replicas: Replicas,
) -> None:
    stage = replicas.stage
    question = await _asked(replicas)
    assert stage.changes() == ["disks.add"]
    older = replicas.bots
    settings = older[0]._settings
    await _migrated(replicas, "of_tomorrow")
    await _stood_down(replicas)
    for bot in older:
        [why] = bot.health.reasons
        assert why.startswith("A newer version of the bot has migrated the database")
        assert "of_tomorrow" in why
        assert not bot.edge.reach.is_up
    for _ in range(20):  # minutes in which they would have done something
        await replicas.pass_(15)
    assert stage.changes() == ["disks.add"]
    assert stage.endings(stage.alice) == []

    await _migrated(replicas, HEAD)  # as the newer version, to which that is known, finds it
    newer = Bot(settings, stage.machine, LIMITS)
    replicas.bots = [newer]
    replicas.stage = stage = replace(stage, bot=newer)
    try:
        await newer.start(ticking=False)
        await newer.edge.connected()
        await approves(stage, stage.carol, question)
        for _ in range(40):
            await replicas.pass_(15)
        assert sorted(stage.changes()) == ["disks.add", "tasks.delete", "tasks.start"]
        assert len(stage.endings(stage.bob)) == 1
        assert len(stage.endings(stage.alice)) == 2
        assert newer.health.reasons == ()
    finally:
        await asyncio.gather(*(bot.stop() for bot in older))
        await newer.stop()


async def test_an_older_version_does_not_start_on_it(replicas: Replicas) -> None:
    await _migrated(replicas, "of_tomorrow")
    late = Bot(replicas.bots[0]._settings, replicas.stage.machine, LIMITS)
    try:
        with pytest.raises(BotError, match="A newer version of the bot has used this database"):
            await late.start(ticking=False)
    finally:
        await late.stop()


async def test_a_schema_that_takes_nothing_from_them_does_not_hide_it(replicas: Replicas) -> None:
    async with replicas.bots[0].store._engines.writing() as connection:
        await connection.execute(text("ALTER TABLE defaults ADD CONSTRAINT new CHECK (id < '')"))
    await _migrated(replicas, "of_tomorrow")
    await replicas.pass_(60)  # a trial is due
    await _stood_down(replicas)
    for bot in replicas.bots:
        [why] = bot.health.reasons
        assert why.startswith("A newer version of the bot has migrated the database")


async def test_what_started_as_a_restore_began_takes_nothing_more(replicas: Replicas) -> None:
    async with replicas.bots[0].store._engines.writing() as connection:
        await connection.execute(text(f"INSERT INTO alembic_version VALUES ('{BEING_RESTORED}')"))
    await _stood_down(replicas)
    for bot in replicas.bots:
        [why] = bot.health.reasons
        assert why.startswith("The database is being restored from a backup")


async def test_a_job_that_hangs_keeps_no_delivery_coming_to_them(replicas: Replicas) -> None:
    bot, begun, is_over = replicas.bots[0], asyncio.Event(), asyncio.Event()

    async def hang() -> None:
        begun.set()
        await is_over.wait()

    bot._ticker = ticker = Ticker([Job("hangs", timedelta(hours=1), hang)], SystemClock())
    ticker.start()
    try:
        await begun.wait()
        await _migrated(replicas, "of_tomorrow")
        await bot._database.look()
        while bot.edge._socket is not None:
            await asyncio.sleep(0)
            assert ticker._under_way, "it waited for the job"
        assert not bot.edge.reach.is_up
    finally:
        is_over.set()
    assert bot._retiring is not None
    await bot._retiring


async def test_by_http_it_goes_on_to_say_that_it_is_not_ready(
    tmp_path: Path, replicas: Replicas
) -> None:
    stage, first = replicas.stage, replicas.bots[0]._settings
    settings = settings_for(stage.ws, stage.daemon, tmp_path, http=True).model_copy(
        update={"database_url": first.database_url, "credential_keys": first.credential_keys}
    )
    bot = Bot(settings, stage.machine, LIMITS)
    try:
        await bot.start(ticking=False)
        await _migrated(replicas, "of_tomorrow")
        await bot.tick()
        assert bot._retiring is not None
        await bot._retiring
        at = f"http://127.0.0.1:{bot.edge.port}"
        async with aiohttp.ClientSession() as http:
            async with http.get(f"{at}/readyz") as ready:
                assert ready.status == HTTPStatus.SERVICE_UNAVAILABLE
                said = nameless(await ready.text())
                assert "A newer version of the bot has migrated" in said
            async with http.get(f"{at}/healthz") as alive:
                assert alive.status == HTTPStatus.OK
    finally:
        await bot.stop()
