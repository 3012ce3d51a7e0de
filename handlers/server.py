"""HTTP mode: the endpoint that Slack calls. Whatever is not signed by Slack goes no further."""

import hashlib
import hmac
import re
from datetime import timedelta

from aiohttp import web
from slack_bolt import BoltResponse
from slack_bolt.adapter.aiohttp import to_aiohttp_response
from slack_bolt.async_app import AsyncApp
from slack_bolt.request.async_request import AsyncBoltRequest

from bot.clock import Clock, readings
from bot.health import Health

PATH = "/slack/events"
ACK_SECONDS = 3  # after that Slack has given up on a request
LARGEST = 1024**2  # bytes; Slack's own payloads stay far below
# How old a signed request may be (Slack: "Verifying requests from Slack").
FRESH = timedelta(minutes=5)


class Server:
    """Serves `PATH`, /healthz (the process is alive) and /readyz (it can work) on one port."""

    def __init__(self, app: AsyncApp, signing_secret: str, clock: Clock, health: Health) -> None:
        self._health = health
        self._app = app
        self._secret = signing_secret.encode()
        self._clock = clock
        self._runner: web.AppRunner | None = None
        self.port = 0

    @property
    def is_up(self) -> bool:
        """Whether it takes requests."""
        return self._runner is not None

    async def start(self, host: str, port: int) -> None:
        """Listen; with port 0 on a free one, named by `port` from then on."""
        application = web.Application(client_max_size=LARGEST)
        application.router.add_post(PATH, self._receive)
        application.router.add_get("/healthz", _alive)
        application.router.add_get("/readyz", self._ready)
        runner = web.AppRunner(application, access_log=None, shutdown_timeout=ACK_SECONDS)
        await runner.setup()
        await web.TCPSite(runner, host, port).start()
        self._runner = runner
        self.port = runner.addresses[0][1]

    async def stop(self) -> None:
        """Take nothing more and let requests under way end."""
        if self._runner is not None:
            runner, self._runner = self._runner, None
            await runner.cleanup()

    async def _receive(self, request: web.Request) -> web.Response:
        body = await request.read()
        if not self._is_signed(request, body):
            return web.Response(status=401)
        try:
            bolt_request = AsyncBoltRequest(
                body=body.decode(), query=request.query_string, headers=dict(request.headers)
            )
        except (ValueError, TypeError, AttributeError):  # signed, and yet no payload of Slack's
            return web.Response(status=400)
        response: BoltResponse = await self._app.async_dispatch(bolt_request)
        return await to_aiohttp_response(response)

    async def _ready(self, _: web.Request) -> web.Response:
        fault = self._health.fault
        return web.Response(status=503 if fault else 200, text=f"{fault or 'ok'}\n")

    def _is_signed(self, request: web.Request, body: bytes) -> bool:
        """Slack's signature, version v0.

        Not the SDK's verifier: it raises on a timestamp that is no number and on a signature that
        is not ASCII, and it decodes the body first.
        """
        timestamp = request.headers.get("X-Slack-Request-Timestamp", "")
        signature = request.headers.get("X-Slack-Signature", "")
        if not re.fullmatch(r"[0-9]{1,12}", timestamp):
            return False
        ages = [abs(now.timestamp() - int(timestamp)) for now in readings(self._clock)]
        if min(ages) > FRESH.total_seconds():
            return False
        signed = b"v0:" + timestamp.encode() + b":" + body
        expected = "v0=" + hmac.new(self._secret, signed, hashlib.sha256).hexdigest()
        return hmac.compare_digest(expected.encode(), signature.encode(errors="surrogateescape"))


async def _alive(_: web.Request) -> web.Response:
    return web.Response(text="ok\n")
