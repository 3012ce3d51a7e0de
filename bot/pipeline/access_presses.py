"""What a click on a request for access means: asking, sharing, or saying no.

Asking and sharing are the commands of those names, by the same rules; the card only names what.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from functools import partial

from bot.errors import Refused, from_error
from bot.messages import access_cards
from bot.model import MessageRef, Press, Source
from bot.pipeline.context import Services
from bot.pipeline.wish import Wish
from bot.pipeline.works import Ask, nothing, saying
from bot.ports import Answer, Work
from bot.reply import Reply

OpenForm = Callable[[Press], Awaitable[Work]]

_ASK, _SHARE = "session.ask", "session.share"


class _OnCard:
    """An answer to whoever shares by a card's button: what the card says by now is not repeated."""

    def __init__(self, answer: Answer, is_told: Callable[[], Awaitable[bool]]) -> None:
        self._answer = answer
        self._is_told = is_told
        self.meanwhile = answer.meanwhile
        self.open = answer.open
        self.leave_question = answer.leave_question

    async def say(self, reply: Reply) -> MessageRef | None:
        """Say it unless the card does."""
        if reply.fault is None and await self._is_told():
            return None
        return await self._answer.say(reply)


class AccessPresses:
    """Takes clicks; `ask` takes the request that each stands for, `open_form` opens its form."""

    def __init__(self, services: Services, ask: Ask, open_form: OpenForm) -> None:
        self._services = services
        self._ask = ask
        self._open_form = open_form
        self.actions: Mapping[str, Callable[[Press], Awaitable[Work]]] = {
            access_cards.ASK: self._request,
            access_cards.SHARE: self._share,
            access_cards.SHARE_HOURS: self._share_hours,
            access_cards.DECLINE: self._decline,
        }

    async def _request(self, press: Press) -> Work:
        if not press.value:
            return await self._open_form(replace(press, value=_ASK))
        return await self._pressed(press, _ASK, {"node": press.value})

    async def _share(self, press: Press) -> Work:
        return await self._granted(press, {})

    async def _share_hours(self, press: Press) -> Work:
        return await self._granted(press, {"hours": str(access_cards.HOURS)})

    async def _granted(self, press: Press, lasting: Mapping[str, str]) -> Work:
        try:
            request = await self._services.access.find(press.value, press.actor)
        except Refused as refusal:
            return saying(from_error(refusal))
        values = {"node": request.node, "person": request.asker, **lasting}
        work = await self._pressed(press, _SHARE, values)

        async def on_card(answer: Answer) -> None:
            is_told = partial(self._services.access.tells, request, press.actor)
            await work(_OnCard(answer, is_told))

        return on_card

    async def _decline(self, press: Press) -> Work:
        try:
            await self._services.access.decline(press.value, press.actor)
        except Refused as refusal:
            return saying(from_error(refusal))
        return nothing  # the card says it

    async def _pressed(self, press: Press, name: str, values: Mapping[str, str]) -> Work:
        row = self._services.table[name]
        wish = Wish(press.key, press.actor, press.place, Source.BUTTON, row, values)
        return await self._ask(wish, {})
