"""Words of a message: lines of spans. What a span means is said here, how it looks elsewhere.

A plain `str` inside a line is always shown literally: the renderer escapes it, so text from
DBC or from people can ping nobody and format nothing.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, is_dataclass, replace
from datetime import datetime
from typing import Any, Literal, TypeVar

from bot.clock import UNTOLD

Style = Literal[
    "bold", "italic", "code", "command", "mention", "channel", "time", "ago", "link", "emoji"
]


@dataclass(frozen=True, slots=True)
class Span:
    """A piece of a line with a meaning: `text` is what it shows or the id it points to."""

    text: str
    style: Style
    url: str = ""
    at: datetime | None = None


Line = tuple[str | Span, ...]
Words = str | Line  # where most have a text only, and some a line
T = TypeVar("T")


def line(*pieces: str | Span | Line) -> Line:
    """Join pieces into one line."""
    flat: list[str | Span] = []
    for piece in pieces:
        if isinstance(piece, tuple):
            flat.extend(piece)
        else:
            flat.append(piece)
    return tuple(flat)


def bold(text: str) -> Span:
    """Strong text."""
    return Span(text, "bold")


def italic(text: str) -> Span:
    """Emphasised text."""
    return Span(text, "italic")


def code(text: str) -> Span:
    """Text to be copied or typed as it stands."""
    return Span(text, "code")


def command(text: str) -> Span:
    """A command to type, such as `session add`, in any line that a person will read.

    Here nobody knows what the slash command is called at a site: `with_commands` fills it in. It
    is a span and no text, so nothing that people or DBC write is ever taken for one.
    """
    return Span(text, "command")


def with_commands(said: T, slash_command: str) -> T:
    """The same with every command as it is typed here: `/dbc session add`, as code."""
    return _filled(said, slash_command)  # type: ignore[no-any-return]


def _filled(value: Any, slash: str) -> Any:
    match value:
        case Span(text, "command"):
            return code(f"{slash} {text}")
        case tuple():
            return tuple(_filled(one, slash) for one in value)
        case Mapping():
            return {key: _filled(one, slash) for key, one in value.items()}
    if is_dataclass(value) and not isinstance(value, type):
        names = [f.name for f in fields(value) if f.init]
        changed = {name: _filled(getattr(value, name), slash) for name in names}
        return replace(value, **changed)
    return value


def with_moments(said: T, shown: Callable[[datetime], datetime]) -> T:
    """The same with every moment in it as `shown` gives it."""
    return _moved(said, shown)  # type: ignore[no-any-return]


def _moved(value: Any, shown: Callable[[datetime], datetime]) -> Any:
    match value:
        case datetime():
            return shown(value)
        case tuple() | list():
            return type(value)(_moved(one, shown) for one in value)
        case Mapping():
            return {key: _moved(one, shown) for key, one in value.items()}
    if is_dataclass(value) and not isinstance(value, type):
        names = [f.name for f in fields(value) if f.init]
        return replace(value, **{name: _moved(getattr(value, name), shown) for name in names})
    return value


def mention(user: str) -> Span:
    """A person, by Slack id; notifies them where messages do."""
    return Span(user, "mention")


def channel(channel_id: str) -> Span:
    """A channel, by Slack id."""
    return Span(channel_id, "channel")


def link(text: str, url: str) -> Span:
    """A text that leads to an address."""
    return Span(text, "link", url=url)


def emoji(name: str) -> Span:
    """An emoji by Slack's short name, without colons."""
    return Span(name, "emoji")


def time(at: datetime) -> Span:
    """A moment, shown in the reader's own time zone."""
    return _moment(at, "time")


def _moment(at: datetime, style: Style) -> Span:
    return Span("time not known", "italic") if at == UNTOLD else Span("", style, at=at)


def mentioned(said: Any) -> set[str]:
    """Everyone whom a reply, or a piece of one, names by Slack id."""
    match said:
        case Span(text, "mention"):
            return {text}
        case tuple():
            return {user for one in said for user in mentioned(one)}
    if is_dataclass(said) and not isinstance(said, type):
        return {user for f in fields(said) for user in mentioned(getattr(said, f.name))}
    return set()


def plain(text: Line) -> str:
    """The line as plain text, for notifications and for files."""
    return "".join(
        piece if isinstance(piece, str) else _plain_span(piece) for piece in text
    ).strip()


def _plain_span(span: Span) -> str:
    if span.style == "emoji":
        return ""
    if span.style == "command":
        return f"“{span.text}”"
    if span.at is not None:
        return span.at.strftime("%Y-%m-%d %H:%M UTC")
    return f"@{span.text}" if span.style == "mention" else span.text
