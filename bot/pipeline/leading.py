"""What a refusal advises to type is a button as well, so that nobody has to type it."""

from collections.abc import Awaitable, Callable, Sequence

from bot.errors import BotError, advice
from bot.model import MessageRef
from bot.pipeline.handed_on import HandedOn
from bot.ports import Answer, Work
from bot.reply import Actions, Button, Line, Part, Reply, Words, line

Ways = Callable[[Line], Awaitable[tuple[Button, ...]]]


class _Leading(HandedOn):
    """`ports.Answer` that adds to a refusal the buttons for what its hint says to type."""

    def __init__(self, answer: Answer, ways: Ways) -> None:
        super().__init__(answer)
        self._ways = ways

    async def say(self, reply: Reply) -> MessageRef | None:
        """Answer."""
        if reply.fault is not None:
            there = [one for part in reply.parts for one in _buttons(part)]
            if more := await _ways(self._ways, reply.fault.hint, there):
                reply = reply.also(Actions(more))
        return await self._answer.say(reply)


def leading(work: Work, ways: Ways) -> Work:
    """The work of a line or a click, with a way on from each refusal that names one."""

    async def led(answer: Answer) -> None:
        try:
            await work(_Leading(answer, ways))
        except BotError as error:  # a read's: the edge says it
            error.offers = (*error.offers, *await _ways(ways, advice(error), error.offers))
            raise

    return led


async def _ways(ways: Ways, hint: Words, there: Sequence[Button]) -> tuple[Button, ...]:
    """Those for a hint that are not there already."""
    if not hint:
        return ()
    labels = {one.label for one in there}
    return tuple(one for one in await ways(line(hint)) if one.label not in labels)


def _buttons(part: Part) -> tuple[Button, ...]:
    return part.buttons if isinstance(part, Actions) else ()
