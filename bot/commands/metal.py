"""Bare-metal machines: which there are, their power and what they boot from.

Source: docs/dbc-api.md §3.7. Administration by their manager is in `metal_admin`.
"""

from collections.abc import Mapping, Sequence
from typing import Annotated

from bot.commands.metal_admin import ADD, MODIFY, REMOVE, WHICH, listed_by, which_now
from bot.dbc.errors import DbcError, NodeTimeout
from bot.dbc.identity import Target
from bot.dbc.models import BootDevice, BootResult, PowerCommand, PowerReport
from bot.errors import BotError
from bot.language.args import Arg, Manager, Metal
from bot.language.table import Command, Follow, Group
from bot.language.text import quoted
from bot.messages.facts import FactKind
from bot.model import Effect, Goal, Node, NodeKind
from bot.pipeline.context import Context
from bot.pipeline.formatting import joined, short
from bot.plural import counted
from bot.reply import Line, Note, Part, Reply, Row, Rows, Severity, bold, code, emoji, line
from bot.reply import command as spoken
from bot.watches.observers.changes import WANTED

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
_WANTED = {"on": True, "off": False}  # what the power is once this has worked
_STANDING: Mapping[tuple[str, bool | None], str] = {
    ("on", False): "{} still has no power",
    ("off", True): "{} still has power",
    ("reset", True): "{} has power, which does not show whether it was reset",
    ("reset", False): "{} has no power",
}
_UNKNOWN = "whether {} has power is not known"
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
        if not nodes:
            raise
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
    return Reply(counted(len(machines), "bare-metal machine"), (*parts, Note(how)))


def _rows(nodes: Sequence[Node], mine: set[str]) -> tuple[Row, ...]:
    return tuple(
        Row(
            line(
                joined(bold(node.label), code(short(node.id)), node.version, by=" "),
                line(" ", emoji("key")) if node.id in mine else (),
            ),
            {
                "id": node.id, "name": node.label, "kind": str(node.kind),
                "manager_id": node.manager or None, "version": node.version or None,
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
            " ", joined(
                machine.ip, machine.os or "unknown system",
                line("uuid ", code(machine.uuid)) if machine.uuid else "",
            ),
        )  # fmt: skip
        data = {
            "id": machine.node_id, "name": label, "uuid": machine.uuid or None,
            "ip": machine.ip or None, "os": machine.os or None,
            "description": machine.desc or None, "ipmi_host": machine.ipmi_hostname or None,
        }  # fmt: skip
        rows.append(Row(text, data))
    head = line(
        bold(manager.label), f" manages {counted(len(rows), 'machine')}", "." if not rows else ":"
    )
    return Reply(
        f"{counted(len(rows), 'bare-metal machine')} of {manager.label}", (Rows(tuple(rows), head),)
    )


async def power(ctx: Context, command: PowerVerb, machine: Metal) -> Reply:
    """Switch a bare-metal machine on or off, reset it, or ask whether it has power."""
    target = await ctx.target(machine)
    if command == "status":
        return _powered(machine, command, await ctx.dbc.metal.power_status(target))
    try:
        return _powered(machine, command, await ctx.dbc.metal.power(target, _COMMANDS[command]))
    except DbcError as error:
        if not error.outcome_unknown:
            raise
        look = spoken(f"metal power status {quoted(machine.label)}")
        error.hint = line("Look before doing it again: ", look)
        if isinstance(error, NodeTimeout):
            raise
        return await _read_after(ctx, machine, command, target, error)


async def _wanted(_ctx: Context, command: str, **_other: object) -> Mapping[str, str]:
    return {WANTED: command}


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
        standing = _STANDING.get((command, report.is_on), _UNKNOWN).format(machine.label)
        super().__init__(f"Power {command} is not confirmed: {standing}.", hint=error.hint)


def _powered(machine: Node, command: str, report: PowerReport, answered: str = "") -> Reply:
    """`answered` is what was said to the command itself where `report` was read afterwards."""
    lamp = {True: "large_green_circle", False: "white_circle", None: "electric_plug"}[report.is_on]
    told = line(f": power {command}. Its tool says: ", code(report.text or "nothing"))
    if command == "status" and report.is_on is None:
        lamp = "grey_question"
        told = line(": power status is not known. Its tool says: ", code(report.text or "nothing"))
    if answered:
        told = line(told, ", after it answered ", code(answered))
    return Reply.of(
        emoji(lamp), " ", bold(machine.label), told,
        data={
            "id": machine.id, "name": machine.label, "is_on": report.is_on, "text": report.text,
        },
    )  # fmt: skip


def _power_effect(values: Mapping[str, str]) -> Effect:
    mild = {"on": Effect.CHANGE, "status": Effect.READ}
    return mild.get(values.get("command", ""), Effect.DESTROY)


def _power_question(values: Mapping[str, str]) -> str:
    asked = {"reset": "Reset", "on": "Switch on"}
    return asked.get(values.get("command", ""), "Cut the power of")


def _power_loses(values: Mapping[str, str]) -> str:
    if values.get("command") == "on":
        return "Nothing."
    return "It stops at once, without a shutdown: what is not on disk is lost."


async def boot(ctx: Context, device: Device, machine: Metal) -> Reply:
    """Choose what a bare-metal machine boots from next."""
    result = await ctx.dbc.metal.boot(await ctx.target(machine), _DEVICES[device])
    if result is BootResult.SENT:
        raise Unreported(device)
    return Reply.of(
        emoji("white_check_mark"), " ", bold(machine.label), " boots from ", code(device), " next."
    )


class Unreported(BotError):
    """DBC never tells whether a boot device was set (docs/dbc-api.md §3.7.5)."""

    severity = Severity.UNKNOWN

    def __init__(self, device: str) -> None:
        super().__init__(
            f"Boot from {device} was sent; the result is not known.",
            hint="DBC never reports the result of this, even when it worked. The next boot shows "
            "whether it counts.",
        )


async def _powered_now(ctx: Context, machine: Node, **_wanted: object) -> Mapping[str, str]:
    report = await ctx.dbc.metal.power_status(await ctx.target(machine))
    known = {True: "on", False: "off", None: report.text or "unknown"}
    return {"power": known[report.is_on], **await which_now(ctx, machine)}


_POWER = {"power": FactKind("Power now", called="the power"), **WHICH}

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
            shows=_powered_now,
            facts=_POWER,
            asks=_power_question,
            loses=_power_loses,
            needs_session=True,
            look=_wanted,
            unanswered=Follow(
                Goal.CHANGED,
                lambda known: f"was told: power {known['command']}",
                "is as it was to be",
            ),
        ),
        Command(
            "boot",
            boot,
            Effect.CHANGE,
            "metal boot pxe slot-1",
            shows=_powered_now,
            facts=_POWER,
            asks="Boot {target} from {device} next",
            loses="What it was to boot from before is replaced.",
            needs_session=True,
        ),
    ),
)
