"""Disk images and their transfers (docs/dbc-api.md §3.5, §5)."""

from collections.abc import Mapping
from functools import partial
from typing import Annotated

from bot.commands import image_list, image_words, in_place, order_notes
from bot.commands.in_place import InPlace
from bot.commands.servers import (
    DOWNLOAD,
    TRANSFER,
    UPLOAD,
    Direction,
    ImageFile,
    Running,
    choose_server,
    one_transfer,
    running_transfers,
    size_on_node,
    size_on_server,
)
from bot.dbc import fields
from bot.dbc.errors import Clash, DbcError, Missing
from bot.dbc.identity import Target
from bot.dbc.sizes import Size
from bot.errors import BotError, Conflict, NotFound, refuse_all
from bot.language.args import AtNode, FromServer, Image, ToServer
from bot.language.kind import WORD, Arg
from bot.language.kinds import FLAG, STORED
from bot.language.row_parts import Follow, Listing
from bot.language.table import Command, Group
from bot.messages.facts import FactKind, unread
from bot.model import Deed, Effect, Filing, Goal, Node, Noted, Trace, Watch
from bot.pipeline.context import Context
from bot.pipeline.formatting import several
from bot.reply import Phrase, Reply, Text, bold, command, keep, line, say, sentences
from bot.watches.observers.look import is_silence
from bot.watches.observers.stops import same_size
from bot.watches.observers.transfers import size_of

_UNLISTED = say("DBC lists no files outside {directory}.", directory=fields.DATA_DIR)
_MOST_MACHINES = 20  # looked at for a card; each costs a request to the node

Directory = Annotated[
    str,
    Arg(
        say("Directory"),
        WORD,
        say("Of the node; machines can use only what is in {data_dir}", data_dir=fields.DATA_DIR),
        fields.DATA_DIR,
        names=("dir", "local_dir"),
        positional=False,
        narrow=True,
    ),
]
Replace = Annotated[
    bool,
    Arg(
        say("Replace"),
        FLAG,
        say("Overwrite a file of the same name at the destination"),
        "replace",
    ),
]

OnServer = Annotated[
    str,
    Arg(say("Image"), STORED, say("An image file on the server, ending in .qcow2"), "ubuntu.qcow2"),
]


async def download(
    ctx: Context,
    image: OnServer,
    node: AtNode,
    server: FromServer = "",
    directory: Directory = fields.DATA_DIR,
    replace: Replace = False,
) -> None:
    """Download an image from an image server to a node."""
    del server, replace  # what `look` made of them is in the facts
    target = await ctx.use_session(node)
    try:
        await ctx.dbc.images.download(target, image, ctx.facts["server"], directory)
    except Clash:
        raise _just_ended(image) from None


async def _before_download(
    ctx: Context, image: str, node: Node, server: str, directory: str, *, replace: bool
) -> Mapping[str, str]:
    target = await ctx.use_session(node)
    chosen = await choose_server(ctx, server, having=image)
    await ctx.allow(server=chosen)
    await _refuse_second(ctx, target, image)
    await _refuse_unfinished(ctx, node, {"direction": DOWNLOAD, "image": image})
    size = await size_on_server(ctx, chosen, image)
    if size is None:
        raise NotFound(
            say("{server} has no image {image}.", server=chosen, image=image),
            hint=line(say("See: {command}", command=command("image list"))),
            field="image",
        )
    facts = {"server": chosen, "size": str(size)}
    if directory != fields.DATA_DIR:  # no list says what is there
        return {**facts, unread("before"): keep(_UNLISTED)}
    found = await in_place.on_node(ctx, target, node, image, chosen)
    if not replace and found.doubt:
        in_place.require_replace(image, node.label, found)
    before = found.size
    if before is not None and not replace:
        told = say("A download would replace it under the machines that are based on it.")
        if not same_size(before, size):
            told = say(
                "{server} has {size} of it: this may be what an interrupted download left.",
                server=chosen,
                size=str(size),
            )
        raise Conflict(
            say(
                "{node} already has {image} ({before}).",
                node=node.label,
                image=image,
                before=str(before),
            ),
            hint=say("{told} To replace it, add: replace", told=told),
            field="image",
        )
    return {**facts, **await _before(ctx, node.id, image, found)}


