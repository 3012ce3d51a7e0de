"""Socket Mode: WebSocket connections, each envelope to exactly one of them, acks by envelope id."""

import asyncio
import contextlib
import json
import secrets
from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from aiohttp import WSMsgType, web

from sandbox.slack.clock import Clock
from sandbox.slack.delivery import Ack, Delivery
from sandbox.slack.errors import Json
from sandbox.slack.socket_faults import SocketFault, SocketFaults

MOST_CONNECTIONS = 10
TICKET_LIFETIME = timedelta(seconds=30)
CLOSING_SECONDS = 1.0  # real ones: how long a client may take to answer a close
# Where HTTP retries say "http_timeout", Socket Mode says "timeout".
_REASONS = {"http_timeout": "timeout"}


@dataclass(eq=False)
class Connection:
    """One socket of the app.

    A draining one is about to be closed and gets nothing new. A half-open one still gets its share
    of envelopes, but nothing arrives and nothing is read: nobody has noticed yet.
    """

    request: web.Request
    ws: web.WebSocketResponse
    draining: bool = False
    half_open: bool = False

    def freeze(self) -> None:
        """Become half-open."""
        self.half_open = True
        if self.request.transport is not None:
            self.request.transport.pause_reading()

    async def drip(self) -> None:
        """Send a frame that never ends, until the other side gives up."""
        transport = self.request.transport
        if transport is None:
            return
        transport.write(b"\x81\x7f" + (2**20).to_bytes(8, "big"))
        while not transport.is_closing():
            transport.write(b" ")
            await asyncio.sleep(0.02)

    def abort(self) -> None:
        """Break without a word."""
        self.draining = True
        if self.request.transport is not None:
            self.request.transport.abort()


