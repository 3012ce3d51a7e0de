"""Our own English sentences, found again: a ledger keeps the text, a reader wants their language.

What is stored stays English. A sentence of the catalogue is known by its template, with whatever
was filled in; what is no sentence of ours, or of an older version, stays as it stands.
"""

import re
from collections.abc import Iterator
from functools import cache
from string import Formatter

from bot.reply.languages import DIRECTORIES, catalogue
from bot.reply.text import Line, Phrase

_LEAST = 12  # letters of its own: what has fewer could be anything
# An end has fewer, and says of what and where it is.
_END = re.compile(r"\{\w+\} (?:is|has) \w+ (?:on|from) \{node\}\.?")
# What the other side said stands in quotes, behind few letters that are like no other's.
_SHORT = frozenset({"It says: “{said}”."})
_BEGINNING = 3
_MOST = 4  # sentences that one template has
_SENTENCE = re.compile(r"(?<=[.!?]) (?=[A-Z“])")


def retold(text: str) -> list[Phrase | str]:
    """Its sentences: phrases, as many at once as one of ours has, and what is not ours as it is.

    What is not ours stays together, with the spaces that it has.
    """
    found: list[Phrase | str] = []
    left = _SENTENCE.split(text)
    while left:
        some = range(min(len(left), _MOST), 0, -1)
        ours = ((_phrase(" ".join(left[:number])), number) for number in some)
        told, number = next((one for one in ours if one[0] is not None), (None, 1))
        if told is not None or not found or isinstance(found[-1], Phrase):
            found.append(told or left[0])
        else:
            found[-1] += f" {left[0]}"
        del left[:number]
    return found


def _phrase(text: str) -> Phrase | None:
    whole = _of_template(text)
    if whole is not None and (whole.template.endswith(".") or not text.endswith(".")):
        return whole
    return _end(text) or whole


def _end(text: str) -> Phrase | None:
    """An end as a sentence (`cards.result`): its full stop is no part of the node's name."""
    told = _of_template(text.removesuffix("."))
    if told is None or not told.template.endswith("{node}"):
        return None
    return Phrase("{told}.", (("told", told),))


def _of_template(text: str) -> Phrase | None:
    key = text[:_BEGINNING]
    for template, literals in (*_templates().get(key, ()), *_templates().get("", ())):
        if not all(literal in text for literal in literals):
            continue
        found = _pattern(template).fullmatch(text)
        if found and not any(_is_several(one) for one in found.groupdict().values()):
            return Phrase(template, tuple((k, _value(v)) for k, v in found.groupdict().items()))
    return None


def _is_several(given: str) -> bool:
    """Whether a gap would swallow a sentence that has words of its own in each language."""
    return _SENTENCE.search(given) is not None and given not in _whole()


def _value(text: str) -> str | Line:
    """What was filled in: a phrase of ours as it is, else literally."""
    return (Phrase(text),) if text in _whole() else text


@cache
def _messages() -> tuple[str, ...]:
    told = getattr(catalogue(next(iter(DIRECTORIES))), "_catalog", {})
    return tuple(sorted((one for one in told if isinstance(one, str)), key=len, reverse=True))


@cache
def _whole() -> frozenset[str]:
    return frozenset(one for one in _messages() if one and "{" not in one)


@cache
def _templates() -> dict[str, list[tuple[str, tuple[str, ...]]]]:
    """The sentences by how they begin, the longest first, with the parts that are ours.

    Below "" those that begin with a gap.
    """
    found: dict[str, list[tuple[str, tuple[str, ...]]]] = {}
    for template in _messages():
        parts = tuple(_parsed(template))
        letters = sum(letter.isalpha() for literal, _ in parts for letter in literal)
        if letters < _LEAST and template not in _SHORT and not _END.fullmatch(template):
            continue
        names = [name for _, name in parts if name]
        if len(names) != len(set(names)):
            continue
        begins = parts[0][0][:_BEGINNING]
        key = begins if len(begins) == _BEGINNING else ""
        found.setdefault(key, []).append((template, tuple(literal for literal, _ in parts)))
    return found


@cache
def _pattern(template: str) -> re.Pattern[str]:
    """What finds a sentence: made once it is likely to, since all of them take most of a second."""
    made = "".join(
        re.escape(literal) + (f"(?P<{name}>.+?)" if name else "")
        for literal, name in _parsed(template)
    )
    return re.compile(made, re.DOTALL)


def _parsed(template: str) -> Iterator[tuple[str, str | None]]:
    for literal, name, _, _ in Formatter().parse(template):
        yield literal, name
