"""A reply in the form that a person asked for: fewer rows, JSON, or a file. Pure."""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from bot.clock import UNTOLD
from bot.folding import fold
from bot.reply import (
    Actions,
    CodeBlock,
    Divider,
    Fields,
    Heading,
    Line,
    Note,
    Para,
    Part,
    Reply,
    Row,
    Rows,
    Span,
    code,
    line,
    plain,
    say,
    say_number,
)
from bot.reviews.audit_file import csv_line

# What fits into one message with certainty, in characters of plain text; more goes into a file.
LONG = 6_000
LONG_JSON = 2_500  # a code block that is still pleasant to read
_MOST = 11_000  # what surely fits into one message as code, as it is sent: with quotes escaped


def filtered(reply: Reply, wanted: str, read: Reply | None = None) -> Reply:
    """The reply with only those rows that contain `wanted`, however it is spelled.

    `read` is the same reply as a person reads it: a row counts that contains it there.

    Rows are those of lists, else lines of preformatted text, pairs of fields, or plain lines.
    What stands around them stays.
    """
    needle = fold(wanted)
    has_rows = any(isinstance(part, Rows | CodeBlock | Fields) for part in reply.parts)
    kept, count = [], 0
    for part, alike in zip(reply.parts, (read or reply).parts, strict=True):
        found, shown = _sieve(part, alike, needle, paragraphs=not has_rows)
        count += found
        if shown is not None:
            kept.append(shown)
    told = say_number(
        "{number} line with “{wanted}”", "{number} lines with “{wanted}”", count, wanted=wanted
    )
    data = reply.data and {
        key: value for key, value in reply.data.items() if needle in fold(f"{key} {value}")
    }
    return replace(reply, summary=told, parts=(*kept, Note(line(told))), data=data)


def _sieve(part: Part, alike: Part, needle: str, *, paragraphs: bool) -> tuple[int, Part | None]:
    """How many of a part's rows stay, and the part without the others (None: nothing stays)."""
    match part:
        case Rows():
            others = alike.rows if isinstance(alike, Rows) else part.rows
            both = zip(part.rows, others, strict=True)
            rows = tuple(row for row, other in both if _has(row, needle) or _has(other, needle))
            if rows or part.stays:
                return len(rows), replace(part, rows=rows)
            return 0, replace(part, rows=(), head=()) if part.also else None
        case CodeBlock(text):
            lines = [each for each in text.splitlines() if needle in fold(each)]
            return len(lines), CodeBlock("\n".join(lines)) if lines else None
        case Fields(pairs):
            stay = tuple(p for p in pairs if needle in fold(f"{p[0]} {plain(p[1])}"))
            return len(stay), Fields(stay) if stay else None
        case Para(text) if paragraphs:
            paras = [each for each in _lines(text) if needle in fold(plain(each))]
            return len(paras), Para(_stacked(paras)) if paras else None
        case _:
            return 0, part


def _has(row: Row, needle: str) -> bool:
    told = [plain(row.text), *(str(value) for value in row.data.values())]
    return any(needle in fold(each) for each in told)


def _lines(text: Line) -> list[Line]:
    """A line with breaks as the lines that people see."""
    lines: list[list[Any]] = [[]]
    for piece in text:
        if not isinstance(piece, str):
            lines[-1].append(piece)
            continue
        first, *others = piece.split("\n")
        lines[-1].append(first)
        lines.extend([other] for other in others)
    return [tuple(each) for each in lines]


def _stacked(lines: Iterable[Line]) -> Line:
    joined: list[Line | str] = []
    for each in lines:
        joined.extend(["\n", each] if joined else [each])
    return line(*joined)


@dataclass(frozen=True, slots=True)
class Page:
    """A part of a long list: the `first` to the `last` of `count` rows."""

    reply: Reply
    number: int
    first: int
    last: int
    count: int


def rows_of(reply: Reply) -> list[Row]:
    """All rows of a reply's lists."""
    return [row for part in reply.parts if isinstance(part, Rows) for row in part.rows]


