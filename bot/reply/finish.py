"""The last touch to what is said, however deep it stands: commands as typed here, moments, words.

Each gives the same object back where there was nothing to do.
"""

from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass, replace
from datetime import datetime
from functools import cache
from gettext import NullTranslations
from operator import is_
from typing import Any, Literal, TypeVar, get_origin

from bot.reply.parts import Fields
from bot.reply.text import Phrase, Span, in_language, plain

T = TypeVar("T")

_TYPED = frozenset({"command", "title", "verb", "group", "argument"})  # styles of what people type

_PLAIN = frozenset({str, int, bool, type(None)})  # most of what is walked through; never changed

_Changes = Mapping[type, Callable[[Any], Any]]  # what becomes of a value, by its type


def with_commands(said: T, spelled: Callable[[Span], Span]) -> T:
    """The same with every command, verb and group as the reader types it.

    `/dbc session add`, as code.
    """

    def typed(value: Span) -> Span:
        return spelled(value) if value.style in _TYPED else value

    return _each(said, {Span: typed})  # type: ignore[no-any-return]


def with_moments(said: T, shown: Callable[[datetime], datetime]) -> T:
    """The same with every moment in it as `shown` gives it, but for those of the world."""
    return _each(said, {datetime: shown})  # type: ignore[no-any-return]


def with_words(said: T, language: NullTranslations) -> T:
    """The same with every phrase in one language: in a line its pieces, elsewhere plain text."""

    def piece(value: Any) -> Any:
        if type(value) is Phrase:
            return plain(value, language)
        if type(value) is Span and value.words is not None:
            return in_language((value,), language)[0]
        return value

    def in_line(value: tuple[Any, ...]) -> tuple[Any, ...]:
        has_phrase = any(type(one) is Phrase for one in value)
        return in_language(value, language) if has_phrase else value

    def labelled(value: Fields) -> Fields:  # labels stand in no line
        if not any(type(label) is Phrase for label, _ in value.pairs):
            return value
        return replace(value, pairs=tuple((piece(label), text) for label, text in value.pairs))

    changes = {Phrase: piece, Span: piece, tuple: in_line, Fields: labelled}
    return _each(said, changes)  # type: ignore[no-any-return]


def mentioned(said: Any) -> set[str]:
    """Everyone whom a reply, or a piece of one, names by Slack id."""
    users: set[str] = set()

    def note(value: Span) -> Span:
        if value.style == "mention":
            users.add(value.text)
        return value

    _each(said, {Span: note})
    return users


def _each(value: Any, changes: _Changes) -> Any:
    """The value with `changes` done to it and to all that is in it, from the outside in.

    Every answer is walked through several times, so it looks at types and not at what they are
    derived from: only of mappings there are several.
    """
    kind: type = type(value)
    if kind in _PLAIN:
        return value
    if kind is Span and datetime in changes and value.is_of_world:
        return value
    if (change := changes.get(kind)) is not None:
        value = change(value)
        kind = type(value)
    if kind is tuple or kind is list:
        items = [one if type(one) in _PLAIN else _each(one, changes) for one in value]
        return value if all(map(is_, items, value)) else kind(items)
    if (names := _names(kind)) is not None:
        changed = {}
        for name in names:
            old = getattr(value, name)
            if type(old) not in _PLAIN and (new := _each(old, changes)) is not old:
                changed[name] = new
        return replace(value, **changed) if changed else value
    if kind is dict or isinstance(value, Mapping):
        entries = {key: _each(one, changes) for key, one in value.items()}
        return value if all(map(is_, entries.values(), value.values())) else entries
    return value


@cache
def _names(kind: type) -> tuple[str, ...] | None:
    """The fields of a dataclass that may hold more than plain values; None for what is none."""
    if not is_dataclass(kind):
        return None
    return tuple(
        one.name
        for one in fields(kind)
        if one.init and one.type not in _PLAIN and get_origin(one.type) is not Literal
    )
