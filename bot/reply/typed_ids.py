"""Slack's ids in what somebody typed, shown as the people and channels that they stand for."""

import re
from collections.abc import Iterator
from dataclasses import replace

from bot.reply.text import Given, Line, Phrase, Span, Words, line

_ID = re.compile(r"(?<!\w)(?:@(?P<mention>[UW][A-Z0-9]{3,})|#(?P<channel>[CG][A-Z0-9]{3,}))\b")


def with_mentions(words: Words) -> Line:
    """The words in which what is filled in names people and channels, and shows no id of one."""
    return tuple(_spoken(one) if isinstance(one, Phrase) else one for one in line(words))


def _spoken(phrase: Phrase) -> Phrase:
    return replace(phrase, given=tuple((name, _named(value)) for name, value in phrase.given))


def _named(value: Given) -> Given:
    if isinstance(value, Phrase):
        return _spoken(value)
    if isinstance(value, str) and _ID.search(value):
        return tuple(_pieces(value))
    if isinstance(value, tuple):
        return with_mentions(value)
    return value


def _pieces(text: str) -> Iterator[str | Span]:
    end = 0
    for match in _ID.finditer(text):
        yield text[end : match.start()]
        yield Span(
            match["mention"] or match["channel"], "mention" if match["mention"] else "channel"
        )
        end = match.end()
    yield text[end:]
