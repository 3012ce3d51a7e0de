"""The one place that speaks HTTP to DBC daemons: chooses one, sends, reads, and names failures.

Knows no operation. A change goes to one daemon, once; a read may be repeated and may fail over.
Failures are returned up to the frame that holds no secret and raised there, without a cause:
tracebacks of the HTTP library would carry request bodies along.
"""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from datetime import timedelta
from enum import StrEnum
from functools import partial
from http import HTTPStatus
from typing import Any, NamedTuple, TypeVar

import aiohttp
import structlog
from yarl import URL

from bot.causes import cause
from bot.clock import Clock
from bot.dbc.answer import decode
from bot.dbc.endpoint import NOTHING, Endpoint, LastAnswer, Request
from bot.dbc.errors import (
    ConnectionLost,
    CutOff,
    DaemonDisconnected,
    DaemonFull,
    DaemonUnavailable,
    DbcError,
    Delivery,
    Foreign,
    GatewayFailed,
    Mode,
    NodeTimeout,
    NodeUnknown,
    OutcomeUnknown,
    TooBusy,
    TooLong,
    Unreachable,
    Unreadable,
)
from bot.dbc.foreign import DAEMONS, Raw, no_http
from bot.dbc.guard import Breaker, Daemon, Limits, choose
from bot.dbc.identity import Target
from bot.dbc.presence import Presence
from bot.dbc.success import Unproved
from bot.dbc.would_send import WouldSend
from bot.ids import NodeId
from bot.redaction import Redactor, secrets_in

T = TypeVar("T")

log = structlog.get_logger(__name__)

API_ROOT = "/api/v1"
_SHORT = 32 * 1024  # bytes of an answer that is read on the event loop; a longer one in a thread


class Reach(StrEnum):
    """How far a request came, by what came back."""

    NODE = "node"  # it answered, as the daemon itself did where no node was asked
    DAEMON = "daemon"  # it says that the node does not answer, or that it knows no such node
    REFUSED = "refused"  # the daemon did not pass it on, which says nothing of the node
    UNCLEAR = "unclear"  # nothing came back in time, from whichever of them
    NOWHERE = "nowhere"  # no daemon had it


class Call(NamedTuple):
    """What an observer learns of each request that was sent: nothing secret."""

    path: str  # as declared, with places such as {task_id}
    mode: Mode
    outcome: str  # `ok` or the error's class
    took: timedelta
    node: NodeId
    reach: Reach


def ignore(_call: Call) -> None:
    """The observer for those who want none."""


async def unannounced() -> None:
    """What is done before a request that nobody wants to hear of."""


class _Preparing(ABC):
    """A caller that prepares each request in the same way."""

    async def call(
        self,
        endpoint: Endpoint[T],
        target: Target | None = None,
        additional: Mapping[str, object] = NOTHING,
        *,
        query: str = "",
        last: LastAnswer | None = None,
        **places: str,
    ) -> T:
        """Send a request and give back its value; see `endpoint.Caller`."""
        request = prepare(endpoint, target, additional, query, places, last)
        return await self.send(endpoint, request)

    @abstractmethod
    async def send(self, endpoint: Endpoint[T], request: Request) -> T:
        """Do with a prepared request what this caller is for, and give back its value."""


