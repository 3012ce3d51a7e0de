"""Changing a machine, one thing a call, without losing its public IP (docs/dbc-api.md §3.2.10)."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any

from bot.commands.addresses import own_public_ip
from bot.commands.room import beyond
from bot.commands.taken import ports_taken
from bot.commands.vm_create import Cpu, Gpu, Mem, filters_arg, port_arg, ports_arg
from bot.dbc.models import Modified
from bot.dbc.requests import TaskChange
from bot.errors import BotError, Refused, refuse_all
from bot.folding import plain
from bot.language.args import Vm
from bot.language.kind import WORD, Arg
from bot.language.row_parts import Follow, Foreseen
from bot.language.table import Command
from bot.messages.facts import FactKind, unread
from bot.model import Deed, Effect, Goal, Machine, TakesGpus, Trace
from bot.pipeline.context import Context
from bot.pipeline.formatting import stacked
from bot.pipeline.machine_looks import look_at
from bot.reply import Line, Para, Phrase, Reply, Severity, Text, apart, bold, keep, line, say
from bot.reviews.policy import GROWTH
from bot.watches.observers.modified import FIELDS, NONE, NOW, THEN, TRIED, changes_told, present

NewPublicIp = Annotated[
    str | None,
    Arg(
        say("Public IP"),
        WORD,
        say("Empty keeps the present one; none removes it"),
        "203.0.113.9",
        positional=False,
        narrow=True,
    ),
]
_KEEP = say("Empty keeps the present one")
Ssh = Annotated[int | None, port_arg(say("SSH port"), _KEEP, "5684", "ssh_port", rare=False)]
Rdp = Annotated[int | None, port_arg(say("RDP port"), _KEEP, "5685", "rdp_port")]
Vnc = Annotated[int | None, port_arg(say("VNC port"), _KEEP, "5904", "vnc_port", 5900, rare=False)]
_UNTOLD = say("Replaces all existing port mappings. Enter none to remove them")
NewPorts = Annotated[tuple[str, ...], ports_arg(_UNTOLD, rare=False)]
NewFilters = Annotated[
    tuple[str, ...],
    filters_arg(say("One a line. Replaces all existing filters; enter none to remove them")),
]


WAS = "was "  # before a field's name: the fact of what it was when it was shown


@dataclass(frozen=True, slots=True)
class _Step:
    """One change, in words and as DBC takes it; of which field, and its new value."""

    name: str
    after: str
    said: Phrase
    change: TaskChange
    at_next_start: bool


async def modify(
    ctx: Context,
    vm: Vm,
    mem: Mem | None = None,
    cpu: Cpu | None = None,
    gpu: Gpu | None = None,
    public_ip: NewPublicIp = None,
    ssh: Ssh = None,
    rdp: Rdp = None,
    vnc: Vnc = None,
    ports: NewPorts | None = None,
    filters: NewFilters | None = None,
) -> Reply:
    """Change a machine's size, ports or filters; empty fields stay unchanged."""
    wanted = {
        "public_ip": public_ip, "ssh": ssh, "rdp": rdp, "ports": ports, "filters": filters,
        "vnc": vnc, "gpu": gpu, "cpu": cpu, "mem": mem,
    }  # fmt: skip
    steps = steps_of(wanted, _known_now(ctx.facts))
    target = await ctx.use_session(vm)
    told: list[Line] = []
    for position, step in enumerate(steps):
        try:
            answer = await ctx.dbc.tasks.modify(target, vm.task, step.change)
        except BotError as error:
            raise _partly(error, step, steps[:position], steps[position + 1 :]) from None
        said = _when(step, at_next_start=answer is Modified.NEXT_BOOT)
        told.append(line("• ", said))
    head = line(say("Changed {machine}:", machine=bold(vm.label)))
    return Reply(say("Changed {machine}", machine=vm.label), (Para(stacked([head, *told])),))


def _when(step: _Step, *, at_next_start: bool) -> Text:
    return say("{change} (from the next start)", change=step.said) if at_next_start else step.said


async def _before(ctx: Context, vm: Machine, **wanted: Any) -> Mapping[str, str]:
    """What it is like now, and in words what becomes of it. Refused where nothing would change."""
    detail = await look_at(ctx, vm)
    now = present(detail)
    try:
        now["public_ip"] = await own_public_ip(ctx, vm.node, detail) or NONE
    except BotError:
        if wanted["public_ip"] is None:
            raise
    steps = steps_of(wanted, now)
    if not steps:
        name = next(name for name in FIELDS if wanted[name] is not None)
        field = FIELDS[name]
        raise Refused(
            say(
                "There is nothing to change: {called} is {now}{unit} already.",
                called=field.called,
                now=now[name],
                unit=field.unit,
            ),
            field=name,
        )
    return {
        **present_of(wanted, now),
        **{f"{NOW}{name}": text for name, text in now.items()},
        **{f"{THEN}{step.name}": step.after for step in steps},
        **_growth(wanted["gpu"], now),
    }


def _growth(gpus: int | None, now: Mapping[str, str]) -> Mapping[str, str]:
    """How many GPUs more the machine would have; nothing where DBC does not tell what it has."""
    if gpus is None or "gpu" not in now:
        return {}
    return {GROWTH: str(max(0, gpus - int(now["gpu"])))}


