"""The answer to a second request for what is open already: by whom, where, and how to run both."""

from contextlib import suppress
from dataclasses import replace
from datetime import datetime

from bot.language.args import REASON
from bot.language.table import Command
from bot.language.terms import in_full
from bot.messages import alone, board, cards, review_cards
from bot.messages.machine_buttons import SECOND
from bot.messages.question import Question
from bot.model import ApprovalStatus, Execution, ExecutionStatus, Joined, ReviewKind
from bot.pipeline.context import Services
from bot.ports import DeliveryFailed
from bot.reply import (
    Actions,
    Button,
    Line,
    Note,
    Para,
    Phrase,
    Reply,
    emoji,
    line,
    link,
    mention,
    say,
    sentences,
    time,
)
from storage import UnitOfWork

_STANDS = {
    ExecutionStatus.RECORDED: say("It is about to run."),
    ExecutionStatus.WAITING: say("It is pending."),
    ExecutionStatus.DONE: say("It is done."),
}
_IN_PROGRESS = say("It is in progress.")


async def joinable(services: Services, execution: Execution, first: Execution) -> Question | None:
    """The question that the first request waits for, where others have to know of the second.

    Whoever decides goes by who wants it and why. Not where the same person says nothing new.
    """
    async with services.store.read() as tx:
        approval = await tx.approvals.for_execution(first.id)
    if approval is None or approval.status is not ApprovalStatus.PENDING:
        return None
    reason = execution.arguments.get(REASON, "")
    is_news = execution.actor != first.actor or reason not in {"", first.arguments.get(REASON, "")}
    if approval.kind is not ReviewKind.APPROVE or not is_news:
        return None
    return await services.reviews.questions.of(approval, first)


async def join(tx: UnitOfWork, first: Question, execution: Execution, now: datetime) -> bool:
    """Show on the first request's card who requested the second, and why; in the audit as well.

    Says whether the card shows it: not where the first was decided meanwhile, or its card is full.
    """
    reason = execution.arguments.get(REASON, "")
    joined = Joined(
        execution.actor, now, reason, bool(reason) and _is_apart(execution, first.execution)
    )
    approval = await tx.approvals.join(first.approval.id, joined)
    if approval is None:
        return False
    if approval.joined != first.approval.joined:
        votes = await tx.votes.of(approval.id)
        card = review_cards.question(replace(first, approval=approval, votes=votes))
        await board.show_card(tx, first.execution, card, now)
    return True


def is_question(reply: Reply) -> bool:
    """Whether it asks the second requester what the first request waits for."""
    actions = (part for part in reply.parts if isinstance(part, Actions))
    return any(one.action == review_cards.CONFIRM for part in actions for one in part.buttons)


def _is_apart(execution: Execution, first: Execution) -> bool:
    """Whether the second is made where others read along than where the card stands."""
    return execution.place.channel != first.place.channel


async def told(services: Services, execution: Execution, first: Execution) -> tuple[Reply, Reply]:
    """Tell the second requester about the first request, and how to repeat it all the same.

    Two replies: where the first one's card does not say that they want it, too, and where it does.
    """
    mine = first.actor == execution.actor
    stands = _STANDS.get(first.status, _IN_PROGRESS)
    if first.behind and first.status is ExecutionStatus.RECORDED:
        stands = say("It waits for another change of the machine.")
    label = await services.inventory.label(first.node)
    subject = cards.Subject(first.label, first.task, label)
    row = services.table.spoken_of(first.command)
    what = wanted(row, first, subject)
    at = time(first.created_at)
    already = say(
        "{user} has already requested this, {time}: {request}.",
        user=mention(first.actor),
        time=at,
        request=what,
    )
    if mine:
        already = say("You have already requested this, {time}: {request}.", time=at, request=what)
    if mine and (asked := await _asked_again(services, first)) is not None:
        reply = asked.also(Note(line(already)), _second(execution))
        return reply, reply
    said = sentences((already, stands, await _where(services, first)))
    blocks = (Para(line(emoji("information_source"), " ", said)), *in_full(row, first))
    joined = say("It is done once. Its card now says that you want it, too.")
    if execution.arguments.get(REASON):
        joined = _joined_why(mine=mine, is_apart=_is_apart(execution, first))
    apart, shown = (
        Reply(
            sentences((said, once)),
            (*blocks, Note(line(once)), _second(execution)),
            private=True,
        )
        for once in (say("Yours was not added, so that it is done once."), joined)
    )
    return apart, shown


def _joined_why(*, mine: bool, is_apart: bool) -> Phrase:
    """What has become of the reason of a second request."""
    if is_apart and mine:
        return say("It is done once. Only its approvers read this reason.")
    if is_apart:
        return say(
            "It is done once. Its card now says that you want it, too; only its approvers read why."
        )
    if mine:
        return say("It is done once. Its card now has this reason, too.")
    return say("It is done once. Its card now says that you want it, too, and why.")


def _second(execution: Execution) -> Actions:
    return Actions((Button(say("Request it a second time"), SECOND, execution.id),))


async def _asked_again(services: Services, first: Execution) -> Reply | None:
    """The question that only its requester is asked, while it is open: they may have lost it."""
    async with services.store.read() as tx:
        approval = await tx.approvals.for_execution(first.id)
        if approval is None or approval.status is not ApprovalStatus.PENDING:
            return None
        if not await alone.is_unseen(tx, approval, first):
            return None
    return await services.reviews.questions.card(approval)


def wanted(command: Command, execution: Execution, subject: cards.Subject) -> Line:
    """What was requested, as far as it was read what that means."""
    if command.look is not None and not execution.facts:
        return cards.doing(command.called, subject)
    return command.asked(execution.known, subject)


async def _where(services: Services, first: Execution) -> Line:
    """A link to the open card, where it is posted and Slack says where that is."""
    async with services.store.read() as tx:
        card = await tx.messages.find(cards.card_key(first.id))
    if card is not None and card.ref is not None:
        with suppress(DeliveryFailed):
            card_link = link(say("Its message"), await services.messenger.link(card.ref))
            return line(say("{what}.", what=card_link))
    return ()
