"""What all machines of one place share: the clock and the networks between them."""

from dataclasses import dataclass, field
from datetime import datetime

from sandbox.dbc.clock import Clock, ManualClock


@dataclass
class Network:
    """A VXLAN between machines of one site."""

    name: str
    vni: str
    ip_cidr: str
    ip_start: str
    ip_end: str
    dhcp_interface: str
    machine_id: str
    wallet: str
    last_use: datetime
    members: list[str] = field(default_factory=list)


class Site:
    """The clock and the private networks."""

    def __init__(self, clock: Clock | None = None) -> None:
        self.clock: Clock = clock or ManualClock()
        self.networks: dict[str, Network] = {}
