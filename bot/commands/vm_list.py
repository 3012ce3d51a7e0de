"""The list of machines: all nodes at once, or one; by state, in an order, page by page."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Annotated

from bot.commands.order_notes import ending
from bot.dbc.errors import NodeTimeout
from bot.dbc.models import Phase, phase_of
from bot.errors import Refused
from bot.ids import NodeId
from bot.language.args import OnNode
from bot.language.kind import Arg
from bot.language.kinds import CHOICE
from bot.language.row_parts import Listing
from bot.language.table import Command
from bot.messages.access_cards import ask_button
from bot.messages.ways import OPEN_FORM
from bot.model import DbcSession, Node
from bot.pipeline.context import Context
from bot.pipeline.ended import ended_of
from bot.pipeline.formatting import (
    heading,
    is_silent,
    node_part,
    retry_buttons,
)
from bot.pipeline.patience import LIMIT, waiting_after
from bot.pipeline.rights import may_press
from bot.reply import (
    Button,
    Note,
    Para,
    Phrase,
    Reply,
    Rows,
    command,
    line,
    listed,
    say,
    sentences,
)
from bot.services.listing import NodeListing

# Nodes that answer in time are shown before the silent ones are, which are named as such at last.
_FIRST_ANSWER = timedelta(seconds=2)
_ALL_ANSWERS = LIMIT - _FIRST_ANSWER - timedelta(seconds=1)

_PHASES = {
    "running": Phase.ON,
    "off": Phase.OFF,
    "asleep": Phase.ASLEEP,
    "busy": Phase.BUSY,
    "failed": Phase.FAILED,
}
# What needs somebody comes first.
_URGENCY = (Phase.FAILED, Phase.UNKNOWN, Phase.BUSY, Phase.ON, Phase.ASLEEP, Phase.OFF)

State = Annotated[
    str,
    Arg(
        say("State"),
        CHOICE,
        say("Only machines in this state"),
        "off",
        choices=tuple(_PHASES),
        labels=(say("Running"), say("Switched off"), say("Asleep"), say("Busy"), say("Failed")),
    ),
]
Sort = Annotated[
    str,
    Arg(
        say("Sort by"),
        CHOICE,
        say("By node, unless you say otherwise; by age, the newest come first"),
        "state",
        choices=("node", "name", "state", "age"),
        labels=(say("Node"), say("Name"), say("State"), say("Age")),
        positional=False,
    ),
]


async def list_machines(
    ctx: Context, node: OnNode | None = None, state: State = "", sort: Sort = "node"
) -> Reply:
    """List your machines on all nodes at once, or on one."""
    sessions = await _sessions(ctx, node)
    listings = await _listings(ctx, sessions)
    none: tuple[Phrase, ...] = ()
    if state:
        listings = [one for each in listings if (one := _only(each, _PHASES[state]))]
    seen = [machine for each in listings for machine in each.machines]
    if state and not seen:
        if not listings:
            return Reply.empty(say("None of your machines is in this state: {state}.", state=state))
        none = (say("None of the machines that were read is in this state: {state}.", state=state),)
    gpus = await ctx.services.last_known.gpus(seen)
    ended = await ended_of(ctx.services, sessions)
    may = ended.narrowed(may_press(ctx.services, ctx.actor, ctx.place.channel))
    parts = [node_part(each, gpus, may, ended.deleted) for each in listings]
    if sort != "node":
        parts = _in_order(parts, listings, sort)
    silent = [each.node for each in listings if is_silent(each.problem)]
    takes_new = ended.takes_new([one.node for one in sessions])
    create = [Button(say("Create a machine"), OPEN_FORM, "vm.create")] if takes_new else []
    soon = await ending(ctx.services, ended, ctx.actor)
    summary = sentences((*none, heading(listings)))
    paras = tuple(Para(line(one)) for one in none)
    return Reply(summary, (*paras, *parts, *retry_buttons(silent, *create), *soon))


async def _sessions(ctx: Context, node: Node | None) -> list[DbcSession]:
    """The sessions to list with. Raises Refused where there is none."""
    hidden = await ctx.hidden()
    sessions = await ctx.services.inventory.sessions(ctx.actor, ctx.place.channel, hidden=hidden)
    if node is not None:
        sessions = [session for session in sessions if session.node == node.id]
    if not sessions and hidden:
        raise Refused(say("The rules here let you list no node for which you have a session."))
    if not sessions:
        raise no_access(node)
    return sessions


def no_access(node: Node | None) -> Refused:
    """What who has no session is told, for one node or at all, with the way to ask for one."""
    refusal = Refused(
        say("You have no access to {node} yet.", node=node.label)
        if node
        else say("You have no node access yet."),
        hint=line(say("Add one with: {command}", command=command("session add"))),
    )
    refusal.offers = (ask_button(node.id if node else NodeId("")),)
    return refusal


async def _listings(ctx: Context, sessions: Sequence[DbcSession]) -> list[NodeListing]:
    """What each node lists; those that cannot be listed come last."""
    asked = {
        asyncio.ensure_future(ctx.services.inventory.list_node(session)): session
        for session in sessions
    }
    waiting = await waiting_after(ctx.services.clock, _FIRST_ANSWER, asked)
    if waiting:
        labels = [await ctx.services.inventory.label(asked[task].node) for task in waiting]
        early = [node_part(task.result()) for task in asked if task not in waiting]
        # It may stand above the answer for good (decision 0008), so it has to stay true.
        told = say(
            "{nodes} did not answer within {seconds} s. The whole list follows.",
            nodes=listed(labels), seconds=round(_FIRST_ANSWER.total_seconds()),
        )  # fmt: skip
        note = Note(line(told))
        await ctx.meanwhile(Reply(say("Machines so far"), (*early, note)))
        waiting = await waiting_after(ctx.services.clock, _ALL_ANSWERS, asked)
    listings = [
        await _given_up(ctx, asked[task]) if task in waiting else task.result() for task in asked
    ]
    listings.sort(key=lambda listing: (listing.problem is not None, listing.node.label))
    return listings


def _only(listing: NodeListing, phase: Phase) -> NodeListing | None:
    """A node's machines in one state; None where there is nothing to say then."""
    there = tuple(machine for machine in listing.machines if phase_of(machine.status) is phase)
    return replace(listing, machines=there) if there or listing.problem is not None else None


