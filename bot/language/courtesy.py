"""What people say out of courtesy, beside a command or written together with it. Pure."""

import re
from collections.abc import Sequence

from bot.folding import plain
from bot.language.chinese import WITH_FLAG
from bot.language.table import Table
from bot.language.text import Word, is_quoted
from bot.language.vocabulary import VERBS

COURTESIES = frozenset(
    """
    please pls plz plss pleease kindly hey hi hello thanks thx thankyou cheers ty tia ok okay now
    asap ffs kthx
    请 请帮我 帮我 帮忙 麻烦 麻烦了 一下 下 吧 谢谢 谢谢你 谢谢啦 谢了 多谢 拜托 拜托了 辛苦了
    你好 好的 现在 马上 立刻 尽快
    """.split()  # noqa: SIM905 - readable
)
# What asks for something. “Can I”, “could we” and “I would” only ask whether, or say what if.
_REQUESTS = tuple(
    tuple(words.split())
    for words in (
        "can you", "could you", "would you", "will you", "i want to", "i need to", "we want to",
        "we need to", "lets", "let's", "good morning", "good afternoon", "good evening", "good day",
        "hi all", "hi team", "hi everyone", "hello everyone", "hi there", "hello there",
    )
)  # fmt: skip
_LONGEST = max(map(len, _REQUESTS))
# Polite words before a wish: “would you mind restarting ada”.
_MIND = (("would", "you", "mind"), ("do", "you", "mind"), ("would", "u", "mind"))
# The same in several words, at the end.
PHRASES = tuple(
    tuple(words.split())
    for words in (
        "thank you", "thank you so much", "thank you very much", "thank you in advance",
        "many thanks", "thanks a lot", "thanks a ton", "thanks a bunch", "thanks so much",
        "thanks in advance", "thanks team", "no rush", "pretty please",
        "if you can", "if possible", "if you please", "if thats ok", "if that's ok",
        "if you dont mind",
        "if you have time", "when you can", "when you get a chance", "when you have time",
        "when you have a sec", "when you get a sec",
        "when you have a moment", "for me", "right now", "right away",
    )
)  # fmt: skip
_LAST_COMMA = re.compile("(.*)([,;，；、])(.*)")
_GLUED = re.compile("(.+?)(?:谢谢[你啦]?|谢[了啦]|多谢|拜托了?)[。！!~～]*")
_GLUED_TO_LATIN = re.compile(r"(.*[\w-])(?<=[A-Za-z0-9])(?:一下|下?吧|[啦哈])[。！!~～]*")
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
        if verb := _minded(table, typed[start:]):
            return _unasked([verb, *typed[start + len(_MIND[0]) + 1 :]])
        if not (length := _asking(typed[start : start + _LONGEST])):
            break
        start += length
    return typed


def without_courtesy_behind(typed: Sequence[str]) -> Sequence[str]:
    """Without what people say out of courtesy at the end, also written together with a word."""
    left = list(typed)
    while left and not is_quoted(left[-1]):
        said = tuple(map(plain, left))
        length = max((len(p) for p in PHRASES if said[-len(p) :] == p), default=0)
        before, comma, last = _last_piece(left[-1])
        if length or said[-1] in COURTESIES or not any(map(str.isalnum, left[-1])):
            del left[-max(length, 1) :]
        elif comma and plain(last) in COURTESIES:
            left[-1:] = [Word.of(before, before)] if before else []
        elif found := _GLUED.fullmatch(left[-1]) or _GLUED_TO_LATIN.fullmatch(left[-1]):
            left[-1] = Word.of(found[1], found[1])
        else:
            break
    return left


def _last_piece(word: str) -> tuple[str, str, str]:
    """A word up to its last comma, the comma, and what stands behind it."""
    found = _LAST_COMMA.fullmatch(word)
    return (found[1], found[2], found[3]) if found else (word, "", "")


def _asking(typed: Sequence[str]) -> int:
    """How many words at the beginning ask for something, or are said out of courtesy."""
    said = tuple(map(plain, typed))
    if said[0] in COURTESIES:
        return 1
    return next((len(words) for words in _REQUESTS if said[: len(words)] == words), 0)


def _unasked(typed: Sequence[str]) -> list[str]:
    """A wish without its question mark: “can you reboot ada?”; whether to delete may be asked."""
    if not typed or VERBS.get(plain(typed[0])) == VERBS["delete"]:
        return list(typed)
    last = typed[-1]
    bare = last if is_quoted(last) else Word.of(last.rstrip("?？"), last.rstrip("?？"))
    return [*typed[:-1], *([bare] if bare else [])]


def _minded(table: Table, typed: Sequence[str]) -> str:
    """What somebody is asked whether they mind doing it; nothing where they are asked no such."""
    said = [plain(word) for word in typed[: len(_MIND[0]) + 1]]
    if tuple(said[:-1]) not in _MIND:
        return ""
    bare = said[-1].removesuffix("ing")
    ways = (bare, f"{bare}e", bare[:-1])  # reboot-ing, delet-ing, stopp-ing
    return next((one for one in ways if one in VERBS or _begins(table, one)), "")


def _begins(table: Table, word: str) -> bool:
    if table.group(word) is not None or table.find("", word) is not None:
        return True
    return table.alone(word) is not None or plain(word) in WITH_FLAG
