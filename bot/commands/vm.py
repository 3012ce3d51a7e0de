"""Machines: list, show, create, start … (docs/dbc-api.md §3.2)."""

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from functools import partial
from typing import Annotated, Any, Literal

from pydantic import SecretStr

from bot.commands import vm_create, vm_modify
from bot.commands.nicknames import NAMING, check_nickname, rename, verify_nickname
from bot.commands.restarts import before_restart, before_start, log_before, noting_state
from bot.dbc import fields
from bot.dbc.errors import DbcError, NodeTimeout, StateConflict, TaskNotFound, Unreadable
from bot.dbc.models import TaskDetail, state_of
from bot.errors import BotError, Refused
from bot.language.args import Nickname, OnNode, Vm
from bot.language.kinds import CHOICE, FLAG, INT, SECRET, WORD, Arg
from bot.language.table import Command, Follow, Group, Listing
from bot.messages.facts import DISKS, SNAPSHOTS, STATE
from bot.model import DbcSession, Deed, Effect, Goal, Logged, Machine, Node
from bot.pipeline import json_data
from bot.pipeline.context import Context
from bot.pipeline.formatting import (
    RETRY_VM,
    UNKNOWN,
    cores,
    gpus,
    heading,
    is_silent,
    joined,
    lamp,
    node_part,
    retry_buttons,
    sized,
    stacked,
)
from bot.pipeline.patience import LIMIT, waiting_after
from bot.reply import (
    Actions,
    Button,
    CodeBlock,
    Fields,
    Line,
    Note,
    Para,
    Part,
    Phrase,
    Reply,
    Text,
    bold,
    code,
    command,
    emoji,
    line,
    say,
    say_number,
    time,
)
from bot.services.last_known import Known
from bot.services.listing import NodeListing
from bot.services.sessions import target_of

# Nodes that answer in time are shown before the silent ones are, which are named as such at last.
_FIRST_ANSWER = timedelta(seconds=2)
_ALL_ANSWERS = LIMIT - _FIRST_ANSWER - timedelta(seconds=1)
_NOT_YET = {
    "creating": say("The connection lines come when it is running."),
    "create error": say("Its creation failed, so there is nothing to connect to. See its log."),
}
_NO_AGENT = "N/A"  # docs/dbc-api.md §3.2.2: the guest did not take the generated password

Retry = Annotated[
    bool, Arg(say("Retry"), FLAG, say("Ask a node at once that is not responding"), "retry")
]
Force = Annotated[
    bool,
    Arg(
        say("Force"),
        FLAG,
        say("Cut the power instead of asking the guest to reboot"),
        "force",
        names=("强制",),
    ),
]
LogEnd = Annotated[
    str, Arg(say("End"), CHOICE, say("Which end of the log"), "tail", choices=("tail", "head"))
]
Lines = Annotated[
    int,
    Arg(say("Lines"), INT, say("How many lines"), "20", least=1, most=100, names=("n",)),
]
UserName = Annotated[
    str,
    Arg(
        say("User"),
        WORD,
        say("The user in the machine; empty: its present login"),
        "dbc",
        names=("username",),
        positional=False,
    ),
]
Password = Annotated[
    str, Arg(say("New password"), SECRET, say("No quotes, backslashes or line breaks"))
]


async def list_machines(ctx: Context, node: OnNode | None = None) -> Reply:
    """List your machines on all nodes at once, or on one."""
    hidden = await ctx.hidden()
    sessions = await ctx.services.inventory.sessions(ctx.actor, ctx.place.channel, hidden=hidden)
    if node is not None:
        sessions = [session for session in sessions if session.node == node.id]
    if not sessions and hidden:
        raise Refused(say("The rules here let you list no node for which you have a session."))
    if not sessions:
        raise Refused(
            say("You have no access to {node} yet.", node=node.label)
            if node
            else say("You have no node access yet."),
            hint=line(say("Add one with: {command}", command=command("session add"))),
        )
    asked = {
        asyncio.ensure_future(ctx.services.inventory.list_node(session)): session
        for session in sessions
    }
    waiting = await waiting_after(ctx.services.clock, _FIRST_ANSWER, asked)
    if waiting:
        labels = [await ctx.services.inventory.label(asked[task].node) for task in waiting]
        early = [node_part(task.result()) for task in asked if task not in waiting]
        note = Note(line(say("Still waiting for {labels} …", labels=", ".join(labels))))
        await ctx.meanwhile(Reply(say("Machines so far"), (*early, note)))
        waiting = await waiting_after(ctx.services.clock, _ALL_ANSWERS, asked)
    listings = [
        await _given_up(ctx, asked[task]) if task in waiting else task.result() for task in asked
    ]
    listings.sort(key=lambda listing: (listing.problem is not None, listing.node.label))
    parts = [node_part(listing) for listing in listings]
    silent = [each.node for each in listings if is_silent(each.problem)]
    return Reply(heading(listings), (*parts, *retry_buttons(silent)))


