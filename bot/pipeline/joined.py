"""The answer to a second request for what is open already: by whom, where, and how to run both."""

from contextlib import suppress

from bot.language.table import Command
from bot.language.terms import in_full
from bot.messages import alone, cards
from bot.messages.machine_buttons import AGAIN
from bot.model import ApprovalStatus, Execution, ExecutionStatus
from bot.pipeline.context import Services
from bot.ports import DeliveryFailed
from bot.reply import (
    Actions,
    Button,
    Line,
    Note,
    Para,
    Reply,
    emoji,
    line,
    link,
    mention,
    say,
    sentences,
    time,
)

_STANDS = {
    ExecutionStatus.RECORDED: say("It is about to run."),
    ExecutionStatus.WAITING: say("It is pending."),
    ExecutionStatus.DONE: say("It is done."),
}
_IN_PROGRESS = say("It is in progress.")


async def told(services: Services, execution: Execution, first: Execution) -> Reply:
    """Tell the second requester about the first request, and how to repeat it all the same."""
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
        return asked.also(Note(line(already)), _second(execution))
    said = sentences((already, stands, await _where(services, first)))
    once = say("Yours was not added, so that it is done once.")
    return Reply(
        sentences((said, once)),
        (
            Para(line(emoji("information_source"), " ", said)),
            *in_full(row, first),
            Note(line(once)),
            _second(execution),
        ),
        private=True,
    )


def _second(execution: Execution) -> Actions:
    return Actions((Button(say("Request it a second time"), AGAIN, execution.id),))


async def _asked_again(services: Services, first: Execution) -> Reply | None:
    """The question that only its requester is asked, while it is open: they may have lost it."""
    async with services.store.read() as tx:
        approval = await tx.approvals.for_execution(first.id)
        if approval is None or approval.status is not ApprovalStatus.PENDING:
            return None
        if not await alone.is_unseen(tx, approval, first):
            return None
    return await services.reviews.card(approval)


def wanted(command: Command, execution: Execution, subject: cards.Subject) -> Line:
    """What was requested, as far as it was read what that means."""
    if command.look is not None and not execution.facts:
        return line(say("{what}: {subject}", what=command.called, subject=subject.named))
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
