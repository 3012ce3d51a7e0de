"""The answer to a second request for what is open already: by whom, where, and how to run both."""

from contextlib import suppress

from bot.messages import cards
from bot.model import Execution, ExecutionStatus
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
    plain,
    time,
)

AGAIN = "request.again"  # the button's value is the id of the request that was not added

_STANDS = {
    ExecutionStatus.RECORDED: "is about to run",
    ExecutionStatus.WAITING: "is pending",
    ExecutionStatus.DONE: "is done",
}


async def told(services: Services, execution: Execution, first: Execution) -> Reply:
    """Tell the second requester about the first request, and how to repeat it all the same."""
    mine = first.actor == execution.actor
    who: Line = line("You have") if mine else line(mention(first.actor), " has")
    stands = _STANDS.get(first.status, "is in progress")
    label = await services.inventory.label(first.node)
    subject = cards.Subject(first.label, first.task, label)
    row = services.table.spoken_of(first.command)
    what = row.asked(first.known, subject)
    said = line(who, " already requested this, ", time(first.created_at), ": ", what)
    where = await _where(services, first)
    shown = line(emoji("information_source"), " ", said, f". It {stands}", where, ".")
    return Reply(
        plain(line(said, f". It {stands}.")),
        (
            Para(shown),
            Note(line("Yours was not added, so that it is done once.")),
            Actions((Button("Request it a second time", AGAIN, execution.id),)),
        ),
        private=True,
    )


async def _where(services: Services, first: Execution) -> Line:
    """A link to the open card, where it is posted and Slack says where that is."""
    async with services.store.read() as tx:
        card = await tx.messages.find(cards.card_key(first.id))
    if card is not None and card.ref is not None:
        with suppress(DeliveryFailed):
            return line(", see ", link("its message", await services.messenger.link(card.ref)))
    return ()
