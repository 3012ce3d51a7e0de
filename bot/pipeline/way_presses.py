"""Clicks on buttons that lead somewhere: each is the request that the typed line would be."""

from collections.abc import Awaitable, Callable, Mapping

from bot.messages.ways import WAYS
from bot.model import Press, Source
from bot.pipeline.context import Services
from bot.pipeline.suggestions import ON_NODE, Suggestions
from bot.pipeline.wish import Wish
from bot.pipeline.works import Ask, expired, outdated
from bot.ports import Work


class WayPresses:
    """Takes clicks; `ask` takes the request that each stands for."""

    def __init__(self, services: Services, ask: Ask, suggestions: Suggestions) -> None:
        self._services = services
        self._ask = ask
        self._suggestions = suggestions
        self.actions: Mapping[str, Callable[[Press], Awaitable[Work]]] = {
            **dict.fromkeys(WAYS, self._go),
            ON_NODE: self._on_node,
        }

    async def _go(self, press: Press) -> Work:
        name, parameter = WAYS[press.action]
        command, values = self._services.table[name], {parameter: press.value}
        wish = Wish(press.key, press.actor, press.place, Source.BUTTON, command, values)
        return await self._ask(wish, {})

    async def _on_node(self, press: Press) -> Work:
        """Take the line that left its node out, with the one that was pressed."""
        command, values = await self._suggestions.taken(press.actor, press.value)
        if command is None:
            return outdated()
        if not values:  # without what was typed it would be another command
            return expired()
        wish = Wish(press.key, press.actor, press.place, Source.BUTTON, command, values)
        return await self._ask(wish, {})