async def _given_up(ctx: Context, session: DbcSession) -> NodeListing:
    """The listing of a node that was waited for as long as people were told."""
    node = await ctx.services.inventory.node_by_id(session.node)
    inventory = ctx.services.inventory
    known = await inventory.moments(await inventory.machines(session.user))
    machines = tuple(machine for machine in known if machine.node == node.id)
    return NodeListing(node, machines, NodeTimeout())


async def show(ctx: Context, vm: Vm, retry: Retry = False) -> Reply:
    """Show one machine: its state, how to connect, its disks and ports; for your eyes only."""
    node = await ctx.services.inventory.node_by_id(vm.node)
    session = await ctx.services.sessions.use(ctx.actor, node, ctx.place.channel)
    if retry:
        ctx.dbc.ask_again(node.id)
    try:
        detail = await ctx.dbc.tasks.get(target_of(session), vm.task)
    except DbcError as problem:
        if not problem.passes and not isinstance(problem, Unreadable):
            raise
        problem.named(node.label)
        (vm,) = await ctx.services.inventory.moments([vm])
        return _as_last_known(
            vm, node, await ctx.services.last_known.find(session, vm.task), problem
        )
    await ctx.services.last_known.saw(session, vm.task, detail)
    parts: list[Part] = [
        Para(
            line(
                say(
                    "{machine} on {node}  {status}",
                    machine=bold(vm.label),
                    node=bold(node.label),
                    status=lamp(detail.status),
                )
            )
        ),
        *_all_of(vm, detail),
    ]
    summary = say(
        "{machine} on {node}: {state}",
        machine=vm.label,
        node=node.label,
        state=state_of(detail.status),
    )
    data = json_data.detail(vm, node, detail, _connection_data(detail))
    return Reply(summary, tuple(parts), private=True, sensitive=True, data=data)


def _all_of(vm: Machine, detail: TaskDetail) -> list[Part]:
    parts: list[Part] = [Fields(_facts(vm, detail)), *_connection(detail)]
    if detail.disks:
        disks = [line(code(disk.name), " ", sized(disk.size)) for disk in detail.disks]
        parts.append(Para(stacked([line(bold(say("Disks"))), *disks])))
    if detail.network_filters:
        rules = "\n".join(detail.network_filters)
        parts.extend([Para(line(bold(say("Network filters")))), CodeBlock(rules)])
    return parts


def _as_last_known(vm: Machine, node: Node, known: Known | None, problem: DbcError) -> Reply:
    """A machine that cannot be read now: what is known of it from before, and since when."""
    odd = isinstance(problem, Unreadable) and problem.is_of_the_node
    state = (
        line(
            say(
                "{status} when last seen, {seen_at}",
                status=lamp(vm.status),
                seen_at=time(vm.seen_at),
            )
        )
        if vm.status
        else ()
    )
    parts: list[Part] = [
        Para(
            line(
                say(
                    "{machine} on {node}  {state}",
                    machine=bold(vm.label),
                    node=bold(node.label),
                    state=state,
                )
            )
        ),
        Para(line(emoji("warning"), " ", problem.words, " ", problem.hint)),
    ]
    if known is not None:
        parts.append(
            Para(
                line(
                    say("Read {seen_at}, and possibly changed since:", seen_at=time(known.seen_at))
                )
            )
        )
        parts.extend(_all_of(vm, known.detail))
    else:
        parts.append(Fields(((say("Id"), line(code(vm.task))),)))
        parts.append(Note(line(say("Its connection was not read before."))))
    if odd:
        delete = command(f"vm delete {vm.task}")
        parts.append(Note(line(say("It can be deleted all the same: {delete}.", delete=delete))))
    else:
        parts.append(Actions((Button(say("Retry now"), RETRY_VM, vm.task),)))
    detail = known.detail if known else TaskDetail(task_id=vm.task, desc=vm.desc)
    detail = detail.model_copy(update={"status": vm.status or detail.status})
    data = {
        **json_data.detail(vm, node, detail, _connection_data(detail)),
        "problem": problem.sentence,
        "status_seen_at": vm.seen_at,
        "read_at": known.seen_at if known else None,
    }
    summary = say(
        "{machine} on {node}: {problem}",
        machine=vm.label,
        node=node.label,
        problem=problem.words,
    )
    return Reply(summary, tuple(parts), private=True, sensitive=True, data=data)


