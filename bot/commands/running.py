"""Runs a change: claims it, sends it once, stores what came of it.

The one place from which a change goes to DBC. The call stands between two stored steps, so a
second process or a crash finds it sent by somebody or not sent, and never sends it again.
"""

import asyncio
from dataclasses import replace
from datetime import timedelta

from bot.commands.bind import Bound
from bot.commands.context import Context, Services
from bot.commands.table import Command, said
from bot.commands.whisper import Whisper
from bot.errors import BotError, Severity
from bot.model import Execution, ExecutionStatus, Place, Watch
from bot.ports import Answer
from bot.reply import Line, Part, Reply, advice, code, dump, from_error, line
from bot.services import board, cards
from bot.services.cards import Subject
from bot.services.outbox import Outbox
from storage import UnitOfWork

# Longer than the slowest path from record to answer: target look-up, state, and the call itself.
LEASE = timedelta(minutes=5)
_FIRST_LOOK = timedelta(seconds=2)

_ENDS = {
    Severity.REFUSED: ExecutionStatus.REFUSED,
    Severity.FAILED: ExecutionStatus.FAILED,
    Severity.UNKNOWN: ExecutionStatus.UNKNOWN,
}


class Runs:
    """From RECORDED to an end, or to a watch that settles it."""

    def __init__(self, services: Services, outbox: Outbox, by: str) -> None:
        self._services = services
        self._store = services.store
        self._outbox = outbox
        self._clock = services.clock
        self._by = by

    async def run(
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
        context = Context.of(self._services, execution)
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
            reply = await command.run(
                Context.of(self._services, execution, answer.say), **bound.arguments
            )
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

    async def lost_sight(self, execution: Execution) -> None:
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


async def _was_asked(tx: UnitOfWork, execution: Execution) -> bool:
    """Whether a question about it stands on a card, which then has to say the end."""
    return await tx.messages.find(cards.card_key(execution.id)) is not None


def _failure(command: Command, subject: Subject, error: BotError) -> Line:
    what = {Severity.REFUSED: "was refused", Severity.FAILED: "failed"}
    told = what.get(error.severity, "has an unknown end")
    said = command.spoken(error.sentence)
    return line(subject.named, ": ", code(command.title), f" {told}. {said}")
