"""How much is open and how old it is: figures for metrics and the doctor, no content."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import and_, func, select

from bot.model import ApprovalStatus, ExecutionStatus, WatchState
from storage.repositories.repository import Repository
from storage.tables import DUE, approvals, executions, messages, watches

# A watch that is due is looked at within a second or two; one that is looked at slowly is not late.
LATE = timedelta(seconds=60)
# As the index of what is due has it: the table grows, the index does not.
_WANTED = and_(DUE, messages.c.delivered < messages.c.version)
_OPEN = tuple(one for one in ExecutionStatus if not one.is_end)


@dataclass(frozen=True, slots=True)
class Figures:
    """How much is open. What is oldest is None where there is nothing."""

    watches_open: int
    watches_overdue: int
    watch_due: datetime | None  # of the one that is the most overdue
    messages_due: int
    message_oldest: datetime | None  # of those that nobody has seen yet
    approvals_waiting: int
    approval_oldest: datetime | None
    commands_open: dict[str, int]


class FigureReader(Repository):
    """Counts."""

    async def read(self, now: datetime) -> Figures:
        """What is open at this moment; each count goes by an index of what is open."""
        open_, due = watches.c.state == WatchState.OPEN, watches.c.next_poll_at
        watched = (
            await self._connection.execute(
                select(func.count(), func.min(due)).select_from(watches).where(open_)
            )
        ).one()
        overdue = await self._connection.scalar(
            select(func.count()).select_from(watches).where(open_, due < now - LATE)
        )
        wanted = await self._connection.scalar(
            select(func.count()).select_from(messages).where(_WANTED)
        )
        unseen = and_(_WANTED, messages.c.delivered == 0, messages.c.told_in.is_(None))
        oldest = await self._connection.scalar(
            select(func.min(messages.c.created_at)).where(unseen)
        )
        waiting = (
            await self._connection.execute(
                select(func.count(), func.min(approvals.c.created_at)).where(
                    approvals.c.status == ApprovalStatus.PENDING
                )
            )
        ).one()
        by_status = await self._connection.execute(
            select(executions.c.status, func.count())
            .where(executions.c.status.in_(_OPEN))
            .group_by(executions.c.status)
        )
        return Figures(
            watches_open=watched[0],
            watches_overdue=overdue or 0,
            watch_due=watched[1],
            messages_due=wanted or 0,
            message_oldest=oldest,
            approvals_waiting=waiting[0],
            approval_oldest=waiting[1],
            commands_open={str(one): 0 for one in _OPEN} | {row[0]: row[1] for row in by_status},
        )
