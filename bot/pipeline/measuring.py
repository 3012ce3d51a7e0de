"""Holds open reviews to the rules and rights of now, whatever they were when people voted.

A vote counts while its voter may decide. A question is open no longer than the rules in force
say, needs no fewer approvals and no more denials, and says which of it has changed. Where nothing
can come of it by them, it is closed.
"""

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Protocol

import structlog

from bot.clock import Clock
from bot.errors import Refused, advice, recorded
from bot.ids import ApprovalId, NodeId, TaskId, UserId
from bot.loop import give_way
from bot.messages import alone, board, review_cards
from bot.messages.cards import card_key, signed
from bot.messages.question import Question
from bot.model import (
    Approval,
    ApprovalStatus,
    Execution,
    ExecutionStatus,
    ReviewKind,
    Terms,
    Uncounted,
    Verdict,
    Vote,
    VoteState,
)
from bot.pipeline.questions import Questions, Seen, seen_with
from bot.pipeline.voiding import void
from bot.ports import DeliveryFailed
from bot.reply import Reply, dump
from bot.reviews.beginning import lasts
from bot.reviews.policy import Decision, DecisionKind, Policy
from bot.reviews.reviewers import Reviewers, nobody_left, since_requested
from bot.reviews.stricter import against, changed
from storage import StorageFailed, Store, UnitOfWork

Entitlements = Mapping[str, frozenset[tuple[str, str]]]

_WAITS = frozenset({ExecutionStatus.WAITING, ExecutionStatus.RECORDED})
# They look every 5 s, and answer for 10 s more what they have taken.
_STANDING_DOWN = timedelta(minutes=1)
_MEASURED = frozenset({ApprovalStatus.PENDING, ApprovalStatus.APPROVED})

log = structlog.get_logger()


class Asking(Protocol):
    """What of the reviews is needed here."""

    reviewers: Reviewers
    questions: Questions

    async def hand_over(self, tx: UnitOfWork, approval: Approval, votes: Sequence[Vote]) -> None:
        """Give a decided execution back to the ledger."""
        ...

    async def close(self, approval: Approval) -> None:
        """Say that it was not approved."""
        ...


