"""Networks between the machines of one site (docs/dbc-api.md §3.6, §3.8)."""

from pydantic import TypeAdapter

from bot.dbc import fields
from bot.dbc.endpoint import Auth, Caller, change, read
from bot.dbc.identity import Target
from bot.dbc.models import Lan
from bot.dbc.models import Lans as LanList
from bot.dbc.success import done
from bot.ids import NodeId

_LANS: TypeAdapter[tuple[Lan, ...]] = TypeAdapter(LanList)

_LIST = read("/lan", Auth.NONE, _LANS, "list lan")
_GET = read("/lan/{name}", Auth.NONE, TypeAdapter(Lan), "list lan")
_CREATE = change("/lan/create", Auth.RENTER, done)
_DELETE = change("/lan/delete/{name}", Auth.RENTER, done)


class Lans:
    """Calls about networks; changes are done on the addressed node when they return."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    async def list(self, node_id: NodeId | None = None) -> tuple[Lan, ...]:
        """The networks that a node knows (31 at most), or the daemon itself without a node."""
        return await self._caller.call(_LIST, _node(node_id))

    async def get(self, name: str, node_id: NodeId | None = None) -> Lan:
        """One network as a node, or the daemon itself, knows it."""
        return await self._caller.call(_GET, _node(node_id), name=fields.lan_name(name))

    async def create(self, target: Target, name: str, ip_cidr: str) -> None:
        """Make a network; other nodes of the site learn of it a little later."""
        additional = {"network_name": fields.lan_name(name), "ip_cidr": fields.ip_cidr(ip_cidr)}
        await self._caller.call(_CREATE, target, additional)

    async def delete(self, target: Target, name: str) -> None:
        """Delete a network that no machine uses; only by the wallet that made it."""
        await self._caller.call(_DELETE, target, name=fields.lan_name(name))


def _node(node_id: NodeId | None) -> Target | None:
    return None if node_id is None else Target(node_id=node_id)
