"""Dry runs: a change is prepared and run like any other, with nothing sent and nothing kept."""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta

from bot.clock import Clock
from bot.dbc.errors import DbcError
from bot.dbc.would_send import WouldSend
from bot.errors import BotError, Denied, Refused, advice, fault_of
from bot.language.args import BREAK_GLASS, REASON
from bot.language.row_parts import Foreseen
from bot.messages.cards import Subject, hint
from bot.messages.facts import said
from bot.messages.question import lost_told
from bot.messages.turn_cards import queue
from bot.model import Execution, Fact, Node
from bot.pipeline.context import Context, Services
from bot.pipeline.covered import require_glass
from bot.pipeline.facts import facts_of
from bot.pipeline.formatting import stacked
from bot.pipeline.holding import Held, require_way
from bot.pipeline.limits import require_few_waiting
from bot.pipeline.moot import require_use_of_it
from bot.pipeline.patience import Interim, once_known
from bot.pipeline.preparation import Preparation
from bot.pipeline.queued import titled
from bot.pipeline.targets import Bound
from bot.pipeline.turns import Behind, Turns, ahead_of
from bot.pipeline.twins import twins_of
from bot.pipeline.wish import Wish
from bot.ports import Answer, DeliveryFailed, RightsUnknown, slack_does_not_say
from bot.reply import (
    CodeBlock,
    Fields,
    Line,
    Note,
    Para,
    Part,
    Reply,
    Text,
    Words,
    bold,
    channel,
    code,
    emoji,
    line,
    listed,
    mention,
    say,
    say_number,
    sentences,
)
from bot.reviews.policy import Decision, DecisionKind
from bot.reviews.reviewers import Reviewers

_HEAD = say("Dry run: nothing was sent and nothing has changed.")
_NOT_SAID = say("Slack does not say just now who could review it.")
_GLASS = say("It would run at once, be announced, and wait for a review afterwards.")
_CONFIRM = say("You would be asked to confirm.")
_PATIENCE = timedelta(seconds=40)  # for the facts that a question would show

Stage = Callable[[list[WouldSend]], Services]  # its changes are noted in the list and not sent


class Rehearsals:
    """Shows what a change would do. Its services undo what they write and send no change."""

    def __init__(self, stage: Stage, clock: Clock) -> None:
        self._stage = stage
        self._clock = clock

    async def carry_out(self, wish: Wish, answer: Answer) -> None:
        """Say privately what would be done. Nothing of it is in the ledger."""
        interim = Interim(self._clock, answer.meanwhile)
        await answer.say(await interim.patiently(self._once_known(wish, interim)))

    async def _once_known(self, wish: Wish, interim: Interim) -> Reply:
        """What would be done, once Slack says who may review it; without that after a while."""

        async def told(*, waits: bool = True) -> Reply:
            sent: list[WouldSend] = []
            return await _Rehearsal(wish, self._stage(sent), sent, interim, waits=waits).told()

        try:
            return await once_known(self._clock, interim, told)
        except RightsUnknown:
            return await told(waits=False)


