"""Machines and nodes as the bot shows them, pasted back: a row of a list, a heading, a card.

Each word has to be the thing's own or one that the bot writes beside it, so that none that says
something else is lost. Pure; knows nothing but what it is given.
"""

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import lru_cache

from bot.dbc.models import is_state
from bot.folding import fold
from bot.ids import NodeId
from bot.model import Machine, Node

_MARKS = "*_`~()[]{}<>\"'“”‘’「」,;.…·•:!?→"
_UNSAID = re.compile(r":[a-z_+-]+:|&gt;")  # an emoji; the mark of a quotation
_GAP = re.compile(r"[\s,;，；、]+")
_LEAST = 4  # characters of an id that say enough beside a name
# A moment as Slack shows it, in English and Chinese, and as a node or a file has it.
_TIME = re.compile(
    r"today|yesterday|tomorrow|at|am|pm|utc|今天|昨天|明天|上午|下午|\d{1,2}:\d\d(:\d\d)?(am|pm)?"
    r"|\d{4}-\d\d-\d\d|\d{1,2}(st|nd|rd|th)|(19|20)\d\d|\d{1,2}月|\d{1,2}日|\d{4}年.*"
    r"|(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*"
)
_BESIDE_MACHINE = (
    "on", "machine", "vm", "node", "created", "1 gpu", *(f"{n} gpus" for n in range(17)),
    "as last seen", "when last seen", "not in the node's list now",
    "上的", "虚拟机", "节点", "创建", *(f"{n} 块 gpu" for n in range(17)),
    "上次看到", "上次看到时为", "现在不在节点的列表中",
)  # fmt: skip
_BESIDE_NODE = (
    "on", "node", "gpu node", "bare metal", "bare-metal machine", "bare-metal manager", "uuid",
    "not responding", "since", "next retry", "not asked yet since i started", "last answer",
    "checked", "last read", "reading", "rent order", "unknown system", "by", "id",
    "节点", "gpu 节点", "裸金属", "裸金属机器", "裸金属管理节点", "无响应", "起无响应", "重试",
    "检查过", "上次读取", "正在读取",
    "启动后还没询问过", "上次回答", "租用订单", "未知系统", "上的",
)  # fmt: skip
# Only where one of these stands is a moment the bot's: else it says when something should happen.
_DATED = frozenset(
    {"created", "seen", "since", "retry", "answer", "checked"}
    | {"创建", "上次看到", "上次看到时为", "起无响应", "重试", "检查过", "上次回答"}
)
_NUMBER = re.compile(r"v?\d[\w.:/+-]*")  # a version, an address, a rent order
_SIZE = re.compile(r"\d+(\.\d+)? ?[kmgt](i?b)?")
_AMOUNT = re.compile(r"[<$]*\d[\d,.]*|%|usd|dbc")
_MONEY = re.compile(r"<?\d[\d,]*\.\d\d")
_RANGE = re.compile(r"\d+(\.\d+){3}/\d+")
_SHARE = re.compile(r"[█▓▒░▰▱■□ ]*<?\d+ ?%")
_FILE = re.compile(r"\S+\.qcow2|/\S+")
_DOTS = frozenset({"·", "stands", "代表"})  # behind an alias stands what it stands for
# What the lists of snapshots, images and networks say behind a name.
_BEHIND = frozenset(
    {"being copied", "being uploaded", "upload ended", "state unknown", "size not known"}
    | {"image server", "unused", "incomplete", "not the same", "has", "estimate", "估算"}
    | {"复制中", "上传中", "上传结束", "状态未知", "大小未知", "镜像中心", "未使用"}
    | {"可能不完整", "不一致"}
)

_Words = Sequence[str]


@lru_cache(maxsize=16_384)  # a site's names are compared with each line that has one too many
def parts_of(text: str) -> tuple[str, ...]:
    """The words that say something, folded, without the marks that stand around them."""
    folded = (fold(w).strip(_MARKS) for w in _GAP.split(text) if not _UNSAID.fullmatch(w))
    return tuple(word for word in folded if any(char.isalnum() for char in word))


def machines_shown(
    machines: Iterable[Machine], nodes: Mapping[NodeId, Node], text: str
) -> list[Machine]:
    """The machines of which `text` can be what the bot showed.

    Where no id decides, also those whose other names stand in it: then it is not clear which is
    meant. One that is called the same is on a node that the text does not say.
    """
    words = parts_of(text)
    known = mentioned(machines, text) if len(words) > 1 else []
    found = [one for one in known if _is_machine(one, nodes.get(one.node), words)]
    if not found or any(_has_id(one, words) for one in found):
        return found
    names = {name for one in found for name in _names_of(one)}
    return [one for one in known if one in found or _is_said(one, words, but=names)]


def nodes_shown(nodes: Iterable[Node], text: str) -> list[Node]:
    """The nodes of which `text` can be what the bot showed."""
    words = parts_of(text)
    known = nodes_mentioned(nodes, text) if len(words) > 1 else []
    return [one for one in known if _is_node(one, words)]


def mentioned(machines: Iterable[Machine], text: str) -> list[Machine]:
    """The machines of which the words of a name or the beginning of an id stand in the text."""
    words = parts_of(text)
    said = set(words).issuperset
    return [one for one in machines if any(map(said, _names_of(one))) or _has_id(one, words)]


