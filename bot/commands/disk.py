"""Data disks: list, add, resize, delete (docs/dbc-api.md §3.3)."""

from collections.abc import Mapping
from contextlib import suppress
from typing import Annotated

from bot.commands.disk_preconditions import must_be_off
from bot.commands.order_notes import ending_under
from bot.commands.room import lacking_space
from bot.dbc import fields
from bot.dbc.errors import Missing
from bot.dbc.models import TaskDisk
from bot.dbc.sizes import Size
from bot.errors import BotError, NotFound, Refused
from bot.language.args import Disk, Vm
from bot.language.kind import WORD, Arg
from bot.language.kinds import SIZE
from bot.language.row_parts import Follow, Foreseen, Listing
from bot.language.table import Command, Group
from bot.messages.facts import DISKS, STATE, FactKind
from bot.messages.parts import disks_told, other_disks, said_parts, said_sizes
from bot.model import Effect, Goal, Machine
from bot.pipeline import json_data
from bot.pipeline.context import Context, Services
from bot.pipeline.formatting import joined, sized
from bot.reply import (
    Column,
    Note,
    Phrase,
    Reply,
    Row,
    Rows,
    bold,
    code,
    line,
    listed,
    say,
    say_number,
)
from bot.watches.observers.disks import disks_of, inventory_of

NewSize = Annotated[
    int,
    Arg(
        say("Size (GiB)"),
        SIZE,
        say("Like 100, 100G or 1T"),
        "100",
        least=1,
        most=fields.MAX_COUNT,
    ),
]
Growth = Annotated[
    int,
    Arg(
        say("Grow by (GiB)"),
        SIZE,
        say("How much to add, not the new size: +50 or +1T; a disk cannot shrink"),
        "+50",
        least=1,
        most=fields.MAX_COUNT,
        names=("add",),
        adds=True,
    ),
]
WholeSize = Annotated[
    int,
    Arg(
        say("New size (GiB)"),
        SIZE,
        say("Instead of how much to add: the size afterwards, such as 200; it asks first"),
        "200",
        least=1,
        most=fields.MAX_COUNT,
        names=("to",),
        instead="by",
    ),
]
HostDirectory = Annotated[
    str,
    Arg(
        say("Host directory"),
        WORD,
        say("A directory on the node for the disk's file; not a path in the guest"),
        fields.DATA_DIR,
        names=("dir", "mount_dir"),
        positional=False,
        narrow=True,
    ),
]


# The disk itself is compared; what becomes of the others is nothing to it.
_OWN, _OTHERS = "own", "others"
_ITSELF = {
    _OWN: FactKind(say("Present size"), said=said_sizes, differs=other_disks),
    _OTHERS: FactKind(say("Other disks"), plural=True, said=said_parts, is_compared=False),
}
_NOT_OFF = say("{machine} is “{status}”; its disks can be changed only while it is off.")


async def list_disks(ctx: Context, vm: Vm) -> Reply:
    """List a machine's disks with their sizes and files."""
    target = await ctx.use_session(vm)
    listed = await ctx.dbc.disks.list(target, vm.task)
    await ctx.services.sightings.saw_disks(vm.task, listed)
    exact: dict[str, Size] = {}
    with suppress(BotError):  # they only say the sizes more exactly
        exact = {disk.name: disk.size for disk in await disks_of(ctx.dbc, target, vm.task)}
    rows = [_row(disk, exact.get(disk.name, disk.size)) for disk in listed]
    head = line(bold(vm.label))
    if not rows:
        head = line(say("{machine} has no disks.", machine=bold(vm.label)))
    shown = Rows(tuple(rows), head, columns=_COLUMNS)
    note = Note(line(say("Files and directories are the node's; vda is the system disk.")))
    return Reply(
        say(
            "{disks} of {machine}",
            disks=say_number("{number} disk", "{number} disks", len(listed)),
            machine=vm.label,
        ),
        (shown, note),
    )


_COLUMNS = (
    Column(say("Disk")),
    Column(say("Size"), is_number=True),
    Column(say("File"), is_long=True),
)


