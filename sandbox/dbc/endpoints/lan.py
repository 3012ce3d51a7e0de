"""Networks between machines.

Source: docs/dbc-api.md §3.6, §3.8.
"""

import ipaddress

from sandbox.dbc import values
from sandbox.dbc.endpoints.request import NodeRequest, ProcessDied, ok, quoted
from sandbox.dbc.node import Node
from sandbox.dbc.resources import Refusal
from sandbox.dbc.site import Network
from sandbox.dbc.values import atoi, string, time_text

MAX_LISTED = 31
NAME_LENGTHS = range(6, 11)
LIBVIRT_DEFAULT = "192.168.122."


def network_row(network: Network) -> str:
    """One network; all strings but the members."""
    fields = {
        "network_name": network.name,
        "bridge_name": f"br{network.name}",
        "vxlan_name": f"vx{network.name}",
        "vxlan_vni": network.vni,
        "ip_cidr": network.ip_cidr,
        "ip_start": network.ip_start,
        "ip_end": network.ip_end,
        "dhcp_interface": network.dhcp_interface,
        "machine_id": network.machine_id,
        "rent_wallet": network.wallet,
    }
    head = ",".join(f'"{name}":"{value}"' for name, value in fields.items())
    last = time_text(network.last_use)
    members = quoted(network.members)
    return f'{{{head},"members":{members},"lastUseTime":"{last}","native_flags":"3"}}'


def lan_list(node: Node, request: NodeRequest) -> str:
    """All networks as an array, or the named one as an object."""
    networks = node.site.networks
    if request.name:
        network = networks.get(request.name)
        if network is None:
            raise Refusal("network name not exist", -3)
        return ok(network_row(network))
    rows = [network_row(networks[name]) for name in sorted(networks)]
    return ok("[" + ",".join(rows[:MAX_LISTED]) + "]")


def create(node: Node, request: NodeRequest) -> str:
    """Make a network; its mask is not checked."""
    name, cidr = string(request.additional, "network_name"), string(request.additional, "ip_cidr")
    if not name:
        raise Refusal("network name can not be empty", -3)
    if len(name.encode()) not in NAME_LENGTHS or not values.alphanumeric(name):
        words = "network name requires a combination of 6 to 10 letters or numbers"
        raise Refusal(words, -3)
    if name in node.site.networks:
        raise Refusal("network name already existed", -3)
    if not cidr:
        raise Refusal("ip cidr can not be empty", -3)
    if LIBVIRT_DEFAULT in cidr:
        raise Refusal("ip cidr already exist", -3)
    start, end = _range(cidr)
    if node.lan_error:
        raise Refusal(node.lan_error, -3)
    node.site.networks[name] = Network(
        name=name,
        vni=str(node.random.randrange(1, 2**24)),
        ip_cidr=cidr,
        ip_start=start,
        ip_end=end,
        dhcp_interface=f"tap{values.base58_id(node.random, 12)[:10].lower()}",
        machine_id=node.node_id,
        wallet=request.wallet,
        last_use=node.now,
    )
    return ok()


def _range(cidr: str) -> tuple[str, str]:
    """First and last address handed out; whatever the mask says, something comes out."""
    parts = [part for part in cidr.split("/") if part]
    if len(parts) != 2:
        raise Refusal("invalid ip cidr", -3)
    try:
        address = ipaddress.ip_address(parts[0])
    except ValueError:
        raise ProcessDied from None
    if not isinstance(address, ipaddress.IPv4Address):
        raise Refusal("invalid ip cidr", -3)
    bits = min(max(atoi(parts[1]), 0), 32)
    network = ipaddress.ip_network(f"{address}/{bits}", strict=False)
    first, last = int(network.network_address) + 2, int(network.broadcast_address) - 1
    return tuple(str(ipaddress.IPv4Address(it % 2**32)) for it in (first, last))  # type: ignore[return-value] # two in, two out


def delete(node: Node, request: NodeRequest) -> str:
    """Remove one's own unused network."""
    network = node.site.networks.get(request.name)
    if network is None:
        raise Refusal("network name not exist", -3)
    if network.wallet != request.wallet:
        raise Refusal("wallet error, you are not the owner of the network", -3)
    if network.members:
        words = "network is in used, please delete task in the network first"
        raise Refusal(words, -3)
    del node.site.networks[request.name]
    return ok()
