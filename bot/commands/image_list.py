"""What images there are, on image servers and nodes (docs/dbc-api.md §3.5.1, §3.5.2)."""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any

from bot.commands.servers import (
    ImageFile,
    Running,
    choose_server,
    running_transfers,
    said_direction,
)
from bot.dbc.models import Image
from bot.dbc.sizes import Size
from bot.errors import BotError, NotFound, Refused
from bot.language.args import AtNode, ImageServer, NodeOrServer
from bot.language.kind import Arg
from bot.language.kinds import FLAG
from bot.model import Node, NodeKind, Sighting
from bot.pipeline import json_data
from bot.pipeline.context import Context
from bot.pipeline.formatting import sized, stacked
from bot.reply import (
    Column,
    Line,
    Note,
    Para,
    Part,
    Phrase,
    Reply,
    Row,
    Rows,
    Text,
    bold,
    code,
    command,
    emoji,
    line,
    listed,
    say,
)
from bot.watches.observers.pace import standing
from bot.watches.observers.stops import same_size

Mine = Annotated[
    bool,
    Arg(say("Mine"), FLAG, say("Also the system disks of your machines that are off"), "mine"),
]
_SILENT = say("none listed: empty, or it cannot be reached")
_LEFT_OUT = say(
    "A node does not list images that a running machine uses, nor any with “data” in the name."
)


async def servers(ctx: Context) -> Reply:
    """List the image servers that the DBC daemon is configured with."""
    known = await ctx.dbc.images.servers()
    await ctx.services.sightings.saw_servers(known)
    if not known:
        return Reply.empty(say("The DBC daemon is configured with no image server."))
    rows = tuple(Row(line("• ", code(server)), {"id": server}) for server in known)
    return Reply(say("Image servers"), (Rows(rows, line(bold(say("Image servers")))),))


async def list_images(
    ctx: Context,
    place: NodeOrServer = "",
    mine: Mine = False,
    server: ImageServer = "",
    node: AtNode | None = None,
) -> Reply:
    """List images: of a node, of an image server, yours (mine), or all there are."""
    if isinstance(place, Node):
        if node not in {None, place}:
            raise Refused(say("That names two nodes. Say one of them."), field="node")
        node = place
    elif place:
        server = await _server_called(ctx, place)
    listed: Sequence[Part]
    if server and node is None:
        listed = [await _of_server(ctx, await choose_server(ctx, server))]
    elif node is not None:
        found = await _listed(ctx, node, server, mine=mine)
        listed = [_of_node(node, found, await ctx.services.sightings.images_of_servers())]
    else:
        listed = await _everywhere(ctx, mine=mine)
    notes: list[Part] = [Note(line(_LEFT_OUT))] if node is not None or not server else []
    return Reply(say("Images"), (*listed, *notes))


async def _server_called(ctx: Context, name: str) -> str:
    """The image server of a name that is no node's. Raises NotFound."""
    try:
        return await choose_server(ctx, name)
    except NotFound as missing:
        raise NotFound(
            say("There is no node and no image server called “{name}”.", name=name),
            hint=line(
                say(
                    "See: {nodes}, {servers}",
                    nodes=command("node list"),
                    servers=command("image servers"),
                )
            ),
            field="place",
        ) from missing


async def _everywhere(ctx: Context, *, mine: bool) -> Sequence[Part]:
    nodes = {s.node for s in await ctx.services.sessions.usable(ctx.actor, ctx.place.channel)}
    nodes -= await ctx.hidden()
    seen = [await ctx.services.inventory.node_by_id(node) for node in sorted(nodes)]
    # Bare-metal machines take sessions, but have no images.
    known = sorted((n for n in seen if n.kind is NodeKind.GPU), key=lambda node: node.label)
    asked = [_listed(ctx, node, "", mine=mine) for node in known]
    servers = () if mine else await ctx.dbc.images.servers()
    of_servers = [_of_server(ctx, server) for server in servers]
    told, found = await asyncio.gather(asyncio.gather(*of_servers), asyncio.gather(*asked))
    on_servers = await ctx.services.sightings.images_of_servers()
    of_nodes = [_of_node(*pair, on_servers) for pair in zip(known, found, strict=True)]
    return [*told, *of_nodes]


def _server_head(server: str) -> Phrase:
    return say("{server} (image server)", server=bold(server))


async def _of_server(ctx: Context, server: str) -> Part:
    try:
        images = await ctx.dbc.images.on_server(server)
    except BotError as problem:
        told = line(_server_head(server), " ", emoji("warning"), " ", problem.words)
        return Rows((), told, stays=True, also=({"place": server, "problem": problem.sentence},))
    await ctx.services.sightings.saw_images(server, images)
    return _part(server, line(_server_head(server)), images, _SILENT)


