"""OpenTelemetry traces: a span for each command, and within it one for each call of DBC and Slack.

A command may end in another process than it began in. So its span is made when its end is stored,
with an id that follows from the command's: whoever calls for it names that as the parent before it
is there. Nothing of this is imported, and nothing is done, where no endpoint is set.
"""

import asyncio
import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from importlib.util import find_spec
from typing import TYPE_CHECKING, Protocol
from urllib.parse import urlsplit

import structlog

from bot.clock import Clock
from bot.config import TraceSettings
from bot.correlation import current_command
from bot.metrics import Metrics
from bot.ports import Traces
from bot.version import VERSION

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan
    from opentelemetry.sdk.trace.export import SpanExporter
    from opentelemetry.sdk.trace.id_generator import IdGenerator
    from opentelemetry.trace import SpanContext

_PACKAGES = ("opentelemetry.sdk", "opentelemetry.exporter.otlp.proto.http")
_LAST = timedelta(seconds=5)  # for what is not sent yet when the bot stops
MISSING = (
    "OTEL_EXPORTER_OTLP_ENDPOINT is set, but OpenTelemetry is not installed, so no traces are "
    "sent. Install requirements-otel.txt."
)

log = structlog.get_logger()


class TracedMetrics(Metrics):
    """Counts what is called, and tells the traces of it as well."""

    def __init__(self, version: str, traces: Traces) -> None:
        super().__init__(version)
        self._traces = traces

    def called_dbc(self, operation: str, outcome: str, took: timedelta) -> None:
        """Count a request to a daemon; its path as declared holds no id."""
        super().called_dbc(operation, outcome, took)
        self._traces.call("dbc", operation, "" if outcome == "ok" else outcome, took)

    def called_slack(self, method: str, error: str, seconds: float) -> None:
        """Count a call of the Web API."""
        super().called_slack(method, error, seconds)
        self._traces.call("slack", method, error, timedelta(seconds=seconds))


def is_installed() -> bool:
    """Whether the packages of requirements-otel.txt are there, without loading them."""
    try:
        return all(find_spec(name) is not None for name in _PACKAGES)
    except ModuleNotFoundError:
        return False


def traces_of(settings: TraceSettings, clock: Clock) -> Traces | None:
    """Where the settings send spans; None where they send none, or cannot."""
    if not settings.otel_exporter_otlp_endpoint:
        return None
    if not is_installed():
        log.warning("traces.not_sent", sentence=MISSING)
        return None
    host = urlsplit(settings.otel_exporter_otlp_endpoint).hostname
    log.info("traces.sent", host=host)
    return _Otlp(settings, clock)


def metrics_of(traces: Traces | None) -> Metrics:
    """The metrics of this bot, which tell the traces of calls where there are any."""
    return Metrics(VERSION) if traces is None else TracedMetrics(VERSION, traces)


class _Otlp:
    """`Traces` by OTLP over HTTP, in batches that a thread of OpenTelemetry's sends."""

    def __init__(self, settings: TraceSettings, clock: Clock) -> None:
        from opentelemetry import trace  # noqa: PLC0415 - only where traces are wanted
        from opentelemetry.sdk.resources import (  # noqa: PLC0415
            OTELResourceDetector,
            Resource,
        )
        from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
        from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415

        self._clock = clock
        self._api = trace
        self._ids = _ids()
        named = Resource({"service.name": "dbc-bot", "service.version": VERSION})
        self._provider = TracerProvider(
            resource=named.merge(OTELResourceDetector().detect()),
            id_generator=self._ids.generator,
            shutdown_on_exit=False,
        )
        self._provider.add_span_processor(BatchSpanProcessor(_told_once(_exporter(settings))))
        self._tracer = self._provider.get_tracer("dbc-bot", VERSION)

    def command(
        self,
        command_id: str,
        name: str,
        began: datetime,
        ended: datetime,
        told: Mapping[str, str],
        *,
        is_failure: bool,
    ) -> None:
        """Make the span that calls have named as their parent."""
        self._ids.next = _ids_of(command_id)
        attributes = {f"dbc_bot.{key}": text for key, text in told.items() if text}
        span = self._tracer.start_span(
            name,
            context=self._api.set_span_in_context(self._api.INVALID_SPAN),
            kind=self._api.SpanKind.SERVER,
            attributes={"dbc_bot.id": command_id, **attributes},
            start_time=_nanoseconds(began),
        )
        self._ids.next = None
        if is_failure:
            span.set_status(self._api.StatusCode.ERROR)
        span.end(_nanoseconds(max(began, ended)))

    def read(
        self, key: str, name: str, took: timedelta, told: Mapping[str, str], *, is_failure: bool
    ) -> None:
        """Make the span of a command that only read, and that has ended just now."""
        now = self._clock.now()
        self.command(key, name, now - took, now, told, is_failure=is_failure)

    def call(self, kind: str, name: str, error: str, took: timedelta) -> None:
        """Make a span below the command's; what belongs to no command is not traced."""
        command_id = current_command()
        if not command_id:
            return
        now = self._clock.now()
        parent = self._api.NonRecordingSpan(self._parent(command_id))
        span = self._tracer.start_span(
            f"{kind} {name}",
            context=self._api.set_span_in_context(parent),
            kind=self._api.SpanKind.CLIENT,
            attributes={
                "dbc_bot.id": command_id, "dbc_bot.method": name, "dbc_bot.outcome": error or "ok",
            },
            start_time=_nanoseconds(now - took),
        )  # fmt: skip
        if error:
            span.set_status(self._api.StatusCode.ERROR, error)
        span.end(_nanoseconds(now))

    def _parent(self, command_id: str) -> "SpanContext":
        """The context of a command's span, sampled or not as that will be."""
        trace_id, span_id = _ids_of(command_id)
        found = self._provider.sampler.should_sample(None, trace_id, "command")
        is_sampled = found.decision.name == "RECORD_AND_SAMPLE"
        flags = self._api.TraceFlags(self._api.TraceFlags.SAMPLED if is_sampled else 0)
        return self._api.SpanContext(trace_id, span_id, is_remote=True, trace_flags=flags)

    async def close(self) -> None:
        """Send what is not sent yet, as far as that takes no more than moments."""
        sending = asyncio.create_task(asyncio.to_thread(self._provider.shutdown))
        await asyncio.wait({sending}, timeout=_LAST.total_seconds())


