"""Watches: what is being followed, and to stop it."""

from collections.abc import Mapping, Sequence
from typing import Annotated

from bot.commands.servers import (
    DOWNLOAD,
    TRANSFER,
    Direction,
    ImageFile,
    choose_server,
    one_transfer,
    size_on_node,
)
from bot.dbc import fields
from bot.dbc.models import Phase, said_state, state_of
from bot.errors import Conflict, NotFound, Refused
from bot.ids import UserId
from bot.language.args import AtNode, ImageServer, Vm
from bot.language.kind import Arg
from bot.language.kinds import WATCH
from bot.language.row_parts import Follow
from bot.language.table import Command, Group
from bot.messages.facts import FactKind
from bot.model import Deed, Effect, Goal, Machine, Node, Place, Watch
from bot.pipeline.context import Context, Services
from bot.pipeline.formatting import joined, short
from bot.pipeline.machine_looks import look_at
from bot.pipeline.under_way import title_of, under_way
from bot.reply import Phrase, Reply, Row, Rows, bold, code, command, line, listed, say, time
from bot.services.matching import best_of
from bot.watches.observers.stops import told_to_stop
from bot.watches.observers.transfers import size_of

What = Annotated[
    str, Arg(say("Watch"), WATCH, say("Its number, or the machine's name or id"), "train-01")
]

_UNTIL: Mapping[Goal, Phrase] = {
    Goal.RUNNING: say("it runs"),
    Goal.CLOSED: say("it is off"),
    Goal.GONE: say("it is deleted"),
    Goal.SETTLED: say("it comes to rest"),
    Goal.DOWNLOADED: say("it is downloaded"),
    Goal.UPLOADED: say("it is uploaded"),
    Goal.SNAPSHOT: say("it is on the image server"),
    Goal.DISK_ADDED: say("the disk is added"),
    Goal.DISK_GROWN: say("the disk has grown"),
    Goal.DISK_DELETED: say("the disk is deleted"),
    Goal.CHANGED: say("the change is seen"),
}


async def list_watches(ctx: Context) -> Reply:
    """List your operations in progress."""
    async with ctx.services.store.read() as tx:
        watches = await tx.watches.open(asked_by=ctx.actor)
    hidden = await ctx.hidden()
    watches = [watch for watch in watches if watch.node not in hidden]
    if not watches:
        return Reply.empty(say("You have no operations in progress."))
    inventory = ctx.services.inventory
    machines = await inventory.moments(await inventory.machines(ctx.actor, ctx.place.channel))
    rows = [await _row(ctx, watch, machines) for watch in watches]
    return Reply(say("Your operations in progress"), (Rows(tuple(rows)),))


async def _row(ctx: Context, watch: Watch, machines: Sequence[Machine]) -> Row:
    label = await ctx.services.inventory.label(watch.node)
    told, status = await under_way(ctx.services, watch, machines)
    until = say("it is known whether it stopped") if watch.stopped_by else _UNTIL[watch.goal]
    shown = joined(
        line(code(short(watch.id)), " ", told),
        line(told_to_stop(watch)) if watch.stopped_by else "",
        say("followed until {until}", until=until),
        say("since {time}", time=time(watch.started_at)),
    )
    data = {
        "id": watch.id,
        "what": watch.label,
        "command": title_of(ctx.services.table, watch) or None,
        "node": label,
        "node_id": watch.node,
        "task": watch.task or None,
        "status": status,
        "until": state_of(watch.goal),
        "stopped_by": watch.stopped_by or None,
        "started_at": watch.started_at,
    }
    return Row(shown, data)


async def vm(ctx: Context, vm: Vm) -> None:
    """Follow a machine that is changing, whoever requested it, until it settles."""


async def _before_vm(ctx: Context, vm: Machine) -> Mapping[str, str]:
    detail = await look_at(ctx, vm)
    if detail.phase not in {Phase.BUSY, Phase.UNKNOWN}:
        raise Conflict(
            say(
                "{machine} is “{status}”: nothing is changing.",
                machine=vm.label,
                status=said_state(detail.status),
            ),
            hint=say("There is something to follow only while it starts, stops, is made …"),
        )
    return {}


async def image(
    ctx: Context,
    image: ImageFile,
    node: AtNode,
    server: ImageServer = "",
    direction: Direction = "",
) -> None:
    """Follow an image transfer in progress on a node, whoever started it."""


