"""The health port: /healthz, /readyz and /metrics, in Socket Mode and HTTP mode alike.

It reads and changes nothing, and tells nothing secret; whoever may reach it sees it all.
"""

import errno
from collections.abc import Awaitable, Callable

from aiohttp import web
from aiohttp.web_request import BaseRequest
from prometheus_client import CONTENT_TYPE_LATEST

from bot.causes import cause
from bot.errors import BotError, Taken
from bot.health import DATABASE, DATABASE_KIND, Health
from bot.metrics import Metrics
from bot.version import NAME

_SOON = 2.0  # seconds; for requests under way when we stop


# Somebody else listens there, such as a former process that is still ending; the address is not
# there yet, as before a network is up.
_PASSING = frozenset({errno.EADDRINUSE, errno.EADDRNOTAVAIL})
# By this the doctor knows whether it is the bot that answers at a port.
NAMED = {"Server": NAME}


def liveness() -> web.Response:
    """Whoever answers has a loop that turns."""
    return web.Response(text="ok\n", headers=NAMED)


def readiness(health: Health) -> web.Response:
    """200 while the bot can work, else 503; each reason and each impairment is a line."""
    reasons = health.reasons
    lines = [*(reasons or ("ok",)), *health.impairments, ""]
    return web.Response(status=503 if reasons else 200, text="\n".join(lines), headers=NAMED)


def _naming(answer: web.Response, health: Health) -> web.Response:
    """The answer, saying which database the bot is on: here alone, the other port may be public."""
    answer.headers[DATABASE] = health.database
    answer.headers[DATABASE_KIND] = health.kind
    return answer


async def bound(listening: Awaitable[None], host: str, port: int, setting: str) -> None:
    """Listen there. Raises Taken where that may be possible later, BotError where it cannot be."""
    try:
        await listening
    except OSError as error:
        kind = Taken if error.errno in _PASSING else BotError
        raise kind(
            f"The bot cannot listen on {host}:{port}: {cause(error)}.",
            hint=f"Set {setting}_HOST and {setting}_PORT.",
        ) from error


class HealthPort:
    """Serves until it is closed. `refresh` brings what is measured up to date before it is told."""

    def __init__(
        self, health: Health, metrics: Metrics, refresh: Callable[[], Awaitable[None]]
    ) -> None:
        self._health = health
        self._metrics = metrics
        self._refresh = refresh
        self._runner: web.ServerRunner | None = None

    async def listen(self, host: str, port: int) -> None:
        """Begin to serve. Raises OSError where the address cannot be had."""
        if self._runner is not None:
            return
        runner = web.ServerRunner(web.Server(self._serve), shutdown_timeout=_SOON)
        await runner.setup()
        try:
            await web.TCPSite(runner, host, port).start()
        except OSError:
            await runner.cleanup()
            raise
        self._runner = runner

    async def close(self) -> None:
        """Serve no more."""
        if self._runner is not None:
            runner, self._runner = self._runner, None
            await runner.cleanup()

    async def _serve(self, request: BaseRequest) -> web.StreamResponse:
        if request.path not in {"/healthz", "/readyz", "/metrics"}:
            return web.Response(status=404)
        if request.method not in {"GET", "HEAD"}:
            return web.Response(status=405, headers={"Allow": "GET, HEAD"})
        if request.path == "/healthz":
            return _naming(liveness(), self._health)
        if request.path == "/readyz":
            return _naming(readiness(self._health), self._health)
        await self._refresh()
        return web.Response(
            body=self._metrics.text(), headers={"Content-Type": CONTENT_TYPE_LATEST}
        )
