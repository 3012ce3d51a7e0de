"""Bare-metal machines: which there are, their power and what they boot from.

Source: docs/dbc-api.md §3.7. Administration by their manager is in `metal_admin`.
"""

from collections.abc import Mapping, Sequence
from typing import Annotated

from bot.commands.metal_admin import ADD, MODIFY, REMOVE, WHICH, listed_by, which_now
from bot.commands.node_lists import access_sign, listed
from bot.dbc.errors import DbcError, NodeTimeout
from bot.dbc.identity import Target
from bot.dbc.models import BootDevice, BootResult, PowerCommand, PowerReport
from bot.errors import BotError
from bot.ids import NodeId
from bot.language.args import Manager, Metal
from bot.language.kind import Arg
from bot.language.kinds import CHOICE
from bot.language.row_parts import Follow
from bot.language.table import Command, Group
from bot.language.text import quoted
from bot.messages.facts import FactKind
from bot.messages.question import Losses, Nothing
from bot.model import Deed, Effect, Goal, Node, NodeKind, Noted, Trace
from bot.pipeline.context import Context
from bot.pipeline.formatting import joined, short
from bot.reply import (
    Column,
    Line,
    Note,
    Part,
    Phrase,
    Reply,
    Row,
    Rows,
    Severity,
    Words,
    bold,
    code,
    emoji,
    line,
    say,
    say_number,
)
from bot.reply import command as spoken

PowerVerb = Annotated[
    str,
    Arg(
        say("Power"),
        CHOICE,
        say("What to do with its power"),
        "status",
        word="power",
        choices=("on", "off", "reset", "status"),
        labels=(say("On"), say("Off"), say("Reset"), say("Status")),
    ),
]
Device = Annotated[
    str,
    Arg(
        say("Boot from"),
        CHOICE,
        say("What it boots from next"),
        "pxe",
        word="boot",
        choices=("pxe", "disk", "cdrom", "bios"),
    ),
]
_COMMANDS: Mapping[str, PowerCommand] = {"on": "on", "off": "off", "reset": "reset"}
_WANTED = {"on": True, "off": False}  # what the power is once this has worked
_STANDING: Mapping[tuple[str, bool | None], Phrase] = {
    ("on", False): say("Power on is not confirmed: {machine} still has no power."),
    ("off", True): say("Power off is not confirmed: {machine} still has power."),
    ("reset", True): say(
        "Power reset is not confirmed: {machine} has power, which does not show whether it was "
        "reset."
    ),
    ("reset", False): say("Power reset is not confirmed: {machine} has no power."),
}
_SENT: Mapping[str, Phrase] = {
    "on": say("power on"), "off": say("power off"),
    "reset": say("power reset"), "status": say("power status"),
}  # fmt: skip
_UNKNOWN = "unknown"  # what its power is, where the tool says nothing
_DEVICES: Mapping[str, BootDevice] = {
    "pxe": "pxe", "disk": "disk", "cdrom": "cdrom", "bios": "bios",
}  # fmt: skip


async def list_metals(ctx: Context, manager: Manager | None = None) -> Reply:
    """List the known bare-metal machines, or those of one manager with details."""
    if manager is not None:
        return await _of_manager(ctx, manager)
    inventory = ctx.services.inventory
    found = await listed(ctx, inventory.refresh_metals, inventory.metals)
    machines = [node for node in found.nodes if node.kind is NodeKind.METAL]
    managers = [node for node in found.nodes if node.kind is NodeKind.MANAGER]
    head = line(bold(say("Bare-metal machines")))
    parts: list[Part] = [Rows(_rows(machines, found.mine), head, also=found.also)]
    if managers:
        parts.append(Rows(_rows(managers, found.mine), line(bold(say("Managers")))))
    parts.extend(found.notes)
    how = line(say("Details: {command}", command=spoken("metal list <manager>")))
    return Reply(
        say_number("{number} bare-metal machine", "{number} bare-metal machines", len(machines)),
        (*parts, Note(how)),
    )


def _rows(nodes: Sequence[Node], mine: set[NodeId]) -> tuple[Row, ...]:
    return tuple(
        Row(
            line(
                joined(bold(node.label), code(short(node.id)), node.version, by=" "),
                access_sign() if node.id in mine else (),
            ),
            {
                "id": node.id, "name": node.label, "kind": str(node.kind),
                "manager_id": node.manager or None, "version": node.version or None,
                "usable": node.id in mine,
            },
        )
        for node in nodes
    )  # fmt: skip