class Measuring:
    """Measures reviews: each at a click and before its run, all of them after a reload."""

    def __init__(
        self,
        store: Store,
        reviews: Asking,
        deliver: Callable[[], Awaitable[None]],
        clock: Clock,
    ) -> None:
        self._store = store
        self._reviews = reviews
        self._deliver = deliver
        self._clock = clock
        self._rules: Policy | None = None  # by which all but `_left` were measured
        self._older_until: timedelta | None = None
        self._left: list[str] = []
        self._beside: Mapping[tuple[NodeId, TaskId], frozenset[ApprovalId]] = {}
        self._rights: Entitlements = {}  # to nodes, by which they were measured
        self._doubtful: set[str] = set()  # where a click found out that somebody may not decide

    def doubt(self, approval: Approval) -> None:
        """Look at this one again: somebody whom its card may name may not decide on it."""
        if approval.kind is ReviewKind.APPROVE:
            self._doubtful.add(approval.id)

    def again(self) -> None:
        """Look at all once more: a question was put up by rules that are in force no longer."""
        self._rules = None

    def again_without_older(self) -> None:
        """Look at all once more when replicas of the version before have stood down.

        Until then they draw cards anew, without what only this version knows of them.
        """
        self._older_until = self._clock.monotonic() + _STANDING_DOWN

    async def look(self) -> None:
        """Measure all that is open by rules that were not in force before.

        And by rights: what is about a node that others are entitled to since the last look.
        Cards of one machine name each other: also those beside which another waits now, or no more.
        """
        reviewers = self._reviews.reviewers.at_this_moment()
        await self._find(reviewers.rules)
        is_changed = False
        while self._left:
            async with self._store.read() as tx:
                approval = await tx.approvals.get(ApprovalId(self._left[0]))
                execution = await tx.executions.get(approval.execution)
            try:
                if await self.measured(approval, execution, reviewers, whole=True) is not approval:
                    is_changed = True
            except Refused as refusal:  # it is approved, and about to run: that refuses it
                log.info("review.refused", approval=approval.id, why=refusal.sentence)
            except DeliveryFailed as failure:
                log.info("review.not_measured", approval=approval.id, reason=failure.reason)
                break  # it and the others are measured once Slack says who may decide
            except StorageFailed:
                raise  # it and the others stay to be measured
            except Exception:  # the others do not wait for it; its clicks and its run measure it
                log.exception("review.not_measured", approval=approval.id)
            self._left.pop(0)
            await give_way()
        if is_changed:  # once for all: a card that Slack is slow to take holds up no other
            await self._deliver()

    async def _find(self, rules: Policy) -> None:
        """Note which reviews to look at: all after a reload, else those whose rights changed."""
        doubtful = set(self._doubtful)
        if self._older_until is not None and self._clock.monotonic() >= self._older_until:
            self._rules = self._older_until = None
        async with self._store.read() as tx:
            rights, beside = await tx.sessions.entitlements(), await tx.approvals.by_machine()
            others = self._others(beside)
            if self._rules is rules and rights == self._rights and not doubtful | others:
                self._beside = beside
                return
            nodes = {n for n in {*rights, *self._rights} if rights.get(n) != self._rights.get(n)}
            found = await tx.approvals.open()
            about = await tx.executions.some([one.execution for one in found])
        is_all, some = self._rules is not rules, doubtful | others
        concerned = [
            one.id
            for one in found
            if is_all or one.id in some or about[one.execution].node in nodes
        ]
        self._left = list(dict.fromkeys([*self._left, *concerned]))
        self._rules, self._rights, self._beside = rules, rights, beside
        self._doubtful -= doubtful

    def _others(
        self, beside: Mapping[tuple[NodeId, TaskId], frozenset[ApprovalId]]
    ) -> set[ApprovalId]:
        """What waits for a machine for which others wait than at the last look."""
        return {
            one
            for machine, ids in beside.items()
            for one in ids
            if {one} | self._beside.get(machine, frozenset()) != ids
        }

    async def measured(
        self,
        approval: Approval,
        execution: Execution,
        reviewers: Reviewers,
        *,
        whole: bool = False,
        seen: Seen | None = None,
    ) -> Approval:
        """The review as the rules let it stand now; what has changed of it will be on its cards.

        `whole`: check each voter, also where one more vote decides nothing, and ask everybody who
        may approve now. What is unchanged is the very same object. `seen` was read with it; without
        it, it is read here. Raises DeliveryFailed, and Refused where nothing can come of what is
        approved.
        """
        if approval.kind is ReviewKind.AFTERWARDS or approval.status not in _MEASURED:
            return approval
        if approval.is_unreadable:
            return approval  # nothing of it can run
        decision = await reviewers.decision(execution)
        if refusal := against(approval, execution, decision):
            return await self._void(approval, execution, refusal)
        if seen is None:
            async with self._store.read() as tx:
                seen = await seen_with(tx, approval)
        terms = await self._terms(approval, execution, decision, reviewers, seen.votes, whole=whole)
        if not whole and not _is_less(terms, approval):
            return approval
        people: Sequence[UserId] = ()
        if approval.kind is ReviewKind.APPROVE:
            try:
                node = await self._reviews.questions.node_of(execution)
                people = await reviewers.require_reviewers(execution, decision, node)
            except Refused as refusal:
                more = decision.approvals > approval.needed
                why = since_requested(refusal) if more else nobody_left(refusal)
                return await self._void(approval, execution, why)
        question = replace(
            await self._reviews.questions.of(approval, execution, decision, seen), people=people
        )
        if not _is_less(terms, approval) and self._is_shown(question, seen):
            return approval
        measured = await self._hold(question, terms)
        if measured.status is ApprovalStatus.DENIED:
            await self._reviews.close(measured)
        return measured

    def _is_shown(self, question: Question, seen: Seen) -> bool:
        """Whether its cards say this already, and all whom it names have one."""
        if question.approval.kind is not ReviewKind.APPROVE:
            return True
        execution, key = question.execution, card_key(question.execution.id)
        copies = {copy.key: copy for copy in seen.copies}
        asked = {f"{key}:{user}" for user in question.people}
        if not asked <= copies.keys() or question.approval.status is not ApprovalStatus.PENDING:
            return asked <= copies.keys()
        card = signed(execution, review_cards.question(question))
        if not execution.place.is_channel:
            card = review_cards.read_by(
                card, execution.actor, execution, question.approval, question.votes
            )
        said = dump(card)
        return key in copies and copies[key].content == said

    async def _void(self, approval: Approval, execution: Execution, why: Refused) -> Approval:
        """Close what nothing can come of. What is approved is about to run: Refused stops that."""
        if approval.status is not ApprovalStatus.PENDING:
            raise why
        now = self._clock.now()
        sentence = await self._reviews.questions.not_done(approval, execution, why.words)
        outcome, hint = recorded(why), advice(why)
        async with self._store.write() as tx:
            if await void(tx, approval, execution, sentence, now, outcome=outcome, hint=hint):
                log.info("approval.voided", approval=approval.id, why=why.sentence)
            return await tx.approvals.get(approval.id)

    async def _terms(
        self,
        approval: Approval,
        execution: Execution,
        decision: Decision,
        reviewers: Reviewers,
        cast: Sequence[Vote],
        *,
        whole: bool,
    ) -> Terms:
        expires_at = approval.created_at + lasts(approval.kind, decision)
        self_approval = approval.self_approval and decision.self_approval
        held = replace(approval, self_approval=self_approval)
        votes = [vote for vote in cast if vote.state is VoteState.COUNTED]
        fallen: dict[str, str] = {}
        for vote in votes:
            if vote.at >= expires_at:
                fallen[vote.key] = Uncounted.EXPIRED
            elif approval.kind is ReviewKind.APPROVE and (whole or _may_end(approval, votes)):
                try:
                    await reviewers.check(held, execution, vote.user, vote.place.channel)
                except Refused as refusal:
                    fallen[vote.key] = refusal.sentence
        is_by_others = approval.kind is ReviewKind.APPROVE and decision.kind is DecisionKind.APPROVE
        terms = Terms(
            expires_at,
            decision.denials,
            self_approval,
            needed=decision.approvals if is_by_others else 0,
            type_name=is_by_others and decision.type_name,
            fallen=fallen,
        )
        return replace(terms, changed=changed(approval, decision, terms))

    async def _hold(self, question: Question, terms: Terms) -> Approval:
        """Write down what stands, and let the cards say it."""
        approval, now = question.approval, self._clock.now()
        async with self._store.write() as tx:
            execution = await tx.executions.get(question.execution.id)
            if execution.status not in _WAITS:
                return approval
            measured = await tx.votes.measure(approval.id, terms, now)
            votes = await tx.votes.of(approval.id)
            if measured.status is ApprovalStatus.DENIED:
                await self._reviews.hand_over(tx, measured, votes)
            elif measured.status is ApprovalStatus.PENDING:
                await self._open_again(tx, execution)
                card = review_cards.question(replace(question, approval=measured, votes=votes))
                await alone.show(tx, measured, execution, card, now)
                await self._ask(tx, question, card, now)
        for key, why in terms.fallen.items():
            log.info("vote.fell", approval=approval.id, vote=key, why=why)
        return measured

    async def _open_again(self, tx: UnitOfWork, execution: Execution) -> None:
        """What was approved and is not any more waits again, for those who may decide now."""
        if execution.status is ExecutionStatus.RECORDED:
            await tx.executions.set_approvers(execution.id, [])
            await tx.executions.set_status(
                execution.id,
                ExecutionStatus.WAITING,
                now=self._clock.now(),
                expect={ExecutionStatus.RECORDED},
            )

    async def _ask(self, tx: UnitOfWork, question: Question, card: Reply, now: datetime) -> None:
        """Send a copy of the card to each approver who has none."""
        key = card_key(question.execution.id)
        asked = {copy.key for copy in await tx.messages.copies(key)}
        for user in question.people:
            if f"{key}:{user}" not in asked:
                await board.copy_card(tx, question.execution, card, user, now)


def _may_end(approval: Approval, votes: Sequence[Vote]) -> bool:
    """Whether one more vote may decide: Slack is asked about each voter only where it matters."""
    given = Counter(vote.verdict for vote in votes)
    return (
        approval.status is ApprovalStatus.APPROVED
        or given[Verdict.APPROVE] + 1 >= approval.needed
        or 0 < given[Verdict.DENY] >= approval.denials - 1
    )


def _is_less(terms: Terms, approval: Approval) -> bool:
    """Whether a review is held to less than it was."""
    return bool(terms.fallen or terms.stricter_than(approval))
