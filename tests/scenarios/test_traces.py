"""OpenTelemetry: what a collector gets, by OTLP over HTTP, of what people did; nothing secret."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from pydantic import SecretStr

from bot.app import Bot
from bot.monitoring import traces
from tests.mortal import mortal
from tests.scenarios.changing import NO_REVIEW
from tests.scenarios.machines import off
from tests.scenarios.site import NAME, site
from tests.scenarios.stage import CHANNEL, LIMITS, Stage
from tests.scenarios.test_health_port import free_port

collector_of = pytest.importorskip("opentelemetry.proto.collector.trace.v1.trace_service_pb2")
TOKEN = "glc_s3cret"


@dataclass
class Collector:
    """A receiver of OTLP over HTTP on loopback."""

    url: str = ""
    spans: list[Any] = field(default_factory=list)
    resources: list[Any] = field(default_factory=list)
    headers: list[str] = field(default_factory=list)
    raw: list[bytes] = field(default_factory=list)

    async def take(self, request: web.Request) -> web.Response:
        """Keep what is sent."""
        body = await request.read()
        sent = collector_of.ExportTraceServiceRequest.FromString(body)
        self.raw.append(body)
        self.headers.append(request.headers.get("Authorization", ""))
        for one in sent.resource_spans:
            self.resources.append(one.resource)
            for scope in one.scope_spans:
                self.spans.extend(scope.spans)
        return web.Response(body=collector_of.ExportTraceServiceResponse().SerializeToString())

    def named(self, name: str) -> list[Any]:
        """The spans of that name."""
        return [one for one in self.spans if one.name == name]


@pytest.fixture
async def collector() -> AsyncIterator[Collector]:
    found = Collector()
    app = web.Application()
    app.router.add_post("/v1/traces", found.take)
    runner = web.AppRunner(app)
    await runner.setup()
    site_ = web.TCPSite(runner, "127.0.0.1", 0)
    await site_.start()
    found.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield found
    await runner.cleanup()


async def _restarted(stage: Stage, url: str) -> None:
    """The bot anew, with an endpoint."""
    headers = SecretStr(f"Authorization=Bearer {TOKEN}")
    settings = stage.settings().model_copy(
        update={"otel_exporter_otlp_endpoint": url, "otel_exporter_otlp_headers": headers}
    )
    await stage.bot.stop()
    stage.bot = Bot(settings, stage.machine, LIMITS)
    await stage.bot.start(ticking=False)
    await stage.bot.edge.connected()


@asynccontextmanager
async def _traced(data: Path, url: str) -> AsyncIterator[Stage]:
    async with site(data, NO_REVIEW) as stage:
        await stage.asks(stage.alice, "/dbc vm list")
        off(stage)
        await _restarted(stage, url)
        yield stage


def _told(span: Any) -> dict[str, str]:
    return {one.key: one.value.string_value for one in span.attributes}


async def test_a_command_is_a_span_with_its_calls_below_it(
    tmp_path: Path, collector: Collector
) -> None:
    async with _traced(tmp_path, collector.url) as stage:
        await stage.asks(stage.alice, f"/dbc vm start {NAME}")
        await stage.passes(60)
        await stage.passes(60)
        [ended] = stage.endings(stage.alice)
        assert "is running" in ended
        task = stage.task(NAME)
        await stage.bot.stop()
    [root] = collector.named("vm start")
    told = _told(root)
    assert told["dbc_bot.actor"] == stage.alice.id
    assert told["dbc_bot.machine"] == task.task_id
    assert told["dbc_bot.outcome"] == "done"
    assert told["dbc_bot.key"].startswith("slash:")
    assert not root.parent_span_id
    assert root.end_time_unix_nano - root.start_time_unix_nano >= 60 * 10**9  # to its end
    below = [one for one in collector.spans if one.parent_span_id == root.span_id]
    names = {one.name for one in below}
    assert "dbc /tasks/start/{task_id}" in names
    assert {"slack chat.postMessage", "slack chat.update"} <= names
    assert {one.trace_id for one in below} == {root.trace_id}
    assert {_told(one)["dbc_bot.outcome"] for one in below} == {"ok"}
    assert {_told(one)["dbc_bot.id"] for one in below} == {told["dbc_bot.id"]}
    assert collector.headers == [f"Bearer {TOKEN}"] * len(collector.headers)
    assert _told(collector.resources[0])["service.name"] == "dbc-bot"


async def test_what_only_reads_and_what_fails_are_spans_as_well(
    tmp_path: Path, collector: Collector
) -> None:
    async with _traced(tmp_path, collector.url) as stage:
        await stage.asks(stage.alice, f"/dbc vm show {NAME}")
        stage.world.faults.on("gateway_down", path="/tasks/start", count=3)
        await stage.asks(stage.alice, f"/dbc vm start {NAME}")
        await stage.bot.stop()
    [read] = collector.named("vm show")
    assert _told(read)["dbc_bot.outcome"] == "done"
    below = {one.name for one in collector.spans if one.parent_span_id == read.span_id}
    assert "dbc /tasks/{task_id}" in below
    [failed] = collector.named("dbc /tasks/start/{task_id}")
    assert failed.status.code == 2  # an error
    assert _told(failed)["dbc_bot.outcome"] not in {"", "ok"}


async def test_nothing_secret_is_sent_to_a_collector(tmp_path: Path, collector: Collector) -> None:
    async with _traced(tmp_path, collector.url) as stage:
        session_id, sign = stage.pair("gpu1")
        await stage.asks(stage.alice, f'/dbc vm start {NAME} reason="for Ada"')
        await stage.asks(stage.alice, "/dbc session check gpu1")
        await stage.passes(60)
        bot = stage.bot
        password = stage.task(NAME).login_password
        assert TOKEN in bot._settings.secrets
        assert TOKEN not in str(bot._settings.described)
        await bot.stop()
    sent = b"".join(collector.raw).decode(errors="replace")
    assert "vm start" in sent
    secrets = (stage.ws.bot_token, stage.ws.app_token, session_id, sign, password, TOKEN)
    for hidden in (*secrets, "for Ada", NAME, "127.0.0.1"):
        assert hidden not in sent


async def test_a_command_that_another_process_ends_is_one_trace(
    tmp_path: Path, collector: Collector
) -> None:
    async with _traced(tmp_path, collector.url) as stage:
        await stage.asks(stage.alice, f"/dbc vm start {NAME}")
        await _restarted(stage, collector.url)
        await stage.passes(60)
        await stage.passes(60)
        await stage.bot.stop()
    [root] = collector.named("vm start")
    [sent] = collector.named("dbc /tasks/start/{task_id}")
    assert sent.parent_span_id == root.span_id
    assert sent.trace_id == root.trace_id


async def test_the_real_process_sends_what_is_left_when_it_stops(
    tmp_path: Path, collector: Collector
) -> None:
    headers = tmp_path / "headers"
    headers.write_text(f"Authorization=Bearer {TOKEN}\n", encoding="utf-8")
    extra = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
        "OTEL_EXPORTER_OTLP_HEADERS_FILE": str(headers),
        "OTEL_SERVICE_NAME": "gpu-bot",
    }
    async with mortal(tmp_path, extra=extra) as bot:
        alice = bot.ws.member("alice")
        await alice.types("/dbc whoami", CHANNEL)
        await alice.sees("Your default node", timeout=20)
        assert await bot.end(within=20) == 0
        assert "traces.sent" in bot.log.read_text(encoding="utf-8")
        assert TOKEN not in bot.log.read_text(encoding="utf-8")
    [read] = collector.named("whoami")
    assert _told(read)["dbc_bot.actor"] == alice.id
    assert _told(collector.resources[0])["service.name"] == "gpu-bot"
    assert set(collector.headers) == {f"Bearer {TOKEN}"}


async def test_a_collector_that_is_not_there_keeps_nobody_waiting(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with _traced(tmp_path, f"http://127.0.0.1:{free_port()}") as stage:
        await stage.asks(stage.alice, f"/dbc vm start {NAME}")
        await stage.passes(60)
        await stage.passes(60)
        assert len(stage.endings(stage.alice)) == 1
        async with asyncio.timeout(30):
            await stage.bot.stop()
        assert capsys.readouterr().out.count("traces.not_delivered") == 1


async def test_the_doctor_tells_whether_a_collector_is_there(tmp_path: Path) -> None:
    doctor = '[doctor]\npeople = { persons = ["U0BOB"] }\n'
    async with site(tmp_path, doctor) as stage:
        await _restarted(stage, f"http://127.0.0.1:{free_port()}")
        told = (await stage.asks(stage.bob, "/dbc doctor")).plain.replace("*", "")
        assert "⚠ traces It cannot be reached: connection refused." in told
        async with await asyncio.start_server(_hangs_up, "127.0.0.1") as collector:
            port = collector.sockets[0].getsockname()[1]
            await _restarted(stage, f"http://127.0.0.1:{port}")
            told = (await stage.asks(stage.bob, "/dbc doctor")).plain.replace("*", "")
        assert "✔ traces OpenTelemetry is installed." in told


async def _hangs_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.close()


async def test_without_the_packages_it_says_so_and_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(traces, "_PACKAGES", ("opentelemetry_that_is_not_there.sdk",))
    doctor = '[doctor]\npeople = { persons = ["U0BOB"] }\n'
    async with site(tmp_path, doctor) as stage:
        await _restarted(stage, "http://127.0.0.1:4318")
        assert "Install requirements-otel.txt." in capsys.readouterr().out
        told = (await stage.asks(stage.bob, "/dbc doctor")).plain.replace("*", "")
        assert "⚠ traces OTEL_EXPORTER_OTLP_ENDPOINT is set, but OpenTelemetry is not" in told
        assert "Install requirements-otel.txt." in told


@pytest.mark.slow
def test_nothing_of_it_is_loaded_where_no_endpoint_is_set() -> None:

    code = "import sys, bot.app; print([n for n in sys.modules if n.startswith('opentelemetry')])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
