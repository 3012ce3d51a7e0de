"""Everything the workspace remembers, in memory, and the news that something has changed.

Knows nothing of HTTP, of permissions or of who may call what.
"""

import asyncio
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sandbox.slack.clock import Clock
from sandbox.slack.conversations import Channel, File, Message
from sandbox.slack.errors import Json, SlackError
from sandbox.slack.members import Member, Usergroup
from sandbox.slack.views import View

TRIGGER_LIFE = timedelta(seconds=3)


@dataclass
class Notice:
    """Slack's own words to one member, shown like an ephemeral message of Slackbot."""

    id: str
    channel: str
    text: str
    ts: str
    template: str
    given: dict[str, str]


@dataclass
class Trigger:
    """What a trigger_id stands for: one exchange, three seconds."""

    user: str
    made: datetime
    view: str | None
    used: bool = False


@dataclass
class ResponseUrl:
    """What a response_url stands for: five uses, thirty minutes."""

    user: str
    channel: str
    made: datetime
    message_ts: str | None = None
    uses: int = 0


@dataclass
class State:
    """The tables. Whoever changes something calls `announce`."""

    clock: Clock
    team_id: str = "T0SANDBOX"
    team_domain: str = "sandbox"
    app_id: str = "A0DBCBOT"
    members: dict[str, Member] = field(default_factory=dict)
    usergroups: dict[str, Usergroup] = field(default_factory=dict)
    channels: dict[str, Channel] = field(default_factory=dict)
    stacks: dict[str, list[View]] = field(default_factory=dict)
    homes: dict[str, View] = field(default_factory=dict)
    values: dict[tuple[str, str], Json] = field(default_factory=dict)
    notices: dict[str, list[Notice]] = field(default_factory=dict)
    triggers: dict[str, Trigger] = field(default_factory=dict)
    response_urls: dict[str, ResponseUrl] = field(default_factory=dict)
    files: dict[str, File] = field(default_factory=dict)
    away: set[str] = field(default_factory=set)  # members who have Slack open nowhere

    def __post_init__(self) -> None:
        self._last_micros = 0
        self._count = 0
        self._news = asyncio.Event()
        self.bot = self.add_member("dbc", "DBC", is_bot=True, bot_id="B0DBCBOT")

    def announce(self) -> None:
        """Wake whoever waits for a change."""
        self._news.set()
        self._news = asyncio.Event()

    @property
    def news(self) -> asyncio.Event:
        """Set at the next change; taken before one looks, so that no change is missed."""
        return self._news

    async def next_news(self) -> None:
        """Return at the next change."""
        await self._news.wait()

    async def until(self, predicate: Callable[[], Any], seconds: float) -> Any:
        """Wait until the predicate is truthy and return its value; TimeoutError after `seconds`."""
        async with asyncio.timeout(seconds):
            while not (value := predicate()):
                await self.next_news()
            return value

    def new_ts(self) -> str:
        """A message timestamp: the clock's, and unique."""
        micros = int(self.clock.now().timestamp() * 1_000_000)
        self._last_micros = max(self._last_micros + 1, micros)
        return f"{self._last_micros // 1_000_000}.{self._last_micros % 1_000_000:06d}"

    def new_id(self, prefix: str) -> str:
        """A fresh identifier such as V0000000007."""
        self._count += 1
        return f"{prefix}{self._count:010d}"

    def new_hash(self) -> str:
        """A fresh view hash."""
        return f"{int(self.clock.now().timestamp())}.{secrets.token_hex(4)}"

    def add_member(self, name: str, real_name: str = "", **traits: Any) -> Member:
        """A new member; `traits` are fields of Member."""
        slug = "".join(c for c in name.upper() if c.isalnum())
        values = {"team_id": self.team_id} | traits
        member = Member(id=f"U0{slug}", name=name, real_name=real_name or name.title(), **values)
        self.members[member.id] = member
        self.announce()
        return member

    def add_channel(
        self, name: str, *members: Member, kind: str = "channel", topic: str = ""
    ) -> Channel:
        """A new public or private channel."""
        slug = "".join(c for c in name.upper() if c.isalnum())
        prefix = "G0" if kind == "private" else "C0"
        channel = Channel(prefix + slug, name, kind, [m.id for m in members], topic)
        self.channels[channel.id] = channel
        self.announce()
        return channel

    def member(self, who: str) -> Member:
        """A member by id or name; `user_not_found`."""
        name = who.removeprefix("@")
        for member in self.members.values():
            if name in (member.id, member.name):
                return member
        raise SlackError("user_not_found")

    def channel(self, where: str) -> Channel:
        """A channel by id or name; `channel_not_found`."""
        name = where.removeprefix("#")
        if name in self.channels:
            return self.channels[name]
        for channel in self.channels.values():
            if channel.name == name and not channel.is_im:
                return channel
        raise SlackError("channel_not_found")

    def dm(self, one: str, other: str) -> Channel:
        """The direct message between two members, opened where there was none."""
        pair = {one, other}
        for channel in self.channels.values():
            if channel.is_im and set(channel.members) == pair:
                return channel
        slug = (one if other == self.bot.id else other).removeprefix("U0")
        channel = Channel(f"D0{slug}", "", "im", [one, other])
        if channel.id in self.channels:
            channel.id = self.new_id("D")
        self.channels[channel.id] = channel
        self.announce()
        return channel

    def add_message(self, channel: Channel, user: str, text: str, **content: Any) -> Message:
        """Put a message into a channel."""
        message = Message(self.new_ts(), channel.id, user, text, **content)
        channel.messages[message.ts] = message
        if message.thread_ts and message.only_for is None:
            parent = channel.messages.get(message.thread_ts)
            if parent is not None:
                parent.thread_ts = parent.ts
        if not message.bot:
            channel.last_read[user] = message.ts
        self.announce()
        return message

    def add_ephemeral(self, channel: Channel, reader: str, text: str, **content: Any) -> str:
        """Show a message to one member, and give its ts.

        Slack promises no delivery: who is away never sees it, and in a thread it is shown only
        where somebody has replied.
        """
        thread_ts = content.get("thread_ts")
        if reader in self.away or (thread_ts and not channel.replies(thread_ts)):
            return self.new_ts()
        bot = self.bot
        message = self.add_message(
            channel, bot.id, text, bot=True, bot_id=bot.bot_id, only_for=reader, **content
        )
        return message.ts

    def notify(self, user: str, channel: str | None, template: str, **given: str) -> None:
        """Say something to a member in Slack's own words: in a channel, else in the app's DM."""
        where = channel or self.dm(user, self.bot.id).id
        notice = Notice(
            self.new_id("N"),
            where,
            template.format(**given) if given else template,
            self.new_ts(),
            template,
            given,
        )
        self.notices.setdefault(user, []).append(notice)
        self.announce()

    def new_trigger(self, user: str, view: str | None = None) -> str:
        """A trigger_id for what this member has just done (in a modal, if `view`)."""
        trigger_id = f"{self.new_id('')}.{self.team_id}.{secrets.token_hex(8)}"
        self.triggers[trigger_id] = Trigger(user, self.clock.now(), view)
        return trigger_id

    def trigger(self, trigger_id: str) -> Trigger:
        """A trigger that can still be exchanged; Slack's errors otherwise."""
        trigger = self.triggers.get(trigger_id)
        if trigger is None:
            raise SlackError("invalid_trigger_id")
        if trigger.used:
            raise SlackError("exchanged_trigger_id")
        if self.clock.now() - trigger.made > TRIGGER_LIFE:
            raise SlackError("expired_trigger_id")
        return trigger

    def new_response_url(self, user: str, channel: str, message_ts: str | None = None) -> str:
        """The secret path of a new response_url."""
        token = f"{self.team_id}/{self.new_id('')}/{secrets.token_urlsafe(18)}"
        self.response_urls[token] = ResponseUrl(user, channel, self.clock.now(), message_ts)
        return token

    def find_view(self, view_id: str) -> tuple[str, View] | None:
        """A view that is open or published, with the member who has it before them."""
        for user, stack in self.stacks.items():
            for view in stack:
                if view_id in (view.id, view.external_id or None):
                    return user, view
        for user, view in self.homes.items():
            if view_id in (view.id, view.external_id or None):
                return user, view
        return None
