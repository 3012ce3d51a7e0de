"""Socket Mode: keeps a WebSocket to Slack open, whatever becomes of each one.

The loop is our own, around aiohttp and the SDK's request and response types
(docs/decisions/0005-our-own-socket-mode-loop.md). Knows nothing of commands.
"""

import asyncio
import json
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from logging import Logger
from typing import Any

import aiohttp
import structlog
from slack_bolt.adapter.socket_mode.async_internals import send_async_response
from slack_bolt.async_app import AsyncApp
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_bolt.response import BoltResponse
from slack_sdk.socket_mode.async_client import AsyncBaseSocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest

from bot.clock import Clock
from bot.health import STARTING, Steadiness
from bot.ports import DeliveryFailed, LockedOut
from bot.reply import Text, say
from handlers.addresses import proxy_for
from handlers.arrivals import Arrival, Backlog, Pulse, arrival
from handlers.connection import SOON, UNREACHABLE, SlackConnection, failure
from handlers.dispatch import dispatched
from handlers.payloads import OTHER_SHAPE, is_sound, mended
from handlers.supervisor import Supervisor
from handlers.tries import Tries, cause, why

ACK = timedelta(seconds=3)  # after that Slack has given up on a delivery
# Slack does not close the TCP connection after the closing handshake.
_CLOSE = aiohttp.ClientWSTimeout(ws_close=1.0)
# After these Slack closes the connection in about ten seconds; deliveries may still come on it.
_ANNOUNCED = frozenset({"warning", "refresh_requested"})

_KINDS = ("slash_commands", "interactive", "events_api")
_CLOSED = frozenset({aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSING, aiohttp.WSMsgType.CLOSED})

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Pace:
    """How long a connection may take for what. Tests shorten these; pauses go by the clock."""

    handshake: timedelta = timedelta(seconds=10)  # until the hello
    # After so long without a frame a ping is sent; half as long without an answer is the end.
    silence: timedelta = timedelta(seconds=10)
    farewell: timedelta = timedelta(seconds=15)  # from the announced end to our own closing
    # A connection that ended sooner counts as a failed try.
    steady: timedelta = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class Reach:
    """Whether Slack can reach the bot, and since when that is so."""

    is_up: bool
    since: datetime


Take = Callable[["Link", dict[str, Any], timedelta], None]


class Link(AsyncBaseSocketModeClient):
    """One WebSocket from its handshake to its end. Bolt's adapter answers through it."""

    def __init__(self, logger: Logger, pace: Pace, pulse: Pulse) -> None:
        self.logger = logger
        self._backlog = Backlog(pulse)
        self.opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.leaving = asyncio.Event()
        self.end: DeliveryFailed = DeliveryFailed("the connection was closed", SOON)
        self._pace = pace
        self._ws: aiohttp.ClientWebSocketResponse | None = None

    async def live(self, url: str, take: Take) -> None:
        """Be connected until it ends; `take` gets every message, and how long it may have lain.

        `opened` is done with the hello, or fails with DeliveryFailed. `leaving` is set when
        another connection is needed: at the end, or when Slack announces it.
        """
        try:
            await self._converse(url, take)
        except UNREACHABLE as error:
            if not self.leaving.is_set():
                self.end = failure(error)
                self.end.__cause__ = error
        finally:
            self.leaving.set()
            if not self.opened.done():
                self.opened.set_exception(self.end)

    async def _converse(self, url: str, take: Take) -> None:
        pace = self._pace
        # A pool of its own: nothing closed or wedged is carried over from one to the next.
        async with (
            aiohttp.ClientSession(middlewares=(_once(),)) as http,
            asyncio.timeout(pace.handshake.total_seconds()) as limit,
            http.ws_connect(
                url,
                autoping=False,  # see `_frame`
                proxy=proxy_for(url.replace("ws", "http", 1)),
                timeout=_CLOSE,
            ) as ws,
        ):
            self._ws = ws
            while (frame := await self._frame(ws)).type not in _CLOSED:
                await self._catch_up(ws, frame)
                message = _message(frame)
                kind = message.get("type")
                if kind == "hello" and not self.opened.done():
                    self.opened.set_result(None)
                    limit.reschedule(None)
                elif kind == "disconnect":
                    reason = str(message.get("reason"))
                    self.end = DeliveryFailed(f"Slack closes the connection ({reason})", SOON)
                    if not self.opened.done():
                        return
                    if not self.leaving.is_set():
                        self.leaving.set()
                        until = asyncio.get_running_loop().time() + pace.farewell.total_seconds()
                        limit.reschedule(until)
                    if reason not in _ANNOUNCED:
                        return
                else:
                    take(self, message, self._backlog.lay())

    async def _frame(self, ws: aiohttp.ClientWebSocketResponse) -> aiohttp.WSMessage:
        """The next whole frame. Raises TimeoutError where none comes, and no answer to a ping.

        aiohttp's own watch takes every byte for a sign of life, also of a frame that never ends.
        """
        silence = self._pace.silence.total_seconds()
        try:
            async with asyncio.timeout(silence):
                frame = await ws.receive()
        except TimeoutError:
            async with asyncio.timeout(silence / 2):
                await ws.ping()
                frame = await ws.receive()
        if frame.type is aiohttp.WSMsgType.PING:
            async with asyncio.timeout(silence):
                await ws.pong(frame.data)
        return frame

    async def _catch_up(
        self, ws: aiohttp.ClientWebSocketResponse, frame: aiohttp.WSMessage
    ) -> None:
        """Find out what was held back by a standstill. Raises TimeoutError where that cannot be."""
        patience = self._pace.silence / 2
        if question := self._backlog.question():
            # On a connection that is closed by now, what came before still has to be refused.
            with suppress(*UNREACHABLE):
                async with asyncio.timeout(patience.total_seconds()):
                    await ws.ping(question)
        elif frame.type is aiohttp.WSMsgType.PONG:
            self._backlog.answered(bytes(frame.data))
        if self._backlog.is_stuck(patience):
            raise TimeoutError

    async def send_message(self, message: str) -> None:
        """Send a text frame. Raises what is in UNREACHABLE."""
        if self._ws is None:
            raise ConnectionResetError
        async with asyncio.timeout(ACK.total_seconds()):
            await self._ws.send_str(message)


