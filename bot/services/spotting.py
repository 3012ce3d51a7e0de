"""The machine and the node that somebody speaks of, wherever they stand in a line. Pure.

The longest name counts, also without its quotes, in the possessive (`ada's`) or with a slip
(`adas training run`). Where two may be meant, neither is.
"""

import re
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import islice, takewhile

from bot.folding import fold, peel
from bot.model import Machine, Node

_LEAST_ID = 4  # characters of an id that say enough
_LEAST = 3  # of a name's first word, and of one that may have an s too many
_LEAST_WITHIN = 4  # of another word out of a name: “run” and “old” are said of anything
_ENOUGH = 20  # things that a word may mean: of more, as of two, it says none
_MOST = 60  # words of a line worth looking at
_HAN = re.compile("[\u4e00-\u9fff]")
_RUNS = re.compile("[\u4e00-\u9fff]+|[^\u4e00-\u9fff]+")
_PARTS = re.compile(r"[\s_-]+")
_PARTING = (",", ";", ".", "，", "；")
_ON = frozenset({"on", "at", "from", "在"})
# “all but ada”, “keep ada”, “除了 ada 都重启”, “ada 以外的”: the very one that is not meant.
_SPARING = re.compile(
    r"(?:^| )(?:except|excluding|besides|apart from|other than|all(?: \w+)? but|everything but|"
    r"rather than|instead of|keep|leave|spare|preserve|"
    r"\S*(?:(?<![删移去清扫])除了?|除开|保留|留下|只留|留着))"
    r"(?: (?:for|the|my|our|just|only|machine|vm))*$"
)
_UP_TO_COMMA = re.compile("[^，]+，*|，+")
_ABOVE = re.compile("^上面?")
_SPARED = re.compile("(?:以外|之外|除外|留下|留着|保留|alone$)")

_Key = tuple[str, ...]
_Order = tuple[bool, int, int]


@dataclass(frozen=True, slots=True)
class Spotted:
    """What a line is about, the words before it and those behind it.

    `is_unclear`: several things may be meant. `on_node`: the node only says where. `is_parted`: a
    comma stands behind what comes first of them. `is_begun`: of several words of the machine's
    name the line has some, but not all, and not just the first. `several`: the machines that are
    named, where none of them is meant for sure, and the words `beside` their names. `elsewhere`:
    the machine that is named, where the line says that it is on a node on which it is not.
    """

    machine: Machine | None
    node: Node | None
    before: tuple[str, ...]
    behind: tuple[str, ...]
    is_unclear: bool = False
    on_node: bool = False
    is_parted: bool = False
    is_begun: bool = False
    several: tuple[Machine, ...] = ()
    beside: tuple[str, ...] = ()
    elsewhere: Machine | None = None

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
    def order(self) -> _Order:
        """By which the best one is found: a whole name, the longest, the exact one."""
        return self.rank >= _BEGUN, self.start - self.end, self.rank

    @property
    def is_begun(self) -> bool:
        """Whether it has more than the first word of a name, or another one, but not all."""
        return self.rank == _WITHIN or (self.rank == _BEGUN and self.end - self.start > 1)

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
    several, beside = _named_in(words, of_machines)
    if any(_is_spared(words, one) for one in (machine, node) if one is not None):
        return Spotted(
            None, None, tuple(words), (), is_unclear=True, several=several, beside=beside
        )
    elsewhere: Machine | None = None
    on_node = node is not None and node.start > 0 and fold(words[node.start - 1]) in _ON
    if node is not None and (on_node or (machine is None and is_unclear)):
        there_only = [one for one in of_machines if _is_on(one.thing, node.thing)]
        is_elsewhere = machine is not None and not there_only
        if on_node and is_elsewhere and machine is not None and not is_unclear:
            elsewhere = machine.thing if isinstance(machine.thing, Machine) else None
        machine, is_unclear = _best(there_only)
        is_unclear = is_unclear or is_elsewhere
    told = _told(words, machine, node, is_unclear=is_unclear or is_doubtful, on_node=on_node)
    told = replace(told, elsewhere=elsewhere)
    return replace(told, several=several, beside=beside) if machine is None else told


def _named_in(
    words: Sequence[str], hits: Sequence[_Hit]
) -> tuple[tuple[Machine, ...], tuple[str, ...]]:
    """The machines that may be meant, as they are named, and the words beside their names."""
    best = sorted(hits, key=lambda one: one.order)
    taken: dict[int, _Hit] = {}
    for one in best:
        there = [taken[at] for at in range(one.start, one.end) if at in taken]
        if all(other.order == one.order for other in there):
            taken.update(dict.fromkeys(range(one.start, one.end), one))
    named = dict.fromkeys(
        one.thing for one in sorted(hits, key=lambda one: one.start) if one in taken.values()
    )
    machines = tuple(one for one in named if isinstance(one, Machine))
    return machines, tuple(word for at, word in enumerate(words) if at not in taken)


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
    if node is not None and words[node.start - 1] == "在":  # 在 gpu1 上建一台
        left = [(at, _ABOVE.sub("", word) if at == node.end else word) for at, word in left]
    return Spotted(
        machine.thing if machine and isinstance(machine.thing, Machine) else None,
        node.thing if node and isinstance(node.thing, Node) else None,
        tuple(word for at, word in left if at < first),
        tuple(word for at, word in left if at > first),
        is_unclear=is_unclear,
        on_node=on_node,
        is_parted=last > 0 and words[last - 1].endswith(_PARTING),
        is_begun=machine is not None and machine.is_begun,
    )