class SocketMode:
    """The transport of Socket Mode, and the WebSocket endpoint."""

    def __init__(self, app_id: str, announce: Callable[[], None], clock: Clock) -> None:
        self.app_id = app_id
        self.connections: list[Connection] = []
        self.faults = SocketFaults()
        self.handshakes = 0
        self._announce = announce
        self._clock = clock
        self._tickets: dict[str, datetime] = {}
        self._waiting: defaultdict[str, deque[asyncio.Future[Ack]]] = defaultdict(deque)
        self._turn = 0

    @property
    def connected(self) -> bool:
        """Whether the app can be reached."""
        return any(not c.draining and not c.half_open for c in self.connections)

    def new_url(self, base_url: str) -> str:
        """A WebSocket URL that can be used once and soon."""
        ticket = secrets.token_urlsafe(16)
        self._tickets[ticket] = self._clock.now() + TICKET_LIFETIME
        host = base_url.removeprefix("http")
        return f"ws{host}link/?ticket={ticket}&app_id={self.app_id}"

    async def send(self, delivery: Delivery, attempt: int, reason: str, seconds: float) -> Ack:
        """Send one envelope to one connection and wait for its acknowledgement."""
        open_ones = [c for c in self.connections if not c.draining]
        if not open_ones:
            return Ack("connection_failed")
        self._turn += 1
        connection = open_ones[self._turn % len(open_ones)]
        loop = asyncio.get_running_loop()
        waiting: asyncio.Future[Ack] = loop.create_future()
        self._waiting[delivery.envelope_id].append(waiting)
        start = loop.time()
        try:
            if not connection.half_open:
                await connection.ws.send_json(_envelope(delivery, attempt, reason))
            ack = await asyncio.wait_for(waiting, seconds)
        except TimeoutError:
            return Ack("http_timeout", seconds=seconds)
        except ConnectionError:
            return Ack("connection_failed")
        finally:
            self._stop_waiting(delivery.envelope_id, waiting)
        body = ack.body if delivery.kind != "events_api" else None
        return Ack("ok", body, loop.time() - start)

    async def disconnect(self, reason: str = "refresh_requested") -> None:
        """Tell every connection to make a new one, as Slack does now and then.

        After a warning envelopes still come; else a connection ends once there is a newer one.
        """
        for connection in list(self.connections):
            connection.draining = reason != "warning"
            with contextlib.suppress(ConnectionError):
                await connection.ws.send_json(_farewell(reason))

    def drop(self) -> None:
        """Break every connection without a word."""
        for connection in list(self.connections):
            connection.abort()

    def freeze(self) -> None:
        """Make every connection half-open."""
        for connection in self.connections:
            connection.freeze()

    async def close(self) -> None:
        """Close every connection."""
        for connection in list(self.connections):
            connection.draining = True
            if connection.half_open:
                connection.abort()
            else:
                await connection.ws.close()

    async def endpoint(self, request: web.Request) -> web.StreamResponse:
        """The WebSocket endpoint that apps.connections.open names."""
        self.handshakes += 1
        self._announce()
        expiry = self._tickets.pop(request.query.get("ticket", ""), None)
        if expiry is None or self._clock.now() >= expiry:
            raise web.HTTPForbidden(text="invalid ticket")
        fault = self.faults.take()
        if fault is not None and (answer := await _turned_away(request, fault)) is not None:
            return answer
        ws = web.WebSocketResponse(timeout=CLOSING_SECONDS)
        await ws.prepare(request)
        if len(self.connections) >= MOST_CONNECTIONS:
            await ws.send_json(_farewell("too_many_websockets"))
            await ws.close()
            return ws
        await self._serve(Connection(request, ws), fault)
        return ws

    async def _serve(self, connection: Connection, fault: SocketFault | None) -> None:
        ws = connection.ws
        self.connections.append(connection)
        try:
            if fault is None or fault.kind != "no_hello":
                await ws.send_json(self._hello())
                await self._replace_others(connection)
            if fault is not None and fault.kind == "closing":
                await _dismiss(connection, fault.reason)
                return
            if fault is not None:
                connection.freeze()
            self._announce()
            if fault is not None and fault.kind == "endless":
                await connection.drip()
            async for message in ws:
                if message.type == WSMsgType.TEXT:
                    self._acknowledge(message.data)
        finally:
            self.connections.remove(connection)
            self._announce()

    async def _replace_others(self, newest: Connection) -> None:
        """End what was told to go, or what Slack has found out to be dead."""
        for other in list(self.connections):
            if other is newest:
                continue
            if other.half_open:
                other.abort()
            elif other.draining:
                await other.ws.close()

    def _hello(self) -> Json:
        return {
            "type": "hello",
            "num_connections": len(self.connections),
            "debug_info": {
                "host": "sandbox",
                "build_number": 1,
                "approximate_connection_time": 18060,
            },
            "connection_info": {"app_id": self.app_id},
        }

    def _acknowledge(self, text: str) -> None:
        try:
            answer = json.loads(text)
            envelope_id = answer["envelope_id"]
        except (ValueError, KeyError, TypeError):
            return
        waiting = self._waiting.get(envelope_id)
        if waiting and not waiting[0].done():
            waiting.popleft().set_result(Ack("ok", answer.get("payload")))

    def _stop_waiting(self, envelope_id: str, future: asyncio.Future[Ack]) -> None:
        queue = self._waiting[envelope_id]
        if future in queue:
            queue.remove(future)
        if not queue:
            del self._waiting[envelope_id]


def _farewell(reason: str) -> Json:
    return {"type": "disconnect", "reason": reason, "debug_info": {"host": "sandbox"}}


async def _dismiss(connection: Connection, reason: str) -> None:
    connection.draining = True
    if reason:
        await connection.ws.send_json(_farewell(reason))
    await connection.ws.close()


async def _turned_away(request: web.Request, fault: SocketFault) -> web.StreamResponse | None:
    """The end of a handshake that does not succeed; None for one that does."""
    if fault.kind == "refused":
        page = "<html><body>The edge is having a bad day.</body></html>"
        return web.Response(status=fault.status, text=page, content_type="text/html")
    if fault.kind == "unanswered":
        await asyncio.Event().wait()
    if fault.kind == "reset" and request.transport is not None:
        request.transport.abort()
        return web.Response(status=500)
    return None


def _envelope(delivery: Delivery, attempt: int, reason: str) -> Json:
    is_event = delivery.kind == "events_api"
    envelope: Json = {
        "envelope_id": delivery.envelope_id,
        "payload": delivery.payload,
        "type": delivery.kind,
        "accepts_response_payload": not is_event,
    }
    if is_event:
        envelope |= {"retry_attempt": attempt, "retry_reason": _REASONS.get(reason, reason)}
    return envelope
