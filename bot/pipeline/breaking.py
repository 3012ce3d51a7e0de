"""Breaks the glass: lets a change run without approval, loudly, for somebody to review it later."""

from collections.abc import Mapping
from datetime import datetime

import structlog

from bot.errors import Refused
from bot.ids import UserId
from bot.messages import board, decisions, glass_cards
from bot.messages.question import Question
from bot.model import Execution, Fact, Place, ReviewKind
from bot.pipeline.context import Services
from bot.pipeline.covered import require_glass
from bot.pipeline.joining import require_first
from bot.pipeline.questions import NOTHING_SEEN
from bot.pipeline.voiding import void
from bot.ports import DeliveryFailed
from bot.reply import Button, line, say
from bot.reviews.beginning import begun
from bot.reviews.policy import Decision
from storage import UnitOfWork

log = structlog.get_logger()


async def break_glass(
    services: Services, execution: Execution, decision: Decision, shown: Mapping[str, Fact]
) -> None:
    """Let it run without approval, and say so where it was asked for.

    The pending review that it was pressed on ends in the same unit of work: what that one asks for
    runs now. Raises SameRequest, and Refused where that review was decided before.
    """
    require_glass(decision)
    reviews = services.reviews
    people = await reviews.reviewers.others(execution, decision)
    approval = begun(execution, decision, ReviewKind.AFTERWARDS, shown, services.clock.now())
    question = await reviews.questions.of(approval, execution, decision, NOTHING_SEEN)
    replaced = question.instead
    told = glass_cards.broken_glass(question, people)
    place = execution.place if replaced is None else replaced.execution.place
    now, key = services.clock.now(), glass_cards.glass_key(execution.id)
    async with services.store.write() as tx:
        await require_first(tx, services.table[execution.command], execution, approval.kind, now)
        if replaced is not None:
            await _end(tx, replaced, execution.actor, now)
        await tx.approvals.add(approval)
        # In their own direct messages, whoever broke it reads it alone, and reviews nothing.
        own = told if place.is_channel else glass_cards.not_by(told, {glass_cards.REVIEWED})
        await board.tell(tx, execution, key, place, own, now)
        for user in people:
            await board.tell(tx, execution, f"{key}:{user}", Place.direct(user), told, now)
    log.warning("glass.broken", execution=execution.id, by=execution.actor)


async def offered(services: Services, execution: Execution) -> tuple[Button, ...]:
    """A button to run what nobody could approve, where the rules let its requester do that."""
    if services.table[execution.command].secrets:
        return ()
    try:
        decision = await services.reviews.reviewers.decision(execution, glass=True)
    except DeliveryFailed:
        return ()
    button = Button(say("Break glass …"), glass_cards.REFUSED, execution.id)
    return (button,) if decision.break_glass else ()


async def _end(tx: UnitOfWork, replaced: Question, actor: UserId, now: datetime) -> None:
    sentence = line(decisions.glass_broken(replaced, actor))
    why = say("Somebody broke the glass for it.")
    if not await void(
        tx, replaced.approval, replaced.execution, sentence, now, outcome=why, by=[actor]
    ):
        raise Refused(say("This has been decided already."))