def _is_spared(words: Sequence[str], hit: _Hit) -> bool:
    """Whether it is named as the one that stays as it is."""
    before = " ".join(fold(peel(word)) for word in words[max(0, hit.start - 5) : hit.start])
    behind = fold(peel(words[hit.end])) if hit.end < len(words) else ""
    return bool(_SPARING.search(before) or _SPARED.match(behind))


def _is_on(machine: Machine | Node, node: Machine | Node) -> bool:
    return isinstance(machine, Machine) and isinstance(node, Node) and machine.node == node.id


def _best(hits: Sequence[_Hit]) -> tuple[_Hit | None, bool]:
    """The one that is meant; or none, and whether that is because several may be."""
    if not hits:
        return None, False
    best = min(hits, key=lambda one: one.order)
    there: dict[int, _Order] = {}  # the best that each word is part of
    for one in hits:
        for at in range(one.start, one.end):
            there[at] = min(there.get(at, one.order), one.order)
    for one in hits:
        if one.thing is best.thing or (one.meets(best) and one.order != best.order):
            continue  # “delete ada, keep inference” does not say by rank which one is meant
        if min(there[at] for at in range(one.start, one.end)) == one.order:
            return None, True
    return best, False


def _hits(
    words: Sequence[str],
    things: Sequence[Machine] | Sequence[Node],
    is_said: Callable[[str], bool],
) -> list[_Hit]:
    names, bare = _Names(things), [peel(word) for word in words]
    keys = [_key(word) for word in words]
    slips, said = [_slip(key) for key in keys], [is_said(word) for word in words]
    return [
        _Hit(rank, start, end, thing)
        for start in range(len(words))
        if keys[start]
        for end, rank, thing in names.read(bare, keys, slips, start, is_word=said[start])
    ]


@lru_cache(maxsize=20_000)
def _split(name: str) -> tuple[_Key, _Key]:
    """The words of a name as they are compared, and those without an s too many."""
    key = tuple(filter(None, map(_key, name.split())))
    return key, tuple(map(_slip, key))


class _Names:
    """What things are called, by the words that lines are made of."""

    def __init__(self, things: Iterable[Machine | Node]) -> None:
        self._exact: dict[str, list[Machine | Node]] = {}
        self._whole: dict[_Key, list[tuple[_Key, Machine | Node]]] = {}
        self._with: dict[str, list[tuple[_Key, int, Machine | Node]]] = {}
        self._firsts: list[tuple[str, int, Machine | Node]] = []
        self._longest = 1
        for number, thing in enumerate(things):
            for name in _names(thing):
                self._add(name, number, thing)
            self._firsts += [(fold(one), ~number, thing) for one in _ids(thing) if one]
        self._firsts.sort(key=lambda one: one[:2])

    def _add(self, name: str, number: int, thing: Machine | Node) -> None:
        key, slips = _split(name)
        self._exact.setdefault(name, []).append(thing)
        if not key:
            return
        self._longest = max(self._longest, len(key))
        self._whole.setdefault(slips, []).append((key, thing))
        self._firsts.append((key[0], number, thing))
        for at, word in enumerate(slips):
            if len(word) >= (_LEAST_WITHIN if at else _LEAST) and len(slips) > 1:
                self._with.setdefault(word, []).append((slips, at, thing))
        for part in _PARTS.split(key[0]):
            if len(part) >= _LEAST_WITHIN and part != key[0]:
                self._with.setdefault(part, []).append(((part,), 1, thing))

    def read(
        self, bare: Sequence[str], keys: Sequence[str], slips: Sequence[str], start: int, *,
        is_word: bool,
    ) -> Iterator[tuple[int, int, Machine | Node]]:  # fmt: skip
        """What the words from here on may name: how far, and how surely.

        A word of the language is seldom a name, and the beginning of none.
        """
        for thing in self._exact.get(bare[start], ()):
            yield start + 1, _EXACT, thing
        for end in range(start + 1, min(start + self._longest, len(slips)) + 1):
            for key, thing in self._whole.get(tuple(slips[start:end]), ()):
                if tuple(keys[start:end]) == key:
                    yield end, _BEGUN if is_word and len(key) == 1 else _WHOLE, thing
                elif not (is_word and len(key) == 1):
                    yield end, _SLIP, thing
        for key, thing in self._whole.get(tuple(map(_slip, keys[start].split())), ()):
            if len(key) > 1 and keys[start] == " ".join(key):  # in quotes
                yield start + 1, _WHOLE, thing
        if not is_word:
            yield from self._parts(keys, slips, start)

    def _parts(
        self, keys: Sequence[str], slips: Sequence[str], start: int
    ) -> Iterator[tuple[int, int, Machine | Node]]:
        """What has these words in its name, or begins as the first of them does."""
        for name, at, thing in self._with.get(slips[start], ())[:_ENOUGH]:
            pairs = zip(slips[start:], name[min(at, len(name) - 1) :], strict=False)
            same = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
            yield start + same, _WITHIN if at else _BEGUN, thing
        word = keys[start]
        if len(word) < _LEAST_ID:
            return
        first = bisect_left(self._firsts, word, key=lambda one: one[0])
        for one, number, thing in islice(self._firsts, first, first + _ENOUGH):
            if not one.startswith(word):
                break
            yield start + 1, _ID if number < 0 else _BEGUN, thing


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
        elif "，" in word and word not in names:  # inference，ada
            found += _UP_TO_COMMA.findall(word)
        else:
            found.append(word)
    return found
