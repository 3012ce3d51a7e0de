"""The last touch to what is said, however deep it stands: commands as typed here, moments, words.

Each gives the same object back where there was nothing to do.
"""

from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass, replace
from datetime import datetime
from functools import cache
from gettext import NullTranslations
from operator import is_
from typing import Any, TypeVar

from bot.reply.parts import Fields
from bot.reply.text import Phrase, Span, in_language, plain

T = TypeVar("T")

_TYPED = frozenset({"command", "verb", "group", "argument"})  # styles of what people type

_PLAIN = frozenset({str, int, bool, type(None)})  # most of what is walked through; never changed


def with_commands(said: T, spelled: Callable[[Span], Span]) -> T:
    """The same with every command, verb and group as the reader types it.

    `/dbc session add`, as code.
    """

    def typed(value: Any) -> Any:
        if isinstance(value, Span) and value.style in _TYPED:
            return spelled(value)
        return value

    return _each(said, typed)  # type: ignore[no-any-return]


def with_moments(said: T, shown: Callable[[datetime], datetime]) -> T:
    """The same with every moment in it as `shown` gives it."""

    def moved(value: Any) -> Any:
        return shown(value) if isinstance(value, datetime) else value

    return _each(said, moved)  # type: ignore[no-any-return]


def with_words(said: T, language: NullTranslations) -> T:
    """The same with every phrase in one language: in a line its pieces, elsewhere plain text."""

    def told(value: Any) -> Any:
        match value:
            case tuple() if any(isinstance(one, Phrase) for one in value):
                return in_language(value, language)
            case Span(words=Phrase()):
                return in_language((value,), language)[0]
            case Fields(pairs) if any(isinstance(label, Phrase) for label, _ in pairs):
                # Labels stand in no line.
                return replace(value, pairs=tuple((told(label), text) for label, text in pairs))
            case Phrase():
                return plain(value, language)
        return value

    return _each(said, told)  # type: ignore[no-any-return]


def mentioned(said: Any) -> set[str]:
    """Everyone whom a reply, or a piece of one, names by Slack id."""
    users: set[str] = set()

    def note(value: Any) -> Any:
        if isinstance(value, Span) and value.style == "mention":
            users.add(value.text)
        return value

    _each(said, note)
    return users


def _each(value: Any, change: Callable[[Any], Any]) -> Any:
    """The value with `change` done to it and to all that is in it, from the outside in."""
    if type(value) in _PLAIN:
        return value
    value = change(value)
    kind: type = type(value)
    if (names := _names(kind)) is not None:
        changed = {}
        for name in names:
            old = getattr(value, name)
            if type(old) not in _PLAIN and (new := _each(old, change)) is not old:
                changed[name] = new
        return replace(value, **changed) if changed else value
    match value:
        case tuple() | list():
            items = [one if type(one) in _PLAIN else _each(one, change) for one in value]
            return value if all(map(is_, items, value)) else type(value)(items)
        case Mapping():
            entries = {key: _each(one, change) for key, one in value.items()}
            return value if all(map(is_, entries.values(), value.values())) else entries
    return value


@cache
def _names(kind: type) -> tuple[str, ...] | None:
    """The fields of a dataclass; None for what is none."""
    return tuple(one.name for one in fields(kind) if one.init) if is_dataclass(kind) else None
