"""Prepares a change: finds out what was meant, and whether it can be. Changes nothing itself."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace

from bot.dbc.errors import DbcError
from bot.errors import Denied, Refused, raise_all
from bot.ids import NodeId, TaskId
from bot.language.row_parts import UNTOLD, Foreseen
from bot.language.table import Command
from bot.messages.cards import Subject
from bot.messages.facts import CAUTION, CAUTION_IN_PUBLIC, ENDING, ENDING_IN_PUBLIC
from bot.model import Effect, Execution, Goal, Machine, Node
from bot.pipeline.as_meant import as_meant, moved
from bot.pipeline.context import Context, Services
from bot.pipeline.formatting import stacked
from bot.pipeline.patience import Interim, waiting_for
from bot.pipeline.rights import allow, is_open_to_all, require_colleague
from bot.pipeline.targets import Bound, bind
from bot.reply import (
    Line,
    Severity,
    Text,
    as_phrase,
    keep,
    line,
    say,
    sentences,
)
from bot.reviews.reviewers import since_requested
from bot.watches.observers.look import is_silence


class Preparation:
    """What stands between a recorded command and the question whether it may run."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._store = services.store

    async def prepare(
        self,
        execution: Execution,
        interim: Interim,
        *,
        again: bool = False,
        sent: int | None = None,
        foreseeing: bool = True,
        before_look: Callable[[Execution, Bound], Awaitable[None]] | None = None,
    ) -> tuple[Execution, Bound]:
        """Find out what was meant and whether it can be. Raises BotError where it cannot.

        What the rules deny is refused first: nothing is read of it. `again`: it was allowed when
        it was requested. What is read now is not kept yet: that comes with the question, or with
        the claim. Raises RightsUnknown while Slack does not say who it is. `interim` learns which
        node is waited for. Without `foreseeing`, what the node would refuse is not refused here.
        `before_look` may raise: its target is known then, and nothing was read for it.
        """
        command, node = self._services.table[execution.command], ""
        await self._may_change_things(execution)
        await self._allow(command, execution, again=again)
        try:
            bound = await self._bind(command, execution)
            if bound.machine is not None and bound.node is not None:  # nobody is asked in vain
                channel = execution.place.channel
                await self._services.sessions.require(execution.actor, bound.node, channel)
            execution, bound = await self._fix_target(command, execution, bound, sent)
            await self._allow(command, execution, bound.machine or bound.node, again=again)
            if before_look is not None:
                await before_look(execution, bound)
            if bound.node is not None:
                node = bound.node.label
                interim.waiting = waiting_for(node)
            try:
                execution = await self._look(command, execution, bound)
                if foreseeing and not again:  # what has changed since, the node says itself
                    execution = await self._foresee(command, execution, bound)
            except Denied as denied:
                raise since_requested(denied) if again else denied from None
        except DbcError as error:
            if error.severity is Severity.FAILED:
                error.hint = sentences((say("Nothing was sent."), error.hint))
            subject = Subject(
                execution.label or execution.arguments.get("vm", ""), TaskId(""), node
            )
            error.during = command.brief(execution.known, subject)
            raise
        return execution, bound

    async def _may_change_things(self, execution: Execution) -> None:
        command = self._services.table.spoken_of(execution.command)
        if not is_open_to_all(command):
            await require_colleague(self._services, execution.actor, Effect.CHANGE)

    async def _allow(
        self,
        command: Command,
        execution: Execution,
        of: Machine | Node | None = None,
        *,
        again: bool,
    ) -> None:
        services, actor, place = self._services, execution.actor, execution.place
        try:
            await allow(services, actor, place, command, execution.arguments, of)
        except Refused as refusal:
            if again:
                raise since_requested(refusal) from None
            raise

    async def _bind(self, command: Command, execution: Execution) -> Bound:
        values = {**execution.arguments, **execution.secrets}
        # What was pressed or chosen is recorded with its id; so is what has been looked up by it.
        by_id = bool(execution.task) and execution.arguments.get("vm") == execution.task
        return await bind(
            self._services, command, values, execution.actor, execution.place, by_id=by_id
        )

    async def _fix_target(
        self, command: Command, execution: Execution, bound: Bound, sent: int | None
    ) -> tuple[Execution, Bound]:
        """Write down what the names meant; a creation's machine gets the ledger entry's id.

        `sent` was counted before, where they were written down already.
        """
        node = bound.node.id if bound.node else ""
        if bound.machine is not None:
            task, label = bound.machine.task, bound.machine.label
        elif command.follow is not None and command.follow.goal is Goal.RUNNING:
            task = TaskId(execution.id)
            label = execution.arguments.get("name", "") or task[:8]
        else:
            task, label = TaskId(""), execution.arguments.get("image", "").rpartition("/")[2]
        meant = await as_meant(self._services.store, command, execution, bound)
        if execution.task not in {"", task} or execution.node not in {"", node}:
            is_named = command.target is not None and command.target.name in execution.arguments
            raise moved(bound.machine or bound.node, is_named=is_named)
        named = replace(execution, node=NodeId(node), task=task, label=label, meant=meant)
        if named == execution and sent is not None:
            return named, replace(bound, sent=sent)
        async with self._store.write() as tx:
            await tx.executions.set_target(execution.id, NodeId(node), task, label, meant)
            sent = await tx.executions.sent_to(named)
        return named, replace(bound, sent=sent)

    async def _look(self, command: Command, execution: Execution, bound: Bound) -> Execution:
        """Read what the command wants to know first."""
        if command.look is None:
            return execution
        context = Context.of(self._services, execution)
        try:
            facts = dict(await command.look(context, **bound.arguments))
        except DbcError as error:
            if bound.node is not None:
                error.named(bound.node.label)
            raise
        return replace(execution, facts=facts)

    async def _foresee(self, command: Command, execution: Execution, bound: Bound) -> Execution:
        """Refuse all that the node would; note what it does not tell, and cautions."""
        looks = [
            (look, keys)
            for look, keys in (
                (command.warns, (ENDING, ENDING_IN_PUBLIC)),
                (command.foresees, (CAUTION, CAUTION_IN_PUBLIC)),
            )
            if look is not None
        ]
        if looks and bound.node is not None:  # nobody is asked in vain
            channel = execution.place.channel
            await self._services.sessions.require(execution.actor, bound.node, channel)
        context = Context.of(self._services, execution)
        found, told = Foreseen(), dict[str, Sequence[Text]]()
        for look, (own, public) in looks:
            try:
                seen = await look(context, **bound.arguments)
            except DbcError as error:
                if bound.node is not None:
                    error.named(bound.node.label)
                if is_silence(error):
                    raise
                seen = Foreseen(untold=(error.words,))
            found = found.also(seen)
            told[own] = [one.told for one in seen.cautions]
            told[public] = [one.in_public for one in seen.cautions]
        raise_all([Refused(told, field=field) for field, told in found.faults.items()])
        told[UNTOLD] = found.untold

        def joined(key: str, some: Sequence[Text]) -> Line:
            return sentences(some) if key == UNTOLD else stacked([line(one) for one in some])

        kept = {key: keep(as_phrase(joined(key, some))) for key, some in told.items() if some}
        return replace(execution, facts={**execution.facts, **kept}) if kept else execution
