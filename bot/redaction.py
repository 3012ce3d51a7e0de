"""The secrets that this bot knows, and how they are taken out of texts, however spelled there.

Kept in memory: what the vault holds is learned again at start, the rest when it is seen again.
Knows neither where secrets come from nor where texts go.
"""

import base64
import html
import re
import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import fields, is_dataclass, replace
from enum import Enum
from functools import cache
from operator import is_
from typing import Any, Literal, TypeVar, get_origin

from ahocorasick_rs import AhoCorasick, Implementation
from pydantic import BaseModel, SecretStr

T = TypeVar("T")

MASK = "******"

_MOST = 5_000  # secrets that are remembered; beyond that the oldest are forgotten
_GRAM = 6  # characters by which secrets are found; no distinctive one is shorter
_LONG = 16  # characters from which a secret stands out, whatever it is made of
_LEAST_ENCODED = 8  # a shorter piece of base64 could be anything
_LEAST_WORD = 4  # a shorter password is a part of too many lines to be masked as a word
_DEPTH = 3  # encodings in each other that are undone
_SHORT = 6  # characters that are looked through as fast as an automaton is asked
_MOST_TOGETHER = 16_384  # beginnings in one automaton: making it holds others up for some ms
_LABEL, _MOST_CLEAN = 80, 2_000  # characters of a short text, and how many are remembered

# What nobody sees: terminals' escape sequences, control characters, marks of no width.
_UNSEEN = re.compile(
    r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\^_])"
    r"|[\x00-\x1f\x7f-\x9f\u00ad\u200b-\u200f\u2060-\u2064\ufeff]"
)
_INVISIBLE = re.compile(rf"(?![\n\t])(?:{_UNSEEN.pattern})")
# How JSON, URLs, HTML, shells and programming languages write one character.
_SPELLED = re.compile(
    r"%(?P<url>[0-9a-f]{2})|\\u(?P<json>[0-9a-f]{4})|\\x(?P<hex>[0-9a-f]{2})|\\0?(?P<octal>33)(?=\[)"
    r"|\\(?P<escape>e)(?=\[)|&(?P<entity>\#\d{1,7}|\#x[0-9a-f]{1,6}|[a-z]{2,8});"
    r"|(?P<shell>'\\''|'\"'\"')|\\(?P<plain>[^0-9a-z\s])|\\(?P<unseen>[abfnrtv0])",
    re.IGNORECASE,
)
_MAY_SPELL = re.compile(r"[%\\&']")  # without one of these, nothing in a text is spelled so
_TOKEN = re.compile(r"[A-Z]?[a-z]+|[A-Z]+|\d+|[^\W\d_A-Za-z]+|.", re.DOTALL)
# A word, a small number, and what joins them: `train-01`, `ubuntu-22.04`, `Node 7`.
_NAMELIKE = re.compile(r"[A-Za-z]{2,}|\d{1,3}|[^\W\d_A-Za-z]+|[-_. /:]")

# Whoever signed what: DBC knows nothing else that looks like this.
_SIGNED = 128  # characters of it
_SIGNATURE = re.compile(rf"(?<![0-9a-f])(?:0x)?[0-9a-f]{{{_SIGNED}}}(?![0-9a-f])")

# Half of a character, which only a damaged text holds; the automata take no such.
_HALF = re.compile(r"[\ud800-\udfff]")

_Places = list[tuple[int, int]] | None  # where each character comes from; None: from where it is