async def _foresees(ctx: Context, vm: Machine, **wanted: Any) -> Foreseen:
    """What the node has not, and which ports other machines have."""
    node = await ctx.services.inventory.node_by_id(vm.node)
    ports = {"vnc": wanted["vnc"]}
    if _shares_address(_known_now(ctx.facts), wanted["public_ip"]):
        ports |= {name: wanted[name] for name in ("ssh", "rdp")}
    sizes = {name: wanted[name] for name in ("gpu", "cpu", "mem")}
    found = await ports_taken(ctx, node, {}, vm.task, **ports)
    if any(value is not None for value in sizes.values()):
        found = found.also(await beyond(ctx, node, _known_now(ctx.facts), **sizes))
    return found


def _shares_address(now: Mapping[str, str], public_ip: str | None) -> bool:
    """Whether it surely has no public IP of its own with this change, so that DBC checks ports."""
    address = now.get("public_ip") if public_ip is None else public_ip
    return address is not None and plain(address) == NONE


async def _present(ctx: Context, vm: Machine) -> Mapping[str, str]:
    """What it is like now, for the form."""
    detail = await look_at(ctx, vm)
    now = present(detail)
    with suppress(BotError):
        now["public_ip"] = await own_public_ip(ctx, vm.node, detail) or NONE
    return now


def _known_now(facts: Mapping[str, str]) -> Mapping[str, str]:
    return {n.removeprefix(NOW): text for n, text in facts.items() if n.startswith(NOW)}


def steps_of(wanted: Mapping[str, Any], now: Mapping[str, str]) -> list[_Step]:
    """One change a call, since DBC may carry out a part of a larger one; none for what is so."""
    typed = wanted["public_ip"]
    address = now.get("public_ip", NONE) if typed is None else typed
    kept = None if plain(address) == NONE else address
    steps = []
    for name, field in FIELDS.items():
        value = wanted[name]
        if value is None:
            continue
        given = value if isinstance(value, tuple) else (str(value),)
        cleared = [plain(text) for text in given] in ([], [NONE])
        after = NONE if cleared else " ".join(given)
        if now.get(name) == after:
            continue
        if isinstance(value, tuple):
            value = () if cleared else value
        sent = {"new_public_ip": kept} | ({} if name == "public_ip" else {field.sent: value})
        change = TaskChange.model_validate(sent)
        steps.append(
            _Step(name, after, field.told(now.get(name, ""), after), change, field.at_next_start)
        )
    return steps


def _partly(error: BotError, step: _Step, done: list[_Step], left: list[_Step]) -> BotError:
    """The error with what was changed before it and what was not tried."""
    told = say("{change}: {problem}", change=step.said, problem=error.words)
    if done:
        told = say("Changed: {done}. Then {failed}", done=_said(done), failed=told)
    if left:
        told = say("{told} Not tried: {left}.", told=told, left=_said(left))
    partly = BotError(told, hint=error.hint, field=error.field)
    partly.severity = error.severity
    if done and partly.severity is Severity.REFUSED:  # something has changed
        partly.severity = Severity.FAILED
    partly.learnt = {TRIED: " ".join(one.name for one in [*done, step])}
    return partly


def _said(steps: list[_Step]) -> Line:
    return apart(one.said for one in steps)


def _check(values: Mapping[str, str]) -> None:
    """Find what DBC would misread while the form is still open."""
    wanted = {
        p.name: p.arg.read(p.name, values[p.name]) if values.get(p.name) else None
        for p in COMMAND.parameters
    }
    refuse_all(
        partial(steps_of, {**dict.fromkeys(wanted), name: value}, {})
        for name, value in wanted.items()
        if value is not None
    )
    if not steps_of(wanted, {}):
        raise Refused(
            say("There is nothing to change."), hint=say("Name what should change, like mem=64.")
        )


def present_of(wanted: Mapping[str, Any], now: Mapping[str, str]) -> Mapping[str, str]:
    """What a review shows of what is there: all that is to change, and what is sent along."""
    found: dict[str, str] = {}
    for name in FIELDS:
        if wanted[name] is None and name != "public_ip":
            continue
        found[f"{WAS}{name}"] = now.get(name, "")
        if name not in now:
            found[unread(f"{WAS}{name}")] = keep(say("DBC does not say."))
    return found


def _before_of(name: str) -> FactKind:
    field = FIELDS[name]
    return FactKind(field.now, said=partial(_with_unit, field.unit), called=field.called)


def _with_unit(unit: str, text: str) -> str:
    return f"{text}{unit if text != NONE else ''}" if text else ""


def _asks(known: Mapping[str, str]) -> Phrase:
    names = [name for name in FIELDS if THEN + name in known]
    if not names:
        return say("Change {target}")
    return say("Change {change} of {target}", change=changes_told(known, names))


COMMAND = Command(
    "modify",
    modify,
    Effect.CHANGE,
    "vm modify train-01 mem=64",
    form=True,
    check=_check,
    look=_before,
    foresees=_foresees,
    present=_present,
    deed=Deed(trace=Trace.MACHINE),
    takes_gpus=TakesGpus.WHERE_GIVEN,
    unanswered=Follow(
        Goal.CHANGED,
        say("{label} is being changed on {node}"),
        say("{label} is changed on {node}"),
    ),
    facts={f"{WAS}{name}": _before_of(name) for name in FIELDS},
    asks=_asks,
    loses=say(
        "Ports, filters and a public IP change at once, the rest from the machine's next start."
    ),
    chinese="修改",
    does=say("Change a machine"),
)
