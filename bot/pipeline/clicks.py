"""What a click on a review means: the vote, the forms that some votes need, the answers.

A click is on disk before it is acknowledged; what it is worth is found out afterwards.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from functools import partial

import structlog

from bot.clock import Clock, measured
from bot.errors import Refused, from_error
from bot.folding import best
from bot.ids import ApprovalId, UserId
from bot.language.secret_like import masked
from bot.messages import decisions, glass_cards, review_cards
from bot.messages.cards import card_key
from bot.messages.question import Losses
from bot.model import (
    Approval,
    ApprovalStatus,
    Count,
    MessageRef,
    Press,
    ReviewKind,
    Submission,
    Uncounted,
    Verdict,
    Vote,
    VoteState,
)
from bot.pipeline.corrections import require_same
from bot.pipeline.patience import PATIENCE, courteously, unless_soon
from bot.pipeline.pipeline import Pipeline
from bot.pipeline.reviews import Reviews
from bot.ports import Accepted, Answer, DeliveryFailed, Rejected, Work
from bot.reply import (
    FieldKind,
    Form,
    FormField,
    Line,
    Note,
    Para,
    Phrase,
    Reply,
    any_of,
    bold,
    line,
    say,
)
from storage import Store

_TYPED = "machine"  # the field of the form in which an approver types which machine it is
_REASON = "reason"
_ALONE = "alone"  # what a form keeps of the message with its button: `Clicks._is_replaced`
# After this a card says that a click counts, while it is compared.
_AT_ONCE = timedelta(seconds=0.5)
_BY_OTHERS = frozenset({ReviewKind.APPROVE})

_KEPT = Reply.of(
    say(
        "Slack does not say at the moment whether you may decide on this. Your click is kept, and "
        "counts as of now once Slack does."
    ),
    private=True,
)

Kinds = Collection[ReviewKind]

log = structlog.get_logger()


class Clicks:
    """Approve, confirm, deny, cancel, reviewed."""

    def __init__(self, store: Store, reviews: Reviews, pipeline: Pipeline, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._reviews = reviews
        self._pipeline = pipeline
        self._counting: set[str] = set()  # the keys of the clicks that are being looked at
        self._odd: set[str] = set()  # those that cannot be looked at, which was logged
        self.actions: Mapping[str, Callable[[Press], Awaitable[Work]]] = {
            review_cards.APPROVE: partial(self._vote, verdict=Verdict.APPROVE, kinds=_BY_OTHERS),
            review_cards.CONFIRM: partial(
                self._vote, verdict=Verdict.APPROVE, kinds={ReviewKind.CONFIRM}
            ),
            glass_cards.REVIEWED: partial(
                self._vote, verdict=Verdict.APPROVE, kinds={ReviewKind.AFTERWARDS}
            ),
            review_cards.DENY: self._deny,
            review_cards.CANCEL: self._cancel,
            review_cards.WITHDRAW: self._withdraw,
        }

    @staticmethod
    def owns(form: str) -> bool:
        """Whether a form sent in is one of a review's."""
        return form.partition(":")[0] in {review_cards.APPROVE, review_cards.DENY}

    async def submit(self, submission: Submission) -> Accepted | Rejected:
        """Take the form of a denial, or of an approval that asks which machine it is."""
        action, _, approval_id = submission.form.partition(":")
        reason = masked(submission.values.get(_REASON, "").strip())
        verdict = Verdict.DENY
        if action == review_cards.APPROVE:
            verdict = Verdict.APPROVE
            names = await self._reviews.questions.to_type(ApprovalId(approval_id))
            if not best(submission.values.get(_TYPED, ""), names):
                why = "Approving takes typing what it is about, and something else was typed."
                await self._reviews.turn_away(ApprovalId(approval_id), submission.actor, why)
                wrong = say("That is another one. Type {names}.", names=_either(names))
                return Rejected({_TYPED: wrong})
        vote = Vote(
            submission.key,
            ApprovalId(approval_id),
            submission.actor,
            verdict,
            submission.at,
            submission.place,
            reason,
        )
        is_alone = _ALONE in submission.given
        return Accepted(await self._take(vote, _BY_OTHERS, typed=True, is_alone=is_alone))

    async def take_up(self, answer_for: Callable[[Vote], Answer]) -> None:
        """Look at the clicks that a dying process left behind, or that Slack said nothing about."""
        lost = await self._reviews.lost_clicks()
        # Those that are being counted are not lost: Slack takes its time to say who may decide.
        await asyncio.gather(
            *(self._take_up(vote, answer_for) for vote in lost if vote.key not in self._counting)
        )

    async def _take_up(self, vote: Vote, answer_for: Callable[[Vote], Answer]) -> None:
        try:
            await self._count(vote.key, answer_for(vote), again=True)
        except DeliveryFailed as failure:
            log.warning("answer_lost", approval=vote.approval, reason=failure.reason)
        except Exception:  # the others do not wait for this one
            if vote.key not in self._odd:
                log.exception("click.not_counted", approval=vote.approval)
            self._odd.add(vote.key)

    async def turn_away(self, press: Press, why: str) -> None:
        """Record a click by somebody who is not even looked at."""
        await self._reviews.turn_away(ApprovalId(press.value), press.actor, why)

    async def _deny(self, press: Press) -> Work:
        async with self._store.read() as tx:
            approval = await tx.approvals.find(ApprovalId(press.value))
        if approval is None or not _is_pending(approval):
            return await self._vote(press, Verdict.DENY, _BY_OTHERS)
        is_alone = await self._is_replaced(press)
        return partial(self._open_denial_form, approval, is_alone=is_alone)

    async def _open_denial_form(
        self, approval: Approval, answer: Answer, *, is_alone: bool
    ) -> None:
        form = _denial_form(approval, await self._reviews.questions.asked(approval))
        await answer.open(_keeping(form, is_alone=is_alone))

    async def _open_name_form(self, approval: Approval, answer: Answer, *, is_alone: bool) -> None:
        names = await self._reviews.questions.to_type(approval.id)
        async with self._store.read() as tx:
            execution = await tx.executions.get(approval.execution)
        question = await self._reviews.questions.of(approval, execution)
        form = _name_form(
            approval, await self._reviews.questions.asked(approval), names, question.loses
        )
        await answer.open(_keeping(form, is_alone=is_alone))

    async def _vote(self, press: Press, verdict: Verdict, kinds: Kinds) -> Work:
        vote = Vote(press.key, ApprovalId(press.value), press.actor, verdict, press.at, press.place)
        is_alone = await self._is_replaced(press)
        return await self._take(vote, kinds, typed=False, is_alone=is_alone)

    async def _is_replaced(self, press: Press) -> bool:
        """Whether only the answer to this click can say, on its message, what came of it.

        That is so of ephemeral ones, and of the card as `approval show` answers with it directly.
        """
        if press.in_list:
            return False
        if not press.ts or not press.place.channel.startswith("D"):
            return press.is_alone
        async with self._store.read() as tx:
            approval = await tx.approvals.find(ApprovalId(press.value))
            if approval is None:
                return False
            kept = await tx.messages.copies(card_key(approval.execution))
            kept += await tx.messages.copies(glass_cards.glass_key(approval.execution))
        return MessageRef(press.place.channel, press.ts) not in {copy.ref for copy in kept}

    async def _take(self, vote: Vote, kinds: Kinds, *, typed: bool, is_alone: bool = False) -> Work:
        try:
            taken = await self._reviews.take(vote, kinds, typed=typed)
        except Refused as refusal:
            return partial(_say, from_error(refusal))
        if isinstance(taken, Approval):
            return partial(self._open_name_form, taken, is_alone=is_alone)
        if not taken:
            async with self._store.read() as tx:
                require_same(await tx.votes.get(vote.key), vote)
            return _nothing  # delivered twice: the first one is being looked at
        return partial(self._count, vote.key, is_alone=is_alone)

    async def _count(
        self, key: str, answer: Answer, *, again: bool = False, is_alone: bool = False
    ) -> None:
        """Look at a kept click; what nothing else would edit (`is_alone`) is replaced once over."""
        is_told = False

        async def say_kept() -> None:
            nonlocal is_told
            is_told = True
            await answer.say(_KEPT)

        self._counting.add(key)
        try:
            counting = self._reviews.count(key)
            if not again:
                counting = unless_soon(self._clock, counting, PATIENCE, say_kept)
            counted = await counting
        except Refused as refusal:
            await answer.say(from_error(refusal))
            return
        except DeliveryFailed as failure:
            log.info("click.kept", key=key, reason=failure.reason)
            if not again and not is_told:
                await courteously(say_kept)
            return
        finally:
            self._counting.discard(key)
        if counted is None:
            return
        count, request = counted
        if count.vote.state is VoteState.REFUSED:
            await self._say_late(count, request, answer, is_alone=is_alone)
            return
        # Whoever clicked is told while it goes on: it does not wait for their answer, or for Slack.
        telling = asyncio.create_task(self._tell(count, request, answer, is_alone=is_alone))
        if count.decided:
            going_on = self._pipeline.decided(count.approval, answer)
            show = partial(self._reviews.show_decided, count.approval.id)
            await unless_soon(self._clock, going_on, _AT_ONCE, show)
        else:
            await self._reviews.deliver()
        await telling

    async def _say_late(
        self, count: Count, request: Line, answer: Answer, *, is_alone: bool
    ) -> None:
        """Say why it counts no more; the second press of a double click was answered already."""
        ago = measured(self._clock, decisions.over_at(count))
        if decisions.is_pressed_twice(count, ago) and (_is_confirmed(count) or not is_alone):
            if is_alone:  # it may be another copy, whose buttons have to go
                await self._tell(count, request, answer, is_alone=True)
            return
        async with self._store.read() as tx:
            execution = await tx.executions.get(count.approval.execution)
        late = decisions.too_late(count, ago, execution.outcome)
        # Who has voted already can still take that back on the card.
        is_over = count.vote.why != Uncounted.VOTED
        if in_place := is_alone and is_over:
            # It stands where the card stood, and has to say of what it is.
            late = late.also(Note(request))
        await answer.say(replace(late, in_place=in_place))

    async def _tell(self, count: Count, request: Line, answer: Answer, *, is_alone: bool) -> None:
        if count.approval.kind is ReviewKind.CONFIRM and not is_alone:
            return  # the card says it
        told = decisions.noted(count, request)
        if count.approval.kind is ReviewKind.CONFIRM:
            told = replace(decisions.confirmed(request), in_place=True)
        elif is_alone:
            told = await self._card_with(count.approval, told, count.vote.user)
        try:
            await answer.say(told)
        except DeliveryFailed as failure:
            log.warning("answer_lost", approval=count.approval.id, reason=failure.reason)

    async def _card_with(self, approval: Approval, told: Reply, reader: UserId) -> Reply:
        """The card as it is now, in place of what was pressed, and what came of that below it."""
        card = await self._reviews.questions.card(approval, reader)
        return replace(card.also(Note(line(told.summary))), in_place=True)

    async def _cancel(self, press: Press) -> Work:
        is_alone = await self._is_replaced(press)
        try:
            approval = await self._reviews.cancel(ApprovalId(press.value), press.actor)
        except Refused as refusal:
            return partial(_say, replace(from_error(refusal), in_place=is_alone))
        is_told = is_alone or press.in_list
        return partial(self._cancelled, approval, is_alone=is_alone, is_told=is_told)

    async def _cancelled(
        self, approval: Approval, answer: Answer, *, is_alone: bool, is_told: bool
    ) -> None:
        await self._pipeline.decided(approval, answer)
        if is_told:
            request = await self._reviews.questions.titled(approval)
            await answer.say(replace(decisions.taken_back(request), in_place=is_alone))

    async def _withdraw(self, press: Press) -> Work:
        try:
            await self._reviews.withdraw(ApprovalId(press.value), press.actor, press.at)
        except Refused as refusal:
            return partial(_say, from_error(refusal))
        is_alone = await self._is_replaced(press)
        return partial(self._withdrawn, ApprovalId(press.value), press.actor, is_alone=is_alone)

    async def _withdrawn(
        self, approval: ApprovalId, reader: UserId, answer: Answer, *, is_alone: bool
    ) -> None:
        await self._reviews.deliver()
        told = decisions.withdrawn()
        if is_alone:
            async with self._store.read() as tx:
                found = await tx.approvals.get(approval)
            told = await self._card_with(found, told, reader)
        await answer.say(told)


