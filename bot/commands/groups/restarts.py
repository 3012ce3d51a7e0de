"""What is read before a machine is started or restarted, to tell afterwards what came of it."""

from collections.abc import Mapping
from functools import partial

from bot.commands.context import Context
from bot.commands.glance import glance
from bot.commands.groups.off import no_copy_under_way
from bot.commands.repeated import WAS
from bot.model import Machine
from bot.services.observers import node_log


async def before_start(ctx: Context, vm: Machine, **_other: object) -> dict[str, str]:
    """Its state now, if it is told at once; refuses a machine whose disk is being copied."""
    facts = await no_copy_under_way(ctx, vm)
    detail = await glance(ctx, vm.node, partial(ctx.dbc.tasks.get, await ctx.target(vm), vm.task))
    return facts if detail is None else {**facts, WAS: str(detail.status)}


async def before_restart(ctx: Context, vm: Machine, **_other: object) -> dict[str, str]:
    """Where the log ends now; refuses a machine whose disk is being copied."""
    return {**await no_copy_under_way(ctx, vm), **await log_before(ctx, vm)}


async def log_before(ctx: Context, vm: Machine, **_other: object) -> Mapping[str, str]:
    """Where the node's log about the machine ends now; nothing if that cannot be read at once."""
    target = await ctx.target(vm)
    read = partial(ctx.dbc.tasks.logs, target, vm.task, "tail", node_log.LINES)
    page = await glance(ctx, vm.node, read)
    return {} if page is None or page.may_lack_some else node_log.before(page.lines)