_COLUMNS = tuple(
    Column(title)
    for title in (say("Bare-metal machine"), say("Address"), say("System"), say("Id"), say("UUID"))
)


async def _of_manager(ctx: Context, manager: Node) -> Reply:
    known = {node.id: node for node in await ctx.services.inventory.metals()}
    rows = []
    for machine in await listed_by(ctx, manager):
        node = known.get(NodeId(machine.node_id))
        label = node.nickname if node and node.nickname else machine.desc or short(machine.node_id)
        uuid, system = machine.uuid, machine.os or say("unknown system")
        text: Line = line(
            bold(label), " ", code(short(machine.node_id)), " ",
            joined(
                machine.ip, system, line(say("uuid {uuid}", uuid=code(uuid))) if uuid else ""
            ),
        )  # fmt: skip
        cells = (
            line(bold(label)), line(machine.ip), line(system), line(code(short(machine.node_id))),
            line(code(uuid)) if uuid else (),
        )  # fmt: skip
        data = {
            "id": machine.node_id, "name": label, "uuid": machine.uuid or None,
            "ip": machine.ip or None, "os": machine.os or None,
            "description": machine.desc or None, "ipmi_host": machine.ipmi_hostname or None,
        }  # fmt: skip
        rows.append(Row(text, data, cells=cells))
    head = line(
        say_number(
            "{manager} manages {number} machine:", "{manager} manages {number} machines:",
            len(rows), manager=bold(manager.label),
        )
    )  # fmt: skip
    if not rows:
        head = line(say("{manager} manages no machines.", manager=bold(manager.label)))
    return Reply(
        say(
            "{machines} of {manager}",
            machines=say_number(
                "{number} bare-metal machine", "{number} bare-metal machines", len(rows)
            ),
            manager=manager.label,
        ),
        (Rows(tuple(rows), head, columns=_COLUMNS),),
    )


async def power(ctx: Context, command: PowerVerb, machine: Metal) -> Reply:
    """Switch a bare-metal machine on or off, reset it, or show whether it is on."""
    target = await ctx.use_session(machine)
    if command == "status":
        return _powered(machine, command, await ctx.dbc.metal.power_status(target))
    try:
        return _powered(machine, command, await ctx.dbc.metal.power(target, _COMMANDS[command]))
    except DbcError as error:
        if not error.outcome_unknown:
            raise
        look = spoken(f"metal power status {quoted(machine.label)}")
        error.hint = line(say("Look before doing it again: {command}", command=look))
        if isinstance(error, NodeTimeout):
            raise
        return await _read_after(ctx, machine, command, target, error)


async def _wanted(_ctx: Context, command: str, **_other: object) -> Mapping[str, str]:
    return {Noted.WANTED: command}


async def _read_after(
    ctx: Context, machine: Node, command: str, target: Target, error: DbcError
) -> Reply:
    """What the power is after a command whose answer proves nothing.

    Raises Unproved unless the power is now as it should be; after a reset that shows nothing.
    """
    try:
        report = await ctx.dbc.metal.power_status(target)
    except BotError:
        raise error from None
    if report.is_on is not None and report.is_on is _WANTED.get(command):
        return _powered(machine, command, report, error.dbc_text)
    raise Unproved(machine, command, report, error) from None


class Unproved(BotError):
    """The power tool did not say that it did what was asked, and the power does not show it."""

    severity = Severity.UNKNOWN
    may_show_later = False

    def __init__(self, machine: Node, command: str, report: PowerReport, error: DbcError) -> None:
        self.said = error.dbc_text
        unknown = say(
            "{machine}: {power} is not confirmed; whether it has power is not known.",
            power=_SENT[command],
        )
        standing = _STANDING.get((command, report.is_on), unknown)
        super().__init__(standing.filled(lambda _name: machine.label), hint=error.hint)