async def _before(ctx: Context, place: str, image: str, found: InPlace) -> Mapping[str, str]:
    """The facts of what is replaced."""
    if not found.may_be_there:
        return {"before": ""}
    doubt = {unread("before"): keep(found.doubt)} if found.doubt else {}
    put = await in_place.put_by(ctx, place, image)
    return {"before": str(found.size or ""), "put": put, **doubt}


async def upload(
    ctx: Context,
    image: ImageFile,
    node: AtNode,
    server: ToServer = "",
    replace: Replace = False,
) -> None:
    """Upload an image from a node to an image server."""
    del server, replace  # what `look` made of them is in the facts
    target = await ctx.use_session(node)
    try:
        await ctx.dbc.images.upload(target, ctx.facts["path"], ctx.facts["server"])
    except Clash:
        raise _just_ended(image) from None


async def _before_upload(
    ctx: Context, image: str, node: Node, server: str, *, replace: bool
) -> Mapping[str, str]:
    target = await ctx.use_session(node)
    path = fields.image_path(image, "image")
    name = path.rpartition("/")[2]
    chosen = await choose_server(ctx, server)
    await ctx.allow(server=chosen)
    await _refuse_second(ctx, target, path)
    await _refuse_unfinished(ctx, node, {"direction": UPLOAD, "image": name, "path": path})
    found = await in_place.on_server(ctx, chosen, name)
    if not replace and found.doubt:
        in_place.require_replace(name, chosen, found)
    if found.size is not None and not replace:
        raise Conflict(
            say(
                "{server} already has {image} ({size}).",
                server=chosen,
                image=name,
                size=str(found.size),
            ),
            hint=say(
                "An upload would replace it, and DBC would not say so. If that is "
                "intended, add: replace"
            ),
            field="image",
        )
    facts = {"server": chosen, "path": path, **await _before(ctx, chosen, name, found)}
    return {**facts, **await _size_on_node(ctx, target, path)}


async def _size_on_node(ctx: Context, target: Target, path: str) -> Mapping[str, str]:
    """The fact of a file's size, or why nobody can tell it. Raises DbcError."""
    size = str(await size_on_node(ctx, target, path) or "")
    if path.rpartition("/")[0] == fields.DATA_DIR:
        return {"size": size}
    return {"size": "", unread("size"): keep(_UNLISTED)}


async def _refuse_second(ctx: Context, target: Target, image: str) -> None:
    if found := await running_transfers(ctx, target, image):
        raise Conflict(
            _in_progress(image, found[0]),
            hint=line(
                say(
                    "Follow it with {follow}, or stop it with {stop}.",
                    follow=command("watch image"),
                    stop=command("image stop"),
                )
            ),
            field="image",
        )


def _in_progress(image: str, found: Running) -> Phrase:
    percent = found.progress.percent
    if percent is None:
        if found.direction == DOWNLOAD:
            return say("{image} is already being downloaded there.", image=image)
        return say("{image} is already being uploaded there.", image=image)
    if found.direction == DOWNLOAD:
        return say(
            "{image} is already being downloaded there ({percent} %).", image=image, percent=percent
        )
    return say(
        "{image} is already being uploaded there ({percent} %).", image=image, percent=percent
    )


async def _refuse_unfinished(ctx: Context, node: Node, known: Mapping[str, str]) -> None:
    """A transfer that was told to stop may go on, and a second one would write to its file."""
    async with ctx.services.store.read() as tx:
        told = [w for w in await tx.watches.open(node=node.id) if w.stopped_by]
    if any(_follows(watch, known) for watch in told):
        raise Conflict(
            say(
                "The last download of {image} was told to stop, and may still go on "
                "unreported on {node}.",
                image=known["image"],
                node=node.label,
            )
            if known["direction"] == DOWNLOAD
            else say(
                "The last upload of {image} was told to stop, and may still go on "
                "unreported on {node}.",
                image=known["image"],
                node=node.label,
            ),
            hint=say("The card of the transfer says how it ends. Try again then."),
            field="image",
        )


def _just_ended(image: str) -> BotError:
    """A node notices every 3 s only that a transfer has ended (§5)."""
    return Conflict(
        say("The last transfer of {image} has only just ended.", image=image),
        hint=say("Try again in a few seconds."),
    )


