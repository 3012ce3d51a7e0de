"""Dry runs: a change is prepared and run like any other, with nothing sent and nothing kept."""

import json
from collections.abc import Sequence

from bot.commands.args import BREAK_GLASS, REASON, SECRET
from bot.commands.context import Context, Services
from bot.commands.patience import patiently
from bot.commands.preparing import Preparation
from bot.commands.twins import twins_of
from bot.commands.wish import Wish
from bot.dbc.errors import WouldSend
from bot.errors import BotError, Refused
from bot.ids import new_id
from bot.model import Execution
from bot.plural import counted
from bot.ports import Answer, DeliveryFailed
from bot.reply import (
    CodeBlock,
    Fields,
    Line,
    Para,
    Part,
    Reply,
    bold,
    code,
    emoji,
    line,
    mention,
)
from bot.services.approvals import Reviewers
from bot.services.cards import Subject
from bot.services.policy import Decision

_HEAD = "Dry run: nothing was sent and nothing has changed."


class Rehearsals:
    """Shows what a change would do. Its services undo what they write and send no change."""

    def __init__(self, services: Services, preparation: Preparation, reviewers: Reviewers) -> None:
        self._services = services
        self._preparation = preparation
        self._reviewers = reviewers

    async def carry_out(self, wish: Wish, answer: Answer) -> None:
        """Say privately what would be done. Nothing of it is in the ledger."""
        await answer.say(await patiently(self._rehearse(wish), answer))

    async def _rehearse(self, wish: Wish) -> Reply:
        secret = {p.name for p in wish.command.parameters if p.arg.kind in SECRET}
        execution = Execution(
            id=new_id(),
            key=wish.key,
            actor=wish.actor,
            place=wish.place,
            source=wish.source,
            command=wish.command.id,
            arguments={k: v for k, v in wish.values.items() if k not in secret},
            effect=wish.command.effect_of(wish.values),
            created_at=self._services.clock.now(),
            secrets={k: v for k, v in wish.values.items() if k in secret},
        )
        execution, bound = await self._preparation.prepare(execution)
        twins = await twins_of(self._services, wish.command, execution, bound)
        review = await self._review(wish, execution, is_twin=bool(twins))
        context = Context.of(self._services, execution)
        asks, loses = wish.command.question_of(execution.known)
        facts: list[tuple[str, Line]] = [("Review", review)]
        if loses:
            facts.append(("Would be lost", line(loses)))
        try:
            said = await wish.command.run(context, **bound.arguments)
        except WouldSend as would:
            shown = await self._request(would)
        else:
            shown = _answer(said)
        head = line(emoji("mag"), " ", bold(_HEAD), "\n", code(wish.command.title))
        if asks:
            label = bound.node.label if bound.node else ""
            subject = Subject(execution.label, execution.task, label)
            head = line(head, f" · {asks} ", subject.named)
        return Reply(_HEAD, (Para(head), *shown, Fields(tuple(facts))), private=True)

    async def _request(self, would: WouldSend) -> Sequence[Part]:
        sent = f"{would.method} {would.path}"
        if would.additional:
            sent += "\n" + json.dumps(would.additional, ensure_ascii=False, indent=1, default=str)
        to: Line = line("The DBC daemon would get, for itself:")
        if would.node_id:
            label = await self._services.inventory.label(would.node_id)
            to = line("The DBC daemon would get, for ", bold(label), " ", code(would.node_id), ":")
        return Para(to), CodeBlock(sent)

    async def _review(self, wish: Wish, execution: Execution, *, is_twin: bool) -> Line:
        """Whether it would run at once, and who would have to agree. Raises Refused."""
        try:
            decision = await self._reviewers.decision(execution)
            if decision.kind == "deny":
                raise Refused(decision.why)
            decision.check_reason(wish.option(REASON) or wish.option(BREAK_GLASS))
            if is_twin and decision.kind == "run":
                return line("The same request is in progress: you would be asked to run it anyway.")
            return await self._consent(wish, execution, decision)
        except DeliveryFailed:
            return line("Slack does not say just now who could review it.")

    async def _consent(self, wish: Wish, execution: Execution, decision: Decision) -> Line:
        if decision.kind == "run":
            return line("None: it would run at once.")
        if decision.kind == "confirm":
            return line("You would be asked to confirm.")
        if wish.option(BREAK_GLASS) and decision.break_glass:
            return line("It would run at once, be announced, and wait for a review afterwards.")
        node = await self._services.inventory.node_by_id(execution.node) if execution.node else None
        needed = decision.approvals
        told: Line = line(f"{counted(needed, 'approval')} needed")
        try:
            people = await self._reviewers.require_reviewers(execution, decision, node)
        except BotError as error:
            return line(told, f". It would be refused: {error.sentence} ", error.hint)
        named = [piece for user in people for piece in (", ", mention(user))]
        told = line(told, ", by ", *named[1:]) if named else line(told, " by people of a channel")
        if decision.break_glass:
            told = line(told, "; you may also break the glass: ", code('break_glass="…"'))
        return told


def _answer(said: Reply | None) -> Sequence[Part]:
    """What the command says of a change that concerns this bot alone."""
    if said is None:
        return (Para(line("DBC would get nothing.")),)
    shown = said.parts or Reply.of(said.summary).parts
    return (
        Para(line("DBC would get nothing. It would change what I keep, and I would say:")),
        *shown,
    )