class Transport(_Preparing):
    """Sends requests to the given daemons, within limits, by the clock."""

    def __init__(
        self,
        urls: Sequence[str],
        clock: Clock,
        limits: Limits,
        observe: Callable[[Call], None] = ignore,
        redactor: Redactor | None = None,
    ) -> None:
        if not urls:
            raise ValueError("at least one DBC daemon is needed")
        self._daemons = [Daemon(url, clock, limits) for url in urls]
        self._clock = clock
        self._limits = limits
        self._observe = observe
        self._redactor = redactor or Redactor()
        self._breaker = Breaker(clock, limits)
        self._session: aiohttp.ClientSession | None = None
        self._under_way: set[asyncio.Task[Any]] = set()
        self._is_closed = False
        self._presence = Presence([one.url for one in self._daemons], clock)

    async def send(
        self,
        endpoint: Endpoint[T],
        request: Request,
        announce: Callable[[], Awaitable[None]] = unannounced,
    ) -> T:
        """Send a prepared request and give back its value.

        `announce` is awaited once its turn has come, just before it is sent; if it raises, nothing
        is sent.
        """
        tried: list[DbcError] = []
        for daemon in self._candidates(endpoint.mode):
            if tried and not _may_repeat(tried[-1], request, alone=len(self._daemons) == 1):
                break
            outcome = await self._to_its_end(daemon, endpoint, request, announce)
            if not isinstance(outcome, DbcError):
                return outcome
            tried.append(outcome)
        # The one that tells most: a daemon that answered knows more than one that is down.
        dumb = (Foreign, Unreachable)
        raise next((e for e in tried if not isinstance(e, dumb)), tried[0])

    @property
    def breaker(self) -> Breaker:
        """What is known of nodes that keep silent."""
        return self._breaker

    @property
    def presence(self) -> Presence:
        """What is known of the daemons."""
        return self._presence

    async def look(self, endpoint: Endpoint[T]) -> None:
        """Ask each daemon this of which nothing was heard lately, such as a spare one."""
        unheard = self._presence.unheard()
        request = prepare(endpoint, None, NOTHING, "", {})

        async def ask(daemon: Daemon) -> None:
            with suppress(TooBusy):
                async with daemon.turn(NodeId(""), endpoint.kind, endpoint.mode):
                    outcome = await self._exchange(daemon, endpoint, request)
                self._presence.note(daemon.url, outcome, of_node=False)

        asked = [one for one in self._daemons if one.url in unheard and not one.is_left_alone]
        await asyncio.gather(*map(ask, asked))

    async def close(self) -> None:
        """Close all connections; whoever sends anything from now on gets a RuntimeError."""
        self._is_closed = True
        for task in self._under_way:
            task.cancel()
        await asyncio.gather(*self._under_way, return_exceptions=True)
        if self._session is not None:
            await self._session.close()
            self._session = None

    def _candidates(self, mode: Mode) -> list[Daemon]:
        chosen = choose(self._daemons, mode)
        return chosen * 2 if mode is Mode.READ and len(self._daemons) == 1 else chosen

    async def _to_its_end(
        self,
        daemon: Daemon,
        endpoint: Endpoint[T],
        request: Request,
        announce: Callable[[], Awaitable[None]],
    ) -> T | DbcError:
        """Send it in its turn; once sent it keeps its turn, also where nobody waits any more.

        The daemon goes on with it all the same, and a second one of its kind could hang for ever.
        """
        if self._is_closed:  # before it is announced; nobody would close what is opened now
            raise RuntimeError("the DBC client is closed")
        sent = asyncio.Event()

        async def sending() -> None:
            await announce()
            sent.set()

        work = self._in_turn(daemon, endpoint, request, sending)
        task = asyncio.create_task(work)
        self._under_way.add(task)
        task.add_done_callback(self._ended)
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            if not sent.is_set():
                task.cancel()
            raise

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._under_way.discard(task)
        if not task.cancelled():
            task.exception()  # where nobody waits any more, it is nobody's

    async def _in_turn(
        self,
        daemon: Daemon,
        endpoint: Endpoint[T],
        request: Request,
        sending: Callable[[], Awaitable[None]],
    ) -> T | DbcError:
        node, mode = request.node_id, endpoint.mode
        self._breaker.check(NodeId(node), mode)
        async with daemon.turn(NodeId(node), endpoint.kind, mode):
            if daemon.is_left_alone:  # since this request began to wait
                return DaemonDisconnected(mode=mode)
            await sending()
            probe = self._breaker.enter(NodeId(node), mode)
            silent = answered = False
            began = self._clock.monotonic()
            try:
                outcome = await self._exchange(daemon, endpoint, request)
                silent = _is_silence(outcome)
                answered = _node_answered(outcome)
            finally:
                self._breaker.leave(NodeId(node), probe=probe, silent=silent, answered=answered)
        self._note(daemon, endpoint, request, outcome, self._clock.monotonic() - began)
        return outcome

    def _note(
        self,
        daemon: Daemon,
        endpoint: Endpoint[T],
        request: Request,
        outcome: T | DbcError,
        took: timedelta,
    ) -> None:
        self._presence.note(daemon.url, outcome, of_node=bool(request.node_id))
        if isinstance(outcome, DaemonDisconnected):
            daemon.lost_network()
        elif isinstance(outcome, Unreachable):
            daemon.unreachable()
        told = type(outcome).__name__ if isinstance(outcome, DbcError) else "ok"
        node = NodeId(request.node_id)
        self._observe(Call(endpoint.path, endpoint.mode, told, took, node, _reach(outcome)))
        log.debug("dbc call", path=request.path, node=request.node_id[:8], outcome=told)

    async def _exchange(
        self, daemon: Daemon, endpoint: Endpoint[T], request: Request
    ) -> T | DbcError:
        """Send and read. Both ways teach us secrets, and no text comes in that repeats one."""
        self._redactor.learn(request.secrets)
        raw = await self._send(daemon, endpoint.mode, request)
        if isinstance(raw, DbcError):
            return raw
        last = request.last
        if last is not None and raw.status == HTTPStatus.OK and last.compare(raw.body):
            return endpoint.decode([])
        if len(raw.body) <= _SHORT:
            return self._understood(endpoint, request, raw)
        return await asyncio.to_thread(self._understood, endpoint, request, raw)

    def _understood(self, endpoint: Endpoint[T], request: Request, raw: Raw) -> T | DbcError:
        # In an answer to the request that carries it, a short password counts, too.
        mask = partial(self._redactor.redact, own=request.secrets, shortest=1)
        outcome = decode(raw, endpoint.mode, endpoint.decode, mask, endpoint.most)
        if isinstance(outcome, DbcError):
            return outcome
        self._redactor.learn(secrets_in(outcome))
        return self._redactor.redacted(outcome)

    async def _send(self, daemon: Daemon, mode: Mode, request: Request) -> Raw | DbcError:
        url = URL(f"{daemon.url}{API_ROOT}{request.full_path}", encoded=True)
        try:
            # A redirect would carry the credentials to another place.
            async with self._http().post(
                url, data=aiohttp.BytesPayload(request.body()), allow_redirects=False
            ) as response:
                return await self._read(response, mode, f"{url.host}:{url.port}")
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            return _unreachable(error, mode)
        except TimeoutError:
            return NodeTimeout(mode=mode)
        except aiohttp.ClientResponseError:
            return no_http(f"{url.host}:{url.port}", mode)
        except (aiohttp.ClientError, OSError):
            return ConnectionLost(mode=mode)

    async def _read(self, response: aiohttp.ClientResponse, mode: Mode, at: str) -> Raw | DbcError:
        status, headers, body = response.status, response.headers, b""
        if status in DAEMONS:  # otherwise the status says it all
            async for chunk in response.content.iter_chunked(64 * 1024):
                body += chunk
                if len(body) > self._limits.body:
                    told = f"over {self._limits.body // 1024:,} KiB"
                    return TooLong(mode=mode, dbc_text=told, http_status=status)
        return Raw(
            status,
            body,
            at,
            headers.get("Server", ""),
            headers.get("Content-Type", ""),
            headers.get("Location", ""),
        )

    def _http(self) -> aiohttp.ClientSession:
        if self._session is None:
            connect = self._limits.connect.total_seconds()
            read = self._limits.read.total_seconds()
            self._session = aiohttp.ClientSession(
                # The daemon drops idle connections after 30 s without a word, which would make
                # a pooled request fail with nobody knowing whether it arrived (§8.5).
                connector=aiohttp.TCPConnector(force_close=True, limit=0),
                headers={"Connection": "close", "Content-Type": "application/json"},
                timeout=aiohttp.ClientTimeout(
                    total=connect + read, connect=connect, sock_read=read
                ),
                cookie_jar=aiohttp.DummyCookieJar(),
            )
        return self._session