def _powered(machine: Node, command: str, report: PowerReport, answered: str = "") -> Reply:
    """`answered` is what was said to the command itself where `report` was read afterwards."""
    lamp = {True: "large_green_circle", False: "white_circle", None: "electric_plug"}[report.is_on]
    label, tool = bold(machine.label), code(report.text) if report.text else say("nothing")
    told = say(
        "{machine}: {power}. Its tool says: {tool}", machine=label, power=_SENT[command], tool=tool
    )
    if command == "status" and report.is_on is None:
        lamp = "grey_question"
        told = say(
            "{machine}: power status is not known. Its tool says: {tool}", machine=label, tool=tool
        )
    if answered:
        told = say("{told}, after it answered {answered}", told=told, answered=code(answered))
    return Reply.of(
        emoji(lamp), " ", told,
        data={
            "id": machine.id, "name": machine.label, "is_on": report.is_on, "text": report.text,
        },
    )  # fmt: skip


def _power_effect(values: Mapping[str, str]) -> Effect:
    mild = {"on": Effect.CHANGE, "status": Effect.READ}
    return mild.get(values.get("command", ""), Effect.DESTROY)


def _cuts_power(values: Mapping[str, str]) -> bool:
    return _power_effect(values) is Effect.DESTROY


def _power_question(values: Mapping[str, str]) -> Phrase:
    asked = {"reset": say("Reset {target}"), "on": say("Switch on {target}")}
    return asked.get(values.get("command", ""), say("Cut the power of {target}"))


def _power_loses(values: Mapping[str, str]) -> Losses:
    if values.get("command") == "on":
        return Nothing(say("Nothing."))
    return say("It stops at once, without a shutdown: what is not on disk is lost.")


def _told(known: Mapping[str, str]) -> Phrase:
    return say("{target} was told: {power}", power=_SENT.get(known["command"], known["command"]))


async def boot(ctx: Context, device: Device, machine: Metal) -> Reply:
    """Choose what a bare-metal machine boots from next."""
    result = await ctx.dbc.metal.boot(await ctx.use_session(machine), _DEVICES[device])
    if result is BootResult.SENT:
        raise Unreported(device)
    return Reply.of(
        emoji("white_check_mark"),
        " ",
        say(
            "{machine} boots from {device} next.", machine=bold(machine.label), device=code(device)
        ),
    )


class Unreported(BotError):
    """DBC never tells whether a boot device was set (docs/dbc-api.md §3.7.5)."""

    severity = Severity.UNKNOWN

    def __init__(self, device: str) -> None:
        super().__init__(
            say("Boot from {device} was sent; the result is not known.", device=device),
            hint=say(
                "DBC never reports the result of this, even when it worked. The next "
                "boot shows whether it counts."
            ),
        )


async def _powered_now(ctx: Context, machine: Node, **_wanted: object) -> Mapping[str, str]:
    report = await ctx.dbc.metal.power_status(await ctx.use_session(machine))
    known = {True: "on", False: "off", None: report.text or _UNKNOWN}
    return {"power": known[report.is_on], **await which_now(ctx, machine)}


_STATES = {"on": say("on"), "off": say("off"), _UNKNOWN: say("not known")}


def _said_power(state: str) -> Words:
    return _STATES.get(state, state)


_POWER = {
    "power": FactKind(say("Power now"), said=_said_power, called=say("the power")), **WHICH
}  # fmt: skip

GROUP = Group(
    "metal",
    say("Bare-metal machines"),
    (
        Command(
            "list",
            list_metals,
            example="metal list rack7",
            synonyms=("ls",),
            chinese="列表 列出",
            does=say("List bare metal"),
        ),
        ADD,
        MODIFY,
        REMOVE,
        Command(
            "power",
            power,
            _power_effect,
            "metal power status slot-1",
            at_once=_cuts_power,
            shows=_powered_now,
            facts=_POWER,
            asks=_power_question,
            loses=_power_loses,
            needs_session=True,
            look=_wanted,
            deed=Deed(trace=Trace.POWER),
            unanswered=Follow(
                Goal.CHANGED,
                _told,
                say("{target} is as requested"),
            ),
            chinese="电源",
            does=say("Switch the power"),
            button=say("Switch power"),
        ),
        Command(
            "boot",
            boot,
            Effect.CHANGE,
            "metal boot pxe slot-1",
            shows=_powered_now,
            facts=_POWER,
            asks=say("Boot {target} from {device} next"),
            loses=say("What it was to boot from before is replaced."),
            needs_session=True,
            chinese="引导 引导顺序",
            does=say("Set the boot device"),
            button=say("Set boot device"),
        ),
    ),
)
