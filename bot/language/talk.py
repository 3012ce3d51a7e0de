"""What people say between the arguments of a command, when they write as they talk. Pure.

`export my audit for november as csv`, `restart the machine train-01`. Read so is only what does
not fit as it stands.
"""

import re
from collections.abc import Sequence

from bot.folding import plain
from bot.language.kinds import MOMENT
from bot.language.mood import PRONOUNS
from bot.language.periods import PERIOD
from bot.language.table import Command
from bot.language.text import is_quoted, parted
from bot.language.vocabulary import GROUPS
from bot.model import Effect

_ARTICLES = frozenset({"the", "a", "an", "my", "our", "of"})
_MINE = frozenset({"my", "mine", "我的"})
_NODES = frozenset({"node", "nodes", "节点"})
_NO_NOUNS = frozenset({"gpu", "gpus", "host", "hosts"})  # beside their number, and in names
_PERIODS = re.compile(rf"(?:(?:for|in|of|during|from) )?(?P<period>{PERIOD.pattern})")
_SPAN = re.compile(
    rf"(?:from|between) (?P<since>{PERIOD.pattern}|\S+) (?:to|until|till|and) "
    rf"(?P<until>{PERIOD.pattern}|\S+)"
)
_BETWEEN = {"session": ("for", "to"), "settings": ("only", "just", "at")}
_OPEN = frozenset({"since", "until", "from", "till"})


def as_talked(command: Command, words: Sequence[str]) -> list[str]:
    """The words without articles and the command's own nouns, and with keys for what has none."""
    left: list[str] = []
    changes = command.worst_effect is not Effect.READ
    typed = _with_period(command, words)
    if any(plain(word) in PRONOUNS for word in typed):  # “logs of that box”
        return typed
    for word, then in zip(typed, [*typed[1:], ""], strict=True):
        said, follows = plain(word), plain(parted(then)[0])
        is_before = _is_own_noun(command, follows) or command.parameter(follows) is not None
        if changes and said in _ARTICLES and not is_before:
            left.append(word)  # “restart the watch on inference” is about the watch
            continue
        if is_quoted(word) or parted(word)[1]:
            left.append(word)
        elif said in _MINE and _asks_for_person(command) and not _names_person(words):
            left.append("person=me")
        elif word.startswith("@") and _asks_for_person(command):
            left.append(f"person={word}")
        elif not (said in _ARTICLES or _is_own_noun(command, said) or _is_between(command, said)):
            left.append(_with_key(command, word))
    return [word for at, word in enumerate(left) if not _leads_to_key(left, at)]


def _with_period(command: Command, words: Sequence[str]) -> list[str]:
    """A month or a week as its beginning and its end, where a command takes both."""
    since, until = command.parameter("since"), command.parameter("until")
    if since is None or until is None or since.arg.kind is not MOMENT:
        return list(words)
    if any(is_quoted(word) or parted(word)[0] in {"since", "until"} for word in words):
        return list(words)
    text = " ".join(words)
    if span := _SPAN.search(text.lower()):
        ends = span["since"], span["until"]
    elif (one := _PERIODS.search(text.lower())) and not _is_open(text, one.start()):
        span, ends = one, (one["period"], one["period"])
    else:
        return list(words)
    begun, behind = text[: span.start()].split(), text[span.end() :].split()
    return [*begun, f"since={ends[0]}", f"until={ends[1]}", *behind]


def _is_open(text: str, start: int) -> bool:
    """Whether a period is only where a longer one begins or ends: `since monday`."""
    before = text[:start].split()
    return bool(before) and plain(before[-1]) in _OPEN


def _asks_for_person(command: Command) -> bool:
    return command.group == "audit" and command.parameter("person") is not None


def _names_person(words: Sequence[str]) -> bool:
    return any(word.startswith(("@", "person=")) for word in words)


def _is_own_noun(command: Command, said: str) -> bool:
    """Whether a word says what kind of thing the command is about, not which."""
    if command.parameter(said) is not None or said in _NO_NOUNS:
        return False
    if said in _NODES:
        return command.target is not None
    return said == command.group or command.group in GROUPS.get(said, ())[:1]


def _is_between(command: Command, said: str) -> bool:
    """Whether a word only joins the two: a session for a node; or only stresses: failures only."""
    return said in _BETWEEN.get(command.group, ())


def _with_key(command: Command, word: str) -> str:
    """A choice with the name of what it chooses, where that takes no word without one."""
    taken = [
        p
        for p in command.parameters
        if p.arg.kind.is_choice and not p.arg.positional and p.arg.kind.accepts(p.arg, word)
    ]
    return f"{taken[0].name}={word}" if len(taken) == 1 else word


def _leads_to_key(words: Sequence[str], at: int) -> bool:
    """Whether a word only leads to what has a key now: `as csv`."""
    follows = words[at + 1 : at + 2]
    return plain(words[at]) in {"as", "in", "for"} and bool(follows) and "=" in follows[0]
