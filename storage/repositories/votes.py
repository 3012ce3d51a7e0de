"""Reviewers' clicks: kept before they are looked at, counted once each. Knows no rights."""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import CursorResult, bindparam, select, update

from bot.errors import NotFound
from bot.ids import ApprovalId, UserId
from bot.model import (
    Approval,
    ApprovalStatus,
    AuditKind,
    Count,
    ReviewKind,
    Terms,
    Uncounted,
    Verdict,
    Vote,
    VoteState,
)
from bot.reply import say
from storage.connection import OpenConnection
from storage.repositories.approvals import changes_written
from storage.repositories.approvals import from_row as approval_from_row
from storage.repositories.executions import Executions
from storage.repositories.mapper import Mapper, one_of, place
from storage.repositories.repository import APART, Repository, at, is_reached, is_word
from storage.tables import approvals, votes

_KINDS = {
    VoteState.REFUSED: AuditKind.CLICK_REFUSED,
    VoteState.FALLEN: AuditKind.VOTE_FELL,
    VoteState.WITHDRAWN: AuditKind.VOTE_WITHDRAWN,
}

_IN_ORDER = select(votes).order_by(votes.c.at, votes.c.key)
_ONE = _IN_ORDER.where(votes.c.key == bindparam("its_key"))
_OF = _IN_ORDER.where(votes.c.approval == bindparam("its_approval"))
_COUNTED_OF = (
    select(votes.c.approval)
    .join(approvals, approvals.c.id == votes.c.approval)
    .where(
        approvals.c.status == ApprovalStatus.PENDING,
        votes.c.user == bindparam("its_user"),
        votes.c.state == VoteState.COUNTED,
    )
)
_PENDING = _IN_ORDER.where(votes.c.state == VoteState.PENDING, is_reached(votes.c.at))


