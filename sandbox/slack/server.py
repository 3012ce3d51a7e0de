"""The HTTP server of the workspace: Web API, sockets, response URLs, uploads, page and control."""

from collections.abc import Awaitable, Callable

from aiohttp import web

from sandbox.slack import response_urls
from sandbox.slack.core import Core
from sandbox.slack.webapi import files, router

# Slack takes files up to 1 GB; the sandbox keeps them in memory.
MOST_BYTES = 64 * 1024 * 1024
Endpoint = Callable[[web.Request], Awaitable[web.StreamResponse]]


def build_app(core: Core) -> web.Application:
    """The application with what the bot calls; page and control add their own routes."""

    async def api(request: web.Request) -> web.StreamResponse:
        return await router.handle(core, request)

    async def respond(request: web.Request) -> web.StreamResponse:
        return await response_urls.handle(core, request)

    async def upload(request: web.Request) -> web.StreamResponse:
        return await files.receive(core, request)

    async def download(request: web.Request) -> web.StreamResponse:
        return files.download(core, request)

    async def link(request: web.Request) -> web.StreamResponse:
        socket = core.socket_mode
        if socket is None:
            raise web.HTTPNotFound
        return await socket.endpoint(request)

    app = web.Application(client_max_size=MOST_BYTES)
    app.router.add_route("*", "/api/{method}", api)
    app.router.add_post("/response/{token:.+}", respond)
    app.router.add_post("/upload/v1/{token}", upload)
    app.router.add_get("/files/{id}/{name}", download)
    app.router.add_get("/link/", link)
    return app


class Server:
    """A running server on loopback."""

    def __init__(self, app: web.Application, port: int = 0) -> None:
        # Waiting for long-lived sockets would delay every shutdown.
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        self.port = port

    async def start(self) -> None:
        """Listen; port 0 picks a free one."""
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self.port)
        await site.start()
        self.port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        """Close everything."""
        await self._runner.cleanup()

    @property
    def url(self) -> str:
        """The base URL, with its final slash."""
        return f"http://127.0.0.1:{self.port}/"
