"""What the bot says, before it becomes a Slack message: lines of spans, parts, buttons, forms.

A plain `str` inside a line is always shown literally: the renderer escapes it, so text from
DBC or from people can ping nobody and format nothing. This module does not know Slack's format.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, is_dataclass, replace
from datetime import datetime
from typing import Any, Literal, TypeVar

from pydantic import TypeAdapter

from bot.clock import UNTOLD
from bot.errors import BotError, Severity

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


@dataclass(frozen=True, slots=True)
class Para:
    """A paragraph."""

    text: Line
    kind: Literal["para"] = "para"


@dataclass(frozen=True, slots=True)
class Heading:
    """A short plain title."""

    text: str
    kind: Literal["heading"] = "heading"


@dataclass(frozen=True, slots=True)
class Note:
    """Small print."""

    text: Line
    kind: Literal["note"] = "note"


@dataclass(frozen=True, slots=True)
class Fields:
    """Pairs of label and value, laid out in columns where there is room."""

    pairs: tuple[tuple[str, Line], ...]
    kind: Literal["fields"] = "fields"


@dataclass(frozen=True, slots=True)
class CodeBlock:
    """Preformatted text."""

    text: str
    kind: Literal["code"] = "code"


@dataclass(frozen=True, slots=True)
class Divider:
    """A rule between parts."""

    kind: Literal["divider"] = "divider"


@dataclass(frozen=True, slots=True)
class Button:
    """`action` is what a click means (noun dot verb), `value` an opaque id, never arguments."""

    label: str
    action: str
    value: str
    style: Literal["", "primary", "danger"] = ""
    kind: Literal["button"] = "button"


@dataclass(frozen=True, slots=True)
class Actions:
    """A row of buttons."""

    buttons: tuple[Button, ...]
    kind: Literal["actions"] = "actions"


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a list: how it reads, and what it says by name, for those who want JSON."""

    text: Line
    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Rows:
    """A list, below an optional head. `stays`: its head is shown also where no row is left.

    `also` is what the list says by name beside its rows: why some may be missing.
    """

    rows: tuple[Row, ...]
    head: Line = ()
    stays: bool = False
    also: tuple[Mapping[str, Any], ...] = ()
    kind: Literal["rows"] = "rows"

    @property
    def text(self) -> Line:
        """Head and rows below each other."""
        lines = [self.head] if self.head else []
        lines += [row.text for row in self.rows]
        return line(*(piece for one in lines for piece in ("\n", one)))[1:]


Part = Para | Heading | Note | Fields | CodeBlock | Divider | Actions | Rows


@dataclass(frozen=True, slots=True)
class Fault:
    """What a reply says cannot be, what to do, and the argument that it is about, if any."""

    sentence: str
    hint: Line
    field: str
    severity: Severity


@dataclass(frozen=True, slots=True)
class Reply:
    """One message. `summary` is its plain text for notifications and screen readers.

    `private`: only for the person who asked, wherever they asked. `sensitive`: it holds secrets,
    so it is never kept as a file. `fault`: it says why something cannot be. `data` is what it says
    by name, where it is about one thing; lists say theirs by row.
    """

    summary: str
    parts: tuple[Part, ...] = ()
    private: bool = False
    sensitive: bool = False
    fault: Fault | None = None
    data: Mapping[str, Any] | None = None

    @classmethod
    def of(
        cls,
        *pieces: str | Span | Line,
        private: bool = False,
        data: Mapping[str, Any] | None = None,
    ) -> "Reply":
        """A reply of one paragraph."""
        text = line(*pieces)
        return cls(plain(text), (Para(text),), private=private, data=data)

    @classmethod
    def empty(cls, *pieces: str | Span | Line, private: bool = False) -> "Reply":
        """A list without rows, and the paragraph that says so."""
        text = line(*pieces)
        return cls(plain(text), (Rows((), text),), private=private)

    def also(self, *parts: Part) -> "Reply":
        """The same with more parts below."""
        return replace(self, parts=(*self.parts, *parts))


_replies: TypeAdapter[Reply] = TypeAdapter(Reply)


def dump(reply: Reply) -> str:
    """The reply as JSON, to be kept."""
    return _replies.dump_json(reply).decode()


def load(text: str) -> Reply:
    """What `dump` wrote."""
    return _replies.validate_json(text)


FieldKind = Literal["text", "lines", "number", "choice", "flag", "search", "person", "channel"]


@dataclass(frozen=True, slots=True)
class Choice:
    """One option of a field: what is shown and what is meant."""

    label: str
    value: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class FormField:
    """One input of a form.

    `search` fields ask the bot for options as the person types; `source` says for what
    ("vm", "node", "image"). `initial` is prefilled text, or the option for choices. `decides`:
    what other fields offer or show depends on it, so its choice is told at once.
    """

    name: str
    label: str
    kind: FieldKind
    hint: str = ""
    placeholder: str = ""
    required: bool = True
    initial: Choice | None = None
    choices: tuple[Choice, ...] = ()
    source: str = ""
    decides: bool = False


@dataclass(frozen=True, slots=True)
class Form:
    """A form for one command. `kept` is what was given beside the fields and comes back with them.

    It is readable for the person: nothing secret.
    """

    command: str
    title: str
    submit: str
    fields: tuple[FormField, ...]
    intro: tuple[Part, ...] = ()
    errors: Mapping[str, Words] = field(default_factory=dict)
    kept: Mapping[str, str] = field(default_factory=dict)


_SIGNS = {
    Severity.REFUSED: "no_entry_sign",
    Severity.FAILED: "x",
    Severity.UNKNOWN: "grey_question",
}


def from_error(error: BotError) -> Reply:
    """The one place where a failure becomes words."""
    failed = line(error.during, " failed. ") if error.during else ()
    sentence = line(failed, error.sentence)
    parts: list[Part] = [Para(line(emoji(_SIGNS[error.severity]), " ", sentence))]
    if told := advice(error):
        parts.append(Note(told))
    return Reply(plain(sentence), tuple(parts), private=True, fault=fault_of(error))


def fault_of(error: BotError) -> Fault:
    """The failure as a form takes it."""
    return Fault(error.sentence, advice(error), error.field, error.severity)


def recorded(error: BotError) -> str:
    """The failure as ledger and audit keep it: what is wrong, and the other side's words."""
    return f"{error.sentence} It says: “{error.said}”." if error.said else error.sentence


def advice(error: BotError) -> Line:
    """What the other side said and what to do about it; nothing if there is neither."""
    said = line(f"It says: “{error.said}”. ") if error.said else ()
    return line(said, error.hint) if said or error.hint else ()


def from_surprise(error_id: str) -> Reply:
    """What a person reads when the bot itself is at fault; the id is also in the log."""
    sentence = "Something went wrong on my side. Look at the present state before trying again."
    return Reply(
        sentence,
        (
            Para(line(emoji("boom"), " ", sentence)),
            Note(line("Please tell whoever runs this bot: error ", code(error_id), ".")),
        ),
        private=True,
    )
