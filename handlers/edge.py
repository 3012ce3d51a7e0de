"""The edge as one thing to start and stop: Bolt, its listeners, and the way Slack reaches us."""

from datetime import timedelta

import structlog
from slack_bolt.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_sdk.web.async_client import AsyncWebClient

from bot.clock import Clock
from bot.config import Settings
from bot.health import STARTING
from bot.ports import Core
from bot.reply import Text
from handlers import buttons, home, lines, members, shortcuts, submissions
from handlers.arrivals import Pulse
from handlers.boundary import Boundary
from handlers.connection import SlackConnection
from handlers.dispatch import on_error
from handlers.homes import Homes
from handlers.modals import Modals
from handlers.readers import Readers
from handlers.server import Server
from handlers.slack import SlackMessenger
from handlers.socket_mode import Pace, Reach, SocketMode
from handlers.supervisor import Supervisor
from handlers.switchboard import Switchboard

log = structlog.get_logger()

GRACE = timedelta(seconds=10)  # for answers under way when we stop


class SlackEdge:
    """Takes what Slack delivers, in Socket Mode or by HTTP as the settings say.

    `connection` is opened and closed by its owner: messages may have to go out before and after.
    """

    def __init__(
        self,
        settings: Settings,
        core: Core,
        clock: Clock,
        connection: SlackConnection,
        pace: Pace | None = None,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._connection = connection
        self._pace = pace or Pace()
        self._since = clock.now()
        self._supervisor = Supervisor()
        self._pulse = Pulse(lagged=connection.metrics.lagged)
        self._messenger = SlackMessenger(connection, clock)
        self._readers = Readers(connection, clock)
        self.homes = Homes(core, connection, self._readers, clock)
        self.app = self._build(core, clock)
        secret = settings.slack_signing_secret
        self._server = None
        self._socket: SocketMode | None = None
        self._retired: Text = ""  # why it takes nothing more, although it is not told to stop
        if not settings.uses_socket_mode and secret is not None:
            key = secret.get_secret_value()
            self._server = Server(
                self.app, key, clock, connection.health, self._pulse, connection.metrics
            )
        connection.health.watch(self._fault)
        connection.health.watch(connection.silence)

    @property
    def port(self) -> int:
        """HTTP mode: the port in use; 0 in Socket Mode."""
        return self._server.port if self._server is not None else 0

    async def listen(self) -> None:
        """HTTP mode: say from now on whether the bot is alive and ready. Raises OSError."""
        if self._server is not None:
            await self._server.listen(self._settings.http_host, self._settings.http_port)

    async def start(self) -> None:
        """Begin to take deliveries.

        In Socket Mode it waits until Slack takes the app token. Raises LockedOut
        where Slack refuses it.
        """
        await self.listen()
        self._pulse.start()
        if self._server is not None:
            self._server.open()
            self._since = self._clock.now()
            log.info("listening", mode="http", port=self.port)
        else:
            self._socket = SocketMode(
                self.app, self._connection, self._clock, self._pace, self._pulse
            )
            await self._socket.start()
            log.info("listening", mode="socket")

    async def connected(self) -> None:
        """Return once Slack can reach us."""
        if self._socket is not None:
            await self._socket.connected()

    @property
    def reach(self) -> Reach:
        """Whether Slack can reach us, and since when that is so."""
        if self._socket is not None:
            return self._socket.reach
        return Reach(self._server is not None and self._server.is_up, self._since)

    def _fault(self) -> Text:
        if self._retired:
            return self._retired
        if self._server is not None:
            return self._server.fault
        return self._socket.fault() if self._socket is not None else STARTING

    async def is_ready(self) -> bool:
        """Whether Slack can reach us now, and takes what we send."""
        return self.reach.is_up and not self._connection.health.reasons

    async def retire(self, why: Text) -> None:
        """Take nothing more, as `stop` does, but go on to say on the HTTP port that it is so."""
        self._retired = why
        if self._server is not None:
            self._server.retire(why)
        await self._hang_up()
        await self._supervisor.drain(GRACE)

    async def close(self) -> None:
        """Take nothing more; what was taken goes on, and `stop` waits for it."""
        if self._server is not None:
            await self._server.stop()
        await self._hang_up()

    async def _hang_up(self) -> None:
        if self._socket is not None:
            await self._socket.stop()
            self._socket = None

    async def stop(self) -> None:
        """Take nothing more, then let what was taken be answered for some seconds."""
        await self.close()
        await self._pulse.stop()
        await self._supervisor.drain(GRACE)
        await self._messenger.close()

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
            messenger=self._messenger,
            modals=Modals(connection, clock),
            readers=self._readers,
            homes=self.homes,
            boundary=Boundary(self._supervisor, clock),
        )
        app.error(on_error)
        lines.register(app, board, self._settings.slash_command)
        buttons.register(app, board)
        submissions.register(app, board)
        home.register(app, board)
        shortcuts.register(app, board)
        members.register(app, board)
        return app
