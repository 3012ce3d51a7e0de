"""The workspace that all parts share: state, tokens, failures, recorded calls, deliveries."""

import asyncio
from dataclasses import dataclass, field, replace
from datetime import datetime

from sandbox.slack.clock import Clock
from sandbox.slack.conversations import Channel, Message
from sandbox.slack.delivery import Dispatcher
from sandbox.slack.errors import Json
from sandbox.slack.faults import Faults
from sandbox.slack.limits import Limits
from sandbox.slack.socket_mode import SocketMode
from sandbox.slack.state import State
from sandbox.slack.views import View

DEFAULT_SCOPES = frozenset(
    {"app_mentions:read", "channels:history", "channels:join", "channels:read", "chat:write"}
    | {"commands", "files:read", "files:write", "groups:history", "groups:read", "im:history"}
    | {"im:read", "im:write", "reactions:write", "team:read", "usergroups:read", "users:read"}
)
DEFAULT_EVENTS = frozenset({"app_mention", "message.im", "app_home_opened"})
# An event is sent only if the app has this scope as well as the subscription.
_EVENT_SCOPES = {
    "app_mention": "app_mentions:read",
    "message.im": "im:history",
    "user_change": "users:read",
    "message.channels": "channels:history",
    "message.groups": "groups:history",
}


_SHORTCUT_NAME = 24  # characters, as Slack's manifest reference has it


def _shortcut(spec: Json) -> tuple[str, str, str]:
    if spec["type"] not in {"message", "global"} or len(spec["name"]) > _SHORTCUT_NAME:
        raise ValueError(f"Slack takes no shortcut like {spec['name']!r}.")
    return spec["type"], spec["callback_id"], spec["name"]


@dataclass(frozen=True)
class AppConfig:
    """What the app's manifest says: its commands, scopes, events and shortcuts."""

    commands: frozenset[str] = frozenset({"/dbc"})
    scopes: frozenset[str] = DEFAULT_SCOPES
    events: frozenset[str] = DEFAULT_EVENTS
    shortcuts: frozenset[str] = frozenset()
    global_shortcuts: frozenset[str] = frozenset()
    named: tuple[tuple[str, str, str], ...] = ()  # type, callback id and name of each shortcut
    should_escape: bool = True
    home_tab: bool = True
    messages_tab: bool = True

    def hears(self, event: str) -> bool:
        """Whether the app is sent events of this subscription."""
        scope = _EVENT_SCOPES.get(event)
        return event in self.events and (scope is None or scope in self.scopes)

    @classmethod
    def from_manifest(cls, manifest: Json) -> "AppConfig":
        """The configuration that Slack takes from an app manifest."""
        features = manifest.get("features", {})
        commands = features.get("slash_commands", [])
        settings = manifest.get("settings", {})
        tabs = features.get("app_home", {})
        named = tuple(_shortcut(one) for one in features.get("shortcuts", []))
        writable = not tabs.get("messages_tab_read_only_enabled", True)
        return cls(
            commands=frozenset(command["command"] for command in commands),
            scopes=frozenset(manifest.get("oauth_config", {}).get("scopes", {}).get("bot", [])),
            events=frozenset(settings.get("event_subscriptions", {}).get("bot_events", [])),
            shortcuts=frozenset(one for kind, one, _ in named if kind == "message"),
            global_shortcuts=frozenset(one for kind, one, _ in named if kind == "global"),
            named=named,
            should_escape=any(command.get("should_escape") for command in commands),
            home_tab=tabs.get("home_tab_enabled", False),
            messages_tab=tabs.get("messages_tab_enabled", False) and writable,
        )

    def with_changes(self, **changes: set[str] | None) -> "AppConfig":
        """The configuration with some of its sets replaced; None keeps one."""
        given = {k: frozenset(v) for k, v in changes.items() if v is not None}
        return replace(self, **given)  # type: ignore[arg-type]


@dataclass(frozen=True)
class ApiCall:
    """One recorded Web API call, without its token."""

    method: str
    args: Json
    ok: bool
    error: str
    answer: Json


