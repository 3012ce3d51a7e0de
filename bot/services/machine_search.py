"""Which machine a person means: by what is known here, else by what the nodes say when asked."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field

from bot.clock import Clock
from bot.dbc.client import DbcClient
from bot.dbc.errors import Unreadable
from bot.errors import BotError, NotFound, Refused
from bot.folding import typed
from bot.ids import ChannelId, NodeId, TaskId, UserId
from bot.messages.access_cards import ask_button
from bot.model import DbcSession, Machine, Nicknamed
from bot.reply import Text, command, line, say
from bot.services.inventory import (
    Hidden,
    Inventory,
    NotKnownHere,
    nothing_hidden,
)
from bot.services.left_out import machine_of
from bot.services.listing import NodeListing
from bot.services.matching import (
    MOST_LISTED,
    is_machine_called,
    is_task_id,
    match_machine,
    nearest_machines,
)
from bot.services.not_found import (
    Offers,
    no_offers,
    nodes_called,
    nothing_called,
    nowhere,
    on_another_node,
    on_its_node,
    several,
)
from bot.services.sessions import SessionLocked, Sessions, no_access, target_of
from storage import Store

# Finds out of which nodes nothing is read for who asks, by id, and why.
Unasked = Callable[[], Awaitable[Mapping[str, str]]]
_Match = Callable[[Iterable[Machine]], list[Machine]]


async def _nothing_denied() -> Mapping[str, str]:
    return {}


@dataclass(frozen=True, slots=True)
class Sought:
    """A machine as somebody names it: nickname, description, id, or the beginning of one.

    `on` names its node. Without `asking`, no node is asked. `by_id`: `text` is the id of what was
    pressed or chosen, and no name. Nodes that are `hidden` are not named. Machines on nodes that
    are `unasked` are taken as last seen: nothing is read there. `offers` makes buttons of those
    that may be meant.
    """

    user: UserId
    text: str
    on: str = ""
    channel: ChannelId = ChannelId("")
    asking: bool = field(default=True, kw_only=True)
    by_id: bool = field(default=False, kw_only=True)
    hidden: Hidden = field(default=nothing_hidden, kw_only=True)
    unasked: Unasked = field(default=_nothing_denied, kw_only=True)
    offers: Offers = field(default=no_offers, kw_only=True)


@dataclass(frozen=True, slots=True)
class _Answers:
    """What the nodes said when they were asked; nothing where they were not. `denied`: why not."""

    found: list[Machine]
    listings: Sequence[NodeListing] = ()
    denied: Mapping[str, str] = field(default_factory=dict)


class MachineSearch:
    """Finds the machine that somebody names among those of their sessions."""

    def __init__(
        self, store: Store, dbc: DbcClient, sessions: Sessions, inventory: Inventory, clock: Clock
    ) -> None:
        self._store = store
        self._dbc = dbc
        self._sessions = sessions
        self._inventory = inventory
        self._clock = clock

    async def find(self, sought: Sought) -> Machine:
        """The one machine that is meant.

        Raises NotFound or Refused with the field `vm`, and with what `offers` makes of those that
        may be meant; without `asking` NotKnownHere for a name that a node may know.
        """
        node = await self._node_of(sought)
        nodes = (await self._store.known()).nodes()

        def match(machines: Iterable[Machine]) -> list[Machine]:
            return match_machine(machines, sought.text, node, nodes, by_id=sought.by_id)

        found = match(await self._seen_by(sought))
        is_enough = not sought.asking or sought.by_id
        if len(found) == 1 and (is_enough or await self.is_certain(found[0], sought.text)):
            return found[0]
        # What only fits may be another's exact name, which nobody has seen yet.
        answers = await self._ask(sought, node, match) if len(found) <= 1 else _Answers(found)
        if len(answers.found) == 1:
            return answers.found[0]
        raise await self._not_one(sought, node, answers)

    async def is_certain(self, found: Machine, text: str) -> bool:
        """Whether nothing that nobody has seen yet could be meant by the text instead."""
        named = (await self._store.known()).target(Nicknamed.MACHINE, text)
        return is_machine_called(found, text) and named in {None, found.task}

    async def _node_of(self, sought: Sought) -> NodeId:
        if not sought.on:
            return NodeId("")
        named = await self._inventory.named_node(
            sought.on, asking=sought.asking, hidden=sought.hidden
        )
        return named.id

    async def _seen_by(self, sought: Sought) -> list[Machine]:
        return await self._inventory.machines(sought.user, sought.channel)

    async def _ask(self, sought: Sought, node: NodeId, match: _Match) -> _Answers:
        """Ask the nodes where it may be. Raises what says that it is on none of them."""
        sessions = await self._to_look_with(sought, node)
        if not sought.asking:
            where = await self._inventory.label(node) if node else ""
            raise NotKnownHere(nowhere(sought.text, where), field="vm")
        denied = await sought.unasked()
        to_ask = [one for one in sessions if one.node not in denied]
        listings = await asyncio.gather(*(self._inventory.list_node(one) for one in to_ask))
        seen = [machine for listing in listings for machine in listing.machines]
        if denied:
            seen += [one for one in await self._seen_by(sought) if one.node in denied]
        found = match(seen)
        if not found and is_task_id(task := typed(sought.text)):
            found = await self._by_id(to_ask, TaskId(task))
        if not found and not any(listing.problem for listing in listings):
            await self._require_here(sought, node, by_id=sought.by_id)
        if not found and (why := {denied[s.node]: "" for s in sessions if s.node in denied}):
            raise NotFound(
                say(
                    "None of your machines is called “{text}” where you may do this.",
                    text=sought.text,
                ),
                hint=line(*(piece for one in why for piece in (" ", one)))[1:],
                field="vm",
            )
        return _Answers(found, listings, denied)

    async def _to_look_with(self, sought: Sought, node: NodeId) -> list[DbcSession]:
        """The sessions to look for it with. Raises Refused where there is none."""
        inventory, user, channel = self._inventory, sought.user, sought.channel
        if sought.asking:
            usable = await inventory.sessions(user, channel)
        else:  # nobody's session is used
            usable = await inventory.of_gpu_nodes(await self._sessions.usable(user, channel))
        sessions = [session for session in usable if node in {"", session.node}]
        if not sessions:
            await self._require_here(sought, node)
            if not node:
                raise no_access(field="vm")
            told = say("You have no session for {node}.", node=await inventory.label(node))
            hint = say("Add yours: {command}", command=command("session add"))
            refusal = Refused(told, hint=hint, field="vm")
            refusal.offers = (ask_button(node),)
            raise refusal
        return sessions

    async def _require_here(self, sought: Sought, node: NodeId, *, by_id: bool = False) -> None:
        """Raise Refused where the text names what was seen on another node than the named one."""
        known = await self._seen_by(sought) if node else []
        seen = match_machine(known, sought.text, NodeId(""), by_id=by_id)
        unseen = await sought.hidden() if seen else frozenset()
        others = [one for one in seen if one.node != node and one.node not in unseen]
        if others:
            label = self._inventory.label
            named = [(one.label, await label(one.node)) for one in others]
            raise on_another_node(sought.text, named, await label(node))

    async def _by_id(self, sessions: Iterable[DbcSession], task: TaskId) -> list[Machine]:
        """A machine whose id is known but which no list shows, since the list is unreadable.

        One whose own details spoil the answer is there, too; it has only its id then.
        """
        for session in sessions:
            seen = Machine(session.node, task, session.user, "", "", "", self._clock.now())
            try:
                detail = await self._dbc.tasks.get(target_of(session), task)
            except Unreadable as problem:
                if not problem.is_of_the_node:
                    continue
                machine = seen
            except BotError:
                continue
            else:
                machine = machine_of(session, task, detail, seen.seen_at)
            await self._inventory.saw(machine)
            return [machine]
        return []

    async def _not_one(self, sought: Sought, node: NodeId, answers: _Answers) -> BotError:
        """The refusal where none or several may be meant. Raises that of a locked session."""
        found, unseen = answers.found, await sought.hidden()
        for listing in answers.listings if not found else ():
            if isinstance(listing.problem, SessionLocked) and listing.node.id not in unseen:
                raise listing.problem.told_to(sought.user)
        if found:
            named = await self._on_their_nodes(found, unseen)
            refusal = several(sought.text, named, found)
            refusal.offers = await sought.offers(_offered(named))
            return refusal
        seen = [] if sought.by_id else await self._seen_by(sought)
        near = nearest_machines((m for m in seen if m.node not in answers.denied), sought.text)
        offered = _offered(await self._on_their_nodes(near, unseen))
        where = await self._inventory.label(node) if node else ""
        problems = [
            (one.node.label, one.problem)
            for one in answers.listings
            if one.problem and one.node.id not in unseen
        ]
        refusal = nothing_called(sought.text, where, problems, offered)
        nodes = (await self._store.known()).nodes()
        refusal.offers = (*await sought.offers(offered), *nodes_called(sought.text, nodes, unseen))
        return refusal

    async def _on_their_nodes(
        self, machines: Iterable[Machine], hidden: Set[str]
    ) -> list[tuple[Machine, str]]:
        """Those that are not hidden, with the names of their nodes."""
        label = self._inventory.label
        return [(one, await label(one.node)) for one in machines if one.node not in hidden]


def _offered(named: Sequence[tuple[Machine, str]]) -> list[tuple[Machine, Text]]:
    return [(one, on_its_node(one, where)) for one, where in named[:MOST_LISTED]]
