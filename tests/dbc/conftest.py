"""A daemon on loopback that answers as told, a clock wound by hand, and the client between."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aiohttp import web

from bot.dbc.client import DbcClient
from bot.dbc.guard import Limits
from bot.dbc.identity import SessionPair, Target
from bot.ids import NodeId, TaskId
from sandbox.dbc import ManualClock

NODE = NodeId("58fb618aa482c41114eb3cfdaefd3ba183172da9e25251449d045043fbd37f45")
OTHER_NODE = "263483f6a46ff55c6513285857a91fa50dedd0020b26cc8006c8aebce47f0169"
TASK = TaskId("7a9QmX2c4TfJ6bKpR8sVwD")
SESSION_ID = "3PxGvSecretSession"
SESSION_SIGN = "ca89" * 32

QUICK = Limits(
    connect=timedelta(seconds=2),
    read=timedelta(seconds=0.3),
    turn=timedelta(seconds=5),
    body=64 * 1024,
)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class HandClock(ManualClock):
    """A clock that stands still until it is wound."""

    def __init__(self) -> None:
        super().__init__(datetime(2024, 6, 11, 9, 30, tzinfo=UTC))

    def wind(self, **by: float) -> None:
        self.advance(timedelta(**by))


class FakeDaemon:
    """A real HTTP server. `answer` decides what it says; `requests` is what it was asked."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, dict[str, Any]]] = []
        self.answer: Handler = ok
        self.url = ""
        self._runner: web.AppRunner | None = None

    async def start(self) -> None:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._handle)
        self._runner = web.AppRunner(app, shutdown_timeout=0.01)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    async def stop(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        self.requests.append((request.raw_path, json.loads(await request.text())))
        return await self.answer(request)

    @property
    def paths(self) -> list[str]:
        return [path for path, _ in self.requests]


def reply(errcode: int, message: object, status: int = 200) -> Handler:
    """Always the same answer."""

    async def answer(_request: web.Request) -> web.StreamResponse:
        text = json.dumps({"errcode": errcode, "message": message})
        return web.Response(status=status, text=text + "\r\n", content_type="application/json")

    return answer


def text(body: str, status: int = 200, content_type: str = "application/json") -> Handler:
    """Always the same body."""

    async def answer(_request: web.Request) -> web.StreamResponse:
        return web.Response(status=status, text=body, content_type=content_type)

    return answer


async def ok(_request: web.Request) -> web.StreamResponse:
    return web.Response(text='{"errcode":0, "message":"ok"}\r\n', content_type="application/json")


PATIENT = replace(QUICK, read=timedelta(seconds=5))
EMPTY = reply(0, [])
DISCONNECTED = reply(-32701, "broadcast request failed", 400)
UNKNOWN_NODE = reply(-32701, "create node request failed", 400)
TIMED_OUT = reply(-1, "list task timeout", 500)


async def hang(_request: web.Request) -> web.StreamResponse:
    await asyncio.Event().wait()
    raise AssertionError


async def reset(request: web.Request) -> web.StreamResponse:
    """Break the connection without an answer."""
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


def in_turn(*handlers: Handler) -> Handler:
    """One handler for each request; the last one stays."""
    left = list(handlers)

    async def answer(request: web.Request) -> web.StreamResponse:
        return await (left.pop(0) if len(left) > 1 else left[0])(request)

    return answer


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def target() -> Target:
    return Target(node_id=NODE, credentials=SessionPair.of(SESSION_ID, SESSION_SIGN))


@pytest.fixture
async def daemon() -> AsyncIterator[FakeDaemon]:
    server = FakeDaemon()
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
async def second() -> AsyncIterator[FakeDaemon]:
    server = FakeDaemon()
    await server.start()
    yield server
    await server.stop()


Connect = Callable[..., DbcClient]


@pytest.fixture
async def connect(clock: HandClock) -> AsyncIterator[Connect]:
    """Make clients that are closed at the end."""
    async with AsyncExitStack() as stack:
        made: list[DbcClient] = []

        def make(*daemons: FakeDaemon | str, limits: Limits = QUICK, **more: Any) -> DbcClient:
            urls = [d if isinstance(d, str) else d.url for d in daemons]
            made.append(DbcClient(urls, clock, limits, **more))
            return made[-1]

        yield make
        for client in made:
            stack.push_async_callback(client.close)


@pytest.fixture
def dbc(connect: Connect, daemon: FakeDaemon) -> DbcClient:
    return connect(daemon)


@pytest.fixture
def closed() -> str:
    """The address of a daemon that is not there."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{unused.getsockname()[1]}"
