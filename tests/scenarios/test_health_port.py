"""The health port, read from outside while the real bot runs and this or that is really down."""

import asyncio
import os
import random
import socket
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from pathlib import Path

import aiohttp
import pytest
from prometheus_client.parser import text_string_to_metric_families

from bot.addresses import place_of
from bot.app import Bot
from bot.errors import BotError
from bot.setting_sources import fingerprint
from sandbox.dbc.demo import demo_renter
from tests.mortal import mortal
from tests.scenarios.machines import off
from tests.scenarios.nameless import nameless
from tests.scenarios.site import rules
from tests.scenarios.stage import CHANNEL, LIMITS, Stage, settings_for, staged
from tests.scenarios.test_broken_database import broken
from tests.scenarios.test_damaged_rows import locks

Series = Mapping[str, float]


def free_port() -> int:
    """A port that nobody has, and that the system gives to nobody for the asking."""
    while True:
        port = random.randrange(20_000, 32_000)
        with socket.socket() as one, suppress(OSError):
            one.bind(("127.0.0.1", port))
            return port


async def read(port: int, path: str) -> tuple[int, str]:
    """What the health port answers."""
    async with (
        aiohttp.ClientSession() as http,
        http.get(f"http://127.0.0.1:{port}{path}") as answer,
    ):
        return answer.status, await answer.text()


def series(text: str) -> Series:
    """Every series by its name and labels, as `name{label="value"}`."""
    found = {}
    for family in text_string_to_metric_families(text):
        for one in family.samples:
            labels = ",".join(f'{name}="{value}"' for name, value in sorted(one.labels.items()))
            found[f"{one.name}{{{labels}}}" if labels else one.name] = one.value
    return found


async def ready(stage_port: int) -> str:
    """What /readyz says; its status goes with it."""
    status, text = await read(stage_port, "/readyz")
    assert (status == 200) == text.startswith("ok\n"), (status, text)
    return nameless(text)


@asynccontextmanager
async def watched(data: Path, *, http: bool = False) -> AsyncIterator[tuple[Stage, int]]:
    """A bot with a health port; Alice may use gpu1."""
    port = free_port()
    async with staged(data, http=http, health_port=port) as stage:
        await stage.gives_session(stage.alice, "gpu1")
        yield stage, port


@pytest.mark.parametrize("http", [False, True], ids=["socket", "http"])
async def test_the_process_tells_how_it_is_in_both_modes(tmp_path: Path, http: bool) -> None:
    port = free_port()
    async with mortal(tmp_path, extra={"HEALTH_PORT": str(port)}, http=http) as bot:
        alice = bot.ws.member("alice")
        await bot.gives_session(alice, "gpu1")
        await alice.types("/dbc vm list", CHANNEL)
        await alice.sees("inference", timeout=20)
        assert await read(port, "/healthz") == (200, "ok\n")
        assert await read(port, "/readyz") == (200, "ok\n")
        assert (await read(port, "/else"))[0] == 404
        status, text = await read(port, "/metrics")
        found = series(text)
        assert status == 200
        assert found["dbc_bot_ready"] == found["dbc_bot_database_up"] == 1
        assert found['dbc_bot_deliveries_total{kind="command",outcome="acknowledged"}'] == 2
        assert found['dbc_bot_ack_seconds_count{kind="form"}'] == 1
        assert found['dbc_bot_dbc_calls_total{operation="/tasks",outcome="ok"}'] >= 1
        assert found['dbc_bot_slack_calls_total{method="views.open"}'] == 1
        assert found["dbc_bot_socket_connections"] == (0 if http else 1)
        assert found['dbc_bot_transactions_total{outcome="committed"}'] > 0
        pair = bot.world.node("gpu1").session_for(demo_renter())
        private = (bot.ws.bot_token, bot.ws.app_token, *pair, alice.id, "inference", CHANNEL)
        assert [word for word in private if word in text] == []


async def test_the_port_that_slack_calls_says_nothing_of_the_database(tmp_path: Path) -> None:
    async with watched(tmp_path, http=True) as (stage, port), aiohttp.ClientSession() as http:
        for path in ("healthz", "readyz"):
            for asked, is_told in ((port, True), (stage.bot.edge.port, False)):
                async with http.get(f"http://127.0.0.1:{asked}/{path}") as answer:
                    assert ("Database" in answer.headers) is is_told


@pytest.mark.parametrize("secret", ["password", "sslpassword", "passfile"])
def test_a_database_is_told_apart_without_what_may_be_a_secret(secret: str) -> None:
    url = "postgresql+asyncpg://dbc:pw@db.example/dbc"
    assert fingerprint(f"{url}?{secret}=one", None) == fingerprint(url, None)
    assert fingerprint(f"{url}?host=/run/other", None) != fingerprint(url, None)


