"""Nodes, their sessions and rentals, and the daemon itself (docs/dbc-api.md §3.1, §3.8)."""

from pydantic import TypeAdapter

from bot.dbc import fields
from bot.dbc.endpoint import MOST_NODES, Auth, Caller, read
from bot.dbc.identity import Multisig, Target, WalletSignature
from bot.dbc.models import (
    NodeInfo,
    NodeSummaries,
    NodeSummary,
    RentOrder,
    RentOrders,
    SessionId,
    Version,
)
from bot.ids import NodeId

_NODES: TypeAdapter[tuple[NodeSummary, ...]] = TypeAdapter(NodeSummaries)
_ORDERS: TypeAdapter[tuple[RentOrder, ...]] = TypeAdapter(RentOrders)

VERSION = read("/", Auth.NONE, TypeAdapter(Version))
_LIST = read("/mining_nodes", Auth.NONE, _NODES, most=MOST_NODES)
_INFO = read("/mining_nodes", Auth.NONE, TypeAdapter(NodeInfo))
_RENTALS = read("/rent_orders", Auth.NONE, _ORDERS)
# It changes nothing that was not so before: the same id comes back every time (§2.5).
_SESSION_ID = read("/mining_nodes/session_id", Auth.SIGNATURE, TypeAdapter(SessionId))


class Nodes:
    """Calls about nodes; none needs a session."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    async def version(self) -> str:
        """The daemon's version: the way to see whether it is there."""
        return (await self._caller.call(VERSION)).client_version

    async def list(self) -> tuple[NodeSummary, ...]:
        """The GPU nodes that the daemon knows; for a while after its start, few or none."""
        return await self._caller.call(_LIST)

    async def info(self, node_id: NodeId, image_server: str | None = None) -> NodeInfo:
        """A node's hardware and what of it is in use. `image_server`: see `images.on_node`."""
        given = {"image_server": fields.server_id(image_server)} if image_server else {}
        return await self._caller.call(_INFO, Target(node_id=node_id), given)

    async def rent_orders(self, node_id: NodeId) -> tuple[RentOrder, ...]:
        """The rentals that a node knows of (51 at most)."""
        return await self._caller.call(_RENTALS, Target(node_id=node_id))

    async def session_id(
        self,
        node_id: NodeId,
        credentials: WalletSignature | Multisig,
        rent_order: str | None = None,
    ) -> SessionId:
        """The session id of the wallet that rents a node; the renter then signs it.

        The signature given is used up by this call, answered or not.
        """
        target = Target(node_id=node_id, credentials=credentials, rent_order=rent_order)
        return await self._caller.call(_SESSION_ID, target)
