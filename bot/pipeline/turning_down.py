"""The words for what is turned down before it is sent: for others, and for its requester alone."""

from dataclasses import replace

from bot.errors import BotError, advice, fault_of, from_error
from bot.messages import cards
from bot.messages.cards import Subject
from bot.model import Approval, Execution, ExecutionStatus
from bot.pipeline.context import Services
from bot.pipeline.failing import failure
from bot.pipeline.joined import told
from bot.pipeline.joining import SameRequest
from bot.reply import Line, Reply


async def turned_down(
    services: Services,
    execution: Execution,
    error: BotError,
    end: ExecutionStatus,
    approval: Approval | None,
    *,
    was_begun: bool,
) -> tuple[Line, Reply]:
    """What others read, who have not seen what was asked for, and what its requester reads."""
    sentence = await _failed(services, execution, error)
    if approval is not None:
        sentence = await services.reviews.not_done(approval, execution, error.words)
    if isinstance(error, SameRequest):
        return sentence, await told(services, execution, error.first)
    if was_begun or end is ExecutionStatus.VOIDED:
        ended = cards.alone(end, sentence, *cards.hint(advice(error)))
        return sentence, replace(ended, fault=fault_of(error))
    return sentence, from_error(error)


async def _failed(services: Services, execution: Execution, error: BotError) -> Line:
    async with services.store.read() as tx:
        execution = await tx.executions.get(execution.id)
    command = services.table.spoken_of(execution.command)
    node = await services.inventory.label(execution.node) if execution.node else ""
    subject = Subject(execution.label, execution.task, node)
    return failure(command, execution.known, subject, error)
