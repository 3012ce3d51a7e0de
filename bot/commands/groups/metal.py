"""Bare-metal machines: which there are, their power and what they boot from.

Source: docs/dbc-api.md §3.7. Administration by their manager is in `metal_admin`.
"""

from collections.abc import Mapping, Sequence
from typing import Annotated

from bot.commands.args import Arg, Manager, Metal
from bot.commands.context import Context
from bot.commands.groups.metal_admin import ADD, MODIFY, REMOVE, listed_by
from bot.commands.groups.shown import short
from bot.commands.table import Command, Group
from bot.commands.text import quoted
from bot.dbc.errors import DbcError
from bot.dbc.models import BootDevice, BootResult, PowerCommand
from bot.errors import BotError
from bot.model import Effect, Node, NodeKind
from bot.reply import Line, Note, Para, Part, Reply, Row, Rows, bold, code, emoji, line
from bot.reply import command as spoken

PowerVerb = Annotated[
    str,
    Arg(
        "Power", "choice", "What to do with its power", "status",
        word="power", choices=("on", "off", "reset", "status"),
    ),
]  # fmt: skip
Device = Annotated[
    str,
    Arg(
        "Boot from", "choice", "What it boots from next", "pxe",
        word="boot", choices=("pxe", "disk", "cdrom", "bios"),
    ),
]  # fmt: skip
_COMMANDS: Mapping[str, PowerCommand] = {"on": "on", "off": "off", "reset": "reset"}
_DEVICES: Mapping[str, BootDevice] = {
    "pxe": "pxe", "disk": "disk", "cdrom": "cdrom", "bios": "bios",
}  # fmt: skip


async def list_metals(ctx: Context, manager: Manager | None = None) -> Reply:
    """List the bare-metal machines that are known, or those of one manager with details."""
    if manager is not None:
        return await _of_manager(ctx, manager)
    problem: BotError | None = None
    inventory = ctx.services.inventory
    try:
        nodes = await inventory.refresh_metals()
    except BotError as error:
        problem, nodes = error, await inventory.metals()
    hidden = await ctx.hidden("metal.list")
    nodes = [node for node in nodes if node.id not in hidden]
    usable = await ctx.services.sessions.usable(ctx.actor, ctx.place.channel)
    mine = {session.node for session in usable}
    machines = [node for node in nodes if node.kind is NodeKind.METAL]
    managers = [node for node in nodes if node.kind is NodeKind.MANAGER]
    also = ({"problem": problem.sentence},) if problem else ()
    parts: list[Part] = [Rows(_rows(machines, mine), line(bold("Bare-metal machines")), also=also)]
    if managers:
        parts.append(Rows(_rows(managers, mine), line(bold("Managers"))))
    if problem is not None:
        parts.append(Note(line(emoji("warning"), " As last seen: ", problem.sentence)))
    how = line(
        emoji("key"), " marks those that you can use. Details: ", spoken("metal list <manager>")
    )
    return Reply(f"{len(machines)} bare-metal machines", (*parts, Note(how)))


def _rows(nodes: Sequence[Node], mine: set[str]) -> tuple[Row, ...]:
    return tuple(
        Row(
            line(
                bold(node.label), " ", code(short(node.id)), f" {node.version}",
                line(" ", emoji("key")) if node.id in mine else (),
            ),
            {
                "id": node.id, "name": node.label, "kind": str(node.kind),
                "manager_id": node.manager or None, "version": node.version,
                "usable": node.id in mine,
            },
        )
        for node in nodes
    )  # fmt: skip


async def _of_manager(ctx: Context, manager: Node) -> Reply:
    known = {node.id: node for node in await ctx.services.inventory.metals()}
    rows = []
    for machine in await listed_by(ctx, manager):
        node = known.get(machine.node_id)
        label = node.nickname if node and node.nickname else machine.desc or short(machine.node_id)
        text: Line = line(
            bold(label), " ", code(short(machine.node_id)),
            f" {machine.ip} · {machine.os or 'unknown system'} · uuid ", code(machine.uuid),
        )  # fmt: skip
        data = {
            "id": machine.node_id, "name": label, "uuid": machine.uuid, "ip": machine.ip,
            "os": machine.os, "description": machine.desc,
            "ipmi_host": machine.ipmi_hostname,
        }  # fmt: skip
        rows.append(Row(text, data))
    head = line(bold(manager.label), f" manages {len(rows)} machines", "." if not rows else ":")
    return Reply(f"{len(rows)} bare-metal machines of {manager.label}", (Rows(tuple(rows), head),))


async def power(ctx: Context, command: PowerVerb, machine: Metal) -> Reply:
    """Switch a bare-metal machine on or off, reset it, or ask whether it has power."""
    target = await ctx.target(machine)
    if command == "status":
        report = await ctx.dbc.metal.power_status(target)
    else:
        try:
            report = await ctx.dbc.metal.power(target, _COMMANDS[command])
        except DbcError as error:
            if error.outcome_unknown:
                look = spoken(f"metal power status {quoted(machine.label)}")
                error.hint = line("Look before doing it again: ", look)
            raise
    lamp = {True: "large_green_circle", False: "white_circle", None: "electric_plug"}[report.is_on]
    return Reply.of(
        emoji(lamp), " ", bold(machine.label), f": power {command}. Its tool says: ",
        code(report.text or "nothing"),
        data={
            "id": machine.id, "name": machine.label, "is_on": report.is_on, "text": report.text,
        },
    )  # fmt: skip


def _power_effect(values: Mapping[str, str]) -> Effect:
    mild = {"on": Effect.CHANGE, "status": Effect.READ}
    return mild.get(values.get("command", ""), Effect.DESTROY)


def _power_question(values: Mapping[str, str]) -> str:
    return "Reset" if values.get("command") == "reset" else "Cut the power of"


async def boot(ctx: Context, device: Device, machine: Metal) -> Reply:
    """Choose what a bare-metal machine boots from next."""
    result = await ctx.dbc.metal.boot(await ctx.target(machine), _DEVICES[device])
    said = line(bold(machine.label), ": boot from ", code(device))
    if result is BootResult.DONE:
        return Reply.of(emoji("white_check_mark"), " ", said, " is set.")
    told = Note(
        line(
            "DBC never reports the result of this, also when it worked. Whether it counts shows "
            "at the next boot."
        )
    )
    return Reply(
        f"{machine.label}: boot from {device} was sent; the result is not known",
        (
            Para(line(emoji("grey_question"), " ", said, " was sent; the result is not known.")),
            told,
        ),
    )


GROUP = Group(
    "metal",
    "Bare-metal machines",
    (
        Command("list", list_metals, example="metal list rack7", synonyms=("ls",)),
        ADD,
        MODIFY,
        REMOVE,
        Command(
            "power",
            power,
            _power_effect,
            "metal power status slot-1",
            asks=_power_question,
            loses="It stops at once, without a shutdown: what is not on disk is lost.",
            needs_session=True,
        ),
        Command("boot", boot, Effect.CHANGE, "metal boot pxe slot-1", needs_session=True),
    ),
)
