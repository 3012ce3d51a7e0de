"""Tell at once that a change has failed: first it is stored, then more is found out about it."""

from dataclasses import replace
from functools import partial

from bot.dbc.errors import says_unrented
from bot.errors import BotError, advice, fault_of, recorded
from bot.language.table import Command
from bot.messages import cards, machine_buttons
from bot.model import Execution, ExecutionStatus, Source
from bot.pipeline.context import Context, Services
from bot.pipeline.endings import Endings
from bot.pipeline.failing import ENDS, failure
from bot.pipeline.glance import PATIENCE
from bot.pipeline.patience import courteously, unless_late
from bot.pipeline.targets import Bound
from bot.pipeline.whisper import Whisper
from bot.ports import Answer
from bot.reply import Button, Reply


class Failures:
    """Stores and says the end of what DBC, or something on the way, has refused."""

    def __init__(self, services: Services, endings: Endings) -> None:
        self._services = services
        self._endings = endings

    async def tell(
        self,
        command: Command,
        execution: Execution,
        bound: Bound,
        error: BotError,
        answer: Answer,
    ) -> None:
        """Store the end and say it; what is explained of it besides is for the requester alone.

        Others may not see the machines that an explanation names, and a crash or a silent node in
        between takes nothing from what is stored.
        """
        end = ENDS[error.severity]
        sentence = failure(command, execution.known, bound.subject(execution), error)
        reply = self._alone(command, execution, bound, error)
        seen = False
        async for attempt in self._services.store.attempts():
            async with attempt as tx:
                if not await self._endings.set_end(tx, execution, end, recorded(error)):
                    return
                seen = await self._endings.is_public(tx, execution)
                if seen:
                    await self._endings.show(
                        tx,
                        execution,
                        end,
                        sentence,
                        advice(error),
                        announced=True,
                        offers=_offers(execution, end, error),
                        refuses=says_unrented(error),
                    )
                else:
                    await self._endings.keep(tx, execution, reply)
        explained = await self._explained(command, execution, bound, error)
        if explained is not None:
            reply = self._alone(command, execution, bound, explained)
        if not seen:
            await self._endings.say(execution, answer, reply)
        elif explained is not None:
            aside = Whisper(self._services.messenger, execution.actor, execution.place)
            await courteously(lambda: aside.say(reply))

    def _alone(
        self, command: Command, execution: Execution, bound: Bound, error: BotError
    ) -> Reply:
        """What the requester alone reads of it."""
        end = ENDS[error.severity]
        sentence = failure(command, execution.known, bound.subject(execution), error)
        below = cards.hint(advice(error))
        follow_ups = partial(machine_buttons.follow_ups, execution, end)
        if execution.source is not Source.FORM:  # a form that waits shows no buttons
            below = (
                *below,
                *follow_ups(more=_offers(execution, end, error), refuses=says_unrented(error)),
            )
        return replace(cards.alone(end, sentence, *below), fault=fault_of(error))

    async def _explained(
        self, command: Command, execution: Execution, bound: Bound, error: BotError
    ) -> BotError | None:
        """The failure with what was soon found out about it; nothing depends on that."""
        explains = command.explains
        if explains is None:
            return None
        found: list[BotError] = []
        context = Context.of(self._services, execution, session=bound.session)

        async def explain() -> None:
            explaining = explains(context, error, **bound.arguments)
            explained = await unless_late(self._services.clock, PATIENCE, explaining)
            if explained is not None:
                found.append(explained)

        await courteously(explain)
        return found[0] if found else None


def _offers(execution: Execution, end: ExecutionStatus, error: BotError) -> tuple[Button, ...]:
    """What to do about it; what DBC refuses is told with the advice to look at the machine."""
    if end is not ExecutionStatus.REFUSED or execution.task in {"", execution.id}:
        return error.offers
    return (*error.offers, machine_buttons.button("show", execution.node, execution.task))