def _row(disk: TaskDisk, size: Size) -> Row:
    named = code(disk.name)
    told = joined(line(named, " ", sized(size)), disk.file)
    cells = (line(named), line(sized(size)), line(disk.file))
    return Row(told, json_data.disk(disk, size), cells=cells)


async def add(
    ctx: Context, vm: Vm, size: NewSize, directory: HostDirectory = fields.DATA_DIR
) -> None:
    """Add a data disk to a machine that is off."""
    await ctx.dbc.disks.add(await ctx.use_session(vm), vm.task, size, directory)


async def _before_add(ctx: Context, vm: Machine, size: int, directory: str) -> Mapping[str, str]:
    fields.gib(size)
    fields.directory(directory, "directory")
    target = await ctx.use_session(vm)
    await must_be_off(ctx, vm, _NOT_OFF)
    return inventory_of(await disks_of(ctx.dbc, target, vm.task))


async def _no_space(ctx: Context, vm: Machine, size: int, directory: str) -> Foreseen:
    node = await ctx.services.inventory.node_by_id(vm.node)
    return await lacking_space(ctx, node, "size", directory, size)


async def resize(
    ctx: Context, vm: Vm, disk: Disk, by: Growth, size: WholeSize | None = None
) -> None:
    """Grow a disk of a machine that is off, by some GiB or to a size; it can never shrink."""
    more = _growth(ctx, by, size)
    await ctx.dbc.disks.resize(await ctx.use_session(vm), vm.task, disk, more)


def _growth(ctx: Context, by: int, size: int | None) -> int:
    """How much is added; from the new size, what the look has made of it."""
    return by if size is None else int(ctx.facts["by"])


async def _before_resize(
    ctx: Context, vm: Machine, disk: str, by: int, size: int | None
) -> Mapping[str, str]:
    facts = await _before_change(ctx, vm, disk)
    before = Size.parse(facts[f"disk {disk}"]).gib
    if size is not None:
        by = _up_to(size, before, disk)
        await ctx.allow(by=str(by))
        facts = {**facts, "by": str(by)}
    return {**facts, "after": f"{before + by:g}G" if before is not None else "unknown"}


def _up_to(size: int, before: float | None, disk: str) -> int:
    """How many GiB make it that large. Raises Refused for none."""
    by = 0 if before is None else int(size - before)
    if by >= 1:
        return by
    hint = say("To add {size} GiB to it, say +{size}.", size=size)
    if before is None:
        raise Refused(
            say("The node does not say how large {disk} is.", disk=disk), hint=hint, field="size"
        )
    raise Refused(
        say(
            "{disk} has {before} already; it can only grow, not become {size} GiB.",
            disk=disk, before=f"{before:g}G", size=size,
        ),
        hint=hint, field="size",
    )  # fmt: skip


async def _means_a_size(_services: Services, values: Mapping[str, str]) -> bool:
    """Whether it says how large the disk becomes, which others take for how much is added."""
    return bool(values.get("size"))


async def _no_space_to_grow(
    ctx: Context, vm: Machine, disk: str, by: int, size: int | None
) -> Foreseen:
    node = await ctx.services.inventory.node_by_id(vm.node)
    disks = await disks_of(ctx.dbc, await ctx.use_session(vm), vm.task)
    directory = next((it.file.rpartition("/")[0] for it in disks if it.name == disk), "")
    field, more = ("by" if size is None else "size"), _growth(ctx, by, size)
    return await lacking_space(ctx, node, field, directory or fields.DATA_DIR, more)


async def delete(ctx: Context, vm: Vm, disk: Disk) -> None:
    """Delete a data disk of a machine that is off, with its file."""
    await ctx.dbc.disks.delete(await ctx.use_session(vm), vm.task, disk)


