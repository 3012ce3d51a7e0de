"""How a button is answered that was pressed in no message: on the Home tab, in a modal above it.

Whoever presses there does not see the conversation. What they asked to see is shown before them;
what stays (cards, questions, ends) stands in the conversation as ever.
"""

import secrets

from bot.reply import Form, Reply, say
from handlers.answer import PrivateAnswer
from handlers.modals import Told
from handlers.payloads import Payload

_NOT_SHOWN = Reply.of(
    say("I was stopped before I could answer. See the Messages tab, or press the button again.")
)


class AnswerInForm(PrivateAnswer):
    """To a button in a form: above the form, which stays as it is; else as to any button."""

    _is_above = True

    async def say(self, reply: Reply) -> None:
        """Answer above the form, while the click lasts."""
        trigger, self._trigger = self._trigger, ""
        if not trigger or not await self._modals.tell(reply, trigger, self._actor, above=True):
            await super().say(reply)


class AnswerOnHome(PrivateAnswer):
    """To a button on the Home tab: in a modal above it.

    That is what was asked to see, and why something cannot be; what was done shows on the Home tab
    by itself.
    """

    _says_less = False  # whether the modal does not say yet what came of the press
    _is_lost = False  # whether what belongs into the messages was not said there
    _told: Told | None = None

    async def say(self, reply: Reply) -> None:
        """Say it; in the modal while it can be shown there."""
        if (reply.fault is not None or reply.is_look) and await self._tell(reply):
            self._says_less = False
            return
        if reply.sensitive:
            self._trigger = ""  # closed by whoever it is for: it opens before nobody by itself
        self._is_lost = True
        await super().say(reply)
        self._is_lost = False

    async def meanwhile(self, reply: Reply) -> None:
        """Say in the modal that it takes its time; the answer takes its place."""
        if await self._tell(reply):
            self._says_less = True
        else:
            await super().meanwhile(reply)

    async def done(self) -> None:
        """Let a modal that says nothing of the answer say where it is."""
        if self._says_less:
            is_not_shown = self._is_broken_off or self._is_lost
            await self._tell(_NOT_SHOWN if is_not_shown else self.in_messages)
        await super().done()

    async def _tell(self, reply: Reply) -> bool:
        """Say it in the modal; False where there is none.

        Where something else was pressed there since, what was only shown is moot.
        """
        await self._messenger.meet(self._actor)
        if self._told is None:
            trigger, self._trigger = self._trigger, ""
            if trigger:
                self._told = await self._modals.tell(reply, trigger, self._actor)
            return self._told is not None
        is_told = await self._modals.retell(reply, self._actor, self._told)
        return reply.fault is None if is_told is None else is_told


class AnswerInAnswer(AnswerOnHome):
    """To a button in an answer that is a modal itself: in its place, as long as it is open.

    So nothing old is left below it, however far somebody goes on.
    """

    _says_less = True

    def stand_in(self, view: Payload) -> None:
        """Answer in this modal; what was pressed there before is not answered there any more."""
        self._modals.acted(view["id"], self._trigger)
        name = secrets.token_urlsafe(16)
        self._told = Told(name, view["id"], view["hash"], self._trigger)

    async def open(self, form: Form) -> None:
        """Put the form in the place of the answer."""
        if self._shown is None and self._told is not None:
            await self._messenger.meet(self._actor)
            self._says_less = False
            self._shown = await self._modals.turn_into(self._told, form, self._place, self._actor)
            if self._shown is not None:
                return
        await super().open(form)