def paged(
    reply: Reply, number: int, size: int, holds: Callable[[Reply], bool] = lambda _reply: True
) -> Page:
    """The reply with only the rows of one page; a page that is not there is the last one.

    A page has at most `size` rows, and fewer where a message does not hold them, so that no row is
    on no page. Of lists without a row on it only those are shown that say why, on the first page.
    """
    count, page, begins = len(rows_of(reply)), 0, 0
    while True:
        page += 1
        ends = min(begins + size, count)
        shown = _between(reply, begins, ends)
        while ends > begins + 1 and not holds(shown):
            ends -= 1
            shown = _between(reply, begins, ends)
        if page >= number or ends >= count:
            return Page(shown, page, begins + 1, ends, count)
        begins = ends


def _between(reply: Reply, begins: int, ends: int) -> Reply:
    """The reply with only these rows."""
    seen = 0
    parts: list[Part] = []
    for part in reply.parts:
        if not isinstance(part, Rows):
            parts.append(part)
            continue
        rows = part.rows[max(begins - seen, 0) : max(ends - seen, 0)]
        seen += len(part.rows)
        if rows or (not part.rows and begins == 0):
            parts.append(replace(part, rows=rows))
    return replace(reply, parts=tuple(parts))


def as_text(reply: Reply) -> str:
    """All that the reply says, as plain text."""
    said = [_text_of(part) for part in reply.parts] or [plain(reply.summary)]
    return "\n\n".join(each for each in said if each) + "\n"


def _text_of(part: Part) -> str:
    match part:
        case Rows():
            return plain(part.text)
        case Para(text) | Note(text):
            return plain(text)
        case Heading(text):
            return str(text)
        case CodeBlock(text):
            return text
        case Fields(pairs):
            return "\n".join(f"{label}: {plain(value)}" for label, value in pairs)
        case Divider():
            return "---"
        case Actions():
            return ""


def as_json(reply: Reply) -> str:
    """The reply for machines: of one thing an object, of a list an array of objects.

    Keys are in snake_case and stay as they are (docs/commands.md, "JSON"). Moments become UTC.
    """
    if reply.data is not None:
        return _dumped(reply.data)
    lists = [part for part in reply.parts if isinstance(part, Rows)]
    return _dumped([*(row.data for part in lists for row in part.rows), *_also(lists)])


def as_csv(reply: Reply) -> str:
    """The rows of the reply's lists as a table: a column for each name, in the order they come."""
    rows = [row.data for row in rows_of(reply)]
    names = list({name: None for row in rows for name in row})
    lines = [csv_line(names), *(csv_line([_cell(row.get(name)) for name in names]) for row in rows)]
    return "".join(lines)


def _cell(value: object) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, default=_plain).strip('"')


def _also(lists: Iterable[Rows]) -> list[Mapping[str, Any]]:
    return [told for part in lists for told in part.also]


def compact(text: str) -> str:
    """JSON in less room: it can still be parted at its line ends."""
    return json.dumps(json.loads(text), ensure_ascii=False, indent=0, separators=(",", ":"))


def fits(text: str) -> bool:
    """Whether a message can hold a text whole, as code."""
    return len(json.dumps(text, ensure_ascii=False)) <= _MOST


def _dumped(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, indent=1, default=_plain)


def _plain(value: object) -> object:
    """What JSON has no type for."""
    match value:
        case datetime():
            known = None if value == UNTOLD else value.astimezone(UTC)
            return known and known.isoformat(timespec="seconds")
        case Span(at=datetime() as at):  # which stays as it is told (`world_time`)
            return _plain(at)
        case Mapping():
            return dict(value)
    raise TypeError(f"{type(value)} has no form in JSON")


def pointing_at(reply: Reply, name: str, where: Line) -> Reply:
    """What is said in place of a text that went into a file."""
    told = line(say("{what}: {file} {where}", what=reply.summary, file=code(name), where=where))
    return Reply(reply.summary, (Para(told),), private=reply.private)
