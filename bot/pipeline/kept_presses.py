"""Clicks on what an answer left to be gone on with: a form, a suggestion, the page of a list."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace

from bot.errors import BotError, from_error
from bot.language import forms
from bot.messages.ways import OPEN_FORM
from bot.model import Effect, Press, Source
from bot.pipeline.context import Services
from bot.pipeline.dialog import ANEW, Noted
from bot.pipeline.meant import as_known
from bot.pipeline.reads import LIST_PAGE
from bot.pipeline.suggestions import SUGGESTED, Suggestions
from bot.pipeline.wish import Wish
from bot.pipeline.works import Open, outdated, saying
from bot.ports import Work

Take = Callable[[Wish], Awaitable[Work]]


class KeptPresses:
    """Takes clicks; `take` takes what one requests, `opening` opens the form of what says less."""

    def __init__(
        self, services: Services, suggestions: Suggestions, take: Take, opening: Open
    ) -> None:
        self._services = services
        self._suggestions = suggestions
        self._take = take
        self._open = opening
        self.actions: Mapping[str, Callable[[Press], Awaitable[Work]]] = {
            OPEN_FORM: self.open_form,
            SUGGESTED: self._suggested,
            LIST_PAGE: self._turn,
        }

    async def open_form(self, press: Press) -> Work:
        """Open the form that a button names, with what was typed before."""
        command, values = await self._suggestions.taken(press.actor, press.value)
        if command is None:
            return outdated()
        return await self._open(command, values or {}, press.actor, press.place)

    async def _turn(self, press: Press) -> Work:
        """Turn the page of a list; to whoever did not ask for it, or much later, list anew."""
        name, _, which = press.value.partition(":")
        one, _, number = which.partition(":")
        command = self._services.table.get(name)
        if command is None or not number.isdecimal() or command.effect_of({}) is not Effect.READ:
            return outdated()
        kept = await self._suggestions.listed(press.actor, one)
        wish = Wish(press.key, press.actor, press.place, Source.BUTTON, command, {})
        if kept is None:
            work = await self._take(wish)
            return lambda answer: work(Noted(answer, ANEW))
        values, is_open = kept
        return await self._take(
            replace(wish, values=values, page=int(number), list=one, is_open=is_open)
        )

    async def _suggested(self, press: Press) -> Work:
        """Run what only reads; of what changes something, open the form with what was typed."""
        command, kept = await self._suggestions.taken(press.actor, press.value)
        if command is None:
            return outdated()
        if kept is None and command.parameters:  # what was typed is gone
            return await self._open(command, {}, press.actor, press.place)
        actor, place = press.actor, press.place
        try:
            values = await as_known(self._services, command, kept or {}, {}, actor, place)
            if command.verify is not None and not command.missing(values):
                await command.verify(self._services, actor, values)
        except BotError as refusal:
            return saying(from_error(refusal))
        changes = command.effect_of(values) is not Effect.READ
        if changes or forms.wants_form(command, values) or forms.faults(command, values):
            return await self._open(command, values, actor, place)
        return await self._take(Wish(press.key, actor, place, Source.BUTTON, command, values))
