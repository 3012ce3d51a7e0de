"""What machines and nodes there are, as last seen, and which node a person means.

Answers names from the database; asks DBC only when nothing there fits, or when told to refresh.
"""

import re
from collections.abc import Awaitable, Callable, Iterable, Sequence, Set
from dataclasses import replace
from datetime import datetime

from bot.clock import Clock
from bot.dbc.client import DbcClient
from bot.errors import NotFound, Refused
from bot.folding import peel, typed
from bot.ids import ChannelId, NodeId, UserId
from bot.model import DbcSession, Machine, Nicknamed, Node, NodeKind, Place, Scope
from bot.reply import Button, command, listed, say, sentences
from bot.services.listing import Lists, NodeListing
from bot.services.matching import (
    could_be,
    is_node_called,
    match_node,
    nearest_nodes,
    none_called,
    of_another_kind,
)
from bot.services.not_found import (
    meant,
)
from bot.services.remembering import remember, updated_nodes
from bot.services.sessions import Sessions, no_access
from storage import Store

_NODE_ID = re.compile(r"[0-9a-f]{64}")

_GPU: Set[NodeKind] = frozenset({NodeKind.GPU})

# Finds out which nodes must not be named to who asks, by id; asked where a choice is listed.
Hidden = Callable[[], Awaitable[Set[str]]]


async def nothing_hidden() -> Set[str]:
    """For whom everything may be named."""
    return frozenset()


_NO_NODE = say("I know no node yet.")


# Makes a button for each of the nodes of which one has to be named.
NodeOffers = Callable[[Sequence[Node]], Awaitable[tuple[Button, ...]]]


async def _no_buttons(_nodes: Sequence[Node]) -> tuple[Button, ...]:
    return ()


class NotKnownHere(NotFound):
    """Nobody here knows the name, and DBC was not asked."""


