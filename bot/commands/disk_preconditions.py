"""What must be true of a machine before its disks are touched (docs/dbc-api.md §3.3, §6)."""

from bot.dbc.models import Phase, TaskDetail, said_state
from bot.errors import Conflict
from bot.language.text import quoted
from bot.model import Goal, Machine, Noted, Watch
from bot.pipeline.context import Context
from bot.pipeline.machine_looks import look_at
from bot.reply import Phrase, command, line, say
from bot.watches import late

_ON_DISKS = frozenset({Goal.DISK_ADDED, Goal.DISK_GROWN, Goal.DISK_DELETED, Goal.SNAPSHOT})


async def no_copy_under_way(ctx: Context, vm: Machine, **_other: object) -> dict[str, str]:
    """Refuse to start a machine whose disk is being copied: DBC would, and spoil the copy (§6)."""
    if any(watch.goal is Goal.SNAPSHOT for watch in await _under_way(ctx, vm)):
        raise Conflict(
            say("A snapshot of {machine} is being taken.", machine=vm.label),
            hint=say(
                "Start the machine once its disk is copied: the snapshot's message says when."
            ),
            field="vm",
        )
    return {}


async def _under_way(ctx: Context, vm: Machine) -> list[Watch]:
    """What works on the machine's disks; no snapshot whose upload has begun."""
    async with ctx.services.store.read() as tx:
        watches = await tx.watches.open(node=vm.node, task=vm.task)
    open_ = [watch for watch in watches if not late.is_late(watch)]
    mine = [watch for watch in open_ if watch.goal in _ON_DISKS]
    return [w for w in mine if Noted.PERCENT not in w.about and Noted.ENDED_AT not in w.about]


async def must_be_off(ctx: Context, vm: Machine, refusal: Phrase) -> TaskDetail:
    """The machine's details; Conflict unless it is off and none of its disks is being worked on.

    `refusal` says that `{machine}` is in a `{status}` in which this is not possible.

    An error status is passed on: the node looks at the power, not at the status (§4.2).
    """
    detail = await look_at(ctx, vm)
    if detail.phase not in {Phase.OFF, Phase.FAILED}:
        raise Conflict(
            refusal.filled({"machine": vm.label, "status": said_state(detail.status)}.__getitem__),
            hint=line(
                say(
                    "Shut it down first: {command}. On DBC that cuts the power, so shut "
                    "the guest down from inside before.",
                    command=command(f"vm shutdown {quoted(vm.label)}"),
                )
            ),
            field="vm",
        )
    if await _under_way(ctx, vm):
        raise Conflict(
            say("A disk of {machine} is still being worked on.", machine=vm.label),
            hint=line(say("Wait for its end. See: {command}", command=command("watch list"))),
            field="vm",
        )
    return detail
