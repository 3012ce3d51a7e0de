"""HTTP mode: the endpoint that Slack calls. Whatever is not signed by Slack goes no further."""

import hashlib
import hmac
import re
import secrets
from datetime import timedelta
from urllib.parse import parse_qsl

import structlog
from aiohttp import web
from aiohttp.web_request import BaseRequest
from slack_bolt.adapter.aiohttp import to_aiohttp_response
from slack_bolt.async_app import AsyncApp
from slack_bolt.request.async_request import AsyncBoltRequest

from bot.clock import Clock, readings
from bot.health import STARTING, Health
from bot.metrics import Metrics
from bot.monitoring.port import liveness, readiness
from bot.reply import Text
from handlers.arrivals import Arrival, Pulse, SignedTimes, arrival
from handlers.dispatch import dispatched
from handlers.gate import ARRIVAL, OTHER_SECRET, Connection, Gate, Refusals
from handlers.payloads import OTHER_SHAPE, is_sound, mended
from handlers.signed import Signed

PATH = "/slack/events"
ACK_SECONDS = ARRIVAL.total_seconds()  # after that Slack has given up on a request
LARGEST = 1024**2  # bytes; Slack's own payloads stay far below
_LARGEST_CHECK = 4 * 1024  # bytes of what need not be signed
_ORDINARY = 64 * 1024  # bytes; most payloads are smaller
_HELD = 16 * LARGEST  # bytes of bodies that wait for their rest; beyond it only ordinary ones may
# How old a signed request may be (Slack: "Verifying requests from Slack").
FRESH = timedelta(minutes=5)

log = structlog.get_logger()

_BROKEN_OFF = (OSError, web.RequestPayloadError)


