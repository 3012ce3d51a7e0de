"""Creating a machine: what is asked, and how it becomes DBC's request (docs/dbc-api.md §3.2.1)."""

import zlib
from collections.abc import Mapping
from functools import partial
from typing import Annotated, Any

from bot.commands.gpu_claims import losing_gpus
from bot.commands.order_notes import ending_soon
from bot.commands.room import lacking
from bot.commands.taken import Looks, name_taken, ports_taken
from bot.dbc.errors import says_unrented
from bot.dbc.requests import CreateSpec
from bot.errors import refuse_all
from bot.ids import TaskId
from bot.language.args import AtNode, Image
from bot.language.kind import WORD, Arg
from bot.language.kinds import CHOICE, INT, LIST, NETWORK, SIZE
from bot.language.ports import PORTS
from bot.language.row_parts import Follow, Foreseen
from bot.language.table import Command
from bot.model import Deed, Effect, Filing, Goal, Node, TakesGpus
from bot.pipeline.context import Context
from bot.reply import Phrase, Text, say, say_number

_PORTS = 10_000  # how many ports each kind is picked from
_FIRST_SSH, _FIRST_RDP, _FIRST_VNC = 20_000, 30_000, 40_000
_EXAMPLE_TASK = "0000000000000000000000"

Name = Annotated[
    str,
    Arg(
        say("Name"),
        WORD,
        say("What it is called on DBC: its description there"),
        "train-01",
        names=("desc",),
        positional=False,
    ),
]
Count = Arg("", INT, positional=False)
Gpu = Annotated[
    int,
    Arg(
        say("GPUs"),
        INT,
        say("0 only when the whole node is rented"),
        "2",
        0,
        64,
        names=("gpus", "gpu_count"),
        positional=False,
    ),
]
Cpu = Annotated[
    int,
    Arg(say("CPU cores"), INT, "", "8", 1, 1024, names=("cores", "cpu_cores"), positional=False),
]
Mem = Annotated[
    int,
    Arg(
        say("Memory (GiB)"),
        SIZE,
        say("Like 64 or 64G"),
        "64",
        1,
        65536,
        names=("memory", "mem_size"),
        positional=False,
    ),
]
Disk = Annotated[
    int,
    Arg(
        say("Data disk (GiB)"),
        SIZE,
        say("Beside the system disk of 350 GiB"),
        "100",
        1,
        1_000_000,
        names=("disk_size",),
        positional=False,
    ),
]
System = Annotated[
    str,
    Arg(
        say("System (OS)"),
        CHOICE,
        "",
        "linux",
        choices=("linux", "windows"),
        labels=("Linux", "Windows"),
        names=("operation_system",),
        positional=False,
    ),
]
Bios = Annotated[
    str,
    Arg(
        say("Boot mode (BIOS)"),
        CHOICE,
        say("legacy for linux, uefi for windows"),
        "legacy",
        choices=("legacy", "uefi", "pxe"),
        names=("bios_mode",),
        positional=False,
        rare=True,
    ),
]
_PORT_HINT = say("On the node's address; empty to pick a free one")


def port_arg(
    title: Phrase, hint: Text, example: str, name: str, least: int = 1, *, rare: bool = True
) -> Arg:
    """A port on the node's address that leads to one of the machine's; `name` as DBC has it."""
    return Arg(title, INT, hint, example, least, 65535, names=(name,), positional=False, rare=rare)


def ports_arg(hint: Text, *, rare: bool = True) -> Arg:
    """All further ports."""
    return Arg(
        say("More ports"), PORTS, hint, "tcp,8080",
        names=("custom_port",), positional=False, rare=rare, narrow=True,
    )  # fmt: skip


def filters_arg(hint: Text) -> Arg:
    """Who can reach the machine from where."""
    return Arg(
        say("Network filters"), LIST, hint, "in,tcp,22,0.0.0.0/0,accept",
        names=("network_filters",), positional=False, rare=True, narrow=True,
    )  # fmt: skip


