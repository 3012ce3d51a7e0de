"""Snapshots of system disks (docs/dbc-api.md §3.4, §6)."""

from collections.abc import Mapping
from functools import partial
from typing import Annotated, Any

from bot.commands.disk_preconditions import must_be_off
from bot.commands.servers import choose_server
from bot.dbc import fields
from bot.dbc.errors import DbcError, Missing, Unreadable
from bot.dbc.identity import Target
from bot.dbc.models import Snapshot
from bot.errors import Conflict, refuse_all
from bot.language.args import KnownSnapshot, SnapshotName, ToServer, Vm
from bot.language.kind import WORD, Arg
from bot.language.row_parts import Follow, Listing
from bot.language.table import Command, Group
from bot.language.text import quoted
from bot.messages.facts import DISKS, STATE, FactKind, unread
from bot.model import Deed, Effect, Goal, Machine, Sighted, Trace
from bot.pipeline import json_data
from bot.pipeline.context import Context
from bot.pipeline.formatting import UNKNOWN, joined, several
from bot.reply import (
    Column,
    Fields,
    Line,
    Note,
    Para,
    Phrase,
    Reply,
    Row,
    Rows,
    Text,
    Words,
    bold,
    code,
    command,
    keep,
    line,
    listed,
    say,
)
from bot.watches.observers.transfers import size_of

Description = Annotated[
    str,
    Arg(
        say("Description"),
        WORD,
        say("No quotes or backslashes"),
        "before the upgrade",
        positional=False,
        names=("description",),
    ),
]

_IS_OVER = "none"
_WORDS: Mapping[str, Text] = {
    "creating": say("being copied"),
    "uploading": say("being uploaded"),
    _IS_OVER: say("upload ended"),
}
_NOT_OFF = say("{machine} is “{status}”; a snapshot can be taken only while it is off.")
_ENDED = line(
    say(
        "“Upload ended” says nothing about success: the image server's list does, see {command}.",
        command=command("image list"),
    )
)


async def list_snapshots(ctx: Context, vm: Vm) -> Reply:
    """List a machine's snapshots."""
    try:
        snapshots = await ctx.dbc.snapshots.list(await ctx.use_session(vm), vm.task)
    except Unreadable as problem:
        problem.hint = await _known_names(ctx, vm, problem)
        raise
    await ctx.services.sightings.saw_snapshots(vm.task, snapshots)
    if not snapshots:
        return Reply.empty(say("{machine} has no snapshots.", machine=bold(vm.label)))
    rows = tuple(_row(snapshot) for snapshot in snapshots)
    shown = Rows(rows, line(bold(vm.label)), columns=_COLUMNS)
    return Reply(say("Snapshots of {machine}", machine=vm.label), (shown, Note(line(_ENDED))))


async def _known_names(ctx: Context, vm: Machine, problem: Unreadable) -> Line:
    """One odd description makes the list unreadable; by its name each can still be deleted."""
    seen = await ctx.services.sightings.of_machines(Sighted.SNAPSHOT, [vm])
    delete = command(f"snapshot delete {quoted(vm.label)} <snapshot>")
    way_out = say("By its exact name, each can be deleted: {delete}.", delete=delete)
    if not seen:
        return line(problem.hint, " ", way_out)
    known = say("Last seen: {names}.", names=listed(one.name for one in seen))
    return line(problem.hint, " ", known, " ", way_out)


_COLUMNS = (
    Column(say("Snapshot")),
    Column(say("Status")),
    Column(say("Taken")),
    Column(say("Description"), is_long=True),
)


def _row(snapshot: Snapshot) -> Row:
    status = _status(snapshot) or say("state unknown")
    named, taken, why = code(snapshot.name), snapshot.create_time, snapshot.desc
    cells = (line(named), line(status), line(taken), line(why))
    return Row(joined(line(named, " ", status), taken, why), _data(snapshot), cells=cells)


def _data(snapshot: Snapshot) -> dict[str, Any]:
    return {
        "name": snapshot.name,
        "status": str(_status(snapshot)) or None,
        "created_node_time": json_data.node_time(snapshot.create_time),
        "description": snapshot.desc or None,
        "file": snapshot.file_name or None,
    }


def _status(snapshot: Snapshot) -> Text:
    return _WORDS.get(snapshot.status, snapshot.status)