class _Rehearsal:
    """One dry run."""

    def __init__(
        self,
        wish: Wish,
        services: Services,
        sent: list[WouldSend],
        interim: Interim,
        *,
        waits: bool,
    ) -> None:
        self._interim = interim
        self._unsaid = RightsUnknown if waits else ()  # it is begun again then
        self._wish = wish
        self._command = wish.command
        self._services = services
        self._reviewers: Reviewers = services.reviews.reviewers
        self._sent = sent
        self._ahead: Sequence[Execution] = ()  # at its machine, if it was requested now
        self._is_behind = False  # it would wait for them before anything is read for it

    async def told(self) -> Reply:
        """What would be done, or why it would be refused."""
        head = line(emoji("mag"), " ", bold(_HEAD), "\n")
        try:
            return await self._rehearse(head)
        except BotError as error:
            refused = say("“{request}” would be refused.", request=self._command.called)
            told = sentences((refused, error.words))
            parts = (Para(line(head, told)), *hint(advice(error)))
            summary = sentences((_HEAD, told))
            return Reply(summary, parts, private=True, fault=fault_of(error))

    async def _rehearse(self, head: Line) -> Reply:
        preparation = Preparation(self._services)
        asked = self._wish.requested(self._services.clock.now())
        try:
            execution, bound = await preparation.prepare(
                asked, self._interim, foreseeing=False, before_look=self._before_look
            )
        except self._unsaid:
            raise
        except DeliveryFailed as failure:  # what may be denied is not looked at
            raise slack_does_not_say() from failure
        except BotError as error:
            if not self._is_behind or isinstance(error, Denied):
                raise
            return self._put_off(head)  # the machine reads otherwise when its turn has come
        decision = await self._decision(execution)
        facts, fails = await self._obstacles(execution, bound)
        seen = await self._facts(execution, bound, decision)
        if not self._wish.option(BREAK_GLASS):
            require_use_of_it(self._command, execution, bound.subject(execution), seen)
        review = await self._review(execution, bound, decision, fails=fails)
        facts.append((say("Review"), review))
        if self._waits(decision):
            facts.append((say("Its turn"), self._turn()))
        facts += [said(self._command.kinds, key, fact) for key, fact in seen.items()]
        loses = self._command.lost(execution.known, seen)
        facts.append((say("Would be lost"), line(lost_told(loses) or say("Nothing."))))
        about = line(code(self._command.title), *self._question(execution, bound.node))
        return Reply(
            sentences((_HEAD, about, review)),
            (Para(line(head, about)), *await self._shown(execution, bound), Fields(tuple(facts))),
            private=True,
        )

    async def _obstacles(
        self, execution: Execution, bound: Bound
    ) -> tuple[list[tuple[Text, Line]], bool]:
        """Why the node would refuse it now, as far as that can be seen; and whether it would."""
        context = Context.of(self._services, execution)
        told: list[tuple[Text, Line]] = []
        found = Foreseen()
        for look in (self._command.warns, self._command.foresees):
            if look is None:
                continue
            try:
                found = found.also(await look(context, **bound.arguments))
            except DbcError as problem:
                problem.named(bound.node.label if bound.node else "the node")
                unread = line(say("could not be read. {why}", why=problem.words))
                told.append((say("Room on the node"), unread))
        if fails := [*found.faults.values(), *found.doubts]:
            told.append((say("Would fail"), line(emoji("warning"), " ", sentences(fails))))
        if found.cautions:
            told.append(
                (say("Before you go on"), stacked([line(one.told) for one in found.cautions]))
            )
        if found.untold:
            told.append((say("Not checked"), sentences(found.untold)))
        return told, bool(fails)

    def _question(self, execution: Execution, node: Node | None) -> Line:
        """What the card would ask, or what it is about."""
        subject = Subject(execution.label, execution.task, node.label if node else "")
        if not subject.label and not subject.node_label:
            return ()
        told = line(" · ", self._command.asked(execution.known, subject))
        return line(told, " ", code(node.id)) if node else told

    async def _shown(self, execution: Execution, bound: Bound) -> Sequence[Part]:
        """The requests to DBC; without one, what the command says of a change of this bot alone."""
        context = Context.of(self._services, execution)
        try:
            reply = await self._command.run(context, **bound.arguments)
        except BotError:
            if not self._sent:
                raise
        if self._sent:
            return await self._requests()
        if reply is None:
            return (Para(line(say("DBC would get nothing."))),)
        would = say("DBC would get nothing. It would change what I keep, and I would say:")
        return Para(line(would)), *(reply.parts or Reply.of(reply.summary).parts)

    async def _requests(self) -> Sequence[Part]:
        node = self._sent[0].node_id
        to = say("The DBC daemon would get, for itself:")
        if node:
            label = bold(await self._services.inventory.label(node))
            to = say("The DBC daemon would get, for {node} {id}:", node=label, id=code(node))
        return Para(line(to)), CodeBlock("\n".join(_as_text(one) for one in self._sent))

    async def _decision(self, execution: Execution) -> Decision | None:
        """What the rules say; None while Slack does not say who is in a group. Raises Refused."""
        try:
            decision = await self._reviewers.decision(execution, glass=True)
        except self._unsaid:
            raise
        except DeliveryFailed:
            return None
        if decision.kind is DecisionKind.DENY:
            raise Refused(decision.why)
        if not (decision.break_glass and self._wish.option(BREAK_GLASS)):
            decision.check_reason(self._wish.option(REASON))
        return decision

    async def _facts(
        self, execution: Execution, bound: Bound, decision: Decision | None
    ) -> Mapping[str, Fact]:
        """What a question would show of the target, or what is lost depends on."""
        is_asked = decision is not None and decision.kind is not DecisionKind.RUN
        if not is_asked and not callable(self._command.loses):
            return {}
        context = Context.of(self._services, execution)
        return await facts_of(self._command, bound, context, _PATIENCE)

    async def _review(
        self, execution: Execution, bound: Bound, decision: Decision | None, *, fails: bool
    ) -> Line:
        """Whether it would run at once, and who would have to agree."""
        try:
            return await self._consent(execution, bound, decision, fails=fails)
        except self._unsaid:
            raise
        except DeliveryFailed:
            return line(_NOT_SAID)

    async def _before_look(self, execution: Execution, bound: Bound) -> None:
        """Find out what is ahead of it. Raises Refused where there is no room for it."""
        services = self._services
        now, limits = services.clock.now(), services.reviews.reviewers.rules.limits
        async with services.store.read() as tx:
            self._ahead = await ahead_of(tx, self._command, execution, now)
        try:
            await Turns(services, execution.id).before_look(self._command, None, execution, bound)
        except Behind:
            async with services.store.read() as tx:
                await require_few_waiting(tx, execution, limits)
            self._is_behind = True

    def _put_off(self, head: Line) -> Reply:
        """That it would wait, where it cannot be said what would be sent then."""
        turn, later = self._turn(), say("The machine is looked at when its turn comes.")
        summary = sentences((_HEAD, say("It would wait for other changes of the machine.")))
        return Reply(summary, (Para(line(head, turn)), Note(line(later))), private=True)

    def _waits(self, decision: Decision | None) -> bool:
        """Whether it would wait for its turn, once nothing else keeps it."""
        passes = decision is not None and decision.break_glass and self._wish.option(BREAK_GLASS)
        return bool(self._ahead) and not passes

    def _turn(self) -> Line:
        """That it would wait, and behind what."""
        waits = say("It would wait for other changes of the machine:")
        return stacked([line(waits), *queue(titled(self._services.table, self._ahead))])

    async def _held(self, execution: Execution) -> Held | None:
        """What would hold it back now: a freeze, or the breaker."""
        who, now = self._reviewers, self._services.clock.now()
        try:
            async with self._services.store.read() as tx:
                await require_way(tx, self._command, execution, None, who.rules, who.has_left, now)
        except Held as held:
            return held
        return None

    async def _is_doubtful(self, execution: Execution) -> bool:
        doubts = self._command.doubts
        return doubts is not None and await doubts(self._services, execution.arguments)

    def _breaks_glass(self, decision: Decision, *, alike: bool, held: bool) -> bool:
        """Whether it would be done without what stands in its way. Raises Refused."""
        held = held or (decision.break_glass and bool(self._ahead))
        runs = decision.runs(self._wish.option(REASON), alike=alike) and not held
        if runs or not self._wish.option(BREAK_GLASS):
            return False
        require_glass(decision)
        return decision.break_glass

    async def _consent(
        self, execution: Execution, bound: Bound, decision: Decision | None, *, fails: bool
    ) -> Line:
        if decision is None:
            return line(_NOT_SAID)
        twins = await twins_of(self._services, self._command, execution, bound)
        held = await self._held(execution)
        if self._breaks_glass(decision, alike=bool(twins), held=held is not None):
            return line(_GLASS)
        if held is not None:
            return sentences((say("It would be refused: {why}", why=held.words), held.hint))
        if await self._is_doubtful(execution):
            return line(_CONFIRM)
        if decision.kind is DecisionKind.RUN:
            if twins:
                return line(
                    say("The same request is in progress: you would be asked to run it anyway.")
                )
            return line(self._unreviewed(decision, fails=fails))
        if decision.kind is DecisionKind.CONFIRM:
            return line(_CONFIRM)
        return await self._approvals(execution, bound, decision)

    def _unreviewed(self, decision: Decision, *, fails: bool) -> Text:
        """That nobody is asked before it runs, and when that is."""
        if self._waits(decision):
            return say("None: it would run when its turn comes.")
        if fails:
            return say("None: it would be sent at once, and fail.")
        return say("None: it would run at once.")

    async def _approvals(self, execution: Execution, bound: Bound, decision: Decision) -> Line:
        """How many approvals it would need, and whose."""
        needed = decision.approvals
        try:
            people = await self._reviewers.require_reviewers(execution, decision, bound.node)
        except BotError as error:
            told = say_number("{number} approval needed.", "{number} approvals needed.", needed)
            refused = say("It would be refused: {why}", why=error.words)
            return sentences((told, refused, error.hint))
        named: list[Words] = [line(mention(user)) for user in people]
        if not decision.approvers and (where := await self._reviewers.sharing_channel(execution)):
            named.append(say("members of {channel}", channel=channel(where)))
        told = say_number(
            "{number} approval needed, by {people}.",
            "{number} approvals needed, by {people}.",
            needed,
            people=listed(named),
        )
        glass = say("You may also break the glass: {option}", option=code('break_glass="…"'))
        return sentences((told, glass if decision.break_glass else ""))


def _as_text(would: WouldSend) -> str:
    sent = f"{would.method} {would.path}"
    if would.additional:
        sent += "\n" + json.dumps(would.additional, ensure_ascii=False, indent=1, default=str)
    return sent