class SocketMode:
    """Holds a connection from `start` to `stop`; the next one before the last where Slack warns."""

    def __init__(
        self,
        app: AsyncApp,
        connection: SlackConnection,
        clock: Clock,
        pace: Pace,
        pulse: Pulse,
    ) -> None:
        self._app = app
        self._connection = connection
        self._clock = clock
        self._pace = pace
        self._pulse = pulse
        self._tries = Tries(clock, connection.client.base_url, "SLACK_APP_TOKEN")
        self._links: list[Link] = []  # those that Slack can reach us by, newest last
        self._tasks: set[asyncio.Task[None]] = set()  # connections, and what keeps one up
        self._deliveries = Supervisor()
        self._up = asyncio.Event()
        self._since = clock.now()
        self._steadiness = Steadiness(clock)
        self._stopping = False
        self._refusal: Text = ""  # why Slack gave no ticket when it was asked last

    @property
    def reach(self) -> Reach:
        """Whether there is a live connection, and since when."""
        return Reach(self._up.is_set(), self._since)

    def fault(self) -> Text:
        """Why Slack cannot reach us, once that is so for long; nothing while it can."""
        if self._refusal and not self._up.is_set():
            return self._refusal
        if not self._steadiness.was_up:
            return STARTING
        down_for = self._steadiness.down_for
        if down_for is None:
            return ""
        return say(
            "Slack has not been able to reach the bot for {seconds} s: there is no steady Socket "
            "Mode connection.",
            seconds=down_for.seconds,
        )

    async def connected(self) -> None:
        """Return once there is a live connection."""
        await self._up.wait()

    async def start(self) -> None:
        """Wait until Slack takes the app token, then keep a connection open in the background.

        Raises LockedOut where Slack refuses the token.
        """
        ticket = await self._tries.until_answered(self._ticket)
        self._begin(self._keep_open(ticket))

    async def stop(self) -> None:
        """Take nothing more, finish the acknowledgements under way, close."""
        self._stopping = True
        await self._deliveries.drain(ACK)
        ending = list(self._tasks)
        for task in ending:
            task.cancel()
        await asyncio.gather(*ending, return_exceptions=True)

    async def _ticket(self) -> str:
        """What the next connection is opened with. Raises DeliveryFailed."""
        try:
            ticket = await self._connection.open_socket()
        except DeliveryFailed as failed:
            self._refusal = failed.sentence if isinstance(failed, LockedOut) else ""
            raise
        self._refusal = ""
        return ticket

    async def _keep_open(self, ticket: str) -> None:
        """Have a connection, for ever. A ticket is good for one handshake, also a failed one."""
        while True:
            try:
                await self._keep_one(ticket)
            except Exception:  # whatever it is, giving up would leave the bot deaf
                await self._clock.sleep(SOON)
                with suppress(Exception):
                    log.exception("socket.surprise")
            ticket = ""

    async def _keep_one(self, ticket: str) -> None:
        """Have a connection until another one is due."""
        lived = timedelta()
        try:
            link = await self._open(ticket or await self._ticket())
            opened = self._clock.monotonic()
            await link.leaving.wait()
            lived, end = self._clock.monotonic() - opened, link.end
        except DeliveryFailed as error:
            end = self._connection.failed(error)
        if lived >= self._pace.steady:
            self._tries.begin_anew()
        else:
            await self._tries.failed(end)

    async def _open(self, ticket: str) -> Link:
        """A connection that Slack has greeted. Raises DeliveryFailed."""
        link = Link(self._connection.logger, self._pace, self._pulse)
        self._begin(self._live(link, ticket))
        await link.opened
        return link

    async def _live(self, link: Link, ticket: str) -> None:
        link.opened.add_done_callback(lambda opened: self._greeted(link, opened))
        try:
            await link.live(ticket, self._take)
        except Exception:  # it has ended like any other connection; the next one follows
            log.exception("socket.surprise")
        finally:
            if link in self._links:
                self._links.remove(link)
                self._connection.metrics.socket_closed()
                log.info("socket.closed", reason=cause(link.end))
                self._note_reach()

    def _greeted(self, link: Link, opened: asyncio.Future[None]) -> None:
        if not opened.cancelled() and opened.exception() is None and not link.leaving.is_set():
            self._links.append(link)
            self._connection.metrics.socket_opened()
            log.info("socket.opened")
            self._tries.reached()
            self._note_reach()

    def _note_reach(self) -> None:
        if bool(self._links) == self._up.is_set():
            return
        self._since = self._clock.now()
        self._steadiness.note(is_up=bool(self._links))
        if self._links:
            self._up.set()
        else:
            self._up.clear()

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _take(self, link: Link, message: dict[str, Any], lay: timedelta) -> None:
        """Take one envelope; none any more once we are stopping, Slack shows or repeats it."""
        if self._stopping or "envelope_id" not in message:
            return
        if not is_sound(message) or not _is_envelope(message):
            _not_understood(message)
            return
        came = Arrival(self._clock.monotonic(), lay)
        self._deliveries.start(self._handle(link, mended(message), came), "delivery")

    async def _handle(self, link: Link, message: dict[str, Any], came: Arrival) -> None:
        arrival.set(came)
        request = SocketModeRequest.from_dict(message)
        if request is None:
            return
        try:
            delivery = AsyncBoltRequest(mode="socket_mode", body=request.payload)
        except OTHER_SHAPE:
            response = None
        else:
            response = await dispatched(self._app, delivery, self._connection.metrics)
        if response is None:
            _not_understood(message)
        else:
            await self._answer(link, request, response)

    async def _answer(self, link: Link, request: SocketModeRequest, response: BoltResponse) -> None:
        """Acknowledge where the envelope came from, else on the newest connection.

        An envelope is named by its id, so any connection will do; the SDK does the same.
        """
        for way in (link, *self._links[-1:]):
            try:
                await send_async_response(way, request, response, 0)
            except UNREACHABLE as error:
                lost = str(why(error))
            else:
                return
        log.warning("acknowledgement.lost", kind=request.type, reason=lost)