class _Ids(Protocol):
    """Gives the next span the ids that it is to have."""

    next: tuple[int, int] | None

    @property
    def generator(self) -> "IdGenerator":
        """It, as OpenTelemetry wants it."""
        ...


def _ids() -> _Ids:
    from opentelemetry.sdk.trace.id_generator import RandomIdGenerator  # noqa: PLC0415 - as above

    class Ids(RandomIdGenerator):
        """Random ids, but for a span whose ids are known before."""

        next: tuple[int, int] | None = None

        @property
        def generator(self) -> "IdGenerator":
            return self

        def generate_trace_id(self) -> int:
            return self.next[0] if self.next else super().generate_trace_id()

        def generate_span_id(self) -> int:
            return self.next[1] if self.next else super().generate_span_id()

    return Ids()


def _ids_of(command_id: str) -> tuple[int, int]:
    """Trace and span of a command, the same in every process; 0 would be none."""
    digest = hashlib.sha256(command_id.encode()).digest()
    return int.from_bytes(digest[:16]) or 1, int.from_bytes(digest[16:24]) or 1


def _exporter(settings: TraceSettings) -> "SpanExporter":
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import (  # noqa: PLC0415 - as above
        OTLPSpanExporter,
    )
    from opentelemetry.util.re import parse_env_headers  # noqa: PLC0415 - as above

    given = settings.otel_exporter_otlp_headers
    headers = parse_env_headers(given.get_secret_value(), liberal=True) if given else None
    endpoint = settings.otel_exporter_otlp_endpoint.rstrip("/")
    patience = _LAST.total_seconds()  # the last one holds the end of the process up
    return OTLPSpanExporter(f"{endpoint}/v1/traces", headers=headers, timeout=patience)


def _told_once(exporter: "SpanExporter") -> "SpanExporter":
    """It; that the collector takes nothing is told once, not with each batch."""
    from opentelemetry.sdk.trace.export import (  # noqa: PLC0415 - as above
        SpanExporter,
        SpanExportResult,
    )

    class ToldOnce(SpanExporter):
        """Called by OpenTelemetry's thread, and by that alone."""

        is_failing = False

        def export(self, spans: "Sequence[ReadableSpan]") -> SpanExportResult:
            try:
                result = exporter.export(spans)
            except Exception:  # noqa: BLE001 - of a library, in its own thread
                result = SpanExportResult.FAILURE
            is_failing = result is not SpanExportResult.SUCCESS
            if is_failing and not self.is_failing:
                log.warning("traces.not_delivered", then="These are lost, and others are tried.")
            elif self.is_failing and not is_failing:
                log.info("traces.delivered")
            self.is_failing = is_failing
            return result

        def shutdown(self) -> None:
            exporter.shutdown()

    return ToldOnce()


def _nanoseconds(at: datetime) -> int:
    return int(at.timestamp() * 1_000_000) * 1000
