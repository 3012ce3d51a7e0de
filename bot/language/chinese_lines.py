"""Command lines in Chinese, made of the words that the parser takes. Pure.

What has no Chinese word, and what people fill in, stays as it is.
"""

import re
from collections.abc import Iterator

from bot.language.args import NODE_OPTION, Parameter, option_called
from bot.language.chinese import CALLED, GROUPS, PREPOSITIONS, choice, words_for_choice
from bot.language.table import Command
from bot.language.taking import Takes
from bot.reply import catalogue, plain

_WORD = re.compile(r"""(?:"[^"]*"|'[^']*'|<[^>]*>|\S)+""")
_BARE = re.compile(r"(\[*)(.*?)(\]*)")
_PLACEHOLDER = re.compile(r"<([@#]?)([\w -]+)>")
_ON = next(word for word, meant in PREPOSITIONS.items() if meant == NODE_OPTION)
_BEHIND = "上"
_FOR = "给"
_TOWARDS = {meant: word for word, meant in PREPOSITIONS.items() if meant != NODE_OPTION}


def title_in_chinese(command: Command) -> str:
    """`虚拟机 重启`, for `vm restart`; the English where a command has no Chinese words."""
    verbs = command.in_chinese
    group = group_in_chinese(command.group)
    return f"{group} {verbs[0]}".strip() if verbs else command.title


def group_in_chinese(name: str) -> str:
    """`虚拟机`, for `vm`."""
    return next((word for word, group in GROUPS.items() if group == name), name)


def word_in_chinese(command: Command, word: str) -> str:
    """What is typed for an argument, or what it is called where only its value is: `强制`."""
    parameter = command.parameter(word)
    if parameter is None or parameter.arg.kind.is_flag:
        return _word(command, word)
    called = _called(command, word)
    return called if called != word or "<" not in parameter.usage else _label(parameter)


def arguments_in_chinese(command: Command, text: str) -> str:
    """What stands behind a command: `<虚拟机> [强制]`, for `<machine> [force]`."""
    if any(p.arg.kind.takes is Takes.LINE for p in command.parameters):
        return _PLACEHOLDER.sub(lambda found: _word(command, found[0]), text)
    return " ".join(_words(command, _WORD.findall(text)))


def _words(command: Command, queue: list[str]) -> Iterator[str]:
    while queue:
        opens, core, closes = _parted(queue.pop(0))
        if queue and core == NODE_OPTION and not _chosen(command, core):
            before, place, after = _parted(queue.pop(0))
            yield f"{opens}{_ON} {before}{_word(command, place)} {_BEHIND}{closes}{after}"
        elif queue and core == "with" and queue[0].lstrip("<")[:1] in {"@", "#"}:
            yield f"{opens}{_FOR}{closes}"
        elif queue and core in _TOWARDS and command.parameter(core) is not None:
            yield f"{opens}{_TOWARDS[core]}{closes}"
        else:
            yield f"{opens}{_word(command, core)}{closes}"


def _parted(word: str) -> tuple[str, str, str]:
    found = _BARE.fullmatch(word)
    return (found[1], found[2], found[3]) if found else ("", word, "")


def _word(command: Command, word: str) -> str:
    if found := _PLACEHOLDER.fullmatch(word):
        parameter = command.parameter(found[2])
        return f"<{found[1]}{_label(parameter)}>" if parameter is not None else word
    key, equals, value = word.partition("=")
    if equals:
        parameter = command.parameter(key)
        values = _word(command, value) if parameter and parameter.arg.kind.is_choice else value
        return f"{_called(command, key)}={values}"
    if "|" in word:
        return "|".join(_word(command, one) for one in word.split("|"))
    parameter = command.parameter(word)
    if parameter is not None and parameter.arg.kind.is_flag:
        return _called(command, word)
    option = option_called(word.removeprefix("--")) if word.startswith("--") else None
    if option is not None and option.arg.kind.is_flag:
        return next(iter(CALLED.get(option.name, ())), word)
    return _chosen(command, word) or word


def _label(parameter: Parameter) -> str:
    return plain(parameter.arg.label, catalogue("zh"))


def _called(command: Command, key: str) -> str:
    """What may stand before `=` in Chinese, where that means the same argument here."""
    parameter = command.parameter(key)
    names = [key] if parameter is None else [parameter.name, parameter.word, *parameter.arg.names]
    if parameter is None and option_called(key) is None:
        return key
    words = [word for name in names for word in CALLED.get(name, ())]
    return next((word for word in words if command.parameter(word) is parameter), key)


def _chosen(command: Command, word: str) -> str:
    """A choice's Chinese word, where one of the command's arguments takes it; else nothing."""
    choices = [p for p in command.parameters if p.arg.kind.is_choice and word in p.arg.choices]
    words = words_for_choice(word) if choices else ()
    return next((one for one in words if choice(one, choices[0].arg.choices) == word), "")
