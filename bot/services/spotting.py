"""The machine and the node that somebody speaks of, wherever they stand in a line. Pure.

The longest name counts, also without its quotes, in the possessive (`ada's`) or with a slip
(`adas training run`). Where two may be meant, neither is.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import takewhile

from bot.folding import fold, peel
from bot.model import Machine, Node

_LEAST_ID = 4  # characters of an id that say enough
_LEAST = 3  # of a word out of a name, and of one that may have an s too many
_FIRST = 2  # characters that tell most words apart
_MOST = 60  # words of a line worth looking at
_HAN = re.compile("[\u4e00-\u9fff]")
_RUNS = re.compile("[\u4e00-\u9fff]+|[^\u4e00-\u9fff]+")
_PARTS = re.compile(r"[\s_-]+")
_PARTING = (",", ";", ".", "，", "；")
_ON = frozenset({"on", "at", "from", "在"})

_Key = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Spotted:
    """What a line is about, the words before it and those behind it.

    `is_unclear`: several things may be meant. `on_node`: the node only says where. `is_parted`: a
    comma stands behind what comes first of them.
    """

    machine: Machine | None
    node: Node | None
    before: tuple[str, ...]
    behind: tuple[str, ...]
    is_unclear: bool = False
    on_node: bool = False
    is_parted: bool = False

    @property
    def words(self) -> tuple[str, ...]:
        """The words without the names."""
        return self.before + self.behind


@dataclass(frozen=True, slots=True)
class _Hit:
    """Words that may name something, the strictest reading first: `rank` is the smallest."""

    rank: int
    start: int
    end: int
    thing: Machine | Node

    @property
    def order(self) -> tuple[bool, int, int]:
        """By which the best one is found: a whole name, the longest, the exact one."""
        return self.rank >= _BEGUN, self.start - self.end, self.rank

    def meets(self, other: "_Hit") -> bool:
        """Whether both have a word in common."""
        return self.start < other.end and other.start < self.end


_EXACT, _WHOLE, _SLIP, _ID, _BEGUN, _WITHIN = range(6)


def spotted(
    typed: Sequence[str],
    machines: Iterable[Machine],
    nodes: Iterable[Node],
    is_said: Callable[[str], bool],
) -> Spotted:
    """What of these is meant. `is_said` tells a word of the language, which begins no name."""
    known, there = list(machines), list(nodes)
    words = _apart(typed[:_MOST], _all_names(known, there))
    of_machines = _hits(words, known, is_said)
    machine, is_unclear = _best(of_machines)
    node, is_doubtful = _best(_hits(words, there, is_said))
    if machine and node and machine.meets(node):
        if machine.order <= node.order:
            node, is_doubtful = None, False
        else:
            machine, is_unclear = None, False
    on_node = node is not None and node.start > 0 and fold(words[node.start - 1]) in _ON
    if node is not None and (on_node or (machine is None and is_unclear)):
        there_only = [one for one in of_machines if _is_on(one.thing, node.thing)]
        is_elsewhere = machine is not None and not there_only
        machine, is_unclear = _best(there_only)
        is_unclear = is_unclear or is_elsewhere
    return _told(words, machine, node, is_unclear=is_unclear or is_doubtful, on_node=on_node)


def _told(
    words: Sequence[str],
    machine: _Hit | None,
    node: _Hit | None,
    *,
    is_unclear: bool,
    on_node: bool,
) -> Spotted:
    found = [one for one in (machine, node) if one is not None]
    taken = {at for one in found for at in range(one.start, one.end)}
    if node is not None and on_node:
        taken.add(node.start - 1)
    first = min((one.start for one in found), default=len(words))
    last = max((one.end for one in found if one.start == first), default=0)
    left = [(at, word) for at, word in enumerate(words) if at not in taken]
    return Spotted(
        machine.thing if machine and isinstance(machine.thing, Machine) else None,
        node.thing if node and isinstance(node.thing, Node) else None,
        tuple(word for at, word in left if at < first),
        tuple(word for at, word in left if at > first),
        is_unclear=is_unclear,
        on_node=on_node,
        is_parted=last > 0 and words[last - 1].endswith(_PARTING),
    )


def _is_on(machine: Machine | Node, node: Machine | Node) -> bool:
    return isinstance(machine, Machine) and isinstance(node, Node) and machine.node == node.id


def _best(hits: Sequence[_Hit]) -> tuple[_Hit | None, bool]:
    """The one that is meant; or none, and whether that is because several may be."""
    if not hits:
        return None, False
    best = min(hits, key=lambda one: one.order)
    rivals = [
        one
        for one in hits
        if one.thing is not best.thing
        and _is_rival(one, best)
        and not any(_is_better(other, one) for other in hits)
    ]
    return (None, True) if rivals else (best, False)


def _is_rival(one: _Hit, best: _Hit) -> bool:
    """Whether it may be meant as well: “delete ada, keep inference” does not say which by rank."""
    return not one.meets(best) or one.order == best.order


def _is_better(one: _Hit, than: _Hit) -> bool:
    return one.meets(than) and one.order < than.order


def _hits(
    words: Sequence[str],
    things: Sequence[Machine] | Sequence[Node],
    is_said: Callable[[str], bool],
) -> list[_Hit]:
    line = _Line(words, is_said)
    return [
        _Hit(rank, start, end, thing)
        for thing in things
        if line.may_name(thing)
        for start in range(len(words))
        for end, rank in line.read(start, thing)
    ]


class _Line:
    """The words of a line, as names are compared with them."""

    def __init__(self, words: Sequence[str], is_said: Callable[[str], bool]) -> None:
        self._bare = [peel(word) for word in words]
        self._keys = [_key(word) for word in words]
        self._slips = [_slip(key) for key in self._keys]
        self._said = [is_said(word) for word in words]
        self._begun = {key[:_FIRST] for key in self._keys if key}

    def may_name(self, thing: Machine | Node) -> bool:
        """Whether a word begins as something of it does: most things need no closer look."""
        parts = (part for name in _names(thing) for part in _PARTS.split(_key(name)))
        return any(part[:_FIRST] in self._begun for part in (*parts, *map(fold, _ids(thing))))

    def read(self, start: int, thing: Machine | Node) -> Iterator[tuple[int, int]]:
        """How far, and how surely, the words from here on name it."""
        word, said = fold(self._bare[start]), self._said[start]
        is_long = len(word) >= _LEAST_ID and not said
        if is_long and any(fold(one).startswith(word) for one in _ids(thing)):
            yield start + 1, _ID
        for name in _names(thing):
            key = tuple(filter(None, map(_key, name.split())))
            if self._bare[start] == name:
                yield start + 1, _EXACT
            elif key and self._keys[start]:
                yield from self._whole(start, key)
                if not said:
                    yield from self._part(start, key)

    def _whole(self, start: int, key: _Key) -> Iterator[tuple[int, int]]:
        """The whole name, in quotes or without; a word of the language is seldom one."""
        end = start + len(key)
        is_word = len(key) == 1 and self._said[start]
        if tuple(self._keys[start:end]) == key:
            yield end, _BEGUN if is_word else _WHOLE
        elif len(key) > 1 and self._keys[start] == " ".join(key):
            yield start + 1, _WHOLE
        elif not is_word and self._slips[start:end] == list(map(_slip, key)):
            yield end, _SLIP

    def _part(self, start: int, key: _Key) -> Iterator[tuple[int, int]]:
        """The beginning of a name, or words in it."""
        word, slips = self._keys[start], list(map(_slip, key))
        if len(word) > 1 and key[0].startswith(word):
            yield start + 1, _BEGUN
        if len(word) < _LEAST:
            return
        for at in range(len(key)):
            pairs = zip(self._slips[start:], slips[at:], strict=False)
            same = len(list(takewhile(lambda pair: pair[0] == pair[1], pairs)))
            if same:
                yield start + same, _WITHIN if at else _BEGUN
        if len(word) > _LEAST and word in _PARTS.split(" ".join(key)):
            yield start + 1, _WITHIN


def _ids(thing: Machine | Node) -> tuple[str, ...]:
    return (thing.task,) if isinstance(thing, Machine) else (thing.id, thing.uuid)


def _all_names(machines: Sequence[Machine], nodes: Sequence[Node]) -> list[str]:
    of_machines = (name for one in machines for name in _names(one))
    return [*of_machines, *(name for one in nodes for name in _names(one))]


def _names(thing: Machine | Node) -> list[str]:
    own = (thing.nickname, thing.desc, thing.label)
    names = own if isinstance(thing, Machine) else (*own, thing.name)
    return list(dict.fromkeys(name for name in names if name))


def _key(word: str) -> str:
    """A word as names are compared: folded, without apostrophes."""
    return fold(peel(word)).replace("'", "")


def _slip(key: str) -> str:
    """The same without an s that is a possessive, a plural or a slip."""
    return key[:-1] if len(key) > _LEAST and key.endswith("s") else key


def _apart(typed: Sequence[str], names: Sequence[str]) -> list[str]:
    """The words, also those that Chinese writes without a space between them and a name."""
    inside = sorted((n for n in names if _HAN.search(n)), key=len, reverse=True)
    found: list[str] = []
    for word in typed:
        name = next((n for n in inside if len(n) > 1 and n in word and n != word), "")
        if name:
            before, _, behind = word.partition(name)
            found += [*_RUNS.findall(before), name, *_RUNS.findall(behind)]
        elif _HAN.search(word) and word not in inside:
            found += _RUNS.findall(word)
        else:
            found.append(word)
    return found