class Inventory:
    """The local picture of DBC's side."""

    def __init__(self, store: Store, dbc: DbcClient, sessions: Sessions, clock: Clock) -> None:
        self._store = store
        self._dbc = dbc
        self._sessions = sessions
        self._clock = clock
        self.lists = Lists(store, dbc, clock)

    # Nodes

    async def nodes(self) -> list[Node]:
        """Every GPU node seen so far; asks a daemon when there is none yet."""
        return await self.known_nodes() or await self.refresh_nodes()

    async def known_nodes(self) -> list[Node]:
        """Every GPU node seen so far."""
        async with self._store.read() as tx:
            return await tx.inventory.nodes(NodeKind.GPU)

    async def refresh_nodes(self) -> list[Node]:
        """Ask a daemon which GPU nodes it knows."""
        return await self._with_seen(await self._announced(), NodeKind.GPU)

    async def refresh_all_nodes(self) -> None:
        """Ask a daemon which nodes it knows, of every kind."""
        seen = await self._announced()
        try:
            seen += await self._announced_metals()
        finally:  # what one answer has told is kept where the other does not come
            await self.saw_nodes(seen)

    async def _announced(self) -> list[Node]:
        listed, now = await self._dbc.nodes.list(), self._clock.now()
        return [Node(NodeId(n.node_id), n.name, n.version, now) for n in listed]

    async def _announced_metals(self) -> list[Node]:
        listed, now = await self._dbc.metal.known(), self._clock.now()
        return [
            Node(NodeId(m.node_id), m.name, m.version, now, kind=NodeKind.METAL) for m in listed
        ]

    async def label(self, node_id: NodeId) -> str:
        """How people call a node."""
        return (await self.node_by_id(node_id)).label

    async def node_by_id(self, node_id: NodeId) -> Node:
        """The node with this id, also one that no daemon has announced."""
        known = await self._store.known()
        nickname = known.nickname(Nicknamed.NODE, node_id)
        return known.node(node_id) or Node(node_id, "", "", self._clock.now(), nickname)

    async def default_node(
        self,
        user: UserId,
        place: Place,
        *,
        asking: bool = True,
        hidden: Hidden = nothing_hidden,
        offers: NodeOffers = _no_buttons,
    ) -> Node:
        """The node that is meant without a name: the channel's default, the person's, the only one.

        Raises Refused with the field `node` and buttons for those that may be meant; without
        `asking` NotKnownHere where none is known.
        """
        known = await self._store.known()
        default = known.default(Scope.CHANNEL, place.channel) or known.default(Scope.PERSON, user)
        if default:
            return await self.node_by_id(default)
        usable = await self.of_gpu_nodes(await self._sessions.usable(user, place.channel))
        own = [session.node for session in usable]
        seen = (await self._store.known()).nodes(NodeKind.GPU)
        if not own and not seen and not asking:
            raise NotKnownHere(_NO_NODE, field="node")
        ids = own or [node.id for node in seen or await self.refresh_nodes()]
        if len(ids) == 1:
            return await self.node_by_id(ids[0])
        unseen = await hidden()
        known_here = [await self.node_by_id(node_id) for node_id in ids if node_id not in unseen]
        which = say("Which node do you mean?")
        if known_here:
            labels = [node.label for node in known_here]
            which = say("Which node? I know {nodes}.", nodes=listed(labels))
        refusal = Refused(
            which if ids else _NO_NODE,
            hint=say(
                "Name it; in a line, add “on <node>”. Set a default with {command}.",
                command=command("node use <node>"),
            ),
            field="node",
        )
        refusal.offers = await offers(known_here)
        raise refusal

    async def must_be_named(self, user: UserId, place: Place) -> bool:
        """Whether nothing that is known here says which node is meant without a name."""
        try:
            await self.default_node(user, place, asking=False)
        except NotKnownHere:  # the first one that is heard of may be the only one
            return False
        except Refused:
            return True
        return False

    async def named_node(
        self,
        text: str,
        kinds: Set[NodeKind] = _GPU,
        field: str = "node",
        *,
        asking: bool = True,
        hidden: Hidden = nothing_hidden,
    ) -> Node:
        """The node of these kinds that `text` names: nickname, name, description, uuid or id.

        Asks a daemon for a name that is not known here; without `asking` that is NotKnownHere. A
        whole id counts also where nobody has announced it, and so does the nickname it was given.
        Raises Refused or NotFound with the field.
        """
        known = await self._store.known()
        found = match_node(known.nodes(), text)
        is_certain = any(is_node_called(node, text) for node in found)
        if not found:
            named = known.target(Nicknamed.NODE, text) or known.target(Nicknamed.NODE, peel(text))
            spelled = typed(text).lower()
            text = named or (spelled if _NODE_ID.fullmatch(spelled) else text)
        # The beginning of a name may be another's whole name, which nobody has seen yet.
        if not is_certain and asking and _NODE_ID.fullmatch(text) is None:
            gpus = NodeKind.GPU in kinds
            fresh = await (self.refresh_nodes() if gpus else self.refresh_metals())
            # What a dry run has just heard of is not kept.
            seen = {node.id: node for node in [*(await self._store.known()).nodes(), *fresh]}
            found = match_node(seen.values(), text)
        if not found and _NODE_ID.fullmatch(text):
            only = next(iter(kinds)) if len(kinds) == 1 else NodeKind.GPU
            return replace(await self.node_by_id(NodeId(text)), kind=only)
        fitting = [node for node in found if node.kind in kinds]
        if len(fitting) == 1:
            return fitting[0]
        wanted = NodeKind.GPU if NodeKind.GPU in kinds else next(iter(kinds))
        unseen = await hidden()
        if not found:
            listing = command("node list" if NodeKind.GPU in kinds else "metal list")
            missing = NotFound if asking else NotKnownHere
            seen_here = [n for n in (await self._store.known()).nodes(*kinds) if n.id not in unseen]
            near = meant([node.label for node in nearest_nodes(seen_here, text)])
            hint = sentences((near, say("See: {command}", command=listing)))
            raise missing(none_called(text, wanted), hint=hint, field=field)
        if not fitting:
            raise of_another_kind(text, found, wanted, unseen, field)
        names = [f"{node.label} ({node.id[:8]})" for node in fitting if node.id not in unseen]
        raise Refused(could_be(text, names, fitting), hint=say("Type more of it."), field=field)

    async def last_answer(self, node_id: NodeId) -> datetime | None:
        """When a node last answered anything, as far as is known."""
        async with self._store.read() as tx:
            seen = await tx.inventory.last_seen(node_id)
        told = self._dbc.last_answer(node_id)
        return max((at for at in (seen, told) if at is not None), default=None)

    # Bare metal

    async def metals(self) -> list[Node]:
        """Every bare-metal machine and manager seen so far, ordered by label."""
        return (await self._store.known()).nodes(NodeKind.METAL, NodeKind.MANAGER)

    async def refresh_metals(self) -> list[Node]:
        """Ask a daemon which bare-metal machines it knows; all that are known then."""
        seen = await self._announced_metals()
        return await self._with_seen(seen, NodeKind.METAL, NodeKind.MANAGER)

    async def _with_seen(self, seen: Sequence[Node], *kinds: NodeKind) -> list[Node]:
        """All nodes of these kinds that are known with those just seen, which are remembered."""
        await remember(self._store, lambda tx: tx.inventory.put_nodes(seen))
        async with self._store.read() as tx:
            known = await tx.inventory.nodes(*kinds)
        return updated_nodes(known, seen)  # a dry run keeps nothing

    async def saw_nodes(self, nodes: Sequence[Node]) -> None:
        """Remember nodes as just seen or told."""
        await remember(self._store, lambda tx: tx.inventory.put_nodes(nodes))

    # Machines

    async def machines(self, user: UserId, channel: ChannelId = ChannelId("")) -> list[Machine]:
        """The machines that `user` may see in `channel`, as last seen; ordered by label.

        They are those of the sessions that `user` may act with there, own and shared ones.
        """
        known = await self._store.known()
        usable = [(one.user, one.node) for one in known.usable(user, channel)]
        return known.machines(usable)

    async def moments(self, machines: Sequence[Machine]) -> list[Machine]:
        """The same machines with the moments at which they were seen last."""
        owners = {machine.owner for machine in machines}
        async with self._store.read() as tx:
            seen = [one for owner in owners for one in await tx.inventory.machines(owner)]
        at = {(one.node, one.task, one.owner): one.seen_at for one in seen}
        return [
            replace(one, seen_at=at.get((one.node, one.task, one.owner), one.seen_at))
            for one in machines
        ]

    async def list_node(self, session: DbcSession) -> NodeListing:
        """Ask one node for the machines of one session, and remember them."""
        node = await self.node_by_id(session.node)
        return await self.lists.list(node, session)

    async def sessions(
        self, user: UserId, channel: ChannelId = ChannelId(""), *, hidden: Set[str] = frozenset()
    ) -> list[DbcSession]:
        """The sessions that `user` is about to act with on GPU nodes, own or shared, one a node.

        Those for nodes that are `hidden` from `user` are not among them.
        """
        sessions = await self.of_gpu_nodes(await self._sessions.usable(user, channel))
        sessions = [session for session in sessions if session.node not in hidden]
        await self._sessions.record_use(user, sessions, channel)
        return sessions

    async def require_access(
        self, user: UserId, channel: ChannelId, *, is_metal: bool = False
    ) -> None:
        """Raise Refused where somebody has access to no GPU node, or no bare-metal machine."""
        usable = await self._sessions.usable(user, channel)
        gpus = await self.of_gpu_nodes(usable)
        if not (len(usable) > len(gpus) if is_metal else gpus):
            raise no_access(is_metal=is_metal)

    async def of_gpu_nodes(self, sessions: Iterable[DbcSession]) -> list[DbcSession]:
        """Bare-metal machines take sessions, but run no machines that could be listed."""
        metals = {node.id for node in await self.metals()}
        return [session for session in sessions if session.node not in metals]

    async def saw(self, machine: Machine) -> None:
        """Remember a machine's state as just seen."""
        await remember(self._store, lambda tx: tx.inventory.put_machine(machine))
