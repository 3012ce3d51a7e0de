"""Words of a message: lines of spans and phrases. What they mean is said here, not how they look.

A plain `str` inside a line is always shown literally: the renderer escapes it, so text from
DBC or from people can ping nobody and format nothing.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from gettext import NullTranslations
from string import Formatter
from typing import Annotated, Literal, TypeAlias, TypeGuard

from pydantic import Field

from bot.clock import UNTOLD
from bot.ids import UserId

Style = Literal[
    "bold",
    "italic",
    "code",
    "command",
    "title",
    "verb",
    "argument",
    "group",
    "mention",
    "channel",
    "time",
    "ago",
    "link",
    "emoji",
]


_WORLD = "world"  # the text of a moment by the world's clock, which a former version ignores

# Within a column of text, between the English and what makes it up (`bot.reply.kept`).
SEPARATOR = "\x1f"


@dataclass(frozen=True, slots=True)
class Span:
    """A piece of a line with a meaning: `text` is what it shows or the id it points to.

    `words` are shown instead, once they are in the reader's language.
    """

    text: str
    style: Style
    url: str = ""
    at: datetime | None = None
    words: "Phrase | None" = None

    @property
    def is_of_world(self) -> bool:
        """Whether it is a moment that no setting of this machine's clock moves."""
        return self.style == "time" and self.text == _WORLD


Given: TypeAlias = "Annotated[str | int | Span | Phrase | Line, _FIRST]"


@dataclass(frozen=True, slots=True)
class Phrase:
    """A sentence, or a part of one, that is put into the reader's language when it is shown.

    `template` is the English, with what is filled in by name: `{machine} is running.`; `several` is
    the one for any `number` but 1. It may stand wherever a text of ours may.
    """

    template: str
    given: tuple[tuple[str, Given], ...] = ()
    several: str = ""
    number: int | None = None

    @property
    def open(self) -> frozenset[str]:
        """What its template, and those within, name and nobody has given yet."""
        given = dict(self.given)
        names = {name for _, name in _parsed(self.template) if name is not None}
        inner = (one.open for one in given.values() if isinstance(one, Phrase))
        return frozenset(names - given.keys()).union(*inner)

    def filled(self, value: "Callable[[str], Given]") -> "Phrase":
        """The same with what its template, and those within, name and nobody has given yet."""
        given = dict(self.given)
        names = dict.fromkeys(name for _, name in _parsed(self.template) if name is not None)
        more = tuple((name, value(name)) for name in names if name not in given)
        inner = tuple(
            (name, one.filled(value) if isinstance(one, Phrase) else one)
            for name, one in self.given
        )
        return replace(self, given=(*inner, *more))

    def __str__(self) -> str:
        """The English, for logs and for what is kept as plain text."""
        return plain(self)


# What is kept is read as the first of these that it can be: no two of them are alike.
_FIRST = Field(union_mode="left_to_right")
Text = Annotated[str | Phrase, _FIRST]  # where no part of it has a style
Line = tuple[Annotated[str | Span | Phrase, _FIRST], ...]
Words = Annotated[str | Phrase | Line, _FIRST]  # where most have a text only, and some a line
# A line in one language.
Shown = tuple[str | Span, ...]

ENGLISH = NullTranslations()

_AS_IS = frozenset(
    {"bold", "italic", "code", "command", "link"}
)  # styles whose text is what is seen
_HAN, _LATIN = r"[\u3400-\u9fff]", r"[0-9A-Za-z]"
_MEET = re.compile(f"{_HAN}{_LATIN}|{_LATIN}{_HAN}")
_HAN_BEGINS, _HAN_ENDS = re.compile(_HAN), re.compile(f"{_HAN}$")
_BEGINS = re.compile(f"{_HAN}|{_LATIN}|“")  # text of any script, and no separator such as `·`
_SENTENCE_END = re.compile("[。！？；：，）”]$")
_HAN_OR_MARK = re.compile(f"(?:{_HAN}|[。！？；：，）”])$")
_DAY = "今天 0:00"


def say(template: str, /, **given: Given) -> Phrase:
    """A phrase. The template is a literal in the source, where the catalogue's tools find it."""
    return Phrase(template, tuple(given.items()))


def say_number(one: str, several: str, number: int, /, **given: Given) -> Phrase:
    """A phrase that depends on a number, which both templates may name as `{number}`."""
    return Phrase(one, (("number", number), *given.items()), several, number)


def as_phrase(words: Words) -> Phrase:
    """Words where one phrase is wanted; nothing of it is for the catalogue."""
    return words if isinstance(words, Phrase) else Phrase("{words}", (("words", words),))


