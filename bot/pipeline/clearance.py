"""Whether a change that is ready may be sent now; where it may not, somebody is asked, or it ends.

What was decided is held to what is so now: rules, rights, and what the question had shown.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from bot.language.args import BREAK_GLASS, REASON
from bot.language.table import Command
from bot.language.terms import in_full
from bot.messages import alone, board, cards
from bot.messages.facts import ALIKE, CAUTIONS, OF_MACHINES, STATE, found_by_look, in_public
from bot.messages.outbox import Outbox
from bot.model import Approval, Execution, Fact, ReviewKind
from bot.pipeline.aside import aside
from bot.pipeline.breaking import break_glass, offered
from bot.pipeline.context import Context, Services
from bot.pipeline.covered import require_covered, require_glass
from bot.pipeline.facts import facts_of
from bot.pipeline.holding import Held, require_way
from bot.pipeline.joining import SameRequest, require_first
from bot.pipeline.moot import require_use_of_it
from bot.pipeline.patience import PATIENCE, Interim, unless_soon, waiting_for
from bot.pipeline.questions import Seen
from bot.pipeline.targets import Bound
from bot.pipeline.turns import Turns
from bot.pipeline.twins import twins_of, under_way
from bot.pipeline.whisper import Whisper
from bot.ports import Answer
from bot.reply import say
from bot.reviews.policy import Decision, DecisionKind
from bot.reviews.reviewers import TooFew

# What is shown and compared is waited for, in seconds, as long as a daemon may take to answer: what
# was not read for a question would void it as soon as it can be read. A state was seen before, and
# for broken glass nothing is compared: these cards do not wait for a silent node.
_PATIENCE = timedelta(seconds=40)
_LITTLE_PATIENCE = timedelta(seconds=4)

_CAUTIONS = {key: OF_MACHINES[key] for key in CAUTIONS}


@dataclass(frozen=True, slots=True)
class Before:
    """What an execution that is taken on has behind it, as it was read together.

    `sent`: how many changes of its machine were sent by then; None before a machine is known.
    """

    approval: Approval | None = None
    seen: Seen | None = None
    sent: int | None = None


class Clearance:
    """Lets changes through, or has them asked for."""

    def __init__(self, services: Services, outbox: Outbox, turns: Turns) -> None:
        self._services = services
        self._store = services.store
        self._clock = services.clock
        self._reviews = services.reviews
        self._outbox = outbox
        self._turns = turns

    async def is_given(
        self,
        command: Command,
        execution: Execution,
        bound: Bound,
        before: Before,
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
            require_use_of_it(command, execution, bound.subject(execution), shown)
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
        if decision.kind is not DecisionKind.APPROVE:
            answer.leave_question()
        if card is not None:
            key = alone.question_key(execution.id, execution.actor)
            await aside(self._store, self._clock, key, answer.say(card))

    async def _is_in_the_way(
        self, command: Command, execution: Execution, decision: Decision
    ) -> bool:
        """Whether it would be held back or wait now, if it were sent without breaking the glass."""
        if decision.break_glass and await self._turns.is_kept_back(command, execution):
            return True
        who, now = self._reviews.reviewers, self._clock.now()
        try:
            async with self._store.read() as tx:
                await require_way(tx, command, execution, None, who.rules, who.has_left, now)
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