async def show(ctx: Context, vm: Vm, name: KnownSnapshot) -> Reply:
    """Show a snapshot, and its name on the image server."""
    snapshot = await ctx.dbc.snapshots.get(await ctx.use_session(vm), vm.task, name)
    facts = (
        (say("Status"), line(_status(snapshot) or say("unknown"))),
        (
            say("Taken"),
            line(_said_taken(snapshot.create_time)),
        ),
        (say("On the image server"), line(code(snapshot.file_name) if snapshot.file else UNKNOWN)),
        (say("Description"), line(snapshot.desc or "–")),
    )
    title = line(
        say(
            "Snapshot {snapshot} of {machine}", snapshot=bold(snapshot.name), machine=bold(vm.label)
        )
    )
    note = say(
        "To use it on another node, download it and the image that the machine was made from."
    )
    return Reply(
        say(
            "Snapshot {snapshot} of {machine}: {status}",
            snapshot=snapshot.name,
            machine=vm.label,
            status=_status(snapshot),
        ),
        (Para(title), Fields(facts), Note(line(note, " ", _ENDED))),
        data={"task": vm.task, "machine": vm.label, **_data(snapshot)},
    )


async def create(
    ctx: Context, vm: Vm, name: SnapshotName, server: ToServer = "", desc: Description = ""
) -> None:
    """Take a snapshot of the system disk of a machine that is off, and upload it."""
    del server  # the one that `look` chose is in the facts
    target = await ctx.use_session(vm)
    await ctx.dbc.snapshots.create(target, vm.task, name, ctx.facts["server"], desc)


async def _before_create(
    ctx: Context, vm: Machine, name: str, server: str, desc: str
) -> Mapping[str, str]:
    """DBC takes a name twice and then mixes the two up, and never looks at the power again."""
    fields.echoed(desc, "desc")
    chosen = await choose_server(ctx, server)
    await ctx.allow(server=chosen)
    target = await ctx.use_session(vm)
    await must_be_off(ctx, vm, _NOT_OFF)
    if await _has(ctx, target, vm, name):
        raise Conflict(
            say("{machine} has a snapshot called “{name}” already.", machine=vm.label, name=name),
            hint=say("Choose another name: DBC would accept this one and mix the two up."),
            field="name",
        )
    return {"server": chosen}


async def _has(ctx: Context, target: Target, vm: Machine, name: str) -> bool:
    """Whether there is a snapshot of that name: a list can be short, so it is asked for alone."""
    if name in {snapshot.name for snapshot in await ctx.dbc.snapshots.list(target, vm.task)}:
        return True
    try:
        await ctx.dbc.snapshots.get(target, vm.task, name)
    except Missing:
        return False
    return True


async def delete(ctx: Context, vm: Vm, name: KnownSnapshot) -> Reply:
    """Delete a snapshot's record and its file on the node, not the copy on the image server."""
    target = await ctx.use_session(vm)

    await ctx.dbc.snapshots.delete(target, vm.task, name)
    await ctx.services.watches.was_stopped(
        vm.node,
        lambda w: w.goal is Goal.SNAPSHOT and w.task == vm.task and w.about.get("name") == name,
        ctx.actor,
    )
    return Reply.of(
        say(
            "Snapshot {name} of {machine} is deleted on the node.",
            name=bold(name),
            machine=bold(vm.label),
        )
    )


async def _before_delete(ctx: Context, vm: Machine, name: str) -> Mapping[str, str]:
    try:
        snapshot = await ctx.dbc.snapshots.get(await ctx.use_session(vm), vm.task, name)
    except Unreadable as problem:
        if not problem.is_of_the_node:
            raise
        problem.named(await ctx.services.inventory.label(vm.node))
        return {"status": "", "file": "", "taken": "", unread("status"): keep(problem.words)}
    facts = {
        "status": snapshot.status, "file": snapshot.file_name, "taken": snapshot.create_time,
    }  # fmt: skip
    return {**facts, **await _copies(ctx, snapshot.file_name)}


async def _copies(ctx: Context, file: str) -> Mapping[str, str]:
    """The fact of the image servers that list a copy; one that cannot be reached lists nothing."""
    try:
        servers = await ctx.dbc.images.servers()
        found = [it for it in servers if size_of(await ctx.dbc.images.on_server(it), file)]
    except DbcError as problem:
        return {"copies": "", unread("copies"): keep(problem.words)}
    return {"copies": ", ".join(found)}


