"""Texts that name what was seen, as it is called: `Ubuntu.QCOW2` is `ubuntu.qcow2`.

Done before anything is recorded, so that ledger, rules and cards have the names that DBC is sent.
Machines and nodes are looked up later (`bind`), but for quotes that belong to their names.
Looks only at what is known here; asks nobody.
"""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import suppress

from bot.errors import BotError, Refused
from bot.folding import best, fold
from bot.ids import UserId
from bot.language.args import NODE_OPTION, Parameter
from bot.language.kind import Kind
from bot.language.kinds import (
    ALL,
    BASE,
    IMAGE,
    NODE,
    PLACE,
    SERVER,
    SNAPSHOT,
    STORED,
    VM,
)
from bot.language.table import Command
from bot.model import Place, Sighted, Sighting
from bot.pipeline.context import Services
from bot.pipeline.pasted import name_of_row
from bot.reply import say
from bot.services.machine_search import Sought
from bot.services.matching import could_be, is_machine_called, is_node_called, is_task_id

_SUFFIX = ".qcow2"
Known = Callable[[], Awaitable[Collection[str]]]


async def as_known(
    services: Services,
    command: Command,
    values: Mapping[str, str],
    spelled: Mapping[str, str],
    actor: UserId,
    place: Place,
) -> dict[str, str]:
    """The texts with known names spelled as they are. Raises Refused where several are meant.

    `spelled` are texts with the quotes in which they stood.
    """
    names = _Names(services, command, values, actor, place)
    found = dict(values)
    for parameter in command.parameters:
        if (text := values.get(parameter.name)) is not None:
            with_quotes = spelled.get(parameter.name, "")
            found[parameter.name] = await names.of(parameter, text, with_quotes)
    if (with_quotes := spelled.get(NODE_OPTION, "")) and with_quotes in await names.nodes():
        found[NODE_OPTION] = with_quotes
    return found


async def known_names(
    services: Services,
    command: Command,
    values: Mapping[str, str],
    kind: Kind,
    actor: UserId,
    place: Place,
) -> Collection[str] | None:
    """What is known of a kind by its names; None where such names are taken as they are typed."""
    return await _Names(services, command, values, actor, place).all(kind)


def is_chosen(command: Command, values: Mapping[str, str]) -> bool:
    """Whether a form's machine was chosen, and not typed: its text is an id then, and no name."""
    texts = [values.get(p.name, "") for p in command.parameters if p.arg.kind.is_machine]
    return any(map(is_task_id, texts))


class _Names:
    """The names that one command line may mean."""

    def __init__(
        self,
        services: Services,
        command: Command,
        values: Mapping[str, str],
        actor: UserId,
        place: Place,
    ) -> None:
        self._services = services
        self._command = command
        self._values = values
        self._actor = actor
        self._place = place
        # What is known of a kind; what is not here is taken as it is typed.
        self._known: Mapping[Kind, Known] = {
            VM: self._machines,
            **{kind: self.nodes for kind in ALL if kind.is_node},
            **dict.fromkeys((IMAGE, BASE, STORED), self._images),
            **dict.fromkeys((SERVER, PLACE), self._servers),
            SNAPSHOT: self._snapshots,
        }
        # Where the case of letters tells one file from another, only what is there counts.
        self._there: Mapping[Kind, Known] = {
            IMAGE: self._images_on_node,
            BASE: self._images_on_node,
            STORED: self._images_on_server,
        }

    async def of(self, parameter: Parameter, text: str, with_quotes: str) -> str:
        """The name that a text means."""
        kind = parameter.arg.kind
        known = set(await self._known_of(kind, with_quotes))
        if with_quotes in known:
            return with_quotes
        if kind.is_target or text in known:
            return text
        if there := self._there.get(kind):
            known = set(await there())
        found = best(text, sorted(known))
        is_rowed = kind.is_rowed and parameter.arg.is_narrow
        if not found and kind in {IMAGE, BASE, STORED}:  # typed without what all of them end with
            found = best(f"{text}{_SUFFIX}", sorted(known))
        if not found and is_rowed and (name := name_of_row(text)):
            return await self.of(parameter, name, "")
        if len(found) > 1:
            hint = say("Nothing was done. Type it as it is listed.")
            raise Refused(could_be(text, found, found), hint=hint, field=parameter.name)
        return found[0] if found else text

    async def all(self, kind: Kind) -> Collection[str] | None:
        """All names that are known of a kind."""
        known = self._known.get(kind)
        return None if known is None else await known()

    async def _known_of(self, kind: Kind, with_quotes: str) -> Collection[str]:
        known = self._known.get(kind)
        is_needed = bool(with_quotes) or not kind.is_target
        return await known() if known and is_needed else ()

    async def nodes(self) -> set[str]:
        """What nodes of any kind are called."""
        nodes = (await self._services.store.known()).nodes()
        return {name for node in nodes for name in (node.nickname, node.name, node.desc)}

    async def _machines(self) -> set[str]:
        machines = await self._services.inventory.machines(self._actor, self._place.channel)
        return {name for machine in machines for name in (machine.nickname, machine.desc)}

    async def _images(self) -> list[str]:
        """The images on image servers and on nodes that this person can use."""
        usable = await self._services.sessions.usable(self._actor, self._place.channel)
        places: set[str] = {session.node for session in usable}
        places |= set(await self._servers())
        return [image.name for image in await self._seen(Sighted.IMAGE) if image.place in places]

    async def _servers(self) -> list[str]:
        return [server.name for server in await self._seen(Sighted.SERVER)]

    async def _seen(self, kind: Sighted) -> list[Sighting]:
        async with self._services.store.read() as tx:
            return await tx.sightings.all(kind)

    async def _images_on_server(self) -> Sequence[str]:
        servers, chosen = await self._servers(), self._given(SERVER)
        return await self._images_at(best(chosen, servers) if chosen else servers)

    async def _images_on_node(self) -> Sequence[str]:
        node = await self._node()
        return await self._images_at([node] if node else [])

    async def _images_at(self, places: Sequence[str]) -> Sequence[str]:
        """The images there; nothing where no place is known, or none was looked at."""
        if not places:
            return ()
        return await self._services.sightings.names_at(Sighted.IMAGE, places) or ()

    def _given(self, kind: Kind) -> str:
        """What is given for the parameter of this kind."""
        named = (p.name for p in self._command.parameters if p.arg.kind is kind)
        return self._values.get(next(named, ""), "")

    async def _node(self) -> str:
        """The node that is named, or meant without a name, by its id."""
        inventory, text = self._services.inventory, self._given(NODE)
        with suppress(BotError):
            if not text:
                return (await inventory.default_node(self._actor, self._place, asking=False)).id
            node = await inventory.named_node(text, asking=False)
            return node.id if is_node_called(node, text) or fold(text) == fold(node.label) else ""
        return ""

    async def _snapshots(self) -> Sequence[str]:
        """The snapshots of the machine that is named, as far as it is surely that one."""
        text, on = self._given(VM), self._values.get(NODE_OPTION, "")
        if not text:
            return ()
        with suppress(BotError):
            sought = Sought(self._actor, text, on, self._place.channel, asking=False)
            machine = await self._services.machine_search.find(sought)
            if is_machine_called(machine, text):
                there = await self._services.sightings.names_at(Sighted.SNAPSHOT, [machine.task])
                return there or ()
        return ()
