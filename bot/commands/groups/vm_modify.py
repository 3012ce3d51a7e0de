"""Changing a machine, one thing a call, without losing its public IP (docs/dbc-api.md §3.2.10)."""

from collections.abc import Mapping
from typing import Annotated, Any

from bot.commands.args import Arg, Vm
from bot.commands.context import Context
from bot.commands.groups.shown import stacked
from bot.commands.groups.vm_create import Cpu, Filters, Gpu, Mem, Ports
from bot.commands.table import Command
from bot.dbc.models import Modified
from bot.dbc.requests import TaskChange
from bot.errors import BotError, Refused
from bot.model import Effect, Machine
from bot.reply import Line, Para, Reply, bold, line

_NONE = "none"

NewPublicIp = Annotated[
    str | None,
    Arg(
        "Public IP",
        "word",
        "Empty: keep the present one; none: take it away",
        "203.0.113.9",
        positional=False,
    ),
]
_KEEP = "Empty: keep the present one"
Ssh = Annotated[
    int | None,
    Arg("SSH port", "int", _KEEP, "5684", 1, 65535, names=("ssh_port",), positional=False),
]
Rdp = Annotated[
    int | None,
    Arg("RDP port", "int", _KEEP, "5685", 1, 65535, names=("rdp_port",), positional=False),
]
Vnc = Annotated[
    int | None,
    Arg("VNC port", "int", _KEEP, "5904", 5900, 65535, names=("vnc_port",), positional=False),
]
_FIELDS = {
    "ssh": "new_ssh_port",
    "rdp": "new_rdp_port",
    "ports": "new_custom_port",
    "filters": "new_network_filters",
    "vnc": "new_vnc_port",
    "gpu": "new_gpu_count",
    "cpu": "new_cpu_cores",
    "mem": "new_mem_size",
}


async def modify(
    ctx: Context,
    vm: Vm,
    public_ip: NewPublicIp = None,
    ssh: Ssh = None,
    rdp: Rdp = None,
    vnc: Vnc = None,
    gpu: Gpu | None = None,
    cpu: Cpu | None = None,
    mem: Mem | None = None,
    ports: Ports | None = None,
    filters: Filters | None = None,
) -> Reply:
    """Change a machine's ports, filters or size; what is left empty stays as it is."""
    wanted = {
        "ssh": ssh, "rdp": rdp, "ports": ports, "filters": filters, "vnc": vnc,
        "gpu": gpu, "cpu": cpu, "mem": mem,
    }  # fmt: skip
    if public_ip is None:
        kept = await _present_public_ip(ctx, vm)
    else:
        kept = None if public_ip.lower() == _NONE else public_ip
    steps = _steps(kept, wanted, with_ip=public_ip is not None)
    target = await ctx.target(vm)
    told: list[Line] = []
    for position, (label, step) in enumerate(steps):
        try:
            answer = await ctx.dbc.tasks.modify(target, vm.task, step)
        except BotError as error:
            raise _partly(error, label, steps[:position], steps[position + 1 :]) from None
        told.append(line("• ", label, _when(answer)))
    head = line("Changed ", bold(vm.label), ":")
    return Reply(f"Changed {vm.label}", (Para(stacked([head, *told])),))


def _steps(
    public_ip: str | None, wanted: Mapping[str, Any], *, with_ip: bool
) -> list[tuple[str, TaskChange]]:
    """One change a call, since DBC may carry out a part of a larger one."""
    steps = []
    if with_ip:
        label = f"public IP: {public_ip or 'none'}"
        steps.append((label, TaskChange(new_public_ip=public_ip)))
    for name, field in _FIELDS.items():
        value = wanted[name]
        if value is None:
            continue
        if isinstance(value, tuple):
            value = () if [v.lower() for v in value] == [_NONE] else value
        shown = ", ".join(value) or _NONE if isinstance(value, tuple) else str(value)
        change = TaskChange.model_validate({"new_public_ip": public_ip, field: value})
        steps.append((f"{name}: {shown}", change))
    if not steps:
        raise Refused("There is nothing to change.", hint="Name what should change, like mem=64.")
    return steps


async def _present_public_ip(ctx: Context, vm: Machine) -> str | None:
    """The machine's own public IP, which must be sent back or DBC takes it away.

    DBC shows it nowhere as such: `ssh_ip` is the public IP or else the node's address, and the
    node's address is told with two of its parts hidden (docs/dbc-api.md §3.1.1, §3.2.2).
    """
    detail = await ctx.dbc.tasks.get(await ctx.target(vm), vm.task)
    info = await ctx.dbc.nodes.info(vm.node)
    own, shown = detail.ssh_ip.split("."), info.ip.split(".")
    if len(own) != 4 or len(shown) != 4 or set(shown) == {"*"}:
        raise Refused(
            "I cannot tell whether this machine has a public IP of its own, "
            "and DBC would take it away with this change.",
            hint="Say it: public_ip=<address>, or public_ip=none.",
            field="public_ip",
        )
    is_nodes = all(b in {"*", a} for a, b in zip(own, shown, strict=True))
    return None if is_nodes else detail.ssh_ip


def _partly(
    error: BotError,
    label: str,
    done: list[tuple[str, TaskChange]],
    left: list[tuple[str, TaskChange]],
) -> BotError:
    """The error with what was changed before it and what was not tried."""
    told = f"{label}: {error.sentence}"
    if done:
        told = f"Changed: {'; '.join(name for name, _ in done)}. Then {told}"
    if left:
        told += f" Not tried: {'; '.join(name for name, _ in left)}."
    partly = BotError(told, hint=error.hint, field=error.field)
    partly.severity = error.severity
    return partly


def _when(answer: Modified) -> str:
    return " (from the next start)" if answer is Modified.NEXT_BOOT else ""


def _check(values: Mapping[str, str]) -> None:
    """Find what DBC would misread while the form is still open."""
    wanted = {
        p.name: p.arg.read(p.name, values[p.name]) if values.get(p.name) else None
        for p in COMMAND.parameters
    }
    public_ip = wanted["public_ip"]
    kept = None if public_ip in {None, _NONE} else public_ip
    _steps(kept, wanted, with_ip=public_ip is not None)


COMMAND = Command(
    "modify", modify, Effect.CHANGE, "vm modify train-01 mem=64", form=True, check=_check
)
