"""A click on *Withdraw* of a change that waits for others of its machine."""

from collections.abc import Awaitable, Callable, Mapping

from bot.errors import Refused, from_error
from bot.ids import ExecutionId
from bot.messages.turn_cards import WITHDRAW
from bot.model import Press
from bot.pipeline.context import Services
from bot.pipeline.turns import Turns
from bot.pipeline.works import saying
from bot.ports import Answer, Work


class TurnPresses:
    """Takes the click: what came of it is on disk before it is acknowledged."""

    def __init__(self, services: Services, by: str) -> None:
        self._reviews = services.reviews
        self._turns = Turns(services, by)
        self.actions: Mapping[str, Callable[[Press], Awaitable[Work]]] = {WITHDRAW: self._withdraw}

    async def _withdraw(self, press: Press) -> Work:
        try:
            await self._turns.withdraw(ExecutionId(press.value), press.actor)
        except Refused as refusal:
            return saying(from_error(refusal))
        return self._deliver

    async def _deliver(self, _answer: Answer) -> None:
        await self._reviews.deliver()  # the card says it
