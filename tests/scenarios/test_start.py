"""Starting while Slack is in trouble: the bot waits, says so once, and can be stopped meanwhile."""

import asyncio
import os
import signal
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from pydantic import SecretStr
from structlog.testing import capture_logs

from bot.addresses import place_of
from bot.app import Bot
from bot.config import Settings
from sandbox.dbc import Daemon, ManualClock
from sandbox.dbc.demo import demo_world
from sandbox.slack import Workspace
from storage.file import claim
from tests import forked, janitor
from tests.forked import Forked
from tests.scenarios.changing import in_turns
from tests.scenarios.stage import CHANNEL, MANIFEST, settings_for

SECOND = timedelta(seconds=1)
SOON = 30  # seconds after the end of any outage
BOUND = 20.0  # seconds for a stop, on a busy machine
TOKENS = {"auth.test": "SLACK_BOT_TOKEN", "apps.connections.open": "SLACK_APP_TOKEN"}
TROUBLES: tuple[dict[str, Any], ...] = (
    {"kind": "ratelimited", "retry_after": 7},
    {"kind": "http", "status": 503},
    {"kind": "http", "status": 200},
    {"kind": "text", "status": 200},
    {"kind": "malformed"},
    {"kind": "body", "body": "[1]"},
    {"kind": "body", "body": "null"},
    {"kind": "body", "body": '{"ok": true}'},
    {"kind": "body", "body": f'{{"ok": true, "url": "wss://{"a" * 64}.example/link"}}'},
    {"kind": "body", "body": '{"ok": true, "url": "wss://slack..example/link"}'},
    {"kind": "body", "body": '{"ok": true, "team_id": 7, "user_id": [], "url": {}}'},
    {"kind": "error", "error": "internal_error"},
    {"kind": "error", "error": "an_error_of_next_year"},
    {"kind": "reset"},
)


@asynccontextmanager
async def unstarted(data: Path) -> AsyncIterator[tuple[Workspace, ManualClock, Settings]]:
    """The neighbourhood of a bot, and its settings."""
    clock = ManualClock()
    async with Workspace(clock=clock, manifest=MANIFEST) as ws, Daemon(demo_world(clock)) as daemon:
        yield ws, clock, settings_for(ws, daemon, data, http=False)


async def starts(clock: ManualClock, starting: "asyncio.Task[None]") -> None:
    """Wind the clock until the bot has started."""
    passed = 0
    while not starting.done():
        pausing = asyncio.create_task(clock.sleeping())
        await asyncio.wait({starting, pausing}, return_when=asyncio.FIRST_COMPLETED, timeout=20)
        assert starting.done() or pausing.done()
        pausing.cancel()
        clock.advance(SECOND)
        passed += 1
        assert passed <= SOON
        await asyncio.sleep(0)
    await starting


@pytest.mark.parametrize(
    ("method", "fault"),
    [
        one
        for turn, method in enumerate(TOKENS)
        for one in in_turns([(method, fault) for fault in TROUBLES], len(TOKENS), turn)
    ],
    ids=str,
)
async def test_a_start_waits_for_a_slack_in_trouble_and_says_so_once(
    tmp_path: Path, method: str, fault: dict[str, Any]
) -> None:
    async with unstarted(tmp_path) as (ws, clock, settings):
        ws.faults.add(method=method, times=None, **fault)
        bot = Bot(settings, clock)
        with capture_logs() as logs:
            starting = asyncio.create_task(bot.start(ticking=False))
            for _ in range(30):
                await clock.sleeping()
                clock.advance(3 * SECOND)
            assert not starting.done()
            ws.faults.clear()
            await starts(clock, starting)
        await bot.edge.connected()
        await ws.member("alice").types("@dbc help", CHANNEL)
        await ws.member("alice").sees("snapshot")
        await bot.stop()
    [told] = [entry["sentence"] for entry in logs if entry["event"] == "slack.unreachable"]
    where = place_of(ws.api_url)
    if fault["kind"] in {"error", "ratelimited"}:
        assert told.startswith(f"Slack ({where}) answers {TOKENS[method]} with an error: ")
    else:
        assert told.startswith(f"Cannot reach Slack ({where}) with {TOKENS[method]}: ")
    assert not [entry for entry in logs if "exc_info" in entry]


