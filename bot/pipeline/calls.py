"""Runs a change: claims it, sends it once, stores what came of it.

The one place from which a change goes to DBC. The call stands between two stored steps, so a
second process or a crash finds it sent by somebody or not sent, and never sends it again.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta

import structlog

from bot.dbc.errors import DbcError
from bot.errors import NOTHING_LEARNT, BotError, advice, certain, fault_of, recorded
from bot.ids import TaskId, UserId
from bot.language.row_parts import Follow, said
from bot.language.table import Command
from bot.messages import board, cards
from bot.messages.cards import Subject
from bot.messages.delivery import Delivery
from bot.messages.outbox import Outbox
from bot.model import DbcSession, Execution, ExecutionStatus, Leased
from bot.pipeline.context import Context, Ends, Services, unsaid
from bot.pipeline.endings import Endings
from bot.pipeline.failed import Failures
from bot.pipeline.failing import ENDS, Overtaken, failure, interrupted, is_kept
from bot.pipeline.followed import created, learnt_from, watch_of
from bot.pipeline.holding import require_way
from bot.pipeline.patience import unless_soon
from bot.pipeline.repeated import went_through
from bot.pipeline.sent_with import sent_with
from bot.pipeline.targets import Bound
from bot.pipeline.turns import require_turn
from bot.pipeline.twins import require_unrepeated
from bot.pipeline.whisper import Whisper
from bot.ports import Answer
from bot.reply import (
    Line,
    Reply,
    Severity,
    Words,
    line,
    say,
)
from bot.reviews.policy import Policy
from storage import BadKey, StorageFailed, UnitOfWork
from storage.heartbeat import LeaseLost

# How long after its process has died a command is taken up by another one.
LEASE = timedelta(minutes=5)
# What is over sooner (seconds) needs no card that says it is under way: what was refused by then,
# nobody else has seen.
_UNSEEN = timedelta(seconds=0.5)

log = structlog.get_logger()


class InDoubt(BotError):
    """Something of ours failed when the change was on its way: it may or may not be done."""

    severity = Severity.UNKNOWN


class RulesReplaced(Exception):
    """The rules by which it was allowed are in force no longer: they have to be asked again."""


class Runs:
    """From RECORDED to an end, or to a watch that settles it."""

    def __init__(self, services: Services, outbox: Outbox, by: str) -> None:
        self._services = services
        self._store = services.store
        self._outbox = outbox
        self._clock = services.clock
        self._by = by
        self._endings = Endings(services)
        self._failures = Failures(services, self._endings)

    async def run(
        self,
        command: Command,
        execution: Execution,
        bound: Bound,
        answer: Answer,
        rules: Policy,
    ) -> None:
        """Send it, if nobody else has: claimed by one, sent once, while these rules are in force.

        Raises InDoubt where what came of it could not be stored; `lost_sight` takes it up then.
        Raises, before it is claimed, SameRequest where it is the second of two alike, Repeated
        where one like it was sent since it was shown for review, Behind where
        others are ahead of it at its machine, Overtaken where another change of the machine was
        sent after this one looked at it, Held while changes are held back, Refused where the
        requester may act with no session there any more or with another one than was
        approved, RulesReplaced.
        """
        claim = await self._claimed(command, execution, bound, rules)
        if claim is None:
            return
        execution = replace(claim.execution, secrets=execution.secrets)
        bound = replace(bound, session=claim.session)
        run = self._run_unfollowed if command.follow is None else self._run_followed
        try:
            await run(command, execution, bound, answer)
        except StorageFailed as error:
            raise InDoubt(
                say(
                    "My database failed during “{request}”: whether it is done is not known.",
                    request=command.called,
                ),
                hint=say("Do not repeat it: I come back to it in a few minutes."),
            ) from error

    async def _claimed(
        self, command: Command, execution: Execution, bound: Bound, rules: Policy
    ) -> "_Claim | None":
        """Claim the execution for sending and store what is known of it; None if another has it."""
        claimed: Execution | None = None
        session: DbcSession | None = None
        now = self._clock.now()
        label = await self._services.inventory.label(execution.node) if execution.node else ""
        async for attempt in self._store.attempts():
            async with attempt as tx:
                reviewed = await tx.approvals.for_execution(execution.id)
                await require_unrepeated(tx, command, execution, bound, reviewed, now)
                has_left = self._services.reviews.reviewers.has_left
                await require_way(tx, command, execution, reviewed, rules, has_left, now)
                await require_turn(tx, command, execution, reviewed, now)
                if bound.machine and await tx.executions.sent_to(execution) != bound.sent:
                    raise Overtaken(bound.subject(execution))
                if self._services.reviews.reviewers.rules is not rules:
                    raise RulesReplaced
                session = await sent_with(self._services, tx, command, execution, bound, reviewed)
                claimed = await tx.executions.claim(
                    execution.id,
                    self._by,
                    now,
                    now + LEASE,
                    expect={ExecutionStatus.RECORDED},
                    to=ExecutionStatus.RUNNING,
                    facts=execution.facts,
                    session_of=UserId(session.user if session else ""),
                )
                if claimed is None:
                    return None
                if session is not None:
                    place = execution.place
                    self._services.sessions.note_use(tx, execution.actor, [session], place.channel)
                # From here on, what the node shows may come of this one.
                await self._services.watches.supersede(tx, claimed, label)
                if reviewed is not None or await self._endings.is_public(tx, execution):
                    card = self._under_way(command, execution, bound)
                    followed = command.follow is not None
                    await board.show_card(tx, execution, card, now, at_once=not followed)
        return _Claim(claimed, session) if claimed is not None else None

    def _under_way(self, command: Command, execution: Execution, bound: Bound) -> Reply:
        subject = bound.subject(execution)
        asking = line(say("waiting for {node} to answer", node=subject.node_label))
        if command.follow is not None:
            doing = command.follow.told(execution.known)
            return cards.progress(execution, subject, doing, asking)
        what = command.asked(execution.known, subject)
        return cards.running(execution, what, asking)

    async def _run_followed(
        self, command: Command, execution: Execution, bound: Bound, answer: Answer
    ) -> None:
        # What is answered soon is told with its answer: the card is edited once.
        async with Delivery(self._outbox, at_once=False) as delivery:

            async def show() -> None:
                card = self._under_way(command, execution, bound)
                async for attempt in self._store.attempts():
                    async with attempt as tx:
                        await board.show_card(tx, execution, card, self._clock.now())
                delivery.begin()

            error: BotError | None = None
            try:
                call = self._call(command, execution, bound)
                await unless_soon(self._clock, call, _UNSEEN, show)
            except BotError as caught:
                error = caught
            # What DBC has said is stored before Slack is waited for.
            learnt: Mapping[str, str] | None = NOTHING_LEARNT
            if error is not None:
                learnt = await self._left_open(command, execution, bound, error)
            if error is None or learnt is not None:
                await self._follow(
                    command, execution, bound, unsure=error is not None, learnt=learnt or {}
                )
            else:
                await self._failures.tell(command, execution, bound, error, answer)

    async def _left_open(
        self, command: Command, execution: Execution, bound: Bound, error: BotError
    ) -> Mapping[str, str] | None:
        """What was learnt where a failure leaves it open whether it is done; None where it is not.

        A refusal may be the answer to the second one of two that something on the way has made.
        """
        if error.severity is Severity.UNKNOWN:
            return learnt_from(error) if error.may_show_later else None
        follow = command.follow or command.unanswered
        if follow is None or command.repeated is None:
            return None
        now = self._clock.now()
        watch = watch_of(execution, bound, follow, now, unsure=True, learnt=NOTHING_LEARNT)
        async with self._store.read() as tx:
            begun = await tx.executions.get(execution.id)
        watch = replace(watch, owner=begun.session_of or execution.actor)
        return await went_through(self._services, command, watch, error)

    async def _call(
        self,
        command: Command,
        execution: Execution,
        bound: Bound,
        meanwhile: Callable[[Reply], Awaitable[object]] = unsaid,
        ends: Ends | None = None,
    ) -> Reply | None:
        """Run the command's function; this is where the change is sent.

        Raises InDoubt for what fails on our side after that: only DBC knows then what it did; and
        LeaseLost, before it is sent, where another process has taken the command up meanwhile.
        """
        sent = asyncio.Event()

        async def sending() -> None:
            await self._services.leases.ensure(Leased.EXECUTION, execution.id)
            sent.set()

        services = replace(self._services, dbc=self._services.dbc.announcing(sending))
        context = Context.of(services, execution, meanwhile, bound.session, ends)
        try:
            return await command.run(context, **bound.arguments)
        except Exception as error:  # ours after sending is in doubt; all else passes
            if isinstance(error, DbcError) and bound.node is not None:
                error.named(bound.node.label)
            is_ours = not isinstance(error, BotError) or isinstance(error, StorageFailed | BadKey)
            if not (is_ours and sent.is_set()):
                raise
            log.exception("change.in_doubt", execution=execution.id)
            raise InDoubt(
                say(
                    "It was sent, and then something failed on my side: it may or may not be done."
                ),
                hint=say("Look at the present state before doing it again."),
            ) from error

    async def _follow(
        self,
        command: Command,
        execution: Execution,
        bound: Bound | None,
        *,
        unsure: bool,
        learnt: Mapping[str, str] = NOTHING_LEARNT,
    ) -> None:
        """DBC has accepted, or nobody knows: the watch settles it.

        `learnt` is what was found out before the answer got lost.
        """
        follow = certain(command.follow or command.unanswered, "only followed ones come here")
        if follow.stops is not None and await self._is_told_elsewhere(
            follow, execution, unsure=unsure
        ):
            return
        now = self._clock.now()
        watch = watch_of(execution, bound, follow, now, unsure=unsure, learnt=learnt)
        label = await self._services.inventory.label(execution.node)
        async for attempt in self._store.attempts():
            async with attempt as tx:
                # It goes on with the session that it began with, also one that is shared.
                begun = await tx.executions.get(execution.id)
                watch = replace(watch, owner=begun.session_of or execution.actor)
                if await tx.executions.set_status(
                    execution.id,
                    ExecutionStatus.FOLLOWING,
                    now=now,
                    expect={ExecutionStatus.RUNNING},
                ):
                    if execution.task == TaskId(execution.id) and not unsure:
                        await tx.inventory.put_machine(created(watch, now))
                    await self._services.watches.open(tx, execution, watch, label)

    async def _is_told_elsewhere(
        self, follow: Follow, execution: Execution, *, unsure: bool
    ) -> bool:
        """Whether what was told to stop is followed already; then it is over with that.

        Its watch says what came of it, to its requester and to whoever had it stopped: two that
        look at one thing might tell two ends.
        """
        known, stops = execution.known, certain(follow.stops, "only what ends something comes here")
        watches = self._services.watches
        if not await watches.was_stopped(
            execution.node, lambda watch: stops(watch, known), execution.actor
        ):
            return False
        end = ExecutionStatus.UNKNOWN if unsure else ExecutionStatus.DONE
        label = await self._services.inventory.label(execution.node)
        subject = Subject(execution.label, execution.task, label)
        told = cards.under_way(subject, said(follow.doing, known))
        sentence = line(say("{told}. The card of the transfer says how it ends.", told=told))
        if unsure:
            called = self._services.table.spoken_of(execution.command).called
            doubted = say(
                "{told}; it is unknown whether it will stop. The card of the transfer says how "
                "it ends.",
                told=told,
            )
            sentence = cards.of_request(called, end, doubted)
        async for attempt in self._store.attempts():
            async with attempt as tx:
                if await self._endings.set_end(tx, execution, end, sentence):
                    card = cards.ended(execution, end, sentence)
                    await board.show_card(tx, execution, card, self._clock.now())
        return True

    async def _run_unfollowed(
        self, command: Command, execution: Execution, bound: Bound, answer: Answer
    ) -> None:
        """What is over with the answer: the reply is the outcome."""
        if execution.approved_by:  # `answer` is the last approver's, and the reply is not for them
            answer = Whisper(self._services.messenger, execution.actor, execution.place)
        is_private: list[bool] = []

        async def ends(tx: UnitOfWork, reply: Reply) -> None:
            done = _done(command, execution, bound.subject(execution), reply)
            if not await self._endings.set_end(tx, execution, done.end, done.record):
                raise LeaseLost
            is_private[:] = [await self._show_outcome(tx, execution, done)]

        async with Delivery(self._outbox):
            outcome = await self._outcome(command, execution, bound, answer, ends)
            if outcome.learnt is not None and command.unanswered is not None:
                await self._follow(command, execution, bound, unsure=True, learnt=outcome.learnt)
                return
            if outcome.end is not ExecutionStatus.DONE or not is_private:
                async for attempt in self._store.attempts():
                    async with attempt as tx:
                        ended = await self._endings.set_end(
                            tx, execution, outcome.end, outcome.record
                        )
                        shown = ended and await self._show_outcome(tx, execution, outcome)
                        is_private[:] = [shown]
            if is_private == [True]:
                await self._endings.say(execution, answer, outcome.reply)

    async def _outcome(
        self, command: Command, execution: Execution, bound: Bound, answer: Answer, ends: Ends
    ) -> "_Outcome":
        """Run what is over with the answer."""
        subject = bound.subject(execution)
        try:
            answered = await self._call(command, execution, bound, answer.say, ends)
        except BotError as error:
            end = ENDS[error.severity]
            failed = failure(command, execution.known, subject, error)
            alone = cards.alone(end, failed, *cards.hint(advice(error)))
            alone = replace(alone, fault=fault_of(error))
            learnt = await self._left_open(command, execution, bound, error)
            return _Outcome(end, recorded(error), failed, alone, advice(error), learnt)
        return _done(command, execution, subject, answered or Reply.of(say("Done.")))

    async def _show_outcome(
        self, tx: UnitOfWork, execution: Execution, outcome: "_Outcome"
    ) -> bool:
        """End the card; whoever had to wait for others' approval gets a message of their own.

        Says whether there is a reply for the requester alone; it is kept then.
        """
        end, sentence, reply = outcome.end, outcome.sentence, outcome.reply
        seen = await self._endings.is_public(tx, execution)
        told = await self._endings.is_told(tx, execution)
        if seen and end is not ExecutionStatus.DONE:
            waited = bool(execution.approved_by) or told
            await self._endings.show(tx, execution, end, sentence, outcome.hint, announced=waited)
            return False
        if seen or not reply.private:
            card = cards.answered(execution, reply) if seen else reply
            if reply.private:
                card = cards.ended(execution, end, sentence)
            await board.show_card(tx, execution, card, self._clock.now())
        if execution.approved_by or told:
            await self._endings.announce(tx, execution, end, sentence)
        if reply.private:
            await self._endings.keep(tx, execution, reply)
        return reply.private

    async def lost_sight(self, execution: Execution) -> None:
        """A process died while the call may have been on its way: look, never send again."""
        command = self._services.table.spoken_of(execution.command)
        if command.follow is not None or command.unanswered is not None:
            await self._follow(command, execution, None, unsure=True)
            await self._outbox.deliver_due()
            return
        label = await self._services.inventory.label(execution.node) if execution.node else ""
        subject = Subject(execution.label, execution.task, label)
        is_done = command.ends_itself and await is_kept(self._store, execution)
        end, told, look = interrupted(command, execution, subject, is_done=is_done)
        sentence = line(told)
        async for attempt in self._store.attempts():
            async with attempt as tx:
                if await self._endings.set_end(tx, execution, end, sentence):
                    if await self._endings.is_public(tx, execution):
                        await self._endings.show(tx, execution, end, sentence, look, announced=True)
                    else:
                        alone = cards.alone(end, sentence, *cards.hint(look))
                        await self._endings.keep(tx, execution, alone, said=False)
        await self._outbox.deliver_due()


@dataclass(frozen=True, slots=True)
class _Claim:
    """What is about to be sent, and with which session, where that is known by then."""

    execution: Execution
    session: DbcSession | None


@dataclass(frozen=True, slots=True)
class _Outcome:
    """How something ended that is over with the answer: for the ledger, in words, as a reply."""

    end: ExecutionStatus
    record: Words
    sentence: Line
    reply: Reply
    hint: Line = ()
    learnt: Mapping[str, str] | None = None  # where it is left open whether it is done


def _done(command: Command, execution: Execution, subject: Subject, reply: Reply) -> _Outcome:
    sentence = line(reply.summary)
    if reply.private:  # others read that it is done, and no more
        what = command.brief(execution.known, subject)
        sentence = line(say("“{request}” is done.", request=what))
    return _Outcome(ExecutionStatus.DONE, reply.summary, sentence, reply)
