"""What DBC answers, as frozen values. Tolerant of everything that varies: numbers or strings,
missing and unknown fields, unknown statuses. Knows nothing of requests.

Texts come from nodes and must be escaped before they are shown. Times are the node's local time
without zone (`2024-06-11 09:30:12`), so they stay text: they
can only be compared with others of the same node.
"""

import re
from collections.abc import Callable
from enum import StrEnum
from functools import cache
from typing import Annotated, Any, Literal

from pydantic import AliasChoices, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr

from bot.dbc.sizes import Size
from bot.reply import Phrase, catalogue, plain, say


def _text(value: object) -> object:
    return "" if value is None else str(value) if isinstance(value, int | float) else value


def _number(value: object) -> int | None:
    try:
        return int(str(value).strip())
    except ValueError:
        return None


def _port(value: object) -> int | None:
    """A port; 0 and what cannot be one stand for none."""
    number = _number(value)
    return number if number is not None and 0 < number < 65536 else None


def _told(value: object) -> object:
    """A text of the gossip, where words stand for nothing (§3.1.1)."""
    return "" if value in {"null", "N/A"} else _text(value)


def _list(value: object) -> object:
    return () if value is None else value


def _under(key: str) -> Callable[[Any], Any]:
    """Take a list out of the object it may be wrapped in."""
    return lambda value: value.get(key) if isinstance(value, dict) else value


Text = Annotated[str, BeforeValidator(_text)]
Secret = Annotated[SecretStr, BeforeValidator(_text)]
Number = Annotated[int | None, BeforeValidator(_number)]
Port = Annotated[int | None, BeforeValidator(_port)]
Told = Annotated[str, BeforeValidator(_told)]
SizeText = Annotated[Size, BeforeValidator(Size.parse)]
Texts = Annotated[tuple[Text, ...], BeforeValidator(_list)]
NO_SIZE = Size("", None)
NO_SECRET = SecretStr("")


class Answer(BaseModel):
    """The base of all answers."""

    model_config = ConfigDict(
        frozen=True, extra="ignore", hide_input_in_errors=True, populate_by_name=True
    )


class Phase(StrEnum):
    """What a machine's status amounts to."""

    ON = "on"
    OFF = "off"
    ASLEEP = "asleep"
    BUSY = "busy"
    FAILED = "failed"
    UNKNOWN = "unknown"  # a word we do not know, of another version: treat as busy


_PHASES = {
    "running": Phase.ON,
    "closed": Phase.OFF,
    "pmsuspend": Phase.ASLEEP,
    "pm_suspended": Phase.ASLEEP,
    "none": Phase.UNKNOWN,
    **dict.fromkeys(
        (
            "creating",
            "starting",
            "stopping",
            "being shutdown",
            "being poweroff",
            "restarting",
            "resetting",
            "deleting",
        ),
        Phase.BUSY,
    ),
}


BUSY = frozenset(word for word, phase in _PHASES.items() if phase is Phase.BUSY)

_POWER = re.compile(r"\bpower is (on|off)\b")


def phase_of(status: str) -> Phase:
    """What a status string means (docs/dbc-api.md §4.1); unknown ones are UNKNOWN, no error."""
    word = status.strip().lower()
    if word == "error" or word.endswith(" error"):
        return Phase.FAILED
    return _PHASES.get(word, Phase.UNKNOWN)


# Where a status leads that passes by itself (docs/dbc-api.md §4.2). Disk and snapshot jobs, which
# older builds show as a status, leave a machine off.
_RESTS = {
    **dict.fromkeys(("creating", "starting", "restarting", "resetting"), "running"),
    **dict.fromkeys(
        (
            "stopping",
            "being shutdown",
            "being poweroff",
            "creating snapshot",
            "snapshot creating",
            "disk resizing",
            "disk adding",
            "disk deleting",
        ),
        "closed",
    ),
}


def rest_of(status: str) -> str:
    """The status that this one comes to if all goes well: itself, where it does not pass."""
    word = status.strip().lower()
    return _RESTS.get(word, word)


_STATES = {
    "closed": "off",
    "pmsuspend": "asleep",
    "pm_suspended": "asleep",
    "being shutdown": "shutting down",
    "being poweroff": "powering off",
    "none": "unknown",
    "": "unknown",
}


def state_of(status: str) -> str:
    """A status as people say it: `off` for `closed`; what needs no other word stays as it is."""
    return _STATES.get(status.strip().lower(), status)


