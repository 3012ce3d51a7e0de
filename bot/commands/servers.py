"""Image servers and the transfers to and from them, as commands look for them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from bot.dbc import fields
from bot.dbc.identity import Target
from bot.dbc.models import Progress
from bot.dbc.sizes import Size
from bot.errors import NotFound, Refused
from bot.language.kind import Arg
from bot.language.kinds import CHOICE, IMAGE, SERVER
from bot.messages.facts import FactKind
from bot.pipeline.context import Context
from bot.pipeline.suggestions import Suggestions
from bot.reply import Button, Text, command, line, listed, say
from bot.watches.observers.transfers import size_of

DOWNLOAD, UPLOAD = "download", "upload"

Direction = Annotated[
    str,
    Arg(
        say("Direction"),
        CHOICE,
        say("Required only if both directions run under one name"),
        DOWNLOAD,
        choices=(DOWNLOAD, UPLOAD),
        labels=(say("Download"), say("Upload")),
    ),
]


def said_direction(direction: str) -> Text:
    """A transfer's direction as people read it."""
    return {DOWNLOAD: say("download"), UPLOAD: say("upload")}.get(direction, direction)


TRANSFER = FactKind(say("Transfer"), said=said_direction)

ImageFile = Annotated[
    str,
    Arg(
        say("Image"),
        IMAGE,
        say("An image in /data, or an absolute path on the node"),
        "ubuntu.qcow2",
    ),
]


async def choose_server(ctx: Context, server: str, having: str = "") -> str:
    """The named image server; without a name the only one, or the only one that has an image.

    Raises NotFound or Refused with the field `server`.
    """
    known = await ctx.dbc.images.servers()
    names = listed(known)
    if server in known:
        return server
    if server:
        raise NotFound(
            say(
                "The DBC daemon knows no image server “{server}”; it knows: {listed}.",
                server=server,
                listed=names,
            )
            if known
            else say("The DBC daemon is configured with no image server."),
            field="server",
        )
    fitting = list(known)
    if having and len(known) > 1:
        fitting = [
            it for it in known if size_of(await ctx.dbc.images.on_server(it), having) is not None
        ]
        if not fitting:
            raise NotFound(
                say("No image server lists {image}.", image=having),
                hint=say(
                    "Asked: {listed}. One that cannot be reached lists nothing.", listed=names
                ),
                field="image",
            )
    if len(fitting) == 1:
        return fitting[0]
    if not fitting:
        raise Refused(
            say("Which image server? The DBC daemon is configured with none."), field="server"
        )
    refusal = Refused(
        say("Which image server? {listed}.", listed=listed(fitting)),
        hint=say("Name one of them, such as {server}.", server=fitting[0]),
        field="server",
    )
    refusal.offers = await _offers(ctx, fitting)
    raise refusal


async def _offers(ctx: Context, servers: Sequence[str]) -> tuple[Button, ...]:
    """A button for each server, with all else that was requested; of reads, none."""
    services, request = ctx.services, ctx.execution
    row = services.table.get(request.command) if request is not None else None
    taken = [p for p in row.parameters if p.arg.kind is SERVER] if row else []
    if request is None or row is None or not taken:
        return ()
    suggestions = Suggestions(services.store, services.table, services.clock)
    return await suggestions.choices(ctx.actor, row, request.arguments, taken[0].name, servers)


async def size_on_server(ctx: Context, server: str, image: str) -> Size | None:
    """An image's size in a server's list; None where the list does not have it.

    Raises NotFound where the list is empty: an image server that cannot be reached lists nothing.
    """
    listed = await ctx.dbc.images.on_server(server)
    if not listed:
        raise NotFound(
            say("{server} lists no images: it is empty, or it cannot be reached.", server=server),
            hint=say("DBC answers the same in both cases. Try again later."),
            field="server",
        )
    return size_of(listed, image)


async def size_on_node(ctx: Context, target: Target, path: str) -> Size | None:
    """A file's size by the node's lists: anonymous first, for the renter's may be empty (§11.2)."""
    directory, _, name = path.rpartition("/")
    if directory != fields.DATA_DIR:
        return None
    size = size_of(await ctx.dbc.images.on_node(target.node_id), name)
    if size is not None:
        return size
    mine = await ctx.dbc.images.on_node(target.node_id, target.credentials, None, target.rent_order)
    return size_of(mine, name)


@dataclass(frozen=True, slots=True)
class Running:
    """A transfer under way on a node."""

    direction: str
    progress: Progress


async def running_transfers(ctx: Context, target: Target, image: str) -> list[Running]:
    """The transfers of an image that a node has under way, in either direction.

    A path can only be an upload's: downloads go by their bare names (docs/dbc-api.md §5).
    """
    found = []
    if "/" not in image:
        down = await ctx.dbc.images.download_progress(target, image)
        found.append(Running(DOWNLOAD, down))
    up = await ctx.dbc.images.upload_progress(target, fields.image_path(image))
    found.append(Running(UPLOAD, up))
    return [it for it in found if it.progress.is_running]


async def one_transfer(ctx: Context, target: Target, image: str, direction: str) -> Running:
    """The transfer that is meant. Raises NotFound where none runs, Refused where two do."""
    found = await running_transfers(ctx, target, image)
    if direction:
        found = [it for it in found if it.direction == direction]
    if not found:
        raise NotFound(
            say("The node reports no transfer of {image}.", image=image),
            hint=line(
                say(
                    "DBC does not tell how one has ended, and one that was told to stop "
                    "may go on unreported: see {command}.",
                    command=command("image list"),
                )
            ),
            field="image",
        )
    if len(found) > 1:
        raise Refused(
            say("{image} is being downloaded and uploaded at once.", image=image),
            hint=say("Say which: download or upload"),
            field="direction",
        )
    return found[0]