Ssh = Annotated[int | None, port_arg(say("SSH port"), _PORT_HINT, "5684", "ssh_port")]
Rdp = Annotated[int | None, port_arg(say("RDP port"), _PORT_HINT, "5685", "rdp_port")]
Vnc = Annotated[int | None, port_arg(say("VNC port"), _PORT_HINT, "5904", "vnc_port", 5900)]
PublicIp = Annotated[
    str | None,
    Arg(
        say("Public IP"),
        WORD,
        say("An address of the machine's own, if the node has one to give"),
        "203.0.113.9",
        positional=False,
        rare=True,
        narrow=True,
    ),
]
Lan = Annotated[
    str | None,
    Arg(
        say("Private network (LAN)"),
        NETWORK,
        say("Its name"),
        "team42",
        names=("network_name", "network"),
        positional=False,
        rare=True,
    ),
]
Ports = Annotated[tuple[str, ...], ports_arg(say("One a line: tcp,8080 or udp,6000-6010"))]
Filters = Annotated[tuple[str, ...], filters_arg(say("One a line: in,tcp,22,0.0.0.0/0,accept"))]
Multicast = Annotated[
    tuple[str, ...],
    Arg(
        say("Multicast"),
        LIST,
        say("One a line: 230.0.0.1:5558"),
        "230.0.0.1:5558",
        positional=False,
        rare=True,
    ),
]
DataFile = Annotated[
    str | None,
    Arg(
        say("Existing data file"),
        WORD,
        say("A file on the node to use as the data disk"),
        "data_1.qcow2",
        names=("data_file_name",),
        positional=False,
        rare=True,
        narrow=True,
    ),
]
Nic = Annotated[
    str,
    Arg(
        say("Network card (NIC)"),
        CHOICE,
        "",
        "virtio",
        choices=("virtio", "e1000", "rtl8139"),
        names=("interface_model_type",),
        positional=False,
        rare=True,
    ),
]


async def create(
    ctx: Context,
    name: Name,
    image: Image,
    node: AtNode,
    gpu: Gpu = 1,
    cpu: Cpu = 8,
    mem: Mem = 32,
    disk: Disk = 100,
    os: System = "linux",
    public_ip: PublicIp = None,
    lan: Lan = None,
    ports: Ports = (),
    ssh: Ssh = None,
    rdp: Rdp = None,
    vnc: Vnc = None,
    filters: Filters = (),
    bios: Bios = "legacy",
    multicast: Multicast = (),
    data_file: DataFile = None,
    nic: Nic = "virtio",
) -> None:
    """Create a machine on a node; this takes five to fifteen minutes."""
    wanted = {
        "name": name, "image": image, "gpu": gpu, "cpu": cpu, "mem": mem, "disk": disk, "os": os,
        "bios": bios, "ssh": ssh, "rdp": rdp, "vnc": vnc, "public_ip": public_ip, "lan": lan,
        "ports": ports, "filters": filters, "multicast": multicast, "data_file": data_file,
        "nic": nic,
    }  # fmt: skip
    await ctx.dbc.tasks.create(await ctx.use_session(node), spec(TaskId(ctx.task), wanted))


async def _lacking(
    ctx: Context,
    node: Node,
    *,
    name: str,
    image: str,
    gpu: int,
    cpu: int,
    mem: int,
    disk: int,
    bios: str,
    data_file: str | None,
    ssh: int | None,
    rdp: int | None,
    vnc: int | None,
    public_ip: str | None,
    os: str,
    **_others: Any,
) -> Foreseen:
    """What the node has no room for, which ports and names are taken, and what is lost by it."""
    is_new = bios != "pxe" and data_file is None  # else no disk is made
    info = await ctx.dbc.nodes.info(node.id)
    room = lacking(node, info, gpu=gpu, cpu=cpu, mem=mem, disk=disk if is_new else 0, image=image)
    looks = Looks(ctx)
    spread = _spread(ctx.task)
    picked = {"ssh": _FIRST_SSH + spread, "rdp": _FIRST_RDP + spread, "vnc": _FIRST_VNC + spread}
    # DBC looks at the port of the system alone, and at none where the machine has its own address.
    checked = None if public_ip else "rdp" if os == "windows" else "ssh"
    ports = await ports_taken(
        ctx, node, picked, looks=looks, vnc=vnc,
        ssh=ssh if checked == "ssh" else None, rdp=rdp if checked == "rdp" else None,
    )  # fmt: skip
    found = (await name_taken(ctx, node, name)).also(room).also(ports)
    found = found.also(await _unrented(ctx, node))
    if found.faults:
        return found
    return found.also(await losing_gpus(ctx, node, gpu, info, looks))