# Those that people meet most; what DBC has more stays as it is.
_SAID = {
    str(one): one
    for one in (
        say("running"), say("off"), say("asleep"), say("unknown"), say("creating"),
        say("starting"), say("restarting"), say("resetting"), say("stopping"),
        say("shutting down"), say("powering off"), say("deleting"), say("create error"),
        say("start error"), say("restart error"), say("stop error"), say("delete error"),
    )
}  # fmt: skip


def said_state(status: str) -> str | Phrase:
    """The same in the reader's language."""
    word = state_of(status)
    return _SAID.get(word.lower(), word)


@cache
def _in_other_languages() -> frozenset[str]:
    words = catalogue("zh")
    return frozenset(plain(one, words) for one in _SAID.values())


def is_state(text: str) -> bool:
    """Whether a text is a status as people say it."""
    word = text.strip().lower()
    return (
        word in _in_other_languages()
        or word in _STATES.values()
        or word in _RESTS
        or phase_of(word) is not Phase.UNKNOWN
    )


class TaskSummary(Answer):
    """A machine in a list (§3.2.3)."""

    task_id: Text
    create_time: Text = ""
    desc: Text = ""
    status: Text = ""

    @property
    def phase(self) -> Phase:
        """What the status amounts to."""
        return phase_of(self.status)


class TaskDisk(Answer):
    """A disk of a machine (§3.3.1). `/disk/list` may round above 1 T; detail does not."""

    name: Text
    size: SizeText = NO_SIZE
    file: Text = Field(default="", validation_alias=AliasChoices("file", "source_file"))


class NetworkInterface(Answer):
    """A network card of a machine."""

    name: Text = ""
    type: Text = ""
    mac_address: Text = ""


class TaskDetail(TaskSummary):
    """All that DBC tells about a machine (§3.2.2).

    During a creation, user and passwords are not active yet; `N/A` means that the guest did not
    take the generated password. `ssh_port` is None on Windows, `rdp_port` elsewhere.
    """

    os: Text = ""
    ssh_ip: Text = ""
    ssh_port: Port = None
    rdp_port: Port = None
    user_name: Text = ""
    login_password: Secret = NO_SECRET
    vnc_port: Port = None
    vnc_password: Secret = NO_SECRET
    cpu_cores: Number = None
    gpu_count: Number = None
    mem_size: SizeText = NO_SIZE
    disk_system: SizeText = NO_SIZE
    network_name: Text = ""
    rent_order: Text = ""
    local_address: Texts = ()
    disks: Annotated[tuple[TaskDisk, ...], BeforeValidator(_list)] = ()
    network_filters: Texts = ()
    interfaces: Annotated[tuple[NetworkInterface, ...], BeforeValidator(_list)] = Field(
        default=(), validation_alias=AliasChoices("interface", "interfaces")
    )


class TaskLog(Answer):
    """Lines of a machine's management log (§3.2.9)."""

    task_id: Text = ""
    lines: Texts = Field(default=(), validation_alias=AliasChoices("log_content", "lines"))


class Modified(StrEnum):
    """When a modification counts."""

    NOW = "now"
    NEXT_BOOT = "next boot"


class Snapshot(Answer):
    """A snapshot (§6). On the image server it is called like `file_name`, not like `name`."""

    name: Text = Field(validation_alias=AliasChoices("snapshot_name", "name"))
    desc: Text = Field(default="", validation_alias=AliasChoices("description", "desc"))
    file: Text = Field(default="", validation_alias=AliasChoices("snapshot_file", "file"))
    create_time: Text = ""
    status: Text = ""  # creating, uploading, none: the upload ended, well or badly

    @property
    def file_name(self) -> str:
        """The base name: what the uploaded object is called."""
        return self.file.rpartition("/")[2]


def _image(value: object) -> object:
    return {"image_name": value} if isinstance(value, str) else value


class Image(Answer):
    """An image file on a node or image server. `image_name:` with a colon is DBC's (§3.5.2)."""

    name: Text = Field(validation_alias=AliasChoices("image_name", "image_name:", "name"))
    size: SizeText = Field(default=NO_SIZE, validation_alias=AliasChoices("image_size", "size"))


AnyImage = Annotated[Image, BeforeValidator(_image)]
Images = Annotated[tuple[AnyImage, ...], BeforeValidator(_list)]


class Progress(Answer):
    """How far a transfer is (§5). `done` only says that none runs: success is proved by listing."""

    status: Text = ""
    percent: Annotated[int | None, BeforeValidator(lambda v: _number(str(v).rstrip("% ")))] = Field(
        default=None, validation_alias=AliasChoices("progress", "percent")
    )

    @property
    def is_running(self) -> bool:
        """Whether a transfer is under way."""
        return self.status != "done"