class Votes(Repository):
    """Clicks on reviews, by the delivery's key. What each came to is in the audit."""

    def __init__(self, connection: OpenConnection, executions: Executions) -> None:
        super().__init__(connection)
        self._executions = executions

    async def cast(self, vote: Vote) -> bool:
        """Keep a click; False if this delivery is kept already."""
        rows = await self._connection.execute(
            self._insert(votes).values(_ROWS.write(vote)).on_conflict_do_nothing()
        )
        return rows.rowcount == 1

    async def has_counted(self, approval: ApprovalId, user: UserId) -> bool:
        """Whether somebody has decided on a review already."""
        counted = [v for v in await self.of(approval) if v.state is VoteState.COUNTED]
        return any(vote.user == user for vote in counted)

    async def count(self, key: str, now: datetime) -> Count | None:
        """Let a kept click count, if it still can, and end the review with it if it suffices.

        None where it was looked at already, by whoever was faster.

        Conditions: the review is PENDING; the click was made before `expires_at`, and is not late
        where that is past; its voter has no other vote that counted. The review's row is locked
        first, so votes are counted one after the other. Raises NotFound for an unknown key.
        """
        approval = await self._locked((await self.get(key)).approval)
        vote = await self.get(key)  # now that we have the lock: it may have been counted meanwhile
        if vote.state is not VoteState.PENDING:
            return None
        counted = [v for v in await self.of(approval.id) if v.state is VoteState.COUNTED]
        why = _why_not(approval, vote, counted, now)
        vote = await self._settle(key, VoteState.REFUSED if why else VoteState.COUNTED, why)
        await self._note(approval, vote, now)
        status = ApprovalStatus.PENDING if why else _outcome(approval, [*counted, vote])
        if status is ApprovalStatus.PENDING:
            return Count(approval, vote, decided=False)
        rows = await self._connection.execute(
            update(approvals)
            .where(approvals.c.id == approval.id)
            .values(status=status, decided_by=vote.user, decided_at=now)
            .returning(approvals)
        )
        return Count(approval_from_row(rows.mappings().one()), vote, decided=True)

    async def refuse(self, key: str, why: str, now: datetime) -> bool:
        """Let a kept click not count; False if it was looked at already."""
        rows = await self._connection.execute(
            update(votes)
            .where(votes.c.key == key, votes.c.state == VoteState.PENDING)
            .values(state=VoteState.REFUSED, why=why)
        )
        if rows.rowcount == 0:
            return False
        vote = await self.get(key)
        await self._note(await self._locked(vote.approval), vote, now)
        return True

    async def measure(self, approval_id: ApprovalId, terms: Terms, now: datetime) -> Approval:
        """Hold a review that is open or approved to stricter `terms`; gives it as it is then.

        What is laxer than the review changes nothing; of what several reloads made stricter, all is
        told, and of each the strictest. Votes that fall count no longer: an approved
        review that lacks them is open again, and with fewer denials needed an open one may end.
        Where approvers have to type what it is about from now on, those who have not have to vote
        anew, also with a click that is kept and not counted yet. The review's row is locked first.
        """
        approval = await self._locked(approval_id)
        if approval.status not in {ApprovalStatus.PENDING, ApprovalStatus.APPROVED}:
            return approval
        votes = await self.of(approval_id)
        fallen = _fallen(approval, votes, terms)
        for key, why in fallen.items():
            await self._note(approval, await self._settle(key, VoteState.FALLEN, why), now)
        keys = terms.stricter_than(approval)
        stricter = {key: told for key, told in terms.changed.items() if key in keys}
        approval = replace(
            approval,
            expires_at=min(approval.expires_at, terms.expires_at),
            needed=max(approval.needed, terms.needed),
            denials=min(approval.denials, terms.denials),
            self_approval=approval.self_approval and terms.self_approval,
            type_name=approval.type_name or terms.type_name,
            changed={**approval.changed, **stricter},
        )
        counted = [v for v in votes if v.state is VoteState.COUNTED and v.key not in fallen]
        outcome = _outcome(approval, counted)
        if outcome is not ApprovalStatus.APPROVED:  # nothing is approved by a lack of votes
            approval = _with_outcome(approval, outcome, counted, now)
        await self._connection.execute(
            update(approvals)
            .where(approvals.c.id == approval_id)
            .values(
                expires_at=approval.expires_at,
                needed=approval.needed,
                denials=approval.denials,
                self_approval=approval.self_approval,
                type_name=approval.type_name,
                changed=changes_written(approval.changed),
                status=approval.status,
                decided_by=approval.decided_by,
                decided_at=approval.decided_at,
            )
        )
        return approval

    async def withdraw(
        self, approval_id: ApprovalId, user: UserId, at: datetime, now: datetime
    ) -> bool:
        """Take back what `user` voted until `at`; False where nothing of theirs counts or waits.

        Two replicas may have taken vote and withdrawal, and their clocks be `APART`: what may have
        been voted before is taken back, for whoever takes it back believes that it is.

        Condition: the review is PENDING. The review's row is locked first.
        """
        approval = await self._locked(approval_id)
        if approval.status is not ApprovalStatus.PENDING:
            return False
        mine = [
            vote
            for vote in await self.of(approval_id)
            if vote.user == user
            and vote.at <= at + APART
            and vote.state in {VoteState.PENDING, VoteState.COUNTED}
        ]
        for vote in mine:
            await self._note(approval, await self._settle(vote.key, VoteState.WITHDRAWN, ""), now)
        return bool(mine)

    async def get(self, key: str) -> Vote:
        """The click, or `NotFound`."""
        found = _read(await self._connection.execute(_ONE, {"its_key": key}))
        if not found:
            raise NotFound(say("That click is not known."))
        return found[0]

    async def of(self, approval_id: ApprovalId) -> list[Vote]:
        """The clicks on a review, oldest first."""
        return _read(await self._connection.execute(_OF, {"its_approval": approval_id}))

    async def counted_of(self, user: UserId) -> frozenset[str]:
        """The pending reviews on which a click of this person counts."""
        rows = await self._connection.execute(_COUNTED_OF, {"its_user": user})
        return frozenset(rows.scalars())

    async def pending(self, before: datetime, limit: int) -> list[Vote]:
        """Clicks kept before that moment that nobody has looked at: their process died."""
        return _read(await self._connection.execute(_PENDING, at(before)))[:limit]

    async def _note(self, approval: Approval, vote: Vote, now: datetime) -> None:
        kind = AuditKind.APPROVED if vote.verdict is Verdict.APPROVE else AuditKind.DENIED
        if approval.kind is ReviewKind.AFTERWARDS:
            kind = AuditKind.REVIEWED
        kind = _KINDS.get(vote.state, kind)
        details = {
            "verdict": str(vote.verdict),
            "clicked_at": self._executions.shown(vote.at).isoformat(),
        }
        if vote.why:
            details["why"] = vote.why
        await self._executions.note(
            approval.execution, kind, now, actor=vote.user, approval=approval.id,
            reason=vote.reason, details=details,
        )  # fmt: skip

    async def _locked(self, approval_id: ApprovalId) -> Approval:
        rows = await self._connection.execute(
            select(approvals).where(approvals.c.id == approval_id).with_for_update()
        )
        return approval_from_row(rows.mappings().one())

    async def _settle(self, key: str, state: VoteState, why: str) -> Vote:
        await self._connection.execute(
            update(votes).where(votes.c.key == key).values(state=state, why=why)
        )
        return await self.get(key)