def _is_pending(approval: Approval) -> bool:
    return approval.status is ApprovalStatus.PENDING


def _either(names: Sequence[str]) -> Line:
    return any_of(say("“{name}”", name=name) for name in names)


def _name_form(approval: Approval, asked: Line, names: Sequence[str], loses: Losses) -> Form:
    label = say("Its description or id") if len(names) > 1 else say("Its name or id")
    hint = say("Type {names} to approve", names=_either(names))
    field = FormField(_TYPED, label, FieldKind.TEXT, hint=hint)
    lost = review_cards.loss(loses)
    return _form(review_cards.APPROVE, approval, say("Approve"), asked, (field,), lost)


def _denial_form(approval: Approval, asked: Line) -> Form:
    hint = say("Everyone who sees the card can read it")
    field = FormField(_REASON, say("Why not?"), FieldKind.LINES, hint=hint)
    return _form(review_cards.DENY, approval, say("Deny"), asked, (field,))


def _form(
    action: str,
    approval: Approval,
    word: Phrase,
    asked: Line,
    fields: Sequence[FormField],
    besides: Sequence[Para] = (),
) -> Form:
    what = Para(line(bold(word), " · ", asked))
    note = Note(line(say("It counts once you press {button}.", button=word)))
    return Form(f"{action}:{approval.id}", word, word, tuple(fields), intro=(what, *besides, note))


def _keeping(form: Form, *, is_alone: bool) -> Form:
    """The form, which knows whether its answer takes the place of what it was opened from."""
    return replace(form, kept={_ALONE: "yes"}) if is_alone else form


async def _say(reply: Reply, answer: Answer) -> None:
    await answer.say(reply)


async def _nothing(_answer: Answer) -> None:
    """A repeated delivery."""


def _is_confirmed(count: Count) -> bool:
    """Whether it is what its requester has confirmed."""
    is_own = count.approval.kind is ReviewKind.CONFIRM
    return is_own and count.approval.status is ApprovalStatus.APPROVED
