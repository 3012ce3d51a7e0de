"""Replies to Slack messages: fallback text and blocks, within every limit of Block Kit.

Pure. A plain `str` in a reply is shown literally: it can ping nobody and format nothing.
Limits: Slack's Block Kit reference, chat.postMessage, and bolt-js#2509 for the whole.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from gettext import NullTranslations
from json import JSONEncoder
from typing import TypeVar

from bot.bounded import Bounded
from bot.reply import (
    ENGLISH,
    Actions,
    Button,
    CodeBlock,
    Confirm,
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
    Text,
    bold,
    in_language,
    line,
    plain,
    say_number,
)
from handlers.mrkdwn import cut, is_risky, pieces, rich_elements
from handlers.payloads import MENU, Json, action_id, menu_value
from handlers.rendered import Rendered
from handlers.spoken import spoken
from handlers.tables import table, tabled

MESSAGE_BLOCKS = 50
VIEW_BLOCKS = 100
_TURNING = 1_000  # characters of what turns the pages of a list
MESSAGE_CHARACTERS = 12_000  # Slack refuses about 13,200 with msg_blocks_too_long (bolt-js#2509)
VIEW_CHARACTERS = 200_000  # a view's JSON may have 250 kB
SECTION = 3_000
FIELD = 2_000
NOTE = 2_000
FIELDS = 10
HEADER = 150
BUTTON = 75
OPTION = 75
OPTIONS = 5  # of an overflow menu
TITLE, CONFIRM, ANSWER = 100, 300, 30  # of a confirmation dialog
VALUE = 2_000
ROW = 25  # elements of an actions block

T = TypeVar("T")

_json = JSONEncoder(ensure_ascii=False).encode
# Lists show the same rows again and again: what became of one, by the very objects that it consists
# of and its place. They never change, and none is freed while it is a part of what is kept here.
_rows: Bounded[tuple[int, int, int], tuple[Line, tuple[Button, ...], list[Json]]] = Bounded(512)
# The characters of their blocks, by the blocks themselves; 0: not counted yet.
_sizes: Bounded[int, tuple[Json, int]] = Bounded(1_024)


def message(
    reply: Reply, language: NullTranslations = ENGLISH, *, tables: bool = False
) -> Rendered:
    """A reply as a message; `language` is for what is said here of it.

    `tables`: a list with columns is shown as a table where all of the message fits then.
    """
    parts = reply.parts or (Para(line(reply.summary)),)
    as_table = tabled(parts) if tables else None
    blocks = render(parts, as_table) if as_table is not None else []
    if not blocks or not _fits(blocks, MESSAGE_BLOCKS, MESSAGE_CHARACTERS):
        blocks = fit(render(parts), MESSAGE_BLOCKS, MESSAGE_CHARACTERS, language)
    return Rendered(spoken(reply) or "…", blocks)


def holds(reply: Reply) -> bool:
    """Whether nothing of a reply would be left out, with a note and a row of buttons below it."""
    blocks = render(reply.parts)
    return len(blocks) + 2 <= MESSAGE_BLOCKS and _size(blocks) + _TURNING <= MESSAGE_CHARACTERS


def view_blocks(parts: Sequence[Part], language: NullTranslations = ENGLISH) -> list[Json]:
    """Parts as the blocks of a modal or an App Home."""
    return fit(render(parts), VIEW_BLOCKS, VIEW_CHARACTERS, language)


def render(parts: Iterable[Part], as_table: Rows | None = None) -> list[Json]:
    """Parts as blocks, each within its own limits; buttons are numbered through."""
    blocks: list[Json] = []
    buttons = 0
    for part in parts:
        if isinstance(part, Actions):
            blocks.extend(_actions(part.buttons, buttons))
            buttons += len(part.buttons)
        elif isinstance(part, Rows) and part is as_table:
            blocks.extend([*_para(part.head), table(part)])
        elif isinstance(part, Rows) and any(row.menu for row in part.rows):
            blocks.extend(_with_menus(part, buttons))
            buttons += len(part.rows)
        else:
            blocks.extend(_part(part))
    return blocks


def _with_menus(part: Rows, first: int) -> Iterator[Json]:
    """A list whose rows have menus: a block for each, since only a section takes one."""
    if part.head:
        yield from _para(part.head)
    for index, row in enumerate(part.rows, first):
        known = _rows.get((id(row.text), id(row.menu), index))
        if known is None:
            known = row.text, row.menu, list(_row(row, index))
            _rows[id(row.text), id(row.menu), index] = known
        for block in known[2]:
            if id(block) not in _sizes:  # which others may have emptied since
                _sizes[id(block)] = block, 0
        yield from known[2]


def _row(row: Row, index: int) -> Iterator[Json]:
    *above, last = _para(row.text)
    yield from above
    menu = _menu(row.menu, index) if row.menu else None
    if menu is None:
        yield last
    elif last["type"] == "section":
        yield last | {"accessory": menu}
    else:  # rich text takes none
        yield from (last, {"type": "actions", "elements": [menu]})


def _menu(options: Sequence[Button], index: int) -> Json:
    """What stands behind ⋮. Slack tells which was chosen by its value alone."""
    return {
        "type": "overflow",
        "action_id": action_id(MENU, index),
        "options": [
            {
                "text": plain_text(option.label, OPTION),
                "value": menu_value(option.action, option.value),
            }
            for option in options[:OPTIONS]
        ],
    }


def fit(
    blocks: list[Json], count: int, characters: int, language: NullTranslations = ENGLISH
) -> list[Json]:
    """The blocks within a message's limits; what is left out is counted in a note.

    The last rows of buttons stay: a card that cannot be answered is of no use.
    """
    if _fits(blocks, count, characters):
        return blocks
    tail: list[Json] = []
    while blocks and blocks[-1]["type"] == "actions" and len(tail) < 5:
        tail.insert(0, blocks[-1])
        blocks = blocks[:-1]
    room = characters - _size(tail) - 200  # the note below
    kept: list[Json] = []
    for block in blocks:
        room -= _size([block])
        if room < 0 or len(kept) + len(tail) + 1 >= count:
            break
        kept.append(block)
    left_out = sum(_lines(block) for block in blocks[len(kept) :])
    told = say_number("… {number} more line", "… {number} more lines", left_out)
    return [*kept, _context(plain(told, language)), *tail]


def _fits(blocks: list[Json], count: int, characters: int) -> bool:
    return len(blocks) <= count and _size(blocks) <= characters


def _size(blocks: list[Json]) -> int:
    """Characters of their JSON."""
    return 2 * max(len(blocks), 1) + sum(map(_size_of, blocks))


def _size_of(block: Json) -> int:
    known = _sizes.get(id(block))
    if known is None:
        return len(_json(block))
    if not known[1]:
        known = _sizes[id(block)] = block, len(_json(block))
    return known[1]


def _lines(block: Json) -> int:
    """How many lines a reader loses with a block."""
    if block["type"] == "section" and "fields" in block:
        return len(block["fields"])
    if block["type"] == "rich_text":
        return sum(
            1 + "".join(piece.get("text", "") for piece in element["elements"]).count("\n")
            for element in block["elements"]
        )
    if block["type"] == "section":
        return 1 + str(block["text"]["text"]).count("\n")
    return 0 if block["type"] == "divider" else 1


def _part(part: Part) -> Iterator[Json]:
    match part:
        case Para(text):
            yield from _para(text)
        case Rows():
            yield from _para(part.text)
        case Note(text):
            yield from _note(text)
        case Heading(text) if str(text).strip():
            yield {"type": "header", "text": plain_text(text, HEADER)}
        case Fields(pairs):
            shown = [_field(str(label), value) for label, value in pairs]
            for start in range(0, len(shown), FIELDS):
                yield {"type": "section", "fields": shown[start : start + FIELDS]}
        case CodeBlock(text):
            for chunk in _chunks([text] if text.strip() else []):
                yield _rich("rich_text_preformatted", [{"type": "text", "text": chunk}])
        case Divider():
            yield {"type": "divider"}


def _para(text: Line) -> Iterator[Json]:
    shown = in_language(text)
    if is_risky(shown):
        for group in _element_groups(rich_elements(shown)):
            yield _rich("rich_text_section", group)
    else:
        for chunk in _chunks(pieces(shown)):
            yield {"type": "section", "text": _mrkdwn(chunk)}


def _note(text: Line) -> Iterator[Json]:
    if is_risky(text) and all(isinstance(piece, str) for piece in text):
        for chunk in _chunks([plain(text)], NOTE):
            yield {"type": "context", "elements": [plain_text(chunk, NOTE)]}
    else:
        for chunk in _chunks(pieces(text), NOTE):
            yield _context(chunk)


def _field(label: str, value: Line) -> Json:
    if is_risky((label, *value)) and all(isinstance(piece, str) for piece in value):
        return plain_text(f"{label}\n{plain(value) or '–'}", FIELD)
    head = "".join(pieces((bold(cut(label, 75)), "\n"))) if label.strip() else ""
    return _mrkdwn(head + next(_chunks(pieces(value), FIELD - len(head)), "–"))


def _actions(buttons: Sequence[Button], first: int) -> Iterator[Json]:
    elements = [_button(button, first + index) for index, button in enumerate(buttons)]
    for start in range(0, len(elements), ROW):
        yield {"type": "actions", "elements": elements[start : start + ROW]}


def _button(button: Button, index: int) -> Json:
    if len(button.value) > VALUE:
        raise ValueError("a button's value is an opaque id, at most 2,000 characters")
    shown: Json = {
        "type": "button",
        "action_id": action_id(button.action, index),
        "text": plain_text(button.label, BUTTON),
        "value": button.value,
    }
    if button.style:
        shown["style"] = button.style
    if button.confirm is not None:
        shown["confirm"] = _confirm(button.confirm, button.style)
    return shown


def _confirm(asked: Confirm, style: str) -> Json:
    """Slack's own question before it tells us of a click."""
    return {
        "title": plain_text(asked.title, TITLE),
        "text": plain_text(plain(asked.text), CONFIRM),
        "confirm": plain_text(asked.yes, ANSWER),
        "deny": plain_text(asked.no, ANSWER),
        "style": "danger" if style == "danger" else "primary",
    }


