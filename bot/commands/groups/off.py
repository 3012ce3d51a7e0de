"""What must be true of a machine before its disks are touched (docs/dbc-api.md §3.3, §6)."""

from bot.commands.context import Context
from bot.dbc.identity import Target
from bot.dbc.models import Phase, TaskDetail
from bot.errors import Conflict
from bot.model import Goal, Machine

_ON_DISKS = frozenset({Goal.DISK_ADDED, Goal.DISK_GROWN, Goal.DISK_DELETED, Goal.SNAPSHOT})


async def must_be_off(ctx: Context, target: Target, vm: Machine, what: str) -> TaskDetail:
    """The machine's details; Conflict unless it is off and none of its disks is being worked on.

    An error status is passed on: the node looks at the power, not at the status (§4.2).
    """
    detail = await ctx.dbc.tasks.get(target, vm.task)
    if detail.phase not in {Phase.OFF, Phase.FAILED}:
        raise Conflict(
            f"{vm.label} is “{detail.status}”; {what} only while it is off.",
            hint=f"Shut it down first: vm shutdown {vm.label}. On DBC that cuts the power, so shut "
            "the guest down from inside before.",
            field="vm",
        )
    async with ctx.services.store.read() as tx:
        watches = await tx.watches.open()
    if any(w.task == vm.task and w.goal in _ON_DISKS for w in watches):
        raise Conflict(
            f"A disk of {vm.label} is still being worked on.",
            hint="Wait for its end. See: watch list",
            field="vm",
        )
    return detail
