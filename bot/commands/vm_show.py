"""A machine as it is now, or as it was last known."""

from typing import Annotated

from bot.commands import vm_details
from bot.commands.order_notes import ending
from bot.dbc.errors import (
    DbcError,
    StrangeCode,
    Unreadable,
    says_unrented,
)
from bot.dbc.models import said_state
from bot.dbc.reasons import COPIES
from bot.language.args import Vm
from bot.language.kind import Arg
from bot.language.kinds import FLAG
from bot.messages import machine_buttons
from bot.model import DbcSession, Machine, Source
from bot.pipeline import json_data
from bot.pipeline.context import Context
from bot.pipeline.ended import ended_of
from bot.pipeline.formatting import (
    deletion,
    lamp,
)
from bot.pipeline.machine_looks import look_at
from bot.pipeline.rights import may_press
from bot.reply import (
    Para,
    Part,
    Reply,
    bold,
    line,
    say,
    sentences,
)

Retry = Annotated[
    bool, Arg(say("Retry"), FLAG, say("Retry a node that is not responding now"), "retry")
]
Reveal = Annotated[
    bool,
    Arg(
        say("Reveal"),
        FLAG,
        say("Its button shows the passwords, to you alone"),
        "reveal",
        pressed=True,
    ),
]


async def show(ctx: Context, vm: Vm, retry: Retry = False, reveal: Reveal = False) -> Reply:
    """Show a machine's state, how to connect, its disks and ports; only you see the answer."""
    # A typed answer may stay where others come to read it: a click is answered to whoever clicked.
    reveal = reveal and ctx.source is Source.BUTTON
    node = await ctx.services.inventory.node_by_id(vm.node)
    session = await ctx.services.sessions.use(ctx.actor, node, ctx.place.channel)
    if retry:
        ctx.dbc.ask_again(node.id)
    try:
        detail = await look_at(ctx, vm, keeps_all=True)
    except DbcError as problem:
        is_known = problem.passes or isinstance(problem, Unreadable | StrangeCode)
        if not is_known and not says_unrented(problem):
            raise
        return await _as_last_known(ctx, vm, session, problem, reveal=reveal)
    if reveal:
        return vm_details.revealed(vm, node, detail)
    ended = (await ended_of(ctx.services, [session])).answered
    may = ended.narrowed(may_press(ctx.services, ctx.actor, ctx.place.channel))
    parts: list[Part] = [
        Para(
            line(
                say(
                    "{machine} on {node}  {status}",
                    machine=bold(vm.label),
                    node=bold(node.label),
                    status=lamp(detail.status),
                )
            )
        ),
        *vm_details.all_of(vm, detail),
        machine_buttons.beside(
            vm.node,
            vm.task,
            detail.status,
            reveals=vm_details.has_passwords(detail),
            may=may,
        ),
    ]
    summary = say(
        "{machine} on {node}: {state}",
        machine=vm.label,
        node=node.label,
        state=said_state(detail.status),
    )
    data = json_data.detail(vm, node, detail, vm_details.connection_data(detail))
    paying = await ctx.services.orders.concerned.paying(ended.told, vm, detail.rent_order)
    parts += await ending(ctx.services, ended, ctx.actor, paying)
    return Reply(summary, tuple(parts), private=True, data=data)


async def _as_last_known(
    ctx: Context, vm: Machine, session: DbcSession, problem: DbcError, *, reveal: bool
) -> Reply:
    """A machine that its node does not show now, with what is known of its order."""
    node = await ctx.services.inventory.node_by_id(vm.node)
    problem.named(node.label)
    (vm,) = await ctx.services.inventory.moments([vm])
    known = await ctx.services.last_known.find(session, vm.task)
    ended = await ended_of(ctx.services, [session])
    if says_unrented(problem):
        ended = ended.refused_by(node.id)
    may = ended.narrowed(may_press(ctx.services, ctx.actor, ctx.place.channel))
    is_sure = ended.deleted.get((vm.node, vm.task))
    if says_unrented(problem) and not is_sure:
        problem.hint = sentences((problem.hint, COPIES))
    gone = () if is_sure is None else deletion(is_sure=is_sure)
    shown = vm_details.as_last_known(vm, node, known, problem, may, reveal=reveal, gone=gone)
    number = known.detail.rent_order if known is not None else ""
    paying = await ctx.services.orders.concerned.paying(ended.told, vm, number)
    return shown.also(*await ending(ctx.services, ended, ctx.actor, paying))