@dataclass
class Core:
    """What every part of the sandbox works on."""

    clock: Clock
    state: State
    config: AppConfig
    dispatcher: Dispatcher
    faults: Faults = field(default_factory=Faults)
    limits: Limits = field(default_factory=Limits)
    calls: list[ApiCall] = field(default_factory=list)
    bot_token: str = "xoxb-sandbox-bot"  # noqa: S105 - public by design
    app_token: str = "xapp-1-A0DBCBOT-sandbox"  # noqa: S105
    verification_token: str = "sandbox-verification"  # noqa: S105
    # What calls with a token are refused with, by its kind (bot, app); nothing while it is good.
    refusals: dict[str, str] = field(default_factory=dict)
    base_url: str = ""
    # Types of blocks that the workspace does not take yet: Slack rolls them out one by one.
    refused_blocks: set[str] = field(default_factory=set)
    # Calls still to be carried out, and when.
    late: dict[asyncio.Task[Json], datetime] = field(default_factory=dict)

    def team(self) -> Json:
        """The `team` object of interactions."""
        return {"id": self.state.team_id, "domain": self.state.team_domain}

    @property
    def socket_mode(self) -> SocketMode | None:
        """The sockets, if the app is in Socket Mode."""
        transport = self.dispatcher.transport
        return transport if isinstance(transport, SocketMode) else None

    def view_payload(self, view: View) -> Json:
        """A view as the app sees it."""
        state = self.state
        return view.payload(state.team_id, state.app_id, state.bot.bot_id)

    def bot_profile(self) -> Json:
        """The `bot_profile` of the bot's messages."""
        bot = self.state.bot
        return {
            "id": bot.bot_id,
            "app_id": self.state.app_id,
            "user_id": bot.id,
            "name": bot.name,
            "icons": {},
            "deleted": False,
            "updated": 1,
            "team_id": self.state.team_id,
        }

    def message_payload(self, message: Message, *, with_metadata: bool = True) -> Json:
        """A message as the Web API and interactions carry it."""
        state = self.state
        body: Json = {
            "type": "message",
            "user": message.user,
            "ts": message.ts,
            "text": message.text,
            "team": state.team_id,
        }
        if message.subtype:
            body["subtype"] = message.subtype
        if message.bot:
            body |= {
                "bot_id": message.bot_id,
                "app_id": state.app_id,
                "bot_profile": self.bot_profile(),
            }
        if message.client_msg_id:
            body["client_msg_id"] = message.client_msg_id
        if message.blocks:
            body["blocks"] = message.blocks
        if message.attachments:
            body["attachments"] = message.attachments
        if message.files:
            body["files"] = [f.body(self.base_url, message.user) for f in message.files]
        if message.reactions:
            body["reactions"] = [
                {"name": name, "users": users, "count": len(users)}
                for name, users in message.reactions.items()
            ]
        if message.edited_ts:
            body["edited"] = {"user": message.user, "ts": message.edited_ts}
        if with_metadata and message.metadata:
            body["metadata"] = message.metadata
        return body | self._thread(message)

    def _thread(self, message: Message) -> Json:
        if message.thread_ts is None:
            return {}
        channel = self.state.channels[message.channel]
        thread: Json = {"thread_ts": message.thread_ts}
        if message.in_thread:
            parent = channel.messages.get(message.thread_ts)
            if message.broadcast:
                thread["subtype"] = "thread_broadcast"
                if parent:
                    thread["root"] = self.message_payload(parent, with_metadata=False)
            return thread | ({"parent_user_id": parent.user} if parent else {})
        replies = channel.replies(message.ts)
        users = list(dict.fromkeys(reply.user for reply in replies))
        return thread | {
            "reply_count": len(replies),
            "reply_users_count": len(users),
            "reply_users": users,
            "latest_reply": replies[-1].ts if replies else message.ts,
            "is_locked": False,
            "subscribed": False,
        }

    def channel_ref(self, channel: Channel) -> Json:
        """The `channel` object of interactions."""
        return {"id": channel.id, "name": "directmessage" if channel.is_im else channel.name}