def _read(rows: CursorResult[*tuple[Any, ...]]) -> list[Vote]:
    return [_ROWS.read(row) for row in rows.mappings() if is_word(Verdict, row["verdict"])]


def _why_not(approval: Approval, vote: Vote, counted: Collection[Vote], now: datetime) -> str:
    if approval.status is not ApprovalStatus.PENDING:
        return Uncounted.DECIDED
    is_late = approval.expires_at <= now and vote.is_late(now)
    if approval.expires_at <= vote.at or is_late:
        return Uncounted.EXPIRED
    return Uncounted.VOTED if any(v.user == vote.user for v in counted) else ""


def _fallen(approval: Approval, votes: Collection[Vote], terms: Terms) -> dict[str, str]:
    """The keys of the votes that count no longer by these terms, and why."""
    fallen: dict[str, str] = {}
    types_now = terms.type_name and not approval.type_name
    for vote in votes:
        is_open = vote.state in {VoteState.COUNTED, VoteState.PENDING}
        if vote.state is VoteState.COUNTED and vote.key in terms.fallen:
            fallen[vote.key] = terms.fallen[vote.key]
        elif types_now and is_open and vote.verdict is Verdict.APPROVE:
            fallen[vote.key] = Uncounted.UNTYPED
    return fallen


def _outcome(approval: Approval, counted: Collection[Vote]) -> ApprovalStatus:
    tally = Counter(vote.verdict for vote in counted)
    if tally[Verdict.DENY] >= approval.denials:
        return ApprovalStatus.DENIED
    if tally[Verdict.APPROVE] >= approval.needed:
        return ApprovalStatus.APPROVED
    return ApprovalStatus.PENDING


def _with_outcome(
    approval: Approval, outcome: ApprovalStatus, counted: Sequence[Vote], now: datetime
) -> Approval:
    """The review with the outcome of what still counts; one that has it already stays as it is."""
    if outcome is approval.status:
        return approval
    if outcome is ApprovalStatus.PENDING:
        return replace(approval, status=outcome, decided_by=UserId(""), decided_at=None)
    denier = [vote.user for vote in counted if vote.verdict is Verdict.DENY][-1]
    return replace(approval, status=outcome, decided_by=denier, decided_at=now)


_ROWS = Mapper(
    Vote,
    votes,
    lambda vote: {"channel": vote.place.channel, "thread": vote.place.thread},
    verdict=lambda row: Verdict(row["verdict"]),
    place=place,
    state=one_of("state", VoteState, VoteState.REFUSED),
)
