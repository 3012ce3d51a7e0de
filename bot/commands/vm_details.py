"""What a machine is and how to connect to it, as its node tells it or as it was last known."""

from collections.abc import Mapping
from typing import Any

from bot.dbc.errors import DbcError, Unreadable
from bot.dbc.models import TaskDetail
from bot.messages import machine_buttons
from bot.messages.machine_buttons import May
from bot.model import Machine, Node
from bot.pipeline import json_data
from bot.pipeline.formatting import (
    RETRY_VM,
    UNKNOWN,
    cores,
    gpus,
    joined,
    lamp,
    sized,
    stacked,
)
from bot.reply import (
    Actions,
    Button,
    CodeBlock,
    Fields,
    Line,
    Note,
    Para,
    Part,
    Reply,
    Text,
    bold,
    code,
    command,
    emoji,
    line,
    listed,
    say,
    time,
)
from bot.services.last_known import Known
from bot.services.logins import NO_AGENT, login_of

_NOT_YET = {
    "creating": say("The connection lines come when it is running."),
    "create error": say("Its creation failed, so there is nothing to connect to. See its log."),
}


def all_of(vm: Machine, detail: TaskDetail) -> list[Part]:
    """All that a node tells of a machine, as parts of a message."""
    parts: list[Part] = [Fields(_facts(vm, detail)), *_connection(detail)]
    if detail.disks:
        disks = [line(code(disk.name), " ", sized(disk.size)) for disk in detail.disks]
        parts.append(Para(stacked([line(bold(say("Disks"))), *disks])))
    if detail.network_filters:
        rules = "\n".join(detail.network_filters)
        parts.extend([Para(line(bold(say("Network filters")))), CodeBlock(rules)])
    return parts


def revealed(vm: Machine, node: Node, detail: TaskDetail, *more: Part) -> Reply:
    """How to connect to a machine, with its passwords: for whoever asked alone, and kept nowhere.

    What it says by name has no passwords either.
    """
    names = {"machine": bold(vm.label), "node": bold(node.label)}
    parts = (Para(line(say("{machine} on {node}", **names))), *_connection(detail, secrets=True))
    only_you = Note(line(say("Only you see this. Close it once you have copied what you need.")))
    summary = say("Passwords of {machine} on {node}", machine=vm.label, node=node.label)
    return Reply(summary, (*more, *parts, only_you), private=True, sensitive=True)


def has_passwords(detail: TaskDetail) -> bool:
    """Whether there is something to reveal."""
    if detail.status in _NOT_YET:
        return False
    login, vnc = (one.get_secret_value() for one in (detail.login_password, detail.vnc_password))
    return (bool(login) and NO_AGENT not in {detail.user_name, login}) or bool(vnc)


def as_last_known(
    vm: Machine, node: Node, known: Known | None, problem: DbcError, may: May, *, reveal: bool,
    gone: Line = (),
) -> Reply:  # fmt: skip
    """A machine that cannot be read now: what is known of it from before, and since when.

    `gone` says that it is deleted by now, as far as that can be known.
    """
    head = say(
        "{machine} on {node}  {state}",
        machine=bold(vm.label),
        node=bold(node.label),
        state=_last_state(vm, gone),
    )
    parts: list[Part] = [
        Para(line(head)),
        Para(line(emoji("warning"), " ", problem.words, " ", problem.hint)),
    ]
    if known is not None and reveal:
        return revealed(vm, node, known.detail, *parts)
    parts += [*_read_before(vm, known), _what_helps(vm, known, problem, may)]
    detail = known.detail if known else TaskDetail(task_id=vm.task, desc=vm.desc)
    detail = detail.model_copy(update={"status": vm.status or detail.status})
    data = {
        **json_data.detail(vm, node, detail, connection_data(detail)),
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
    return Reply(summary, tuple(parts), private=True, data=data)


def _last_state(vm: Machine, gone: Line) -> Line:
    """Its state when it was last seen, if that is known, behind that it is `gone`."""
    if not vm.status:
        return ()
    seen = say(
        "{status} when last seen, {seen_at}", status=lamp(vm.status), seen_at=time(vm.seen_at)
    )
    return line(gone, " ", say("({what})", what=line(seen))) if gone else line(seen)


def _read_before(vm: Machine, known: Known | None) -> list[Part]:
    if known is None:
        unread = Note(line(say("Its connection was not read before.")))
        return [Fields(((say("Id"), line(code(vm.task))),)), unread]
    read = say("Read {seen_at}, and possibly changed since:", seen_at=time(known.seen_at))
    return [Para(line(read)), *all_of(vm, known.detail)]


def _what_helps(vm: Machine, known: Known | None, problem: DbcError, may: May) -> Part:
    if isinstance(problem, Unreadable) and problem.is_of_the_node:
        delete = command(f"vm delete {vm.task}")
        return Note(line(say("It can be deleted all the same: {delete}.", delete=delete)))
    secret = known is not None and has_passwords(known.detail)
    secret = secret and may("reveal", vm.node, vm.task)
    reveals = (machine_buttons.button("reveal", vm.node, vm.task),) if secret else ()
    return Actions((*reveals, Button(say("Ask again now"), RETRY_VM, vm.task)))


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
        facts.append((say("Local address"), listed(detail.local_address)))
    if detail.rent_order:
        facts.append((say("Rent order"), line(detail.rent_order)))
    return tuple(facts)


def _size(detail: TaskDetail) -> Line:
    return joined(
        gpus(detail.gpu_count),
        cores(detail.cpu_cores),
        detail.mem_size.text,
    )


def _connection(detail: TaskDetail, *, secrets: bool = False) -> list[Part]:
    """Lines to copy; passwords only among `secrets`.

    During a creation they are not valid yet (docs/dbc-api.md §3.2.2).
    """
    if told := _NOT_YET.get(detail.status):
        return [Note(line(told))]
    login, password = detail.user_name, detail.login_password.get_secret_value()
    known = login_of(detail)
    parts: list[Part] = [Para(line(bold(say("Connect")))), CodeBlock(known)] if known else []
    if NO_AGENT in {login, password}:
        parts.append(
            Note(line(say("The guest took no password: log in with the image's own account.")))
        )
    elif pair := _pair(say("Login"), login, password if secrets else ""):
        parts.append(Para(pair))
    vnc = f"{detail.ssh_ip}:{detail.vnc_port}" if detail.ssh_ip and detail.vnc_port else ""
    vnc_password = detail.vnc_password.get_secret_value() if vnc and secrets else ""
    if pair := _pair(say("VNC"), vnc, vnc_password):
        parts.append(Para(pair))
    return parts or [Note(line(say("How to connect is not known yet.")))]


def _pair(label: Text, name: str, password: str) -> Line:
    """`Login dbc · password …`, without what is missing; nothing where both are."""
    shown = line(say("password {password}", password=code(password))) if password else ()
    return joined(line(label, " ", code(name)) if name else "", shown)


def connection_data(detail: TaskDetail) -> Mapping[str, Any]:
    """What the lines to copy say, by name; no passwords."""
    if detail.status in _NOT_YET:
        return {"address": None, "ports": [], "login": None}
    login, password = detail.user_name, detail.login_password.get_secret_value()
    took_none = NO_AGENT in {login, password}
    remote = ("rdp", detail.rdp_port) if detail.rdp_port else ("ssh", detail.ssh_port)
    ports = [remote, ("vnc", detail.vnc_port)]
    return {
        "address": detail.ssh_ip or None,
        "ports": [{"service": service, "port": port} for service, port in ports if port],
        "login": None if took_none else login or None,
    }
