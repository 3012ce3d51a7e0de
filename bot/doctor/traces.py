"""Whether traces are sent, and whether somebody takes them."""

import asyncio
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from bot import causes
from bot.config import TraceSettings
from bot.monitoring.findings import Findings, ok, warning
from bot.monitoring.traces import is_installed
from bot.reply import say

_PATIENCE = 5  # seconds
_PORTS = {"http": 80, "https": 443}


async def traces(settings: TraceSettings) -> Findings:
    """What there is to say of the collector that is set. Nothing is sent to it."""
    about = say("traces")
    if not is_installed():
        told = say("OTEL_EXPORTER_OTLP_ENDPOINT is set, but OpenTelemetry is not installed.")
        install = say("No traces are sent. Install {file}.", file="requirements-otel.txt")
        yield warning(about, told, install)
        return
    address = urlsplit(settings.otel_exporter_otlp_endpoint)
    host, port = address.hostname or "", address.port or _PORTS.get(address.scheme, 0)
    if address.scheme not in getproxies() or proxy_bypass(host):  # a proxy may know the way alone
        try:
            async with asyncio.timeout(_PATIENCE):
                _, writer = await asyncio.open_connection(host, port)
            writer.close()
        except OSError as error:
            told = say("It cannot be reached: {why}.", why=causes.cause(error))
            check = say(
                "Check OTEL_EXPORTER_OTLP_ENDPOINT and the collector. Traces are lost meanwhile."
            )
            yield warning(about, told, check)
            return
    yield ok(
        about,
        say("OpenTelemetry is installed. What does not arrive is traces.not_delivered in the log."),
    )