class _Refused(Exception):
    """A request that is answered with a bare status."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status
        self.why = why


class Server:
    """Serves `PATH`, /healthz (the process is alive) and /readyz (it can work) on one port."""

    def __init__(
        self,
        app: AsyncApp,
        signing_secret: str,
        clock: Clock,
        health: Health,
        pulse: Pulse,
        metrics: Metrics,
    ) -> None:
        self._metrics = metrics
        self._pulse = pulse
        self._times = SignedTimes(clock)
        self._signed = Signed(clock, health, metrics)
        self._health = health
        self._app = app
        self._secret = signing_secret.encode()
        self._clock = clock
        self._refusals = Refusals(clock)
        self._held = 0
        self._fault: Text = STARTING
        self._runner: web.ServerRunner | None = None
        self.port = 0

    @property
    def fault(self) -> Text:
        """Why it takes no deliveries; nothing while it does."""
        return self._fault

    @property
    def is_up(self) -> bool:
        """Whether it listens and takes deliveries."""
        return self._runner is not None and not self._fault

    async def listen(self, host: str, port: int) -> None:
        """Listen; with port 0 on a free one, named by `port` from then on.

        Until `open` it says how the bot is, and asks Slack to deliver later.
        """
        if self._runner is not None:
            return
        gate = Gate(self._serve, self._refusals)
        runner = web.ServerRunner(gate, shutdown_timeout=ACK_SECONDS)
        await runner.setup()
        await web.TCPSite(runner, host, port).start()
        self._runner = runner
        self.port = runner.addresses[0][1]

    def open(self) -> None:
        """Take deliveries from now on."""
        self._fault = ""

    def retire(self, why: Text) -> None:
        """Take no deliveries any more; Slack is asked to deliver later, to another one."""
        self._fault = why

    async def stop(self) -> None:
        """Take nothing more and let requests under way end."""
        if self._runner is not None:
            runner, self._runner = self._runner, None
            await runner.cleanup()

    async def _serve(self, request: BaseRequest) -> web.StreamResponse:
        """Answer any request, whoever it is from."""
        connection = request.protocol
        if not isinstance(connection, Connection):
            raise TypeError("the gate makes no others")
        try:
            return await self._route(request, connection)
        except _Refused as refused:
            self._refusals.note(refused.why)
            return web.Response(status=refused.status)
        except Exception:  # ours: what comes from outside was refused
            log.exception("http.surprise", error_id=secrets.token_hex(4))
            return web.Response(status=500)
        finally:
            connection.answered()

    async def _route(self, request: BaseRequest, connection: Connection) -> web.StreamResponse:
        is_read = request.method in {"GET", "HEAD"}
        if request.path == PATH and request.method == "POST":
            body = await self._body(request)
            connection.arrived()
            lay = self._pulse.lay()
            return await self._receive(request, body, lay)
        if request.path == PATH and is_read and request.query.get("ssl_check") == "1":
            return web.Response()
        if request.path == "/healthz" and is_read:
            return liveness()
        if request.path == "/readyz" and is_read:
            return readiness(self._health)
        is_known = request.path in {PATH, "/healthz", "/readyz"}
        return web.Response(status=405 if is_known else 404)

    async def _receive(
        self, request: BaseRequest, body: bytes, lay: timedelta
    ) -> web.StreamResponse:
        if _is_ssl_check(body):
            return web.Response()
        self._require_signature(request, body)
        self._note_arrival(request, lay)
        if self._fault:
            raise _Refused(503, "not ready yet")
        try:
            delivery = AsyncBoltRequest(
                body=body.decode(errors="surrogatepass"),
                query=request.query_string,
                headers=dict(request.headers),
            )
        except OTHER_SHAPE:
            raise _Refused(400, "signed, and no payload") from None
        if not is_sound(delivery.body):
            raise _Refused(400, "signed, and no payload of Slack's")
        delivery.body = mended(delivery.body)
        response = await dispatched(self._app, delivery, self._metrics)
        if response is None:
            raise _Refused(400, "signed, and no payload of Slack's")
        return await to_aiohttp_response(response)

    async def _body(self, request: BaseRequest) -> bytes:
        """The whole body. Raises _Refused where it is too large, or breaks off."""
        is_claimed = _claims_a_signature(request)
        most = LARGEST if is_claimed else _LARGEST_CHECK
        too_large = _Refused(413, "too large") if is_claimed else _Refused(401, "not signed")
        if (request.content_length or 0) > most:
            raise too_large
        body = bytearray()
        try:
            if request.headers.get("Expect", "").lower() == "100-continue":
                await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
                request.writer.output_size = 0
            async for part in request.content.iter_any():
                body += part
                self._held += len(part)
                if len(body) > most:
                    raise too_large
                if len(body) > _ORDINARY and self._held > _HELD:
                    raise _Refused(503, "too much at once")
        except _BROKEN_OFF:
            raise _Refused(400, "broken off") from None
        finally:
            self._held -= len(body)
        return bytes(body)

    def _note_arrival(self, request: BaseRequest, lay: timedelta) -> None:
        """Note how old the request may be: as its signature shows, at most as long as it lay."""
        least, most = self._times.age(int(request.headers["X-Slack-Request-Timestamp"]))
        arrival.set(Arrival(self._clock.monotonic(), max(least, min(lay, most))))

    def _require_signature(self, request: BaseRequest, body: bytes) -> None:
        """Slack's signature, version v0. Raises _Refused.

        Not the SDK's verifier: it raises on a timestamp that is no number and on a signature that
        is not ASCII, and it decodes the body first.
        """
        if not _claims_a_signature(request):
            raise _Refused(401, "not signed")
        timestamp = request.headers["X-Slack-Request-Timestamp"]
        signed = b"v0:" + timestamp.encode() + b":" + body
        expected = "v0=" + hmac.new(self._secret, signed, hashlib.sha256).hexdigest()
        if not hmac.compare_digest(expected, request.headers["X-Slack-Signature"]):
            self._signed.refused(by_age=False)
            raise _Refused(401, OTHER_SECRET)
        ages = [abs(now.timestamp() - int(timestamp)) for now in readings(self._clock)]
        if min(ages) > FRESH.total_seconds():
            self._signed.refused(by_age=True)
            raise _Refused(401, "signed at another time: is this machine's clock right?")
        self._signed.accepted()


def _claims_a_signature(request: BaseRequest) -> bool:
    timestamp = request.headers.get("X-Slack-Request-Timestamp", "")
    signature = request.headers.get("X-Slack-Signature", "")
    return bool(
        re.fullmatch(r"[0-9]{1,12}", timestamp) and re.fullmatch(r"v0=[0-9a-f]{64}", signature)
    )


def _is_ssl_check(body: bytes) -> bool:
    """Whether Slack only looks at the certificate, signed or not; it wants 200 and no more.

    Source: docs.slack.dev, "Implementing slash commands".
    """
    if len(body) > _LARGEST_CHECK or b"ssl_check=1" not in body:
        return False
    return dict(parse_qsl(body.decode(errors="replace"))).get("ssl_check") == "1"
