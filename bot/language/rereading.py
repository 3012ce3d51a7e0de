"""A line that does not fit its command, read the way people talk. Pure.

`vm restart train-01 force because it hangs`, `vm modify train-01 gpu 2`. What fits as it stands is
never read anew.
"""

import re
from collections.abc import Sequence

from bot.folding import fold, plain
from bot.language.args import NODE_OPTION, REASON, Parameter, option_called
from bot.language.kinds import Takes
from bot.language.table import Command
from bot.language.text import Word, is_quoted, option_name, parted
from bot.model import Effect

_WHY = frozenset("reason because since 原因 因为 理由 由于 # -- — //".split())  # noqa: SIM905
_WHY_FIRST = re.compile("(?:reason|原因|理由|因为)[:：](.+)")
# Between a name and what it is.
_JOINTS = frozenset({"is", "to", "of", "=", ":", "by", "为", "到", "是"})
# Behind a number that is no size.
_COUNTED = frozenset({"lines", "line", "rows", "hours", "hour", "行", "条", "小时"})


def is_own(command: Command, word: str) -> bool:
    """Whether a word is one of the language here: a flag, `on`, `key=value`, an option."""
    head, equals, _ = parted(word)
    option = option_name(head)
    if option is not None or equals:
        return bool(command.parameter(option or head) or option_called(option or head))
    return flag_called(command, word) is not None or plain(word) == NODE_OPTION


def flag_called(command: Command, word: str) -> Parameter | None:
    """The flag that a word is, whatever stands around it: `force.`, `*force*`."""
    found = command.parameter(plain(word))
    return found if found is not None and found.arg.kind.is_flag else None


def read_anew(command: Command, typed: Sequence[str]) -> list[str]:
    """The words with a reason in one, and with `key=value` for what is named without a sign."""
    if any(p.arg.kind.is_secret or p.arg.kind.takes is not Takes.WORD for p in command.parameters):
        return list(typed)
    return _with_names(command, _with_reason(command, list(typed)))


def _with_reason(command: Command, words: list[str]) -> list[str]:
    """What stands behind `reason` up to the end, or to what is surely none of it, as one word."""
    if command.worst_effect is Effect.READ:
        return words
    for start, word in enumerate(words):
        begun = _begun(word) if start else None
        if begun is None:
            continue
        end = len(words)
        while end > start + 1 and is_own(command, words[end - 1]):
            end -= 1
        text = " ".join([begun, *words[start + 1 : end]]).strip()
        said = [Word.of(f"{REASON}={text}", f'{REASON}="{text}"')] if text else []
        return [*words[:start], *said, *words[end:]]
    return words


def _begun(word: str) -> str | None:
    """What a word that begins a reason says of it already; None where it begins none."""
    if is_quoted(word):
        return None
    if glued := _WHY_FIRST.fullmatch(word):
        return glued[1]
    key, equals, begun = parted(word)
    named = option_called(key) if equals else None
    if named is not None and named.name == REASON:
        return begun
    return "" if plain(word) in _WHY or fold(word) in _WHY else None


def _with_names(command: Command, words: list[str]) -> list[str]:
    read: list[str] = []
    queue = list(words)
    while queue:
        word = queue.pop(0)
        if read and plain(word) in _COUNTED and read[-1].rpartition("=")[2].isdecimal():
            continue
        joint = 1 if len(queue) > 1 and plain(queue[0]) in _JOINTS else 0
        value = queue[joint] if len(queue) > joint else ""
        named = None if is_quoted(word) or parted(word)[1] else command.parameter(plain(word))
        if named is None or named.arg.kind.is_flag or not value or is_own(command, value):
            read.append(word)
        else:
            del queue[: joint + 1]
            read.append(f"{named.name}={value}")
    return read