def _unreachable(error: Exception, mode: Mode) -> Unreachable:
    failed = Unreachable(mode=mode)
    failed.why = cause(error)
    return failed


class DryRun(_Preparing):
    """Sends reads through another caller and stops every change just before it is sent.

    A read with a one-time signature is stopped too: it would use the signature up.
    """

    def __init__(self, transport: Transport, sent: list[WouldSend] | None = None) -> None:
        self._transport = transport
        self._sent = sent

    async def send(self, endpoint: Endpoint[T], request: Request) -> T:
        """Send a read; note a change, or raise WouldSend for it."""
        if endpoint.mode is Mode.READ and not request.one_shot:
            return await self._transport.send(endpoint, request)
        path = f"{API_ROOT}{request.full_path}"
        would = WouldSend("POST", path, request.shown(), NodeId(request.node_id))
        if self._sent is None:
            raise would
        self._sent.append(would)
        try:
            return endpoint.decode("ok")
        except (ValueError, TypeError, Unproved):
            raise would from None


class Announcing(_Preparing):
    """Sends requests through another caller, and announces each change just before it is sent."""

    def __init__(self, transport: Transport, announce: Callable[[], Awaitable[None]]) -> None:
        self._transport = transport
        self._announce = announce

    async def send(self, endpoint: Endpoint[T], request: Request) -> T:
        """Send it, a change once that is announced."""
        announce = self._announce if endpoint.mode is Mode.CHANGE else unannounced
        return await self._transport.send(endpoint, request, announce)


