"""What an alias stands for: its words put in place of it, before anything is parsed. Pure.

An alias is text and nothing more: what it stands for is parsed, checked and reviewed like any line.
"""

import re
from collections.abc import Iterable, Mapping, Sequence

from bot.errors import Refused
from bot.folding import best, plain
from bot.language.text import option_name, words
from bot.reply import say, say_number

_PLACE = re.compile(r"\$([1-9*])")
_MOST_WORDS = 100  # that a line may grow to
_LONGEST = 4_000  # characters


def expanded(typed: Sequence[str], aliases: Mapping[str, str]) -> list[str]:
    """The words with the alias at their beginning replaced; each alias counts once.

    `$1` … `$9` are the words behind it, `$*` all of them; those that are not asked for follow at
    the end. Raises Refused where one is missing, or the line grows without measure.
    """
    line = list(typed)
    seen: set[str] = set()
    while line and (name := alias_called(line[0], aliases)) and name not in seen:
        seen.add(name)
        if option_name(line[-1]) == "help" or plain(line[-1]) == "help":
            return [*words(aliases[name])[:2], "help"]
        line = _replaced(name, aliases[name], line[1:])
        if len(line) > _MOST_WORDS or sum(map(len, line)) > _LONGEST:
            raise Refused(say("The alias “{name}” makes the line too long.", name=name))
    return line


def alias_called(word: str, aliases: Iterable[str]) -> str:
    """The alias that a word means, however it is spelled; nothing where it is none, or several."""
    found = best(word, aliases)
    return found[0] if len(found) == 1 else ""


def _replaced(name: str, body: str, given: Sequence[str]) -> list[str]:
    places = {match[1] for match in _PLACE.finditer(body)}
    needed = max((int(place) for place in places if place != "*"), default=0)
    if len(given) < needed:
        raise Refused(
            say_number(
                "The alias “{name}” needs {number} word behind it.",
                "The alias “{name}” needs {number} words behind it.",
                needed,
                name=name,
            ),
            hint=say("It stands for: {body}", body=body),
        )
    line: list[str] = []
    for word in words(body):
        if word == "$*":
            line.extend(given)
        else:
            line.append(_PLACE.sub(lambda match: _word(match[1], given), word))
    return line if "*" in places else [*line, *given[needed:]]


def _word(place: str, given: Sequence[str]) -> str:
    return " ".join(given) if place == "*" else given[int(place) - 1]