def _facts(vm: Machine, detail: TaskDetail) -> tuple[tuple[Text, Line], ...]:
    facts: list[tuple[Text, Line]] = [
        (say("Id"), line(code(vm.task))),
        (say("Size"), _size(detail) or line(UNKNOWN)),
        (say("System"), line(detail.os or UNKNOWN)),
        (
            say("Created"),
            line(
                say("{time} (node's time)", time=detail.create_time)
                if detail.create_time
                else UNKNOWN
            ),
        ),
    ]
    if detail.network_name:
        facts.append((say("Network"), line(detail.network_name)))
    if detail.local_address:
        facts.append((say("Local address"), line(", ".join(detail.local_address))))
    if detail.rent_order:
        facts.append((say("Rent order"), line(detail.rent_order)))
    return tuple(facts)


def _size(detail: TaskDetail) -> Line:
    return joined(
        gpus(detail.gpu_count),
        cores(detail.cpu_cores),
        detail.mem_size.text,
    )


def _connection(detail: TaskDetail) -> list[Part]:
    """Lines to copy. During a creation they are not valid yet (docs/dbc-api.md §3.2.2)."""
    if told := _NOT_YET.get(detail.status):
        return [Note(line(told))]
    login, password = detail.user_name, detail.login_password.get_secret_value()
    lines = []
    if detail.ssh_ip and detail.rdp_port:
        lines.append(f"mstsc /v:{detail.ssh_ip}:{detail.rdp_port}")
    elif detail.ssh_ip and detail.ssh_port:
        user = "<user>" if login in {"", _NO_AGENT} else login
        lines.append(f"ssh -p {detail.ssh_port} {user}@{detail.ssh_ip}")
    parts: list[Part] = (
        [Para(line(bold(say("Connect")))), CodeBlock("\n".join(lines))] if lines else []
    )
    if _NO_AGENT in {login, password}:
        parts.append(
            Note(line(say("The guest took no password: log in with the image's own account.")))
        )
    elif known := _pair(say("Login"), login, password):
        parts.append(Para(known))
    vnc = f"{detail.ssh_ip}:{detail.vnc_port}" if detail.ssh_ip and detail.vnc_port else ""
    if known := _pair(say("VNC"), vnc, detail.vnc_password.get_secret_value() if vnc else ""):
        parts.append(Para(known))
    return parts or [Note(line(say("How to connect is not known yet.")))]


def _pair(label: Text, name: str, password: str) -> Line:
    """`Login dbc · password …`, without what is not known; nothing where neither is."""
    shown = line(say("password {password}", password=code(password))) if password else ()
    return joined(line(label, " ", code(name)) if name else "", shown)


def _connection_data(detail: TaskDetail) -> Mapping[str, Any]:
    """What the lines to copy say, by name."""
    if detail.status in _NOT_YET:
        return {"address": None, "ports": [], "login": None, "password": None, "vnc_password": None}
    login, password = detail.user_name, detail.login_password.get_secret_value()
    took_none = _NO_AGENT in {login, password}
    remote = ("rdp", detail.rdp_port) if detail.rdp_port else ("ssh", detail.ssh_port)
    ports = [remote, ("vnc", detail.vnc_port)]
    return {
        "address": detail.ssh_ip or None,
        "ports": [{"service": service, "port": port} for service, port in ports if port],
        "login": None if took_none else login or None,
        "password": None if took_none else password or None,
        "vnc_password": detail.vnc_password.get_secret_value() or None,
    }