async def test_a_start_says_that_socket_mode_is_switched_off_and_waits_for_it(
    tmp_path: Path,
) -> None:
    off = "Socket Mode is switched off for the app (socket_mode_not_enabled). Switch it on"
    async with unstarted(tmp_path) as (ws, clock, settings):
        ws.faults.error("socket_mode_not_enabled", "apps.connections.open", times=None)
        bot = Bot(settings, clock)
        with capture_logs() as logs:
            starting = asyncio.create_task(bot.start(ticking=False))
            for _ in range(5):
                await clock.sleeping()
                clock.advance(8 * SECOND)
            assert not starting.done()
            assert any(reason.startswith(off) for reason in bot.health.reasons)
            ws.faults.clear()
            await starts(clock, starting)
        await bot.edge.connected()
        assert not any(reason.startswith(off) for reason in bot.health.reasons)
        await bot.stop()
    told = [entry for entry in logs if entry["event"].startswith("slack.re")]
    assert [one["event"] for one in told] == ["slack.refuses_the_bot", "slack.reached"]
    assert told[0]["sentence"].startswith(off)
    assert not [entry for entry in logs if entry["event"] == "slack.unreachable"]


async def test_a_name_that_does_not_resolve_yet_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loop, known = asyncio.get_running_loop(), False
    real = loop.getaddrinfo  # not every loop asks the module `socket`

    async def resolve(host: Any, *rest: Any, **more: Any) -> Any:
        if host == "slack.example":
            if not known:
                raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
            host = "127.0.0.1"
        return await real(host, *rest, **more)

    monkeypatch.setattr(loop, "getaddrinfo", resolve)
    async with unstarted(tmp_path) as (ws, clock, settings):
        there = ws.api_url.replace("127.0.0.1", "slack.example")
        bot = Bot(settings.model_copy(update={"slack_api_url": there}), clock)
        with capture_logs() as logs:
            starting = asyncio.create_task(bot.start(ticking=False))
            await clock.sleeping()
            known = True
            await starts(clock, starting)
        await bot.edge.connected()
        await bot.stop()
    [told] = [entry["sentence"] for entry in logs if entry["event"] == "slack.unreachable"]
    why = "its name does not resolve."
    assert told == f"Cannot reach Slack ({place_of(there)}) with SLACK_BOT_TOKEN: {why}"


class Process:
    """`python -m bot run` between a workspace and no daemon at all."""

    def __init__(
        self, process: Forked, output: asyncio.StreamReader, pipe: asyncio.ReadTransport
    ) -> None:
        self._process = process
        self._output = output
        self._pipe = pipe
        self.said = ""

    @classmethod
    async def begin(cls, ws: Workspace, data: Path, **settings: str) -> "Process":
        """Start it, where Python says which sessions and sockets were left open."""
        kept = {k: v for k, v in os.environ.items() if k in {"PATH", "HOME", "LANG"}}
        environment = {
            **kept,
            **janitor.inherited(),
            "NO_PROXY": "127.0.0.1",
            "SLACK_BOT_TOKEN": ws.bot_token,
            "SLACK_APP_TOKEN": ws.app_token,
            "SLACK_API_URL": ws.api_url,
            "DATABASE_URL": f"sqlite+aiosqlite:///{data}/bot.db",
            **settings,
        }
        ours, theirs = os.pipe()
        output = asyncio.StreamReader()
        pipe, _ = await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(output), os.fdopen(ours, "rb")
        )
        process = forked.start(["run"], environment, data, theirs, theirs, strict=True)
        os.close(theirs)
        return cls(process, output, pipe)

    async def says(self, words: str) -> None:
        """Wait until it has said that."""
        async with asyncio.timeout(60):
            while words not in self.said:
                line = await self._output.readline()
                assert line, self.said
                self.said += line.decode()

    async def ends(self, number: signal.Signals | None = None) -> int:
        """Its exit code, once it has ended, in answer to a signal if one is given."""
        if number is not None:
            self._process.send_signal(number)
        async with asyncio.timeout(BOUND if number is not None else 60):
            self.said += (await self._output.read()).decode()
            self._pipe.close()  # not every loop does so at its end
            code = await self._process.wait()
        assert "Traceback" not in self.said
        assert "Unclosed" not in self.said
        assert "never retrieved" not in self.said
        return code


