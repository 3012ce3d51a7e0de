"""Words of a line that are one, and one that is several. Pure."""

import re
from collections.abc import Iterator, Sequence

from bot.folding import narrow, plain
from bot.language.rereading import COMMA, is_own
from bot.language.sizes import UNIT
from bot.language.table import Command
from bot.language.taking import Takes
from bot.language.text import is_quoted, option_name, parted

_NUMBER = re.compile(r"\+?\d+(?:\.\d+)?")


def apart(command: Command, typed: Sequence[str]) -> Iterator[str]:
    """The words, also where a comma stands between them without a space: `on gpu2，force`.

    Only in front of a word of the language: a name, a port and a free text may have commas.
    """
    for word in typed:
        pieces = [piece.strip() for piece in COMMA.split(word)]
        is_open = not is_quoted(word) and not takes_text(command) and all(pieces)
        key, equals, _ = parted(pieces[0])
        named = command.parameter(option_name(key) or key)
        if equals and (named is None or named.arg.kind.is_free):
            is_open = False
        if is_open and len(pieces) > 1 and all(is_own(command, p) for p in pieces[1:]):
            yield from pieces
        else:
            yield word


def with_units(command: Command, typed: Sequence[str]) -> list[str]:
    """`50 GiB` is one word where a command takes a size."""
    joined: list[str] = []
    for word in typed:
        if joined and UNIT.fullmatch(plain(word)) and _awaits_unit(command, joined[-1]):
            joined[-1] += word
        else:
            joined.append(word)
    return joined


def _awaits_unit(command: Command, word: str) -> bool:
    """Whether a word is the number of a size: `50`, `mem=50`."""
    key, _, number = narrow(word).rpartition("=")
    if not _NUMBER.fullmatch(number):
        return False
    named = command.parameter(option_name(key) or key) if key else None
    sizes = [p for p in command.parameters if p.arg.kind.has_unit]
    return named in sizes if key else bool(sizes)


def takes_text(command: Command) -> bool:
    """Whether one of its arguments may be several words."""
    return any(p.arg.kind.takes is not Takes.WORD for p in command.parameters)


def takes_node(command: Command) -> bool:
    """Whether `on <node>` can say anything for it: it acts on a machine or a node."""
    return any(p.arg.kind.is_target for p in command.parameters)
