"""What a review begins with: what it covers, how long it is open, when it is reminded of."""

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime, timedelta

from bot.ids import ApprovalId, UserId, new_id
from bot.model import Approval, Execution, Fact, ReviewKind
from bot.reviews.explained import explained
from bot.reviews.policy import Decision

CONFIRM_EXPIRES = timedelta(minutes=10)  # by the person who is at the keyboard
APPROVE_EXPIRES = timedelta(hours=1)
_AFTERWARDS_EXPIRES = timedelta(days=3650)  # broken glass is never forgotten
FIRST_REMINDER = timedelta(minutes=10)
SLOWEST_REMINDER = timedelta(days=1)
_MOST_DOUBLINGS = 20  # of a pause between reminders: more of them no time can hold


def begun(
    execution: Execution,
    decision: Decision,
    kind: ReviewKind,
    shown: Mapping[str, Fact],
    now: datetime,
) -> Approval:
    """A fresh review of `execution`, covering exactly what is `shown`."""
    is_mine = kind is ReviewKind.CONFIRM
    return Approval(
        id=ApprovalId(new_id()),
        execution=execution.id,
        kind=kind,
        binding=binding(execution),
        shown=explained(shown, decision, kind),
        reviewer=UserId(execution.actor if is_mine else ""),
        created_at=now,
        expires_at=now + lasts(kind, decision),
        needed=decision.approvals if kind is ReviewKind.APPROVE else 1,
        denials=decision.denials,
        self_approval=decision.self_approval and kind is ReviewKind.APPROVE,
        type_name=decision.type_name and kind is ReviewKind.APPROVE,
        remind_at=None if is_mine else now + (decision.remind or FIRST_REMINDER),
    )


def lasts(kind: ReviewKind, decision: Decision) -> timedelta:
    """How long a review of this kind is open by the rules."""
    return {
        ReviewKind.CONFIRM: decision.expires or CONFIRM_EXPIRES,
        ReviewKind.APPROVE: decision.expires or APPROVE_EXPIRES,
        ReviewKind.AFTERWARDS: _AFTERWARDS_EXPIRES,
    }[kind]


def pause_after(first: timedelta, reminders: int) -> timedelta:
    """The pause after so many reminders: 10, 20, 40 … minutes where no rule says the first."""
    doubled = first * (1 << min(reminders, _MOST_DOUBLINGS))
    return min(doubled, max(first, SLOWEST_REMINDER))


def binding(execution: Execution) -> str:
    """A hash of what is asked: command, arguments and target. Any difference voids a review."""
    asked = [
        execution.command,
        sorted(execution.arguments.items()),
        execution.node,
        execution.task,
    ]
    return hashlib.sha256(json.dumps(asked).encode()).hexdigest()
