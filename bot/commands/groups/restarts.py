"""What is read before a running machine is restarted: afterwards only the node's log shows it."""

from collections.abc import Mapping
from datetime import timedelta

from bot.commands.context import Context
from bot.commands.groups.off import no_copy_under_way
from bot.commands.patience import unless_late
from bot.errors import BotError
from bot.model import Machine
from bot.services.observers import node_log

# A restart does not wait for what is only needed where its answer gets lost.
_PATIENCE = timedelta(seconds=2)


async def before_restart(ctx: Context, vm: Machine, **_other: object) -> dict[str, str]:
    """Where the log ends now; refuses a machine whose disk is being copied."""
    return {**await no_copy_under_way(ctx, vm), **await log_before(ctx, vm)}


async def log_before(ctx: Context, vm: Machine, **_other: object) -> Mapping[str, str]:
    """Where the node's log about the machine ends now; nothing if that cannot be read at once."""
    if ctx.dbc.silence(vm.node) is not None:
        return {}
    target = await ctx.target(vm)
    reading = ctx.dbc.tasks.logs(target, vm.task, "tail", node_log.LINES)
    try:
        page = await unless_late(ctx.services.clock, _PATIENCE, reading)
    except BotError:
        return {}
    return {} if page is None or page.may_lack_some else node_log.before(page.lines)