def _is_envelope(message: dict[str, Any]) -> bool:
    """Whether an envelope is built as Slack documents it."""
    words = message["envelope_id"], message.get("type")
    return all(isinstance(word, str) for word in words) and isinstance(message.get("payload"), dict)


def _not_understood(message: dict[str, Any]) -> None:
    """Say so, and acknowledge nothing: Slack delivers it again, and tells the person."""
    kind = message.get("type")
    log.error("envelope.not_understood", kind=kind if kind in _KINDS else "unknown")


def _once() -> aiohttp.ClientMiddlewareType:
    """Let one request through: aiohttp itself repeats a GET whose connection breaks.

    The ticket in it is used up by then.
    """
    sent = False

    async def send(
        request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
    ) -> aiohttp.ClientResponse:
        nonlocal sent
        if sent:
            raise aiohttp.ClientConnectionError
        sent = True
        return await handler(request)

    return send


def _message(frame: aiohttp.WSMessage) -> dict[str, Any]:
    """What a frame says; nothing where it is no object in JSON. Raises what is in UNREACHABLE."""
    if frame.type is aiohttp.WSMsgType.ERROR:
        if isinstance(frame.data, UNREACHABLE):
            raise frame.data
        raise aiohttp.ClientPayloadError("a frame that nobody can read") from frame.data
    if frame.type is not aiohttp.WSMsgType.TEXT:
        return {}
    try:
        said = json.loads(frame.data)
    except (ValueError, RecursionError):
        return {}
    return said if isinstance(said, dict) else {}