async def stop(ctx: Context, image: ImageFile, node: AtNode, direction: Direction = "") -> None:
    """Stop an image's transfer; a partial file may stay at its destination."""
    del direction  # what `look` made of it is in the facts
    target = await ctx.use_session(node)
    if ctx.facts["direction"] == DOWNLOAD:
        await ctx.dbc.images.stop_download(target, image)
    else:
        await ctx.dbc.images.stop_upload(target, ctx.facts["path"])


def _follows(watch: Watch, known: Mapping[str, str]) -> bool:
    """Whether a watch is about the transfer that is to stop."""
    if known["direction"] == DOWNLOAD:
        return watch.goal is Goal.DOWNLOADED and watch.about.get(Noted.IMAGE) == known["image"]
    uploads = {Goal.UPLOADED, Goal.SNAPSHOT}
    return watch.goal in uploads and watch.about.get(Noted.PATH) == known["path"]


async def _before_stop(ctx: Context, image: str, node: Node, direction: str) -> Mapping[str, str]:
    target = await ctx.use_session(node)
    found = await one_transfer(ctx, target, image, direction)
    await ctx.allow(direction=found.direction)
    path = fields.image_path(image, "image")
    name = path.rpartition("/")[2]
    on_node = await size_on_node(ctx, target, path)
    server, on_server = await _other_end(ctx, name, found.direction)
    whole, before = (on_server, on_node) if found.direction == DOWNLOAD else (on_node, on_server)
    return {
        "direction": found.direction, "image": name, "path": path, "server": server,
        "size": str(whole or ""), "before": str(before or ""),
    }  # fmt: skip


async def _other_end(ctx: Context, name: str, direction: str) -> tuple[str, Size | None]:
    """The image server that a transfer may be from or to, and what it has of the image.

    DBC does not tell which one it is: nothing where several may be meant.
    """
    sizes = {
        it: size_of(await ctx.dbc.images.on_server(it), name)
        for it in await ctx.dbc.images.servers()
    }
    if direction == DOWNLOAD:
        sizes = {server: size for server, size in sizes.items() if size is not None}
    if len(sizes) == 1 or (direction == DOWNLOAD and len({str(it) for it in sizes.values()}) == 1):
        return next(iter(sizes.items()))
    return "", None


def _goal(known: Mapping[str, str]) -> Goal:
    return Goal.DOWNLOADED if known.get("direction") == DOWNLOAD else Goal.UPLOADED


async def delete(ctx: Context, image: Image, node: AtNode) -> Reply:
    """Delete an image file on a node; DBC does not check whether a machine uses it."""
    target = await ctx.use_session(node)

    await ctx.dbc.images.delete(target, image)
    return Reply.of(say("{image} is deleted on {node}.", image=bold(image), node=bold(node.label)))


async def _before_delete(ctx: Context, image: str, node: Node) -> Mapping[str, str]:
    target = await ctx.use_session(node)
    try:
        size = await _size_on_node(ctx, target, fields.image_path(image, "image"))
    except DbcError as problem:
        problem.named(node.label)
        size = {"size": "", unread("size"): keep(problem.words)}
    put = await in_place.put_by(ctx, node.id, image)
    return {**size, "put": put, **await _users_of(ctx, target, image, node)}


async def _users_of(ctx: Context, target: Target, image: str, node: Node) -> Mapping[str, str]:
    """The fact of the machines known to use a file, and why others may use it unseen.

    They have it as a disk, or were made from it here.
    """
    session = await ctx.services.sessions.use(ctx.actor, node, ctx.place.channel)
    listing = await ctx.services.inventory.list_node(session)
    making = ctx.services.table.filing(Filing.USED)
    users: list[str] = []
    unseen: list[Text] = [listing.problem.words] if listing.problem else []
    for machine in listing.machines[:_MOST_MACHINES]:
        try:
            detail = await ctx.dbc.tasks.get(target, machine.task)
        except BotError as problem:
            unseen.append(say("{what}: {why}", what=machine.label, why=problem.words))
            if is_silence(problem):
                break
            continue
        async with ctx.services.store.read() as tx:
            done = await tx.executions.recent(task=machine.task, limit=100)
        made_from = {e.arguments.get("image") for e in done if e.command in making}
        names = {disk.file.rpartition("/")[2] for disk in detail.disks}
        if image in made_from | names:
            users.append(machine.label)
    if len(listing.machines) > _MOST_MACHINES:
        unseen.append(say("Only {count} machines were looked at.", count=_MOST_MACHINES))
    facts = {"used_by": ", ".join(users)}
    return {**facts, unread("used_by"): keep(sentences(unseen))} if unseen else facts


