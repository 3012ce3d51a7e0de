"""The front desk: takes lines, clicks and forms from the edge, records what must be, gives work.

Implements `bot.ports.Core`. Nothing here touches the network before it returns.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial

from bot.commands import derive
from bot.commands.args import DRY_RUN, SECRET
from bot.commands.clicks import Clicks
from bot.commands.complete import Completion
from bot.commands.context import Services
from bot.commands.groups.shown import OPEN_FORM
from bot.commands.home import home
from bot.commands.parse import HelpWanted, NotUnderstood, Parsed, parse
from bot.commands.pipeline import Pipeline
from bot.commands.reading import Reads
from bot.commands.rehearse import Rehearsals
from bot.commands.running import LEASE
from bot.commands.standing import standing_of
from bot.commands.table import Command
from bot.commands.whisper import Whisper
from bot.commands.wish import Wish
from bot.errors import BotError, Refused
from bot.ids import new_id
from bot.model import (
    Effect,
    Execution,
    Invocation,
    Press,
    Source,
    Submission,
)
from bot.ports import Accepted, Answer, Messenger, Rejected, Work
from bot.reply import Choice, Reply, from_error
from bot.services import cards


class Desk:
    """What the edge talks to."""

    def __init__(
        self,
        services: Services,
        pipeline: Pipeline,
        clicks: Clicks,
        rehearsals: Rehearsals,
        messenger: Messenger,
        by: str,
    ) -> None:
        self._services = services
        self._pipeline = pipeline
        self._clicks = clicks
        self._messenger = messenger
        self._by = by
        self._completion = Completion(services)
        self._rehearsals = rehearsals
        self._reads = Reads(services, messenger)
        self._presses: Mapping[str, Callable[[Press], Awaitable[Work]]] = {
            **clicks.actions,
            cards.CONNECT: self._connect,
            cards.KEEP_WATCHING: self._keep_watching,
            OPEN_FORM: self._open_form,
        }

    # bot.ports.Core

    async def line(self, invocation: Invocation) -> Accepted:
        """Take a typed line."""
        table, slash = self._services.table, self._services.slash_command
        try:
            parsed = parse(
                table, invocation.text, slash, self._services.aliases.of(invocation.actor)
            )
        except Refused as refusal:
            return Accepted(_saying(from_error(refusal)))
        match parsed:
            case HelpWanted():
                return Accepted(partial(self._help, invocation, parsed))
            case NotUnderstood():
                return Accepted(_explaining(partial(derive.not_understood, parsed, slash)))
            case Parsed(command, values):
                if derive.wants_form(command, values):
                    return Accepted(_opening(command, values))
                if found := derive.faults(command, values):
                    field, fault = next(iter(found.items()))
                    return Accepted(_saying(from_error(Refused(fault, field=field))))
                if command.verify is not None:
                    try:
                        await command.verify(self._services, invocation.actor, values)
                    except BotError as refusal:
                        return Accepted(_saying(from_error(refusal)))
                wish = Wish(
                    invocation.key,
                    invocation.actor,
                    invocation.place,
                    invocation.source,
                    command,
                    values,
                )
                return Accepted(await self._take(wish))

    async def _help(self, invocation: Invocation, wanted: HelpWanted, answer: Answer) -> None:
        table, slash = self._services.table, self._services.slash_command
        standing = await standing_of(self._services, invocation.actor, invocation.place)
        await answer.say(derive.help_reply(table, wanted, slash, standing))

    async def submit(self, submission: Submission) -> Accepted | Rejected:
        """Take a form."""
        if Clicks.owns(submission.form):
            return await self._clicks.submit(submission)
        command = self._services.table[submission.form]
        values = {name: text for name, text in submission.values.items() if text.strip()}
        if found := derive.faults(command, values):
            return Rejected(found)
        if command.verify is not None:
            try:
                await command.verify(self._services, submission.actor, values)
            except BotError as refusal:
                return Rejected(derive.fault_of(command, refusal))
        wish = Wish(
            submission.key, submission.actor, submission.place, Source.FORM, command, values
        )
        return Accepted(await self._take(wish))

    async def press(self, press: Press) -> Accepted:
        """Take a click."""
        handler = self._presses.get(press.action)
        return Accepted(_outdated() if handler is None else await handler(press))

    async def turn_away(self, press: Press, team: str) -> None:
        """Note a click from another workspace."""
        if press.action in self._clicks.actions:
            why = f"The account belongs to another workspace, {team}."
            await self._clicks.turn_away(press, why)

    async def options(self, user: str, source: str, query: str) -> Sequence[Choice]:
        """Options for a search field."""
        return await self._completion.options(user, source, query)

    async def home(self, user: str) -> Reply:
        """What `user`'s App Home shows."""
        return await home(self._services, user)

    async def recover(self) -> None:
        """Take up what a process that died left behind."""
        await self._pipeline.recover(
            lambda execution: Whisper(self._messenger, execution.actor, execution.place)
        )
        await self._clicks.take_up(lambda vote: Whisper(self._messenger, vote.user, vote.place))

    # Lines and forms

    async def _take(self, wish: Wish) -> Work:
        """Reads become work at once; what changes something is on disk before this returns."""
        effect = wish.command.effect_of(wish.values)
        if wish.option(DRY_RUN):
            return partial(self._rehearsals.carry_out, wish)
        if effect is Effect.READ:
            return partial(self._reads.carry_out, wish)
        secret = {p.name for p in wish.command.parameters if p.arg.kind in SECRET}
        now = self._services.clock.now()
        execution = Execution(
            id=new_id(),
            key=wish.key,
            actor=wish.actor,
            place=wish.place,
            source=wish.source,
            command=wish.command.id,
            arguments={k: v for k, v in wish.values.items() if k not in secret},
            effect=effect,
            created_at=now,
            secrets={k: v for k, v in wish.values.items() if k in secret},
        )
        if not await self._services.store.record(execution, by=self._by, until=now + LEASE):
            return _nothing  # the delivery was repeated: the first one is being carried out
        return partial(self._carry_out, execution)

    async def _carry_out(self, execution: Execution, answer: Answer) -> None:
        await self._pipeline.carry_out(execution, answer)

    # Clicks

    async def _connect(self, press: Press) -> Work:
        return partial(self._show_machine_of, press)

    async def _show_machine_of(self, press: Press, answer: Answer) -> None:
        async with self._services.store.read() as tx:
            execution = await tx.executions.get(press.value)
        values = {"vm": execution.task, "on": execution.node}
        show = self._services.table["vm.show"]
        await self._reads.carry_out(
            Wish(press.key, press.actor, press.place, Source.BUTTON, show, values), answer
        )

    async def _keep_watching(self, press: Press) -> Work:
        try:
            watch = await self._services.watches.keep_watching(
                press.value, press.actor, press.place.channel
            )
        except Refused as refusal:
            return _saying(from_error(refusal))
        if watch is None:
            return _saying(Reply.of("It is being followed already, or has ended.", private=True))
        return _saying(Reply.of(f"I go on following {watch.label}.", private=True))

    async def _open_form(self, press: Press) -> Work:
        command = self._services.table.get(press.value)
        return _outdated() if command is None else _opening(command, {})


def _saying(reply: Reply) -> Work:
    async def work(answer: Answer) -> None:
        await answer.say(reply)

    return work


def _outdated() -> Work:
    """For a button that a former version of the bot has put there."""
    gone = Refused("This button is of an older kind.", hint="Type the command instead.")
    return _saying(from_error(gone))


def _explaining(explain: Callable[[], Reply]) -> Work:
    """Say what need not be put together before the acknowledgement."""

    async def work(answer: Answer) -> None:
        await answer.say(explain())

    return work


def _opening(command: Command, values: Mapping[str, str]) -> Work:
    async def work(answer: Answer) -> None:
        await answer.open(derive.form(command, values))

    return work


async def _nothing(_answer: Answer) -> None:
    """A repeated delivery."""
