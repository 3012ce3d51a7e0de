"""What people say out of courtesy, beside a command or written together with it. Pure."""

import re
from collections.abc import Sequence

from bot.folding import plain
from bot.language.chinese import WITH_FLAG
from bot.language.table import Table

COURTESIES = frozenset(
    """
    please pls plz kindly hey hi hello thanks thx ok okay
    请 请帮我 帮我 帮忙 麻烦 一下 下 吧 谢谢 你好 好的
    """.split()  # noqa: SIM905 - readable
)
# What asks for something. “Can I”, “could we” and “I would” only ask whether, or say what if.
_REQUESTS = tuple(
    tuple(words.split())
    for words in (
        "can you", "could you", "would you", "will you", "i want to", "i need to", "we want to",
        "we need to", "lets", "let's",
    )
)  # fmt: skip
_LONGEST = max(map(len, _REQUESTS))
# `请重启`, `重启一下`
_CIVIL = re.compile("(?:请帮我|请|帮我|麻烦)?(.+?)(?:一下|下吧|吧)?")


def without_courtesy(table: Table, typed: Sequence[str]) -> Sequence[str]:
    """Without what people say out of courtesy before a command, or write together with it."""
    start = 0
    while start < len(typed):
        word = typed[start]
        if _begins(table, word) or "-".join(map(plain, typed[start : start + 2])) in WITH_FLAG:
            return typed[start:]
        bare = _CIVIL.fullmatch(word)
        if bare is not None and bare[1] != word and _begins(table, bare[1]):
            return [bare[1], *typed[start + 1 :]]
        if not (length := _asking(typed[start : start + _LONGEST])):
            break
        start += length
    return typed


def _asking(typed: Sequence[str]) -> int:
    """How many words at the beginning ask for something, or are said out of courtesy."""
    said = tuple(map(plain, typed))
    if said[0] in COURTESIES:
        return 1
    return next((len(words) for words in _REQUESTS if said[: len(words)] == words), 0)


def _begins(table: Table, word: str) -> bool:
    if table.group(word) is not None or table.find("", word) is not None:
        return True
    return table.alone(word) is not None or plain(word) in WITH_FLAG
