"""Reviews from question to decision: asks, takes clicks, counts them, reminds, closes.

A click is kept on disk before it is acknowledged; who clicked and whether they may is found out
afterwards, and a click that a dying process left behind is taken up again.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import structlog

from bot.clock import Clock
from bot.errors import Refused
from bot.ids import ApprovalId, UserId
from bot.language.table import Table
from bot.messages import alone, board, decisions, glass_cards, review_cards
from bot.messages.outbox import Outbox
from bot.messages.question import Question
from bot.model import (
    Approval,
    ApprovalStatus,
    AuditEntry,
    AuditKind,
    Count,
    Execution,
    ExecutionStatus,
    Fact,
    Node,
    ReviewKind,
    Verdict,
    Vote,
    VoteState,
)
from bot.pipeline.aside import BEING_SAID
from bot.pipeline.holding import require_way
from bot.pipeline.joining import require_first
from bot.pipeline.measuring import Measuring
from bot.pipeline.questions import NOTHING_SEEN, Questions, Seen, beside_of, seen_with
from bot.pipeline.readable import offered_again
from bot.pipeline.titles import told_beside
from bot.ports import DeliveryFailed, slack_does_not_say
from bot.reply import Line, Reply, say
from bot.reviews.beginning import begun
from bot.reviews.policy import Decision, DecisionKind
from bot.reviews.reviewers import Reviewers, since_requested
from bot.reviews.stricter import require_allowed, untyped
from bot.services.inventory import Inventory
from storage import Store, UnitOfWork

_LEASE = timedelta(minutes=5)
# A click that is this old and unlooked at has lost its process; looked at twice, it counts once.
_LOST_CLICK = timedelta(seconds=20)
_LONGEST_ID = 64  # characters that the audit keeps of an id that is none of ours


log = structlog.get_logger()


class Reviews:
    """The review of an execution, from the question to the last click."""

    def __init__(
        self,
        store: Store,
        table: Table,
        inventory: Inventory,
        reviewers: Reviewers,
        outbox: Outbox,
        clock: Clock,
        by: str,
    ) -> None:
        self.reviewers = reviewers
        self._store = store
        self._table = table
        self._outbox = outbox
        self._clock = clock
        self._by = by
        self.questions = Questions(store, table, inventory, reviewers)
        self.measuring = Measuring(store, self, outbox.deliver_due, clock)

    # Before the run

    async def decision(self, execution: Execution) -> Decision:
        """What the rules say now. Raises Refused for a denial, or a reason that does not do."""
        decision = await self.reviewers.decision(execution)
        require_allowed(execution, decision)
        return decision

    async def decision_again(self, execution: Execution) -> Decision:
        """The same of what was asked under rules that may have been others. Raises Refused."""
        try:
            return await self.decision(execution)
        except Refused as refusal:
            raise since_requested(refusal) from None

    async def ask(
        self,
        execution: Execution,
        node: Node | None,
        decision: Decision,
        shown: Mapping[str, Fact],
        *,
        is_there: bool,
    ) -> Reply | None:
        """Put up the question and its copies; or give it, to be said to its requester alone.

        They read it directly where it was not said, and at once unless somebody `is_there` to be
        told. Raises SameRequest where the same is open, Held.
        """
        people: Sequence[UserId] = ()
        kind = ReviewKind.CONFIRM
        if decision.kind is DecisionKind.APPROVE:
            kind = ReviewKind.APPROVE
            people = await self.reviewers.require_reviewers(execution, decision, node)
        approval = begun(execution, decision, kind, shown, self._clock.now())
        question = await self.questions.of(approval, execution, decision, NOTHING_SEEN)
        now = self._clock.now()
        async with self._store.write() as tx:
            command = self._table[execution.command]
            await require_first(tx, command, execution, kind, now)
            # Nobody is asked to approve what would not be sent.
            who = self.reviewers
            await require_way(tx, command, execution, None, who.rules, who.has_left, now)
            if not await tx.executions.set_status(
                execution.id, ExecutionStatus.WAITING, now=now, expect={ExecutionStatus.RECORDED}
            ):
                return None
            await tx.executions.set_facts(execution.id, execution.facts)
            others = await beside_of(tx, approval)
            await tx.approvals.add(approval)
            label = question.subject.node_label
            beside = told_beside(self._table, execution, others, label)
            card = review_cards.question(replace(question, people=people, beside=beside))
            if alone.is_asked_alone(kind, execution):
                await alone.ask(tx, execution, card, now, now + BEING_SAID if is_there else now)
            else:
                await board.show_card(tx, execution, card, now)
            for user in people:
                await board.copy_card(tx, execution, card, user, now)
        if is_there and alone.is_asked_alone(kind, execution):
            return replace(alone.to_be_found(card), private=True)
        await self._outbox.deliver_due()
        return None

    async def stands(
        self, approval: Approval, execution: Execution, seen: Seen | None = None
    ) -> Approval | None:
        """The review while it is still approved, by the rules and rights of now; else its card
        says what is missing. `seen` was read with it: a vote that has fallen since has taken the
        execution back. Raises DeliveryFailed, Refused where nothing can come of it.
        """
        reviewers = self.reviewers.at_a_click()  # what is about to run goes by nothing older
        measured = await self._measured(approval, execution, reviewers, seen)
        return measured if measured.status is ApprovalStatus.APPROVED else None

    async def _measured(
        self,
        approval: Approval,
        execution: Execution,
        reviewers: Reviewers,
        seen: Seen | None,
    ) -> Approval:
        measured = await self.measuring.measured(approval, execution, reviewers, seen=seen)
        if measured is not approval:
            await self._outbox.deliver_due()
        return measured

    # Clicks
    async def take(
        self, vote: Vote, kinds: Collection[ReviewKind], *, typed: bool
    ) -> bool | Approval:
        """Keep a click on disk; False when this delivery is kept already.

        `typed`: the approver has typed what it is about. If that has to be, nothing is kept, and
        this gives the review. Raises Refused, and records it, for an id of no such review.
        """

        async def cast(tx: UnitOfWork) -> bool | Approval | Refused:
            approval = await tx.approvals.find(vote.approval)
            if approval is None or approval.kind not in kinds:
                return Refused(decisions.UNKNOWN, hint=decisions.UNKNOWN_HINT)
            must_type = approval.type_name and vote.verdict is Verdict.APPROVE and not typed
            is_open = approval.status is ApprovalStatus.PENDING
            if is_open and must_type and not await tx.votes.has_counted(approval.id, vote.user):
                return approval
            return await tx.votes.cast(vote)

        found = await self._store.transact(cast)
        if not isinstance(found, Refused):
            return found
        await self.turn_away(vote.approval, vote.user, found.sentence)
        raise found

    async def count(self, key: str) -> tuple[Count, Line] | None:
        """Find out whether a kept click counts, what it comes to, and what it is about.

        None when somebody else has looked at it. Raises Refused, and records it, for a person who
        may not decide, and DeliveryFailed while nobody knows: then the click is still kept, and
        counts as of when it was made, until it `is_late`.
        """
        async with self._store.read() as tx:
            vote = await tx.votes.get(key)
            approval = await tx.approvals.get(vote.approval)
            execution = await tx.executions.get(approval.execution)
            seen: Seen | None = await seen_with(tx, approval)
        if vote.state is not VoteState.PENDING:
            return None
        decision: Decision | None = None
        try:
            if approval.status is ApprovalStatus.PENDING:
                reviewers = self.reviewers.at_a_click()
                decision = await reviewers.check(approval, execution, vote.user, vote.place.channel)
                measured = await self._measured(approval, execution, reviewers, seen)
                seen = seen if measured is approval else None
                approval = measured
        except (Refused, DeliveryFailed) as failure:
            if isinstance(failure, DeliveryFailed) and not vote.is_late(self._clock.now()):
                raise
            refusal = failure if isinstance(failure, Refused) else slack_does_not_say()
            self.measuring.doubt(approval)
            async with self._store.write() as tx:
                if not await tx.votes.refuse(key, refusal.sentence, self._clock.now()):
                    return None
            log.info("click.refused", approval=approval.id, user=vote.user, why=refusal.sentence)
            raise refusal from None
        if approval.type_name:
            async with self._store.read() as tx:
                vote = await tx.votes.get(key)
            if vote.state is VoteState.FALLEN:  # it lacks what approvers have to type now
                raise untyped()
        question = await self.questions.of(approval, execution, decision, seen)
        count = await self._counted(vote, question)
        return None if count is None else (count, question.title)

    async def _counted(self, vote: Vote, question: Question) -> Count | None:
        execution, approval = question.execution, question.approval
        now, count = self._clock.now(), None
        async for attempt in self._store.attempts():
            async with attempt as tx:
                count = await tx.votes.count(vote.key, now)
                if count is None:
                    return None
                votes = await tx.votes.of(approval.id)
                counted = replace(question, approval=count.approval, votes=votes)
                if count.decided and approval.kind is ReviewKind.AFTERWARDS:
                    await self._reviewed(tx, counted)
                elif count.decided:
                    await self.hand_over(tx, count.approval, votes)
                elif count.vote.state is VoteState.COUNTED:
                    await board.show_card(tx, execution, review_cards.question(counted), now)
        return count

    async def show_decided(self, approval_id: ApprovalId) -> None:
        """Say on the card that it is approved, while what it has shown is compared."""
        async with self._store.read() as tx:
            approval = await tx.approvals.get(approval_id)
            execution = await tx.executions.get(approval.execution)
        if approval.status is not ApprovalStatus.APPROVED:
            return
        card = review_cards.comparing(await self.questions.of(approval, execution))
        async with self._store.write() as tx:
            execution = await tx.executions.get(approval.execution)
            if execution.status is ExecutionStatus.RECORDED:
                await alone.show(tx, approval, execution, card, self._clock.now())
        await self._outbox.deliver_due()

    async def _reviewed(self, tx: UnitOfWork, glass: Question) -> None:
        """Broken glass was looked at: its announcements and the card say by whom."""
        now, told = self._clock.now(), glass_cards.reviewed_glass(glass)
        for copy in await tx.messages.copies(glass_cards.glass_key(glass.execution.id)):
            await board.tell(tx, glass.execution, copy.key, copy.place, told, now)
        for reminder in await tx.messages.copies(review_cards.reminders_key(glass.approval)):
            await board.tell(tx, glass.execution, reminder.key, reminder.place, told, now)
        await board.mark_reviewed(tx, glass.execution, now)

    async def hand_over(self, tx: UnitOfWork, approval: Approval, votes: Sequence[Vote]) -> None:
        """A decided review gives its execution back to the ledger; `recover` finds it there."""
        now = self._clock.now()
        await alone.was_answered(tx, approval)
        if approval.kind is ReviewKind.APPROVE and approval.status is ApprovalStatus.APPROVED:
            people = [
                v.user
                for v in votes
                if v.verdict is Verdict.APPROVE and v.state is VoteState.COUNTED
            ]
            await tx.executions.set_approvers(approval.execution, people)
        await tx.executions.claim(
            approval.execution,
            self._by,
            now,
            now + _LEASE,
            expect={ExecutionStatus.WAITING},
            to=ExecutionStatus.RECORDED,
        )

    async def cancel(self, approval_id: ApprovalId, user: UserId) -> Approval:
        """The requester takes it back; `close` is to follow.

        Raises Refused, and records it, for anybody else, or when it is over.
        """
        try:
            return await self._cancel(approval_id, user)
        except Refused as refusal:
            await self.turn_away(approval_id, user, refusal.sentence)
            raise

    async def _cancel(self, approval_id: ApprovalId, user: UserId) -> Approval:
        now = self._clock.now()
        async with self._store.write() as tx:
            approval = await tx.approvals.find(approval_id)
            if approval is None or approval.kind is ReviewKind.AFTERWARDS:
                raise Refused(decisions.UNKNOWN, hint=decisions.UNKNOWN_HINT)
            execution = await tx.executions.get(approval.execution)
            if user != execution.actor:
                raise Refused(say("Only the requester can withdraw this."))
            won = await tx.approvals.resolve(
                approval_id, ApprovalStatus.CANCELLED, by=user, now=now
            )
            approval = await tx.approvals.get(approval_id)
            if won:
                await self.hand_over(tx, approval, ())
        if not won:
            raise Refused(decisions.over(approval, approval.status))
        return approval

    async def withdraw(self, approval_id: ApprovalId, user: UserId, at: datetime) -> None:
        """A reviewer takes back their vote, while the question is open.

        Raises Refused, and records it, where it is over or no vote of theirs counts.
        """
        try:
            await self._withdraw(approval_id, user, at)
        except Refused as refusal:
            await self.turn_away(approval_id, user, refusal.sentence)
            raise

    async def _withdraw(self, approval_id: ApprovalId, user: UserId, at: datetime) -> None:
        async with self._store.read() as tx:
            approval = await tx.approvals.find(approval_id)
            execution = None if approval is None else await tx.executions.get(approval.execution)
        if approval is None or execution is None:
            raise Refused(decisions.UNKNOWN, hint=decisions.UNKNOWN_HINT)
        question, now = await self.questions.of(approval, execution), self._clock.now()
        async with self._store.write() as tx:
            if await tx.votes.withdraw(approval_id, user, at, now):
                votes = await tx.votes.of(approval_id)
                card = review_cards.question(replace(question, votes=votes))
                await board.show_card(tx, execution, card, now)
                return
            approval = await tx.approvals.get(approval_id)
        if approval.status is not ApprovalStatus.PENDING:
            raise Refused(decisions.over(approval, approval.status))
        raise Refused(say("No vote of yours counts on this."))

    async def turn_away(self, approval_id: ApprovalId, user: UserId, why: str) -> None:
        """A click that could not even be kept is in the audit all the same."""
        now, details = self._clock.now(), {"why": why}
        approval_id = ApprovalId(approval_id[:_LONGEST_ID])
        async with self._store.write() as tx:
            approval = await tx.approvals.find(approval_id)
            if approval is not None:
                await tx.executions.note(
                    approval.execution, AuditKind.CLICK_REFUSED, now, actor=user,
                    approval=approval_id, details=details,
                )  # fmt: skip
                return
            tx.audit.append(AuditEntry(
                AuditKind.CLICK_REFUSED, now, actor=user, approval=approval_id, details=details
            ))  # fmt: skip

    # The end of a review

    async def close(self, approval: Approval) -> None:
        """It was not approved: the ledger and all cards say so."""
        async with self._store.read() as tx:
            execution = await tx.executions.get(approval.execution)
        end = decisions.ENDS[approval.status]
        question = await self.questions.of(approval, execution)
        sentence = decisions.closed(question)
        now = self._clock.now()
        async with self._store.write() as tx:
            if await tx.executions.set_status(
                execution.id, end, outcome=decisions.why_closed(question), now=now,
                decided_by=decisions.closed_by(question),
                expect={ExecutionStatus.WAITING, ExecutionStatus.RECORDED},
            ):  # fmt: skip
                again = offered_again(self._table, execution)
                await alone.end(
                    tx, approval, execution, end, sentence, now=now,
                    is_told=approval.status is not ApprovalStatus.CANCELLED,
                    offers=again if end is ExecutionStatus.EXPIRED else (),
                )  # fmt: skip
        await self._outbox.deliver_due()

    async def expire(self) -> None:
        """Close what nobody decided in time."""
        now = self._clock.now()
        async with self._store.write() as tx:
            expired = await tx.approvals.claim_expired(now, 100)
            for approval in expired:
                # From here on a crash leaves it to `recover`.
                await self.hand_over(tx, approval, ())
        for approval in expired:
            try:
                await self.close(approval)
            except Exception:  # the others must not wait for it; `recover` closes it
                log.exception("review.not_closed", approval=approval.id)

    async def lost_clicks(self) -> Sequence[Vote]:
        """Clicks that a dying process left behind."""
        async with self._store.read() as tx:
            return await tx.votes.pending(self._clock.now() - _LOST_CLICK, 20)

    async def deliver(self) -> None:
        """Send what the cards say now."""
        await self._outbox.deliver_due()