async def _listed(
    ctx: Context, node: Node, server: str, *, mine: bool
) -> Sequence[Image] | BotError:
    """A node's images, or why there are none to show.

    Asked without credentials first: a renter's list may come back empty (docs/dbc-api.md §11.2).
    """
    try:
        images = list(await ctx.dbc.images.on_node(node.id, None, server or None))
        if not server:
            await ctx.services.sightings.saw_images(node.id, images)
        if mine:
            target = await ctx.use_session(node)
            own = await ctx.dbc.images.on_node(
                node.id, target.credentials, server or None, target.rent_order
            )
            names = {image.name for image in images}
            images += [image for image in own if image.name not in names]
    except BotError as problem:
        return problem
    return images


def _of_node(node: Node, found: Sequence[Image] | BotError, on_servers: Iterable[Sighting]) -> Part:
    if isinstance(found, BotError):
        told = line(bold(node.label), " ", emoji("warning"), " ", found.words)
        return Rows((), told, stays=True, also=(json_data.silent(node, found),))
    return _part(node.label, line(bold(node.label)), found, say("no images"), on_servers)


def _unlike(image: Image, on_servers: Iterable[Sighting]) -> Sequence[Sighting]:
    """The servers' images of its name, where none of them has this one's size.

    An interrupted transfer leaves a file that is shorter, under the whole one's name (§5).
    """
    sizes = {seen: Size.parse(seen.detail) for seen in on_servers}
    if any(same_size(size, image.size) for size in sizes.values()):
        return ()
    known = image.size.in_bytes is not None
    return [seen for seen, size in sizes.items() if known and size.in_bytes is not None]


def _mark(image: Image, unlike: Sequence[Sighting]) -> Line:
    if not unlike:
        return line()
    has = listed(say("{server} has {size}", server=seen.place, size=seen.detail) for seen in unlike)
    sizes = [Size.parse(seen.detail).in_bytes or 0 for seen in unlike]
    is_shorter = (image.size.in_bytes or 0) < max(sizes)
    told = say("incomplete? {has}", has=has) if is_shorter else say("not the same: {has}", has=has)
    return line(" ", emoji("warning"), " ", told)


def _part(
    place: str,
    head: Line,
    images: Sequence[Image],
    none: Text,
    on_servers: Iterable[Sighting] = (),
) -> Part:
    ordered = sorted(images, key=lambda image: image.name)
    named: dict[str, list[Sighting]] = defaultdict(list)
    for seen in on_servers:
        named[seen.name].append(seen)
    rows = []
    for image in ordered:
        unlike = _unlike(image, named[image.name])
        differs = [
            {"server": seen.place, "size_gib": json_data.gib(Size.parse(seen.detail))}
            for seen in unlike
        ]
        rows.append(
            Row(
                line(code(image.name), " ", sized(image.size), _mark(image, unlike)),
                {"place": place, **json_data.image(image), "differs_from": differs},
                cells=(line(code(image.name), _mark(image, unlike)), line(sized(image.size))),
            )
        )
    return Rows(tuple(rows), head if rows else line(head, "\n", none), columns=_COLUMNS)


_COLUMNS = (Column(say("Image")), Column(say("Size"), is_number=True))


async def progress(ctx: Context, image: ImageFile, node: AtNode) -> Reply:
    """Show the progress of an image's transfers on a node."""
    found = await running_transfers(ctx, await ctx.use_session(node), image)
    if not found:
        over = say(
            "DBC does not tell how a transfer has ended, and one that was told to stop may go on "
            "unreported: see {command}.",
            command=command("image list"),
        )
        return Reply.of(
            say("{node} reports no transfer of {image}.", node=bold(node.label), image=bold(image)),
            data=_progress_data(image, node, found),
        ).also(Note(line(over)))
    rows: list[Line] = []
    for it in found:
        rows.append(
            line(
                say(
                    "{image}: {direction} on {node}",
                    image=bold(image),
                    direction=said_direction(it.direction),
                    node=node.label,
                )
            )
        )
        rows.append(standing(it.progress.percent))
    data = _progress_data(image, node, found)
    return Reply(
        say("{image} on {node}", image=image, node=node.label), (Para(stacked(rows)),), data=data
    )


def _progress_data(image: str, node: Node, found: Sequence[Running]) -> Mapping[str, Any]:
    return {
        "image": image,
        "node": node.label,
        "node_id": node.id,
        "transfers": [{"direction": it.direction, "percent": it.progress.percent} for it in found],
    }
