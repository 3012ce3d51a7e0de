"""Options for search fields, from the local inventory: no node is waited for."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress

from bot.commands.context import Services
from bot.errors import BotError
from bot.reply import Choice

_MOST = 100  # Slack shows at most 100 options
_LIVE_PATIENCE = 2.0  # seconds; Slack gives up on options after 3


class Completion:
    """Search-as-you-type for machines, nodes and images."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._sources: dict[str, Callable[[str], Awaitable[list[Choice]]]] = {
            "vm": self._machines,
            "node": self._nodes,
            "image": self._images,
            "server": self._servers,
        }

    async def options(self, user: str, source: str, query: str) -> Sequence[Choice]:
        """At most 100 options that contain `query`; an empty list for an unknown source."""
        find = self._sources.get(source)
        found = await find(user) if find else []
        wanted = query.strip().lower()
        hits = [c for c in found if wanted in c.label.lower() or wanted in c.value.lower()]
        hits.sort(key=lambda c: not c.label.lower().startswith(wanted))
        return hits[:_MOST]

    async def _machines(self, user: str) -> list[Choice]:
        inventory = self._services.inventory
        labels = {node.id: node.label for node in await inventory.nodes()}
        return [
            Choice(f"{m.label} · {m.status} · {labels.get(m.node, m.node[:8])}", m.task)
            for m in await inventory.machines(user)
        ]

    async def _nodes(self, user: str) -> list[Choice]:
        own = {session.node for session in await self._services.sessions.usable(user)}
        nodes = sorted(await self._services.inventory.nodes(), key=lambda n: n.id not in own)
        return [Choice(f"{n.label} · {n.id[:8]}", n.id) for n in nodes]

    async def _images(self, user: str) -> list[Choice]:
        """The images on the nodes that the person has sessions for, asked live."""
        sessions = await self._services.sessions.usable(user)
        listed = await asyncio.gather(*(self._images_on(s.node) for s in sessions))
        where: dict[str, list[str]] = {}
        for label, names in listed:
            for name in names:
                where.setdefault(name, []).append(label)
        return [Choice(f"{name} · {', '.join(on)}", name) for name, on in sorted(where.items())]

    async def _servers(self, _user: str) -> list[Choice]:
        """The image servers that the daemon is configured with."""
        with suppress(BotError, TimeoutError):
            async with asyncio.timeout(_LIVE_PATIENCE):
                return [Choice(s, s) for s in await self._services.dbc.images.servers()]
        return []

    async def _images_on(self, node: str) -> tuple[str, list[str]]:
        label = await self._services.inventory.label(node)
        names: list[str] = []
        with suppress(BotError, TimeoutError):
            async with asyncio.timeout(_LIVE_PATIENCE):
                names = [i.name for i in await self._services.dbc.images.on_node(node)]
        return label, names
