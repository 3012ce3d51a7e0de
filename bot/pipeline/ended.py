"""What can still be done with machines whose rental is over: what is offered, and what is not.

A node that nobody rents refuses every command. One of which any GPU is rented goes on taking
commands for machines of an order that has ended or lapsed, switches them off, and deletes them in
the end (docs/orders.md). What it has deleted while it tells nobody is taken for deleted.
"""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from bot.chain.heads import SLOT
from bot.ids import ChannelId, NodeId, TaskId, UserId
from bot.messages.machine_buttons import OF_ENDED, OF_REFUSED, May
from bot.model import DbcSession, OrderPhase, RentalOrder
from bot.orders.holdings import Holdings
from bot.orders.schedule import (
    KEPT,
    LOOP,
    deleted_at,
    head_at,
    is_left_by_lapse,
    is_too_late,
)
from bot.pipeline.context import Services
from bot.pipeline.rights import may_press

# What was seen so lately is there, whatever its order says.
_LATELY = timedelta(minutes=15)

_Ids = tuple[NodeId, TaskId]


@dataclass(frozen=True, slots=True)
class Ended:
    """Where less can be done than usual, for whoever acts with certain sessions.

    `refusing` nodes take no command with them, as they said last; `machines` are those of ended
    or lapsed orders alone; of `over` nodes every known order is over. `orders` are all
    that are not over. `left` are others, that have lapsed or are gone, with machines that were not
    seen to be gone. Of what is `deleted` by now, as far as that can be known, it is sure (True)
    where a block was read after which its node deletes it.
    """

    orders: Sequence[RentalOrder] = ()
    refusing: frozenset[NodeId] = frozenset()
    machines: frozenset[_Ids] = frozenset()
    over: frozenset[NodeId] = frozenset()
    left: Sequence[RentalOrder] = ()
    deleted: Mapping[_Ids, bool] = field(default_factory=dict)

    @property
    def answered(self) -> "Ended":
        """The same where a node has just answered."""
        return replace(self, refusing=frozenset())

    @property
    def told(self) -> Sequence[RentalOrder]:
        """All orders of which there is something to say beside machines, the first end first."""
        return sorted((*self.orders, *self.left), key=lambda one: (one.ends, one.number))

    def refused_by(self, node: NodeId) -> "Ended":
        """The same where a node has just refused."""
        return replace(self, refusing=self.refusing | {node})

    def narrowed(self, may: May) -> May:
        """What is offered of what somebody may do: only what can still work."""
        if not (self.refusing or self.machines or self.deleted):
            return may

        def works(verb: str, node: NodeId, task: TaskId) -> bool:
            is_in_vain = node in self.refusing or self.deleted.get((node, task), False)
            if is_in_vain and verb not in OF_REFUSED:
                return False
            if (node, task) in self.machines and verb not in OF_ENDED:
                return False
            return may(verb, node, task)

        return works

    def takes_new(self, nodes: Sequence[NodeId]) -> bool:
        """Whether a machine that is made on one of these nodes can last."""
        return any(node not in self.refusing | self.over for node in nodes)


async def ended_of(services: Services, sessions: Sequence[DbcSession]) -> Ended:
    """Where less can be done with these sessions, from what nodes and the chain said last."""
    if not sessions:
        return Ended()
    lists, holdings = services.inventory.lists, services.orders.holdings
    refusing = frozenset(one.node for one in sessions if lists.is_refused(one))
    orders, left, bare = await _known(services, sessions)
    ended = [one for one in orders if one.phase is OrderPhase.ENDED]
    ended += [one for one in left if one.phase is OrderPhase.LAPSED]
    if not ended and not left:
        return Ended(orders, refusing, over=bare)
    nodes = {one.node for one in (*ended, *left)}
    living = [one for one in orders if one.node in nodes and one.phase is not OrderPhase.ENDED]
    lasting = _ids(await _machines(holdings, living))
    doomed = await _machines(holdings, ended)
    over = bare | ({one.node for one in ended} - {one.node for one in living})
    past = [
        one
        for one in {one.id: one for one in (*ended, *left)}.values()
        if services.orders.has_passed(one.ends + KEPT, one)
    ]
    kept = lasting | _ids([one for one in doomed if one[0] not in past])
    gone = [one for one in await _machines(holdings, past) if one[1] not in kept]
    deleted = await _unseen_since(services, sessions, gone)
    machines = _ids(doomed) - lasting
    told = {order.id for order, one in (*doomed, *gone) if one in machines or one in deleted}
    left = [one for one in left if one.id in told]
    return Ended(orders, refusing, machines, over, left, deleted)


async def may_still(
    services: Services, user: UserId, channel: ChannelId, nodes: Sequence[NodeId]
) -> May:
    """Whether a machine's button on these nodes is offered: not where it is denied or in vain."""
    usable = await services.sessions.usable(user, channel)
    ended = await ended_of(services, [one for one in usable if one.node in nodes])
    return ended.narrowed(may_press(services, user, channel))


async def _known(
    services: Services, sessions: Sequence[DbcSession]
) -> tuple[list[RentalOrder], list[RentalOrder], frozenset[NodeId]]:
    """Orders that are used, and those over of which there may be something to say.

    They have lapsed, or are gone while their nodes do not tell of it. And the nodes of which all
    known orders are over, since no other was found.
    """
    now, lists = services.clock.now(), services.inventory.lists
    told = {one.node: lists.listed_at(one) for one in sessions}
    known = await services.store.known()
    unseen = [
        machine
        for machine in known.machines([(one.user, one.node) for one in sessions])
        if (at := told.get(machine.node)) is None or now - at > _LATELY
    ]
    stale = {machine.node for machine in unseen}
    since = min([machine.seen_at for machine in unseen], default=now)

    def is_wanted(order: RentalOrder, living: Set[NodeId]) -> bool:
        is_left = is_left_by_lapse(order, head_at(order, services.orders.chain.now))
        return is_left or order.node in stale or order.node not in living

    used, over = await services.orders.holdings.used_and_left(sessions, is_wanted, since)
    bare = {one.node for one in over} - {one.node for one in used}
    left = [one for one in over if one.node in stale or one.phase is OrderPhase.LAPSED]
    return used, left, frozenset(bare)


async def _machines(
    holdings: Holdings, orders: Sequence[RentalOrder]
) -> list[tuple[RentalOrder, _Ids]]:
    """The machines that these orders may pay for."""
    return [
        (order, (order.node, one.task))
        for order in orders
        for one in await holdings.machines_of(order)
    ]


def _ids(machines: Sequence[tuple[RentalOrder, _Ids]]) -> frozenset[_Ids]:
    return frozenset(one for _, one in machines)


async def _unseen_since(
    services: Services, sessions: Sequence[DbcSession], gone: Sequence[tuple[RentalOrder, _Ids]]
) -> dict[_Ids, bool]:
    """Of machines whose time is over, those not seen since; whether that is sure."""
    if not gone:
        return {}
    known = await services.store.known()
    there = known.machines([(one.user, one.node) for one in sessions])
    now, seen = services.clock.now(), dict[_Ids, datetime]()
    for one in await services.inventory.moments(there):
        before = seen.get((one.node, one.task), one.seen_at)
        seen[one.node, one.task] = max(before, one.seen_at)
    return {
        machine: is_too_late(order)
        for order, machine in gone
        if machine in seen
        and now - seen[machine] > _LATELY
        and seen[machine] < deleted_at(order) + LOOP * SLOT
    }
