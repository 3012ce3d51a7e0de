"""Images, image servers, disks, snapshots and networks as last seen, looked at in the background.

Search fields are answered from here: they wait for nobody but where nothing was ever seen.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial

import structlog

from bot.clock import Clock, time_limit
from bot.dbc.client import DbcClient
from bot.dbc.identity import Target
from bot.dbc.models import Image, Lan, Snapshot, TaskDisk
from bot.errors import BotError
from bot.ids import NodeId, TaskId, UserId
from bot.model import DbcSession, Machine, NodeKind, Sighted, Sighting
from bot.services.last_known import LastKnown
from bot.services.remembering import remember
from bot.services.sessions import target_of
from storage import Store

Acting = Callable[[], Awaitable[Target]]  # called only where a session is about to be used
Look = Callable[[], Awaitable[Sequence[Sighting]]]

_STALE = timedelta(minutes=10)
_KNOWN = 2 * _STALE  # a list that is older may lack what a text means exactly
_FRESH = timedelta(minutes=1)  # networks are made in a moment, and looked at only when asked for
_NEVER = datetime(2000, 1, 1, tzinfo=UTC)
_MACHINES_AT_ONCE = 5  # asked for disks and snapshots in one round
_PATIENCE = timedelta(seconds=2)  # Slack gives up on options after 3 s
_DAEMON = ""  # the place of what is neither on a node nor on a machine

log = structlog.get_logger()


class Sightings:
    """What was seen. It is never the truth, only the last news."""

    def __init__(self, store: Store, dbc: DbcClient, last_known: LastKnown, clock: Clock) -> None:
        self._store = store
        self._dbc = dbc
        self._last_known = last_known
        self._clock = clock
        # What did not answer is left alone as long as what did.
        self._failed: dict[tuple[Sighted, str], datetime] = {}

    # For search fields

    async def images(self, nodes: Iterable[str]) -> list[Sighting]:
        """The images of all nodes and image servers; asks `nodes` if none was ever seen."""
        if found := await self._all(Sighted.IMAGE):
            return found
        looks = [
            self._now(Sighted.IMAGE, node, partial(self._on_node, NodeId(node))) for node in nodes
        ]
        seen = [image for images in await asyncio.gather(*looks) for image in images]
        return sorted(seen, key=lambda one: (one.name, one.place))

    async def images_of_servers(self) -> list[Sighting]:
        """The images of all image servers; asks those that were never looked at."""
        names = [server.name for server in await self.servers()]
        looks = [self._at(Sighted.IMAGE, name, partial(self._on_server, name)) for name in names]
        return [image for images in await asyncio.gather(*looks) for image in images]

    async def images_on(self, node: NodeId) -> list[Sighting]:
        """The images of one node; asks it if it was never looked at."""
        return await self._at(Sighted.IMAGE, node, partial(self._on_node, node))

    async def last_image(self, place: str, name: str) -> tuple[Sighting, datetime] | None:
        """An image as a node or image server was last seen to have it, listed now or not."""
        async with self._store.read() as tx:
            return await tx.sightings.last_image(place, name)

    async def servers(self) -> list[Sighting]:
        """The image servers; asks for them if none was ever seen."""
        found = await self._all(Sighted.SERVER)
        return found or await self._now(Sighted.SERVER, _DAEMON, self._servers)

    async def of_machines(self, kind: Sighted, machines: Iterable[Machine]) -> list[Sighting]:
        """The disks or snapshots of these machines."""
        tasks = {machine.task for machine in machines}
        return [seen for seen in await self._all(kind) if seen.place in tasks]

    async def names_at(self, kind: Sighted, places: Collection[str]) -> list[str] | None:
        """What is there in these places; None where one of them was not looked at for a while."""
        async with self._store.read() as tx:
            looked = await tx.sightings.looked_at(kind)
            seen = await tx.sightings.all(kind)
        now = self._clock.now()
        if any(abs(now - looked.get(place, _NEVER)) > _KNOWN for place in places):
            return None
        return [one.name for one in seen if one.place in places]

    async def of_machine(self, kind: Sighted, acting: Acting, task: TaskId) -> list[Sighting]:
        """The disks or snapshots of one machine; asks its node if it was never looked at."""
        look = self._disks if kind is Sighted.DISK else self._snapshots

        async def at_once() -> Sequence[Sighting]:
            return await look(await acting(), task)

        return await self._at(kind, task, at_once)

    async def networks(self, nodes: Collection[str]) -> list[Sighting]:
        """The private networks of these nodes, as last seen."""
        return [seen for seen in await self._all(Sighted.NETWORK) if seen.place in nodes]

    async def networks_on(self, node: NodeId) -> list[Sighting]:
        """The private networks of one node; asks it where it was not looked at for a moment."""
        async with self._store.read() as tx:
            seen = (await tx.sightings.looked_at(Sighted.NETWORK, node)).get(node)
        if self._is_due(Sighted.NETWORK, node, seen, _FRESH):
            await self._now(Sighted.NETWORK, node, partial(self._networks, node))
        async with self._store.read() as tx:
            return await tx.sightings.at(Sighted.NETWORK, node)

    # What a person's own question has brought up

    async def saw_servers(self, servers: Iterable[str]) -> None:
        """Remember all image servers that the daemon has."""
        await self._saw(Sighted.SERVER, _DAEMON, [Sighting(server) for server in servers])

    async def saw_images(self, place: str, images: Iterable[Image]) -> None:
        """Remember all images of a node or an image server, named by its id."""
        await self._saw(Sighted.IMAGE, place, _images(place, images))

    async def saw_disks(self, task: TaskId, disks: Iterable[TaskDisk]) -> None:
        """Remember all disks of a machine."""
        await self._saw(Sighted.DISK, task, _disks(task, disks))

    async def saw_snapshots(self, task: TaskId, snapshots: Iterable[Snapshot]) -> None:
        """Remember all snapshots of a machine."""
        await self._saw(Sighted.SNAPSHOT, task, _snapshots(task, snapshots))

    async def saw_networks(self, node: NodeId, lans: Iterable[Lan]) -> None:
        """Remember all networks of a node."""
        await self._saw(Sighted.NETWORK, node, _networks(node, lans))

    async def _saw(self, kind: Sighted, place: str, seen: Sequence[Sighting]) -> None:
        now = self._clock.now()
        await remember(self._store, lambda tx: tx.sightings.replace(kind, place, seen, now))

    async def _all(self, kind: Sighted) -> list[Sighting]:
        async with self._store.read() as tx:
            return await tx.sightings.all(kind)

    async def _at(self, kind: Sighted, place: str, look: Look) -> list[Sighting]:
        async with self._store.read() as tx:
            seen = bool(await tx.sightings.looked_at(kind, place))
            found = await tx.sightings.at(kind, place)
        if seen or (kind, place) in self._failed:
            return found
        return await self._now(kind, place, look)

    async def _now(self, kind: Sighted, place: str, look: Look) -> list[Sighting]:
        """What is there, by name, looked at as long as a person waits; nothing where that fails."""
        with suppress(TimeoutError):
            async with time_limit(self._clock, _PATIENCE):
                seen = {one.name: one for one in await self._look(kind, place, look)}
                return [seen[name] for name in sorted(seen) if name]
        return []

    # In the background

    async def refresh(self) -> None:
        """Look again at what was not looked at for a while, one request after the other."""
        await self._last_known.forget_gone()
        await self._refresh(Sighted.SERVER, {_DAEMON: self._servers})
        names = [server.name for server in await self._all(Sighted.SERVER)]
        await self._refresh(Sighted.IMAGE, {name: partial(self._on_server, name) for name in names})
        known = await self._store.known()
        gpu = {node.id for node in known.nodes(NodeKind.GPU)}
        held = dict.fromkeys(node for own in known.held.values() for node in own if node in gpu)
        await self._refresh(Sighted.IMAGE, {node: partial(self._on_node, node) for node in held})
        await self._refresh_machines()

    async def _refresh_machines(self) -> None:
        """A few machines each time, so that many of them do not keep a node busy."""
        now = self._clock.now()
        tried = sum(kind is Sighted.DISK for kind, _ in self._failed)
        async with self._store.browse() as tx:
            stale = await tx.sightings.machines_to_look_at(
                Sighted.DISK, now - _STALE, now + _STALE, _MACHINES_AT_ONCE + tried
            )
        left = _MACHINES_AT_ONCE
        for user, node, task in stale:
            if not left or not self._is_due(Sighted.DISK, task, None):
                continue
            async with self._store.read() as tx:
                session = await tx.sessions.find(UserId(user), NodeId(node))
            if session is None or session.is_locked:
                continue
            target = target_of(session)
            await self._look(Sighted.DISK, task, partial(self._disks, target, TaskId(task)))
            await self._refresh(
                Sighted.SNAPSHOT, {task: partial(self._snapshots, target, TaskId(task))}
            )
            await self._see_details(session, TaskId(task))
            left -= 1

    async def _refresh(self, kind: Sighted, looks: Mapping[str, Look]) -> None:
        """Look at each of these places whose last look is long ago."""
        only = next(iter(looks)) if len(looks) == 1 else None
        async with self._store.read() as tx:
            seen = await tx.sightings.looked_at(kind, only) if looks else {}
        for place, look in looks.items():
            if self._is_due(kind, place, seen.get(place)):
                await self._look(kind, place, look)

    def _is_due(
        self, kind: Sighted, place: str, seen: datetime | None, after: timedelta = _STALE
    ) -> bool:
        """Whether the last look at a place, which was `seen` then or not, is long ago."""
        tried = self._failed.get((kind, place))
        last = max((at for at in (seen, tried) if at is not None), default=None)
        return last is None or abs(self._clock.now() - last) >= after

    async def _look(self, kind: Sighted, place: str, look: Look) -> Sequence[Sighting]:
        """What is there, remembered; nothing where that cannot be told."""
        try:
            seen = await look()
        except BotError as problem:
            self._failed[kind, place] = self._clock.now()
            log.info("sightings.not_seen", kind=kind, place=place, problem=problem.sentence)
            return ()
        self._failed.pop((kind, place), None)
        await self._saw(kind, place, seen)
        return seen

    async def _see_details(self, session: DbcSession, task: TaskId) -> None:
        """For who asks while the node does not answer."""
        now = self._clock.now()
        try:
            detail = await self._dbc.tasks.get(target_of(session), task)
        except BotError as problem:
            log.info("sightings.not_seen", kind="machine", place=task, problem=problem.sentence)
        else:
            await self._last_known.saw(session, task, detail, now)

    async def _servers(self) -> Sequence[Sighting]:
        return [Sighting(server) for server in await self._dbc.images.servers()]

    async def _on_server(self, server: str) -> Sequence[Sighting]:
        return _images(server, await self._dbc.images.on_server(server))

    async def _on_node(self, node: NodeId) -> Sequence[Sighting]:
        return _images(node, await self._dbc.images.on_node(node))

    async def _disks(self, target: Target, task: TaskId) -> Sequence[Sighting]:
        return _disks(task, await self._dbc.disks.list(target, task))

    async def _snapshots(self, target: Target, task: TaskId) -> Sequence[Sighting]:
        return _snapshots(task, await self._dbc.snapshots.list(target, task))

    async def _networks(self, node: NodeId) -> Sequence[Sighting]:
        return _networks(node, await self._dbc.lans.list(node))


def _images(place: str, images: Iterable[Image]) -> Sequence[Sighting]:
    return [Sighting(image.name, place, str(image.size)) for image in images]


def _disks(task: TaskId, disks: Iterable[TaskDisk]) -> Sequence[Sighting]:
    return [Sighting(disk.name, task, str(disk.size)) for disk in disks]


def _snapshots(task: TaskId, snapshots: Iterable[Snapshot]) -> Sequence[Sighting]:
    return [Sighting(one.name, task, one.create_time) for one in snapshots]


def _networks(node: NodeId, lans: Iterable[Lan]) -> Sequence[Sighting]:
    return [Sighting(lan.network_name, node, lan.ip_cidr) for lan in lans]