class NodeSummary(Answer):
    """A node as its daemon knows it from gossip (§3.1.1)."""

    node_id: Text
    name: Told = ""
    version: Told = ""


class Cpu(Answer):
    """A node's processors."""

    type: Text = ""
    hz: Text = ""
    cores: Number = None
    used_usage: Text = ""
    physical_cpus: Number = None


class Gpu(Answer):
    """A node's GPUs."""

    gpu_count: Number = None
    gpu_used: Number = None


class Memory(Answer):
    """A node's memory."""

    size: SizeText = NO_SIZE
    free: SizeText = NO_SIZE
    used_usage: Text = ""


class HostDisk(Answer):
    """A disk of a node."""

    path: Text = ""
    type: Text = ""
    size: SizeText = NO_SIZE
    free: SizeText = NO_SIZE
    used_usage: Text = ""


class NodeInfo(Answer):
    """A node's hardware (§3.1.1). Bare-metal machines have the first five fields only."""

    version: Text = ""
    node_type: Text = ""  # "1" GPU node, "2" bare metal
    ip: Text = ""
    os: Text = ""
    cpu: Cpu | None = None
    gpu: Gpu | None = None
    mem: Memory | None = None
    disk_system: HostDisk | None = None
    disk_data: Annotated[tuple[HostDisk, ...], BeforeValidator(_list)] = ()
    images: Images = ()

    @property
    def is_bare_metal(self) -> bool:
        """Whether it is a bare-metal machine."""
        return self.node_type == "2"


class RentOrder(Answer):
    """A rental that a node knows of (§3.8). For a whole machine, `id` is the renter's address."""

    id: Text
    renter: Text = ""
    rent_end: Number = None  # a block height
    rent_status: Text = ""
    gpu_nums: Number = None
    gpu_index: Annotated[tuple[Number, ...], BeforeValidator(_list)] = ()


class SessionId(Answer):
    """A session's id; the renter has to sign it (§2.5)."""

    session_id: SecretStr


class Version(Answer):
    """A daemon's version."""

    client_version: Text = ""


class Lan(Answer):
    """A network between machines of one site (§3.8)."""

    network_name: Text
    bridge_name: Text = ""
    vxlan_name: Text = ""
    vxlan_vni: Text = ""
    ip_cidr: Text = ""
    ip_start: Text = ""
    ip_end: Text = ""
    dhcp_interface: Text = ""
    machine_id: Text = ""
    rent_wallet: Text = ""
    members: Texts = ()
    last_use_time: Text = Field(
        default="", validation_alias=AliasChoices("lastUseTime", "last_use_time")
    )


class BareMetal(Answer):
    """A bare-metal machine (§3.7.1). What is secret is `****` unless the manager's key signed.

    The machine's private key, which DBC then sends along, is not kept.
    """

    node_id: Text = ""
    uuid: Text = ""
    name: Told = ""
    version: Told = ""
    ip: Text = ""
    os: Text = ""
    desc: Text = Field(default="", validation_alias=AliasChoices("description", "desc"))
    ipmi_hostname: Text = ""
    ipmi_username: Secret = NO_SECRET
    ipmi_password: Secret = NO_SECRET
    ipmi_port: Port = None
    power_status: Text = ""
    deeplink_device_id: Text = ""
    deeplink_device_password: Secret = NO_SECRET

    @property
    def is_on(self) -> bool | None:
        """Whether the machine has power, if that is told."""
        return power_in(self.power_status)


def power_in(text: str) -> bool | None:
    """What a power tool's text says: on, off, or nothing about it."""
    told = set(_POWER.findall(text.lower()))
    return "on" in told if len(told) == 1 else None


class PowerReport(Answer):
    """The power tool's own words, and what they say about the machine's power."""

    text: str
    is_on: bool | None


PowerCommand = Literal["on", "off", "reset"]
BootDevice = Literal["pxe", "disk", "cdrom", "bios"]


class BootResult(StrEnum):
    """What is known after choosing a boot device. DBC cannot tell success (§3.7.5)."""

    DONE = "done"
    SENT = "sent, result unknown"


NodeSummaries = Annotated[tuple[NodeSummary, ...], BeforeValidator(_under("mining_nodes"))]
RentOrders = Annotated[tuple[RentOrder, ...], BeforeValidator(_under("rent_orders"))]
ImageServers = Annotated[tuple[Text, ...], BeforeValidator(_under("image_server"))]
Lans = Annotated[tuple[Lan, ...], BeforeValidator(_under("networks"))]
BareMetals = Annotated[tuple[BareMetal, ...], BeforeValidator(_under("bare_metal_nodes"))]
