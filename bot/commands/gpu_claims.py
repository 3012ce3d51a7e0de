"""GPUs of machines that are off: they count as free, and whose they were cannot start without them.

A machine starts with the GPUs that it has and no others (docs/dbc-api.md §3.2.6), and a node gives
out those of a machine that is off as if they were nobody's.
"""

from collections.abc import Mapping, Sequence

from bot.commands.taken import Looks, machines_seen
from bot.dbc.errors import NoCapacity
from bot.dbc.models import NodeInfo, Phase, TaskDetail, phase_of
from bot.errors import BotError
from bot.ids import TaskId
from bot.language.row_parts import Caution, Foreseen
from bot.messages import machine_buttons
from bot.model import Machine, Node
from bot.pipeline.context import Context
from bot.pipeline.formatting import gpus
from bot.pipeline.rights import may_press
from bot.reply import Button, Line, Phrase, all_of, bold, line, say, say_number

_MOST = 10  # machines that are looked at: a node answers one by one
_LABEL = 40  # characters of a name on a button
_OFFERED = 2  # machines that may be shut down by a button
_FREES = frozenset({Phase.OFF, Phase.FAILED})

Held = Sequence[tuple[Machine, int]]


async def losing_gpus(
    ctx: Context, node: Node, wanted: int, info: NodeInfo, looks: Looks
) -> Foreseen:
    """Which machines that are off could not start any more beside a new one with so many GPUs.

    It is no more than a caution: what cannot be read in time is told to be so.
    """
    off = [
        one
        for one in await machines_seen(ctx)
        if one.node == node.id and phase_of(one.status) is Phase.OFF
    ]
    if not wanted or not off:
        return Foreseen()
    found = await looks.at_all(off[:_MOST])
    held = await _held_off(ctx, node, off, found)
    untold = _unread(len(off) - len(found))
    left = None
    if info.gpu is not None and info.gpu.gpu_count is not None:
        left = info.gpu.gpu_count - (info.gpu.gpu_used or 0) - wanted
    surely = [one for one in held if left is not None and one[1] > left]
    perhaps = [one for one in held if one not in surely]
    cautions: list[Caution] = []
    if surely:
        cautions.append(Caution(_surely(_off(surely)), _surely(_counted(surely))))
    if perhaps:
        told, in_public = (_perhaps(one, node) for one in (_off(perhaps), _counted(perhaps)))
        cautions.append(Caution(told, in_public))
    return Foreseen(untold=untold, cautions=tuple(cautions))


def _surely(machines: Line) -> Phrase:
    return say(
        "{machines} cannot start again while this machine runs: too few GPUs are left.",
        machines=machines,
    )


def _perhaps(machines: Line, node: Node) -> Phrase:
    return say(
        "{machines} might not be able to start again while this machine runs: {node} "
        "counts the GPUs of machines that are off as free.",
        machines=machines, node=bold(node.label),
    )  # fmt: skip


def _counted(held: Held) -> Line:
    """`2 machines that are off, with 3 GPUs,`, for whoever may not see them."""
    told = say_number(
        "{number} machine that is off, with {gpus},",
        "{number} machines that are off, with {gpus},",
        len(held),
        gpus=gpus(sum(count for _, count in held)),
    )
    return line(told)


def _unread(left: int) -> tuple[Phrase, ...]:
    if left <= 0:
        return ()
    told = say_number(
        "The GPUs of {number} machine that is off could not be read.",
        "The GPUs of {number} machines that are off could not be read.",
        left,
    )
    return (told,)


async def _held_off(
    ctx: Context, node: Node, off: Sequence[Machine], found: Mapping[TaskId, TaskDetail | None]
) -> Held:
    """Those that are off now and have GPUs; of another rent order, they are not given to this."""
    session = await ctx.services.sessions.require(ctx.actor, node, ctx.place.channel)
    held: list[tuple[Machine, int]] = []
    for one in off:
        detail = found.get(one.task)
        if detail is None or detail.phase is not Phase.OFF or not detail.gpu_count:
            continue
        orders = {detail.rent_order, session.rent_order}
        if "" in orders or len(orders) == 1:
            held.append((one, detail.gpu_count))
    return held


async def holders(
    ctx: Context, refusal: BotError, *, vm: Machine, **_others: object
) -> NoCapacity | None:
    """A refusal for lack of GPUs with the machines that have some, for whoever may see them.

    None where not all of them could be read: it may well be one of the others.
    """
    if not isinstance(refusal, NoCapacity) or refusal.field != "gpu_count":
        return None
    others = [
        one
        for one in await machines_seen(ctx)
        if one.node == vm.node and one.task != vm.task and phase_of(one.status) not in _FREES
    ]
    held = await _held_on(ctx, others)
    if held is None:
        return None
    told = say("The GPUs of {machine} are not free.", machine=bold(vm.label))
    hint = say("You can see no machine that has GPUs there. Ask whoever else rents the node.")
    if held:
        told = say(
            "The GPUs of {machine} are not free. Machines that have GPUs there: {machines}.",
            machine=bold(vm.label), machines=_named(held),
        )  # fmt: skip
        hint = say("Shut one down and start this one again, or change how many GPUs this one has.")
    explained = NoCapacity(
        told, hint=line(hint), field=refusal.field, mode=refusal.mode, dbc_text=refusal.dbc_text
    )
    explained.offers = _offers(ctx, vm, held)
    return explained


def _offers(ctx: Context, vm: Machine, held: Held) -> tuple[Button, ...]:
    may = may_press(ctx.services, ctx.actor, ctx.place.channel)
    buttons = [
        machine_buttons.button(
            "shutdown", one.node, one.task, say("Shut down {machine}", machine=one.label[:_LABEL])
        )
        for one, _ in held[:_OFFERED]
        if may("shutdown", one.node, one.task)
    ]
    if may("modify", vm.node, vm.task):
        buttons.append(machine_buttons.button("modify", vm.node, vm.task))
    return tuple(buttons)


async def _held_on(ctx: Context, others: Sequence[Machine]) -> Held | None:
    """Those that have GPUs now; None unless all of them could be read."""
    if len(others) > _MOST:
        return None
    found = await Looks(ctx).at_all(others)
    if len(found) < len(others):
        return None
    held: list[tuple[Machine, int]] = []
    for one in others:
        detail = found[one.task]
        if detail is not None and detail.phase not in _FREES and detail.gpu_count:
            held.append((one, detail.gpu_count))
    return held


def _off(held: Held) -> Line:
    """`train-01 (off, 2 GPUs) and inference (off, 1 GPU)`."""
    return all_of(
        line(say("{machine} (off, {gpus})", machine=bold(one.label), gpus=gpus(count)))
        for one, count in held
    )


def _named(held: Held) -> Line:
    """`train-01 (2 GPUs) and inference (1 GPU)`."""
    return all_of(
        line(say("{machine} ({gpus})", machine=bold(one.label), gpus=gpus(count)))
        for one, count in held
    )