def _in_order(parts: Sequence[Rows], listings: Sequence[NodeListing], sort: str) -> list[Rows]:
    """All rows in one list, each with its node; below it, what cannot be listed."""
    found = [
        (machine, replace(row, text=line(row.text, " · ", listing.node.label)))
        for part, listing in zip(parts, listings, strict=True)
        for machine, row in zip(listing.machines, part.rows, strict=True)
    ]
    found.sort(key=lambda one: one[0].label.casefold())
    if sort == "state":
        found.sort(key=lambda one: _URGENCY.index(phase_of(one[0].status)))
    elif sort == "age":
        found.sort(key=lambda one: one[0].created, reverse=True)
    troubles = [
        replace(part, rows=())
        for part, listing in zip(parts, listings, strict=True)
        if listing.problem is not None
    ]
    return [Rows(tuple(row for _, row in found)), *troubles]


async def _given_up(ctx: Context, session: DbcSession) -> NodeListing:
    """The listing of a node that was waited for as long as people were told."""
    node = await ctx.services.inventory.node_by_id(session.node)
    inventory = ctx.services.inventory
    known = await inventory.moments(await inventory.machines(session.user))
    machines = tuple(machine for machine in known if machine.node == node.id)
    return NodeListing(node, machines, NodeTimeout())


COMMAND = Command(
    "list", list_machines, example="vm list state=off sort=age", synonyms=("ls",),
    lists=Listing.MACHINES, chinese="列表 列出 清单", does=say("List machines"),
)  # fmt: skip
