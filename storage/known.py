"""What is read at every step and changes seldom, kept in memory as the database has it.

The database counts the changes of it, in the transaction that makes them (`Versions`). At each
look the counters are read, and then what has changed: never what is not committed, and whoever has
committed it. So a look is as good as reading all of it.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from bot.clock import SystemClock
from bot.folding import fold
from bot.ids import ChannelId, NodeId, Reader, UserId
from bot.model import DbcSession, Machine, Nicknamed, Node, NodeKind, Scope, Share
from storage.connection import OpenConnection
from storage.repositories.defaults import Defaults
from storage.repositories.inventory import Inventory
from storage.repositories.names import Given, Names
from storage.repositories.sessions import Sessions, chosen
from storage.repositories.versions import (
    DEFAULTS,
    NAMES,
    NODES,
    SESSIONS,
    SHARES,
    Versions,
    node_of,
)
from storage.vault import Vault
from storage.ways import Engines


@dataclass(frozen=True, slots=True)
class Known:
    """All of it at one version; whoever holds one sees it unchanged.

    `Machine.seen_at` and `Node.seen_at` may be older: to be seen again unchanged changes nothing.
    """

    versions: Mapping[str, int] | None = None  # by topic; None before anything was read
    seen: Mapping[str, Node] = field(default_factory=dict)  # without nicknames
    given: Mapping[tuple[Nicknamed, str], Given] = field(default_factory=dict)
    defaults: Mapping[tuple[str, Reader], NodeId] = field(default_factory=dict)
    held: Mapping[UserId, Mapping[NodeId, DbcSession]] = field(default_factory=dict, repr=False)
    shares: Mapping[str, Sequence[Share]] = field(default_factory=dict)  # by audience
    listed: Mapping[str, Sequence[Machine]] = field(default_factory=dict)  # by node
    targets: Mapping[tuple[Nicknamed, str], str] = field(default_factory=dict)  # by folded nickname
    now: Callable[[], datetime] = field(default=SystemClock().now, compare=False, repr=False)

    @property
    def count(self) -> int | None:
        """How many changes had been made."""
        return None if self.versions is None else sum(self.versions.values())

    # Nodes

    def node(self, node_id: NodeId) -> Node | None:
        """The node, if it was ever announced."""
        found = self.seen.get(node_id)
        return found and self._called(found)

    def nodes(self, *kinds: NodeKind) -> list[Node]:
        """Every node of these kinds (all kinds without any) ever seen, ordered by label."""
        found = [self._called(one) for one in self.seen.values() if not kinds or one.kind in kinds]
        return sorted(found, key=lambda node: node.label.casefold())

    def _called(self, node: Node) -> Node:
        name = self.nickname(Nicknamed.NODE, node.id)
        return replace(node, nickname=name) if name else node

    # Names and defaults

    def nickname(self, kind: Nicknamed, target: str) -> str:
        """What people call a target; empty where it has no nickname."""
        given = self.given.get((kind, target))
        return given.name if given else ""

    def target(self, kind: Nicknamed, name: str) -> str | None:
        """The target called `name`, however it is spelled, if there is one."""
        return self.targets.get((kind, fold(name)))

    def default(self, scope: Scope, owner: Reader) -> NodeId | None:
        """The default node, if one was chosen."""
        return self.defaults.get((scope, owner))

    # Sessions

    def usable(
        self, user: UserId, channel: ChannelId = ChannelId(""), node: NodeId = NodeId("")
    ) -> list[DbcSession]:
        """Like `Sessions.usable`: those that `user` may act with in `channel`, one a node."""
        own = [(user, at) for at in self.held.get(user, ())]
        shared = [one for whom in {user, channel} - {""} for one in self._shared(whom)]
        found = [(whose, at) for at, whose in chosen(own, shared).items() if node in {"", at}]
        held = [self.held.get(whose, {}).get(at) for whose, at in found]
        return sorted((one for one in held if one is not None), key=lambda one: one.node)

    def entitled(self, node: NodeId) -> list[UserId]:
        """Who holds a session for the node, by id."""
        return sorted(user for user, held in self.held.items() if node in held)

    def shares_on(self, node: NodeId) -> list[Share]:
        """The shared sessions for a node."""
        return [one for whom in self.shares for one in self._shared(whom) if one.node == node]

    def _shared(self, audience: str) -> Sequence[Share]:
        """What is shared with them at this moment."""
        shares = self.shares.get(audience, ())
        if all(one.ends_at is None for one in shares):
            return shares
        now = self.now()
        return [one for one in shares if not one.is_over(now)]

    # Machines

    def machines(self, of: Collection[tuple[str, str]]) -> list[Machine]:
        """The machines that these owners have seen on these nodes; ordered by label."""
        wanted: dict[str, set[str]] = defaultdict(set)
        for owner, node in of:
            wanted[node].add(owner)
        found = [
            one
            for node, owners in wanted.items()
            for one in self.listed.get(node, ())
            if one.owner in owners
        ]
        return sorted(found, key=lambda machine: machine.label.casefold())


class Projection:
    """What is known, as of a moment."""

    def __init__(self, engines: Engines, vault: Vault, now: Callable[[], datetime]) -> None:
        self._engines = engines
        self._vault = vault
        self._known = Known(now=now)
        self._keys = vault.fingerprints
        self._looking = asyncio.Lock()
        self._begun = 0  # how many looks
        self._seen = 0  # the last of them that has come to its end

    async def now(self) -> Known:
        """What is known, with all that anybody has committed before this was called.

        Raises StorageFailed.
        """
        begun = self._begun
        async with self._looking:
            if self._seen <= begun:  # else one that has begun since is over
                await self._look()
            return self._known

    async def _look(self) -> None:
        self._begun += 1
        if self._keys != self._vault.fingerprints:  # they open other rows than they did
            self._keys, self._known = self._vault.fingerprints, Known(now=self._known.now)
        count = self._engines.glance()
        if count is None or count != self._known.count:
            async with self._engines.reading() as connection:
                self._known = await _read(connection, self._vault, self._known)
        self._seen = self._begun


async def _read(connection: OpenConnection, vault: Vault, known: Known) -> Known:
    """What is known, with the topics read again that have changed."""
    # Before the rest: with PostgreSQL what is read later may be newer, and then is read again.
    versions, former = await Versions(connection).counted(known.count), known.versions
    if versions is None:
        return known
    is_first = former is None or any(versions.get(one, 0) < former[one] for one in former)
    if former is None or is_first:  # or a copy was put back
        known, former = Known(now=known.now), {}
    changed = {one for one, version in versions.items() if version != former.get(one)}
    wanted = {NODES, NAMES, DEFAULTS, SESSIONS, SHARES} if is_first else changed
    if NODES in wanted:
        known = replace(
            known, seen={one.id: one for one in await Inventory(connection).announced()}
        )
    if DEFAULTS in wanted:
        known = replace(known, defaults=await Defaults(connection).all())
    if SESSIONS in wanted or SHARES in wanted:
        known = await _with_sessions(Sessions(connection, vault, known.now), known)
    if NAMES in wanted:
        known = await _with_names(Names(connection), known)
    nodes = None if is_first else {node for topic in changed if (node := node_of(topic))}
    if nodes is None or nodes:
        listed = await Inventory(connection).listed(nodes)
        known = replace(known, listed={**known.listed, **listed})
    return replace(known, versions=versions)


async def _with_sessions(sessions: Sessions, known: Known) -> Known:
    held: dict[UserId, dict[NodeId, DbcSession]] = defaultdict(dict)
    for one in await sessions.all():
        held[one.user][one.node] = one
    shares: dict[str, list[Share]] = defaultdict(list)
    for share in await sessions.shares():
        shares[share.audience].append(share)
    return replace(known, held=dict(held), shares=dict(shares))


async def _with_names(names: Names, known: Known) -> Known:
    given = await names.everything()
    known = replace(
        known,
        given=given,
        targets={(kind, fold(one.name)): target for (kind, target), one in given.items()},
    )
    listed = {
        node: tuple(
            replace(one, nickname=known.nickname(Nicknamed.MACHINE, one.task)) for one in some
        )
        for node, some in known.listed.items()
    }
    return replace(known, listed=listed)
