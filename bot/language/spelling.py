"""Commands as people type them at a site, in their language.

Chinese is shown only where the parser takes it for the same as the English.
"""

import re
from collections.abc import Callable
from functools import lru_cache, partial

from bot.errors import Refused
from bot.language.chinese_lines import (
    arguments_in_chinese,
    group_in_chinese,
    title_in_chinese,
    word_in_chinese,
)
from bot.language.parse import Parse, Parsed, parse
from bot.language.table import Command, Table
from bot.reply import Language, Span, bold, code, italic

_GAPS = re.compile("[<|…]")  # of a usage line: gaps are named in each language


class Spelling:
    """How the spans of commands, verbs and groups are spelled in each language."""

    def __init__(self, table: Table, slash_command: str) -> None:
        self._table = table
        self._slash = slash_command
        self._in_chinese = lru_cache(4096)(self._chinese)  # the same hints, again and again

    def of(self, language: Language) -> Callable[[Span], Span]:
        """What becomes of a span for whoever reads this language."""
        return partial(self._spelled, language)

    def _spelled(self, language: Language, span: Span) -> Span:
        text = span.text
        match span.style:
            case "command":
                line = self._in_chinese(text) if language == "zh" else text
                return code(f"{self._slash} {line}")
            case "group":
                return bold(group_in_chinese(text) if language == "zh" else text)
            case "title":
                command = self._table[text]
                return bold(title_in_chinese(command) if language == "zh" else command.title)
            case "verb":
                command = self._table[text.rstrip("*")]
                title = title_in_chinese(command) if language == "zh" else command.title
                return italic(title.split(" ", 1)[-1] + "*" * text.count("*"))
            case "argument":
                id_, word = text.split(" ", 1)
                return code(word_in_chinese(self._table[id_], word) if language == "zh" else word)
        return span

    def _chinese(self, text: str) -> str:
        words = text.split(" ")
        command, rest = self._table.find(words[0], words[1] if len(words) > 1 else ""), words[2:]
        if command is None:
            command, rest = self._table.find("", words[0]), words[1:]
        if command is not None:
            told = f"{title_in_chinese(command)} {self._arguments(command, rest)}".strip()
        elif self._table.group(words[0]) is not None:
            told = " ".join([group_in_chinese(words[0]), *map(_help, words[1:])])
        else:
            return text
        return told if self._meaning(told) == self._meaning(text) else text

    def _arguments(self, command: Command, words: list[str]) -> str:
        if words[-1:] == ["help"]:
            return " ".join([*words[:-1], _help("help")])
        return arguments_in_chinese(command, " ".join(words))

    def _meaning(self, text: str) -> Parse | Command | str:
        try:
            found = parse(self._table, text, self._slash)
        except Refused as refusal:  # something has to be filled in
            return type(refusal).__name__
        if _GAPS.search(text):
            return found.command if isinstance(found, Parsed) else type(found).__name__
        return found


def _help(word: str) -> str:
    return "帮助" if word == "help" else word
