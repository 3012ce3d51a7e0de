"""What a text may name, of the nodes and machines that are known. Pure."""

import re
from collections.abc import Callable, Iterable, Sequence, Set
from difflib import get_close_matches
from itertools import chain
from typing import TypeVar

from bot.errors import BotError, NotFound, Refused
from bot.folding import plain, readings
from bot.ids import NodeId
from bot.model import Machine, Node, NodeKind
from bot.reply import Phrase, Words, any_of, command, line, listed, say
from bot.services.shown import machines_shown, nodes_shown

_SHOWN = 8  # characters of an id in lists and on cards
MOST_LISTED = 8  # of several things that a name may mean
_NEAREST = 3
_ALIKE = 0.7  # of a name and its typo, as difflib counts
_TELLING = 3  # characters that say something of a name
_A = {
    NodeKind.GPU: say("a node"),
    NodeKind.METAL: say("a bare-metal machine"),
    NodeKind.MANAGER: say("a bare-metal manager"),
}
_A_MACHINE = say("a virtual machine")
_NO = {
    NodeKind.GPU: say("There is no node called “{text}”."),
    NodeKind.METAL: say("There is no bare-metal machine called “{text}”."),
    NodeKind.MANAGER: say("There is no bare-metal manager called “{text}”."),
}
_TASK_ID = re.compile(r"[A-Za-z0-9_]{20,22}")

Named = TypeVar("Named")
Names = Sequence[Sequence[str]]  # of one thing, the ones that count most first


def could_be(text: str, names: Sequence[Words], found: Sequence[object]) -> Phrase:
    """That a name fits several things; those that are not among `names` stay unnamed."""
    if not names:
        return say("“{text}” does not say clearly enough what you mean.", text=text)
    shown = line(listed(names[:MOST_LISTED]), " …" if len(names) > MOST_LISTED else "")
    if len(names) < len(found):
        return say("“{text}” could be any of {names} and others.", text=text, names=shown)
    return say("“{text}” could be any of {names}.", text=text, names=shown)


def none_called(text: str, wanted: NodeKind) -> Phrase:
    """That nothing of this kind is called so."""
    return _NO[wanted].filled(lambda _name: text)


def a_machine(text: str, wanted: NodeKind) -> Phrase:
    """That a machine is called so, where one of these was looked for."""
    return _is_not(text, _A_MACHINE, _A[wanted])


def bare_metal(text: str) -> Phrase:
    """That bare metal is called so, where a machine was looked for."""
    return _is_not(text, _A[NodeKind.METAL], _A_MACHINE)


def _is_not(text: str, kind: Phrase, wanted: Phrase) -> Phrase:
    return say("“{text}” is {kind}, not {wanted}.", text=text, kind=kind, wanted=wanted)


def of_another_kind(
    text: str, found: Sequence[Node], wanted: NodeKind, unseen: Set[str], field: str
) -> BotError:
    """What is called so, or so begins, is something else than what is meant here."""
    if plain(text) in {plain(name) for node in found for name in chain(*_names_of_node(node))}:
        return Refused(_is_not(text, _A[found[0].kind], _A[wanted]), field=field)
    is_manager = wanted is NodeKind.MANAGER
    told = none_called(text, wanted)
    if seen := [node for node in found if node.id not in unseen][:MOST_LISTED]:
        others = any_of(
            say("{node} ({kind})", node=node.label, kind=_A[node.kind]) for node in seen
        )
        told = say("{told} It could be {others}.", told=told, others=others)
    hint = line(
        say(
            "A manager is named by its node id, until {command} gives it a name.",
            command=command("node name"),
        )
    )
    return NotFound(told, hint=hint if is_manager else "", field=field)


def _names_of_node(node: Node) -> Names:
    own = node.name if node.kind is NodeKind.GPU else node.desc
    return (node.id, node.uuid), (node.nickname or own,), (own,)


def _names_of_machine(machine: Machine) -> Names:
    return (machine.task,), (machine.nickname or machine.desc,), (machine.desc,)


def match_node(nodes: Iterable[Node], text: str) -> list[Node]:
    """The nodes that `text` names best, or of which it is what the bot showed."""
    known = list(nodes)
    found = best_of(known, text, _names_of_node, lambda node: chain(*_names_of_node(node)))
    return found or nodes_shown(known, text)