def plain_text(text: Text, limit: int) -> Json:
    """A plain_text object: literal, never empty, cut with an ellipsis."""
    return {"type": "plain_text", "text": cut(str(text), limit).strip() or "–", "emoji": False}


def _mrkdwn(text: str) -> Json:
    # verbatim: Slack must not make links and mentions of what was meant literally.
    return {"type": "mrkdwn", "text": text, "verbatim": True}


def _context(text: str) -> Json:
    return {"type": "context", "elements": [_mrkdwn(text)]}


def _rich(kind: str, elements: list[Json]) -> Json:
    return {"type": "rich_text", "elements": [{"type": kind, "elements": elements}]}


def _chunks(texts: Iterable[str], limit: int = SECTION) -> Iterator[str]:
    """Pack texts into chunks within `limit`, whole lines together where that is possible.

    A text longer than `limit` is cut inside; the caller passes such only where any cut is right.
    """
    texts = list(texts)
    if sum(map(len, texts)) <= limit:  # nearly all are
        if (whole := "".join(texts)).strip():
            yield whole.strip("\n")
        return
    atoms = (atom for text in texts for atom in _at_line_ends(text, limit))
    current = ""
    for text in _units(atoms, str, lambda unit: sum(map(len, unit)) <= limit):
        joined = "".join(text)
        if current and len(current) + len(joined) > limit:
            if current.strip():
                yield current.strip("\n")
            current = ""
        current += joined
    if current.strip():
        yield current.strip("\n")


