"""What can still be done with machines whose rental is over: what is offered, and what is not.

A node that nobody rents refuses every command. One of which any GPU is rented goes on taking
commands for machines of an order that has ended, switches them off within 15 minutes, and deletes
them in the end (docs/orders.md).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from bot.ids import ChannelId, NodeId, TaskId, UserId
from bot.messages.machine_buttons import OF_ENDED, OF_REFUSED, May
from bot.model import DbcSession, OrderPhase, RentalOrder
from bot.pipeline.context import Services
from bot.pipeline.rights import may_press


@dataclass(frozen=True, slots=True)
class Ended:
    """Where less can be done than usual, for whoever acts with certain sessions.

    `refusing` nodes take no command with them, as they said last; `machines` are those of ended
    orders alone; of `over` nodes every known order has ended. `orders` are all that are not over.
    """

    orders: Sequence[RentalOrder] = ()
    refusing: frozenset[NodeId] = frozenset()
    machines: frozenset[tuple[NodeId, TaskId]] = frozenset()
    over: frozenset[NodeId] = frozenset()

    @property
    def answered(self) -> "Ended":
        """The same where a node has just answered."""
        return replace(self, refusing=frozenset())

    def refused_by(self, node: NodeId) -> "Ended":
        """The same where a node has just refused."""
        return replace(self, refusing=self.refusing | {node})

    def narrowed(self, may: May) -> May:
        """What is offered of what somebody may do: only what can still work."""
        if not (self.refusing or self.machines):
            return may

        def works(verb: str, node: NodeId, task: TaskId) -> bool:
            if node in self.refusing and verb not in OF_REFUSED:
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
    lists = services.inventory.lists
    refusing = frozenset(one.node for one in sessions if lists.is_refused(one))
    orders = await services.orders.used_with(sessions) if sessions else []
    ended = [one for one in orders if one.phase is OrderPhase.ENDED]
    if not ended:
        return Ended(orders, refusing)
    nodes = {one.node for one in ended}
    living = [one for one in orders if one.node in nodes and one.phase is not OrderPhase.ENDED]
    machines = await _machines(services, ended) - await _machines(services, living)
    over = frozenset(nodes - {one.node for one in living})
    return Ended(orders, refusing, machines, over)


async def may_still(
    services: Services, user: UserId, channel: ChannelId, nodes: Sequence[NodeId]
) -> May:
    """Whether a machine's button on these nodes is offered: not where it is denied or in vain."""
    usable = await services.sessions.usable(user, channel)
    ended = await ended_of(services, [one for one in usable if one.node in nodes])
    return ended.narrowed(may_press(services, user, channel))


async def _machines(
    services: Services, orders: Sequence[RentalOrder]
) -> frozenset[tuple[NodeId, TaskId]]:
    """The machines that these orders may pay for."""
    found = [(order.node, await services.orders.machines_of(order)) for order in orders]
    return frozenset((node, one.task) for node, machines in found for one in machines)
