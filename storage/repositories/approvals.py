"""Reviews that executions wait for. Who may decide is not known here, only who decided first."""

import json
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import RowMapping, Select, and_, bindparam, exists, or_, select, update

from bot.clock import UNTOLD
from bot.errors import NotFound
from bot.ids import ApprovalId, ExecutionId, NodeId, TaskId, UserId
from bot.model import (
    CLICK_WAITS,
    Approval,
    ApprovalStatus,
    AuditKind,
    Fact,
    Joined,
    ReviewKind,
    VoteState,
)
from bot.reply import Words, keep, kept, plain, say
from storage.connection import OpenConnection
from storage.repositories.executions import Executions
from storage.repositories.mapper import Mapper, Row, one_of
from storage.repositories.repository import (
    FARTHEST_AHEAD,
    LIMIT,
    NOW,
    Repository,
    begins,
    claiming,
    is_word,
)
from storage.tables import approvals, executions, votes

MOST_JOINED = 10  # on one card, each with a reason
_COUNTING = timedelta(minutes=1)  # for a click that is late to be turned down first

DECISIONS = frozenset({ApprovalStatus.APPROVED, ApprovalStatus.DENIED})
_KINDS = {
    ApprovalStatus.APPROVED: AuditKind.APPROVED,
    ApprovalStatus.DENIED: AuditKind.DENIED,
    ApprovalStatus.CANCELLED: AuditKind.CANCELLED,
    ApprovalStatus.EXPIRED: AuditKind.EXPIRED,
    ApprovalStatus.VOID: AuditKind.VOIDED,
}
# Facts were once kept by the labels that cards show.
_FORMERLY = {"Present state": "state", "Disks": "disks", "Snapshots": "snapshots"}

_FIND = select(approvals).where(approvals.c.id == bindparam("one"))
_FIND_FOR = (
    select(approvals)
    .where(approvals.c.execution == bindparam("one"))
    .order_by(approvals.c.created_at.desc())
    .limit(1)
)

_IS_PENDING = approvals.c.status == ApprovalStatus.PENDING
_WAITS = exists().where(
    votes.c.approval == approvals.c.id,
    votes.c.state == VoteState.PENDING,
    votes.c.at < approvals.c.expires_at,
    votes.c.at > bindparam("waits_since"),
)
_EXPIRE = (
    claiming(
        approvals,
        [
            _IS_PENDING,
            approvals.c.expires_at <= NOW,
            ~_WAITS,
        ],
        approvals.c.expires_at,
        LIMIT,
    )
    .values(status=ApprovalStatus.EXPIRED)
    .returning(approvals)
)
_IS_SET_BACK = and_(
    approvals.c.created_at > bindparam("ahead"),
    or_(
        and_(approvals.c.reminders == 0, approvals.c.remind_at.is_not(None)),
        approvals.c.remind_at > bindparam("longest"),
    ),
)
_REMIND = (
    claiming(
        approvals,
        [_IS_PENDING, or_(approvals.c.remind_at <= NOW, _IS_SET_BACK)],
        approvals.c.remind_at,
        LIMIT,
    )
    .values(reminders=approvals.c.reminders + 1)
    .returning(approvals)
)
_IS_ASKED = and_(_IS_PENDING, approvals.c.kind == ReviewKind.APPROVE)
_OWN = executions.alias()
_BESIDE = (
    select(approvals)
    .join(executions, executions.c.id == approvals.c.execution)
    .join(_OWN, _OWN.c.id == bindparam("its_execution"))
    .where(
        _IS_ASKED,
        approvals.c.id != bindparam("one"),
        executions.c.node == _OWN.c.node,
        executions.c.task == _OWN.c.task,
        executions.c.task != "",
    )
    .order_by(approvals.c.created_at)
)
_BY_MACHINE = (
    select(approvals.c.id, executions.c.node, executions.c.task)
    .join(executions, executions.c.id == approvals.c.execution)
    .where(_IS_ASKED, executions.c.task != "")
)