class Redactor:
    """Recognises known secrets in texts, and any signature.

    Only a distinctive one is taken out of every text. Others look like a name or a number: masked
    everywhere they would make lists unreadable, and show by the gap what the password is. Those
    are masked where they are `own` to a text, and only as whole words.
    """

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._known: dict[str, None] = {}  # in the order in which they were last seen
        # Long answers are read in threads: what it holds is added to or replaced, never taken out.
        self._index: dict[str, list[str]] = {}
        self._automata: tuple[_Automaton, ...] = ()  # they find the beginnings, largest first
        self._learning = threading.Lock()
        self._clean: set[str] = set()  # short texts that hold nothing: labels are said all day
        self.learn(secrets)

    def learn(self, secrets: Iterable[str]) -> None:
        """Recognise these from now on, where they are distinctive."""
        distinctive = [secret for secret in secrets if is_distinctive(secret)]
        with self._learning:
            new: dict[str, None] = {}  # beginnings
            for secret in distinctive:
                if secret in self._known:
                    del self._known[secret]
                else:
                    new |= dict.fromkeys(_enter(secret, self._index))
                self._known[secret] = None
            if len(self._known) > _MOST:
                self._known = dict.fromkeys(list(self._known)[_MOST // 2 :])
                index: dict[str, list[str]] = {}
                new = {one: None for secret in self._known for one in _enter(secret, index)}
                automata = _with((), list(new))
                # In the order that lets whoever reads meanwhile find all that is known still.
                self._index, self._automata = index, automata
            elif new:
                self._automata = _with(self._automata, list(new))
            if new:  # another set: who looks meanwhile notes in the former one what they found
                self._clean = set()

    def finds(self, text: str) -> bool:
        """Whether the text holds a known secret, in any spelling."""
        return next(self._spans(text, ()), None) is not None

    def redact(self, text: str, own: Collection[str] = (), shortest: int = _LEAST_WORD) -> str:
        """The text without known secrets, and without those of `own` that stand as whole words.

        Words of fewer than `shortest` characters stay.
        """
        clean = self._clean
        if not own and text in clean:
            return text
        words = [word for word in own if len(word) >= shortest]
        spans = sorted(self._spans(text, words))
        if not spans:
            if not words and len(text) <= _LABEL and len(clean) < _MOST_CLEAN:
                clean.add(text)
            return text
        kept, at = [], 0
        for start, end in spans:
            if start >= at:
                kept.append(text[at:start] + MASK)
            at = max(at, end)
        return "".join(kept) + text[at:]

    def redacted(self, value: T) -> T:
        """The same with every text in it redacted; what is wrapped as a secret stays."""
        return each_text(value, self.redact)

    def _spans(self, text: str, words: Collection[str]) -> Iterator[tuple[int, int]]:
        own = _words(words)
        for seen, places in _readings(text):
            folded = _folded(seen)
            signature = _SIGNATURE if len(folded) >= _SIGNED else None
            for start, end in [
                *self._hits(folded),
                *_matches(own, folded),
                *_matches(signature, folded),
            ]:
                yield (start, end) if places is None else (places[start][0], places[end - 1][1])

    def _hits(self, text: str) -> Iterator[tuple[int, int]]:
        automata, index = self._automata, self._index
        for start in _starts(text, automata):
            for spelling in index.get(text[start : start + _GRAM], ()):
                if text.startswith(spelling, start):
                    yield start, start + len(spelling)


class _Automaton:
    """Finds all of some beginnings of spellings in one pass, however many there are."""

    def __init__(self, beginnings: Sequence[str]) -> None:
        self.beginnings = beginnings
        whole = {_HALF.sub("\N{REPLACEMENT CHARACTER}", one) for one in beginnings}
        self._finder = AhoCorasick(whole, implementation=Implementation.ContiguousNFA)

    def starts(self, text: str) -> Iterator[int]:
        """Where one of them may begin."""
        found = self._finder.find_matches_as_indexes(text, overlapping=True)
        return (start for _, start, _ in found)


def _starts(text: str, automata: Sequence[_Automaton]) -> Iterable[int]:
    """Where a known spelling may begin."""
    if len(text) <= _SHORT * len(automata):
        return range(len(text) - _GRAM + 1)
    whole = text if text.isascii() else _HALF.sub("\N{REPLACEMENT CHARACTER}", text)
    return (start for automaton in automata for start in automaton.starts(whole))


def _with(automata: tuple[_Automaton, ...], beginnings: list[str]) -> tuple[_Automaton, ...]:
    """The automata that find these too.

    One that is not larger is made anew with them: so there are few, and each beginning is built
    in few times, also where secrets are learned one by one.
    """
    kept = list(automata)
    while kept and len(kept[-1].beginnings) <= len(beginnings) <= _MOST_TOGETHER // 2:
        beginnings = [*kept.pop().beginnings, *beginnings]
    portions = range(0, len(beginnings), _MOST_TOGETHER)
    kept += (_Automaton(beginnings[at : at + _MOST_TOGETHER]) for at in portions)
    return tuple(sorted(kept, key=lambda one: len(one.beginnings), reverse=True))


def _enter(secret: str, index: dict[str, list[str]]) -> Iterator[str]:
    """Add its spellings; gives the beginnings that are new."""
    for spelling in _spellings(secret):
        gram = spelling[:_GRAM]
        if gram in index:
            index[gram].append(spelling)
        else:
            index[gram] = [spelling]
            yield gram


def is_distinctive(secret: str) -> bool:
    """Whether nothing but the secret itself is spelled like that.

    `123456`, `ubuntu` and `train-01` are ordinary: too short, a number, or made like a name.
    """
    if len(secret) >= _LONG:
        return len(set(secret)) > 4
    kinds = sum(re.search(kind, secret) is not None for kind in ("[a-z]", "[A-Z]", r"\d", r"[\W_]"))
    if len(secret) < _GRAM or (len(secret) < 8 and kinds < 3) or not re.search(r"[^\W\d_]", secret):
        return False
    return any(not _NAMELIKE.fullmatch(token) for token in _TOKEN.findall(secret))


def visible(text: str) -> str:
    """The text without escape sequences and marks that nobody sees; its lines stay lines."""
    return _INVISIBLE.sub("", text)


def seen(text: str) -> tuple[str, list[tuple[int, int]]]:
    """What `visible` leaves of a text, and from where to where in it each character stands."""
    left, places = _rewritten(text, None, _INVISIBLE, lambda _found: "")
    return left, places or [(at, at + 1) for at in range(len(text))]


_BARE = frozenset({int, float, bool, type(None)})  # most of what holds no text


def each_text(value: T, change: Callable[[str], str]) -> T:
    """The same value with `change` done to every text in it, however deep."""
    return _each(value, change)  # type: ignore[no-any-return]


def secrets_in(value: object) -> Iterator[str]:
    """The texts that are wrapped as secrets in a value, however deep."""
    match value:
        case SecretStr():
            yield value.get_secret_value()
        case BaseModel():
            for name in type(value).model_fields:
                yield from secrets_in(getattr(value, name))
        case dict():
            for one in value.values():
                yield from secrets_in(one)
        case tuple() | list():
            for one in value:
                yield from secrets_in(one)


def _each(value: Any, change: Callable[[str], str]) -> Any:
    kind: type = type(value)
    if kind in _BARE:
        return value
    if kind is str:
        return change(value)
    if (names := _names(kind)) is not None:
        return _each_of(value, names, change)
    match value:
        case Enum():
            return value
        case str():
            return change(value)
        case tuple() | list():
            found = [_each(one, change) for one in value]
            return value if all(map(is_, found, value)) else type(value)(found)
        case dict():
            return {key: _each(one, change) for key, one in value.items()}
    return value


def _each_of(value: Any, names: Iterable[str], change: Callable[[str], str]) -> Any:
    """The model or dataclass with `change` done to what these fields hold."""
    changed = {}
    for name in names:
        old = getattr(value, name)
        if type(old) not in _BARE and (new := _each(old, change)) is not old:
            changed[name] = new
    if not changed:
        return value
    if isinstance(value, BaseModel):
        return value.model_copy(update=changed)
    return replace(value, **changed)


@cache
def _names(kind: type) -> tuple[str, ...] | None:
    """The fields of a model or a dataclass that may hold a text; None for what is neither.

    One of a few words of ours (`Literal`) holds no other.
    """
    if issubclass(kind, BaseModel):
        return tuple(kind.model_fields)
    if not is_dataclass(kind):
        return None
    return tuple(
        one.name
        for one in fields(kind)
        if one.init and one.type not in _BARE and get_origin(one.type) is not Literal
    )


def _spellings(secret: str) -> set[str]:
    """What a secret can look like in a text whose escapes are undone."""
    raw = secret.encode("utf-8", "surrogatepass")
    found = {secret, raw.decode("latin-1"), raw.hex()}
    for before in range(3):  # base64 of a longer text that holds it
        whole = base64.b64encode(bytes(before) + raw).decode().rstrip("=")
        inner = whole[(0, 2, 3)[before] : len(whole) - ((before + len(raw)) % 3 != 0)]
        if len(inner) >= _LEAST_ENCODED:
            found |= {inner, inner.replace("+", "-").replace("/", "_")}
    return {_folded(spelling) for spelling in found}


def _folded(text: str) -> str:
    """Without regard to case, as long as before."""
    lowered = text.lower()
    if len(lowered) == len(text):
        return lowered
    return "".join(low if len(low := char.lower()) == 1 else char for char in text)


def _words(words: Collection[str]) -> re.Pattern[str] | None:
    if not words:
        return None
    longest_first = sorted(map(_folded, words), key=len, reverse=True)
    listed = "|".join(map(re.escape, longest_first))
    return re.compile(rf"(?<![\w-])(?<!\w\.)(?:{listed})(?![\w-]|\.\w)")


def _matches(pattern: re.Pattern[str] | None, text: str) -> Iterator[tuple[int, int]]:
    return (found.span() for found in pattern.finditer(text)) if pattern else iter(())


def _readings(text: str) -> Iterator[tuple[str, _Places]]:
    """The text as it is read: without what nobody sees, then with each layer of escapes undone."""
    places: _Places = None
    yield text, places
    # Most texts have neither, which is quickly seen of what is printable ASCII.
    if text.isascii() and text.isprintable() and _MAY_SPELL.search(text) is None:
        return
    for _ in range(_DEPTH):
        before = text
        text, places = _rewritten(text, places, _UNSEEN, lambda _found: "")
        if text != before:
            yield text, places
        once = text
        text, places = _rewritten(text, places, _SPELLED, _character)
        if text == once:
            return
        yield text, places


def _rewritten(
    text: str, places: _Places, pattern: re.Pattern[str], change: Callable[[re.Match[str]], str]
) -> tuple[str, _Places]:
    if pattern.search(text) is None:
        return text, places
    places = places or [(at, at + 1) for at in range(len(text))]
    pieces: list[str] = []
    spots: list[tuple[int, int]] = []
    last = 0
    for found in pattern.finditer(text):
        new = change(found)
        pieces += text[last : found.start()], new
        spots += places[last : found.start()]
        spots += [(places[found.start()][0], places[found.end() - 1][1])] * len(new)
        last = found.end()
    return "".join((*pieces, text[last:])), [*spots, *places[last:]]


def _character(found: re.Match[str]) -> str:
    kind, told = found.lastgroup, found[found.lastgroup or 0]
    match kind:
        case "url" | "json" | "hex":
            return chr(int(told, 16))
        case "octal" | "escape":
            return "\x1b"
        case "entity":
            return html.unescape(found[0])
        case "shell":
            return "'"
        case "unseen":
            return ""
        case _:
            return told