def nodes_mentioned(nodes: Iterable[Node], text: str) -> list[Node]:
    """The nodes of which the words of a name or the beginning of an id stand in the text."""
    words = parts_of(text)
    said = set(words).issuperset
    return [
        one
        for one in nodes
        if any(map(said, _names_of_node(one))) or any(_begins(one.id, word) for word in words)
    ]


def _is_said(machine: Machine, words: _Words, but: Collection[tuple[str, ...]]) -> bool:
    return any(set(words).issuperset(one) for one in _names_of(machine) if one not in but)


def _has_id(machine: Machine, words: _Words) -> bool:
    return any(_begins(machine.task, word) for word in words)


def says_nothing_more(words: Sequence[str], *, freely: bool) -> bool:
    """Whether words are what a list writes behind a name: sizes, states, files, moments.

    `freely`: behind a dot may stand anything, such as a description.
    """
    at, is_shown = 0, False
    while at < len(words):
        if (is_shown := is_shown or words[at] in _DOTS) and freely:
            return True
        taken = _taken_behind(words, at)
        if not taken:
            return False
        is_shown = is_shown or _SIZE.fullmatch(_said(words, at, taken)) is not None
        at += taken
    return is_shown


def is_beside(cell: Sequence[str]) -> bool:
    """Whether a cell has nothing but what a list says of a thing."""
    at = 0
    while at < len(cell):
        taken = _taken_behind(cell, at)
        if not taken:
            return False
        at += taken
    return True


def is_of_list(cell: Sequence[str]) -> bool:
    """Whether a cell is what a list says first of a thing, and nobody of something else."""
    said = _said(cell, 0, len(cell))
    if said in _BEHIND or is_state(said) or not said:  # a cell with a dash alone
        return True
    whole = " ".join(cell)
    of_costs = _SHARE.fullmatch(whole) or _MONEY.fullmatch(whole)
    return bool(of_costs or _SIZE.fullmatch(said) or _RANGE.fullmatch(said))


def _taken_behind(words: Sequence[str], at: int) -> int:
    for count in (3, 2, 1):
        several = _said(words, at, count)
        if several in _BEHIND or _SIZE.fullmatch(several) or is_state(several):
            return count
    one = "".join(parts_of(words[at]))
    return int(not one or any(known.fullmatch(one) for known in (_TIME, _NUMBER, _FILE, _AMOUNT)))


def _said(words: Sequence[str], at: int, count: int) -> str:
    return " ".join(parts_of(" ".join(words[at : at + count])))


def _names_of(machine: Machine) -> list[tuple[str, ...]]:
    names = (parts_of(name) for name in (machine.nickname, machine.desc, machine.label))
    return [name for name in names if name]


def _names_of_node(node: Node) -> list[tuple[str, ...]]:
    names = (parts_of(name) for name in (node.nickname, node.name, node.desc, node.label))
    return [name for name in names if name]


def _is_machine(machine: Machine, node: Node | None, words: _Words) -> bool:
    own = _names_of(machine)
    beside = [parts_of(phrase) for phrase in _BESIDE_MACHINE]
    if node is not None:
        beside += [parts_of(name) for name in (node.label, node.name, node.nickname)]

    def explained(at: int) -> tuple[int, bool]:
        if _begins(machine.node, words[at]):
            return 1, True
        if _is_moment(words, at):
            return 1, False
        states = (n for n in (3, 2, 1) if is_state(" ".join(words[at : at + n])))
        phrase, state = _longest(beside, words, at), next(states, 0)
        return max(phrase, state), phrase > state

    return _is_all(words, own, machine.task, explained)


def _is_node(node: Node, words: _Words) -> bool:
    own = _names_of_node(node)
    beside = [parts_of(phrase) for phrase in _BESIDE_NODE]
    beside += [parts_of(node.uuid), parts_of(node.version)]

    def explained(at: int) -> tuple[int, bool]:
        if phrase := _longest(beside, words, at):
            return phrase, True
        if _is_moment(words, at):
            return 1, False
        is_number = _TIME.fullmatch(words[at]) is None and _NUMBER.fullmatch(words[at]) is not None
        return int(is_number), is_number

    return _is_all(words, own, node.id, explained)


def _is_moment(words: _Words, at: int) -> bool:
    """Whether a word belongs to a moment that the bot has told."""
    return _TIME.fullmatch(words[at]) is not None and not _DATED.isdisjoint(words)


def _is_all(
    words: _Words,
    own: Sequence[_Words],
    identifier: str,
    explained: Callable[[int], tuple[int, bool]],
) -> bool:
    """Whether the words name a thing, and all the others are explained.

    `explained`: how many words from a place on are the bot's, and whether they say more of it than
    how it is and since when. What is shown never has the name alone: several words without more may
    be another's name, and “tomorrow” or “off” may be what somebody wants.
    """
    is_named, says_more, at = False, False, 0
    while at < len(words):
        name = _longest(own, words, at)
        number = int(not name and _begins(identifier, words[at]))
        taken, tells = (name or number, not name) if name or number else explained(at)
        if not taken:
            return False
        is_named = is_named or bool(name or number)
        says_more = says_more or tells
        at += taken
    return is_named and says_more


def _longest(phrases: Iterable[_Words], words: _Words, at: int) -> int:
    """How many words the longest of the phrases takes that stands there."""
    there = (len(one) for one in phrases if one and tuple(words[at : at + len(one)]) == tuple(one))
    return max(there, default=0)


def _begins(identifier: str, word: str) -> bool:
    return len(word) >= _LEAST and fold(identifier).startswith(word)
