"""Clicks on buttons that lead somewhere: each is the request that the typed line would be."""

from collections.abc import Awaitable, Callable, Mapping

from bot.messages.ways import WAYS
from bot.model import Press, Source
from bot.pipeline.context import Services
from bot.pipeline.wish import Wish
from bot.ports import Work

Ask = Callable[[Wish, Mapping[str, str]], Awaitable[Work]]


class WayPresses:
    """Takes clicks; `ask` takes the request that each stands for."""

    def __init__(self, services: Services, ask: Ask) -> None:
        self._services = services
        self._ask = ask
        self.actions: Mapping[str, Callable[[Press], Awaitable[Work]]] = dict.fromkeys(
            WAYS, self._go
        )

    async def _go(self, press: Press) -> Work:
        name, parameter = WAYS[press.action]
        command, values = self._services.table[name], {parameter: press.value}
        wish = Wish(press.key, press.actor, press.place, Source.BUTTON, command, values)
        return await self._ask(wish, {})
