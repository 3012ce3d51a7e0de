"""A client daemon: an HTTP server on loopback that fronts a world.

Crashes where the real one crashes: then it is down until it is restarted.
"""

import asyncio
import contextlib
import json
from collections.abc import Coroutine
from datetime import datetime, timedelta
from types import TracebackType
from typing import Any, Self

from aiohttp import web

from sandbox.dbc import rapidjson
from sandbox.dbc.calls import Call
from sandbox.dbc.faults import Fault, FaultName
from sandbox.dbc.front import routes
from sandbox.dbc.front.envelope import DaemonDied
from sandbox.dbc.front.forward import Forwarder, NeverAnswered
from sandbox.dbc.front.inquiry import Inquiry
from sandbox.dbc.front.replies import (
    FrontError,
    Reply,
    by_gateway,
    by_service,
    emptied,
    html,
    lengthened,
    pretty,
    shortened,
    sparse,
)
from sandbox.dbc.front.server import (
    MAX_BODY_BYTES,
    MAX_HEADER_BYTES,
    METHODS,
    Server,
    cut,
    header_bytes,
)
from sandbox.dbc.spelling import SPELLINGS
from sandbox.dbc.world import World

# What a proxy in front, or something else at the address, answers by itself.
IN_FRONT = {
    FaultName.HTML_BODY: by_gateway(502, "Bad Gateway"),
    FaultName.GATEWAY_DOWN: by_gateway(503, "Service Unavailable", as_json=True),
    FaultName.REDIRECT: by_gateway(301, "Moved Permanently", {"Location": "https://sso.test/x"}),
    FaultName.FORBIDDEN: by_gateway(403, "Forbidden"),
    FaultName.PROXY_LOGIN: by_gateway(407, "", {"Proxy-Authenticate": "Basic"}),
    FaultName.WEB_PAGE: by_gateway(200, "Welcome"),
    FaultName.OTHER_SERVICE: by_gateway(200, "UP", as_json=True),
}
# What a proxy says by itself of a request that it has sent on, and that is done.
BEHIND = {
    FaultName.GATEWAY_TIMEOUT: by_gateway(504, "Gateway Timeout"),
    FaultName.UPSTREAM_LOST: by_service(504, status=504, message="upstream not found"),
    FaultName.PROXY_TIMEOUT: by_service(408, status=408, message="Request Timeout"),
    FaultName.TOO_MANY: by_service(429, errcode=429, message="Too Many Requests"),
}
# A daemon that just started learns of the nodes from their next announcement.
GOSSIP = timedelta(seconds=10)