class Approvals(Repository):
    """Reviews, pending and past. Whatever changes one is in the audit."""

    def __init__(self, connection: OpenConnection, executions: Executions) -> None:
        super().__init__(connection)
        self._executions = executions

    async def add(self, approval: Approval) -> None:
        """Store a new review."""
        await self._connection.execute(self._insert(approvals).values(_ROWS.write(approval)))
        afterwards = approval.kind is ReviewKind.AFTERWARDS
        await self._executions.note(
            approval.execution,
            AuditKind.BROKE_GLASS if afterwards else AuditKind.ASKED,
            approval.created_at,
            approval=approval.id,
            details={
                "review": str(approval.kind),
                "needed": approval.needed,
                "denials": approval.denials,
                "expires_at": self._executions.shown(approval.expires_at).isoformat(),
                "shown": _shown_written(approval.shown, plain),
                "binding": approval.binding,
            },
        )

    async def get(self, approval_id: ApprovalId) -> Approval:
        """The review, or `NotFound`."""
        approval = await self.find(approval_id)
        if approval is None:
            raise NotFound(say("That review does not exist."))
        return approval

    async def find(self, approval_id: ApprovalId) -> Approval | None:
        """The review, if there is one."""
        return await self._newest(_FIND, approval_id)

    async def for_execution(self, execution_id: ExecutionId) -> Approval | None:
        """The newest review that the execution waits or waited for."""
        return await self._newest(_FIND_FOR, execution_id)

    async def resolve(
        self, approval_id: ApprovalId, status: ApprovalStatus, *, by: UserId, now: datetime
    ) -> bool:
        """End a review; says whether this call did.

        Conditions, checked by one statement: it is PENDING and, to approve or deny, not past
        `expires_at`.
        """
        conditions = [
            approvals.c.id == approval_id,
            approvals.c.status == ApprovalStatus.PENDING,
        ]
        if status in DECISIONS:
            conditions.append(approvals.c.expires_at > now)
        rows = await self._connection.execute(
            update(approvals)
            .where(*conditions)
            .values(status=status, decided_by=by, decided_at=now)
            .returning(approvals)
        )
        return await self._ended(rows.mappings().one_or_none(), now)

    async def join(self, approval_id: ApprovalId, joined: Joined) -> Approval | None:
        """Note who has requested the same, and why: the review, where its card can show that.

        It is None where the review is no longer PENDING, and where as many as a card can show have
        joined it: then the audit alone has the reason. Nothing is noted twice.
        """
        rows = await self._connection.execute(
            select(approvals).where(approvals.c.id == approval_id, _IS_PENDING).with_for_update()
        )
        row = rows.mappings().one_or_none()
        known = () if row is None else from_row(row).joined
        said = {(one.user, one.reason) for one in known}
        is_known = (joined.user, joined.reason) in said
        if row is None or is_known:
            return from_row(row) if row else None
        is_shown = len(known) < MOST_JOINED
        if is_shown:
            changed = await self._connection.execute(
                update(approvals)
                .where(approvals.c.id == approval_id)
                .values(joined=_joined_written((*known, joined)))
                .returning(approvals)
            )
            row = changed.mappings().one()
        approval = from_row(row)
        await self._executions.note(
            approval.execution,
            AuditKind.JOINED,
            joined.at,
            actor=joined.user,
            approval=approval.id,
            reason=joined.reason,
        )
        return approval if is_shown else None

    async def show_anew(
        self, approval_id: ApprovalId, shown: Mapping[str, Fact], now: datetime
    ) -> Approval | None:
        """Note what its card shows from now on, of what nobody compares; None unless PENDING."""
        rows = await self._connection.execute(
            update(approvals)
            .where(approvals.c.id == approval_id, _IS_PENDING)
            .values(shown=_shown_written(shown, keep))
            .returning(approvals)
        )
        row = rows.mappings().one_or_none()
        if row is None:
            return None
        approval = from_row(row)
        details = {"shown": _shown_written(shown, plain)}
        await self._executions.note(
            approval.execution, AuditKind.SHOWN_ANEW, now, actor=UserId(""),
            approval=approval.id, details=details,
        )  # fmt: skip
        return approval

    async def void(self, approval_id: ApprovalId, now: datetime) -> bool:
        """What it covered is no longer what would be done; says whether it counted until now."""
        rows = await self._connection.execute(
            update(approvals)
            .where(
                approvals.c.id == approval_id,
                approvals.c.status.in_([ApprovalStatus.PENDING, ApprovalStatus.APPROVED]),
            )
            .values(status=ApprovalStatus.VOID)
            .returning(approvals)
        )
        return await self._ended(rows.mappings().one_or_none(), now, actor=UserId(""))

    async def claim_expired(self, now: datetime, limit: int) -> list[Approval]:
        """End up to `limit` reviews that nobody decided in time, and return those, oldest first.

        Conditions: PENDING, `expires_at` is reached, and no click made in time waits to be counted.
        """
        waits_since = now - CLICK_WAITS - _COUNTING
        rows = await self._connection.execute(
            _EXPIRE,
            {"its_now": now, "waits_since": waits_since, "decided_at": now, "its_limit": limit},
        )
        expired = rows.mappings().all()
        for row in expired:
            await self._ended(row, now)
        return sorted(map(from_row, expired), key=lambda approval: approval.expires_at)

    async def open(self) -> list[Approval]:
        """Everything that waits for somebody, oldest first."""
        rows = await self._connection.execute(
            select(approvals).where(_IS_PENDING).order_by(approvals.c.created_at)
        )
        return [from_row(row) for row in rows.mappings()]

    async def beside(self, approval: Approval) -> list[Approval]:
        """Others that wait to be approved for the same machine, oldest first."""
        rows = await self._connection.execute(
            _BESIDE, {"one": approval.id, "its_execution": approval.execution}
        )
        return [from_row(row) for row in rows.mappings()]

    async def by_machine(self) -> dict[tuple[NodeId, TaskId], frozenset[ApprovalId]]:
        """What waits to be approved, by the machine that it is about."""
        found: dict[tuple[NodeId, TaskId], set[ApprovalId]] = defaultdict(set)
        for row in (await self._connection.execute(_BY_MACHINE)).mappings():
            found[row["node"], row["task"]].add(row["id"])
        return {machine: frozenset(ids) for machine, ids in found.items()}

    async def named(self, beginning: str) -> list[Approval]:
        """Up to two reviews whose ids begin like this, newest first."""
        rows = await self._connection.execute(
            select(approvals)
            .where(begins(self._connection.dialect.name, approvals.c.id, beginning))
            .order_by(approvals.c.created_at.desc())
            .limit(2)
        )
        return [from_row(row) for row in rows.mappings()]

    async def claim_reminders(
        self, now: datetime, pause: timedelta, longest: timedelta, limit: int
    ) -> list[Approval]:
        """Take up to `limit` reviews whose reminder is due, and put the next one off by `pause`.

        Conditions: PENDING, and `remind_at` is reached; or the clock was set back since the review
        was requested, and it has had no reminder yet or waits for one longer than the `longest`
        pause between two. `reminders` counts this one already.
        """
        given = {
            "its_now": now,
            "ahead": now + FARTHEST_AHEAD,
            "longest": now + longest,
            "remind_at": now + pause,
            "its_limit": limit,
        }
        rows = await self._connection.execute(_REMIND, given)
        return [from_row(row) for row in rows.mappings()]

    async def remind(self, approval_id: ApprovalId, at: datetime | None) -> None:
        """Set when the next reminder is due; None: no more."""
        await self._connection.execute(
            update(approvals).where(approvals.c.id == approval_id).values(remind_at=at)
        )

    async def _ended(
        self, row: RowMapping | None, now: datetime, *, actor: UserId | None = None
    ) -> bool:
        if row is None:
            return False
        approval = from_row(row)
        await self._executions.note(
            approval.execution,
            _KINDS[approval.status],
            now,
            actor=approval.decided_by if actor is None else actor,
            approval=approval.id,
        )
        return True

    async def _newest(self, query: Select[*tuple[Any, ...]], one: str) -> Approval | None:
        rows = await self._connection.execute(query, {"one": one})
        row = rows.mappings().one_or_none()
        return None if row is None else from_row(row)


