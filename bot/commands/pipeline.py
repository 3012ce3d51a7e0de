"""Carries out what the ledger holds: bind, review, run once, store the outcome.

Every step is a conditional update, so a second process, a repeated click or a crash in between
finds the step taken or not taken, never half. The call to DBC stands between two of them.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime, timedelta

import structlog

from bot.commands.args import BREAK_GLASS
from bot.commands.bind import Bound, bind
from bot.commands.context import Context, Services
from bot.commands.facts import facts_of
from bot.commands.reading import patiently
from bot.commands.table import Command, said
from bot.commands.whisper import Whisper
from bot.errors import BotError, Refused, Severity
from bot.model import (
    Approval,
    ApprovalStatus,
    Effect,
    Execution,
    ExecutionStatus,
    Goal,
    Place,
    ReviewKind,
    Watch,
)
from bot.ports import Answer, DeliveryFailed
from bot.reply import Line, Part, Reply, advice, code, dump, from_error, line
from bot.services import board, cards
from bot.services.cards import Subject
from bot.services.outbox import Outbox
from storage import UnitOfWork

# Longer than the slowest path from record to answer: target look-up, state, and the call itself.
LEASE = timedelta(minutes=5)
_STATE_PATIENCE = 4.0  # seconds that a card waits to learn a machine's state
# What is to be compared is waited for, as long as a daemon may take to answer.
_COMPARE_PATIENCE = 40.0
_SLACK_PATIENCE = timedelta(minutes=10)
_SLACK_PAUSE = timedelta(seconds=10)
# What nobody could carry out for so long would come as a surprise, approved or not.
_TOO_LATE = timedelta(hours=1)
_FIRST_LOOK = timedelta(seconds=2)

_NOT_APPROVED = frozenset(ApprovalStatus) - {ApprovalStatus.PENDING, ApprovalStatus.APPROVED}
_ENDS = {
    Severity.REFUSED: ExecutionStatus.REFUSED,
    Severity.FAILED: ExecutionStatus.FAILED,
    Severity.UNKNOWN: ExecutionStatus.UNKNOWN,
}

log = structlog.get_logger()


class Pipeline:
    """From RECORDED to an end, whoever takes the next step and whenever."""

    def __init__(self, services: Services, outbox: Outbox, by: str) -> None:
        self._services = services
        self._store = services.store
        self._reviews = services.reviews
        self._outbox = outbox
        self._clock = services.clock
        self._by = by

    async def carry_out(self, execution: Execution, answer: Answer) -> None:
        """Take a recorded execution as far as it goes now: to a question, or to DBC."""
        command = self._services.table[execution.command]
        async with self._store.read() as tx:
            approval = await tx.approvals.for_execution(execution.id)
        if approval is not None and approval.status in _NOT_APPROVED:
            await self._reviews.close(approval)
            return
        try:
            if self._clock.now() - _wanted_since(execution, approval) > _TOO_LATE:
                raise Refused(
                    "I could not get to this in time; by now it might be a surprise.",
                    hint="Nothing was done. Ask again.",
                )
            execution, bound = await patiently(self.prepare(execution), answer)
            if not await self._is_cleared(command, execution, bound, approval):
                return
        except BotError as error:
            await self._turn_down(execution, error, answer)
        except DeliveryFailed as failure:
            await self._slack_is_silent(execution, approval, failure, answer)
        else:
            await self._run(command, execution, bound, answer)

    async def prepare(self, execution: Execution) -> tuple[Execution, Bound]:
        """Find out what was meant and whether it can be. Raises BotError where it cannot."""
        command = self._services.table[execution.command]
        await self._may_change_things(execution)
        bound = await self._bind(command, execution)
        execution = await self._fix_target(command, execution, bound)
        return await self._look(command, execution, bound), bound

    async def _is_cleared(
        self, command: Command, execution: Execution, bound: Bound, approval: Approval | None
    ) -> bool:
        """Whether it may run now; if not, it is asked for. Raises Refused."""
        decision = await self._reviews.decision(execution)
        if approval is None and decision.kind == "run":
            return True
        if approval is None and decision.kind == "approve" and execution.arguments.get(BREAK_GLASS):
            await self._reviews.break_glass(execution, decision)
            return True
        if approval is not None and approval.kind is ReviewKind.AFTERWARDS:
            return True
        context = self._context(execution, _nobody)
        if approval is None:
            shown = await facts_of(command, execution, bound, context, _STATE_PATIENCE)
            await self._reviews.ask(execution, bound.node, decision, shown)
            return False
        now = await facts_of(command, execution, bound, context, _COMPARE_PATIENCE)
        self._reviews.compare(approval, execution, decision, now)
        return True

    async def decided(self, approval: Approval, answer: Answer) -> None:
        """Go on after a review: run what was approved, or close what was not."""
        if approval.kind is ReviewKind.AFTERWARDS:
            await self._reviews.reviewed(approval)
            return
        async with self._store.read() as tx:
            execution = await tx.executions.get(approval.execution)
        await self.carry_out(execution, answer)

    async def recover(self, answer_for: Callable[[Execution], Answer]) -> None:
        """Take up what a process that died left behind."""
        now = self._clock.now()
        async with self._store.write() as tx:
            stranded = await tx.executions.claim_stranded(self._by, now, now + LEASE, 20)
        await asyncio.gather(*(self._take_up(one, answer_for(one)) for one in stranded))

    async def _take_up(self, execution: Execution, answer: Answer) -> None:
        log.info("execution.recovered", execution=execution.id, status=execution.status)
        try:
            if execution.status is ExecutionStatus.RECORDED:
                await self.carry_out(execution, answer)
            else:
                await self._lost_sight(execution)
        except Exception:  # the others are not to wait for the lease of this one
            log.exception("execution.not_recovered", execution=execution.id)

    # Before the run

    async def _may_change_things(self, execution: Execution) -> None:
        person = await self._services.directory.person(execution.actor)
        if not person.is_full_member:
            raise Refused("Only full members of this workspace can change machines.")

    async def _bind(self, command: Command, execution: Execution) -> Bound:
        values = {**execution.arguments, **execution.secrets}
        return await bind(
            self._services.inventory, command, values, execution.actor, execution.place
        )

    async def _fix_target(self, command: Command, execution: Execution, bound: Bound) -> Execution:
        """Write down what the names meant; a creation's machine gets the ledger entry's id."""
        node = bound.node.id if bound.node else ""
        if bound.machine is not None:
            task, label = bound.machine.task, bound.machine.label
        elif command.follow is not None and command.follow.goal is Goal.RUNNING:
            task = execution.id
            label = execution.arguments.get("name", "") or task[:8]
        else:
            task, label = "", execution.arguments.get("image", "").rpartition("/")[2]
        if execution.task and (execution.node, execution.task) != (node, task):
            raise Refused(
                "The name means another machine now than when this was asked.",
                hint="Nothing was done. Ask again.",
            )
        async with self._store.write() as tx:
            await tx.executions.set_target(execution.id, node, task, label)
        return replace(execution, node=node, task=task, label=label)

    async def _look(self, command: Command, execution: Execution, bound: Bound) -> Execution:
        """Read what the command wants to know first. What a question showed must still hold."""
        if command.look is None:
            return execution
        context = self._context(execution, _nobody)
        facts = dict(await command.look(context, **bound.arguments))
        if execution.facts and execution.effect >= Effect.DISRUPT and facts != execution.facts:
            raise Refused(
                "Things have changed since this was asked.", hint="Nothing was done. Ask again."
            )
        async with self._store.write() as tx:
            await tx.executions.set_facts(execution.id, facts)
        return replace(execution, facts=facts)

    async def _turn_down(self, execution: Execution, error: BotError, answer: Answer) -> None:
        """Nothing was sent: close the entry and tell whoever asked.

        What others have seen ends where they saw it, with a word to who asked. What nobody has
        seen yet is said before it is stored: said twice after a crash is better than never.
        """
        log.info("execution.refused", execution=execution.id, why=error.sentence)
        async with self._store.read() as tx:
            is_public = await tx.messages.find(cards.card_key(execution.id)) is not None
        if not is_public:
            await self._tell(execution, error, answer)
        sentence = line(error.sentence)
        now = self._clock.now()
        async with self._store.write() as tx:
            approval = await tx.approvals.for_execution(execution.id)
            ended = await tx.executions.set_status(
                execution.id,
                ExecutionStatus.REFUSED,
                outcome=error.sentence,
                now=now,
                expect={ExecutionStatus.RECORDED, ExecutionStatus.WAITING},
            )
            if ended and approval is not None and approval.kind is not ReviewKind.AFTERWARDS:
                await tx.approvals.void(approval.id, now)
            if ended and is_public:
                card = cards.ended(execution, ExecutionStatus.REFUSED, sentence)
                await self._say_on_card(tx, execution, card)
            if ended and is_public and approval is not None and not approval.reviewer:
                told = cards.announcement(
                    execution, ExecutionStatus.REFUSED, sentence, *cards.hint(advice(error))
                )
                await tx.messages.put(cards.end_key(execution.id), execution.place, dump(told), now)
        if is_public:
            await self._tell(execution, error, answer)
        await self._outbox.deliver_due()

    async def _tell(self, execution: Execution, error: BotError, answer: Answer) -> None:
        try:
            await answer.say(from_error(error))
        except DeliveryFailed as failure:
            log.warning("answer_lost", execution=execution.id, reason=failure.reason)

    async def _slack_is_silent(
        self,
        execution: Execution,
        approval: Approval | None,
        failure: DeliveryFailed,
        answer: Answer,
    ) -> None:
        """Nobody knows who may do this: it waits for Slack, but not so long that it surprises."""
        log.warning("slack.unanswered", execution=execution.id, reason=failure.reason)
        since, now = _wanted_since(execution, approval), self._clock.now()
        if failure.retry_after is not None and now - since < _SLACK_PATIENCE:
            until = now + max(failure.retry_after, _SLACK_PAUSE)
            async with self._store.write() as tx:
                await tx.executions.claim(
                    execution.id,
                    self._by,
                    now,
                    until,
                    expect={ExecutionStatus.RECORDED},
                    to=ExecutionStatus.RECORDED,
                )
            return
        unknown = Refused("Slack did not say who may do this.", hint="Nothing was done. Try again.")
        await self._turn_down(execution, unknown, answer)

    # The run

    async def _run(
        self, command: Command, execution: Execution, bound: Bound, answer: Answer
    ) -> None:
        """The one place from which a change goes to DBC: claimed by one, sent once."""
        now = self._clock.now()
        subject = self._subject(execution, bound)
        async with self._store.write() as tx:
            claimed = await tx.executions.claim(
                execution.id,
                self._by,
                now,
                now + LEASE,
                expect={ExecutionStatus.RECORDED},
                to=ExecutionStatus.RUNNING,
            )
            if claimed is None:
                return
            asking = line(f"waiting for {subject.node_label} to answer, which can take 30 s")
            if command.follow is not None:
                doing = said(command.follow.doing, execution.known)
                card = cards.progress(execution, subject, doing, asking)
                await self._say_on_card(tx, execution, card)
            elif await _was_asked(tx, execution):
                asks, _ = command.question_of(execution.known)
                what = line(asks or command.title.capitalize(), " ", subject.named)
                card = cards.running(execution, what, asking)
                await self._say_on_card(tx, execution, card)
        execution = replace(claimed, secrets=execution.secrets)
        if command.follow is None:
            await self._run_unfollowed(command, execution, bound, answer)
        else:
            await self._run_followed(command, execution, bound)

    async def _run_followed(self, command: Command, execution: Execution, bound: Bound) -> None:
        context = self._context(execution, _nobody)
        told = asyncio.create_task(self._outbox.deliver_due())
        error: BotError | None = None
        try:
            await command.run(context, **bound.arguments)
        except BotError as caught:
            error = caught
        # What DBC has said is stored before Slack is waited for.
        if error is None or error.severity is Severity.UNKNOWN:
            await self._follow(command, execution, bound, unsure=error is not None)
        else:
            await self._failed_at_once(command, execution, bound, error)
        await told
        await self._outbox.deliver_due()

    async def _follow(
        self, command: Command, execution: Execution, bound: Bound | None, *, unsure: bool
    ) -> None:
        """DBC has accepted, or nobody knows: the watch settles it."""
        follow = command.follow
        assert follow is not None, "only followed commands come here"  # noqa: S101
        now = self._clock.now()
        watch = Watch(
            id=execution.id,
            execution=execution.id,
            node=execution.node,
            task=execution.task,
            label=execution.label,
            goal=follow.goal_of(execution.known),
            owner=execution.actor,
            place=execution.place,
            started_at=now,
            deadline_at=now + follow.limit,
            next_poll_at=now + _FIRST_LOOK,
            status=bound.machine.status if bound and bound.machine else "",
            unsure=unsure,
            about={**execution.known, "command": execution.command},
        )
        label = await self._services.inventory.label(execution.node)
        async with self._store.write() as tx:
            # It goes on with the session that it began with, also one that is shared.
            begun = await tx.executions.get(execution.id)
            watch = replace(watch, owner=begun.session_of or execution.actor)
            if await tx.executions.set_status(
                execution.id,
                ExecutionStatus.FOLLOWING,
                now=now,
                expect={ExecutionStatus.RUNNING},
            ):
                await self._services.watches.open(tx, execution, watch, label)

    async def _failed_at_once(
        self, command: Command, execution: Execution, bound: Bound, error: BotError
    ) -> None:
        end = _ENDS[error.severity]
        sentence = _failure(command, self._subject(execution, bound), error)
        hint = advice(error)
        now = self._clock.now()
        async with self._store.write() as tx:
            if await tx.executions.set_status(
                execution.id,
                end,
                outcome=error.sentence,
                now=now,
                expect={ExecutionStatus.RUNNING},
            ):
                card = cards.ended(execution, end, sentence, detail=hint)
                await self._say_on_card(tx, execution, card)
                await self._announce(tx, execution, end, sentence, *cards.hint(hint))

    async def _run_unfollowed(
        self, command: Command, execution: Execution, bound: Bound, answer: Answer
    ) -> None:
        """What is over with the answer: the reply is the outcome."""
        if execution.approved_by:  # `answer` is the last approver's, and the reply is not for them
            answer = Whisper(self._services.messenger, execution.actor, execution.place)
        told = asyncio.create_task(self._outbox.deliver_due())
        status, outcome, subject = ExecutionStatus.DONE, "", self._subject(execution, bound)
        try:
            reply = await command.run(self._context(execution, answer.say), **bound.arguments)
            reply = reply or Reply.of("Done.")
            done = line(subject.named, ": ", code(command.title), " is done.")
            sentence = done if reply.private else line(reply.summary)
        except BotError as error:
            status, outcome, reply = _ENDS[error.severity], error.sentence, from_error(error)
            sentence = _failure(command, subject, error)
        async with self._store.write() as tx:
            if await tx.executions.set_status(
                execution.id,
                status,
                outcome=outcome or reply.summary,
                now=self._clock.now(),
                expect={ExecutionStatus.RUNNING},
            ):
                await self._show_outcome(tx, execution, status, sentence, reply)
        await told
        await self._outbox.deliver_due()
        if reply.private:
            await answer.say(reply)

    async def _show_outcome(
        self,
        tx: UnitOfWork,
        execution: Execution,
        status: ExecutionStatus,
        sentence: Line,
        reply: Reply,
    ) -> None:
        """End the card; whoever had to wait for others' approval gets a message of their own."""
        if not await _was_asked(tx, execution):
            card = None if reply.private else reply
        elif reply.private:
            card = cards.ended(execution, status, sentence)
        else:
            card = cards.answered(execution, reply)
        if card is not None:
            await self._say_on_card(tx, execution, card)
        if execution.approved_by:
            await self._announce(tx, execution, status, sentence)

    async def _lost_sight(self, execution: Execution) -> None:
        """A process died while the call may have been on its way: look, never send again."""
        command = self._services.table[execution.command]
        if command.follow is not None:
            await self._follow(command, execution, None, unsure=True)
            await self._outbox.deliver_due()
            return
        title, status = command.title, ExecutionStatus.UNKNOWN
        sentence = f"I was restarted during “{title}”; whether it was done is not known."
        async with self._store.write() as tx:
            if await tx.executions.set_status(
                execution.id,
                status,
                outcome=sentence,
                now=self._clock.now(),
                expect={ExecutionStatus.RUNNING},
            ):
                place = Place(execution.actor)  # what nobody else has seen is told in private
                if await _was_asked(tx, execution):
                    place = execution.place
                    card = cards.ended(execution, status, line(sentence))
                    await self._say_on_card(tx, execution, card)
                look = line("Look at the present state before doing it again.")
                told = replace(execution, place=place)
                await self._announce(tx, told, status, line(sentence), *cards.hint(look))
        await self._outbox.deliver_due()

    # Small things

    def _context(self, execution: Execution, say: Callable[[Reply], Awaitable[None]]) -> Context:
        return Context(
            self._services, execution.actor, execution.place, execution.source, say, execution
        )

    @staticmethod
    def _subject(execution: Execution, bound: Bound) -> Subject:
        return Subject(execution.label, execution.task, bound.node.label if bound.node else "")

    async def _say_on_card(self, tx: UnitOfWork, execution: Execution, card: Reply) -> None:
        await board.show_card(tx, execution, card, self._clock.now())

    async def _announce(
        self,
        tx: UnitOfWork,
        execution: Execution,
        end: ExecutionStatus,
        sentence: Line,
        *parts: Part,
    ) -> None:
        told = dump(cards.announcement(execution, end, sentence, *parts))
        key = cards.end_key(execution.id)
        await tx.messages.put(key, execution.place, told, self._clock.now())


def _wanted_since(execution: Execution, approval: Approval | None) -> datetime:
    """When it was last said that it should be done: asked for, or approved."""
    if approval is None or approval.kind is ReviewKind.AFTERWARDS:
        return execution.created_at
    return approval.decided_at or execution.created_at


async def _was_asked(tx: UnitOfWork, execution: Execution) -> bool:
    """Whether a question about it stands on a card, which then has to say the end."""
    return await tx.messages.find(cards.card_key(execution.id)) is not None


def _failure(command: Command, subject: Subject, error: BotError) -> Line:
    what = {Severity.REFUSED: "was refused", Severity.FAILED: "failed"}
    told = what.get(error.severity, "has an unknown end")
    said = command.spoken(error.sentence)
    return line(subject.named, ": ", code(command.title), f" {told}. {said}")


async def _nobody(_reply: Reply) -> None:
    """Followed commands speak through their card."""
