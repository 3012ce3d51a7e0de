"""Removes what has had its time: messages, clicks and watches of what ended long ago.

The ledger, its reviews with the votes that counted, and the audit with the messages that it points
at stay for ever. So do used nonces: a node forgets its own when it restarts (docs/dbc-api.md §2.3),
so that an old signature would count again.
"""

from collections.abc import Collection
from datetime import datetime, timedelta

from sqlalchemy import and_, delete, func, not_, or_, select, union, update

from bot.model import ApprovalStatus, VoteState, WatchState
from storage.repositories.message_rows import MANY, WANTED
from storage.repositories.repository import Repository, at, is_free
from storage.tables import (
    HAS_DIGEST,
    approvals,
    audit,
    executions,
    kept_machines,
    messages,
    silences,
    votes,
    watches,
)

# What is told once a month: `budget:<budget and month>` (`bot.orders.budgets`).
_MONTHLY, _A_MONTH = "budget:", timedelta(days=31)
# An edit that has been tried in vain so often is tried for as long as there is a content.
_DELIVERABLE = and_(WANTED, or_(messages.c.ref_ts.is_(None), messages.c.attempts < MANY))
_EPISODES = silences.c.episode, kept_machines.c.episode, kept_machines.c.port_episode


class Leftovers(Repository):
    """A part at a time, so that nobody who writes meanwhile waits long."""

    async def forget_messages(
        self, before: datetime, now: datetime, *, after: str, limit: int
    ) -> tuple[str, int]:
        """Look at up to `limit` messages from before that moment, those after the id `after`.

        Gives the last id looked at ("" at the end) and how many were forgotten. Those that are
        still to be delivered stay, those about something that has not ended long before, and what
        is told once a month for that month; one that can no longer be edited goes all the same. Of
        those that the audit points at, only the content goes: where they stand in Slack stays.
        """
        rows = await self._connection.execute(
            select(messages.c.id, messages.c.key)
            .where(
                messages.c.id > after,
                messages.c.created_at < before,
                messages.c.content != "",
                not_(_DELIVERABLE),
                or_(
                    not_(messages.c.key.startswith(_MONTHLY)),
                    messages.c.created_at < now - _A_MONTH,
                ),
                is_free(messages),
            )
            .order_by(messages.c.id)
            .limit(limit),
            at(now),
        )
        # `card:<execution>:<user>`, `remind:<review>:<number>`, `outage:<episode>.<channel>`, …
        about = {row.id: _subject(row.key) for row in rows}
        kept = await self._kept(set(about.values()), before)
        over = [message for message, subject in about.items() if subject not in kept]
        # Not what somebody has just given something new to say.
        gone = messages.c.id.in_(over), not_(_DELIVERABLE)
        audited = messages.c.key.in_(
            select(audit.c.message).where(audit.c.execution.in_(set(about.values())))
        )
        emptied = await self._connection.execute(
            update(messages).where(*gone, audited).values(content="", abandoned=messages.c.version)
        )
        removed = await self._connection.execute(delete(messages).where(*gone, not_(audited)))
        count = emptied.rowcount + removed.rowcount
        return (max(about) if len(about) == limit else "", count)

    async def forget_votes(self, before: datetime, limit: int) -> int:
        """Remove up to `limit` clicks that did not count, on reviews that were over before.

        Says how many. Those that counted are the review's outcome, and stay with it.
        """
        ended = func.coalesce(approvals.c.decided_at, approvals.c.expires_at)
        found = (
            select(votes.c.key)
            .join(approvals, approvals.c.id == votes.c.approval)
            .where(
                approvals.c.status != ApprovalStatus.PENDING,
                ended < before,
                votes.c.state == VoteState.REFUSED,
            )
            .limit(limit)
        )
        rows = await self._connection.execute(delete(votes).where(votes.c.key.in_(found)))
        return rows.rowcount

    async def forget_watches(self, before: datetime, limit: int) -> int:
        """Remove up to `limit` watches of what ended before; says how many."""
        found = (
            select(watches.c.id)
            .join(executions, executions.c.id == watches.c.execution)
            .where(
                watches.c.state != WatchState.OPEN,
                watches.c.started_at < before,
                executions.c.finished_at < before,
            )
            .limit(limit)
        )
        rows = await self._connection.execute(delete(watches).where(watches.c.id.in_(found)))
        return rows.rowcount

    async def forget_digests(self, before: datetime, limit: int) -> int:
        """Forget by what the secrets of what ended before are known again; says of how many."""
        found = (
            select(executions.c.id)
            .where(HAS_DIGEST, executions.c.finished_at < before)
            .limit(limit)
        )
        rows = await self._connection.execute(
            update(executions).where(executions.c.id.in_(found)).values(digest=None)
        )
        return rows.rowcount

    async def _kept(self, subjects: Collection[str], before: datetime) -> frozenset[str]:
        """Those of these executions and reviews that are open, or were not long ago; and what
        was told of nodes and machines whose end must still be told in its thread.
        """
        pending = approvals.c.status == ApprovalStatus.PENDING
        late = or_(executions.c.finished_at.is_(None), executions.c.finished_at >= before)
        recent = executions.c.id.in_(subjects), late
        unreviewed = approvals.c.execution.in_(subjects), pending
        followed = watches.c.execution.in_(subjects), watches.c.state == WatchState.OPEN
        rows = await self._connection.execute(
            union(
                select(executions.c.id).where(*recent),
                select(approvals.c.execution).where(*unreviewed),
                select(approvals.c.id).where(approvals.c.id.in_(subjects), pending),
                select(watches.c.execution).where(*followed),
                *(select(one).where(one.in_(subjects)) for one in _EPISODES),
            )
        )
        return frozenset(rows.scalars())


def _subject(key: str) -> str:
    """What a message is about, by its key."""
    return key.split(":")[1].partition(".")[0] if ":" in key else ""