def match_machine(
    machines: Iterable[Machine],
    text: str,
    node: NodeId,
    nodes: Iterable[Node] = (),
    *,
    by_id: bool = False,
) -> list[Machine]:
    """The machines that `text` names best, on `node` if that is not empty.

    Else those of which it is what the bot showed, with the names of these `nodes`. `by_id`: only
    the one with exactly this id.
    """
    there = [machine for machine in machines if node in {"", machine.node}]
    if by_id:
        return [machine for machine in there if machine.task == text]
    found = best_of(there, text, _names_of_machine, lambda one: (one.task, one.label))
    return found or machines_shown(there, {each.id: each for each in nodes}, text)


def nearest_machines(machines: Iterable[Machine], text: str) -> list[Machine]:
    """The few machines whose names are spelled most like the text, or have it in them."""
    return _nearest(machines, text, lambda one: (one.nickname, one.desc))


def nearest_nodes(nodes: Iterable[Node], text: str) -> list[Node]:
    """The same of nodes."""
    return _nearest(nodes, text, lambda one: (one.nickname, one.name, one.desc))


def _nearest(
    candidates: Iterable[Named], text: str, names: Callable[[Named], Sequence[str]]
) -> list[Named]:
    wanted = plain(text)
    by_name: dict[str, list[Named]] = {}
    for one in candidates:
        for name in {plain(name) for name in names(one)} - {""}:
            by_name.setdefault(name, []).append(one)
    within = [name for name in sorted(by_name) if len(wanted) >= _TELLING and wanted in name]
    close = [*within, *get_close_matches(wanted, sorted(by_name), n=_NEAREST, cutoff=_ALIKE)]
    found: list[Named] = []
    for name in close:
        found += [one for one in by_name[name] if one not in found]
    return found[:_NEAREST]


def is_task_id(text: str) -> bool:
    """Whether a text has the form of a machine's whole id."""
    return _TASK_ID.fullmatch(text) is not None


def is_machine_called(found: Machine, text: str) -> bool:
    """Whether it is called exactly so, or named by as much of its id as people are shown.

    Else the text may be the whole name of another one, which nobody has seen yet.
    """
    return text in {found.task, found.nickname, found.desc} or _is_of_id(found.task, text)


def is_node_called(found: Node, text: str) -> bool:
    """The same of a node."""
    names = {found.id, found.uuid, found.nickname, found.name, found.desc}
    return text in names or _is_of_id(found.id, text)


def _is_of_id(identifier: str, text: str) -> bool:
    return len(text) >= _SHOWN and identifier.startswith(text)


def best_of(
    candidates: Iterable[Named],
    text: str,
    names: Callable[[Named], Names],
    begun_by: Callable[[Named], Iterable[str]],
) -> list[Named]:
    """Those that are meant: a whole name beats the beginning of another, the exact one others.

    Where what stands around the text may as well belong to it (`train-1.`, the beginning of
    `train-1.5`), both are meant, so that it is not clear which.
    """
    known = list(candidates)
    called = list(zip(*map(names, known), strict=True))
    if found := _exactly(known, called, text):  # nearly always
        return found
    (_, begins_exactly), *folded = readings(text)
    for is_it, _ in folded[:1]:
        if found := _whole(known, called, is_it):
            return found
    started = [tuple(filter(None, begun_by(one))) for one in known]

    def begun(begins: Callable[[str], bool]) -> list[Named]:
        return [one for one, its in zip(known, started, strict=True) if any(map(begins, its))]

    begun_so = begun(begins_exactly) or [one for _, way in folded[:1] for one in begun(way)]
    wholes = (_whole(known, called, whole) for whole, _ in folded[1:])
    bare = next(filter(None, wholes), [])
    if found := [one for one in known if one in begun_so or one in bare]:
        return found
    return next(filter(None, (begun(way) for _, way in folded[1:])), [])


def _exactly(
    known: Sequence[Named], called: Iterable[Sequence[Sequence[str]]], text: str
) -> list[Named]:
    for names in called:
        named = zip(known, names, strict=True)
        if found := [one for one, its in named if text and text in its]:
            return found
    return []


def _whole(
    known: Sequence[Named], called: Iterable[Sequence[Sequence[str]]], is_it: Callable[[str], bool]
) -> list[Named]:
    for names in called:
        named = zip(known, names, strict=True)
        if found := [one for one, its in named if any(map(is_it, filter(None, its)))]:
            return found
    return []
