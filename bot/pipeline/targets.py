"""From texts to the values that a command's function takes: names become machines and nodes."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bot.errors import NotFound, Refused
from bot.language.args import DEFAULTED, NODE_OPTION, NODES, Kind, Parameter
from bot.language.table import Command
from bot.messages.cards import Subject
from bot.model import Execution, Machine, Node, NodeKind, Place
from bot.pipeline.context import Services
from bot.pipeline.rights import hidden_from, unasked
from bot.reply import command as to_type
from bot.reply import line
from bot.services.inventory import Hidden, Inventory

# What may be meant by an argument that is looked up among nodes.
MEANT: Mapping[Kind, frozenset[NodeKind]] = {
    "node": frozenset({NodeKind.GPU}),
    "peer": frozenset(NodeKind),
    "metal": frozenset({NodeKind.METAL}),
    "manager": frozenset({NodeKind.MANAGER}),
}


@dataclass(frozen=True, slots=True)
class Bound:
    """A command's arguments, ready to call. `machine` and `node` are its target, if it has one.

    `sent`: how many changes of the machine the bot had sent before it looked at it.
    """

    arguments: Mapping[str, Any]
    machine: Machine | None
    node: Node | None
    sent: int = 0

    @property
    def own_name(self) -> str:
        """The machine's own description, which a nickname does not change."""
        return self.machine.desc if self.machine is not None else ""

    def subject(self, execution: Execution) -> Subject:
        """What an execution is about, by the names people use and the machine's own."""
        node = self.node.label if self.node is not None else ""
        return Subject(execution.label, execution.task, node, self.own_name)


async def bind(
    services: Services,
    command: Command,
    values: Mapping[str, str],
    actor: str,
    place: Place,
    *,
    asking: bool = True,
) -> Bound:
    """Read every text and look every name up. Raises Refused or NotFound with the field.

    Without `asking`, DBC is not: NotKnownHere for a name that it may know all the same.
    """
    arguments: dict[str, Any] = {}
    machine: Machine | None = None
    node: Node | None = None
    inventory = services.inventory
    no_node = hidden_from(services, actor, place, "node.list", asking=asking)
    target = command.target
    for parameter in command.parameters:
        text = values.get(parameter.name, "")
        kind = parameter.arg.kind
        if kind == "vm" and text:
            on = values.get(NODE_OPTION, "")
            machine = await inventory.machine(
                actor,
                text,
                on,
                place.channel,
                asking=asking,
                hidden=hidden_from(services, actor, place, "vm.list", asking=asking),
                unasked=unasked(services, actor, place, command, values, asking=asking),
            )
            node = await inventory.node_by_id(machine.node)
            arguments[parameter.name] = machine
        elif kind in NODES and text:
            named = await inventory.named_node(
                text, MEANT[kind], parameter.name, asking=asking, hidden=no_node
            )
            node = named if parameter is target else node
            arguments[parameter.name] = named
        elif kind == "place" and text:
            node = await _node_called(inventory, text, parameter.name, no_node, asking=asking)
            arguments[parameter.name] = node or text
        elif kind in DEFAULTED and parameter.required:
            node = await inventory.default_node(actor, place, asking=asking, hidden=no_node)
            arguments[parameter.name] = node
        else:
            arguments[parameter.name] = _plain_value(command, parameter, text)
    return Bound(arguments, machine, node)


def _plain_value(command: Command, parameter: Parameter, text: str) -> Any:
    """What a text says that names nothing; without one, what is meant then."""
    if text:
        return parameter.arg.read(parameter.name, text)
    if parameter.required:
        raise Refused(
            f"{parameter.arg.label} is missing.",
            hint=line("Usage: ", to_type(command.usage)),
            field=parameter.name,
        )
    return parameter.default


async def _node_called(
    inventory: Inventory, text: str, field: str, hidden: Hidden, *, asking: bool
) -> Node | None:
    """The GPU node of that name; None where it is most likely an image server's."""
    try:
        return await inventory.named_node(text, MEANT["node"], field, asking=asking, hidden=hidden)
    except NotFound:
        return None
