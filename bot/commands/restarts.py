"""What is read before a machine's power is changed, to tell afterwards what came of it."""

from collections.abc import Awaitable, Callable, Mapping
from functools import partial

from bot.commands.disk_preconditions import no_copy_under_way
from bot.dbc.errors import DbcError
from bot.dbc.models import Phase, TaskDetail
from bot.model import Machine, Noted
from bot.pipeline.context import Context
from bot.pipeline.glance import glance
from bot.reviews.policy import GROWTH
from bot.watches.observers import node_log


async def before_start(ctx: Context, vm: Machine, **_other: object) -> dict[str, str]:
    """Its state now, if it is told at once; refuses a machine whose disk is being copied."""
    await no_copy_under_way(ctx, vm)
    at, detail = ctx.now.isoformat(), await _detail_now(ctx, vm)
    return {**_state(detail, at), **_growth(detail)}


async def noting_state(ctx: Context, vm: Machine, change: Callable[[], Awaitable[None]]) -> None:
    """Carry out a change; what the machine's state was just before is learnt where it fails."""
    at, detail = ctx.now.isoformat(), await _detail_now(ctx, vm)
    try:
        await change()
    except DbcError as error:
        error.learnt = {**error.learnt, **_state(detail, at)}
        raise


async def _detail_now(ctx: Context, vm: Machine) -> TaskDetail | None:
    """The machine's details; None where the node does not tell at once."""
    return await glance(
        ctx, vm.node, partial(ctx.dbc.tasks.get, await ctx.use_session(vm), vm.task)
    )


def _state(detail: TaskDetail | None, at: str) -> dict[str, str]:
    """The machine's state, and when it was read."""
    return {} if detail is None else {Noted.WAS: str(detail.status), Noted.LOOKED_AT: at}


def _growth(detail: TaskDetail | None) -> dict[str, str]:
    """How many GPUs the machine would take by running; nothing where nobody knows."""
    if detail is None or detail.gpu_count is None:
        return {}
    return {GROWTH: "0" if detail.phase is Phase.ON else str(detail.gpu_count)}


async def before_restart(ctx: Context, vm: Machine, **_other: object) -> dict[str, str]:
    """Where the log ends now, and what it would take; refuses one whose disk is being copied."""
    await no_copy_under_way(ctx, vm)
    grows: dict[str, str] = {}
    if ctx.services.reviews.reviewers.rules.budget:  # else it does not matter, and costs a request
        grows = _growth(await _detail_now(ctx, vm))
    return {**grows, **await log_before(ctx, vm)}


async def log_before(ctx: Context, vm: Machine, **_other: object) -> Mapping[str, str]:
    """Where the node's log about the machine ends now; nothing if that cannot be read at once."""
    target, at = await ctx.use_session(vm), ctx.now.isoformat()
    read = partial(ctx.dbc.tasks.logs, target, vm.task, "tail", node_log.LINES)
    page = await glance(ctx, vm.node, read)
    if page is None or page.may_lack_some:
        return {}
    return {**node_log.before(page.lines), Noted.LOOKED_AT: at}
