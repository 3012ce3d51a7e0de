"""Reviews from question to decision: asks, takes clicks, counts them, reminds, closes.

A click is kept on disk before it is acknowledged; who clicked and whether they may is found out
afterwards, and a click that a dying process left behind is taken up again.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta

import structlog

from bot.commands.bind import Bound
from bot.commands.context import Context, Services
from bot.commands.table import Command
from bot.errors import BotError, Refused
from bot.model import (
    Approval,
    ApprovalStatus,
    AuditEntry,
    AuditKind,
    Count,
    Effect,
    Execution,
    ExecutionStatus,
    Goal,
    Place,
    ReviewKind,
    Verdict,
    Vote,
    VoteState,
)
from bot.reply import dump
from bot.services import board, cards, review_cards
from bot.services.approvals import FIRST_REMINDER, Reviewers, binding, differences
from bot.services.outbox import Outbox
from bot.services.policy import Decision
from bot.services.review_cards import Question
from storage import UnitOfWork

_STATE_PATIENCE = 4.0  # seconds that a card waits to learn a machine's state
_LEASE = timedelta(minutes=5)
# A click that is this old and unlooked at has lost its process.
_LOST_CLICK = timedelta(seconds=60)

log = structlog.get_logger()


class Reviews:
    """The review of an execution, whoever clicks and whenever."""

    def __init__(self, services: Services, reviewers: Reviewers, outbox: Outbox, by: str) -> None:
        self._services = services
        self._store = services.store
        self._reviewers = reviewers
        self._outbox = outbox
        self._clock = services.clock
        self._by = by

    # Before the run

    async def decision(self, execution: Execution) -> Decision:
        """What the rules say now. Raises Refused for a denial, or a reason that does not do."""
        decision = await self._reviewers.decision(execution)
        if decision.kind == "deny":
            raise Refused(decision.why)
        decision.check_reason(execution.arguments.get("reason", ""))
        return decision

    async def ask(
        self,
        command: Command,
        execution: Execution,
        bound: Bound,
        decision: Decision,
        context: Context,
    ) -> None:
        """Put the question on the card, and copies of it before those who could answer it."""
        people: Sequence[str] = ()
        kind = ReviewKind.CONFIRM
        if decision.kind == "approve":
            kind = ReviewKind.APPROVE
            people = await self._reviewers.require_reviewers(execution, decision, bound.node)
        shown = await self.facts(command, execution, bound, context)
        approval = self._reviewers.new(execution, decision, kind, shown)
        card = review_cards.question(await self._question(approval, execution))
        now = self._clock.now()
        async with self._store.write() as tx:
            if not await tx.executions.set_status(
                execution.id, ExecutionStatus.WAITING, now=now, expect={ExecutionStatus.RECORDED}
            ):
                return
            await tx.approvals.add(approval)
            await board.show_card(tx, execution, card, now)
            for user in people:
                await board.copy_card(tx, execution, card, user, now)
        await self._outbox.deliver_due()

    async def break_glass(self, execution: Execution, decision: Decision) -> None:
        """Let it run without approval, loudly; it stays open until somebody else reviews it."""
        if not decision.break_glass:
            raise Refused("The rules do not let you break the glass for this.")
        people = await self._reviewers.candidates(execution, decision)
        approval = self._reviewers.new(execution, decision, ReviewKind.AFTERWARDS, {})
        told = review_cards.broken_glass(await self._question(approval, execution), people)
        now = self._clock.now()
        async with self._store.write() as tx:
            await tx.approvals.add(approval)
            await tx.messages.put(_glass_key(execution), execution.place, dump(told), now)
            for user in people:
                key = f"{_glass_key(execution)}:{user}"
                await tx.messages.put(key, Place(user), dump(told), now)
        log.warning("glass.broken", execution=execution.id, by=execution.actor)

    async def compare(
        self, approval: Approval, command: Command, execution: Execution, bound: Bound,
        context: Context,
    ) -> None:  # fmt: skip
        """An approval covers exactly what was shown. Raises Refused, and voids it, otherwise."""
        changed = ["what was asked"] if approval.binding != binding(execution) else []
        if not changed and approval.shown:
            now = await self.facts(command, execution, bound, context)
            changed = differences(approval.shown, now)
        if changed:
            async with self._store.write() as tx:
                await tx.approvals.void(approval.id, self._clock.now())
            raise Refused(
                f"Changed since it was shown: {'; '.join(changed)}.",
                hint="Nothing was done. Ask again.",
            )

    async def facts(
        self, command: Command, execution: Execution, bound: Bound, context: Context
    ) -> Mapping[str, str]:
        """What a card shows of the target at this moment, by name."""
        machine = bound.machine
        if machine is None:
            return {}
        try:
            target = await context.target(machine)
            async with asyncio.timeout(_STATE_PATIENCE):
                detail = await context.dbc.tasks.get(target, machine.task)
                found = {"Present state": str(detail.status)}
                if execution.effect is Effect.DESTROY and detail.disks:
                    found["Disks"] = ", ".join(f"{d.name} {d.size}" for d in detail.disks)
                if command.follow is not None and command.follow.goal is Goal.GONE:
                    snapshots = await context.dbc.snapshots.list(target, machine.task)
                    found["Snapshots"] = ", ".join(s.name for s in snapshots) or "none"
        except (BotError, TimeoutError):
            status = machine.status or "unknown"
            return {"Last seen state": f"{status}; the node does not answer just now"}
        return found

    # Clicks

    async def take(self, vote: Vote) -> bool:
        """Keep a click on disk; False when this delivery is kept already. Raises Refused."""
        async with self._store.write() as tx:
            if await tx.approvals.find(vote.approval) is not None:
                return await tx.votes.cast(vote)
        unknown = Refused("This question is not known any more.")
        await self._record_refused(vote.approval, vote.user, unknown)
        raise unknown

    async def count(self, key: str) -> Count:
        """Find out whether a kept click counts, and what it comes to. Raises Refused if not."""
        async with self._store.read() as tx:
            vote = await tx.votes.get(key)
            approval = await tx.approvals.get(vote.approval)
            execution = await tx.executions.get(approval.execution)
        try:
            if approval.status is ApprovalStatus.PENDING:
                await self._reviewers.check(approval, execution, vote.user)
        except Refused as refusal:
            async with self._store.write() as tx:
                await tx.votes.refuse(key, refusal.sentence, self._clock.now())
            log.info("click.refused", approval=approval.id, user=vote.user, why=refusal.sentence)
            raise
        now = self._clock.now()
        question = await self._question(approval, execution)
        async with self._store.write() as tx:
            count = await tx.votes.count(key, now)
            votes = await tx.votes.of(approval.id)
            if count.decided:
                await self._hand_over(tx, count.approval, execution, votes)
            elif count.vote.state is VoteState.COUNTED:
                tallied = replace(question, approval=count.approval, votes=votes)
                await board.show_card(tx, execution, review_cards.question(tallied), now)
        if count.vote.state is VoteState.REFUSED:
            raise self._too_late(count)
        return count

    async def _hand_over(
        self, tx: UnitOfWork, approval: Approval, execution: Execution, votes: Sequence[Vote]
    ) -> None:
        """A decided review gives its execution back to the ledger; `recover` finds it there."""
        if approval.kind is ReviewKind.AFTERWARDS:
            return
        now = self._clock.now()
        if approval.kind is ReviewKind.APPROVE and approval.status is ApprovalStatus.APPROVED:
            people = [
                v.user
                for v in votes
                if v.verdict is Verdict.APPROVE and v.state is VoteState.COUNTED
            ]
            await tx.executions.set_approvers(execution.id, people)
        await tx.executions.claim(
            execution.id,
            self._by,
            now,
            now + _LEASE,
            expect={ExecutionStatus.WAITING},
            to=ExecutionStatus.RECORDED,
        )

    def _too_late(self, count: Count) -> Refused:
        approval, vote = count.approval, count.vote
        now = self._clock.now()
        if vote.why == "voted":
            return Refused("You have decided on this already; each person counts once.")
        if vote.why == "expired" or approval.status is ApprovalStatus.EXPIRED:
            ago = cards.duration(now - approval.expires_at)
            return Refused(f"This expired {ago} ago.", hint="Nothing was done. Ask again.")
        when = cards.duration(now - (approval.decided_at or now))
        who = "you" if approval.decided_by == vote.user else "someone else"
        by = f" by {who}" if approval.decided_by else ""
        return Refused(f"Too late: this was {approval.status}{by} {when} ago.")

    async def cancel(self, approval_id: str, user: str) -> Approval:
        """The requester takes it back. Raises Refused for anybody else, or when it is over."""
        try:
            return await self._cancel(approval_id, user)
        except Refused as refusal:
            await self._record_refused(approval_id, user, refusal)
            raise

    async def _cancel(self, approval_id: str, user: str) -> Approval:
        now = self._clock.now()
        async with self._store.write() as tx:
            approval = await tx.approvals.find(approval_id)
            if approval is None:
                raise Refused("This question is not known any more.")
            execution = await tx.executions.get(approval.execution)
            if user != execution.actor:
                raise Refused("Only the person who asked for it can cancel this.")
            won = await tx.approvals.resolve(
                approval_id, ApprovalStatus.CANCELLED, by=user, now=now
            )
            approval = await tx.approvals.get(approval_id)
            if won:
                await self._hand_over(tx, approval, execution, ())
        if not won:
            raise Refused(f"Too late: this was already {approval.status}.")
        return approval

    async def _record_refused(self, approval_id: str, user: str, refusal: Refused) -> None:
        """A click that could not even be kept is in the audit all the same."""
        now, details = self._clock.now(), {"why": refusal.sentence}
        async with self._store.write() as tx:
            approval = await tx.approvals.find(approval_id)
            if approval is not None:
                await tx.executions.note(
                    approval.execution, AuditKind.CLICK_REFUSED, now, actor=user,
                    approval=approval_id, details=details,
                )  # fmt: skip
                return
            tx.audit.append(
                AuditEntry(
                    AuditKind.CLICK_REFUSED, now, actor=user, approval=approval_id, details=details
                )
            )

    # The end of a review

    async def close(self, execution: Execution, approval: Approval) -> None:
        """It was not approved: the ledger and all cards say so."""
        end = {
            ApprovalStatus.EXPIRED: ExecutionStatus.EXPIRED,
            ApprovalStatus.VOID: ExecutionStatus.REFUSED,
        }.get(approval.status, ExecutionStatus.CANCELLED)
        sentence = review_cards.closed(await self._question(approval, execution))
        now = self._clock.now()
        async with self._store.write() as tx:
            if await tx.executions.set_status(
                execution.id,
                end,
                outcome=f"{approval.status} by {approval.decided_by or 'nobody'}",
                now=now,
                expect={ExecutionStatus.WAITING, ExecutionStatus.RECORDED},
            ):
                await board.show_card(tx, execution, cards.ended(execution, end, sentence), now)
                if approval.status is not ApprovalStatus.CANCELLED:
                    told = cards.announcement(execution, end, sentence)
                    key = cards.end_key(execution.id)
                    await tx.messages.put(key, execution.place, dump(told), now)
        await self._outbox.deliver_due()

    async def reviewed(self, approval: Approval) -> None:
        """Broken glass was looked at: its announcements say by whom."""
        async with self._store.read() as tx:
            execution = await tx.executions.get(approval.execution)
        told = review_cards.reviewed_glass(await self._question(approval, execution))
        now = self._clock.now()
        async with self._store.write() as tx:
            for copy in await tx.messages.copies(_glass_key(execution)):
                await tx.messages.put(copy.key, copy.place, dump(told), now)
        await self._outbox.deliver_due()

    # The clock

    async def expire(self) -> None:
        """Close what nobody decided in time."""
        now = self._clock.now()
        async with self._store.write() as tx:
            expired = await tx.approvals.claim_expired(now, 100)
            waiting = [(await tx.executions.get(a.execution), a) for a in expired]
            for execution, approval in waiting:
                # From here on a crash leaves it to `recover`.
                await self._hand_over(tx, approval, execution, ())
        for execution, approval in waiting:
            await self.close(execution, approval)

    async def remind(self) -> None:
        """Remind those who could decide, at growing intervals, in the card's thread."""
        now = self._clock.now()
        async with self._store.write() as tx:
            due = await tx.approvals.claim_reminders(now, now + FIRST_REMINDER, 20)
        for approval in due:
            async with self._store.read() as tx:
                execution = await tx.executions.get(approval.execution)
                card = await tx.messages.find(_card_of(approval))
            decision = await self._reviewers.decision(execution)
            people = await self._reviewers.candidates(execution, decision)
            question = await self._question(approval, execution)
            told = review_cards.reminder(question, people, now)
            thread = execution.place.thread or (card.ref.ts if card and card.ref else "")
            channel = card.ref.channel if card and card.ref else execution.place.channel
            key = f"remind:{approval.id}:{approval.reminders}"
            async with self._store.write() as tx:
                await tx.messages.put(key, Place(channel, thread), dump(told), now)
                # 10, 20, 40 … minutes after the one before.
                growing = FIRST_REMINDER * 2**approval.reminders
                await tx.approvals.remind(approval.id, now + growing)
        if due:
            await self._outbox.deliver_due()

    async def lost_clicks(self) -> Sequence[Vote]:
        """Clicks that a dying process left behind."""
        async with self._store.read() as tx:
            return await tx.votes.pending(self._clock.now() - _LOST_CLICK, 20)

    # Small things

    async def deliver(self) -> None:
        """Send what the cards say now."""
        await self._outbox.deliver_due()

    async def _question(self, approval: Approval, execution: Execution) -> Question:
        command = self._services.table[execution.command]
        asks, loses = command.question_of(execution.known)
        label = await self._services.inventory.label(execution.node) if execution.node else ""
        async with self._store.read() as tx:
            votes = await tx.votes.of(approval.id)
        return Question(
            execution,
            approval,
            cards.Subject(execution.label, execution.task, label),
            asks or command.title.capitalize(),
            loses or command.help,
            votes,
        )


def _card_of(approval: Approval) -> str:
    if approval.kind is ReviewKind.AFTERWARDS:
        return f"glass:{approval.execution}"
    return cards.card_key(approval.execution)


def _glass_key(execution: Execution) -> str:
    return f"glass:{execution.id}"
