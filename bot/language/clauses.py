"""The parts of a line: what was told before, and what is wished. Pure.

“Someone shut it down, please start it” wishes a start; “snapshot it, then delete it” wishes both.
"""

import re
from collections.abc import Collection, Iterator, Sequence

from bot.folding import plain
from bot.language.bound import bare
from bot.language.text import is_quoted
from bot.language.traditional import simplified

_ENDS = tuple(",;.!，；。！、")
_BETWEEN = frozenset("and then now but please pls plz 然后 请 麻烦 现在".split())  # noqa: SIM905
_HAN = re.compile("[\u4e00-\u9fff]")
# Where Chinese goes on to what is wished: behind a comma, behind 了, before 帮我.
_CUT = re.compile(
    "[，。；、！,;]+|(?<=[^为除]了)(?![解吧啊哈呀吗么没的])|(?=帮我|麻烦|请(?!问)|然后|现在)"
)
# In what state something is, before what is wished of it: “it hung, restart it”.
PASSING = frozenset(
    "done finished broken crashed dead hung stuck hangs frozen 完成 已完成 挂了 坏了 死机 "  # noqa: SIM905
    "卡住 卡死".split()
)
_CHINESE_PAST = re.compile("(?<![为除])了$")
# Of whom access is taken, not given.
_TAKING = frozenset(
    "remove removed revoke take kick stop unshare ungrant lose loses lost withdraw block ban end "  # noqa: SIM905
    "longer without 移除 取消 收回 撤销 踢".split()
)
_SHARED = frozenset("access share sharing shared session from using use uses 共享 授权".split())  # noqa: SIM905
_GIVING = frozenset("let give access allow add use lend 给 借给 用".split())  # noqa: SIM905
# More memory is a change of the machine, more of anything else may be a disk.
_MORE = frozenset("increase raise expand extend grow enlarge resize bigger 扩容 扩展 增加".split())  # noqa: SIM905
_OF_A_MACHINE = frozenset("memory ram mem cpu cpus cores 内存 核".split())  # noqa: SIM905
_PERSON = re.compile(r"@\w+")
_DEED = re.compile("restart|reboot|shutdown|delet(?:e|ion)|reset|start|poweroff")
_BEGINNING = frozenset({"start", "launch", "begin", "restart"})
_ONE = frozenset({"a", "the", "another", "new"})
_MADE = frozenset({"snapshot", "backup", "download", "upload"})
_TELLING = frozenset({"know", "look", "see", "check"})  # “let @bob know”
_SWITCHED = frozenset({"turn", "switch", "power", "off", "and", "then", "back", "on", "again"})
# Switched off, and on again.
_ANEW = re.compile("关[机掉了]*(?:再|然后|又|后)重?新?(?:打?开|启动)")


def clauses(typed: Sequence[str]) -> list[list[str]]:
    """The words between what ends or joins two parts of a line."""
    found: list[list[str]] = [[]]
    for word in typed:
        if not is_quoted(word) and plain(word) in _BETWEEN:
            found.append([])
        elif not is_quoted(word) and _HAN.search(word):
            first, *others = _CUT.split(word)
            found[-1].append(first)
            found.extend([one] for one in others)
        else:
            found[-1].append(word)
        if not is_quoted(word) and word.endswith(_ENDS):
            found.append([])
    parts = [[word for word in part if word] for part in found]
    return [part for part in parts if part]


def is_past(clause: Sequence[str]) -> bool:
    """Whether Chinese says what has happened, beside a part that wishes something: `ada 停机了`."""
    said = _said(clause)
    return bool(said and _CHINESE_PAST.search(said[-1]))


def _said(clause: Sequence[str]) -> list[str]:
    return list(map(bare, clause))


def in_one(typed: Sequence[str]) -> list[str]:
    """The words with one for what is said in several: off and on again, to give, to take away."""
    said = _said(typed)
    if "bare" in said[:-1] and said[said.index("bare") + 1] == "metal":
        at = said.index("bare")
        return in_one([*typed[:at], *typed[at + 1 :]])
    if said[:2] == ["no", "quiet"]:  # “no quiet hours”
        return ["disable", *typed[1:]]
    if not _MORE.isdisjoint(said) and not _OF_A_MACHINE.isdisjoint(said):
        return ["modify" if one in _MORE else word for word, one in zip(typed, said, strict=True)]
    ways = (_anew(typed, said), _begun(typed, said), _undone(typed, said), _shared(typed, said))
    return next((found for found in ways if found is not None), list(typed))


def _anew(typed: Sequence[str], said: Sequence[str]) -> list[str] | None:
    """What is switched off, and on again."""
    if _ANEW.search("".join(said)):
        told = [_ANEW.sub("重启", simplified(word)) for word in typed]
        others = [word for word in typed if not _HAN.search(word)]
        return told if "重启" in "".join(told) else ["重启", *others]  # 先关 ada 再开
    if "on" in said and {"and", "then"} & set(said[:-1]) and "off" in said[: said.index("on")]:
        return ["restart", *_without(_SWITCHED, typed, said)]
    return None


def _begun(typed: Sequence[str], said: Sequence[str]) -> list[str] | None:
    """What is started and is no machine yet: “start a new machine”, “start a snapshot of ada”."""
    if said[:1] and said[0] in _BEGINNING and said[1:2] and said[1] in _ONE:
        if {"new", "another"} & set(said[1:3]):
            return ["create", *_without(_BEGINNING | {"new", "another"}, typed, said)]
        if said[0] != "restart" and said[2:3] and said[2] in _MADE:
            return list(typed[2:])
    return None


def _undone(typed: Sequence[str], said: Sequence[str]) -> list[str] | None:
    """What somebody stops that is going on: “stop the shutdown of ada”, “stop deleting ada”."""
    is_stopped = any(one.endswith("ing") for one in said[1:2]) or "being" in said
    if said[:2] == ["stop", "the"] and _DEED.fullmatch(" ".join(said[2:3])):
        return ["cancel", *typed[3:]]
    if said[:1] == ["stop"] and is_stopped and not {"sharing", "using"} & set(said):
        return ["cancel", *typed[2:]]
    return None


def _shared(typed: Sequence[str], said: Sequence[str]) -> list[str] | None:
    """To whom access is given, or from whom it is taken."""
    if said[:1] and said[0] in _TAKING - {"stop"} and any(map(_PERSON.fullmatch, said[1:2])):
        return ["unshare", *typed[1:]]
    people = any(word.startswith("@") for word in typed)
    if not _TAKING.isdisjoint(said) and (people or "sharing" in said):
        if _SHARED.isdisjoint(said):
            return None
        beside = _TAKING | _SHARED | {"away", "of", "no", "needs", "need"}
        return ["unshare", *_without(beside, typed, said)]
    if people and not _GIVING.isdisjoint(said) and _TELLING.isdisjoint(said):
        return ["share", *_without(_GIVING, typed, said)]
    return None


def _without(beside: Collection[str], typed: Sequence[str], said: Sequence[str]) -> Iterator[str]:
    return (word for word, one in zip(typed, said, strict=True) if one not in beside)
