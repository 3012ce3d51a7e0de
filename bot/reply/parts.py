"""Parts of a message: paragraphs, lists, buttons, and the reply that they make up."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from threading import Lock
from typing import Annotated, Any, Literal

from cachetools import LRUCache
from pydantic import Field, TypeAdapter

from bot.reply.text import Line, Phrase, Span, Text, Words, line, say

_NO = say("Cancel")


class Severity(StrEnum):
    """How a failure is shown and logged."""

    REFUSED = "refused"  # the person asked for something that cannot be: expected, logged as info
    FAILED = "failed"  # it was tried and did not happen
    UNKNOWN = "unknown"  # it was sent and nobody knows: settled by reading, never by sending again


@dataclass(frozen=True, slots=True)
class Para:
    """A paragraph."""

    text: Line
    kind: Literal["para"] = "para"


@dataclass(frozen=True, slots=True)
class Heading:
    """A short plain title."""

    text: Text
    kind: Literal["heading"] = "heading"


@dataclass(frozen=True, slots=True)
class Note:
    """Small print."""

    text: Line
    kind: Literal["note"] = "note"


@dataclass(frozen=True, slots=True)
class Fields:
    """Pairs of label and value, laid out in columns where there is room."""

    pairs: tuple[tuple[Text, Line], ...]
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
class Confirm:
    """What the chat side asks before it passes a click on: a short question, and what is lost."""

    title: Text
    text: Line
    yes: Text
    no: Text = _NO


@dataclass(frozen=True, slots=True)
class Button:
    """`action` is what a click means (noun dot verb), `value` an opaque id, never arguments."""

    label: Text
    action: str
    value: str
    style: Literal["", "primary", "danger"] = ""
    kind: Literal["button"] = "button"
    confirm: Confirm | None = None


@dataclass(frozen=True, slots=True)
class Actions:
    """A row of buttons."""

    buttons: tuple[Button, ...]
    kind: Literal["actions"] = "actions"


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a list: how it reads, and what it says by name, for those who want JSON.

    `menu` is what can be done with it, behind one button: five at most, none with a `confirm`.
    `cells` say the same as `text`, one for each column of the list.
    """

    text: Line
    data: Mapping[str, Any]
    menu: tuple[Button, ...] = ()
    cells: tuple[Line, ...] = ()


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a list that can be shown as a table. `is_long`: its texts are broken."""

    title: Text
    is_number: bool = False
    is_long: bool = False


@dataclass(frozen=True, slots=True)
class Rows:
    """A list, below an optional head. `stays`: its head is shown also where no row is left.

    `also` is what the list says by name beside its rows: why some may be missing. With `columns`,
    it is a table where the chat side has tables, else lines.
    """

    rows: tuple[Row, ...]
    head: Line = ()
    stays: bool = False
    also: tuple[Mapping[str, Any], ...] = ()
    columns: tuple[Column, ...] = ()
    kind: Literal["rows"] = "rows"

    @property
    def text(self) -> Line:
        """Head and rows below each other."""
        lines = [self.head] if self.head else []
        lines += [row.text for row in self.rows]
        pieces: list[str | Span | Phrase] = []
        for one in lines:
            pieces += ("\n", *one)
        return tuple(pieces[1:])


Part = Annotated[
    Para | Heading | Note | Fields | CodeBlock | Divider | Actions | Rows,
    Field(discriminator="kind"),
]


@dataclass(frozen=True, slots=True)
class Fault:
    """What a reply says cannot be, what to do, and the argument that it is about, if any.

    `each`: where it is several things, these, one by one.
    """

    sentence: Text
    hint: Line
    field: str
    severity: Severity
    each: "tuple[Fault, ...]" = ()


@dataclass(frozen=True, slots=True)
class Reply:
    """One message. `summary` is its plain text for notifications and screen readers.

    `private`: only the requester sees it, also where they asked in public. `sensitive`: it holds
    secrets, so it is never kept as a file. `fault`: it says why something cannot be. `data` is what
    it says by name, where it is about one thing; lists say theirs by row. `end` is the outcome that
    it tells. `in_place`: it takes the place of the message whose button was pressed. `broadcast`:
    in a thread, it is sent to the channel as well. `is_table`: as a file, its rows are CSV.
    `quiet`: it calls nobody. `copy_of`: the key of the message that it shows a copy of, and the
    version that it was read from; it is not kept. `older`: the argument that lists what comes
    behind it, with its value; not kept either. `is_look`: it answers a question, and nothing
    depends on its staying where it is said: it may be gone once it was read; nor is that kept.
    """

    summary: Words
    parts: tuple[Part, ...] = ()
    private: bool = False
    sensitive: bool = False
    fault: Fault | None = None
    data: Mapping[str, Any] | None = None
    end: str = ""
    in_place: bool = False
    broadcast: bool = False
    is_table: bool = False
    quiet: bool = False
    copy_of: Annotated[tuple[str, int] | None, Field(exclude=True)] = None
    older: Annotated[tuple[str, str] | None, Field(exclude=True)] = None
    is_look: Annotated[bool, Field(exclude=True)] = False

    @classmethod
    def of(
        cls,
        *pieces: str | Span | Phrase | Line,
        private: bool = False,
        data: Mapping[str, Any] | None = None,
    ) -> "Reply":
        """A reply of one paragraph."""
        text = line(*pieces)
        return cls(text, (Para(text),), private=private, data=data)

    @classmethod
    def empty(cls, *pieces: str | Span | Phrase | Line, private: bool = False) -> "Reply":
        """A list without rows, and the paragraph that says so."""
        text = line(*pieces)
        return cls(text, (Rows((), text),), private=private)

    def also(self, *parts: Part) -> "Reply":
        """The same with more parts below."""
        return replace(self, parts=(*self.parts, *parts))


_replies: TypeAdapter[Reply] = TypeAdapter(Reply)

# A message is sent soon after it was written, and read again for the next edit. Many at once are
# written before the first of them is sent.
_recent: LRUCache[str, Reply] = LRUCache(256)
_using = Lock()  # threads write messages as well


def dump(reply: Reply) -> str:
    """The reply as JSON, to be kept."""
    text = _replies.dump_json(reply).decode()
    if _is_read_as_it_is(reply):
        with _using:
            _recent[text] = reply
    return text


def load(text: str) -> Reply:
    """What `dump` wrote."""
    with _using:
        known = _recent.get(text)
    if known is None:
        known = _replies.validate_json(text)
        with _using:
            _recent[text] = known
    return known


def _is_read_as_it_is(reply: Reply) -> bool:
    """Whether all of it is kept, in types that JSON has: what is said by name may have others."""
    is_kept = reply.data is None and reply.copy_of is None and reply.older is None
    return is_kept and not reply.is_look and not any(isinstance(part, Rows) for part in reply.parts)
