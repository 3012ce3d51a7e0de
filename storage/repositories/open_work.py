"""What is open, by kind: asked in one statement, so that nothing else is asked where nothing is."""

from enum import StrEnum

from sqlalchemy import ColumnElement, and_, exists, literal_column, or_, select

from bot.model import AccessState, ApprovalStatus, ExecutionStatus, VoteState, WatchState
from storage.repositories.repository import Repository
from storage.tables import (
    COPIED,
    DUE,
    access_requests,
    approvals,
    executions,
    messages,
    session_shares,
    votes,
    watches,
)


class Open(StrEnum):
    """What somebody may have to go on with, now or at a time to come."""

    COMMAND = "command"  # recorded or running
    REVIEW = "review"
    CLICK = "click"  # on a review, not counted yet
    WATCH = "watch"
    MESSAGE = "message"  # to be posted or edited, or to be looked for
    COPY = "copy"  # of a message, which may have been posted twice
    SHARE = "share"  # of a session, with an end
    ACCESS = "access request"


_is_at_work = or_(
    executions.c.status == ExecutionStatus.RECORDED, executions.c.status == ExecutionStatus.RUNNING
)
# By columns that have an index for it, or of tables that stay small.
_CONDITIONS: dict[Open, ColumnElement[bool]] = {
    Open.COMMAND: _is_at_work,
    Open.REVIEW: approvals.c.status == ApprovalStatus.PENDING,
    Open.CLICK: votes.c.state == VoteState.PENDING,
    Open.WATCH: watches.c.state == WatchState.OPEN,
    Open.MESSAGE: DUE,
    Open.COPY: and_(COPIED, messages.c.ref_ts.is_not(None)),
    Open.SHARE: session_shares.c.ends_at.is_not(None),
    Open.ACCESS: access_requests.c.state == AccessState.OPEN,
}
_ONE: ColumnElement[int] = literal_column("1")
_ALL = select(
    *(exists(select(_ONE).where(one)).label(kind.name) for kind, one in _CONDITIONS.items())
)


class OpenWork(Repository):
    """Tells what there is to do, whoever has it in hand and whenever it is due."""

    async def kinds(self) -> frozenset[Open]:
        """The kinds of which something is open."""
        found = (await self._connection.execute(_ALL)).one()
        return frozenset(kind for kind, is_open in zip(_CONDITIONS, found, strict=True) if is_open)
