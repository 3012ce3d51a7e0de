"""The sandbox workspace as tests and the demo use it: starts the server, holds the people."""

from collections.abc import Callable
from datetime import timedelta
from types import TracebackType
from typing import Any, Self

from sandbox.slack.clock import Clock, HandClock, SystemClock
from sandbox.slack.conversations import Channel
from sandbox.slack.core import ApiCall, AppConfig, Core
from sandbox.slack.delivery import Ack, Delivery, Dispatcher
from sandbox.slack.errors import Json
from sandbox.slack.events import event_callback
from sandbox.slack.faults import Faults
from sandbox.slack.http_delivery import HttpDelivery
from sandbox.slack.limits import Limits
from sandbox.slack.members import Member, Usergroup
from sandbox.slack.page import add_page
from sandbox.slack.person import Person
from sandbox.slack.server import Server, build_app
from sandbox.slack.socket_mode import SocketMode
from sandbox.slack.state import State


class Workspace:
    """A Slack workspace with one app, in memory, on a loopback port.

    `ack_seconds` and `retry_delays` elapse in real time because the app under test does; all other
    time (trigger_id, response_url, timestamps) is the clock's. With `request_url` the app is
    reached over HTTP, else over Socket Mode.
    """

    signing_secret = "sandbox-signing-secret"  # noqa: S105 - public by design

    def __init__(
        self,
        *,
        clock: Clock | None = None,
        ack_seconds: float = 3.0,
        retry_delays: tuple[float, ...] = (0.0, 60.0, 300.0),
        commands: set[str] | None = None,
        scopes: set[str] | None = None,
        events: set[str] | None = None,
        shortcuts: set[str] | None = None,
        manifest: Json | None = None,
        request_url: str | None = None,
        port: int = 0,
    ) -> None:
        self.clock = clock or SystemClock()
        state = State(self.clock)
        config = AppConfig.from_manifest(manifest) if manifest else AppConfig()
        config = config.with_changes(
            commands=commands, scopes=scopes, events=events, shortcuts=shortcuts
        )
        dispatcher = Dispatcher(
            SocketMode(state.app_id, state.announce, self.clock),
            ack_seconds=ack_seconds,
            retry_delays=retry_delays,
            announce=state.announce,
        )
        self.core = Core(self.clock, state, config, dispatcher)
        if request_url:
            dispatcher.transport = HttpDelivery(request_url, self.signing_secret, self.clock)
        self.app = build_app(self.core)
        add_page(self.app, self.core)
        self._server = Server(self.app, port)
        self._people: dict[str, Person] = {}
        self._populate()

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

    async def start(self) -> None:
        """Listen."""
        await self._server.start()
        self.core.base_url = self._server.url

    async def stop(self) -> None:
        """Close everything."""
        for work in tuple(self.core.late):
            work.cancel()
        await self.core.dispatcher.close()
        await self._server.stop()

    @property
    def url(self) -> str:
        """Where the page is."""
        return self.core.base_url

    @property
    def api_url(self) -> str:
        """The base URL of the Web API."""
        return f"{self.core.base_url}api/"

    @property
    def bot_token(self) -> str:
        """The bot's token."""
        return self.core.bot_token

    @property
    def app_token(self) -> str:
        """The app-level token of Socket Mode."""
        return self.core.app_token

    def revoke(self, *kinds: str, error: str = "token_revoked") -> None:
        """Refuse every call with the tokens of these kinds (`bot`, `app`; none: both)."""
        self.core.refusals |= dict.fromkeys(kinds or ("bot", "app"), error)

    def restore(self, *kinds: str) -> None:
        """Take calls with these tokens again."""
        for kind in kinds or ("bot", "app"):
            self.core.refusals.pop(kind, None)

    def take_scopes(self, *scopes: str) -> None:
        """Take scopes away from the bot token, as a new installation with fewer does."""
        granted = set(self.core.config.scopes) - set(scopes)
        self.core.config = self.core.config.with_changes(scopes=granted)

    def give_scopes(self, *scopes: str) -> None:
        """Give the bot token scopes."""
        granted = set(self.core.config.scopes) | set(scopes)
        self.core.config = self.core.config.with_changes(scopes=granted)

    def member(self, name: str) -> Person:
        """A member to act as."""
        if name not in self._people:
            self._people[name] = Person(self.core, self.core.state.member(name))
        return self._people[name]

    def add_member(self, name: str, real_name: str = "", **traits: Any) -> Person:
        """A new member; `traits` are fields of Member (is_restricted, deleted, locale, …)."""
        self.core.state.add_member(name, real_name, **traits)
        return self.member(name)

    def add_channel(
        self, name: str, *members: str, kind: str = "channel", topic: str = ""
    ) -> Channel:
        """A new channel with these members (`dbc` is the bot)."""
        people = [self.core.state.member(member) for member in members]
        return self.core.state.add_channel(name, *people, kind=kind, topic=topic)

    def add_usergroup(self, handle: str, *members: str, group_id: str = "") -> Usergroup:
        """A new user group, with this id if one is wanted."""
        state = self.core.state
        users = [state.member(member).id for member in members]
        group = Usergroup(group_id or state.new_id("S"), handle, handle.title(), users)
        state.usergroups[group.id] = group
        return group

    @property
    def bot(self) -> Member:
        """The bot user."""
        return self.core.state.bot

    def _populate(self) -> None:
        state = self.core.state
        alice = state.add_member("alice", "Alice Chen", title="Requester", is_admin=True)
        bob = state.add_member("bob", "Bob Ito", title="Colleague")
        carol = state.add_member("carol", "Carol Díaz", title="On call")
        bot = state.bot
        state.add_channel("gpu-ops", alice, bob, carol, bot, topic="GPU machines and who uses them")
        state.add_channel("random", alice, bob, carol, topic="Everything else")
        state.add_channel("ops-secret", alice, bob, kind="private", topic="The few")
        for member in (alice, bob, carol):
            state.dm(member.id, bot.id)

    @property
    def calls(self) -> list[ApiCall]:
        """Every Web API call so far."""
        return self.core.calls

    def calls_of(self, method: str) -> list[ApiCall]:
        """The calls of one method."""
        return [call for call in self.core.calls if call.method == method]

    @property
    def deliveries(self) -> list[Delivery]:
        """Everything sent to the app so far."""
        return self.core.dispatcher.deliveries

    @property
    def limits(self) -> Limits:
        """How often methods may be called; `strict` for all of them."""
        return self.core.limits

    @property
    def faults(self) -> Faults:
        """The failures of the Web API."""
        return self.core.faults

    @property
    def connected(self) -> bool:
        """Whether a Socket Mode connection is open."""
        socket = self.core.socket_mode
        return socket is not None and socket.connected

    @property
    def sockets(self) -> SocketMode:
        """The Socket Mode connections, to disconnect or drop."""
        socket = self.core.socket_mode
        if socket is None:
            raise RuntimeError("the workspace delivers over HTTP")
        return socket

    def deliver_twice(self, count: int = 1) -> None:
        """Send each of the next `count` deliveries twice at the same moment."""
        self.core.dispatcher.doubled = count

    async def deliver_again(self, type_: str | None = None) -> Ack:
        """Send the last delivery (of this command, event or interaction type) once more."""
        known = [d for d in self.deliveries if type_ in (None, d.type)]
        if not known:
            raise LookupError(f"nothing of type {type_} was delivered")
        return await self.core.dispatcher.again(known[-1])

    def tell_again(self, **changes: object) -> None:
        """Send the last event as another event, with another `event_id` and these fields changed.

        Slack tells of one message in several events: as `message` and as `app_mention`, or twice.
        """
        told = [d.payload for d in self.deliveries if d.kind == "events_api"][-1]
        again = event_callback(self.core, {**told["event"], **changes})
        self.core.dispatcher.event(again)

    async def use_http(self, request_url: str) -> bool:
        """Reach the app at this URL from now on; whether it answered the challenge."""
        transport = HttpDelivery(request_url, self.signing_secret, self.clock)
        await self._switch(transport)
        return await transport.verify(self.core.verification_token)

    async def use_socket_mode(self) -> None:
        """Reach the app over Socket Mode from now on."""
        state = self.core.state
        await self._switch(SocketMode(state.app_id, state.announce, self.clock))

    async def _switch(self, transport: SocketMode | HttpDelivery) -> None:
        before = self.core.dispatcher.transport
        self.core.dispatcher.transport = transport
        await before.close()

    def wind(self, by: timedelta) -> None:
        """Move the clock forward, if it is one of the sandbox's."""
        if not isinstance(self.clock, HandClock | SystemClock):
            raise TypeError("wind the clock that was passed in")
        self.clock.wind(by)
        self.core.state.announce()

    async def until(self, predicate: Callable[[], Any], timeout: float = 30) -> Any:  # noqa: ASYNC109
        """Wait for a change that makes the predicate true; its value. TimeoutError."""
        return await self.core.state.until(predicate, timeout)

    async def caught_up(self, timeout: float = 30) -> None:  # noqa: ASYNC109
        """Wait until every call that was put off until now is carried out."""

        def all_done() -> bool:
            return all(due > self.clock.now() for due in self.core.late.values())

        await self.until(all_done, timeout)

    async def idle(self, timeout: float = 30) -> None:  # noqa: ASYNC109
        """Wait until everything sent to the app was acknowledged or given up."""
        await self.until(lambda: self.core.dispatcher.idle, timeout)
