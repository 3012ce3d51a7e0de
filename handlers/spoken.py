"""A message in words alone: what screen readers read and notifications show. Pure.

Slack reads `text` as mrkdwn: a mention in it is shown as a name.
"""

import re
from collections.abc import Iterator, Sequence

from bot.bounded import Bounded
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
    Rows,
    Span,
    in_language,
    line,
    plain_span,
)
from handlers.mrkdwn import can_mark, escape, reference

TEXT = 4_000
# What may not be cut: an entity, a mention.
_WHOLE = re.compile(r"&(?:lt|gt|amp);|<[^<>]*>")  # what is cut nowhere inside
_HAN = re.compile(r"[\u3400-\u9fff]")
_HAN_ENDS = re.compile(f"{_HAN.pattern}$")
_GAP = re.compile(r" {2,}")  # where an emoji stood
_WORD = re.compile(r"\w+")
# What rows say, by the very objects that they are: these never change, and are kept beside it.
_rows: Bounded[int, tuple[Line, str]] = Bounded(512)


def spoken(reply: Reply) -> str:
    """All that a reply says, as its parts stand below each other, and what its buttons are called.

    Its summary comes first where that says more. What holds secrets is in no notification.
    """
    told = [_line(line(reply.summary))]
    if not reply.sensitive and reply.parts:
        below = [text for part in reply.parts for text in _part(part) if text]
        is_in_it = _has_words("\n".join(below), told)
        told = below if is_in_it else [*told, *below]
    return _cut("\n".join(text for text in told if text))


def _part(part: Part) -> Iterator[str]:
    match part:
        case Para(text) | Note(text):
            yield _line(text)
        case Rows():
            rows = map(_row, (row.text for row in part.rows))
            yield "\n".join([_row(part.head), *rows] if part.head else rows).strip()
        case Heading(text):
            yield _line(line(text))
        case Fields(pairs):
            labels = [_line(line(label)) for label, _ in pairs]
            colon = "：" if _HAN.search("".join(labels)) else ": "
            for label, (_, value) in zip(labels, pairs, strict=True):
                yield f"{label}{colon}{_line(value) or '–'}"
        case CodeBlock(text):
            yield escape(text.strip())
        case Actions(buttons):
            yield " ".join(f"[{_line(line(button.label))}]" for button in buttons)
        case Divider():
            pass


def _row(text: Line) -> str:
    """What a row says; lists show the same ones again and again."""
    known = _rows.get(id(text))
    if known is None:
        known = _rows[id(text)] = text, _lines(text)
    return known[1]


def _line(text: Line) -> str:
    return _lines(text).strip()


def _lines(text: Line) -> str:
    shown = in_language(text)
    said = ""
    for one in shown:
        if isinstance(one, Span) and one.at is not None and _HAN_ENDS.search(said):
            said += " "  # Slack itself puts a word there: `今天 12:05`
        said += escape(one) if isinstance(one, str) else _span(one)
    if "  " in said:
        said = _GAP.sub(" ", said)
    return "\n".join([row.strip() for row in said.split("\n")]) if "\n" in said else said.strip()


def _span(span: Span) -> str:
    said = reference(span) or escape(plain_span(span))
    is_code = span.style == "code" and can_mark(span.text, "`")
    return f"`{said}`" if is_code else said


def _has_words(text: str, texts: Sequence[str]) -> bool:
    """Whether each word of the texts is one of the text."""
    inside = set()  # of others, where they are found first
    for word in {word for each in texts for word in _WORD.findall(each)}:
        at = text.find(word)
        if at < 0:
            return False
        around = text[at - 1 : at] + text[at + len(word) : at + len(word) + 1]
        if _WORD.search(around) is not None:
            inside.add(word)
    return not inside or inside.issubset(_WORD.findall(text))


def _cut(text: str) -> str:
    if len(text) <= TEXT:
        return text
    end = TEXT - 1
    for found in _WHOLE.finditer(text):
        if found.end() > end:
            end = min(end, found.start())
            break
    return text[:end].rstrip() + "…"
