"""From texts to the values that a command's function takes: names become machines and nodes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, assert_never

from bot.errors import NotFound, Refused
from bot.ids import NodeId, UserId
from bot.language.args import NODE_OPTION, Parameter
from bot.language.kinds import NODE
from bot.language.row_parts import Listing
from bot.language.table import Command
from bot.language.taking import Binds
from bot.language.text import quoted
from bot.messages import machine_buttons
from bot.messages.cards import Subject
from bot.model import DbcSession, Execution, Machine, Node, NodeKind, Place
from bot.pipeline.context import Services
from bot.pipeline.rights import hidden_from, unasked
from bot.pipeline.suggestions import Suggestions
from bot.reply import Button, line, say
from bot.reply import command as to_type
from bot.services.machine_search import Sought
from bot.services.matching import a_machine, bare_metal, is_node_called, match_machine

# What a machine's verb is for bare metal.
# Of `metal power off inference`, where that is a machine.
_OF_MACHINES = {"on": "start", "off": "poweroff", "reset": "reset"}
_POWER = {"start": "on", "shutdown": "off", "poweroff": "off", "restart": "reset", "reset": "reset"}


@dataclass(frozen=True, slots=True)
class Bound:
    """A command's arguments, ready to call. `machine` and `node` are its target, if it has one.

    `sent`: how many changes of the machine the bot had sent before it looked at it. `session`: the
    one that it was claimed with.
    """

    arguments: Mapping[str, Any]
    machine: Machine | None
    node: Node | None
    sent: int = 0
    session: DbcSession | None = None

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
    actor: UserId,
    place: Place,
    *,
    asking: bool = True,
    by_id: bool = False,
) -> Bound:
    """Read every text and look every name up. Raises Refused or NotFound with the field.

    Without `asking`, DBC is not: NotKnownHere for a name that it may know all the same. `by_id`:
    a machine's text is its task id, and no name.
    """
    binder = _Binder(services, command, values, actor, place, asking=asking, by_id=by_id)
    arguments = {
        parameter.name: await binder.value(parameter, values.get(parameter.name, ""))
        for parameter in command.parameters
    }
    return Bound(arguments, binder.machine, binder.node)


class _Binder:
    """What one command's texts become; how, the kind of each argument says."""

    def __init__(
        self,
        services: Services,
        command: Command,
        values: Mapping[str, str],
        actor: UserId,
        place: Place,
        *,
        asking: bool,
        by_id: bool,
    ) -> None:
        self._services = services
        self._inventory = services.inventory
        self._command = command
        self._values = values
        self._actor = actor
        self._place = place
        self._asking = asking
        self._by_id = by_id
        self._suggestions = Suggestions(services.store, services.table, services.clock)
        self._no_node = hidden_from(services, actor, place, Listing.NODES, asking=asking)
        self.machine: Machine | None = None
        self.node: Node | None = None

    async def value(self, parameter: Parameter, text: str) -> Any:
        """What the function is called with."""
        kind = parameter.arg.kind
        if not text:
            if kind.has_default and parameter.required:
                return await self._default_node(parameter)
            return _left_out(self._command, parameter, self._values)
        match kind.binds:
            case Binds.MACHINE:
                return await self._machine(text)
            case Binds.NODE:
                return await self._named_node(parameter, text)
            case Binds.PLACE:
                return await self._node_or_text(parameter, text)
            case Binds.VALUE:
                return parameter.arg.read(parameter.name, text)
            case _:
                assert_never(kind.binds)

    async def _machine(self, text: str) -> Machine:
        place, asking, on = self._place, self._asking, self._values.get(NODE_OPTION, "")
        given = (self._services, self._actor, place)
        sought = Sought(
            self._actor,
            text,
            on,
            place.channel,
            asking=asking,
            by_id=self._by_id,
            hidden=hidden_from(*given, Listing.MACHINES, asking=asking),
            unasked=unasked(*given, self._command, self._values, asking=asking),
            offers=partial(self._suggestions.machines, self._actor, self._command, self._values),
        )
        try:
            self.machine = await self._services.machine_search.find(sought)
        except NotFound as missing:
            if not asking:
                raise
            if missing.field == "node":
                raise await self._machine_instead(on, NodeKind.GPU, missing) from None
            raise await self._metal_instead(text, missing) from None
        self.node = await self._inventory.node_by_id(self.machine.node)
        return self.machine

    async def _named_node(self, parameter: Parameter, text: str) -> Node:
        try:
            named = await self._inventory.named_node(
                text,
                parameter.arg.kind.nodes,
                parameter.name,
                asking=self._asking,
                hidden=self._no_node,
            )
        except NotFound as missing:
            if not self._asking:
                raise
            kinds = parameter.arg.kind.nodes
            wanted = NodeKind.GPU if NodeKind.GPU in kinds else next(iter(kinds))
            raise await self._machine_instead(text, wanted, missing) from None
        if parameter is self._command.target:
            self.node = named
        return named

    async def _machine_instead(self, text: str, wanted: NodeKind, missing: NotFound) -> NotFound:
        """That the one machine that is called so is no node, with the ways to it."""
        given = (self._services, self._actor, self._place)
        seen = await self._inventory.machines(self._actor, self._place.channel)
        hidden = await hidden_from(*given, Listing.MACHINES, asking=self._asking)()
        called = match_machine((one for one in seen if one.node not in hidden), text, NodeId(""))
        if len(called) != 1:
            return missing
        node, task = called[0].node, called[0].task
        shown = say("Show {machine}", machine=called[0].label)
        found = NotFound(a_machine(text, wanted), field=missing.field)
        found.offers = tuple(
            machine_buttons.button(verb, node, task, label)
            for verb, label in (("show", shown), (machine_buttons.MORE, None))
        )
        if verb := _OF_MACHINES.get(self._values.get("command", ""), ""):
            typed = to_type(f"vm {verb} {quoted(called[0].label)}")
            found.hint = line(say("Did you mean {command}?", command=typed))
        return found

    async def _metal_instead(self, text: str, missing: NotFound) -> NotFound:
        """That what is called so is bare metal, and how its power is switched."""
        unseen = await self._no_node()
        nodes = (await self._services.store.known()).nodes(NodeKind.METAL)
        if not any(is_node_called(one, text) for one in nodes if one.id not in unseen):
            return missing
        power = _POWER.get(self._command.verb)
        hint = say("See: {command}", command=to_type("metal list"))
        if power:
            typed = to_type(f"metal power {power} {quoted(text)}")
            hint = say("Did you mean {command}?", command=typed)
        return NotFound(bare_metal(text), hint=line(hint), field=missing.field)

    async def _node_or_text(self, parameter: Parameter, text: str) -> Node | str:
        """The GPU node of that name; the text where it is most likely an image server's."""
        try:
            self.node = await self._inventory.named_node(
                text, NODE.nodes, parameter.name, asking=self._asking, hidden=self._no_node
            )
        except NotFound:
            self.node = None
        return self.node or text

    async def _default_node(self, parameter: Parameter) -> Node:
        """The node that is meant; where it may be several, buttons for them, if it can be any."""
        given = (self._actor, self._command, self._values, parameter.name)
        is_own, sessions = parameter.arg.kind.is_own, self._services.sessions
        if is_own and self._command.opens is not None:
            await self._command.opens(self._services, self._actor, self._place)

        async def offers(nodes: Sequence[Node]) -> tuple[Button, ...]:
            if not self._asking:
                return ()
            if self._services.table.needs_access(self._command):
                await self._inventory.require_access(self._actor, self._place.channel)
            if is_own:
                nodes = [node for node in nodes if await sessions.holds(self._actor, node)]
            return await self._suggestions.nodes(*given, nodes)

        self.node = await self._inventory.default_node(
            self._actor, self._place, asking=self._asking, hidden=self._no_node, offers=offers
        )
        return self.node


def _left_out(command: Command, parameter: Parameter, values: Mapping[str, str]) -> Any:
    """What is meant where nothing is said."""
    if parameter in command.missing(values):
        raise Refused(
            say("{field} is missing.", field=parameter.arg.label),
            hint=say("Usage: {command}", command=to_type(command.usage)),
            field=parameter.name,
        )
    return parameter.default
