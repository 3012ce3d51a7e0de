"""The templates of all that is said (bot.pot), and what is wrong with their translations.

They stand in `say`. The help of a command is its docstring, so the rows tell it.
"""

import ast
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from gettext import GNUTranslations
from io import BytesIO
from pathlib import Path
from string import Formatter
from typing import TYPE_CHECKING

from bot.commands.rows import command_table
from bot.reply import Language

if TYPE_CHECKING:  # the bot itself does without Babel
    from babel.messages.catalog import Catalog, Message

_SOURCES = ("bot", "handlers", "storage")
# Only words change in the file: no dates, no places, always in one order.
_WIDTH = 100
# The languages in which nothing may be missing, nor be left of what is no longer said.
COMPLETE: frozenset[Language] = frozenset({"zh"})
_HEADER = """\
msgid ""
msgstr ""
"Language: {locale}\\n"
"MIME-Version: 1.0\\n"
"Content-Type: text/plain; charset=utf-8\\n"
"Content-Transfer-Encoding: 8bit\\n"
"Plural-Forms: nplurals={plurals}; plural={plural};\\n"

"""
# What looks like something: commands in backticks, bold, options, addresses, line breaks.
_MARKUP = re.compile(r"`[^`]*`|\*[^*\s][^*]*\*|--[a-z-]+|https?://\S+|\n")
# Between two things, where languages differ in their blanks.
_JOINTS = frozenset({"and", "or", ",", ";", ":"})
# What stands in Chinese where a sentence has it in English.
_HALF_WIDTH = re.compile(r"[\u4e00-\u9fff][,;:!?]|[,;:!?][\u4e00-\u9fff]")
# Between Chinese and what is Latin or a number there is a space.
_UNSPACED = re.compile(r"[\u4e00-\u9fff][A-Za-z0-9]|[A-Za-z0-9][\u4e00-\u9fff]")


def catalogue(root: Path) -> str | None:
    """The content of bot.pot; None where Babel, which only developers need, is not installed."""
    try:  # imported here: the bot itself does without
        import babel  # noqa: F401, PLC0415
    except ImportError:
        return None
    return _written(templates(root))


def templates(root: Path) -> "Catalog":
    """All templates, as they stand in the sources."""
    from babel.messages.catalog import Catalog  # noqa: PLC0415

    found = Catalog()
    for source in _SOURCES:
        for file in sorted((root / source).rglob("*.py")):
            for message in said_in(file.read_text(encoding="utf-8")):
                found.add(message)
    for command in command_table():
        found.add(command.help.template)
    return found


def said_in(source: str) -> Iterator[str | tuple[str, str]]:
    """The templates in a file. Babel's own extraction loses calls within calls within calls."""
    for call in ast.walk(ast.parse(source)):
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name):
            literals = [one.value for one in call.args[:2] if isinstance(one, ast.Constant)]
            match call.func.id, literals:
                case "say", [str(template)]:
                    yield template
                case "say_number", [str(one), str(several)]:
                    yield one, several


def translated(po: Path, locale: str) -> "Catalog":
    """The translations in a file."""
    from babel.messages.pofile import read_po  # noqa: PLC0415

    with po.open("rb") as file:
        return read_po(file, locale=locale)


def source_of(translations: "Catalog") -> str:
    """The translations as they stand in their file: in order, without dates and places."""
    header = _HEADER.format(
        locale=translations.locale_identifier,
        plurals=translations.num_plurals,
        plural=translations.plural_expr,
    )
    return header + _written(translations)


def compiled(translations: "Catalog") -> bytes:
    """The translations as gettext reads them."""
    from babel.messages.mofile import write_mo  # noqa: PLC0415

    file = BytesIO()
    write_mo(file, translations)
    return file.getvalue()


def is_current(compiled_file: Path, translations: "Catalog") -> bool:
    """Whether a compiled file says what its source says."""
    if not compiled_file.exists():
        return False
    return _sayings(compiled_file.read_bytes()) == _sayings(compiled(translations))


def _sayings(mo: bytes) -> object:
    found: dict[object, str] = vars(GNUTranslations(BytesIO(mo)))["_catalog"]
    return {key: value for key, value in found.items() if key}


def missing(wanted: "Catalog", translations: "Catalog") -> list[str]:
    """The templates that have no translation."""
    return [
        _id(one)
        for one in wanted
        if one.id and (not (found := translations.get(one.id)) or not _texts(found))
    ]


def stale(wanted: "Catalog", translations: "Catalog") -> list[str]:
    """What is translated and is no template any more, or other in its plural."""
    return [
        _id(one)
        for one in translations
        if one.id and (not (found := wanted.get(one.id)) or found.id != one.id)
    ]


def settle(wanted: "Catalog", translations: "Catalog") -> None:
    """Give each new template an empty translation to fill in, and drop what is no longer said."""
    for old in stale(wanted, translations):
        translations.delete(old)
    for one in wanted:
        if one.id and not translations.get(one.id):
            translations.add(one.id)


def what_to_do(
    file: str, lacking: Sequence[str], left: Sequence[str], *, is_check: bool = True
) -> str:
    """What whoever added or changed a template does now; a check has not changed the file yet."""
    told = ["Run `python -m bot docs`."] if is_check else []
    if lacking:
        added = "It adds these to" if is_check else "These were added to"
        told += [f'{added} {file}; fill in each `msgstr ""` and run `python -m bot docs` again:']
        told += [f"  {one!r}" for one in lacking]
    if left:
        told += [f"It drops these from {file}, which no `say` has any more:"]
        told += [f"  {one!r}" for one in left]
    return "\n".join(told)


def faults(translations: "Catalog") -> list[str]:
    """What is wrong with the translations that there are."""
    return [
        f"“{_id(one)}”: {fault}"
        for one in translations
        if one.id
        for fault in _faults(one, translations.num_plurals)
    ]


def _faults(message: "Message", plurals: int) -> Iterator[str]:
    texts = _texts(message)
    if message.fuzzy:
        yield "it is fuzzy"
    if texts and isinstance(message.id, tuple | list) and len(texts) != plurals:
        yield f"it needs {plurals} plural forms and has {len(texts)}"
    # The form for many is the one that names the number, if any does.
    template = message.id if isinstance(message.id, str) else message.id[-1]
    for text in texts:
        if _placeholders(text) != _placeholders(template):
            yield f"other placeholders in “{text}”"
        if Counter(_MARKUP.findall(text)) != Counter(_MARKUP.findall(template)):
            yield f"other markup in “{text}”"
        if _edges(text) != _edges(template) and template.strip() not in _JOINTS:
            yield f"blanks at the edge of “{text}”"
        if _HALF_WIDTH.search(text):
            yield f"a punctuation mark of half width in “{text}”"
        if _UNSPACED.search(text):
            yield f"a blank is missing in “{text}”"


def _edges(text: str) -> tuple[bool, bool]:
    return text[:1].isspace(), text[-1:].isspace()


def _placeholders(text: str) -> Counter[str]:
    return Counter(name for _, name, _, _ in Formatter().parse(text) if name is not None)


def _texts(message: "Message") -> list[str]:
    said = message.string or ""
    texts = [said] if isinstance(said, str) else said
    return [text for text in texts if text]


def _id(message: "Message") -> str:
    return message.id if isinstance(message.id, str) else message.id[0]


def _written(catalog: "Catalog") -> str:
    from babel.messages.pofile import write_po  # noqa: PLC0415

    text = BytesIO()
    write_po(text, catalog, width=_WIDTH, no_location=True, omit_header=True, sort_output=True)
    return text.getvalue().decode()
