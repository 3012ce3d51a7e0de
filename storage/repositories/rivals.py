"""Which executions may have done what another one was to do: a condition on the ledger's rows."""

from datetime import datetime

from sqlalchemy import ColumnElement, and_, or_, true

from bot.model import Execution, ExecutionStatus
from storage.tables import executions

_UNDER_WAY = (ExecutionStatus.RUNNING, ExecutionStatus.FOLLOWING)


def is_rival(
    of: Execution, since: datetime, unknown_since: datetime, *, of_any_command: bool
) -> ColumnElement[bool]:
    """Another one for the same machine, of the same command or of any, that had not ended at
    `since`, or was sent later. One that is unknown since `unknown_since` has not ended.
    """
    status, ended_at = executions.c.status, executions.c.finished_at
    return and_(
        true() if of_any_command else executions.c.command == of.command,
        executions.c.node == of.node,
        executions.c.task == of.task,
        executions.c.id != of.id,
        or_(
            status.in_(_UNDER_WAY),
            and_(status == ExecutionStatus.DONE, ended_at > since),
            and_(status == ExecutionStatus.UNKNOWN, ended_at >= unknown_since),
        ),
    )
