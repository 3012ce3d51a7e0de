"""Approvals: what waits for whom, one of them in full, and taking one's own back."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Annotated, Any

from bot.commands.home_access import asked_of
from bot.errors import NotFound, Refused
from bot.ids import UserId
from bot.language.kind import Arg, Kind
from bot.language.kinds import APPROVAL, DECISION, REQUEST
from bot.language.table import Command, Group
from bot.messages import ways
from bot.messages.alone import is_unseen as is_unseen_by_others
from bot.messages.decisions import withdrawn
from bot.messages.question import identifiers
from bot.messages.question import subject_of as review_subject
from bot.messages.review_cards import CANCEL, key_of
from bot.messages.turn_cards import WITHDRAW
from bot.model import (
    Approval,
    ApprovalStatus,
    Effect,
    Execution,
    Place,
    ReviewKind,
    VoteState,
)
from bot.pipeline import queued
from bot.pipeline.context import Context, Services
from bot.pipeline.formatting import short
from bot.pipeline.queued import Queued, queued_for
from bot.pipeline.waiting import Waiting, decisions_of, requests_of, voted_on, waiting_for
from bot.ports import DeliveryFailed, RightsUnknown
from bot.reply import (
    Button,
    Line,
    Part,
    Reply,
    Row,
    Rows,
    Text,
    bold,
    code,
    command,
    line,
    mention,
    say,
    time,
)


def _which(kind: Kind) -> Arg:
    return Arg(say("Approval"), kind, say("Its number, or the beginning of it"), "7a9Qx2Lk")


Which = Annotated[str, _which(APPROVAL)]
Own = Annotated[str, _which(REQUEST)]
Decided = Annotated[str, _which(DECISION)]


async def list_approvals(ctx: Context) -> Reply:
    """List pending approvals, and changes that wait for others of the same machine."""
    try:
        found = await waiting_for(ctx.services, ctx.actor, ctx.place.channel)
    except RightsUnknown:  # it is begun again once Slack says who may decide
        raise
    except DeliveryFailed as failed:
        raise _silent(failed) from failed
    in_line = await queued_for(ctx.services, ctx.actor, ctx.place.channel)
    async with ctx.services.store.read() as tx:
        voted = await voted_on(tx, ctx.actor, ctx.services.clock.now())
    known = {one.approval.id for one in found}
    voted = [one for one in voted if one.approval.id not in known]
    asked = await asked_of(ctx.services, ctx.actor)
    if not found and not in_line and not voted:
        return Reply.empty(say("No pending approvals."), private=True).also(*asked)
    sections: tuple[tuple[Text, Sequence[Waiting | Queued]], ...] = (
        (say("For you to decide"), [w for w in found if w.for_me and not w.is_glass]),
        (say("Yours"), [w for w in found if w.is_mine and not w.for_me and not w.is_glass]),
        (say("Break-glass changes to review"), [w for w in found if w.is_glass]),
        (say("You voted, waiting for others"), voted),
        (say("Waiting for other changes of the machine"), in_line),
    )
    parts: list[Part] = []
    for head, some in sections:
        if some:
            rows = [await _row(ctx, one) for one in some]
            parts.append(Rows(tuple(rows), line(bold(head))))
    return Reply(say("Pending approvals"), (*parts, *asked), private=True)


def _menu(one: Waiting | Queued, actor: UserId) -> tuple[Button, ...]:
    """What can be done with it: what is decided is decided on its card, which says all of it."""
    if isinstance(one, Queued):
        is_mine = one.execution.actor == actor
        return (Button(say("Withdraw"), WITHDRAW, one.execution.id),) if is_mine else ()
    opens = ways.to_approval(one.approval)
    if not one.is_mine or one.is_glass:
        return (opens,)
    return (opens, Button(say("Withdraw"), CANCEL, one.approval.id))


async def _row(ctx: Context, one: Waiting | Queued) -> Row:
    if isinstance(one, Queued):
        told = await queued.told(ctx.services, one)
        return Row(told, await queued.data_of(ctx.services, one), _menu(one, ctx.actor))
    approval, execution = one.approval, one.execution
    node = await ctx.services.inventory.label(execution.node) if execution.node else ""
    row = ctx.services.table.spoken_of(execution.command)
    subject = review_subject(approval, execution, node)
    until = say("expires {time}", time=time(approval.expires_at))
    if one.is_glass:
        until = say("ran {time}, without approval", time=time(approval.created_at))
    shown = line(
        code(short(approval.id)),
        " ",
        row.asked(execution.known, subject),
        identifiers(approval, execution, node),
        " · ",
        say("requested by {user}", user=mention(execution.actor)),
        " · ",
        until,
    )
    data = {**await _data(ctx, approval, execution), "for_me": one.for_me}
    return Row(shown, data, _menu(one, ctx.actor))


async def _data(ctx: Context, approval: Approval, execution: Execution) -> dict[str, Any]:
    """What a list and a card say by name."""
    node = await ctx.services.inventory.label(execution.node) if execution.node else None
    return {
        "id": approval.id,
        "command": ctx.services.table.spoken_of(execution.command).title,
        "machine": execution.label or None,
        "task": execution.task or None,
        "node": node,
        "node_id": execution.node or None,
        "asked_by": execution.actor,
        "asked_at": execution.created_at,
        "status": str(approval.status),
        "review": str(approval.kind),
        "approvals_needed": approval.needed,
        "expires_at": approval.expires_at,
    }


async def show(ctx: Context, approval: Which) -> Reply:
    """Show an approval: what it covers, who decided, and its buttons."""
    found = await _seen_by(ctx, await _named(ctx, approval))
    async with ctx.services.store.read() as tx:
        found, key = await tx.approvals.get(found.id), key_of(found)
        card = await tx.messages.find(key)
        execution = await tx.executions.get(found.execution)
        votes = await tx.votes.of(found.id)
    data = {
        **await _data(ctx, found, execution),
        "arguments": _typed(ctx.services.table.spoken_of(execution.command), execution.arguments),
        "joined": [
            {
                "user": one.user,
                "reason": None if one.is_apart else one.reason or None,
                "joined_at": one.at,
            }
            for one in found.joined
        ],
        "votes": [
            {
                "user": vote.user,
                "verdict": str(vote.verdict),
                "reason": vote.reason or None,
                "voted_at": vote.at,
            }
            for vote in votes
            if vote.state is VoteState.COUNTED
        ],
    }
    # What only its requester decides is answered in its place.
    is_asked = found.status is ApprovalStatus.PENDING and found.kind is not ReviewKind.CONFIRM
    copy_of = (key, card.version if card is not None else 0) if is_asked else None
    return replace(
        await ctx.services.reviews.questions.card(found, ctx.actor), data=data, copy_of=copy_of
    )


def _typed(row: Command, arguments: Mapping[str, str]) -> dict[str, Any]:
    """The arguments as values: numbers as numbers."""
    return {
        name: found.arg.read(name, text) if (found := row.parameter(name)) else text
        for name, text in arguments.items()
    }


async def _some_to_cancel(services: Services, user: UserId, _place: Place) -> None:
    """Raise NotFound for who has no request that is pending."""
    async with services.store.read() as tx:
        if not await requests_of(tx, user, services.clock.now()):
            raise NotFound(say("You have no pending request."), hint=_see_list())


async def _some_to_withdraw(services: Services, user: UserId, _place: Place) -> None:
    """Raise NotFound for who has no vote and no request that is pending."""
    async with services.store.read() as tx:
        if not await decisions_of(tx, user, services.clock.now()):
            told = say("You have no pending request, and no vote on one.")
            raise NotFound(told, hint=_see_list())


def _see_list() -> Line:
    return line(say("See: {command}", command=command("approval list")))


async def cancel(ctx: Context, approval: Own) -> Reply:
    """Withdraw your own request while it is pending."""
    async with ctx.services.store.read() as tx:
        mine = [one.approval for one in await requests_of(tx, ctx.actor, ctx.services.clock.now())]
    matching = [one for one in mine if one.id.startswith(approval)]
    if not matching:
        # Somebody else's, or one that is over: the reviews know the answer, and record it.
        matching = [await _named(ctx, approval)]
    return await _cancelled(ctx, _only(approval, matching))


async def _cancelled(ctx: Context, approval: Approval) -> Reply:
    taken_back = await ctx.services.reviews.cancel(approval.id, ctx.actor)
    await ctx.services.reviews.close(taken_back)
    return Reply.of(say("You withdrew your request. Nothing was done."), private=True)


async def withdraw(ctx: Context, approval: Decided) -> Reply:
    """Withdraw your vote on a pending request, or your own request."""
    found = await _named(ctx, approval)
    if await _is_own_request(ctx, found):
        return await _cancelled(ctx, found)
    await ctx.services.reviews.withdraw(found.id, ctx.actor, ctx.services.clock.now())
    await ctx.services.reviews.deliver()
    return withdrawn()


async def _is_own_request(ctx: Context, approval: Approval) -> bool:
    """Whether the request is all that this person could withdraw: they have no vote on it."""
    async with ctx.services.store.read() as tx:
        execution = await tx.executions.get(approval.execution)
        voted = approval.id in await tx.votes.counted_of(ctx.actor)
    is_request = approval.kind is not ReviewKind.AFTERWARDS
    return is_request and execution.actor == ctx.actor and not voted


async def _named(ctx: Context, number: str) -> Approval:
    async with ctx.services.store.read() as tx:
        return _only(number, await tx.approvals.named(number))


def _only(number: str, found: list[Approval]) -> Approval:
    if not found:
        raise NotFound(
            say("No approval has the number “{id}”.", id=number),
            hint=_see_list(),
        )
    if len(found) > 1:
        raise Refused(
            say("“{id}” is the beginning of several.", id=number),
            hint=say("Type more of it."),
        )
    return found[0]


async def _seen_by(ctx: Context, approval: Approval) -> Approval:
    """It, if this person may see it: its people, and those who saw it where it was asked."""
    async with ctx.services.store.read() as tx:
        execution: Execution = await tx.executions.get(approval.execution)
        voters = {vote.user for vote in await tx.votes.of(approval.id)}
        is_unseen = await is_unseen_by_others(tx, approval, execution)
    if ctx.actor == execution.actor or ctx.actor in voters:
        return approval
    if ctx.place.channel == execution.place.channel and not is_unseen:
        return approval
    try:
        reviewers = ctx.services.reviews.reviewers
        if approval.status is ApprovalStatus.PENDING and await reviewers.may_decide(
            approval, execution, ctx.actor, ctx.place.channel
        ):
            return approval
    except RightsUnknown:
        raise
    except DeliveryFailed as failed:
        raise _silent(failed) from failed
    raise NotFound(say("You can see only what you asked for, may decide on, or was asked here."))


def _silent(failed: DeliveryFailed) -> Refused:
    return Refused(
        say("Slack did not say who may decide ({reason}).", reason=failed.reason),
        hint=say("Try again in a minute."),
    )


GROUP = Group(
    "approval",
    say("Pending approvals"),
    (
        Command(
            "list",
            list_approvals,
            example="approval list",
            synonyms=("ls",),
            chinese="列表 列出",
            does=say("List pending approvals"),
        ),
        Command(
            "show",
            show,
            example="approval show 7a9Qx2Lk",
            chinese="查看 详情",
            does=say("Show an approval"),
        ),
        Command(
            "cancel",
            cancel,
            Effect.CHANGE,
            "approval cancel 7a9Qx2Lk",
            opens=_some_to_cancel,
            asks=say("Cancel the request {approval}"),
            loses=say("The request, with the decisions on it."),
            chinese="取消 撤回申请",
            does=say("Withdraw a request"),
            button=say("Withdraw"),
        ),
        Command(
            "withdraw",
            withdraw,
            Effect.CHANGE,
            "approval withdraw 7a9Qx2Lk",
            opens=_some_to_withdraw,
            asks=say("Withdraw your vote or request: {approval}"),
            loses=say("Your vote or, where you have none, your request."),
            chinese="撤回",
            does=say("Withdraw vote/request"),
            button=say("Withdraw"),
        ),
    ),
)