async def test_a_freeze_is_told_and_not_counted_as_something_amiss(tmp_path: Path) -> None:
    async with watched(tmp_path) as (stage, port):
        rules(stage, '[freeze]\npeople = { persons = ["U0BOB"] }\n')
        await stage.asks(stage.bob, "/dbc freeze network outage")
        await stage.passes(10)
        assert "Changes have been frozen since" in await ready(port)
        found = series((await read(port, "/metrics"))[1])
        assert (found["dbc_bot_impairments"], found["dbc_bot_frozen"]) == (0, 1)
        await stage.asks(stage.bob, "/dbc unfreeze")
        await stage.passes(10)
        assert await ready(port) == "ok\n"
        assert series((await read(port, "/metrics"))[1])["dbc_bot_frozen"] == 0


async def test_what_waits_is_measured(tmp_path: Path) -> None:
    async with watched(tmp_path) as (stage, port):
        await stage.asks(stage.alice, "/dbc vm list")
        off(stage)
        other = stage.task("Ada's training run").task_id
        await stage.asks(stage.alice, "/dbc vm start inference")
        await stage.asks(stage.alice, f"/dbc vm delete {other}")
        stage.clock.advance(timedelta(seconds=300))
        found = series((await read(port, "/metrics"))[1])
        assert found["dbc_bot_approvals_waiting"] == 1
        assert found["dbc_bot_approval_age_seconds"] >= 300
        assert found["dbc_bot_watches_open"] == found["dbc_bot_watches_overdue"] == 1
        assert found["dbc_bot_watch_lag_seconds"] >= 240
        assert found['dbc_bot_commands_open{status="waiting"}'] == 1
        assert found['dbc_bot_commands_open{status="following"}'] == 1
        stage.ws.faults.add("http", method="chat.postMessage", times=None)
        await stage.passes(100, times=2)  # the start ends
        found = series((await read(port, "/metrics"))[1])
        assert found["dbc_bot_outbox_messages"] >= 1
        assert found["dbc_bot_outbox_age_seconds"] >= 100


async def test_a_blip_of_socket_mode_is_not_told_and_an_outage_is(tmp_path: Path) -> None:
    async with watched(tmp_path) as (stage, port):
        stage.clock.advance(timedelta(seconds=60))
        stage.ws.sockets.faults.add("refused", times=None)
        stage.ws.sockets.drop()
        await stage.ws.until(lambda: not stage.bot.edge.reach.is_up)
        stage.clock.advance(timedelta(seconds=20))
        assert await ready(port) == "ok\n"
        stage.clock.advance(timedelta(seconds=15))
        assert "Slack has not been able to reach the bot for 35 s" in await ready(port)
        stage.ws.sockets.faults.clear()
        await winds(stage, lambda: stage.bot.edge.reach.is_up)
        assert "there is no steady Socket Mode connection" in await ready(port)
        stage.clock.advance(timedelta(seconds=10))
        assert await ready(port) == "ok\n"
        found = series((await read(port, "/metrics"))[1])
        assert found["dbc_bot_socket_opened_total"] == 2
        assert found['dbc_bot_slack_calls_total{method="apps.connections.open"}'] >= 2


async def test_connections_that_slack_closes_at_once_are_no_connection(tmp_path: Path) -> None:
    async with watched(tmp_path) as (stage, port):
        stage.clock.advance(timedelta(seconds=60))
        stage.ws.sockets.faults.add("closing", times=None)
        stage.ws.sockets.drop()
        opened = 0.0
        async with asyncio.timeout(30):
            while opened < 10:
                stage.clock.advance(timedelta(seconds=1))
                found = series((await read(port, "/metrics"))[1])
                opened = found["dbc_bot_socket_opened_total"]
        assert "no steady Socket Mode connection" in await ready(port)


async def test_a_slack_that_answers_no_call_is_told(tmp_path: Path) -> None:
    async with watched(tmp_path) as (stage, port):
        await stage.asks(stage.alice, "@dbc help")
        stage.clock.advance(timedelta(seconds=60))
        stage.ws.faults.add("http", times=None)
        for _ in range(5):
            await stage.asks(stage.alice, "@dbc help")
            await stage.passes(10)
        assert f"Slack ({place_of(stage.ws.api_url)}) has answered no call for" in await ready(port)
        stage.ws.faults.clear()
        for _ in range(3):
            await stage.asks(stage.alice, "@dbc help")
            await stage.passes(10)
        assert await ready(port) == "ok\n"
        found = series((await read(port, "/metrics"))[1])
        failed = [name for name in found if name.startswith("dbc_bot_slack_errors_total{")]
        assert any('error="http_status"' in name for name in failed)


async def test_a_database_that_takes_nothing_is_told(tmp_path: Path) -> None:
    async with watched(tmp_path, http=True) as (stage, port):
        with broken(stage, "INSERT ON defaults"):
            await stage.passes(31)
            assert "database could not be read or written: " in await ready(port)
        await stage.passes(65)  # SQLite forgets the trigger with the first other statement
        assert await ready(port) == "ok\n"


