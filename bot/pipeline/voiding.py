"""Closes an open question of which nothing can come any more, and says why."""

from collections.abc import Sequence
from datetime import datetime

from bot.ids import UserId
from bot.messages import alone, cards
from bot.model import Approval, ApprovalStatus, Execution, ExecutionStatus
from bot.reply import Line, Words
from storage import UnitOfWork


async def void(
    tx: UnitOfWork,
    approval: Approval,
    execution: Execution,
    sentence: Line,
    now: datetime,
    *,
    outcome: Words,
    by: Sequence[str] = (),
    hint: Line = (),
) -> bool:
    """End the question and its execution; False where it is not open any more.

    `outcome` is for the ledger, and names nobody; `by` is whose doing it is.
    """
    end = ExecutionStatus.VOIDED
    if not await tx.approvals.resolve(approval.id, ApprovalStatus.VOID, by=UserId(""), now=now):
        return False
    await tx.executions.set_status(
        execution.id,
        end,
        outcome=outcome,
        decided_by=by,
        now=now,
        expect={ExecutionStatus.WAITING},
    )
    await alone.end(tx, approval, execution, end, sentence, *cards.hint(hint), now=now)
    return True