async def _unrented(ctx: Context, node: Node) -> Foreseen:
    """That a node refuses everybody since nobody rents it; asked anew where it said so last."""
    usable = await ctx.services.sessions.usable(ctx.actor, ctx.place.channel)
    session = next((one for one in usable if one.node == node.id), None)
    lists = ctx.services.inventory.lists
    if session is None or (lists.has_asked(session) and not lists.is_refused(session)):
        return Foreseen()
    problem = (await ctx.services.inventory.list_node(session)).problem
    if problem is None or not says_unrented(problem):
        return Foreseen()
    return Foreseen({"node": say("{sentence} {next}", sentence=problem.words, next=problem.hint)})


def _spread(task: str) -> int:
    return zlib.crc32(task.encode()) % _PORTS


def spec(task: TaskId, wanted: Mapping[str, Any]) -> CreateSpec:
    """DBC's request. Raises InvalidField for what DBC would misread."""
    spread = _spread(task)
    windows = wanted["os"] == "windows"
    return CreateSpec(
        task_id=task,
        desc=wanted["name"],
        image_name=wanted["image"],
        gpu_count=wanted["gpu"],
        cpu_cores=wanted["cpu"],
        mem_size=wanted["mem"],
        disk_size=wanted["disk"],
        operation_system=wanted["os"],
        bios_mode=wanted["bios"],
        ssh_port=wanted["ssh"] or (None if windows else _FIRST_SSH + spread),
        rdp_port=wanted["rdp"] or (_FIRST_RDP + spread if windows else None),
        vnc_port=wanted["vnc"] or _FIRST_VNC + spread,
        public_ip=wanted["public_ip"],
        network_name=wanted["lan"],
        custom_port=wanted["ports"],
        network_filters=wanted["filters"],
        multicast=wanted["multicast"],
        data_file_name=wanted["data_file"],
        interface_model_type=wanted["nic"],
    )


def _check(values: Mapping[str, str]) -> None:
    """Find all that DBC would misread while the form is still open."""
    given = {
        p.name: p.arg.read(p.name, values[p.name]) for p in COMMAND.parameters if values.get(p.name)
    }
    left_out = {p.name: p.default for p in COMMAND.parameters}
    sound = {**left_out, "name": "train-01", "image": "ubuntu.qcow2"}
    refuse_all(
        partial(spec, TaskId(_EXAMPLE_TASK), {**sound, name: value})
        for name, value in given.items()
    )
    spec(TaskId(_EXAMPLE_TASK), {**left_out, **given})


async def _picked(ctx: Context, **wanted: Any) -> Mapping[str, str]:
    """The ports that are picked where none is named."""
    return ports_of(spec(TaskId(ctx.task), wanted))


def ports_of(made: CreateSpec) -> Mapping[str, str]:
    """The ports that are sent, as they would be typed."""
    ports = {"ssh": made.ssh_port, "rdp": made.rdp_port, "vnc": made.vnc_port}
    return {name: str(port) for name, port in ports.items() if port is not None}


def _asks(known: Mapping[str, str]) -> Phrase:
    return say(
        "Create {label} with {gpus}, {cores}, {mem} GiB of memory and a data disk of {disk} GiB "
        "from {image} on {node}",
        gpus=say_number("{number} GPU", "{number} GPUs", int(known["gpu"])),
        cores=say_number("{number} core", "{number} cores", int(known["cpu"])),
    )


COMMAND = Command(
    "create",
    create,
    Effect.CHANGE,
    "vm create name=train-01 image=ubuntu.qcow2 gpu=2 cpu=8 mem=64 disk=100 on gpu1",
    form=True,
    check=_check,
    warns=ending_soon,
    foresees=_lacking,
    shows=_picked,
    deed=Deed(makes_machine=True, brings_up=True, filing=Filing.USED, is_news=True),
    asks=_asks,
    follow=Follow(
        Goal.RUNNING,
        say("{label} is being created on {node}"),
        say("{label} is running on {node}"),
    ),
    alike=("name",),
    takes_gpus=TakesGpus.ALWAYS,
    chinese="创建 新建",
    does=say("Create a machine"),
)
