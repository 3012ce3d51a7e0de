"""What a text may name, of the nodes and machines that are known. Pure."""

from collections.abc import Callable, Iterable, Sequence, Set
from typing import TypeVar

from bot.errors import BotError, NotFound, Refused
from bot.model import Machine, Node, NodeKind
from bot.reply import command, line

_MOST_LISTED = 8  # of several things that a name may mean
KINDS = {
    NodeKind.GPU: "node",
    NodeKind.METAL: "bare-metal machine",
    NodeKind.MANAGER: "bare-metal manager",
}

Named = TypeVar("Named", Machine, Node)


def could_be(text: str, listed: Sequence[str], found: Sequence[object]) -> str:
    """That a name fits several things; those that are not `listed` stay unnamed."""
    if not listed:
        return f"“{text}” does not say clearly enough what you mean."
    shown = ", ".join(listed[:_MOST_LISTED]) + " …" * (len(listed) > _MOST_LISTED)
    return f"“{text}” could be any of {shown}{' and others' * (len(listed) < len(found))}."


def of_another_kind(
    text: str, found: Sequence[Node], wanted: str, unseen: Set[str], field: str
) -> BotError:
    """What is called so, or so begins, is something else than what is meant here."""
    if text.lower() in {it for node in found for it in _names(node)}:
        return Refused(f"“{text}” is a {KINDS[found[0].kind]}, not a {wanted}.", field=field)
    is_manager = wanted == KINDS[NodeKind.MANAGER]
    told = f"There is no {wanted} called “{text}”."
    if listed := [node for node in found if node.id not in unseen]:
        kinds = " or ".join(dict.fromkeys(KINDS[node.kind] for node in listed))
        names = " or ".join(node.label for node in listed[:_MOST_LISTED])
        told += f" It could be {names}, " + (f"a {kinds}." if len(listed) == 1 else f"{kinds}s.")
    hint = line(
        "A manager is named by its node id, until ", command("node name"), " gives it a name."
    )
    return NotFound(told, hint=hint if is_manager else "", field=field)


def _names(node: Node) -> tuple[str, ...]:
    own = node.name if node.kind is NodeKind.GPU else node.desc
    return (node.id, node.nickname.lower(), own.lower(), node.uuid.lower())


def match_node(nodes: Iterable[Node], text: str) -> list[Node]:
    """The nodes that `text` names best."""
    lowered = text.lower()

    def rank(node: Node) -> int | None:
        names = _names(node)
        if text == node.id or lowered == names[1]:
            return 0
        if lowered in names[2:]:
            return 1
        return 2 if any(name.startswith(lowered) for name in names) else None

    return _best(nodes, rank)


def match_machine(machines: Iterable[Machine], text: str, node: str) -> list[Machine]:
    """The machines that `text` names best, on `node` if that is not empty."""
    lowered = text.lower()

    def rank(machine: Machine) -> int | None:
        if node not in {"", machine.node}:
            return None
        if text == machine.task or lowered == machine.nickname.lower():
            return 0
        if lowered == machine.desc.lower():
            return 1
        begins = machine.task.startswith(text) or machine.label.lower().startswith(lowered)
        return 2 if begins else None

    return _best(machines, rank)


def _best(candidates: Iterable[Named], rank: Callable[[Named], int | None]) -> list[Named]:
    """Those of the best rank: a whole name beats the beginning of another."""
    ranked = [(place, one) for one in candidates if (place := rank(one)) is not None]
    best = min((place for place, _ in ranked), default=None)
    return [one for place, one in ranked if place == best]
