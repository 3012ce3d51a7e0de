"""Options for search fields, from the local inventory: a node is asked only where nothing was seen.

A kind of argument that is sought is one method and one entry in `_sources`, unless it is looked up
among nodes. What is chosen already in the form narrows what is offered (`Kind.narrowed_by`).
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import timedelta
from functools import partial

from bot.clock import time_limit
from bot.dbc.identity import Target
from bot.dbc.models import said_state
from bot.errors import BotError, Refused
from bot.folding import fold, plain
from bot.ids import NodeId
from bot.language.kind import Kind
from bot.language.kinds import (
    ALL,
    BASE,
    DEFAULT,
    DISK,
    IMAGE,
    NETWORK,
    NODE,
    PLACE,
    SERVER,
    SNAPSHOT,
    STORED,
    VM,
)
from bot.language.row_parts import Listing
from bot.model import Machine, NodeKind, Sighted, Sighting
from bot.pipeline.context import Services
from bot.pipeline.numbered import Numbered
from bot.pipeline.rights import require_colleague
from bot.ports import DeliveryFailed, Search
from bot.reply import Choice, listed, say
from bot.services.machine_search import Sought
from bot.services.sessions import target_of
from bot.services.shown import parts_of

_MOST = 100  # Slack shows at most 100 options
_LIVE_PATIENCE = timedelta(seconds=2)  # Slack gives up on options after 3 s
_SHORT = 8  # characters of an id that people read
_BETWEEN = frozenset({"on", "machine", "node"})
_LONG_ID = 20  # a machine's has 20 at least, a node's 64


class Completion:
    """Search-as-you-type for everything that has a name."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._sources: Mapping[Kind, Callable[[Search], Awaitable[list[Choice]]]] = {
            VM: self._machines,
            IMAGE: self._images,
            BASE: self._bases,
            STORED: self._stored,
            SERVER: self._servers,
            PLACE: self._places,
            DEFAULT: self._defaults,
            DISK: partial(self._of_machines, Sighted.DISK, Listing.DISKS),
            SNAPSHOT: partial(self._of_machines, Sighted.SNAPSHOT, Listing.SNAPSHOTS),
            NETWORK: self._networks,
            **Numbered(services).sources,
            **{kind: partial(self._nodes, kind) for kind in ALL if kind.is_node},
        }
        if unfit := self._sources.keys() ^ {kind for kind in ALL if kind.is_sought}:
            names = sorted(kind.name for kind in unfit)
            raise ValueError(f"kinds that are sought have a source, and no others: {names}")
        self._kinds = {kind.name: kind for kind in self._sources}

    async def options(self, search: Search) -> Sequence[Choice]:
        """At most 100 options that contain what is typed; an empty list for an unknown source.

        Those that begin with it come first, else one's own. What nobody has seen is offered as
        typed, where it may exist all the same.
        """
        kind = self._kinds.get(search.source)
        if kind is None:
            return []
        found = await self._sources[kind](search) if await self._may_search(search) else []
        typed = search.query.strip()
        hits = _containing(found, fold(typed)) or _containing(found, plain(typed))
        hits = hits or _containing_all(found, typed)
        hits = hits or _containing_all(found, typed.partition(" · ")[0])  # a row of a list
        hits.sort(
            key=lambda c: (
                not str(c.label).startswith(typed),
                not fold(str(c.label)).startswith(fold(typed)),
            )
        )
        if typed and not hits and kind.may_be_unseen:
            return [Choice(say("“{name}”, as typed", name=typed), typed)]
        return hits[:_MOST]

    async def _may_search(self, search: Search) -> bool:
        """Whether machines are for them at all; not while Slack does not say."""
        try:
            await require_colleague(self._services, search.user)
        except (Refused, DeliveryFailed):
            return False
        return True

    async def _machines(self, search: Search) -> list[Choice]:
        labels = await self._labels()
        return [
            Choice(
                say(
                    "{machine} · {state} · {node}",
                    machine=m.label,
                    state=said_state(m.status),
                    node=labels.get(m.node, m.node[:_SHORT]),
                ),
                m.task,
            )
            for m in await self._seen_machines(search, Listing.MACHINES)
        ]

    async def _nodes(self, wanted: Kind, search: Search) -> list[Choice]:
        kinds = wanted.nodes
        nodes = (await self._services.store.known()).nodes(*kinds)
        if not nodes and NodeKind.GPU in kinds:
            with suppress(BotError, TimeoutError):
                async with time_limit(self._services.clock, _LIVE_PATIENCE):
                    nodes = await self._services.inventory.refresh_nodes()
        hidden = await self._hidden(search, Listing.NODES)
        nodes = [node for node in nodes if node.id not in hidden]
        if wanted.is_own:
            kept = {one.node for one in await self._services.sessions.of(search.user)}
            nodes = [node for node in nodes if node.id in kept]
        own = await self._own_nodes(search)
        nodes.sort(key=lambda node: node.id not in own)
        needs = NodeKind.GPU in kinds and self._needs_session(search)
        return [
            Choice(
                say("{node} · {id} · no session", node=node.label, id=node.id[:_SHORT])
                if needs and node.id not in own
                else f"{node.label} · {node.id[:_SHORT]}",
                node.id,
            )
            for node in nodes
        ]

    def _needs_session(self, search: Search) -> bool:
        """Whether the form's command is sent with a session of whoever fills it in."""
        command = self._services.table.get(search.form)
        return command is not None and self._services.table.needs_session(command)

    async def _images(self, search: Search) -> list[Choice]:
        """All images; those on the node that is meant come first."""
        own = await self._own_nodes(search)
        images = await self._seen_images(search, own)
        node = await self._node_meant(search)
        return _by_name(images, await self._labels(), [node] if node else own)

    async def _bases(self, search: Search) -> list[Choice]:
        """What a machine can be made from: the images on the node that is meant, else on any."""
        own = await self._own_nodes(search)
        node = await self._node_meant(search)
        if node and node not in await self._hidden(search, Listing.IMAGES):
            images = await self._services.sightings.images_on(NodeId(node))
            if images:
                return _by_name(images, await self._labels(), own)
        images = await self._seen_images(search, own)
        on_nodes = [image for image in images if len(image.place) >= _LONG_ID]
        return _by_name(on_nodes, await self._labels(), own)

    async def _stored(self, search: Search) -> list[Choice]:
        """The images on the chosen image server, else on any."""
        server = self._chosen(search, SERVER)
        images = await self._services.sightings.images(await self._own_nodes(search))
        stored = [image for image in images if len(image.place) < _LONG_ID]
        chosen = [image for image in stored if image.place == server]
        return _by_name(chosen or stored, {}, ())

    async def _networks(self, search: Search) -> list[Choice]:
        """The private networks on the node that is meant, else on all of one's own."""
        own = await self._own_nodes(search)
        hidden = await self._hidden(search, Listing.NETWORKS)
        open_ = [node for node in own if node not in hidden]
        node = await self._node_meant(search)
        if not node:
            seen = await self._services.sightings.networks(open_)
            return _by_name(seen, await self._labels(), own)
        there = await self._services.sightings.networks_on(NodeId(node)) if node in open_ else []
        return [Choice(f"{one.name} · {one.detail}", one.name) for one in there]

    async def _servers(self, _search: Search) -> list[Choice]:
        return [Choice(s.name, s.name) for s in await self._services.sightings.servers()]

    async def _places(self, search: Search) -> list[Choice]:
        """Where images are."""
        return [*await self._nodes(NODE, search), *await self._servers(search)]

    async def _defaults(self, search: Search) -> list[Choice]:
        """Which node may be meant where none is named; or none, in words that a line takes."""
        return [*await self._nodes(NODE, search), Choice(say("None"), "none")]

    async def _of_machines(self, kind: Sighted, listing: Listing, search: Search) -> list[Choice]:
        """What the chosen machine has; before one is chosen, what all of them have."""
        machines = await self._seen_machines(search, listing)
        if chosen := self._chosen(search, VM):
            with suppress(BotError):
                return await self._of_machine(kind, search, chosen, machines)
        seen = await self._services.sightings.of_machines(kind, machines)
        return _by_name(seen, {machine.task: machine.label for machine in machines}, ())

    async def _of_machine(
        self,
        kind: Sighted,
        search: Search,
        chosen: str,
        seen_here: Sequence[Machine],
    ) -> list[Choice]:
        channel, inventory = search.place.channel, self._services.inventory
        sought = Sought(search.user, chosen, channel=channel, asking=False)
        machine = await self._services.machine_search.find(sought)
        if machine.task not in {one.task for one in seen_here}:
            return []

        async def acting() -> Target:
            node = await inventory.node_by_id(machine.node)
            return target_of(await self._services.sessions.use(search.user, node, channel))

        seen = await self._services.sightings.of_machine(kind, acting, machine.task)
        return [Choice(f"{one.name} · {one.detail}", one.name) for one in seen]

    async def _node_meant(self, search: Search) -> str:
        """The node that is chosen in the form, else the one that is meant without a choice."""
        inventory = self._services.inventory
        with suppress(BotError):
            if chosen := self._chosen(search, NODE):
                return (await inventory.named_node(chosen, asking=False)).id
            if search.form:
                return (await inventory.default_node(search.user, search.place, asking=False)).id
        return ""

    def _chosen(self, search: Search, kind: Kind) -> str:
        """What the form's field of this kind holds."""
        command = self._services.table.get(search.form)
        parameters = command.parameters if command else ()
        held = (search.given.get(p.name, "") for p in parameters if p.arg.kind is kind)
        return next(held, "")

    async def _own_nodes(self, search: Search) -> list[str]:
        usable = await self._services.sessions.usable(search.user, search.place.channel)
        return [session.node for session in usable]

    async def _seen_machines(self, search: Search, listing: Listing) -> list[Machine]:
        seen = await self._services.inventory.machines(search.user, search.place.channel)
        hidden = await self._hidden(search, listing)
        return [machine for machine in seen if machine.node not in hidden]

    async def _seen_images(self, search: Search, own: Sequence[str]) -> list[Sighting]:
        hidden = await self._hidden(search, Listing.IMAGES)
        seen = await self._services.sightings.images([node for node in own if node not in hidden])
        return [image for image in seen if image.place not in hidden]

    async def _hidden(self, search: Search, listing: Listing) -> frozenset[str]:
        """The nodes of which the rules deny to read what this command would list."""
        reviewers = self._services.reviews.reviewers
        command = self._services.table.listing(listing)
        return await reviewers.hidden(search.user, search.place.channel, command)

    async def _labels(self) -> dict[str, str]:
        return {node.id: node.label for node in (await self._services.store.known()).nodes()}


def _containing(found: Sequence[Choice], wanted: str) -> list[Choice]:
    return [one for one in found if wanted in fold(str(one.label)) or wanted in fold(one.value)]


def _containing_all(found: Sequence[Choice], typed: str) -> list[Choice]:
    """Those that contain all words of a row that was pasted, but the bot's own between names."""
    words = [word for word in parts_of(typed) if word not in _BETWEEN]
    return [one for one in found if words and all(_containing([one], word) for word in words)]


def _by_name(
    seen: Iterable[Sighting], labels: Mapping[str, str], own: Sequence[str]
) -> list[Choice]:
    """One option a name, with the places that have it; those at one's own places first."""
    places: dict[str, list[str]] = {}
    for one in seen:
        places.setdefault(one.name, []).append(one.place)
    names = sorted(places, key=lambda name: not set(places[name]) & set(own))
    return [
        Choice(
            say(
                "{name} · {places}",
                name=name,
                places=listed(labels.get(p, _cut_id(p)) for p in places[name]),
            ),
            name,
        )
        for name in names
    ]


def _cut_id(place: str) -> str:
    """An image server's id as it is; of a node's or a machine's, what people read."""
    return place if len(place) < _LONG_ID else place[:_SHORT]
