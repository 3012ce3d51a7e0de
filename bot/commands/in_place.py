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
from bot.ids import UserId
from bot.messages.facts import FactKind, Kinds
from bot.model import Deed, Execution, ExecutionStatus, Filing, Node
from bot.pipeline.context import Context
from bot.reply import Text, Words, line, mention, say, time
from bot.watches.observers.transfers import HIDDEN, size_of

_REMEMBERED = timedelta(days=90)  # so long it counts that a file was put somewhere
_TRANSFERS = (Filing.BROUGHT, Filing.SENT)
_PUT = (*_TRANSFERS, Filing.USED)
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
    doubt: Text = ""
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
        return InPlace(
            doubt=say(
                "{node} lists no image with “{part}” in its name.", node=node.label, part=HIDDEN
            )
        )
    nothing = "" if listed else say("{node} lists no images at all.", node=node.label)
    return await _not_listed(ctx, node.id, node.label, image, nothing)


async def on_server(ctx: Context, server: str, image: str) -> InPlace:
    """What is known of a file on an image server."""
    listed = await ctx.dbc.images.on_server(server)
    if (size := size_of(listed, image)) is not None:
        return InPlace(size)
    nothing = (
        "" if listed else say("{server} lists no images: it may not be reachable.", server=server)
    )
    return await _not_listed(ctx, server, server, image, nothing)


def require_replace(image: str, place: str, found: InPlace) -> None:
    """Refuse to put an image where one may be. Raises Conflict."""
    told = say(
        "This would replace a file of that name, and DBC would not say so. To replace it, add: "
        "replace"
    )
    if found.seen_at is not None:
        raise Conflict(
            say("{image} was on {place} before and is not listed now.", image=image, place=place),
            hint=line(
                say(
                    "It was last known to be there {seen_at}. A node leaves out what a "
                    "running machine uses, and a list can be short for a moment. {told}",
                    seen_at=time(found.seen_at),
                    told=told,
                )
            ),
            field="image",
        )
    if found.doubt:
        raise Conflict(
            say("{doubt} Whether {image} is there is not known.", doubt=found.doubt, image=image),
            hint=told,
            field="image",
        )


async def _not_listed(ctx: Context, place: str, label: str, image: str, nothing: Text) -> InPlace:
    """What was known of a file before a list lacked it."""
    sighting = await ctx.services.sightings.last_image(place, image)
    since, done = ctx.now - _REMEMBERED, {ExecutionStatus.DONE}
    came = await _ledger(ctx, place, image, _PUT, done, since)
    went = await _ledger(ctx, place, image, [Filing.DELETED], done)
    put, gone = ([one.finished_at for one in some if one.finished_at] for some in (came, went))
    seen = [*put, *([sighting[1]] if sighting else [])]
    if not seen or (gone and max(seen) <= max(gone)):
        return InPlace(doubt=nothing)
    size = Size.parse(sighting[0].detail) if sighting and sighting[0].detail else None
    return InPlace(size, nothing or say("{place} does not list it now.", place=label), max(seen))


async def _ledger(
    ctx: Context,
    place: str,
    image: str,
    filings: Collection[Filing],
    stand: Collection[ExecutionStatus],
    since: datetime | None = None,
) -> list[Execution]:
    """The latest commands that were about a file in a place."""
    table = ctx.services.table
    commands = table.filing(*filings)
    async with ctx.services.store.browse() as tx:
        found = await tx.executions.of_file(place, image, commands, stand=stand, since=since)
    return [one for one in found if _is_about(one, table.deed(one.command), place, image)]


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
        return say("not through this bot")
    return line(
        say("by {user}, {time}", user=mention(UserId(by)), time=time(datetime.fromisoformat(at)))
    )


def another_file(_shown: str, now: str) -> Text:
    """That a file has been put in the place of the one that was shown."""
    if not now:
        return ""
    return say("the file is another one now: put there {put}", put=line(said_put(now)))


def _is_about(done: Execution, deed: Deed, place: str, image: str) -> bool:
    """Whether a command has put the file in the place, or has deleted it there."""
    known = done.known
    if known.get("image", "").rpartition("/")[2] != image:
        return False
    if deed.filing is Filing.SENT:
        return known.get("server") == place
    return done.node == place and not known.get("directory")


PUT: Kinds = {"put": FactKind(say("Put there"), said=said_put, differs=another_file)}