def _at_line_ends(text: str, limit: int) -> Iterator[str]:
    if len(text) <= limit and "\n" not in text[:-1]:  # nearly all are
        if text:
            yield text
        return
    for match in re.finditer(r"[^\n]*\n|[^\n]+", text):
        for start in range(0, len(match[0]), limit):
            yield match[0][start : start + limit]


def _units(
    atoms: Iterable[T], text: Callable[[T], str], fits: Callable[[list[T]], bool]
) -> Iterator[list[T]]:
    """What should stay together: the atoms of a line; those of one that is too long, alone."""
    row: list[T] = []
    for atom in atoms:
        row.append(atom)
        if text(atom).endswith("\n"):
            yield from [row] if fits(row) else ([one] for one in row)
            row = []
    yield from [row] if fits(row) else ([one] for one in row)


def _element_groups(elements: Iterable[Json]) -> Iterator[list[Json]]:
    """Rich text's elements in groups that fit into a section, whole lines together."""
    whole = list(elements)
    if _length(whole) <= SECTION:
        yield whole
        return
    atoms = (atom for element in whole for atom in _lines_of(element))
    group: list[Json] = []
    for unit in _units(atoms, _text, lambda unit: _length(unit) <= SECTION):
        if group and _length(group) + _length(unit) > SECTION:
            yield _without_last_break(group)
            group = []
        group += unit
    if group:
        yield group


def _without_last_break(group: list[Json]) -> list[Json]:
    """The next section begins a line anyway."""
    last = group[-1]
    rest = _text(last).removesuffix("\n")
    return (
        group
        if last["type"] != "text"
        else [*group[:-1], *([{**last, "text": rest}] if rest else [])]
    )


def _lines_of(element: Json) -> Iterator[Json]:
    if element["type"] != "text":
        yield element
    else:
        yield from ({**element, "text": one} for one in _at_line_ends(_text(element), SECTION))


def _text(element: Json) -> str:
    return str(element.get("text", ""))


def _length(elements: Iterable[Json]) -> int:
    return sum(len(_text(element)) + 40 for element in elements)
