"""One Web API call: its arguments as Slack reads them from JSON, a form or the query."""

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from sandbox.slack.conversations import Channel
from sandbox.slack.core import Core
from sandbox.slack.errors import Json, SlackError, malformed


@dataclass(frozen=True)
class Call:
    """The workspace and the arguments of one call."""

    core: Core
    args: Json

    def text(self, name: str, default: str = "") -> str:
        """A string argument."""
        value = self.args.get(name)
        return default if value is None else str(value)

    def need(self, name: str) -> str:
        """A string argument that must be there; `invalid_arguments`."""
        if not (value := self.text(name)):
            raise malformed("invalid_arguments", [f"missing required field: {name}"])
        return value

    def flag(self, name: str) -> bool:
        """A boolean argument, in any of the spellings clients use."""
        return str(self.args.get(name, "")).lower() in ("true", "1")

    def number(self, name: str, default: int) -> int:
        """A whole number; `invalid_arguments`."""
        try:
            return int(self.text(name) or default)
        except ValueError:
            raise malformed("invalid_arguments", [f"must be an integer: {name}"]) from None

    def structure(self, name: str, error: str) -> Any:
        """A JSON argument, maybe inside a string; None if absent; `error` if unreadable."""
        value = self.args.get(name)
        if value is None or value == "":
            return None
        if not isinstance(value, str):
            return value
        try:
            return json.loads(value)
        except ValueError:
            raise SlackError(error) from None

    def channel(self, name: str = "channel") -> Channel:
        """The channel named, if the bot may know of it; `channel_not_found`."""
        core = self.core
        where = self.text(name)
        channel = core.state.channel(where) if where else None
        if channel is None:
            raise SlackError("channel_not_found")
        if channel.kind != "channel" and core.state.bot.id not in channel.members:
            raise SlackError("channel_not_found")
        return channel


Handler = Callable[[Call], Json] | Callable[[Call], Awaitable[Json]]


@dataclass(frozen=True)
class Method:
    """A method: what runs, the scopes of which the token needs one, and whose token it takes."""

    handler: Handler
    scopes: tuple[str, ...] = ()
    token: str = "bot"  # noqa: S105 - the kind of token, not one


def page(call: Call, items: list[Json], key: str) -> Json:
    """A page of results with Slack's cursor."""
    limit = min(max(call.number("limit", 100), 1), 1000)
    cursor = call.text("cursor")
    start = 0
    if cursor:
        if not cursor.isdigit():
            raise SlackError("invalid_cursor")
        start = int(cursor)
    end = start + limit
    following = str(end) if end < len(items) else ""
    return {
        "ok": True,
        key: items[start:end],
        "has_more": bool(following),
        "response_metadata": {"next_cursor": following},
    }
