"""Watches: what is being followed, and to stop it."""

from typing import Annotated

from bot.commands.args import Arg
from bot.commands.context import Context
from bot.commands.groups.shown import short, stacked
from bot.commands.table import Command, Group
from bot.errors import NotFound, Refused
from bot.model import Effect, Watch
from bot.reply import Line, Para, Reply, bold, code, line, time

What = Annotated[str, Arg("Watch", "word", "Its number, or the machine's name or id", "train-01")]


async def list_watches(ctx: Context) -> Reply:
    """List what is being followed for you."""
    async with ctx.services.store.read() as tx:
        watches = await tx.watches.open(asked_by=ctx.actor)
    if not watches:
        return Reply.of("Nothing is being followed for you.")
    rows = [await _row(ctx, watch) for watch in watches]
    return Reply("Followed for you", (Para(stacked(rows)),))


async def _row(ctx: Context, watch: Watch) -> Line:
    label = await ctx.services.inventory.label(watch.node)
    return line(
        code(short(watch.id)), " ", bold(watch.label), f" on {label}: {watch.status or 'queued'}",
        f", until it is {watch.goal} · since ", time(watch.started_at),
    )  # fmt: skip


async def stop(ctx: Context, watch: What) -> Reply:
    """Follow something no longer; the machine itself goes on."""
    async with ctx.services.store.read() as tx:
        watches = await tx.watches.open(asked_by=ctx.actor)
    found = [w for w in watches if w.id.startswith(watch) or watch in {w.label, w.task}]
    if not found:
        raise NotFound(f"Nothing followed for you is called “{watch}”.", hint="See: watch list")
    if len(found) > 1:
        numbers = ", ".join(short(w.id) for w in found)
        raise Refused(f"“{watch}” could be any of {numbers}.", hint="Say the number.")
    await ctx.services.watches.stop(found[0], ctx.actor)
    return Reply.of("I no longer follow ", bold(found[0].label), ".", private=True)


GROUP = Group(
    "watch",
    "What is being followed to its end",
    (
        Command("list", list_watches, example="watch list", synonyms=("ls",)),
        Command("stop", stop, Effect.CHANGE, "watch stop train-01"),
    ),
)
