"""Reminds those who could decide on what is still open, at growing intervals.

Where several requests wait for the same person, that is one message to them.
"""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

import structlog

from bot.clock import Clock
from bot.ids import UserId
from bot.messages import board, review_cards
from bot.messages.cards import owner_of
from bot.messages.glass_cards import REVIEWED, not_by
from bot.messages.question import Question
from bot.messages.together import reminder_of_several, reminder_row
from bot.model import Approval, ApprovalStatus, Place, ReviewKind, VoteState
from bot.pipeline.reviews import Reviews
from bot.ports import DeliveryFailed
from bot.reply import Line, Reply, dump
from bot.reviews.beginning import FIRST_REMINDER, SLOWEST_REMINDER, pause_after
from bot.reviews.reviewers import Reviewers
from storage import Store, UnitOfWork

_MOST = 500  # at once; each that is left out is due again soon
# Whoever is reminded is reminded of what would be due soon after, too: not again and again.
_TOGETHER = timedelta(minutes=2)

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class _Due:
    """What to remind of, whom (None: nobody knows), and the first pause between two reminders."""

    question: Question
    people: Sequence[UserId] | None
    first: timedelta

    @property
    def approval(self) -> Approval:
        """The review that waits."""
        return self.question.approval


@dataclass(frozen=True, slots=True)
class _Row:
    """A review in a reminder of several, as it is told there."""

    approval: Approval
    told: Line


class Reminders:
    """Says in the thread of a card that it still waits, or to a person that several do."""

    def __init__(
        self, store: Store, reviews: Reviews, deliver: Callable[[], Awaitable[None]], clock: Clock
    ) -> None:
        self._store = store
        self._reviews = reviews
        self._deliver = deliver
        self._clock = clock

    async def remind(self) -> None:
        """Remind those who could decide, at growing intervals: in the card's thread, or directly
        where several cards wait for the same person.
        """
        claimed = await self._claimed()
        reviewers = self._reviews.reviewers.at_this_moment()
        found: list[_Due] = []
        for approval in claimed:
            try:
                one = await self._found(approval, reviewers)
            except Exception:  # remind of the others; this one is due again later
                log.exception("review.not_reminded", approval=approval.id)
                continue
            if one is not None:
                found.append(one)
        several = _several(found)
        for one in found:
            try:
                await self._in_thread(one, frozenset(several))
            except Exception:  # as above
                log.exception("review.not_reminded", approval=one.approval.id)
        for user, rows in several.items():
            try:
                await self._directly(UserId(user), rows)
            except Exception:  # as above, of the other people
                log.exception("person.not_reminded", user=user)
        if claimed:
            await self._deliver()

    async def _claimed(self) -> list[Approval]:
        now = self._clock.now()
        async with self._store.write() as tx:
            claim = tx.approvals.claim_reminders
            due = await claim(now, FIRST_REMINDER, SLOWEST_REMINDER, _MOST)
            if not due:
                return due
            soon = await claim(now + _TOGETHER, FIRST_REMINDER, SLOWEST_REMINDER, _MOST)
            return [*due, *soon]

    async def _found(self, approval: Approval, reviewers: Reviewers) -> _Due | None:
        """Who could still decide on it; None where it is over."""
        async with self._store.read() as tx:
            execution = await tx.executions.get(approval.execution)
        people, decision, first = None, None, FIRST_REMINDER
        try:
            decision = await reviewers.decision(execution, glass=False)
            first = decision.remind or first
            approval = await self._reviews.measuring.measured(
                approval, execution, reviewers, whole=True
            )
            if approval.status is not ApprovalStatus.PENDING:
                return None
            people = await reviewers.others(execution, decision)
        except DeliveryFailed as failure:  # then nobody is mentioned
            log.info("reminder.to_nobody", approval=approval.id, reason=failure.reason)
        question = await self._reviews.questions.of(approval, execution, decision)
        decided = {vote.user for vote in question.votes if vote.state is VoteState.COUNTED}
        left = None if people is None else [user for user in people if user not in decided]
        return _Due(question, left, first)

    async def _in_thread(self, one: _Due, several: frozenset[str]) -> None:
        """Tell it in the card's thread, but to those who are reminded of several."""
        left = one.people
        if left is not None and _is_for_approval(one):
            left = [user for user in left if user not in several]
        now = self._clock.now()
        pause = now + pause_after(one.first, one.approval.reminders)
        is_told = not one.people or bool(left)
        told = review_cards.reminder(one.question, left) if is_told else None
        async for attempt in self._store.attempts():
            async with attempt as tx:
                await tx.approvals.remind(one.approval.id, pause)
                if told is not None:
                    await self._tell(tx, one, left, told)

    async def _tell(
        self, tx: UnitOfWork, one: _Due, people: Sequence[UserId] | None, told: Reply
    ) -> None:
        now, approval, execution = self._clock.now(), one.approval, one.question.execution
        key = review_cards.key_of(approval)
        for copy in await tx.messages.copies(key):
            # In a channel its thread reaches everybody; else those who have a copy are told.
            if copy.ref is None or (copy.key != key and execution.place.is_channel):
                continue
            owner = owner_of(key, copy.key)
            if copy.key != key and not owner:  # an answer: those who are asked have copies
                continue
            if owner and people is not None and owner not in people:
                continue
            place = copy.place
            if place.is_channel and copy.ref.channel != place.channel:  # it had to be sent directly
                place = Place(copy.ref.channel, copy.ref.ts)
            reminding = f"{review_cards.reminders_key(approval)}:{approval.reminders}"
            reminding += copy.key[len(key) :]
            is_own = copy.key == key and not execution.place.is_channel
            shown = not_by(told, {REVIEWED}) if is_own else told
            await board.tell(tx, execution, reminding, place, shown, now, under=copy.key)

    async def _directly(self, user: UserId, rows: Sequence[_Row]) -> None:
        """Tell one person of all that waits for them."""
        now, first = self._clock.now(), rows[0].approval
        told = dump(reminder_of_several([(row.approval, row.told) for row in rows]))
        key = f"{review_cards.reminders_key(first)}:{first.reminders}:several:{user}"
        async for attempt in self._store.attempts():
            async with attempt as tx:
                await tx.messages.put(key, Place.direct(user), told, now)


def _several(found: Sequence[_Due]) -> dict[str, list[_Row]]:
    """For whom more than one waits, and which ones."""
    by_person: dict[str, list[_Row]] = defaultdict(list)
    for one in found:
        people = (one.people or ()) if _is_for_approval(one) else ()
        try:
            row = _Row(one.approval, reminder_row(one.question))
        except Exception:  # what is odd about one must not silence the others
            log.exception("review.not_reminded", approval=one.approval.id)
            continue
        for user in people:
            by_person[user].append(row)
    return {user: rows for user, rows in by_person.items() if len(rows) > 1}


def _is_for_approval(one: _Due) -> bool:
    """Whether it waits to be approved: what ran already has its own button in each reminder."""
    return one.approval.kind is not ReviewKind.AFTERWARDS
