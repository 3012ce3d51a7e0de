"""Finding machines in the App Home: the form that asks for words, and which machines have them."""

import re
from collections.abc import Mapping, Sequence

from bot.dbc.models import Phase, phase_of, said_state
from bot.folding import plain
from bot.ids import NodeId
from bot.language.chinese import words_for_choice
from bot.language.traditional import simplified
from bot.language.vocabulary import BESIDE, STATES
from bot.model import Machine, Press
from bot.pipeline.works import showing
from bot.ports import HOME_FIND, HOME_PAGES, HOME_WORDS, Work
from bot.reply import FieldKind, Form, FormField, Language, catalogue, say
from bot.reply import plain as in_words

_PAGES = re.compile(r"[0-9]{1,6}(\.[0-9]{1,6}){0,2}")
_CHOICES = {
    "running": Phase.ON,
    "off": Phase.OFF,
    "asleep": Phase.ASLEEP,
    "busy": Phase.BUSY,
    "failed": Phase.FAILED,
}
# What people call a state, as in a line.
_PHASES = {word: _CHOICES[choices[0]] for word, choices in STATES.items()} | {
    word: phase for choice, phase in _CHOICES.items() for word in words_for_choice(choice)
}
_JOINTS = frozenset("on in at is are that which the".split())  # noqa: SIM905
_BESIDE = """
    machine machines vm vms server servers node nodes state status shut turned powered switched
    show find list
    虚拟机 虚机 机器 主机 节点 状态 在 上的 正在 处于 着 查找 查看 找 看 显示 列出 台 个
"""
_SAID_BESIDE = BESIDE | _JOINTS | frozenset(_BESIDE.split())
# Chinese has no spaces between words: the longest that is known, else a run of others.
_KNOWN = sorted({word for word in {*_PHASES, *_SAID_BESIDE} if not word.isascii()}, key=len)[::-1]
_PARTS = re.compile(
    f"{'|'.join(_KNOWN)}|[^\u4e00-\u9fff]+|(?:(?!{'|'.join(_KNOWN)})[\u4e00-\u9fff])+"
)
_LANGUAGES: tuple[Language, ...] = ("en", "zh")


async def ask(press: Press) -> Work:
    """Open the form; what is sent in is shown in the Home, at the pages that the button names."""
    field = FormField(
        HOME_WORDS, say("Find"), FieldKind.TEXT, hint=say("Part of its name, id, node or state")
    )
    kept = {HOME_PAGES: press.value} if _PAGES.fullmatch(press.value) else {}
    return showing(Form(HOME_FIND, say("Find a machine"), say("Find"), (field,), kept=kept))


def found(machines: Sequence[Machine], labels: Mapping[NodeId, str], words: str) -> list[Machine]:
    """The machines that have all of the words in a name, their id, their node's name or state.

    Where none has, the words are read as people say them: `stopped machines`, `gpu1 上关机的`.
    """
    wanted = [word for word in map(plain, words.split()) if word]
    wanted = [word for word in wanted if word not in _JOINTS] or wanted
    if fitting := [one for one in machines if _has(one, labels.get(one.node, ""), wanted)]:
        return fitting
    said = [part for word in wanted for part in _PARTS.findall(simplified(word))]
    if not (said := [part for part in said if part not in _SAID_BESIDE]):
        return []
    return [one for one in machines if _is(one, labels.get(one.node, ""), said)]


def _has(machine: Machine, node: str, wanted: Sequence[str]) -> bool:
    whole = _told(machine, node)
    return all(word in whole for word in wanted)


def _is(machine: Machine, node: str, said: Sequence[str]) -> bool:
    """The same, where a word may also be one that people have for the state."""
    whole, phase = _told(machine, node), phase_of(machine.status)
    return all(_PHASES.get(word) is phase or word in whole for word in said)


def _told(machine: Machine, node: str) -> str:
    state = said_state(machine.status)
    states = [in_words((state,), catalogue(language)) for language in _LANGUAGES]
    texts = (machine.label, machine.desc, machine.task, node, machine.status, *states)
    return "\n".join(plain(text) for text in texts)
