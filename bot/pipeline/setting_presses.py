"""Clicks on settings: each is the request that the typed line would be."""

from collections.abc import Awaitable, Callable, Mapping

from bot.messages.setting_buttons import CHOOSE, LESS, meant
from bot.model import Press, Source
from bot.pipeline.context import Services
from bot.pipeline.wish import Wish
from bot.pipeline.works import Ask, outdated
from bot.ports import Work


class SettingPresses:
    """Takes choices of settings; `ask` takes the request that each stands for."""

    def __init__(self, services: Services, ask: Ask) -> None:
        self._services = services
        self._ask = ask
        self.actions: Mapping[str, Callable[[Press], Awaitable[Work]]] = {
            CHOOSE: self._choose,
            LESS: self._choose,
        }

    async def _choose(self, press: Press) -> Work:
        found = meant(press.value)
        command = self._services.table.get(found[0]) if found else None
        if found is None or command is None or command.parameter(found[1]) is None:
            return outdated()
        values = {found[1]: found[2]}
        if press.action == LESS:
            values["less"] = "true"
        wish = Wish(press.key, press.actor, press.place, Source.BUTTON, command, values)
        return await self._ask(wish, {})