async def _before_image(
    ctx: Context, image: str, node: Node, server: str, direction: str
) -> Mapping[str, str]:
    target = await ctx.use_session(node)
    found = await one_transfer(ctx, target, image, direction)
    await ctx.allow(direction=found.direction)
    path = fields.image_path(image, "image")
    name = path.rpartition("/")[2]
    is_download = found.direction == DOWNLOAD
    chosen = await choose_server(ctx, server, having=name if is_download else "")
    await ctx.allow(direction=found.direction, server=chosen)
    if is_download:
        size = size_of(await ctx.dbc.images.on_server(chosen), name)
    else:
        size = await size_on_node(ctx, target, path)
    return {
        "direction": found.direction, "image": name, "path": path, "server": chosen,
        "size": str(size or ""), "before": "",
    }  # fmt: skip


def _goal(known: Mapping[str, str]) -> Goal:
    return Goal.DOWNLOADED if known.get("direction") == DOWNLOAD else Goal.UPLOADED


def _transfer(known: Mapping[str, str]) -> Phrase:
    server = known.get("server", "")
    if _goal(known) is Goal.DOWNLOADED:
        return say("{label} is being downloaded from {server} to {node}", server=server)
    return say("{label} is being uploaded from {node} to {server}", server=server)


async def stop(ctx: Context, watch: What) -> Reply:
    """Stop following an operation; the operation itself goes on."""
    found = await _meant(ctx, watch)
    await ctx.services.watches.stop(found, ctx.actor)
    return Reply.of(say("I no longer follow {watch}.", watch=bold(found.label)), private=True)


async def _some_followed(services: Services, user: UserId, _place: Place) -> None:
    """Raise NotFound where nothing is followed for them."""
    async with services.store.read() as tx:
        if not await tx.watches.open(asked_by=user):
            raise NotFound(say("You have no operations in progress."))


async def _followed_now(ctx: Context, watch: str) -> Mapping[str, str]:
    found = await _meant(ctx, watch)
    on = await ctx.services.inventory.label(found.node)
    told = say(
        "{watch} on {node}, until {until} ({id})",
        watch=found.label,
        node=on,
        until=_UNTIL[found.goal],
        id=short(found.id),
    )
    return {"what": str(told)}


async def _meant(ctx: Context, watch: str) -> Watch:
    """The one that is meant. Raises NotFound where none is, Refused where it may be several."""
    async with ctx.services.store.read() as tx:
        watches = await tx.watches.open(asked_by=ctx.actor)
    found = best_of(watches, watch, lambda it: ((it.id, it.task), (it.label,)), lambda it: (it.id,))
    if not found:
        raise NotFound(
            say("Nothing followed for you is called “{watch}”.", watch=watch),
            hint=line(say("See: {command}", command=command("watch list"))),
        )
    if len(found) > 1:
        numbers = listed(short(w.id) for w in found)
        raise Refused(
            say("“{watch}” could be any of {numbers}.", watch=watch, numbers=numbers),
            hint=say("Say the number."),
        )
    return found[0]


def _check_image(values: Mapping[str, str]) -> None:
    fields.image_path(values["image"], "image")


GROUP = Group(
    "watch",
    say("Operations in progress"),
    (
        Command(
            "list",
            list_watches,
            example="watch list",
            synonyms=("ls",),
            spans_nodes=True,
            chinese="列表 列出",
            does=say("List operations"),
        ),
        Command(
            "vm",
            vm,
            Effect.CHANGE,
            "watch vm train-01",
            asks=say("Follow {target}"),
            needs_session=True,
            look=_before_vm,
            follow=Follow(
                Goal.SETTLED,
                say("{label} is changing on {node}"),
                say("{label} has come to rest on {node}"),
            ),
            deed=Deed(only_looks=True),
            is_personal=True,
            chinese="虚拟机",
            does=say("Follow a machine"),
            button=say("Follow"),
        ),
        Command(
            "image",
            image,
            Effect.CHANGE,
            "watch image ubuntu.qcow2 on gpu1",
            asks=say("Follow the {direction} of {target}"),
            needs_session=True,
            facts={"direction": TRANSFER},
            check=_check_image,
            look=_before_image,
            follow=Follow(_goal, _transfer, say("{label} has been transferred on {node}")),
            deed=Deed(only_looks=True),
            is_personal=True,
            chinese="镜像",
            does=say("Follow a transfer"),
            button=say("Follow"),
        ),
        Command(
            "stop",
            stop,
            Effect.CHANGE,
            "watch stop train-01",
            opens=_some_followed,
            shows=_followed_now,
            facts={"what": FactKind(say("What is followed"), called=say("what is followed"))},
            asks=say("Stop following {watch}"),
            loses=say("Nobody is told how it ends."),
            is_personal=True,
            chinese="停止",
            does=say("Stop following"),
        ),
    ),
)
