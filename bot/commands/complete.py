"""Options for search fields, from the local inventory: no node is waited for.

A kind of argument that is sought is one method and one entry in `_sources`.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Literal

from bot.commands.bind import MEANT
from bot.commands.context import Services
from bot.dbc.models import state_of
from bot.errors import BotError
from bot.model import NodeKind, Sighting
from bot.reply import Choice

_MOST = 100  # Slack shows at most 100 options
_LIVE_PATIENCE = 2.0  # seconds; Slack gives up on options after 3
_SHORT = 8  # characters of an id that people read
_LONG_ID = 20  # a machine's has 20 at least, a node's 64

# What may be given though nobody has seen it yet: a path, a disk that was just added, a node id.
_FREE = frozenset({"image", "base", "server", "disk", "snapshot", "peer", "metal", "manager"})


class Completion:
    """Search-as-you-type for everything that has a name."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._sources: Mapping[str, Callable[[str], Awaitable[list[Choice]]]] = {
            "vm": self._machines,
            "image": self._images,
            "base": partial(self._images, on_nodes=True),
            "server": self._servers,
            "disk": partial(self._of_machines, "disk"),
            "snapshot": partial(self._of_machines, "snapshot"),
            **{kind: partial(self._nodes, kinds) for kind, kinds in MEANT.items()},
        }

    async def options(self, user: str, source: str, query: str) -> Sequence[Choice]:
        """At most 100 options that contain `query`; an empty list for an unknown source.

        Those that begin with it come first, else one's own. What nobody has seen is offered as
        typed, where it may exist all the same.
        """
        find = self._sources.get(source)
        found = await find(user) if find else []
        typed = query.strip()
        wanted = typed.casefold()
        hits = [c for c in found if wanted in c.label.casefold() or wanted in c.value.casefold()]
        hits.sort(key=lambda c: not c.label.casefold().startswith(wanted))
        if typed and not hits and source in _FREE:
            return [Choice(f"“{typed}”, as typed", typed)]
        return hits[:_MOST]

    async def _machines(self, user: str) -> list[Choice]:
        labels = await self._labels()
        return [
            Choice(
                f"{m.label} · {state_of(m.status)} · {labels.get(m.node, m.node[:_SHORT])}", m.task
            )
            for m in await self._services.inventory.machines(user)
        ]

    async def _nodes(self, kinds: frozenset[NodeKind], user: str) -> list[Choice]:
        async with self._services.store.read() as tx:
            nodes = await tx.inventory.nodes(*kinds)
        if not nodes and NodeKind.GPU in kinds:
            with suppress(BotError, TimeoutError):
                async with asyncio.timeout(_LIVE_PATIENCE):
                    nodes = await self._services.inventory.refresh_nodes()
        own = await self._own_nodes(user)
        nodes.sort(key=lambda node: node.id not in own)
        return [Choice(f"{node.label} · {node.id[:_SHORT]}", node.id) for node in nodes]

    async def _images(self, user: str, *, on_nodes: bool = False) -> list[Choice]:
        """All images, or those that a machine can be made from: the ones on a node."""
        own = await self._own_nodes(user)
        images = await self._services.sightings.images(own)
        if on_nodes:
            images = [image for image in images if len(image.place) >= _LONG_ID]
        return _by_name(images, await self._labels(), own)

    async def _servers(self, _user: str) -> list[Choice]:
        return [Choice(s.name, s.name) for s in await self._services.sightings.servers()]

    async def _of_machines(self, kind: Literal["disk", "snapshot"], user: str) -> list[Choice]:
        machines = await self._services.inventory.machines(user)
        seen = await self._services.sightings.of_machines(kind, machines)
        return _by_name(seen, {machine.task: machine.label for machine in machines}, ())

    async def _own_nodes(self, user: str) -> list[str]:
        return [session.node for session in await self._services.sessions.usable(user)]

    async def _labels(self) -> dict[str, str]:
        async with self._services.store.read() as tx:
            return {node.id: node.label for node in await tx.inventory.nodes()}


def _by_name(
    seen: Iterable[Sighting], labels: Mapping[str, str], own: Sequence[str]
) -> list[Choice]:
    """One option a name, with the places that have it; those at one's own places first."""
    places: dict[str, list[str]] = {}
    for one in seen:
        places.setdefault(one.name, []).append(one.place)
    names = sorted(places, key=lambda name: not set(places[name]) & set(own))
    return [
        Choice(f"{name} · {', '.join(labels.get(p, _cut_id(p)) for p in places[name])}", name)
        for name in names
    ]


def _cut_id(place: str) -> str:
    """An image server's id as it is; of a node's or a machine's, what people read."""
    return place if len(place) < _LONG_ID else place[:_SHORT]