def _delete_loses(known: Mapping[str, str]) -> Phrase:
    if known.get(unread("status")):
        return say(
            "Its record and its file on the node are deleted. What DBC tells about it cannot be "
            "read, so whether it is being copied or uploaded is not known."
        )
    told = say("Its record and its file on the node are deleted.")
    job = {
        "uploading": say("Its upload is in progress and will be cut off."),
        "creating": say(
            "It is still being copied: that job goes on all the same and uploads in the end."
        ),
    }.get(known.get("status", ""))
    if job is None:
        return say("{told} {copies}", told=told, copies=_copies_stay(known))
    return say("{told} {copies} {job}", told=told, copies=_copies_stay(known), job=job)


def _copies_stay(known: Mapping[str, str]) -> Phrase:
    if known.get(unread("copies")):
        return say("Whether an image server has a copy could not be read.")
    if known.get("copies"):
        return say(
            "The copy on {servers} stays ({file}).",
            servers=several(known["copies"]),
            file=known["file"],
        )
    return say("No image server lists a copy.")


def _being_taken(known: Mapping[str, str]) -> Phrase:
    return say(
        "{label} on {node}: snapshot {name} is being taken, for {server}",
        name=known["name"],
        server=known.get("server", ""),
    )


def _being_deleted(known: Mapping[str, str]) -> Phrase:
    return say("{label} on {node}: snapshot {name} is being deleted", name=known["name"])


def _no_more_lost(shown: str, now: str) -> bool:
    """A copy or an upload ends by itself; a deletion after that costs less than was shown."""
    return now in {shown, _IS_OVER}


def _another(shown: str, now: str) -> Phrase:
    if not now:
        return say("the snapshot is another one now: its file was {shown}", shown=shown)
    if not shown:
        return say("the snapshot is another one now: its file is {now}", now=now)
    return say(
        "the snapshot is another one now: its file is {now}, not {shown}", now=now, shown=shown
    )


def _said_status(status: str) -> Text:
    return _WORDS.get(status, status)


def _said_copies(servers: str) -> Words:
    return several(servers) or say("none seen")


def _said_taken(text: str) -> Text:
    return say("{text} (node's time)", text=text) if text else UNKNOWN


def _as_many_copies(shown: str, now: str) -> bool:
    """A copy more does no harm; one that was shown and is gone would be lost."""
    return set(shown.split(", ")) - {""} <= set(now.split(", "))


def _check(values: Mapping[str, str]) -> None:
    refuse_all(
        (
            partial(fields.snapshot_name, values["name"], "name"),
            partial(fields.echoed, values.get("desc", ""), "desc"),
        )
    )


GROUP = Group(
    "snapshot",
    say("Copies of a machine's system disk"),
    (
        Command(
            "list", list_snapshots, example="snapshot list train-01", synonyms=("ls",),
            lists=Listing.SNAPSHOTS,
            chinese="列表 列出",
            does=say("List snapshots"),
        ),
        Command(
            "show", show, example="snapshot show train-01 before-upgrade", check=_check,
            chinese="查看 详情 状态",
            does=say("Show a snapshot"),
        ),
        Command(
            "create", create, Effect.CHANGE, "snapshot create train-01 before-upgrade to=hub",
            check=_check, look=_before_create, reads=(STATE, DISKS),
            asks=say("Take snapshot {name} of {target} and upload it to {server}"),
            facts={"server": FactKind(say("Image server"))}, alike=("name",),
            follow=Follow(
                Goal.SNAPSHOT,
                _being_taken,
                say("{label} has a snapshot on {node}"),
            ),
            deed=Deed(is_news=True),
            chinese="创建 新建",
            does=say("Take a snapshot"),
        ),
        Command(
            "delete", delete, Effect.DESTROY, "snapshot delete train-01 before-upgrade",
            removes=True,
            check=_check, look=_before_delete,
            repeated=lambda error, _known: isinstance(error, Missing),
            deed=Deed(trace=Trace.SNAPSHOT_GONE),
            unanswered=Follow(
                Goal.CHANGED,
                _being_deleted,
                say("{label} has no such snapshot on {node}"),
            ),
            facts={
                "name": FactKind(say("Snapshot")),
                "status": FactKind(say("Status"), said=_said_status, holds=_no_more_lost
                ),
                "file": FactKind(say("File"), differs=_another),
                "taken": FactKind(say("Taken"), said=_said_taken),
                "copies": FactKind(
                    say("Copy on"), said=_said_copies, holds=_as_many_copies
                ),
            },
            asks=say("Delete snapshot {name} of {target}"), loses=_delete_loses,
            chinese="删除",
            does=say("Delete a snapshot"),
        ),
    ),
    needs_session=True,
)  # fmt: skip
