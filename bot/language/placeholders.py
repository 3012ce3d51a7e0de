"""What was pasted from a usage line as it stands there: `[<node>]`, `<machine>`, `name=…`. Pure."""

import re
from collections.abc import Sequence

from bot.errors import Refused
from bot.language.chinese_lines import arguments_in_chinese
from bot.language.table import Command
from bot.language.text import is_quoted
from bot.reply import command as to_type
from bot.reply import say


def without_placeholders(command: Command, typed: Sequence[str]) -> list[str]:
    """The words without the optional parts of the usage that nobody has filled in.

    Raises Refused for a part that has to be filled in. What stands in quotes is meant as it is.
    """
    if not any(word[:1] in {"[", "<"} or word.endswith("…") for word in typed):
        return list(typed)  # nearly every line
    # Of `<node>` Slack makes a link where it does not escape it, and what it says is left.
    usages = [command.usage, arguments_in_chinese(command, command.usage)]
    parts = {p for usage in usages for one in (usage, _unlinked(usage)) for p in one.split()}
    kept: list[str] = []
    depth = 0
    for word in typed:
        is_pasted = word in parts and not is_quoted(word)
        opens = is_pasted and word.startswith("[")
        if opens or (is_pasted and depth):
            depth += word.count("[") - word.count("]")
            continue
        if is_pasted and not depth:
            _refuse_unfilled(command, word)
        kept.append(word)
    return kept


def _unlinked(usage: str) -> str:
    """The usage with the optional parts as they are left of links."""
    return re.sub(r"\[[^\]]*\]", lambda part: re.sub("[<>]", "", part[0]), usage)


def _refuse_unfilled(command: Command, word: str) -> None:
    example = say("For example: {command}", command=to_type(command.example))
    if word.startswith("<") and word.endswith(">"):
        raise Refused(say("Put a value in place of “{word}”.", word=word), hint=example)
    if word.endswith("=…"):
        raise Refused(say("Put a value after “{word}”.", word=word[:-1]), hint=example)
