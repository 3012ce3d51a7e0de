"""What the bot showed, pasted behind a command: what it names, where that is clear.

All words have to be of one row, a heading or a card, so that none that says something else is
lost. Looks only at what is known here; asks nobody.
"""

import re
from collections.abc import Iterator, Mapping, Sequence

from bot.errors import Refused
from bot.ids import UserId
from bot.language.args import NODE_OPTION
from bot.language.cells import PastedRow, rows_in
from bot.language.joined_words import takes_node
from bot.language.kind import Kind
from bot.language.kinds import ALL
from bot.language.parse import Parsed, with_words
from bot.language.text import is_decoration
from bot.language.unclear import Surplus, Unclear
from bot.model import Place
from bot.pipeline.context import Services
from bot.services.shown import (
    is_beside,
    is_of_list,
    machines_shown,
    mentioned,
    nodes_mentioned,
    nodes_shown,
    says_nothing_more,
)

_MOST = 40  # words of what is worth looking at

_ID = re.compile(r"(?=.*[A-Z])(?=.*[a-z0-9])[A-Za-z0-9]{8,}")

_ROWED = frozenset(kind for kind in ALL if kind.is_rowed)
_MACHINES = frozenset(kind for kind in ALL if kind.shows_machine)
_NUMBERED = frozenset(kind for kind in ALL if kind.is_numbered)
_NODES = frozenset(kind for kind in ALL if kind.is_node)
_IN_TABLES = (_MACHINES, _NODES, _ROWED, _NUMBERED)


async def row_meant(
    services: Services, surplus: Unclear, actor: UserId, place: Place
) -> Parsed | None:
    """The command with what the pasted row names; None where it is none."""
    if not isinstance(surplus, Surplus):
        return None
    bare, kinds = surplus.bare, {p.arg.kind for p in surplus.command.parameters}
    if len(bare) > _MOST:
        return None
    row = _Row(surplus)
    if meant := row.of_table(services.aliases.of(actor)):
        return meant
    if kinds & _MACHINES:
        seen = await services.inventory.machines(actor, place.channel)
        on = surplus.values.get(NODE_OPTION, "")
        machines = mentioned(seen, " ".join([*bare, "on", on]))
        async with services.store.read() as tx:
            by_id = {node.id: node for node in await tx.inventory.nodes()}
        for start, end in _spans(bare):
            text = " ".join(bare[start:end]) + (f" on {on}" if on else "")
            found = machines_shown(machines, by_id, text)
            word = found[0].task if len(found) == 1 else text
            if found and (meant := row.read_as(start, end, word, _MACHINES)):
                return meant
    if kinds & _NODES:
        async with services.store.read() as tx:
            nodes = nodes_mentioned(await tx.inventory.nodes(), " ".join(bare))
        for start, end in _spans(bare):
            text = " ".join(bare[start:end])
            if nodes_shown(nodes, text) and (meant := row.read_as(start, end, text, _NODES)):
                return meant
    return row.of_one_word()


class _Row:
    """A line with more words than its command takes."""

    def __init__(self, surplus: Surplus) -> None:
        self._command = surplus.command
        self._bare = surplus.bare
        self._values = surplus.values

    def of_table(self, aliases: Mapping[str, str]) -> Parsed | None:
        """It with what the first cell of a table's row calls a thing."""
        for row in rows_in(self._bare):
            for name, count in _names(row.begin):
                is_alias = _is_of(aliases.get(name, ""), row)
                kinds = (_ROWED,) if is_alias else self._named_in(row)
                words = [*row.begin[:-count], name]
                found = (self._fitted(words, name, one) for one in kinds)
                if meant := next((one for one in found if one), None):
                    return meant
        return None

    def _named_in(self, row: PastedRow) -> Sequence[frozenset[Kind]]:
        """What a row may name: what stands in its other cells must not be meant for the command.

        Nobody types a tab, but people do go on in another line.
        """
        freely = all(not p.arg.kind.is_flag for p in self._command.parameters)
        if not freely or not row.has_tabs:
            if not is_of_list(row.beside[0]):
                return ()
            if all(is_beside(cell) for cell in row.beside):
                return _IN_TABLES
            return (_ROWED,) if freely else ()
        return _IN_TABLES

    def of_one_word(self) -> Parsed | None:
        """It without what a list says behind a name."""
        freely = all(not p.arg.kind.is_flag for p in self._command.parameters)
        for start, end in _spans(self._bare):
            word, *behind = self._bare[start:end]
            if is_decoration(word):
                continue
            is_row = "·" in behind or (_ID.fullmatch(word) and any(map(_says_what, behind)))
            if is_row and (meant := self.read_as(start, end, word, _NUMBERED)):
                return meant
            if not says_nothing_more(behind, freely=freely):
                continue
            if meant := self.read_as(start, end, word, _ROWED):
                return meant
        return None

    def read_as(self, start: int, end: int, word: str, kinds: frozenset[Kind]) -> Parsed | None:
        """It with one word for these, if it then fits and the word is for one of these kinds."""
        return self._fitted([*self._bare[:start], word, *self._bare[end:]], word, kinds)

    def _fitted(self, words: Sequence[str], word: str, kinds: frozenset[Kind]) -> Parsed | None:
        try:
            meant = with_words(self._command, words, self._besides(kinds))
            named = [
                p
                for p in self._command.parameters
                if p.name not in self._values
                and p.arg.kind in kinds
                and (p.arg.is_narrow or not p.arg.kind.is_free)
                and meant.values.get(p.name) == p.arg.canonical(p.name, word)
            ]
        except Refused:
            return None
        return meant if named else None

    def _besides(self, kinds: frozenset[Kind]) -> Mapping[str, str]:
        """What else was given; a node only where the command takes one, and no row said it."""
        has_node = takes_node(self._command) and not kinds & _MACHINES
        return {n: text for n, text in self._values.items() if has_node or n != NODE_OPTION}


def _says_what(word: str) -> bool:
    """Whether a word ends what is followed, or requested: `Restart a machine: train-01`."""
    return len(word) > 1 and word.endswith((":", "："))


def _names(cell: Sequence[str]) -> Iterator[tuple[str, int]]:
    """What a first cell may call a thing, and how many words from the end that stands."""
    named = cell.index("·") if "·" in cell else len(cell)  # behind the dot, who made it
    for start in reversed(range(named)):
        yield " ".join(cell[start:named]), len(cell) - start
        if says_nothing_more(cell[start + 1 :], freely=True):
            yield cell[start], len(cell) - start


def _is_of(body: str, row: PastedRow) -> bool:
    """Whether the cell beside an alias is what it stands for; options are no bare words."""
    said = [word for cell in row.beside for word in cell]
    return bool(body) and set(said) <= set(body.split())


def _spans(words: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Where several of the words stand side by side, the most of them first."""
    for count in range(len(words), 1, -1):
        for start in range(len(words) - count + 1):
            yield start, start + count


def name_of_row(text: str) -> str:
    """The name that a row begins with; nothing where the text is none."""
    name, *behind = text.split() or [""]
    return name if behind and says_nothing_more(behind, freely=True) else ""
