"""aiohttp's low-level server dressed up as libevent's `evhttp`.

Source: docs/dbc-api.md §1.2, §11.1 (transport). Knows nothing of DBC.
"""

import asyncio

from aiohttp import web
from aiohttp.abc import AbstractStreamWriter
from aiohttp.http_parser import RawRequestMessage
from aiohttp.streams import StreamReader
from aiohttp.web_protocol import RequestHandler

from sandbox.dbc.front.replies import html

MAX_HEADER_BYTES = 8192
MAX_BODY_BYTES = 33_554_432
KEEPALIVE_SECONDS = 30.0
# What libevent 2.1.8 lets through; anything else is not implemented.
METHODS = frozenset({"GET", "POST", "HEAD", "PUT", "DELETE"})


class Protocol(RequestHandler):
    """One connection; malformed requests get libevent's page instead of aiohttp's."""

    __slots__ = ()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Answer a request that could not be parsed; our own mistakes keep aiohttp's way."""
        if status != 400:
            return super().handle_error(request, status, exc, message)
        return html(400, "Bad Request").response()


class Server(web.Server):
    """Makes a Protocol for each connection and requests with the real body limit."""

    def __call__(self) -> Protocol:
        """The protocol of a new connection."""
        return Protocol(
            self,
            loop=asyncio.get_running_loop(),
            keepalive_timeout=KEEPALIVE_SECONDS,
            auto_decompress=False,
            access_log=None,  # type: ignore[arg-type] # None is how aiohttp is told to log nothing
            lingering_time=0,
        )

    def _make_request(
        self,
        message: RawRequestMessage,
        payload: StreamReader,
        protocol: RequestHandler,
        writer: AbstractStreamWriter,
        task: "asyncio.Task[None]",
    ) -> web.BaseRequest:
        loop = asyncio.get_running_loop()
        limit = MAX_BODY_BYTES + 1
        return web.BaseRequest(
            message, payload, protocol, writer, task, loop, client_max_size=limit
        )


def header_bytes(request: web.BaseRequest) -> int:
    """How much the request line and the headers take up."""
    line = len(request.method) + len(request.raw_path) + len("  HTTP/1.1\r\n")
    return line + sum(len(name) + len(value) + 4 for name, value in request.raw_headers)


def cut(request: web.BaseRequest) -> web.Response:
    """Drop the connection; what is returned goes nowhere."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response()