def from_row(row: Row) -> Approval:
    """The review of a row."""
    return _ROWS.read(row)


def _shown_written(
    shown: Mapping[str, Fact], put: Callable[[Words], str]
) -> dict[str, str | dict[str, str]]:
    """Facts for a column of JSON: a text as read, or why it could not be and what was last seen."""
    return {
        key: {"unread": put(fact.unread), "last_seen": fact.text} if fact.unread else fact.text
        for key, fact in shown.items()
    }


def changes_written(changed: Mapping[str, Words]) -> str:
    """What the rules demand since they were replaced, for a column of text."""
    told = {key: keep(words) for key, words in changed.items()}
    return json.dumps(told, ensure_ascii=False) if told else ""


def _joined_written(joined: Sequence[Joined]) -> str:
    told = [
        # A former version reads three, and what is apart not at all.
        [one.user, one.at.isoformat(), one.reason, *([True] if one.is_apart else [])]
        for one in joined
    ]
    return json.dumps(told, ensure_ascii=False) if told else ""


def _joined_read(column: str) -> tuple[Joined, ...]:
    """What `_joined_written` wrote; what cannot be read is left out, for it decides nothing."""
    try:
        return tuple(
            Joined(UserId(str(user)), datetime.fromisoformat(at), str(reason), bool(apart))
            for user, at, reason, *apart in json.loads(column or "[]")
        )
    except (TypeError, ValueError):
        return ()


def _changes_read(column: str) -> dict[str, Words]:
    """What `changes_written` wrote; a former version wrote a sentence."""
    try:
        found = json.loads(column or "{}")
    except ValueError:
        found = column
    if isinstance(found, dict):
        return {key: kept(str(told)) for key, told in found.items()}
    return {"": column.partition(": ")[2].removesuffix(".") or column}


def _read(column: Any) -> dict[str, Fact] | None:
    """What `_shown_written` wrote; None if it cannot be read.

    Labels as keys are a former version's.
    """
    try:
        return {
            _FORMERLY.get(key, key): Fact(told)
            if isinstance(told, str)
            else Fact(told["last_seen"], kept(told["unread"]))
            for key, told in column.items()
        }
    except (AttributeError, KeyError, TypeError):
        return None


def _is_unreadable(row: Row) -> bool:
    return (
        _read(row["shown"]) is None
        or not is_word(ReviewKind, row["kind"])
        or UNTOLD in {row["created_at"], row["expires_at"]}
    )


_ROWS = Mapper(
    Approval,
    approvals,
    lambda approval: {
        "shown": _shown_written(approval.shown, keep),
        "changed": changes_written(approval.changed),
        "joined": _joined_written(approval.joined),
    },
    kind=one_of("kind", ReviewKind, ReviewKind.APPROVE),
    shown=lambda row: _read(row["shown"]) or {},
    changed=lambda row: _changes_read(row["changed"]),
    joined=lambda row: _joined_read(row["joined"]),
    status=one_of("status", ApprovalStatus, ApprovalStatus.VOID),
    is_unreadable=_is_unreadable,
)
