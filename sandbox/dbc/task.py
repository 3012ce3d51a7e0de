"""A virtual machine on a node: its parameters, its libvirt domain, disks and snapshots.

Knows nothing of who may touch it. Source: docs/dbc-api.md §3.2, §4, §6.
"""

from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum, StrEnum

from sandbox.dbc import values

SYSTEM_DISK = 350 * values.GIB
LINUX_USER = "dbc"
WINDOWS_USER = "Administrator"


class Libvirt(Enum):
    """The state of a libvirt domain, in the words the node uses for it."""

    NONE = "none"
    RUNNING = "running"
    SHUT_OFF = "shut_off"
    PAUSED = "paused"
    BLOCKED = "blocked"
    SHUTTING_DOWN = "being shutdown"
    CRASHED = "crashed"
    SUSPENDED = "suspended"


class Status(StrEnum):
    """The status strings that some code path of the node stores."""

    CLOSED = "closed"
    RUNNING = "running"
    SLEEPING = "pmsuspend"
    CREATING = "creating"
    STARTING = "starting"
    SHUTTING_DOWN = "being shutdown"
    POWERING_OFF = "being poweroff"
    RESTARTING = "restarting"
    RESETTING = "resetting"
    DELETING = "deleting"
    CREATE_ERROR = "create error"
    START_ERROR = "start error"
    SHUTDOWN_ERROR = "shutdown error"
    POWEROFF_ERROR = "poweroff error"
    RESTART_ERROR = "restart error"
    RESET_ERROR = "reset error"


_FOLLOWS_LIBVIRT = {
    Status.CLOSED: Libvirt.SHUT_OFF,
    Status.RUNNING: Libvirt.RUNNING,
    Status.SLEEPING: Libvirt.SUSPENDED,
}
_SHOWN = {
    Libvirt.SHUT_OFF: Status.CLOSED,
    Libvirt.SHUTTING_DOWN: Status.CLOSED,
    Libvirt.RUNNING: Status.RUNNING,
    Libvirt.PAUSED: Status.RUNNING,
    Libvirt.BLOCKED: Status.RUNNING,
    Libvirt.SUSPENDED: Status.SLEEPING,
}
_HOLDS_PORTS = {Libvirt.RUNNING, Libvirt.BLOCKED, Libvirt.PAUSED}


@dataclass
class Domain:
    """What libvirt knows once a machine is defined."""

    mac_address: str
    state: Libvirt = Libvirt.RUNNING


@dataclass
class Disk:
    """A disk of a machine; sizes in bytes."""

    name: str
    source_file: str
    size: int


@dataclass
class Snapshot:
    """A copy of the system disk; its status is kept by name, shared by namesakes."""

    name: str
    description: str
    file: str
    created_at: datetime


@dataclass
class Task:
    """One machine as the node keeps it; sizes in bytes, ports as 16-bit numbers."""

    task_id: str
    wallet: str
    created_at: datetime
    image_name: str = ""
    rent_order: str = ""
    desc: str = ""
    operation_system: str = "linux"
    bios_mode: str = "legacy"
    public_ip: str = ""
    ssh_port: int = 0
    rdp_port: int = 0
    vnc_port: int = 0
    cpu_cores: int = 0
    gpus: list[int] = field(default_factory=list)
    memory: int = 0
    network_name: str = ""
    custom_ports: list[str] = field(default_factory=list)
    multicast: list[str] = field(default_factory=list)
    filters: list[str] = field(default_factory=list)
    interface_model: str = "virtio"
    login_user: str = ""
    login_password: str = field(default="", repr=False)
    vnc_password: str = field(default="", repr=False)
    root_backing: str = ""
    status: Status = Status.CREATING
    domain: Domain | None = None
    forwards: bool = False
    disks: dict[str, Disk] = field(default_factory=dict)
    snapshots: list[Snapshot] = field(default_factory=list)
    snapshot_status: dict[str, str] = field(default_factory=dict)
    log: list[str] = field(default_factory=list, repr=False)

    @property
    def is_windows(self) -> bool:
        """Whether the node takes the machine for a Windows."""
        return values.is_windows(self.operation_system)

    @property
    def default_user(self) -> str:
        """The account whose password the node sets after creation."""
        return WINDOWS_USER if self.is_windows else LINUX_USER

    @property
    def libvirt(self) -> Libvirt:
        """The domain's state; "no state" also when there is no domain."""
        return self.domain.state if self.domain is not None else Libvirt.NONE

    @property
    def is_running(self) -> bool:
        """Whether libvirt says running."""
        return self.libvirt is Libvirt.RUNNING

    @property
    def holds_ports(self) -> bool:
        """Whether its ports count when another machine wants them."""
        return self.libvirt in _HOLDS_PORTS

    @property
    def holds_gpus(self) -> bool:
        """Whether its GPUs are busy: only a shut off domain frees them, no domain does not."""
        return self.libvirt is not Libvirt.SHUT_OFF

    def shown_status(self) -> Status:
        """The status after asking libvirt, which the node does for settled ones only (§4.1)."""
        follows = _FOLLOWS_LIBVIRT.get(self.status)
        if follows is not None and self.libvirt is not follows:
            self.status = _SHOWN.get(self.libvirt, self.status)
        return self.status

    def settle(self, expected: Status, outcome: Status) -> None:
        """Move on from `expected` unless another operation has overwritten it meanwhile."""
        if self.status is expected:
            self.status = outcome

    def snapshot(self, name: str) -> Snapshot | None:
        """The first snapshot of that name."""
        return next((it for it in self.snapshots if it.name == name), None)

    def next_disk_name(self) -> str:
        """The letter after the highest existing one."""
        return "vd" + chr(ord(max(self.disks)[-1]) + 1)
