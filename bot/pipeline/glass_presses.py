"""What a click on *Break glass* means: one form for the reason, then the same request again.

It is a request of whoever clicks, by their own session and the rules for them, as if they had typed
it with `break_glass`: it names the machine that the card is about. It runs instead of what the card
asks about, whose review ends as the glass breaks.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial

from bot.errors import Refused, from_error
from bot.ids import ApprovalId, ExecutionId, UserId
from bot.language.args import BREAK_GLASS, DRY_RUN, REASON
from bot.language.secret_like import masked
from bot.language.table import Command
from bot.messages import decisions, review_cards
from bot.messages.cards import Subject
from bot.messages.glass_cards import REFUSED
from bot.messages.question import with_requester
from bot.messages.review_cards import BREAK
from bot.model import (
    Approval,
    ApprovalStatus,
    Execution,
    ExecutionStatus,
    Press,
    ReviewKind,
    Source,
    Submission,
)
from bot.pipeline.as_meant import by_ids
from bot.pipeline.context import Services
from bot.pipeline.corrections import was_taken
from bot.pipeline.covered import no_glass
from bot.pipeline.joining import key_of_glass
from bot.pipeline.wish import Wish
from bot.pipeline.works import Ask, nothing, saying
from bot.ports import Accepted, Answer, DeliveryFailed, Rejected, Work
from bot.reply import FieldKind, Form, FormField, Line, Note, Para, bold, line, say


class GlassPresses:
    """Takes the click and the form; `ask` takes the request that they stand for."""

    def __init__(self, services: Services, ask: Ask) -> None:
        self._services = services
        self._ask = ask
        self.actions: Mapping[str, Callable[[Press], Awaitable[Work]]] = {
            BREAK: self._press,
            REFUSED: self._press_refusal,
        }

    @staticmethod
    def owns(form: str) -> bool:
        """Whether a form sent in is this one."""
        return form.partition(":")[0] in {BREAK, REFUSED}

    async def _press(self, press: Press) -> Work:
        try:
            approval, execution, _ = await self._waiting(ApprovalId(press.value))
        except Refused as refusal:
            return saying(from_error(refusal))
        return partial(self._open, approval, replace(execution, actor=press.actor))

    async def _press_refusal(self, press: Press) -> Work:
        """The same where a request was refused since too few could approve it."""
        try:
            execution, command = await self._refused(ExecutionId(press.value), press.actor)
        except Refused as refusal:
            return saying(from_error(refusal))
        return partial(self._open_refused, execution, command)

    async def _open_refused(self, execution: Execution, command: Command, answer: Answer) -> None:
        inventory = self._services.inventory
        node = await inventory.label(execution.node) if execution.node else ""
        asked = command.asked(execution.known, Subject(execution.label, execution.task, node))
        lost = review_cards.loss(command.lost(execution.known, {}))
        await answer.open(_form(f"{REFUSED}:{execution.id}", asked, lost))

    async def _open(self, approval: Approval, asked: Execution, answer: Answer) -> None:
        """Open the form for who may break the glass, as far as Slack says now who they are."""
        reviews = self._services.reviews
        try:
            decision = await reviews.reviewers.decision(asked, glass=True)
        except DeliveryFailed:
            decision = None  # it is decided once the form is sent in
        if decision is not None and not decision.break_glass:
            await answer.say(from_error(no_glass(decision)))
            return
        async with self._services.store.read() as tx:
            execution = await tx.executions.get(approval.execution)
        question = await reviews.questions.of(approval, execution)
        lost = review_cards.loss(question.loses)
        await answer.open(_form(f"{BREAK}:{approval.id}", with_requester(question), lost))

    async def submit(self, submission: Submission) -> Accepted | Rejected:
        """Take the reason, and request it without approval."""
        reason = masked(submission.values.get(REASON, "").strip())
        if not reason:
            return Rejected({REASON: say("A reason is needed for this.")})
        action, _, about = submission.form.partition(":")
        is_refused = action == REFUSED
        key = key_of_glass(ApprovalId(about), submission.key)
        if is_refused:
            key = f"{REFUSED}:{about}:{submission.key}"
        try:
            if is_refused:
                execution, command = await self._refused(ExecutionId(about), submission.actor)
            else:
                _, execution, command = await self._waiting(ApprovalId(about))
        except Refused as refusal:
            if await was_taken(self._services, key, {BREAK_GLASS: reason}):
                return Accepted(nothing)
            return Accepted(saying(from_error(refusal)))
        values = {**_again(execution, command), BREAK_GLASS: reason}
        wish = Wish(
            key, submission.actor, submission.place,
            Source.FORM, command, values, by_id="vm" in values,
        )  # fmt: skip
        return Accepted(await self._ask(wish, {}))

    async def _refused(self, execution_id: ExecutionId, actor: UserId) -> tuple[Execution, Command]:
        """What was refused to this person. Raises Refused."""
        async with self._services.store.read() as tx:
            execution = await tx.executions.find(execution_id)
        command = self._services.table.get(execution.command) if execution else None
        if execution is None or command is None or command.secrets or execution.actor != actor:
            raise Refused(say("This request is not known any more."))
        if execution.status is not ExecutionStatus.REFUSED:
            raise Refused(say("This has been decided already."))
        return execution, command

    async def _waiting(self, approval_id: ApprovalId) -> tuple[Approval, Execution, Command]:
        """The review that waits, and what it is about. Raises Refused."""
        async with self._services.store.read() as tx:
            approval = await tx.approvals.find(approval_id)
            execution = None
            if approval is not None:
                execution = await tx.executions.get(approval.execution)
        command = self._services.table.get(execution.command) if execution else None
        if approval is None or execution is None or command is None or command.secrets:
            raise Refused(decisions.UNKNOWN, hint=decisions.UNKNOWN_HINT)
        is_open = approval.status is ApprovalStatus.PENDING
        if approval.kind is not ReviewKind.APPROVE or not is_open:
            raise Refused(say("This has been decided already."))
        return approval, execution, command


def _again(execution: Execution, command: Command) -> dict[str, str]:
    """What was asked for, of the machine and node that the card names."""
    left_out = {REASON, BREAK_GLASS, DRY_RUN}
    texts = by_ids(command, execution)
    return {name: text for name, text in texts.items() if name not in left_out}


def _form(about: str, asked: Line, lost: Sequence[Para]) -> Form:
    word = say("Break glass")
    hint = say(
        "It is announced where it was requested and to everyone who could approve it; somebody "
        "else reviews it later"
    )
    field = FormField(REASON, say("Why can it not wait?"), FieldKind.LINES, hint=hint)
    what = Para(line(bold(word), " · ", asked))
    note = Note(line(say("It runs at once, without approval.")))
    return Form(about, word, word, (field,), intro=(what, *lost, note))