class Daemon:
    """`async with Daemon(world) as daemon:` serves at `daemon.url`.

    `timeout` are the real seconds after which an unanswered node is given up; without it, 30 s of
    the world's clock. What a fault slows down by less than that is waited for. With `loses_timers`
    the timeout's answer can fail to come (§1.6.6).
    """

    def __init__(
        self,
        world: World,
        port: int = 0,
        *,
        host: str = "127.0.0.1",
        name: str = "daemon",
        timeout: float | None = None,
        loses_timers: bool = False,
    ) -> None:
        self.world = world
        self.name = name
        self.crashes = 0
        self._host = host
        self._port = port
        self._listener: asyncio.Server | None = None
        self._server: Server | None = None
        self._down = asyncio.Event()
        self._background: set[asyncio.Task[None]] = set()
        self._knows_nodes_from: datetime | None = None
        self.forwarder = Forwarder(world, timeout=timeout, loses_timers=loses_timers)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.stop()

    @property
    def url(self) -> str:
        """The base address, without a path."""
        return f"http://{self._host}:{self._port}"

    @property
    def is_up(self) -> bool:
        """Whether it listens."""
        return self._listener is not None

    async def start(self) -> None:
        """Listen; the port stays the same over restarts."""
        loop = asyncio.get_running_loop()
        self._server = Server(self._handle)
        self._down = asyncio.Event()
        self._listener = await loop.create_server(self._server, self._host, self._port)
        self._port = self._listener.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Stop listening and cut every connection."""
        self._go_down()
        for task in [*self._background]:
            task.cancel()
        await asyncio.gather(*self._background, return_exceptions=True)
        await self.forwarder.stop()
        if self._server is not None:
            await self._server.shutdown(0.1)

    def crash(self) -> None:
        """Die: nobody listens, every connection is cut."""
        if self.is_up:
            self.crashes += 1
        self._go_down()

    async def restart(self, *, gossip: timedelta = GOSSIP) -> None:
        """Start again after a crash; no node is known for the first `gossip` of the clock."""
        await self.stop()
        self.forwarder.forget()
        self._knows_nodes_from = self.world.clock.now() + gossip
        await self.start()

    def _go_down(self) -> None:
        if self._listener is not None:
            self._listener.close()
            self._listener = None
        self._down.set()
        if self._server is not None:
            for connection in self._server.connections:
                if connection.transport is not None:
                    connection.transport.abort()

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._background.add(task)
        task.add_done_callback(self._background.discard)

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        if request.method not in METHODS:
            return html(501, "Not Implemented").response()
        if header_bytes(request) > MAX_HEADER_BYTES:
            return html(400, "Bad Request").response()
        try:
            body = await request.read()
        except web.HTTPRequestEntityTooLarge:
            return cut(request)
        if len(body) > MAX_BODY_BYTES:
            return cut(request)
        call = Call(self.world.clock.now(), self.name, request.method, request.raw_path)
        try:
            reply = await self._receive(call, body)
        except DaemonDied:
            self.crash()
            reply = None
        except NeverAnswered:
            await self._down.wait()
            reply = None
        if reply is None:
            return cut(request)
        call.status, call.reply = reply.status, reply.body
        return reply.response()

    async def _receive(self, call: Call, body: bytes) -> Reply | None:
        """Record the call, let it fail as told, answer it; None means: cut the connection."""
        route: routes.Route | None = None
        lost: FrontError | None = None
        words: list[str] = []
        query: dict[str, str] = {}
        try:
            route, words, query = routes.find(call.path)
        except FrontError as error:
            lost = error
        _describe(call, route, words, body)
        known = self.world.peer(call.node)
        call.node_name = known.name if known is not None else ""
        await self.world.calls.record(call)
        fault = self.world.faults.take(call)
        if fault is not None and fault.name is FaultName.RESET_BEFORE:
            return None
        if fault is not None and fault.name in IN_FRONT:
            return IN_FRONT[fault.name]
        if fault is not None and fault.name is FaultName.ECHO:
            told = SPELLINGS[fault.spelling](json.dumps(call.envelope))
            return pretty(1, f"can not handle {told}")
        if fault is not None and fault.name is FaultName.HANG:
            self.forwarder.pending += 1
            raise NeverAnswered
        if route is None:
            return lost.reply() if lost is not None else None
        inquiry = Inquiry(self.world, call.method, words, query, body, self._knows_nodes())
        try:
            reply = await self._answer(inquiry, route, fault)
        except FrontError as error:
            reply = error.reply()
        if fault is not None and fault.name is FaultName.LONG_WAY:
            await self.world.clock.sleep(fault.delay)
        return _after(fault, reply)

    async def _answer(self, inquiry: Inquiry, route: routes.Route, fault: Fault | None) -> Reply:
        for step in route.steps:
            reply = step(inquiry)
            if reply is not None:
                if fault is not None and fault.name is FaultName.SLOW:
                    await self.world.clock.sleep(fault.delay)
                return reply
        if fault is not None and fault.name is FaultName.DISCONNECTED:
            self._spawn(self._crash_later())
        text = await self.forwarder.forward(inquiry, route, fault)
        if not rapidjson.is_json(text):
            raise FrontError(route.unparsable, -1, 500)
        return Reply(200, text)

    async def _crash_later(self) -> None:
        """The timer of a request that could not be broadcast finds it answered, and kills."""
        await self.forwarder.expire()
        self.crash()

    def _knows_nodes(self) -> bool:
        return self._knows_nodes_from is None or self.world.clock.now() >= self._knows_nodes_from


def _describe(call: Call, route: routes.Route | None, words: list[str], body: bytes) -> None:
    """Fill in what a call is about, however wrong it may be."""
    with contextlib.suppress(rapidjson.ParseError, rapidjson.StackExhausted):
        document = rapidjson.loads(body) if body else {}
        call.envelope = document if isinstance(document, dict) else {}
    additional = call.envelope.get("additional")
    call.additional = additional if isinstance(additional, dict) else {}
    peers = call.envelope.get("peer_nodes_list")
    if isinstance(peers, list) and peers and isinstance(peers[0], str):
        call.node = peers[0]
    if route is None:
        return
    call.op = route.op
    is_status = route.op == "metal.power" and call.additional.get("command") == "status"
    call.changing = route.changing and not is_status
    if route.op == "tasks.detail":
        call.task_id = words[0]
    elif route.op.startswith(("tasks.", "disks.", "snapshots.")) and len(words) > 1:
        call.task_id = words[1]
    elif route.op == "tasks.create":
        wanted = call.additional.get("task_id", "")
        call.task_id = wanted if isinstance(wanted, str) else ""


def _after(fault: Fault | None, reply: Reply) -> Reply | None:
    """What a fault makes of an answer."""
    if fault is None:
        return reply
    if fault.name is FaultName.RESET_AFTER:
        return None
    if fault.name is FaultName.SPARSE:
        return Reply(reply.status, json.dumps(sparse(json.loads(reply.body))))
    if fault.name is FaultName.EMPTY_LIST:
        return Reply(reply.status, json.dumps(emptied(json.loads(reply.body))))
    if fault.name is FaultName.SHORT_LIST:
        return Reply(reply.status, json.dumps(shortened(json.loads(reply.body))))
    if fault.name is FaultName.LONG_LIST:
        return Reply(reply.status, json.dumps(lengthened(json.loads(reply.body))))
    if fault.name in BEHIND:
        return BEHIND[fault.name]
    if fault.name is FaultName.BAD_JSON:
        return Reply(reply.status, reply.body[: len(reply.body) // 2])
    return reply
