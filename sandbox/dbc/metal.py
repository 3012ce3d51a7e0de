"""A bare-metal manager and the machines it represents on the network.

Source: docs/dbc-api.md §3.7. Knows nothing of requests.
"""

from dataclasses import dataclass, field
from random import Random

from sandbox.dbc import values
from sandbox.dbc.authority import Gatekeeper
from sandbox.dbc.chain import MachineOnChain, RentOrder
from sandbox.dbc.keys import Wallet
from sandbox.dbc.site import Site

POWER_WORDS = {"on": "Up/On", "off": "Down/Off", "reset": "Reset"}


@dataclass(eq=False)
class MetalMachine:
    """One physical machine: its identity, its BMC's credentials and its power."""

    manager: "MetalManager" = field(repr=False)
    key: Wallet = field(repr=False)
    uuid: str
    ip: str = ""
    os: str = ""
    desc: str = ""
    ipmi_hostname: str = ""
    ipmi_username: str = ""
    ipmi_password: str = field(default="", repr=False)
    ipmi_port: int | None = None
    powered: bool = True
    boot_device: str = ""
    deeplink_id: str = ""
    deeplink_password: str = field(default="", repr=False)
    chain: MachineOnChain = field(default_factory=MachineOnChain)
    node_id: str = ""
    ipmi_error: str = ""
    """What ipmitool says where a manager notices that it failed."""
    soft_failure: str = ""
    """Why ipmitool changes nothing where a manager does not notice (docs/dbc-api.md §11.4)."""
    soft_words: str = ""
    """What ipmitool says instead of its own words for success, having done it."""

    def __post_init__(self) -> None:
        self.node_id = self.node_id or self.key.hex_id

    @property
    def gate(self) -> Gatekeeper:
        """Sessions and nonces: the manager's, shared by all its machines."""
        return self.manager.gate

    @property
    def name(self) -> str:
        """The gossip name: the manager's."""
        return self.manager.machine_name

    def rent(self, wallet: Wallet | str) -> RentOrder:
        """Let a wallet rent the machine on the chain."""
        address = wallet if isinstance(wallet, str) else wallet.address
        return self.chain.rent(address, [], "")

    def session_for(self, wallet: Wallet) -> tuple[str, str]:
        """The wallet's session id on this machine's manager and its signature."""
        session = self.gate.session(wallet.address)
        return session.session_id, wallet.sign(session.session_id)

    def power(self, command: str) -> tuple[int, str]:
        """Run ipmitool: errcode and its words."""
        if self.ipmi_error:
            return -3, self.ipmi_error
        if command == "status":
            return 0, f"Chassis Power is {'on' if self.powered else 'off'}"
        wanted = POWER_WORDS[command]
        if self.soft_failure:
            return 0, f"Set Chassis Power Control to {wanted} failed: {self.soft_failure}"
        if command != "reset":
            self.powered = command == "on"
            self.deeplink_password = ""
        return 0, self.soft_words or f"Chassis Power Control: {wanted}"


class MetalManager:
    """A DBC process in bare-metal mode; its node id is its own public key."""

    def __init__(self, site: Site, name: str, *, node_id: str = "") -> None:
        self.site = site
        self.name = name
        self.key = Wallet.from_seed(f"metal manager {name}")
        self.node_id = node_id or self.key.hex_id
        self.machine_name = "dbc-bm"
        self.random = Random(self.node_id)
        self.gate = Gatekeeper(self.random)
        self.machines: dict[str, MetalMachine] = {}
        self.silent = False
        self.known = True

    def proof(self) -> dict[str, str]:
        """`wallet`, `nonce` and `sign` of an envelope, by the manager's own key."""
        return {**self.key.proof(), "wallet": self.node_id}

    def add_machine(self, uuid: str, *, node_id: str = "", **fields: object) -> MetalMachine:
        """Register a machine; `fields` are those of MetalMachine."""
        key = Wallet.from_seed(self.random.randbytes(32))
        machine = MetalMachine(self, key, uuid, node_id=node_id)
        for field_name, value in fields.items():
            setattr(machine, field_name, value)
        self.machines[machine.node_id] = machine
        return machine

    def with_uuid(self, uuid: str) -> MetalMachine | None:
        """The machine of that uuid."""
        return next((it for it in self.machines.values() if it.uuid == uuid), None)


def valid_uuid(uuid: str) -> bool:
    """Letters, digits and hyphens."""
    return values.alphanumeric(uuid.replace("-", "x"))
