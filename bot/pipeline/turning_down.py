"""What is turned down before it is sent: its end, and what others and its requester read."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import structlog

from bot.errors import (
    AGAIN,
    NOTHING_DONE,
    ONCE_MORE,
    BotError,
    advice,
    from_error,
    recorded,
)
from bot.language.table import Table
from bot.messages import alone, cards
from bot.messages.cards import Subject
from bot.messages.outbox import Outbox
from bot.model import Approval, Execution, ExecutionStatus, ReviewKind
from bot.pipeline.context import Services
from bot.pipeline.endings import Endings
from bot.pipeline.failing import ENDS, failure
from bot.pipeline.joined import is_question, join, joinable, told
from bot.pipeline.joining import SameRequest
from bot.pipeline.readable import offered_again
from bot.ports import Answer
from bot.reply import Actions, Button, Line, Reply, line
from storage import UnitOfWork

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class _Words:
    """What others read, who have not seen what was asked for, and what its requester reads.

    The requester reads `joined` where the card of the first such request shows them.
    """

    others: Line
    unjoined: Reply
    joined: Reply
    advice: Line
    again: tuple[Button, ...]


class Refusal:
    """Closes what nothing was sent of, and tells it."""

    def __init__(self, services: Services, outbox: Outbox, endings: Endings) -> None:
        self._services = services
        self._store = services.store
        self._clock = services.clock
        self._outbox = outbox
        self._endings = endings

    async def turn_down(self, execution: Execution, error: BotError, answer: Answer) -> None:
        """Nothing was sent: close the entry, and say so where it was seen, or to the requester."""
        log.info("execution.refused", execution=execution.id, why=error.sentence)
        now = self._clock.now()
        async with self._store.read() as tx:
            approval = await tx.approvals.for_execution(execution.id)
        was_asked = approval is not None and approval.kind is not ReviewKind.AFTERWARDS
        end = ExecutionStatus.VOIDED if was_asked else ExecutionStatus.REFUSED
        first = None
        if isinstance(error, SameRequest):
            first = await joinable(self._services, execution, error.first)
        words = await _words(self._services, execution, error, end, approval)
        async for attempt in self._store.attempts():
            async with attempt as tx:
                if not await tx.executions.set_status(
                    execution.id,
                    end,
                    outcome=recorded(error),
                    now=now,
                    expect={ExecutionStatus.RECORDED, ExecutionStatus.WAITING},
                ):
                    return
                is_shown = first is not None and await join(tx, first, execution, now)
                reply = words.joined if is_shown else words.unjoined
                if approval is not None and was_asked:
                    await tx.approvals.void(approval.id, now)
                seen = await self._show(tx, execution, end, approval, words, now)
                # Whoever requested what is open already may still have it done twice.
                is_alone = not seen or isinstance(error, SameRequest)
                if is_alone:
                    await self._endings.keep(tx, execution, reply)
        if is_alone:
            if is_question(reply):
                answer.leave_question()
            await self._endings.say(execution, answer, reply)
        await self._outbox.deliver_due()

    async def _show(
        self,
        tx: UnitOfWork,
        execution: Execution,
        end: ExecutionStatus,
        approval: Approval | None,
        words: _Words,
        now: datetime,
    ) -> bool:
        """Show the end where it was seen; whether others see it there."""
        if await self._endings.is_public(tx, execution):
            by_others = approval is not None and not approval.reviewer
            waited = by_others or bool(execution.behind)
            await self._endings.show(
                tx, execution, end, words.others, words.advice, announced=waited, offers=words.again
            )
            return True
        if approval is not None:
            over = cards.ended(execution, end, words.others)
            await alone.show(tx, approval, execution, over, now)
        return False


async def _words(
    services: Services,
    execution: Execution,
    error: BotError,
    end: ExecutionStatus,
    approval: Approval | None,
) -> _Words:
    again = _again(services.table, execution, end, error)
    hint = _advice(error, again)
    subject, sentence = await _failed(services, execution, error)
    if approval is not None:
        sentence = await services.reviews.questions.not_done(approval, execution, error.words)
    if isinstance(error, SameRequest):
        return _Words(sentence, *await told(services, execution, error.first), hint, again)
    reply = from_error(error)
    if subject.label or subject.node_label or end is ExecutionStatus.VOIDED:
        offers = again or error.offers
        below = (Actions(offers),) if offers else ()
        status = end if end is ExecutionStatus.VOIDED else ENDS[error.severity]
        ended = cards.alone(status, sentence, *cards.hint(hint), *below)
        reply = replace(ended, fault=reply.fault)
    return _Words(sentence, reply, reply, hint, again)


def _again(
    table: Table, execution: Execution, end: ExecutionStatus, error: BotError
) -> tuple[Button, ...]:
    """The way to request it again, where what stopped it passes."""
    can_go_on = end is ExecutionStatus.VOIDED and error.passes
    return offered_again(table, execution) if can_go_on else ()


def _advice(error: BotError, offers: Sequence[Button]) -> Line:
    """What to do about it, below a sentence that says that it was not done.

    What a button does needs no words.
    """
    if error.hint == ONCE_MORE:
        return () if offers else line(AGAIN)
    return () if error.hint == NOTHING_DONE else advice(error)


async def _failed(
    services: Services, execution: Execution, error: BotError
) -> tuple[Subject, Line]:
    """What it was about, as far as that was found out, and that it was refused."""
    async with services.store.read() as tx:
        execution = await tx.executions.get(execution.id)
    command = services.table.spoken_of(execution.command)
    node = await services.inventory.label(execution.node) if execution.node else ""
    subject = Subject(execution.label, execution.task, node)
    return subject, failure(command, execution.known, subject, error)