async def _before_change(ctx: Context, vm: Machine, disk: str) -> Mapping[str, str]:
    """The disks as they are. NotFound for one that the machine does not have."""
    target = await ctx.use_session(vm)
    await must_be_off(ctx, vm, _NOT_OFF)
    disks = await disks_of(ctx.dbc, target, vm.task)
    if disk not in {it.name for it in disks}:
        present = listed(say("{disk} ({size})", disk=it.name, size=sized(it.size)) for it in disks)
        raise NotFound(
            say(
                "{machine} has no disk “{disk}”; its disks: {present}.",
                machine=vm.label,
                disk=disk,
                present=present,
            )
            if disks
            else say("{machine} has no disks.", machine=vm.label),
            field="disk",
        )
    own = next(it for it in disks if it.name == disk)
    file = own.file.rpartition("/")[2]
    others = disks_told(it for it in disks if it.name != disk)
    return {**inventory_of(disks), "file": file, _OWN: disks_told([own]), _OTHERS: others}


def _loses(known: Mapping[str, str]) -> Phrase:
    disk, file = known["disk"], known.get("file", "")
    size = known.get(f"disk {disk}", "")
    told = say(
        "The disk {disk} ({size}) and all its data are erased. Nothing brings them back.",
        disk=disk,
        size=size,
    )
    return say("{told} Its file on the node is {file}.", told=told, file=file) if file else told


def _growing(known: Mapping[str, str]) -> Phrase:
    disk = known["disk"]
    return say(
        "{label} on {node} adds {by} GiB to {disk}: {before} → {after}",
        by=known["by"],
        disk=disk,
        before=known.get(f"disk {disk}", ""),
        after=known.get("after", ""),
    )


def _getting(known: Mapping[str, str]) -> Phrase:
    return say("{label} on {node} gets a new disk of {size} GiB", size=known["size"])


def _losing(known: Mapping[str, str]) -> Phrase:
    return say("{label} on {node} loses its disk {disk}", disk=known["disk"])


def _check_disk(values: Mapping[str, str]) -> None:
    fields.disk_name(values["disk"])


def _check_growth(values: Mapping[str, str]) -> None:
    _check_disk(values)
    if values.get("by") and values.get("size"):
        raise Refused(say("Say either how much to add or the new size, not both."), field="size")


def _check_data_disk(values: Mapping[str, str]) -> None:
    fields.data_disk(values["disk"])


def _check_directory(values: Mapping[str, str]) -> None:
    fields.directory(values.get("directory", fields.DATA_DIR), "directory")


GROUP = Group(
    "disk",
    say("Data disks of machines"),
    (
        Command(
            "list", list_disks, example="disk list train-01", synonyms=("ls",),
            lists=Listing.DISKS,
            chinese="列表 列出",
            does=say("List a machine's disks"),
        ),
        Command(
            "add", add, Effect.CHANGE, "disk add train-01 100",
            asks=say("Add a data disk of {size} GiB to {target}"),
            check=_check_directory, look=_before_add, warns=ending_under, foresees=_no_space,
            reads=(STATE, DISKS), alike=("size",),
            follow=Follow(
                Goal.DISK_ADDED,
                _getting,
                say("{label} has a new disk on {node}"),
            ),
            chinese="添加 增加",
            does=say("Add a data disk"),
        ),
        Command(
            "resize", resize, Effect.CHANGE, "disk resize train-01 vdb +50",
            check=_check_growth, look=_before_resize, warns=ending_under,
            foresees=_no_space_to_grow,
            doubts=_means_a_size,
            facts={**_ITSELF, "after": FactKind(say("Size afterwards"))},
            asks=say("Grow disk {disk} of {target} by {by} GiB to {after}"),
            loses=say("Nothing, but the disk cannot be made smaller again."),
            follow=Follow(Goal.DISK_GROWN, _growing, say("{label} has a bigger disk on {node}")),
            chinese="扩容",
            does=say("Grow a disk"), button=say("Grow"),
        ),
        Command(
            "delete", delete, Effect.DESTROY, "disk delete train-01 vdb",
            removes=True,
            check=_check_data_disk, look=_before_change, facts=_ITSELF,
            asks=say("Delete disk {disk} of {target}"),
            loses=_loses,
            repeated=lambda error, _known: isinstance(error, Missing),
            follow=Follow(
                Goal.DISK_DELETED,
                _losing,
                say("{label} has lost a disk on {node}"),
            ),
            chinese="删除",
            does=say("Delete a data disk"),
        ),
    ),
    needs_session=True,
)  # fmt: skip