def in_language(words: Words, language: NullTranslations = ENGLISH) -> Shown:
    """The words in one language, their phrases filled in."""
    if isinstance(words, str):
        return (words,)
    shown = words if isinstance(words, tuple) else (words,)
    if language is ENGLISH:
        return shown if _is_told(shown) else tuple(_told(shown, language))
    return tuple(_close(_told(shown, language), _SENTENCE_END))


def _is_told(words: Line) -> TypeGuard[Shown]:
    """Whether there are only texts, of which nothing depends on a language."""
    for one in words:
        if type(one) is not str and (type(one) is not Span or one.words is not None):
            return False
    return True


def _told(words: Line, language: NullTranslations) -> list[str | Span]:
    told: list[str | Span] = []
    for one in words:
        if isinstance(one, Phrase):
            told += _joined(one, language)
        elif isinstance(one, Span) and one.words is not None:
            told.append(Span(plain(one.words, language), one.style, one.url, one.at))
        else:
            told.append(one)
    return told


def _joined(phrase: Phrase, language: NullTranslations) -> list[str | Span]:
    """A phrase's pieces, texts that meet joined to one."""
    pieces = _filled(phrase, language)
    if language is not ENGLISH:
        pieces = list(_close(_apart(pieces), _HAN_OR_MARK))
    joined: list[str | Span] = []
    text = ""
    for piece in pieces:
        if isinstance(piece, str):
            text += piece
            continue
        if text:
            joined.append(text)
            text = ""
        joined.append(piece)
    if text:
        joined.append(text)
    return joined


def _filled(phrase: Phrase, language: NullTranslations) -> list[str | Span]:
    if phrase.number is None:
        template = language.gettext(phrase.template)
    else:
        template = language.ngettext(phrase.template, phrase.several, phrase.number)
    given = dict(phrase.given)
    filled: list[str | Span] = []
    for literal, name in _parsed(template):
        filled.append(literal)
        if name is None:
            continue
        value = given.get(name, f"{{{name}}}")  # what nobody has given stays open
        if isinstance(value, str):
            filled.append(value)
        elif isinstance(value, int):
            filled.append(str(value))
        else:
            filled += in_language(value if isinstance(value, tuple) else (value,), language)
    return filled


def _close(pieces: Iterable[str | Span], end: re.Pattern[str]) -> Iterator[str | Span]:
    """The pieces, without a space where Chinese goes on behind such an `end`.

    What stands within a piece, such as words of people, stays as it is.
    """
    found = [piece for piece in pieces if piece != ""]
    for place, piece in enumerate(found):
        before, after = (found[at] if 0 <= at < len(found) else "" for at in (place - 1, place + 1))
        told = piece
        if isinstance(told, str):
            if told[0] == " " and _is_close(_seen(before), end, told[1:]):
                told = told[1:]
            if told[-1:] == " " and _is_close(told[:-1] or _seen(before), end, _seen(after)):
                told = told[:-1]
        if told != "":
            yield told


def _is_close(before: str, end: re.Pattern[str], after: str) -> bool:
    """Whether no space belongs between two texts; a bracket of Chinese has one of its own."""
    if after[:1] == "（":
        return bool(before)
    if _SENTENCE_END.search(before) is not None:  # a mark is as wide as with a space
        return _BEGINS.match(after) is not None
    return end.search(before) is not None and _HAN_BEGINS.match(after) is not None


def _seen(piece: str | Span) -> str:
    """What can be seen of a piece here; of a moment, that it begins with a word: `今天 12:05`."""
    if isinstance(piece, str):
        return piece
    if piece.style == "time":
        return _DAY
    return piece.text if piece.style in {"bold", "italic", "link"} else ""


def _apart(pieces: Iterable[str | Span]) -> Iterator[str | Span]:
    """The pieces, with a space where Chinese meets a Latin word or a number that was filled in."""
    last = ""
    for piece in pieces:
        text = piece if isinstance(piece, str) else piece.text if piece.style in _AS_IS else ""
        if last and text and _MEET.fullmatch(last + text[0]):
            yield " "
        yield piece
        last = text[-1:]


@cache  # templates are the program's own, and no more than it has
def _parsed(template: str) -> tuple[tuple[str, str | None], ...]:
    return tuple((literal, name) for literal, name, _, _ in Formatter().parse(template))


def line(*pieces: str | Span | Phrase | Line) -> Line:
    """Join pieces into one line."""
    flat: list[str | Span | Phrase] = []
    for piece in pieces:
        if isinstance(piece, tuple):
            flat.extend(piece)
        else:
            flat.append(piece)
    return tuple(flat)


def listed(items: Iterable[Words]) -> Line:
    """`a, b, c`."""
    return _between([line(item) for item in items], say(", "), say(", "))