async def start(ctx: Context, vm: Vm) -> None:
    """Start a machine that is off, or wake one that sleeps."""
    await ctx.dbc.tasks.start(await ctx.target(vm), vm.task)


async def shutdown(ctx: Context, vm: Vm) -> None:
    """Shut a machine down; on DBC this cuts the power, the guest is not asked."""
    target = await ctx.target(vm)
    await noting_state(ctx, vm, partial(ctx.dbc.tasks.shutdown, target, vm.task))


async def poweroff(ctx: Context, vm: Vm) -> None:
    """Cut a machine's power, also while it is shutting down."""
    target = await ctx.target(vm)
    await noting_state(ctx, vm, partial(ctx.dbc.tasks.poweroff, target, vm.task))


async def restart(ctx: Context, vm: Vm, force: Force = False) -> None:
    """Restart a machine: ask the guest to reboot or, with force, cut the power and start it."""
    await ctx.dbc.tasks.restart(await ctx.target(vm), vm.task, force=force)


async def reset(ctx: Context, vm: Vm) -> None:
    """Press a running machine's reset button."""
    await ctx.dbc.tasks.reset(await ctx.target(vm), vm.task)


async def delete(ctx: Context, vm: Vm) -> None:
    """Delete a machine with all its disks and snapshot files."""
    target = await ctx.target(vm)
    await noting_state(ctx, vm, partial(ctx.dbc.tasks.delete, target, vm.task))


async def logs(ctx: Context, vm: Vm, end: LogEnd = "tail", lines: Lines = 10) -> Reply:
    """Show the first or last lines of the node's log about a machine, passwords masked."""
    which: Literal["head", "tail"] = "head" if end == "head" else "tail"
    page = await ctx.dbc.tasks.logs(await ctx.target(vm), vm.task, which, lines)
    count = say_number("{number} line", "{number} lines", len(page.lines))
    title = say("{machine}: last {lines}", machine=vm.label, lines=count)
    if end == "head":
        title = say("{machine}: first {lines}", machine=vm.label, lines=count)
    about = say("This is the node's log about the machine, not the machine's console.")
    if not page.is_vouched_for:
        about = say(
            "{told} Only you see it: its present passwords could not be read, so one that the "
            "log spells in an unusual way may be left.",
            told=about,
        )
    return Reply(
        title,
        (
            Para(line(bold(title))),
            CodeBlock("\n".join(page.lines) or "(empty)"),
            Note(line(about)),
        ),
        private=not page.is_vouched_for,
        data={"task": vm.task, "name": vm.label, "end": end, "lines": list(page.lines)},
    )


async def passwd(ctx: Context, vm: Vm, password: Password, user: UserName = "") -> Reply:
    """Set a user's password inside a running machine."""
    target, user = await ctx.target(vm), user or ctx.facts["user"]
    await ctx.dbc.tasks.passwd(target, vm.task, user, SecretStr(password))
    return Reply.of(
        say("The password of {user} in {machine} is set.", user=code(user), machine=bold(vm.label)),
        private=True,
    )


async def _login(ctx: Context, vm: Machine, user: str, **_other: object) -> Mapping[str, str]:
    """Whose password is meant where no user is named."""
    if user:
        return {}
    user = (await ctx.dbc.tasks.get(await ctx.target(vm), vm.task)).user_name
    if user in {"", _NO_AGENT}:
        raise Refused(
            say("DBC does not know this machine's login."), hint=say("Name the user."), field="user"
        )
    return {"user": user}


def _check_password(values: Mapping[str, str]) -> None:
    """Find what DBC would choke on while the form is still open."""
    fields.secret(SecretStr(values.get("password", "")), "password")


async def name(ctx: Context, vm: Vm, nickname: Nickname) -> Reply:
    """Give a machine a nickname that everyone here can use."""
    return await rename(ctx, vm, nickname)


def _restart_effect(values: Mapping[str, str]) -> Effect:
    return Effect.DESTROY if values.get("force") else Effect.DISRUPT


