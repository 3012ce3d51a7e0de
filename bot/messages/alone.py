"""What its requester alone confirms is asked of them alone, where they typed.

Slack keeps no such message: an app can neither edit nor find it. So the question is a row for
their direct messages as well, which counts as delivered once it was said where they typed; where
that failed, it comes directly. Nothing of it stands in the channel before it runs, and what never
ran is told to the requester alone.
"""

from collections.abc import Sequence
from datetime import datetime

from bot.ids import ExecutionId, UserId
from bot.messages import board, cards
from bot.model import Approval, Execution, ExecutionStatus, Place, ReviewKind
from bot.reply import Actions, Button, Line, Note, Part, Reply, command, dump, line, say
from storage import UnitOfWork


def is_asked_alone(kind: ReviewKind, execution: Execution) -> bool:
    """Whether only its requester is asked; in direct messages nobody else reads the card anyway."""
    return kind is ReviewKind.CONFIRM and execution.place.is_channel


def question_key(execution_id: ExecutionId, requester: UserId) -> str:
    """The key of the question: it is the requester's own copy of the card."""
    return f"{cards.card_key(execution_id)}:{requester}"


def to_be_found(card: Reply) -> Reply:
    """The question as it is said where they typed: it is gone there once Slack is reloaded."""
    found = say("Also in my Home tab and in {command}.", command=command("approval list"))
    return card.also(Note(line(found)))


async def ask(
    tx: UnitOfWork, execution: Execution, card: Reply, now: datetime, not_before: datetime
) -> None:
    """Store the question; `not_before` then does it come directly, if it was not said by then."""
    key, place = question_key(execution.id, execution.actor), Place.direct(execution.actor)
    await tx.messages.put(key, place, dump(card), now, not_before=not_before)


async def was_answered(tx: UnitOfWork, approval: Approval) -> None:
    """Send the question no more: it is over."""
    if approval.kind is ReviewKind.CONFIRM:
        await tx.messages.was_said(question_key(approval.execution, approval.reviewer))


async def is_unseen(tx: UnitOfWork, approval: Approval, execution: Execution) -> bool:
    """Whether nobody but its requester has seen anything of it.

    A former version, and a replica that is still one, has put the question into the channel.
    """
    if not is_asked_alone(approval.kind, execution):
        return False
    return await tx.messages.find(cards.card_key(execution.id)) is None


async def show(
    tx: UnitOfWork, approval: Approval, execution: Execution, card: Reply, now: datetime
) -> None:
    """Let the question say `card` where it can be edited, in the unit of work of what it tells."""
    if await is_unseen(tx, approval, execution):
        await board.show_copies(tx, execution, card, now)
    else:
        await board.show_card(tx, execution, card, now)


async def end(
    tx: UnitOfWork,
    approval: Approval,
    execution: Execution,
    end: ExecutionStatus,
    sentence: Line,
    *below: Part,
    now: datetime,
    is_told: bool = True,
    offers: Sequence[Button] = (),
) -> None:
    """Say on the question that nothing is done, and tell the requester; not if they did it.

    `offers` is what they can do about it.
    """
    unseen = await is_unseen(tx, approval, execution)
    await was_answered(tx, approval)
    await show(tx, approval, execution, cards.ended(execution, end, sentence), now)
    if not is_told:
        return
    if offers:
        below = (*below, Actions(tuple(offers)))
    if unseen:
        told = cards.alone(end, sentence, *below)
        key, place = cards.private_key(execution.id), Place.direct(execution.actor)
        await tx.messages.put(key, place, dump(told), now)
        return
    told = cards.announcement(execution, end, sentence, *below)
    await board.tell_end(tx, execution, cards.end_key(execution.id), told, now, is_news=False)
