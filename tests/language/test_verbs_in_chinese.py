"""Restart, force restart, shut down, reset: each has its own Chinese word, and no other's."""

import re
from pathlib import Path

from babel.messages.pofile import read_po

_PO = Path(__file__).parents[2] / "bot" / "locale" / "zh_CN" / "LC_MESSAGES" / "bot.po"
_QUOTED = re.compile(r"`[^`]*`|\{\w+\}|“vm [^”]*”")  # commands and what is filled in
_VERBS = {
    r"\b(re-?start|reboot)": "重启",
    r"\bshut(s|ting)?( \w+)?( machine)? ?down\b": "关",
    r"\bpower(ed|ing)? off\b": "断电",
    r"(?<!connection )\breset": "重置",
}


def _entries() -> list[tuple[str, str]]:
    with _PO.open("rb") as file:
        messages = [one for one in read_po(file) if one.id]
    first = [
        (one.id if isinstance(one.id, str) else one.id[0],
         one.string if isinstance(one.string, str) else (one.string or [""])[0])
        for one in messages
    ]  # fmt: skip
    return [(_QUOTED.sub("", english), chinese) for english, chinese in first]


def test_each_verb_has_its_word() -> None:
    wrong = [
        (english, chinese)
        for english, chinese in _entries()
        for verb, word in _VERBS.items()
        if re.search(verb, english, re.IGNORECASE) and word not in chinese
    ]
    assert wrong == []


def test_only_a_force_restart_is_called_one() -> None:
    wrong = [
        (english, chinese)
        for english, chinese in _entries()
        if "重启" in chinese and ("强制" in chinese) != ("force" in english.lower())
    ]
    assert wrong == []