def _replacing(known: Mapping[str, str]) -> Effect:
    return Effect.DISRUPT if known.get("replace") else Effect.CHANGE


def _check_name(values: Mapping[str, str]) -> None:
    refuse_all(
        (
            partial(fields.image_name, values["image"], "image"),
            partial(fields.directory, values.get("directory", fields.DATA_DIR), "directory"),
        )
    )


def _check_path(values: Mapping[str, str]) -> None:
    fields.image_path(values["image"], "image")


def _or_not_listed(size: str) -> Text:
    return size or say("not listed")


_DELETED = {
    "size": FactKind(say("Size"), said=_or_not_listed),
    "used_by": FactKind(say("Known to use it"), said=several),
    **in_place.PUT,
}
_PATH = FactKind(say("File on the node"))
_REPLACED = {
    "server": FactKind(say("Image server")),
    "size": FactKind(say("New file"), said=_or_not_listed),
    "before": FactKind(say("Present file")),
    **in_place.PUT,
}

GROUP = Group(
    "image",
    say("Disk images on nodes and image servers"),
    (
        Command(
            "servers", image_list.servers, example="image servers",
            chinese="镜像中心 中心",
            does=say("List image servers")
        ),
        Command(
            "list", image_list.list_images, example="image list gpu1", synonyms=("ls",),
            lists=Listing.IMAGES,
            chinese="列表 列出",
            does=say("List images"),
        ),
        Command(
            "upload", upload, _replacing, "image upload ubuntu.qcow2 to=hub on gpu1",
            check=_check_path, look=_before_upload, needs_session=True,
            facts={"path": _PATH, **_REPLACED}, alike=("image", "server"),
            asks=image_words.upload_asks, deed=Deed(filing=Filing.SENT, is_news=True),
            loses=image_words.upload_loses,
            repeated=lambda error, _known: isinstance(error, Conflict),
            follow=Follow(
                Goal.UPLOADED,
                image_words.uploading,
                say("{label} has been uploaded from {node}"),
            ),
            chinese="上传",
            does=say("Upload an image"),
        ),
        Command(
            "download", download, _replacing, "image download ubuntu.qcow2 from=hub on gpu1",
            check=_check_name, look=_before_download, warns=order_notes.ending_soon,
            needs_session=True, facts=_REPLACED,
            alike=("image", "server"),
            asks=image_words.download_asks, deed=Deed(filing=Filing.BROUGHT, is_news=True),
            loses=image_words.download_loses,
            repeated=lambda error, _known: isinstance(error, Conflict),
            follow=Follow(
                Goal.DOWNLOADED,
                image_words.downloading,
                say("{label} has been downloaded to {node}"),
            ),
            chinese="下载",
            does=say("Download an image"),
        ),
        Command(
            "progress", image_list.progress, example="image progress ubuntu.qcow2 on gpu1",
            check=_check_path, needs_session=True,
            chinese="进度",
            does=say("Show a transfer"),
        ),
        Command(
            "stop", stop, Effect.DISRUPT, "image stop ubuntu.qcow2 on gpu1",
            check=_check_path, look=_before_stop, needs_session=True,
            facts={"direction": TRANSFER, "path": _PATH},
            asks=say("Stop the {direction} of {target}"),
            loses=say("It cannot be taken up again later. What has arrived so far may stay where "
                "it was going, as an incomplete file. A node may also finish it all the "
                "same: I look what becomes of it."),
            follow=Follow(
                _goal, image_words.to_stop, say("{label} was stopped on {node}"), stops=_follows
            ),
            chinese="停止",
            does=say("Stop a transfer"),
        ),
        Command(
            "delete", delete, Effect.DESTROY, "image delete ubuntu.qcow2 on gpu1",
            removes=True,
            check=_check_name, look=_before_delete, needs_session=True,
            asks=say("Delete the image {target}"),
            facts=_DELETED,
            loses=image_words.delete_loses,
            repeated=lambda error, _known: isinstance(error, Missing),
            deed=Deed(trace=Trace.IMAGE_GONE, filing=Filing.DELETED),
            unanswered=Follow(
                Goal.CHANGED, say("{label} is being deleted on {node}"),
                say("{label} is deleted on {node}"),
            ),
            chinese="删除",
            does=say("Delete an image"),
        ),
    ),
)  # fmt: skip
