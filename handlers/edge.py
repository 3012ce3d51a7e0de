"""The edge as one thing to start and stop: Bolt, its listeners, and the way Slack reaches us."""

import asyncio
from datetime import timedelta

import structlog
from slack_bolt import BoltResponse
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_sdk.socket_mode.aiohttp import SocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.web.async_client import AsyncWebClient

from bot.clock import Clock
from bot.config import Settings
from bot.ports import Core
from handlers import buttons, home, lines, submissions
from handlers.boundary import Boundary
from handlers.connection import UNREACHABLE, SlackConnection, failure, proxy_for
from handlers.modals import Modals
from handlers.server import Server
from handlers.slack import SlackMessenger
from handlers.supervisor import Supervisor
from handlers.switchboard import Switchboard

log = structlog.get_logger()

GRACE = timedelta(seconds=10)  # for answers under way when we stop


class SlackEdge:
    """Takes what Slack delivers, in Socket Mode or by HTTP as the settings say.

    `connection` is opened and closed by its owner: messages may have to go out before and after.
    """

    def __init__(
        self, settings: Settings, core: Core, clock: Clock, connection: SlackConnection
    ) -> None:
        self._settings = settings
        self._connection = connection
        self._supervisor = Supervisor()
        self.app = self._build(core, clock)
        secret = settings.slack_signing_secret
        self._server = None
        self._socket: _SocketMode | None = None
        if not settings.uses_socket_mode and secret is not None:
            self._server = Server(self.app, secret.get_secret_value(), clock, connection.health)

    @property
    def port(self) -> int:
        """HTTP mode: the port in use; 0 in Socket Mode."""
        return self._server.port if self._server is not None else 0

    async def start(self) -> None:
        """Begin to take deliveries. Raises DeliveryFailed (`invalid_auth` …) in Socket Mode."""
        token = self._settings.slack_app_token
        if self._server is not None:
            await self._server.start(self._settings.http_host, self._settings.http_port)
            log.info("listening", mode="http", port=self.port)
        elif token is not None:
            self._socket = _SocketMode(self.app, self._connection, token.get_secret_value())
            await self._socket.start()
            log.info("listening", mode="socket")

    async def connected(self) -> None:
        """Return once Slack can reach us."""
        if self._socket is not None:
            await self._socket.greeted.wait()

    async def is_ready(self) -> bool:
        """Whether Slack can reach us now, and takes what we send."""
        if self._connection.health.fault:
            return False
        if self._server is not None:
            return self._server.is_up
        return self._socket is not None and await self._socket.is_ready()

    async def stop(self) -> None:
        """Take nothing more, then let what was taken be answered for some seconds."""
        if self._server is not None:
            await self._server.stop()
        if self._socket is not None:
            await self._socket.stop()
            self._socket = None
        await self._supervisor.drain(GRACE)

    def _build(self, core: Core, clock: Clock) -> AsyncApp:
        connection = self._connection

        async def authorize() -> AuthorizeResult:
            # From the one auth.test at the start: no listener waits for the network.
            identity = connection.identity
            return AuthorizeResult(
                enterprise_id=identity.enterprise or None,
                team_id=identity.team,
                bot_user_id=identity.user,
                bot_id=identity.bot,
            )

        # With process_before_response an acknowledgement takes 0.3 ms instead of 11 ms, and an
        # exception before it cannot be lost. The server has verified what comes by HTTP.
        app = AsyncApp(
            name="slack",
            logger=connection.logger,
            client=AsyncWebClient(base_url=self._settings.slack_api_url, logger=connection.logger),
            authorize=authorize,
            process_before_response=True,
            request_verification_enabled=False,
            ssl_check_enabled=False,
            attaching_function_token_enabled=False,
            attaching_conversation_kwargs_enabled=False,
        )
        board = Switchboard(
            core=core,
            clock=clock,
            connection=connection,
            messenger=SlackMessenger(connection),
            modals=Modals(connection, clock),
            boundary=Boundary(self._supervisor, clock),
        )
        app.error(_on_error)
        lines.register(app, board, self._settings.slash_command)
        buttons.register(app, board)
        submissions.register(app, board)
        home.register(app, board)
        return app


async def _on_error(error: Exception) -> BoltResponse:
    """What no boundary caught: a payload of a shape that Slack does not document."""
    log.error("delivery_not_understood", exc_info=error)
    return BoltResponse(status=500, body="")


class _SocketMode(AsyncSocketModeHandler):
    """Socket Mode that can be stopped without losing what it was taking."""

    def __init__(self, app: AsyncApp, connection: SlackConnection, app_token: str) -> None:
        super().__init__(app, app_token, logger=connection.logger, web_client=connection.client)
        self.client.proxy = proxy_for(connection.client.base_url)
        self.greeted = asyncio.Event()
        self._stopping = False
        self._under_way: set[asyncio.Future[None]] = set()

        async def on_message(_: object, message: dict[str, object], __: object) -> None:
            if message.get("type") == "hello":
                self.greeted.set()

        self.client.message_listeners.append(on_message)

    async def start(self) -> None:
        """Connect. A wrong app token is said at once; the SDK would try again for ever."""
        try:
            self.client.wss_uri = await self.client.issue_new_wss_url()
        except UNREACHABLE as error:
            await self.client.close()  # type: ignore[no-untyped-call]
            raise failure(error) from error
        await self.client.connect()  # type: ignore[no-untyped-call]

    async def is_ready(self) -> bool:
        """Whether there is a live connection."""
        return self.greeted.is_set() and await self.client.is_connected()

    async def handle(  # type: ignore[override]
        self, client: SocketModeClient, req: SocketModeRequest
    ) -> None:
        """Take one envelope; none any more once we are stopping, Slack shows or repeats it."""
        if self._stopping:
            return
        taking = asyncio.ensure_future(super().handle(client, req))
        self._under_way.add(taking)
        taking.add_done_callback(self._under_way.discard)
        await taking

    async def stop(self) -> None:
        """Finish the acknowledgements under way, then close."""
        self._stopping = True
        if self._under_way:
            await asyncio.wait(self._under_way, timeout=3)
        await self.client.close()  # type: ignore[no-untyped-call]