def prepare(
    endpoint: Endpoint[T],
    target: Target | None,
    additional: Mapping[str, object],
    query: str,
    places: Mapping[str, str],
    last: LastAnswer | None = None,
) -> Request:
    """The request to an endpoint. Raises NotAuthorised if it takes credentials and has none."""
    endpoint.auth.check(target.credentials if target else None, endpoint.mode)
    path = endpoint.path.format(**places)
    return Request(path, query, target, endpoint.auth, additional, last)


def _may_repeat(error: DbcError, request: Request, *, alone: bool) -> bool:
    """Whether a read may be sent again: no answer, and no one-time signature is used up."""
    if request.one_shot and error.delivery is not Delivery.NOT_SENT:
        return False
    if isinstance(error, Unreachable | ConnectionLost | GatewayFailed | CutOff):
        return not (alone and _is_silence(error))
    elsewhere = isinstance(error, NodeUnknown | DaemonFull | DaemonDisconnected | Foreign)
    return elsewhere and not alone


def _is_silence(outcome: object) -> bool:
    """Whether the daemon still waits for the node: each such request holds one of its slots."""
    if isinstance(outcome, GatewayFailed):
        return outcome.http_status == HTTPStatus.GATEWAY_TIMEOUT
    return isinstance(outcome, NodeTimeout)


def _reach(outcome: object) -> Reach:
    """How far a request came."""
    if _node_answered(outcome):
        return Reach.NODE
    if isinstance(outcome, NodeUnknown):
        return Reach.DAEMON
    if _is_silence(outcome):
        has_answered = isinstance(outcome, NodeTimeout) and outcome.http_status
        return Reach.DAEMON if has_answered else Reach.UNCLEAR
    if isinstance(outcome, DaemonUnavailable | OutcomeUnknown):
        return Reach.NOWHERE
    return Reach.REFUSED


def _node_answered(outcome: object) -> bool:
    """Whether the node itself is alive, going by what came back."""
    if not isinstance(outcome, DbcError):
        return True
    if isinstance(outcome, Foreign):
        return False
    garbled = isinstance(outcome, Unreadable) and outcome.errcode == -1  # `response parse error`
    return outcome.http_status == 200 or garbled