@pytest.mark.slow
@pytest.mark.parametrize(
    ("trouble", "number"),
    [
        ("auth.test: hang", signal.SIGINT),
        ("auth.test: http", signal.SIGTERM),
        ("apps.connections.open: hang", signal.SIGTERM),
        ("apps.connections.open: malformed", signal.SIGINT),
        ("handshake: refused", signal.SIGTERM),
        ("handshake: unanswered", signal.SIGTERM),
        ("handshake: no_hello", signal.SIGTERM),
        ("handshake: closing", signal.SIGTERM),
        ("nothing listens", signal.SIGTERM),
    ],
)
async def test_a_signal_ends_the_start_at_any_point(
    tmp_path: Path, trouble: str, number: signal.Signals
) -> None:
    where, _, kind = trouble.partition(": ")
    async with Workspace(manifest=MANIFEST) as ws:
        if where == "handshake":
            ws.sockets.faults.add(kind, times=None)  # type: ignore[arg-type]
        elif kind:
            ws.faults.add(kind, where, times=None)  # type: ignore[arg-type]
        elsewhere = {} if kind else {"SLACK_API_URL": "http://127.0.0.1:9/api/"}
        bot = await Process.begin(ws, tmp_path, **elsewhere)
        if kind == "hang":
            await ws.until(lambda: ws.calls_of(where), 60)
        elif where == "handshake":
            await ws.until(lambda: ws.sockets.handshakes, 60)
        else:
            await bot.says("slack.unreachable")
        assert await bot.ends(number) == 0


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "error"),
    [("bot", "invalid_auth"), ("app", "token_revoked"), ("app", "not_allowed_token_type")],
)
async def test_a_refused_token_ends_the_start_with_its_setting_and_the_host(
    tmp_path: Path, kind: str, error: str
) -> None:
    async with Workspace(manifest=MANIFEST) as ws:
        ws.revoke(kind, error=error)
        bot = await Process.begin(ws, tmp_path)
        assert await bot.ends() == 2
    last = bot.said.splitlines()[-1]
    assert last.startswith("Error: ")
    assert error in last
    assert f"Set SLACK_{kind.upper()}_TOKEN to" in last
    assert "127.0.0.1" in last


@pytest.mark.slow
async def test_what_a_former_process_may_let_go_of_is_no_fault_of_the_settings(
    tmp_path: Path,
) -> None:
    """Exit code 4: whatever starts the bot tries again, as it does not after wrong settings."""
    async with Workspace(manifest=MANIFEST) as ws:
        with socket.create_server(("127.0.0.1", 0)) as former:
            port = str(former.getsockname()[1])
            bot = await Process.begin(ws, tmp_path, HEALTH_PORT=port)
            assert await bot.ends() == 4
        taken = f"Error: The bot cannot listen on 127.0.0.1:{port}: address already in use."
        assert taken in bot.said
        with claim(tmp_path / "bot.db"):
            bot = await Process.begin(ws, tmp_path)
            assert await bot.ends() == 4
        assert "Error: Another process of the bot is using " in bot.said


async def test_in_http_mode_it_says_how_it_is_while_it_waits_for_slack(tmp_path: Path) -> None:
    async with unstarted(tmp_path) as (ws, clock, settings):
        by_http = {"slack_app_token": None, "slack_signing_secret": SecretStr(ws.signing_secret)}
        outage = ws.faults.add("http", times=None)
        bot = Bot(settings.model_copy(update=by_http), clock)
        starting = asyncio.create_task(bot.start(ticking=False))
        await clock.sleeping()
        here = f"http://127.0.0.1:{bot.edge.port}"
        assert await _says(f"{here}/healthz") == (200, "ok\n")
        status, told = await _says(f"{here}/readyz")
        assert (status, "Slack has not answered" in told) == (503, True)
        assert not await ws.use_http(f"{here}/slack/events")
        assert not await bot.edge.is_ready()
        ws.faults.pending.remove(outage)
        await starts(clock, starting)
        assert await _says(f"{here}/readyz") == (200, "ok\n")
        assert await ws.use_http(f"{here}/slack/events")
        await bot.stop()


async def _says(url: str) -> tuple[int, str]:
    async with aiohttp.ClientSession() as http, http.get(url) as answer:
        return answer.status, await answer.text()
