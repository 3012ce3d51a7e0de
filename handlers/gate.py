"""HTTP mode: how long a connection may take and how many there may be, before anybody is known.

Knows nothing of what is asked. Everybody can reach the port, so whoever connects costs little and
nothing that they send ends in a traceback.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import structlog
from aiohttp import web
from aiohttp.web_protocol import RequestHandler
from aiohttp.web_request import BaseRequest

from bot.clock import Clock

# Slack gives up on a request after 3 s: nothing it still wants takes longer to arrive.
ARRIVAL = timedelta(seconds=3)
_IDLE = timedelta(seconds=15)  # between two requests of one connection
MOST = 200  # connections; a process may usually have 1,024 files open
_QUIET = timedelta(minutes=1)  # between two lines in the log about the same

_LATE = b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"

Handler = Callable[[BaseRequest], Awaitable[web.StreamResponse]]

log = structlog.get_logger()


OTHER_SECRET = "signed with another secret"  # noqa: S105 - why a request was refused
_ADVICE = {
    OTHER_SECRET: "If it was Slack's, set SLACK_SIGNING_SECRET to the signing secret that the app "
    "shows under Basic Information, then restart the bot."
}


class Refusals:
    """Says in the log what was refused: at once, then once a minute and how often."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._said: dict[str, timedelta] = {}
        self._since: Counter[str] = Counter()

    def note(self, why: str) -> None:
        """Count a refusal. `why` is a word of ours: it never comes from outside."""
        self._since[why] += 1
        now = self._clock.monotonic()
        if why in self._said and now - self._said[why] < _QUIET:
            return
        self._said[why] = now
        advice = {"advice": _ADVICE[why]} if why in _ADVICE else {}
        log.warning("http.refused", why=why, times=self._since.pop(why), **advice)


class Connection(RequestHandler):
    """One connection: closed where a request takes longer than `ARRIVAL` from its first byte."""

    __slots__ = ("_gate", "_has_begun", "_has_more", "_is_busy", "_timer", "remote")

    def __init__(self, gate: "Gate", **settings: Any) -> None:
        super().__init__(gate, **settings)
        self._gate = gate
        self._timer: asyncio.TimerHandle | None = None
        self._is_busy = False
        self._has_begun = False  # the request that is waited for
        self._has_more = False  # of a next request, while this one is worked on
        self.remote = ""

    @property
    def is_busy(self) -> bool:
        """Whether a request was read to its end and is not answered yet."""
        return self._is_busy

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to wait for a request."""
        super().connection_made(transport)
        peer = transport.get_extra_info("peername")
        self.remote = str(peer[0]) if isinstance(peer, tuple) else ""
        self._expect()
        self._gate.opened(self)

    def connection_lost(self, exc: BaseException | None) -> None:
        """Forget it."""
        self._disarm()
        self._gate.closed(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take what arrives; the first of it begins a request."""
        if self._is_busy:
            self._has_more = True
        elif not self._has_begun:
            self._has_begun = True
            self._expect()
        super().data_received(data)

    def arrived(self) -> None:
        """The request is here: what follows takes our time, not the client's."""
        self._is_busy = True
        self._disarm()

    def answered(self) -> None:
        """The request is over; what of another one came meanwhile has to arrive as soon."""
        self._has_begun = self._has_more
        if self._has_begun:
            self._expect()
        else:
            self._disarm()
        self._is_busy = self._has_more = False

    def drop(self, why: str) -> None:
        """Close it whatever it waits for."""
        self._gate.refusals.note(why)
        self.force_close()

    def handle_error(
        self,
        request: BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Answer what is no HTTP, or left in the middle of it, and say so without a traceback."""
        del request, exc, message
        self._gate.refusals.note("no HTTP")
        response = web.Response(status=status)
        response.force_close()
        return response

    def log_exception(self, *args: Any, **kw: Any) -> None:
        """Say without a traceback what aiohttp met: it comes from the client."""
        del args, kw
        self._gate.refusals.note("a client that left")

    def _expect(self) -> None:
        self._disarm()
        seconds = ARRIVAL.total_seconds()
        self._timer = asyncio.get_running_loop().call_later(seconds, self._is_late)

    def _disarm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _is_late(self) -> None:
        self._timer = None
        if self.transport is not None and not self.transport.is_closing():
            self.transport.write(_LATE)
        self.drop("too slow")


class Gate(web.Server):
    """Makes connections, and room for new ones: who waits longest for nothing goes first."""

    def __init__(self, handler: Handler, refusals: Refusals) -> None:
        super().__init__(handler)
        self.refusals = refusals
        self._open: dict[Connection, None] = {}  # in the order in which they came

    def __call__(self) -> Connection:
        """A new connection."""
        return Connection(
            self,
            loop=asyncio.get_running_loop(),
            access_log=None,
            keepalive_timeout=_IDLE.total_seconds(),
            lingering_time=ARRIVAL.total_seconds(),  # so that a refusal can be read
            auto_decompress=False,  # Slack sends nothing compressed, and a little may become a lot
        )

    def opened(self, connection: Connection) -> None:
        """Take a connection in, and close one where there are too many."""
        self._open[connection] = None
        while len(self._open) > MOST:
            one = self._dispensable()
            self.closed(one)  # it is lost only later, and would be chosen again
            one.drop("too many connections")

    def closed(self, connection: Connection) -> None:
        """Forget a connection."""
        self._open.pop(connection, None)

    def _dispensable(self) -> Connection:
        """Of those that have no request here, the oldest of the address that has the most.

        Where all of them do, the newest: Slack asks again later.
        """
        waiting = [one for one in self._open if not one.is_busy]
        if not waiting:
            return next(reversed(self._open))
        held = Counter(one.remote for one in waiting)
        most = max(held.values())
        return next(one for one in waiting if held[one.remote] == most)
