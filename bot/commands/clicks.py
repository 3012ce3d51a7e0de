"""What a click on a review means: the vote, the forms that some votes need, the answers.

A click is on disk before it is acknowledged; what it is worth is found out afterwards.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial

from bot.commands.pipeline import Pipeline
from bot.commands.reviews import Reviews
from bot.errors import Refused
from bot.model import (
    Approval,
    ApprovalStatus,
    Count,
    Press,
    ReviewKind,
    Submission,
    Verdict,
    Vote,
)
from bot.ports import Accepted, Answer, Rejected, Work
from bot.reply import Form, FormField, Note, Reply, from_error, line
from bot.services import review_cards
from storage import Store

_TYPED = "machine"  # the field of the form in which an approver types the machine's name
_REASON = "reason"


class Clicks:
    """Approve, confirm, deny, cancel, reviewed."""

    def __init__(self, store: Store, reviews: Reviews, pipeline: Pipeline) -> None:
        self._store = store
        self._reviews = reviews
        self._pipeline = pipeline
        self.actions: Mapping[str, Callable[[Press], Awaitable[Work]]] = {
            review_cards.APPROVE: self._approve,
            review_cards.CONFIRM: partial(self._vote, verdict=Verdict.APPROVE),
            review_cards.REVIEWED: partial(self._vote, verdict=Verdict.APPROVE),
            review_cards.DENY: self._deny,
            review_cards.CANCEL: self._cancel,
        }

    @staticmethod
    def owns(form: str) -> bool:
        """Whether a form sent in is one of a review's."""
        return form.partition(":")[0] in {review_cards.APPROVE, review_cards.DENY}

    async def submit(self, submission: Submission) -> Accepted | Rejected:
        """Take the form of a denial, or of an approval that asks for the machine's name."""
        action, _, approval_id = submission.form.partition(":")
        reason = submission.values.get(_REASON, "").strip()
        verdict = Verdict.DENY
        if action == review_cards.APPROVE:
            verdict = Verdict.APPROVE
            label = await self._label(approval_id)
            if submission.values.get(_TYPED, "").strip() != label:
                return Rejected({_TYPED: f"That is not its name. Type: {label}"})
        vote = Vote(
            submission.key,
            approval_id,
            submission.actor,
            verdict,
            submission.at,
            submission.place,
            reason,
        )
        return Accepted(await self._take(vote))

    async def take_up(self, answer_for: Callable[[Vote], Answer]) -> None:
        """Look at the clicks that a dying process left behind."""
        for vote in await self._reviews.lost_clicks():
            await self._count(vote.key, answer_for(vote))

    async def _approve(self, press: Press) -> Work:
        async with self._store.read() as tx:
            approval = await tx.approvals.find(press.value)
        if approval is not None and approval.type_name and _is_pending(approval):
            label = await self._label(approval.id)
            return partial(_open, _name_form(approval, label))
        return await self._vote(press, verdict=Verdict.APPROVE)

    async def _deny(self, press: Press) -> Work:
        async with self._store.read() as tx:
            approval = await tx.approvals.find(press.value)
        if approval is None or not _is_pending(approval):
            return await self._vote(press, verdict=Verdict.DENY)
        return partial(_open, _denial_form(approval))

    async def _vote(self, press: Press, verdict: Verdict) -> Work:
        return await self._take(
            Vote(press.key, press.value, press.actor, verdict, press.at, press.place)
        )

    async def _take(self, vote: Vote) -> Work:
        try:
            if not await self._reviews.take(vote):
                return _nothing  # delivered twice: the first one is being looked at
        except Refused as refusal:
            return partial(_say, from_error(refusal))
        return partial(self._count, vote.key)

    async def _count(self, key: str, answer: Answer) -> None:
        try:
            count = await self._reviews.count(key)
        except Refused as refusal:
            await answer.say(from_error(refusal))
            return
        if count.approval.kind is not ReviewKind.CONFIRM:
            await answer.say(_noted(count))
        if count.decided:
            await self._pipeline.decided(count.approval, answer)
        else:
            await self._reviews.deliver()

    async def _cancel(self, press: Press) -> Work:
        try:
            approval = await self._reviews.cancel(press.value, press.actor)
        except Refused as refusal:
            return partial(_say, from_error(refusal))
        return partial(self._pipeline.decided, approval)

    async def _label(self, approval_id: str) -> str:
        async with self._store.read() as tx:
            approval = await tx.approvals.get(approval_id)
            return (await tx.executions.get(approval.execution)).label


def _is_pending(approval: Approval) -> bool:
    return approval.status is ApprovalStatus.PENDING


def _noted(count: Count) -> Reply:
    if not count.decided:
        return Reply.of("Noted; more are needed.", private=True)
    words = {
        ApprovalStatus.APPROVED: "Approved: it runs now.",
        ApprovalStatus.DENIED: "Denied: nothing is done.",
    }
    if count.approval.kind is ReviewKind.AFTERWARDS:
        return Reply.of("Thank you: it is noted that you have reviewed it.", private=True)
    return Reply.of(words[count.approval.status], private=True)


def _name_form(approval: Approval, label: str) -> Form:
    field = FormField(_TYPED, "The machine's name", "text", hint=f"Type {label} to approve")
    return _form(review_cards.APPROVE, approval, "Approve", (field,))


def _denial_form(approval: Approval) -> Form:
    field = FormField(_REASON, "Why not?", "lines", hint="Everyone who sees the card can read it")
    return _form(review_cards.DENY, approval, "Deny", (field,))


def _form(action: str, approval: Approval, word: str, fields: Sequence[FormField]) -> Form:
    note = Note(line("It counts once you press ", word, "."))
    return Form(f"{action}:{approval.id}", word, word, tuple(fields), intro=(note,))


async def _open(form: Form, answer: Answer) -> None:
    await answer.open(form)


async def _say(reply: Reply, answer: Answer) -> None:
    await answer.say(reply)


async def _nothing(_answer: Answer) -> None:
    """A repeated delivery."""
