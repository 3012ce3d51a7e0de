"""Which machines and commands a search of the audit means, of all that it has ever named. Pure."""

import re
from collections.abc import Iterable, Iterator

from bot.folding import plain, readings

_BETWEEN = re.compile(r"[\s._/-]+")
MOST_NAMES = 1_000  # machines that one search may mean


def names_meant(text: str, names: Iterable[str]) -> Iterator[frozenset[str]]:
    """The names that may be meant, by each way to read the text, the surest first; never none.

    Those that are the text; then those of which it begins the whole or a word.
    """
    known = frozenset(names) - {""}
    ways = list(readings(text))
    for is_it, _ in ways:
        if found := frozenset(filter(is_it, known)):
            yield found
    for _, begins in ways:
        if found := frozenset(name for name in known if any(map(begins, _from_each_word(name)))):
            yield found


def commands_meant(text: str, commands: Iterable[str]) -> frozenset[str]:
    """The ids that are the text; else those of which it is a word, or begins one."""
    known = frozenset(commands) - {""}
    wanted = ".".join(filter(None, _BETWEEN.split(plain(text))))
    for found in (
        frozenset(one for one in known if one == wanted),
        frozenset(one for one in known if f".{wanted}." in f".{one}."),
        frozenset(one for one in known if wanted and f".{wanted}" in f".{one}"),
    ):
        if found:
            return found
    return frozenset()


def _from_each_word(name: str) -> Iterator[str]:
    yield name
    for found in _BETWEEN.finditer(name):
        yield name[found.end() :]
