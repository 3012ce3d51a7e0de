"""Takes what the ledger holds as far as it goes: prepared, reviewed, run once, or turned down.

Every step is a conditional update, so a second process, a repeated click or a crash in between
finds the step taken or not taken, never half.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

import structlog

from bot.correlation import part_of
from bot.errors import BotError, Refused, advice, recorded
from bot.language.args import BREAK_GLASS, REASON
from bot.language.table import Command
from bot.language.terms import in_full
from bot.messages import alone, board, cards
from bot.messages.facts import ALIKE, CAUTION, OF_MACHINES, STATE, found_by_look, in_public
from bot.messages.outbox import Outbox
from bot.model import (
    LOCKED_SECRETS,
    Approval,
    ApprovalStatus,
    Execution,
    ExecutionStatus,
    Fact,
    Leased,
    ReviewKind,
)
from bot.pipeline.aside import aside
from bot.pipeline.breaking import break_glass, offered
from bot.pipeline.calls import LEASE, RulesReplaced, Runs
from bot.pipeline.context import Context, Services, unsaid
from bot.pipeline.covered import require_covered, require_glass
from bot.pipeline.endings import Endings
from bot.pipeline.facts import facts_of
from bot.pipeline.failing import Overtaken
from bot.pipeline.holding import Held, require_way
from bot.pipeline.joining import SameRequest, require_first
from bot.pipeline.measuring import Seen, seen_with
from bot.pipeline.patience import (
    PATIENCE,
    Interim,
    courteously,
    slack_is_slow,
    unless_soon,
    waiting_for,
)
from bot.pipeline.preparation import Preparation
from bot.pipeline.targets import Bound
from bot.pipeline.turning_down import turned_down
from bot.pipeline.turns import TOO_LATE, Behind, Turns, wanted_since
from bot.pipeline.twins import Repeated, twins_of, under_way
from bot.pipeline.whisper import Whisper
from bot.ports import Answer, DeliveryFailed, slack_does_not_say
from bot.reply import say
from bot.reviews.policy import Decision, DecisionKind, Policy
from bot.reviews.reviewers import TooFew
from storage import UnitOfWork
from storage.heartbeat import Hold

# What is shown and compared is waited for, in seconds, as long as a daemon may take to answer: what
# was not read for a question would void it as soon as it can be read. A state was seen before, and
# for broken glass nothing is compared: these cards do not wait for a silent node.
_PATIENCE = timedelta(seconds=40)
_LITTLE_PATIENCE = timedelta(seconds=4)
_SLACK_PATIENCE = timedelta(minutes=10)
_SLACK_PAUSE = timedelta(seconds=10)

_CAUTIONS = {CAUTION: OF_MACHINES[CAUTION]}
_NOT_APPROVED = frozenset(ApprovalStatus) - {ApprovalStatus.PENDING, ApprovalStatus.APPROVED}

log = structlog.get_logger()


class Pipeline:
    """From RECORDED to an end, whoever takes the next step and whenever."""

    def __init__(self, services: Services, outbox: Outbox, by: str) -> None:
        self._services = services
        self._store = services.store
        self._reviews = services.reviews
        self._leases = services.leases
        self._outbox = outbox
        self._clock = services.clock
        self._by = by
        # What waits for Slack, and how long: whoever asked has been told.
        self._paused: dict[str, datetime] = {}
        self._preparation = Preparation(services)
        self._endings = Endings(services)
        self._runs = Runs(services, outbox, by)
        self._turns = Turns(services, by)
        self._at_work: set[str] = set()  # what this process is taking on at the moment

    async def carry_out(self, execution: Execution, answer: Answer) -> None:
        """Take what was just recorded as far as it goes now: to a question, or to DBC."""
        await self._go_on(execution, _Before(), answer)

    async def _go_on(self, execution: Execution, before: "_Before", answer: Answer) -> None:
        """Take an execution on, with what was decided about it."""
        self._at_work.add(execution.id)
        try:
            with (
                part_of(execution.id),
                self._leases.holding(Leased.EXECUTION, [execution.id], LEASE) as hold,
            ):
                await self._carry_out(execution, before, answer, hold)
        finally:
            self._at_work.discard(execution.id)

    async def _before(self, tx: UnitOfWork, execution: Execution) -> "_Before":
        """What became of an execution before it is taken on."""
        approval = await tx.approvals.for_execution(execution.id)
        seen = None if approval is None else await seen_with(tx, approval)
        return _Before(approval, seen, await tx.executions.sent_to(execution))

    async def _carry_out(
        self, execution: Execution, before: "_Before", answer: Answer, hold: Hold
    ) -> None:
        command, approval = self._services.table.spoken_of(execution.command), before.approval
        if approval is not None and approval.status in _NOT_APPROVED:
            await self._reviews.close(approval)
            return
        rules = self._reviews.reviewers.rules
        try:
            await self._turns.take(command, execution, approval)
            if self._clock.now() - wanted_since(execution, approval) > TOO_LATE:
                raise Refused(
                    say("I could not get to this in time; by now it might be a surprise."),
                    hint=say("Nothing was done. Request it again."),
                )
            self._check_record(execution)
            cleared = await self._cleared(command, execution, before, answer)
            self._paused.pop(execution.id, None)
        except BotError as error:
            self._paused.pop(execution.id, None)
            await self._turn_down(execution, error, answer)
        except Behind as behind:
            await self._wait(command, behind, answer, hold)
        except DeliveryFailed as failure:
            hold.let_go(execution.id)  # its lease ends when the next try is due
            await self._slack_is_silent(execution, approval, failure, answer)
        else:
            if cleared is not None:
                await self._run(command, *cleared, answer, hold, rules)
            elif self._reviews.reviewers.rules is not rules:
                self._reviews.measuring.again()

    async def _run(
        self,
        command: Command,
        execution: Execution,
        bound: Bound,
        answer: Answer,
        hold: Hold,
        rules: Policy,
    ) -> None:
        try:
            await self._runs.run(command, execution, bound, answer, rules)
        except RulesReplaced:
            async with self._store.read() as tx:
                before = await self._before(tx, execution)
            await self._carry_out(execution, before, answer, hold)
        except Behind as behind:
            await self._wait(command, behind, answer, hold)
        except (SameRequest, Overtaken, Repeated) as refusal:
            await self._turn_down(execution, refusal, answer)
        except Refused as refusal:
            await self._turn_down(execution, refusal, answer, was_begun=True)

    async def _wait(self, command: Command, behind: Behind, answer: Answer, hold: Hold) -> None:
        """Others are ahead of it at its machine: it waits on its card."""
        hold.let_go(behind.execution.id)  # its lease ends when somebody has to look again
        try:
            await self._turns.wait(command, behind)
        except Refused as refusal:
            await self._turn_down(behind.execution, refusal, answer)
        else:
            await self._outbox.deliver_due()

    async def _cleared(
        self, command: Command, execution: Execution, before: "_Before", answer: Answer
    ) -> tuple[Execution, Bound] | None:
        """It, ready to run now; None where it is asked for instead. Raises Refused."""
        # A card that was clicked says itself what is being waited for.
        again = before.approval is not None
        interim = Interim(self._clock, unsaid if again else answer.meanwhile)
        before_look = partial(self._turns.before_look, command, before.approval)
        preparing = self._preparation.prepare(
            execution, interim, again=again, sent=before.sent, before_look=before_look
        )
        execution, bound = await interim.patiently(preparing)
        is_cleared = await self._is_cleared(command, execution, bound, before, interim, answer)
        return (execution, bound) if is_cleared else None

    def _check_record(self, execution: Execution) -> None:
        """Raise Refused for what cannot be carried out as it was asked: a part of it is lost."""
        if self._services.table.get(execution.command) is None:
            title = self._services.table.spoken_of(execution.command).title
            raise Refused(
                say("This version of the bot has no command “{command}”.", command=title),
                hint=say("Nothing was done."),
            )
        if execution.unreadable == LOCKED_SECRETS:
            raise Refused(
                say("What you typed can no longer be decrypted: the bot has lost the key."),
                hint=say("Nothing was done. Fill in the form again."),
            )
        if execution.unreadable:
            raise Refused(
                say("The record of what you requested is damaged."),
                hint=say("Nothing was done. Request it again."),
            )

    async def _is_cleared(
        self,
        command: Command,
        execution: Execution,
        bound: Bound,
        before: "_Before",
        interim: Interim,
        answer: Answer,
    ) -> bool:
        """Whether it may run now; if not, it is asked for. Raises Refused."""
        context, approval = Context.of(self._services, execution), before.approval
        if approval is None:
            decision = await self._reviews.decision(execution)
            twins = await twins_of(self._services, command, execution, bound)
            reason, why = (execution.arguments.get(name, "") for name in (REASON, BREAK_GLASS))
            breaks_through = bool(why) and await self._is_in_the_way(command, execution, decision)
            is_sure = command.doubts is None or not await command.doubts(
                self._services, execution.arguments
            )
            warned = found_by_look(_CAUTIONS, execution.facts)
            asks = breaks_through or bool(warned) or not is_sure
            if decision.runs(reason, alike=bool(twins)) and not asks:
                return True
            # Broken glass gets past whatever stands in the way: a rule more never takes that away.
            if why and (decision.break_glass or decision.kind is DecisionKind.APPROVE):
                if (
                    first := await under_way(self._services, command, execution, bound)
                ) is not None:
                    raise SameRequest(first)
                shown = await facts_of(command, bound, context, _LITTLE_PATIENCE)
                await break_glass(self._services, execution, decision, shown)
                return True
            is_seen = command.reads == (STATE,) and command.shows is None
            patience = _LITTLE_PATIENCE if is_seen else _PATIENCE
            kind = (
                ReviewKind.APPROVE if decision.kind is DecisionKind.APPROVE else ReviewKind.CONFIRM
            )
            show = partial(self._show_waiting, command, execution, bound, interim, patience, kind)
            facts = facts_of(command, bound, context, patience)
            shown = await unless_soon(self._clock, facts, PATIENCE, show)
            if kind is not ReviewKind.CONFIRM:
                warned = found_by_look(_CAUTIONS, in_public(execution.facts))
            await self._ask(execution, bound, decision, {**warned, **shown, **twins}, answer)
            return False
        return await self._is_still_cleared(command, execution, bound, before.seen, approval)

    async def _is_still_cleared(
        self,
        command: Command,
        execution: Execution,
        bound: Bound,
        seen: Seen | None,
        approval: Approval,
    ) -> bool:
        """Whether what was decided lets it run as it is now. Raises Refused."""
        if approval.kind is ReviewKind.AFTERWARDS:
            decision = await self._reviews.decision_again(execution)
            require_glass(decision)
            return True
        await self._reviews.decision_again(execution)
        now = await facts_of(command, bound, Context.of(self._services, execution), _PATIENCE)
        # Reading takes its time: what counts are the rules and the rights after it.
        decision = await self._reviews.decision_again(execution)
        standing = await self._reviews.stands(approval, execution, seen)
        if standing is None:
            return False
        if ALIKE in approval.shown:  # whoever decided knew that it may have come to an end since
            now = {**now, ALIKE: approval.shown[ALIKE]}
        require_covered(command, standing, execution, decision, now)
        return True

    async def _ask(
        self,
        execution: Execution,
        bound: Bound,
        decision: Decision,
        shown: Mapping[str, Fact],
        answer: Answer,
    ) -> None:
        """Put up the question; what the requester alone confirms is said to them where they typed.

        Nobody sits there any more where a process that died has left it behind: then it is a direct
        message.
        """
        is_there = not isinstance(answer, Whisper)
        try:
            card = await self._reviews.ask(
                execution, bound.node, decision, shown, is_there=is_there
            )
        except TooFew as refusal:
            refusal.offers = await offered(self._services, execution)
            raise
        if card is not None:
            key = alone.question_key(execution.id, execution.actor)
            await aside(self._store, self._clock, key, answer.say(card))

    async def _is_in_the_way(
        self, command: Command, execution: Execution, decision: Decision
    ) -> bool:
        """Whether it would be held back or wait now, if it were sent without breaking the glass."""
        if decision.break_glass and await self._turns.is_kept_back(command, execution):
            return True
        rules, now = self._reviews.reviewers.rules, self._clock.now()
        try:
            async with self._store.read() as tx:
                await require_way(tx, command, execution, None, rules, now)
        except Held:
            return True
        return False

    async def _show_waiting(
        self,
        command: Command,
        execution: Execution,
        bound: Bound,
        interim: Interim,
        patience: timedelta,
        kind: ReviewKind,
    ) -> None:
        """Let the card that will ask say what is waited for, unless the person knows.

        What the same request that is open already will keep from being asked gets no card, nor what
        only the requester is asked.
        """
        if interim.is_said:
            return
        if alone.is_asked_alone(kind, execution):
            await interim.once(waiting_for(bound.subject(execution).node_label, patience))
            return
        subject = bound.subject(execution)
        what = command.asked(execution.known, subject)
        waiting = say(
            "waiting for {node} (up to {seconds} s)",
            node=subject.node_label,
            seconds=round(patience.total_seconds()),
        )
        card = cards.running(execution, what, waiting, *in_full(command, execution))
        now = self._clock.now()
        try:
            async with self._store.write() as tx:
                await require_first(tx, command, execution, kind, now)
                await board.show_card(tx, execution, card, now)
        except SameRequest:
            await interim.once(interim.waiting)
        else:
            await self._outbox.deliver_due()

    async def decided(self, approval: Approval, answer: Answer) -> None:
        """Go on after a review: run what was approved, or close what was not."""
        if approval.kind is ReviewKind.AFTERWARDS:
            await self._reviews.deliver()
            return
        async with self._store.read() as tx:
            execution = await tx.executions.get(approval.execution)
            before = await self._before(tx, execution)
        await self._go_on(execution, before, answer)

    async def take_turns(self) -> None:
        """Go on with what has waited for other changes of its machine, once it is next."""
        now, begun = self._clock.now(), {ExecutionStatus.RECORDED}
        found = [one for one in await self._turns.whose_turn() if self._may_try(one, now)]
        if not found:
            return
        async with self._store.write() as tx:
            claims = [
                await tx.executions.claim(
                    one.id, self._by, now, now + LEASE, expect=begun, to=ExecutionStatus.RECORDED
                )
                for one in found
            ]
        taken = [one for one in claims if one is not None]
        await asyncio.gather(*(self._take_up(one) for one in taken))

    def _may_try(self, execution: Execution, now: datetime) -> bool:
        """Whether it is not at work, and Slack not asked again too soon: the lease is our own."""
        return execution.id not in self._at_work and self._paused.get(execution.id, now) <= now

    async def recover(self) -> None:
        """Take up what a process that died left behind."""
        now = self._clock.now()
        async with self._store.write() as tx:
            await self._leases.renew(tx, Leased.EXECUTION)
            stranded = await tx.executions.claim_stranded(self._by, now, now + LEASE, 20)
        await asyncio.gather(*(self._take_up(one) for one in stranded))

    async def _take_up(self, execution: Execution) -> None:
        answer = Whisper(self._services.messenger, execution.actor, execution.place)
        if not execution.behind:  # what waits for its turn is looked at again and again
            log.info("execution.recovered", execution=execution.id, status=execution.status)
        try:
            if execution.status is ExecutionStatus.RECORDED:
                async with self._store.read() as tx:
                    before = await self._before(tx, execution)
                await self._go_on(execution, before, answer)
            else:
                await self._runs.lost_sight(execution)
        except Exception:  # the others are not to wait for the lease of this one
            log.exception("execution.not_recovered", execution=execution.id)

    async def _turn_down(
        self, execution: Execution, error: BotError, answer: Answer, *, was_begun: bool = False
    ) -> None:
        """Nothing was sent: close the entry, and say so where it was seen, or to the requester.

        `was_begun`: it was about to be sent, so the requester is told what it is that ends.
        """
        log.info("execution.refused", execution=execution.id, why=error.sentence)
        now = self._clock.now()
        async with self._store.read() as tx:
            approval = await tx.approvals.for_execution(execution.id)
        was_asked = approval is not None and approval.kind is not ReviewKind.AFTERWARDS
        end = ExecutionStatus.VOIDED if was_asked else ExecutionStatus.REFUSED
        sentence, reply = await turned_down(
            self._services, execution, error, end, approval, was_begun=was_begun
        )
        async for attempt in self._store.attempts():
            async with attempt as tx:
                if not await tx.executions.set_status(
                    execution.id,
                    end,
                    outcome=recorded(error),
                    now=now,
                    expect={ExecutionStatus.RECORDED, ExecutionStatus.WAITING},
                ):
                    return
                if approval is not None and was_asked:
                    await tx.approvals.void(approval.id, now)
                seen = await self._endings.is_public(tx, execution)
                if seen:
                    by_others = approval is not None and not approval.reviewer
                    waited = by_others or bool(execution.behind)
                    await self._endings.show(
                        tx, execution, end, sentence, advice(error), announced=waited
                    )
                elif approval is not None:
                    over = cards.ended(execution, end, sentence)
                    await alone.show(tx, approval, execution, over, now)
                # Whoever requested what is open already may still have it done twice.
                is_alone = not seen or isinstance(error, SameRequest)
                if is_alone:
                    await self._endings.keep(tx, execution, reply)
        if is_alone:
            await self._endings.say(execution, answer, reply)
        await self._outbox.deliver_due()

    async def _slack_is_silent(
        self,
        execution: Execution,
        approval: Approval | None,
        failure: DeliveryFailed,
        answer: Answer,
    ) -> None:
        """Nobody knows who may do this: it waits for Slack, but not so long that it surprises."""
        log.warning("slack.unanswered", execution=execution.id, reason=failure.reason)
        since, now = wanted_since(execution, approval), self._clock.now()
        if failure.retry_after is not None and now - since < _SLACK_PATIENCE:
            until, is_told = (
                now + max(failure.retry_after, _SLACK_PAUSE),
                execution.id in self._paused,
            )
            self._paused[execution.id] = until
            if not is_told:
                await courteously(partial(answer.say, slack_is_slow()))
            async with self._store.write() as tx:
                await tx.executions.claim(
                    execution.id, self._by, now, until,
                    expect={ExecutionStatus.RECORDED}, to=ExecutionStatus.RECORDED,
                )  # fmt: skip
            return
        await self._turn_down(execution, slack_does_not_say(), answer)


@dataclass(frozen=True, slots=True)
class _Before:
    """What an execution that is taken on has behind it, as it was read together.

    `sent`: how many changes of its machine were sent by then; None before a machine is known.
    """

    approval: Approval | None = None
    seen: Seen | None = None
    sent: int | None = None
