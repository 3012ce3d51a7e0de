"""Socket Mode: WebSocket connections, each envelope to exactly one of them, acks by envelope id."""

import asyncio
import contextlib
import json
import secrets
from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass

from aiohttp import WSMsgType, web

from sandbox.slack.delivery import Ack, Delivery
from sandbox.slack.errors import Json

MOST_CONNECTIONS = 10
# Where HTTP retries say "http_timeout", Socket Mode says "timeout".
_REASONS = {"http_timeout": "timeout"}


@dataclass(eq=False)
class Connection:
    """One socket of the app. A draining one is about to be closed and gets nothing new."""

    request: web.Request
    ws: web.WebSocketResponse
    draining: bool = False


class SocketMode:
    """The transport of Socket Mode, and the WebSocket endpoint."""

    def __init__(self, app_id: str, announce: Callable[[], None]) -> None:
        self.app_id = app_id
        self.connections: list[Connection] = []
        self._announce = announce
        self._tickets: set[str] = set()
        self._waiting: defaultdict[str, deque[asyncio.Future[Ack]]] = defaultdict(deque)
        self._turn = 0

    @property
    def connected(self) -> bool:
        """Whether the app can be reached."""
        return any(not c.draining for c in self.connections)

    def new_url(self, base_url: str) -> str:
        """A WebSocket URL that can be used once."""
        ticket = secrets.token_urlsafe(16)
        self._tickets.add(ticket)
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
        """Tell every connection to make a new one, as Slack does now and then."""
        for connection in list(self.connections):
            connection.draining = reason != "warning"
            words = {"type": "disconnect", "reason": reason, "debug_info": {"host": "sandbox"}}
            with contextlib.suppress(ConnectionError):
                await connection.ws.send_json(words)

    def drop(self) -> None:
        """Break every connection without a word."""
        for connection in list(self.connections):
            connection.draining = True
            if connection.request.transport is not None:
                connection.request.transport.abort()

    async def close(self) -> None:
        """Close every connection."""
        for connection in list(self.connections):
            connection.draining = True
            await connection.ws.close()

    async def endpoint(self, request: web.Request) -> web.WebSocketResponse:
        """The WebSocket endpoint that apps.connections.open names."""
        ticket = request.query.get("ticket", "")
        if ticket not in self._tickets:
            raise web.HTTPForbidden(text="invalid ticket")
        self._tickets.discard(ticket)
        ws = web.WebSocketResponse()
        await ws.prepare(request)
        if len(self.connections) >= MOST_CONNECTIONS:
            await ws.send_json({"type": "disconnect", "reason": "too_many_websockets"})
            await ws.close()
            return ws
        await self._serve(Connection(request, ws))
        return ws

    async def _serve(self, connection: Connection) -> None:
        ws = connection.ws
        self.connections.append(connection)
        try:
            await ws.send_json(self._hello())
            self._announce()
            async for message in ws:
                if message.type == WSMsgType.TEXT:
                    self._acknowledge(message.data)
        finally:
            self.connections.remove(connection)
            self._announce()

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
