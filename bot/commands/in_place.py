"""What stands where a transfer would put an image, also where no list tells of it.

A list that lacks a file does not prove that there is none (docs/dbc-api.md §3.5.2): a node leaves
out what a running machine uses, an image server that cannot be reached lists nothing, and any list
can be short for a moment. What was known to be there counts, until it is known to be deleted.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.dbc.identity import Target
from bot.dbc.sizes import Size
from bot.errors import Conflict
from bot.messages.facts import FactKind, Kinds
from bot.model import Execution, ExecutionStatus, Node
from bot.pipeline.context import Context
from bot.reply import Words, line, mention, plain, time
from bot.watches.observers.transfers import HIDDEN, size_of

_REMEMBERED = timedelta(days=90)  # so long it counts that a file was put somewhere
_PUT = ("image.download", "image.upload", "vm.create")
_TRANSFERS = ("image.download", "image.upload")
_DELETED = "image.delete"
_SENT = frozenset(
    {
        ExecutionStatus.RUNNING,
        ExecutionStatus.FOLLOWING,
        ExecutionStatus.DONE,
        ExecutionStatus.FAILED,  # accepted by the node, it may have written half of it
        ExecutionStatus.UNKNOWN,
    }
)


@dataclass(frozen=True, slots=True)
class InPlace:
    """What is known of a file: its size, as listed or last seen; `doubt` says why that may be
    untrue, or why nothing is known; `seen_at` is when it was last known to be there.
    """

    size: Size | None = None
    doubt: str = ""
    seen_at: datetime | None = None

    @property
    def may_be_there(self) -> bool:
        """Whether something may be replaced."""
        return self.size is not None or bool(self.doubt)


async def on_node(ctx: Context, target: Target, node: Node, image: str, server: str) -> InPlace:
    """What is known of an image file in the directory of images of a node."""
    listed = [*await ctx.dbc.images.on_node(node.id, None, server)]
    size = size_of(listed, image)
    if size is None:  # the renter alone is told of the disks of machines that are off
        listed += await ctx.dbc.images.on_node(
            node.id, target.credentials, server, target.rent_order
        )
        size = size_of(listed, image)
    if size is not None:
        return InPlace(size)
    if HIDDEN in image:
        return InPlace(doubt=f"{node.label} lists no image with “{HIDDEN}” in its name.")
    nothing = "" if listed else f"{node.label} lists no images at all."
    return await _not_listed(ctx, node.id, node.label, image, nothing)


async def on_server(ctx: Context, server: str, image: str) -> InPlace:
    """What is known of a file on an image server."""
    listed = await ctx.dbc.images.on_server(server)
    if (size := size_of(listed, image)) is not None:
        return InPlace(size)
    nothing = "" if listed else f"{server} lists no images: it may not be reachable."
    return await _not_listed(ctx, server, server, image, nothing)


def require_replace(image: str, place: str, found: InPlace, transfer: str) -> None:
    """Refuse to put an image where one may be. Raises Conflict."""
    told = (
        f"{transfer} would replace a file of this name, and DBC would not say so. If that is "
        "intended, add: replace"
    )
    if found.seen_at is not None:
        raise Conflict(
            f"{image} was on {place} before and is not listed now.",
            hint=line(
                "It was last known to be there ", time(found.seen_at),
                ". A node leaves out what a running machine uses, and a list can be short for a "
                f"moment. {told}",
            ),
            field="image",
        )  # fmt: skip
    if found.doubt:
        raise Conflict(f"{found.doubt} Whether {image} is there is not known.", hint=told,
            field="image")  # fmt: skip


async def _not_listed(ctx: Context, place: str, label: str, image: str, nothing: str) -> InPlace:
    """What was known of a file before a list lacked it."""
    sighting = await ctx.services.sightings.last_image(place, image)
    since, done = ctx.now - _REMEMBERED, {ExecutionStatus.DONE}
    came = await _ledger(ctx, place, image, _PUT, done, since)
    went = await _ledger(ctx, place, image, [_DELETED], done)
    put, gone = ([one.finished_at for one in some if one.finished_at] for some in (came, went))
    seen = [*put, *([sighting[1]] if sighting else [])]
    if not seen or (gone and max(seen) <= max(gone)):
        return InPlace(doubt=nothing)
    size = Size.parse(sighting[0].detail) if sighting and sighting[0].detail else None
    return InPlace(size, nothing or f"{label} does not list it now.", max(seen))


async def _ledger(
    ctx: Context,
    place: str,
    image: str,
    commands: Collection[str],
    stand: Collection[ExecutionStatus],
    since: datetime | None = None,
) -> list[Execution]:
    """The latest commands that were about a file in a place."""
    async with ctx.services.store.browse() as tx:
        found = await tx.executions.of_file(place, image, commands, stand=stand, since=since)
    return [one for one in found if _is_about(one, place, image)]


async def put_by(ctx: Context, place: str, image: str) -> str:
    """Who last put a file in a place through the bot, and when, as a fact; nothing if nobody did.

    DBC tells a file's name and size alone: one that has taken its place may look the same.
    """
    found = await _ledger(ctx, place, image, _TRANSFERS, _SENT, ctx.now - _REMEMBERED)
    put = [(one.started_at, one.actor) for one in found if one.started_at]
    return f"{max(put)[1]} {max(put)[0].isoformat()}" if put else ""


def said_put(text: str) -> Words:
    """`by @alice, 09:31`."""
    by, _, at = text.partition(" ")
    if not at:
        return "not through this bot"
    return line("by ", mention(by), ", ", time(datetime.fromisoformat(at)))


def another_file(_shown: str, now: str) -> str:
    """That a file has been put in the place of the one that was shown."""
    return f"the file is another one now: put there {plain(line(said_put(now)))}" if now else ""


def _is_about(done: Execution, place: str, image: str) -> bool:
    """Whether a command has put the file in the place, or has deleted it there."""
    known = done.known
    if known.get("image", "").rpartition("/")[2] != image:
        return False
    if done.command == "image.upload":
        return known.get("server") == place
    return done.node == place and not known.get("directory")


PUT: Kinds = {"put": FactKind("Put there", said=said_put, differs=another_file)}
