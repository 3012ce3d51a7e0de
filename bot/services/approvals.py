"""Reviews: what disrupts or destroys waits for a click that covers exactly what was shown."""

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.ids import new_id
from bot.model import Approval, ApprovalStatus, Execution
from storage import UnitOfWork

EXPIRES_AFTER = timedelta(minutes=10)  # a confirmation by the person who is at the keyboard


def binding(execution: Execution) -> str:
    """A hash of what a card shows: command, arguments and target. Any difference voids a review."""
    shown = [
        execution.command,
        sorted(execution.arguments.items()),
        execution.node,
        execution.task,
    ]
    return hashlib.sha256(json.dumps(shown).encode()).hexdigest()


def ask(execution: Execution, now: datetime) -> Approval:
    """A confirmation by the requester; the same record that a review by others uses."""
    return Approval(
        new_id(), execution.id, binding(execution), execution.actor, now, now + EXPIRES_AFTER
    )


@dataclass(frozen=True, slots=True)
class Decision:
    """What a click came to: whether it won, and the review as it is now."""

    approval: Approval
    won: bool
    why_not: str = ""


async def decide(
    tx: UnitOfWork, approval_id: str, status: ApprovalStatus, user: str, now: datetime
) -> Decision | None:
    """Let `user` decide; one conditional update says who won. None for an unknown id."""
    approval = await tx.approvals.find(approval_id)
    if approval is None:
        return None
    if user != approval.reviewer:
        return Decision(approval, won=False, why_not="not yours")
    won = await tx.approvals.resolve(approval_id, status, by=user, now=now)
    return Decision(await tx.approvals.get(approval_id), won)