def all_of(items: Iterable[Words]) -> Line:
    """`a, b and c`."""
    return _between([line(item) for item in items], say(", "), say(" and "))


def any_of(items: Iterable[Words]) -> Line:
    """`a, b or c`."""
    return _between([line(item) for item in items], say(", "), say(" or "))


def apart(items: Iterable[Words]) -> Line:
    """`a; b; c`, of what has commas itself."""
    return _between([line(item) for item in items], say("; "), say("; "))


def sentences(items: Iterable[Words]) -> Line:
    """Whole sentences, one behind the other; what is empty is left out."""
    told: Line = ()
    for item in items:
        if item:  # languages differ in what stands between sentences, if anything does
            more = line(item)
            told = line(say("{sentence} {next}", sentence=told, next=more)) if told else more
    return told


def _between(items: Sequence[Line], comma: Phrase, last: Phrase) -> Line:
    pieces = list(items[:1])
    for position, item in enumerate(items[1:], start=2):
        pieces += [(last if position == len(items) else comma,), item]
    return line(*pieces)


def _styled(text: Text, style: Style) -> Span:
    return Span("", style, words=text) if isinstance(text, Phrase) else Span(text, style)


def bold(text: Text) -> Span:
    """Strong text."""
    return _styled(text, "bold")


def italic(text: Text) -> Span:
    """Emphasised text."""
    return _styled(text, "italic")


def code(text: str) -> Span:
    """Text to be copied or typed as it stands."""
    return Span(text, "code")


def command(text: str) -> Span:
    """A command to type, such as `session add`, in any line that a person will read.

    Here nobody knows what the slash command is called at a site, nor who reads it:
    `with_commands` fills that in. It
    is a span and no text, so nothing that people or DBC write is ever taken for one.
    """
    return Span(text, "command")


def argument(command_id: str, word: str) -> Span:
    """A word of a command's line, as the reader types it: `force`, `强制`."""
    return Span(f"{command_id} {word}", "argument")


def title(command_id: str) -> Span:
    """What a command is called, as the reader types it: `vm restart`, `虚拟机 重启`."""
    return Span(command_id, "title")


def verb(command_id: str, mark: str = "") -> Span:
    """A command's verb, as the reader types it: `restart`, `重启`; with a mark of ours behind."""
    return Span(f"{command_id}{mark}", "verb")


def group(name: str) -> Span:
    """A group of commands, as the reader types it: `vm`, `虚拟机`."""
    return Span(name, "group")


def mention(user: UserId) -> Span:
    """A person, by Slack id; notifies them where messages do."""
    return Span(user, "mention")


def channel(channel_id: str) -> Span:
    """A channel, by Slack id."""
    return Span(channel_id, "channel")


def link(text: Text, url: str) -> Span:
    """A text that leads to an address."""
    return replace(_styled(text, "link"), url=url)


def emoji(name: str) -> Span:
    """An emoji by Slack's short name, without colons."""
    return Span(name, "emoji")


def time(at: datetime) -> Span:
    """A moment, shown in the reader's own time zone."""
    return _moment(at, "time")


def world_time(at: datetime) -> Span:
    """A moment by the world's clock, such as a block's: it stays where this machine's is set."""
    return Span(_WORLD, "time", at=at)


def _moment(at: datetime, style: Style) -> Span:
    return italic(say("time not known")) if at == UNTOLD else Span("", style, at=at)


def plain(text: Words, language: NullTranslations = ENGLISH) -> str:
    """The words as plain text, for notifications and for files; without `SEPARATOR`."""
    if type(text) is str:
        return text.replace(SEPARATOR, "").strip()
    if type(text) is Phrase and language is ENGLISH and not text.given and text.number is None:
        return _plain_template(text.template)
    return _plainly(text, language)


@cache  # as `_parsed`
def _plain_template(template: str) -> str:
    """What a phrase says in which nothing is filled in."""
    return _plainly(Phrase(template), ENGLISH)


def _plainly(text: Words, language: NullTranslations) -> str:
    told = ""
    for piece in in_language(text, language):
        if isinstance(piece, str):
            told += piece
            continue
        if piece.at is not None and _HAN_ENDS.search(told):
            told += " "  # Slack itself puts a word there: `今天 12:05`
        told += _plain_span(piece)
    return told.replace(SEPARATOR, "").strip()


def plain_span(span: Span) -> str:
    """`plain` of a span alone that is in its reader's language."""
    return _plain_span(span).replace(SEPARATOR, "").strip()


def _plain_span(span: Span) -> str:
    if span.style == "emoji":
        return ""
    if span.style == "command":
        return f"“{span.text}”"
    if span.at is not None:
        return span.at.strftime("%Y-%m-%d %H:%M UTC")
    return f"@{span.text}" if span.style == "mention" else span.text
