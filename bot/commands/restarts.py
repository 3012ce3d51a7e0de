"""What is read before a machine's power is changed, to tell afterwards what came of it."""

from collections.abc import Awaitable, Callable, Mapping
from functools import partial

from bot.commands.disk_preconditions import no_copy_under_way
from bot.dbc.errors import DbcError
from bot.model import Machine
from bot.pipeline.context import Context
from bot.pipeline.glance import glance
from bot.pipeline.repeated import WAS
from bot.watches.observers import node_log
from bot.watches.observers.look import LOOKED_AT


async def before_start(ctx: Context, vm: Machine, **_other: object) -> dict[str, str]:
    """Its state now, if it is told at once; refuses a machine whose disk is being copied."""
    return {**await no_copy_under_way(ctx, vm), **await _state_now(ctx, vm)}


async def noting_state(ctx: Context, vm: Machine, change: Callable[[], Awaitable[None]]) -> None:
    """Carry out a change; what the machine's state was just before is learnt where it fails."""
    was = await _state_now(ctx, vm)
    try:
        await change()
    except DbcError as error:
        error.learnt = {**error.learnt, **was}
        raise


async def _state_now(ctx: Context, vm: Machine) -> Mapping[str, str]:
    """The machine's state and when it was read; nothing where the node does not tell at once."""
    at = ctx.now.isoformat()
    detail = await glance(ctx, vm.node, partial(ctx.dbc.tasks.get, await ctx.target(vm), vm.task))
    return {} if detail is None else {WAS: str(detail.status), LOOKED_AT: at}


async def before_restart(ctx: Context, vm: Machine, **_other: object) -> dict[str, str]:
    """Where the log ends now; refuses a machine whose disk is being copied."""
    return {**await no_copy_under_way(ctx, vm), **await log_before(ctx, vm)}


async def log_before(ctx: Context, vm: Machine, **_other: object) -> Mapping[str, str]:
    """Where the node's log about the machine ends now; nothing if that cannot be read at once."""
    target, at = await ctx.target(vm), ctx.now.isoformat()
    read = partial(ctx.dbc.tasks.logs, target, vm.task, "tail", node_log.LINES)
    page = await glance(ctx, vm.node, read)
    if page is None or page.may_lack_some:
        return {}
    return {**node_log.before(page.lines), LOOKED_AT: at}
