"""How much of what a wish is for: `set the memory of ada to 64G`, `内存加到 128G`. Pure.

Only the whole of it counts: “give ada 64G more” says how much to add, which no command takes.
"""

import re
from collections.abc import Sequence

from bot.language.args import Parameter
from bot.language.table import Command

_AMOUNT = re.compile(r"(\d+(?:\.\d+)?)([gt]i?b?|gigs?)?")
_UNIT = re.compile("[gt]i?b|[gt]|gigs?|gigabytes?")
_TO_IN_CHINESE = "到成为至"
_UP_TO = re.compile(f"(?:to|.*[{_TO_IN_CHINESE}])$")
_FROM = frozenset({"from", "从"})
_CALLED = {
    **dict.fromkeys(("ram", "运存"), "mem"),
    **dict.fromkeys(("cpus", "core", "核", "核心"), "cpu"),
    **dict.fromkeys(("card", "cards", "卡"), "gpu"),
}
_IN_CHINESE = ("内存", "显卡")
_HAN = re.compile("[\u4e00-\u9fff]")


def with_amount(command: Command, said: Sequence[str]) -> list[str]:
    """The words with `key=value` for the one amount whose kind they name."""
    words = _without_present(said)
    found = [at for at, word in enumerate(words) if _AMOUNT.fullmatch(word)]
    named = {p.name: p for word in words for p in _named(command, word)}
    if not named and (size := command.parameter("to")) and size.arg.kind.is_number:
        named = {size.name: size}  # 扩到 500G
    if len(found) != 1 or len(named) != 1:
        return list(said)
    (at,), (parameter,) = found, named.values()
    is_whole = at > 0 and _UP_TO.match(words[at - 1])
    unit = words[at + 1 : at + 2] if any(map(_UNIT.fullmatch, words[at + 1 : at + 2])) else []
    follows = words[at + 1 + len(unit) : at + 2 + len(unit)]
    is_new = command.verb == "create" and any(_named(command, word) for word in follows)
    if not (is_whole or is_new) or (unit and not parameter.arg.kind.has_unit):
        return list(said)
    number = f"{words[at]}{''.join(unit)}".replace("gigabytes", "g").replace("gigs", "g")
    before = words[: at - 1] if at and words[at - 1] == "to" else words[:at]
    return [*before, f"{parameter.name}={number}", *words[at + 1 + len(unit) :]]


def words_for(command: Command, said: Sequence[str]) -> frozenset[str]:
    """What amounts are called that stand among the words as `key=value`."""
    given = {word.partition("=")[0] for word in said if "=" in word}
    words = {*_CALLED, *_IN_CHINESE, *(word for p in command.parameters for word in p.spellings)}
    found = {word for word in words if any(p.name in given for p in _named(command, word))}
    return frozenset(found | (set(_TO_IN_CHINESE) if given else set()))


def _named(command: Command, word: str) -> list[Parameter]:
    """The arguments that a word, or a word within Chinese, asks an amount of."""
    keys = {word, *(one for one in _CALLED if _HAN.match(one) and one in word)}
    keys |= {one for one in _IN_CHINESE if one in word}
    found = [command.parameter(_CALLED.get(one, one)) for one in keys]
    return [p for p in found if p is not None and p.arg.kind.is_number]


def _without_present(said: Sequence[str]) -> list[str]:
    """Without how much it is now: “from 32 to 64”, 从 8 核改成 16 核."""
    words = list(said)
    for at, word in enumerate(words[:-2]):
        if word in _FROM and _AMOUNT.fullmatch(words[at + 1]) and _UP_TO.match(words[at + 2]):
            return [*words[:at], *words[at + 2 :]]
    return words