def _restart_asks(values: Mapping[str, str]) -> Phrase:
    return say("Force-restart {target}") if values.get("force") else say("Restart {target}")


def _restart_loses(values: Mapping[str, str]) -> Phrase:
    return _POWER_CUT if values.get("force") else say("Whatever runs in it is interrupted.")


def _is_so_already(error: BotError, _known: Mapping[str, str]) -> bool:
    return isinstance(error, StateConflict)


def _is_gone(error: BotError, _known: Mapping[str, str]) -> bool:
    return isinstance(error, TaskNotFound)


def _restart_done(values: Mapping[str, str]) -> Phrase:
    """A soft restart reads `running` as soon as the guest was asked (docs/dbc-api.md §3.2.8)."""
    if values.get("force"):
        return say("{label} has restarted on {node}")
    return say("{label} was told to reboot and reads as running on {node}")


_POWER_CUT = say("The power is cut: what is not on disk is lost.")
_SOON = timedelta(minutes=60)  # a node works one by one: a healthy job may wait that long (§8.36)

GROUP = Group(
    "vm",
    say("Machines"),
    (
        Command("list", list_machines, example="vm list", synonyms=("ls",), lists=Listing.MACHINES),
        Command("show", show, example="vm show train-01"),
        vm_create.COMMAND,
        Command(
            "start", start, Effect.CHANGE, "vm start train-01", look=before_start,
            asks=say("Start {target}"), deed=Deed(brings_up=True),
            repeated=_is_so_already,
            follow=Follow(
                Goal.RUNNING, say("{label} is starting on {node}"),
                say("{label} is running on {node}"), _SOON,
            ),
        ),
        Command(
            "shutdown", shutdown, Effect.DESTROY, "vm shutdown train-01",
            asks=say("Shut down {target}"),
            loses=say("On DBC a shutdown cuts the power: what is not on disk is lost. Shut the "
                "guest down from inside first."),
            repeated=_is_so_already,
            follow=Follow(
                Goal.CLOSED, say("{label} is being shut down on {node}"),
                say("{label} is off on {node}"), _SOON,
            ),
        ),
        Command(
            "poweroff", poweroff, Effect.DESTROY, "vm poweroff train-01",
            asks=say("Power off {target}"), loses=_POWER_CUT,
            repeated=_is_so_already,
            follow=Follow(
                Goal.CLOSED, say("{label} is being powered off on {node}"),
                say("{label} is off on {node}"), _SOON,
            ),
        ),
        Command(
            "restart", restart, _restart_effect, "vm restart train-01 force",
            look=before_restart,
            deed=Deed(logged=Logged.RESTART),
            asks=_restart_asks,
            loses=_restart_loses,
            follow=Follow(
                Goal.RUNNING, say("{label} is restarting on {node}"), _restart_done, _SOON
            ),
        ),
        Command(
            "reset", reset, Effect.DESTROY, "vm reset train-01",
            look=log_before, asks=say("Reset {target}"), loses=_POWER_CUT,
            deed=Deed(logged=Logged.RESET),
            follow=Follow(
                Goal.RUNNING, say("{label} is resetting on {node}"),
                say("{label} has been reset on {node}"), _SOON,
            ),
        ),
        Command(
            "delete", delete, Effect.DESTROY, "vm delete train-01",
            removes=True,
            asks=say("Delete {target}"), reads=(STATE, DISKS, SNAPSHOTS),
            loses=say("The machine, all its disks with their data, and its snapshot files on the "
                "node are erased. Nothing brings them back."),
            repeated=_is_gone,
            follow=Follow(
                Goal.GONE, say("{label} is being deleted on {node}"),
                say("{label} is deleted on {node}"), _SOON,
            ),
        ),
        Command("logs", logs, example="vm logs train-01 tail 20"),
        vm_modify.COMMAND,
        Command(
            "passwd", passwd, Effect.CHANGE, "vm passwd train-01",
            form=True, check=_check_password, look=_login,
            asks=say("Set the password of {user} in {target}"),
            loses=say("The user's present password stops working."),
        ),
        Command(
            "name", name, Effect.CHANGE, "vm name 7a9QmX2c train-01",
            check=check_nickname, verify=verify_nickname, **NAMING,
        ),
    ),
    needs_session=True,
)  # fmt: skip
