"""Which sentences of the catalogue the golden files show, in each language.

The unit is the template (a `say`), not the function that builds a message: the catalogue lists all
templates, one such function has ten branches of which a golden file may show one, and each has a
Chinese of its own. A label of a word or two may stand in another sentence, and counts as shown.
"""

import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from string import Formatter

from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import read_po

from bot.cli.catalogue import said_in

ROOT = Path(__file__).parents[2]
GOLDEN = Path(__file__).parent / "__snapshots__"
LOCALES = ("en-US", "zh-CN")
_MARKUP = re.compile("[*_~`\u200b]")


def catalogue() -> Catalog:
    """Every template, with its Chinese."""
    with (ROOT / "bot/locale/zh_CN/LC_MESSAGES/bot.po").open("rb") as file:
        return read_po(file, locale="zh_CN")


def name(message: Message) -> str:
    """What a template is called: the one for a single thing, where there are two."""
    return message.id if isinstance(message.id, str) else str(message.id[0])


def templates() -> list[Message]:
    """The templates that have a word of their own: not `{told} {next}`."""
    return [one for one in catalogue() if one.id and _has_words(name(one))]


def _has_words(template: str) -> bool:
    return any(letter.isalpha() for literal in _literals(template) for letter in literal)


def said_by(*rooms: str) -> set[str]:
    """The names of the templates that these files, or the files in these directories, say."""
    files = [file for room in rooms for file in _files(ROOT / room)]
    said = [one for file in files for one in said_in(file.read_text(encoding="utf-8"))]
    return {one if isinstance(one, str) else one[0] for one in said}


def _files(room: Path) -> Sequence[Path]:
    return [room] if room.is_file() else sorted(room.rglob("*.py"))


@cache
def shown() -> frozenset[str]:
    """The names of the templates that stand in a golden file of each language."""
    english, chinese = (_text(locale) for locale in LOCALES)
    return frozenset(
        name(one)
        for one in templates()
        if any(stands_in(english, form) for form in _forms(one.id))
        and any(stands_in(chinese, form, spaced=False) for form in _forms(one.string))
    )


def _forms(said: object) -> Sequence[str]:
    return (said,) if isinstance(said, str) else tuple(said)  # type: ignore[arg-type]


def stands_in(text: str, template: str, *, spaced: bool = True) -> bool:
    """Whether a line of the text has all of the template's own words, in their order."""
    literals = [_plain(literal, spaced=spaced) for literal in _literals(template)]
    longest = max(literals, key=len)
    at = text.find(longest)
    while at >= 0:
        end = text.find("\n", at)
        line = text[text.rfind("\n", 0, at) + 1 : end if end >= 0 else len(text)]
        if _in_order(line, literals, spaced=spaced):
            return True
        at = text.find(longest, end) if end >= 0 else -1
    return False


def _in_order(line: str, literals: Sequence[str], *, spaced: bool) -> bool:
    """Whether they stand in a line one after the other; with spaces, not within a longer word."""
    end = 0
    for place, literal in enumerate(literals):
        at = line.find(literal, end)
        while at >= 0 and spaced:
            begins = place > 0 or not _splits_word(line, at)
            if begins and (place + 1 < len(literals) or not _splits_word(line, at + len(literal))):
                break
            at = line.find(literal, at + 1)
        if at < 0:
            return False
        end = at + len(literal)
    return True


def _splits_word(line: str, at: int) -> bool:
    return line[max(at - 1, 0) : at].isalnum() and line[at : at + 1].isalnum()


@cache
def _text(locale: str) -> str:
    """All that the golden files of a language say, each line once."""
    lines: dict[str, None] = {}
    for file in sorted(GOLDEN.rglob(f"*{locale}*.txt")):
        text = file.read_text(encoding="utf-8")
        lines |= dict.fromkeys(_plain(one, spaced=locale == "en-US") for one in text.splitlines())
    return "\n".join(lines)


def _plain(text: str, *, spaced: bool) -> str:
    """Without what markup adds, and without the spaces that Chinese puts between two pieces."""
    text = _MARKUP.sub("", text).replace("\n", " ⏎ ")
    return re.sub(r"[^\S\n]+", " " if spaced else "", text)


def _literals(template: str) -> Sequence[str]:
    """What a template says itself, before, between and behind what is filled in."""
    parsed = list(Formatter().parse(template))
    found = [literal for literal, _, _, _ in parsed]
    return found if not parsed or parsed[-1][1] is None else [*found, ""]