async def test_keys_that_open_no_session_are_told_and_a_lost_key_file_is(tmp_path: Path) -> None:
    async with watched(tmp_path) as (stage, port):
        (tmp_path / "credential.key").rename(tmp_path / "kept")
        assert "credential.key is gone or cannot be read" in await ready(port)
        (tmp_path / "kept").rename(tmp_path / "credential.key")
        locks(stage, "alice")
        await stage.passes(60)
        assert "opens any session (1 stored session)" in await ready(port)
        await stage.gives_session(stage.bob, "gpu1")
        await stage.passes(60)
        assert (await ready(port)).startswith("ok\n")


async def asked(*options: str, **settings: str) -> tuple[int, str]:
    """What the container's check says: it reads the settings as the bot does."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bot.cli.health", *options, env={**os.environ, **settings},
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    out, _ = await process.communicate()
    return process.returncode or 0, out.decode()


@pytest.mark.slow
@pytest.mark.parametrize("quote", ["", '"', "'"])
async def test_the_check_finds_the_port_as_the_bot_does(tmp_path: Path, quote: str) -> None:
    async with watched(tmp_path) as (stage, port):
        given = {"HEALTH_PORT": f"{quote}{port}{quote}", "HEALTH_HOST": "0.0.0.0"}
        given["DATABASE_URL"] = f"sqlite+aiosqlite:///{stage.data}/bot.db"
        assert await asked(**given) == (0, "ok\n")
        if quote:
            return
        assert await asked("--ready", **given) == (0, "ok\n")
        await stage.bot.stop()
        code, told = await asked(**given)
        assert (code, "does not answer" in told) == (1, True)


async def test_the_check_starts_without_the_commands_which_take_a_second() -> None:
    listed = "import sys, bot.cli.health; print(*sys.modules)"
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", listed, stdout=asyncio.subprocess.PIPE
    )
    loaded = (await process.communicate())[0].decode().split()
    assert "bot.cli.settings" in loaded
    assert {"bot.commands", "bot.pipeline", "sqlalchemy"}.isdisjoint(loaded)


async def test_the_check_takes_no_other_program_for_the_bot() -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok\n")
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        code, told = await asked(HEALTH_PORT=str(port))
    assert code == 1
    assert told == f"Error: Something that is not the bot answers at 127.0.0.1:{port}.\n"


@pytest.mark.slow
async def test_the_check_takes_no_bot_on_another_database_for_this_one(tmp_path: Path) -> None:
    async with watched(tmp_path) as (stage, port):
        given = {"HEALTH_PORT": str(port), "DATABASE_URL": f"sqlite+aiosqlite:///{tmp_path}/other"}
        code, told = await asked(**given)
        assert code == 1
        assert told == (
            f"Error: Another bot answers at 127.0.0.1:{port}, not one on this database.\n"
        )
        # Where only the bot's unit names the database, there is nothing to compare with.
        assert await asked(HEALTH_PORT=str(port)) == (0, "ok\n")
        # By another way to the same file it is this one.
        (tmp_path / "link").symlink_to(stage.data / "bot.db")
        assert await asked(HEALTH_PORT=str(port), DATABASE_URL=f"sqlite:///{tmp_path}/link") == (
            0, "ok\n",
        )  # fmt: skip


@pytest.mark.slow
async def test_a_check_without_a_port_faults_nothing() -> None:
    assert (await asked(HEALTH_PORT="0"))[0] == 0


async def test_a_bot_that_waits_for_slack_says_so(tmp_path: Path) -> None:
    async with watched(tmp_path) as (stage, port):
        await stage.bot.stop()
        stage.ws.faults.add("http", method="auth.test", times=None)
        settings = settings_for(stage.ws, stage.daemon, stage.data, http=False, health_port=port)
        stage.bot = Bot(settings, stage.machine, LIMITS)
        starting = asyncio.create_task(stage.bot.start(ticking=False))
        await stage.clock.sleeping()
        assert "The bot is starting: Slack has not answered it yet." in await ready(port)
        assert (await read(port, "/healthz"))[0] == 200
        stage.ws.faults.clear()
        await winds(stage, starting.done)
        await stage.bot.edge.connected()
        assert await ready(port) == "ok\n"


async def test_a_port_that_is_taken_ends_the_start_with_a_sentence(tmp_path: Path) -> None:
    async with watched(tmp_path) as (stage, port):
        data = tmp_path / "other"
        data.mkdir()
        settings = settings_for(stage.ws, stage.daemon, data, http=False, health_port=port)
        bot = Bot(settings, stage.machine, LIMITS)
        with pytest.raises(BotError, match=f"cannot listen on 127.0.0.1:{port}: address "):
            await bot.start(ticking=False)
        await bot.stop()


async def winds(stage: Stage, until: Callable[[], bool]) -> None:
    """Wind the clock, a second at a time, until this is so."""
    async with asyncio.timeout(20):
        while not until():
            stage.clock.advance(timedelta(seconds=1))
            await asyncio.sleep(0.01)
