"""Reminds those who could decide on what is still open, at growing intervals."""

from collections.abc import Awaitable, Callable

import structlog

from bot.clock import Clock
from bot.commands.reviews import Reviews
from bot.model import Approval, ApprovalStatus, Place, VoteState
from bot.ports import DeliveryFailed
from bot.services import board, review_cards
from bot.services.approvals import FIRST_REMINDER, SLOWEST_REMINDER, pause_after
from storage import Store

log = structlog.get_logger()


class Reminders:
    """Says in the thread of a card that it still waits."""

    def __init__(
        self, store: Store, reviews: Reviews, deliver: Callable[[], Awaitable[None]], clock: Clock
    ) -> None:
        self._store = store
        self._reviews = reviews
        self._deliver = deliver
        self._clock = clock

    async def remind(self) -> None:
        """Remind those who could decide, at growing intervals, in the card's thread."""
        now = self._clock.now()
        async with self._store.write() as tx:
            due = await tx.approvals.claim_reminders(now, FIRST_REMINDER, SLOWEST_REMINDER, 20)
        for approval in due:
            try:
                await self._remind(approval)
            except Exception:  # remind of the others; this one is due again later
                log.exception("review.not_reminded", approval=approval.id)
        if due:
            await self._deliver()

    async def _remind(self, approval: Approval) -> None:
        async with self._store.read() as tx:
            execution = await tx.executions.get(approval.execution)
            key = review_cards.key_of(approval)
        reviewers = self._reviews.reviewers.at_this_moment()
        people, decision, first = None, None, FIRST_REMINDER
        try:
            decision = await reviewers.decision(execution, glass=False)
            first = decision.remind or first
            approval = await self._reviews.measuring.measured(
                approval, execution, reviewers, whole=True
            )
            if approval.status is not ApprovalStatus.PENDING:
                return
            people = await reviewers.others(execution, decision)
        except DeliveryFailed as failure:  # then nobody is mentioned
            log.info("reminder.to_nobody", approval=approval.id, reason=failure.reason)
        question = await self._reviews.question(approval, execution, decision)
        now = self._clock.now()
        decided = {vote.user for vote in question.votes if vote.state is VoteState.COUNTED}
        left = None if people is None else [user for user in people if user not in decided]
        told = review_cards.reminder(question, left, now)
        async with self._store.write() as tx:
            copies = await tx.messages.copies(key)
            for copy in copies:
                # In a channel its thread reaches everybody; else those who have a copy are told.
                if copy.ref is None or (copy.key != key and _is_channel(execution.place)):
                    continue
                moved = copy.ref.channel != copy.place.channel
                thread = copy.ref.ts if moved else copy.place.thread or copy.ref.ts
                reminding = f"remind:{approval.id}:{approval.reminders}{copy.key[len(key) :]}"
                place = Place(copy.ref.channel, thread)
                await board.tell(tx, execution, reminding, place, told, now)
            await tx.approvals.remind(approval.id, now + pause_after(first, approval.reminders))


def _is_channel(place: Place) -> bool:
    return place.channel.startswith(("C", "G"))
