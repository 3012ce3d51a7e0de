"""Takes what the ledger holds as far as it goes: prepared, reviewed, run once, or turned down.

Every step is a conditional update, so a second process, a repeated click or a crash in between
finds the step taken or not taken, never half.
"""

import asyncio
from datetime import datetime, timedelta
from functools import partial

import structlog

from bot.correlation import part_of
from bot.errors import ONCE_MORE, BotError, Faulty, Passing, Refused
from bot.language.table import Command
from bot.messages.outbox import Outbox
from bot.model import (
    Approval,
    ApprovalStatus,
    Execution,
    ExecutionStatus,
    Leased,
    ReviewKind,
)
from bot.pipeline.calls import LEASE, RulesReplaced, Runs
from bot.pipeline.clearance import Before, Clearance
from bot.pipeline.context import Services, unsaid
from bot.pipeline.endings import Endings
from bot.pipeline.patience import (
    Interim,
    courteously,
    slack_is_slow,
)
from bot.pipeline.preparation import Preparation
from bot.pipeline.questions import seen_with
from bot.pipeline.readable import require_readable
from bot.pipeline.targets import Bound
from bot.pipeline.turning_down import Refusal
from bot.pipeline.turns import TOO_LATE, Behind, Turns, wanted_since
from bot.pipeline.whisper import Whisper
from bot.ports import Answer, DeliveryFailed, slack_does_not_say
from bot.reply import say
from bot.reviews.policy import Policy
from storage import UnitOfWork
from storage.heartbeat import Hold

# What is shown and compared is waited for, in seconds, as long as a daemon may take to answer: what
# was not read for a question would void it as soon as it can be read. A state was seen before, and
# for broken glass nothing is compared: these cards do not wait for a silent node.
_PATIENCE = timedelta(seconds=40)
_LITTLE_PATIENCE = timedelta(seconds=4)
_SLACK_PATIENCE = timedelta(minutes=10)
_SLACK_PAUSE = timedelta(seconds=10)

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
        self._clearance = Clearance(services, outbox, self._turns)
        self._refusal = Refusal(services, outbox, self._endings)
        self._at_work: set[str] = set()  # what this process is taking on at the moment

    async def carry_out(self, execution: Execution, answer: Answer) -> None:
        """Take what was just recorded as far as it goes now: to a question, or to DBC."""
        await self._go_on(execution, Before(), answer)

    async def _go_on(self, execution: Execution, before: Before, answer: Answer) -> None:
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

    async def _before(self, tx: UnitOfWork, execution: Execution) -> Before:
        """What became of an execution before it is taken on."""
        approval = await tx.approvals.for_execution(execution.id)
        seen = None if approval is None else await seen_with(tx, approval)
        return Before(approval, seen, await tx.executions.sent_to(execution))

    async def _carry_out(
        self, execution: Execution, before: Before, answer: Answer, hold: Hold
    ) -> None:
        command, approval = self._services.table.spoken_of(execution.command), before.approval
        if approval is not None and approval.status in _NOT_APPROVED:
            await self._reviews.close(approval)
            return
        rules = self._reviews.reviewers.rules
        try:
            await self._turns.take(command, execution, approval)
            _require_in_time(wanted_since(execution, approval), self._clock.now())
            require_readable(self._services.table, execution)
            cleared = await self._cleared(command, execution, before, answer)
            self._paused.pop(execution.id, None)
        except BotError as error:
            self._paused.pop(execution.id, None)
            await self._refusal.turn_down(execution, error, answer)
        except Behind as behind:
            await self._wait(command, behind, answer, hold)
        except DeliveryFailed as failure:
            hold.let_go(execution.id)  # its lease ends when the next try is due
            await self._slack_is_silent(execution, approval, failure, answer)
        except Exception:
            # Whoever takes it up again would meet the same fault, and the requester no end.
            error_id = execution.id[:8]
            log.exception("surprise", execution=execution.id, error_id=error_id)
            await self._refusal.turn_down(execution, Faulty(error_id), answer)
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
        except Refused as refusal:
            await self._refusal.turn_down(execution, refusal, answer)

    async def _wait(self, command: Command, behind: Behind, answer: Answer, hold: Hold) -> None:
        """Others are ahead of it at its machine: it waits on its card."""
        hold.let_go(behind.execution.id)  # its lease ends when somebody has to look again
        try:
            await self._turns.wait(command, behind)
        except Refused as refusal:
            await self._refusal.turn_down(behind.execution, refusal, answer)
        else:
            await self._outbox.deliver_due()

    async def _cleared(
        self, command: Command, execution: Execution, before: Before, answer: Answer
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
        is_cleared = await self._clearance.is_given(
            command, execution, bound, before, interim, answer
        )
        return (execution, bound) if is_cleared else None

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
        except Exception:  # the others must not wait for the lease of this one
            log.exception("execution.not_recovered", execution=execution.id)

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
            until = now + max(failure.retry_after, _SLACK_PAUSE)
            is_told = execution.id in self._paused
            # Not those for ever that another process has taken on.
            kept = {one: at for one, at in self._paused.items() if now - at < _SLACK_PATIENCE}
            self._paused = {**kept, execution.id: until}
            if not is_told:
                await courteously(partial(answer.say, slack_is_slow()))
            async with self._store.write() as tx:
                await tx.executions.claim(
                    execution.id, self._by, now, until,
                    expect={ExecutionStatus.RECORDED}, to=ExecutionStatus.RECORDED,
                )  # fmt: skip
            return
        await self._refusal.turn_down(execution, slack_does_not_say(), answer)


def _require_in_time(since: datetime, now: datetime) -> None:
    """Raise Passing where it was wanted so long ago that nobody expects it any more."""
    if now - since > TOO_LATE:
        raise Passing(
            say("I could not get to this in time; by now it might be a surprise."), hint=ONCE_MORE
        )
