"""How a button is answered that was pressed in no message: on the Home tab, in a modal above it.

Whoever presses there does not see the conversation. What they asked to see is shown before them;
what stays (cards, questions, ends) stands in the conversation as ever.
"""

from abc import abstractmethod

from bot.reply import Form, Reply
from handlers.answer import IN_MESSAGES, PrivateAnswer


class AnswerInForm(PrivateAnswer):
    """To a button in a form: above the form, which stays as it is; else as to any button."""

    async def say(self, reply: Reply) -> None:
        """Answer above the form, while the click lasts."""
        trigger, self._trigger = self._trigger, ""
        if not trigger or not await self._modals.tell(reply, trigger, self._actor, above=True):
            await super().say(reply)


class _AnswerAbove(PrivateAnswer):
    """In a modal: what was asked to see, and why something cannot be."""

    _says_less = False  # whether the modal does not say yet what came of the press

    async def say(self, reply: Reply) -> None:
        """Say it; in the modal while it can be shown there."""
        if (reply.fault is not None or reply.is_look) and await self._tell(reply):
            self._says_less = False
        else:
            await super().say(reply)

    async def meanwhile(self, reply: Reply) -> None:
        """Say in the modal that it takes its time; the answer takes its place."""
        if await self._tell(reply):
            self._says_less = True
        else:
            await super().meanwhile(reply)

    async def done(self) -> None:
        """Let a modal that says nothing of the answer say where it is."""
        if self._says_less:
            await self._tell(IN_MESSAGES)
        await super().done()

    async def _tell(self, reply: Reply) -> bool:
        """Say it in the modal; False where there is none."""
        await self._messenger.meet(self._actor)
        return await self._in_modal(reply)

    @abstractmethod
    async def _in_modal(self, reply: Reply) -> bool: ...


class AnswerOnHome(_AnswerAbove):
    """To a button on the Home tab: above it. What was done shows on the Home tab by itself."""

    _standing = ""  # the modal's external_id

    async def _in_modal(self, reply: Reply) -> bool:
        if self._standing:
            return await self._modals.retell(reply, self._actor, external_id=self._standing)
        trigger, self._trigger = self._trigger, ""
        if trigger:
            self._standing = await self._modals.tell(reply, trigger, self._actor)
        return bool(self._standing)


class AnswerInAnswer(_AnswerAbove):
    """To a button in an answer that is a modal itself: in its place, as long as it is open.

    So nothing old is left below it, however far somebody goes on.
    """

    _says_less = True

    async def open(self, form: Form) -> None:
        """Put the form in the place of the answer."""
        if self._shown is not None:
            await super().open(form)
            return
        await self._messenger.meet(self._actor)
        self._shown = await self._modals.turn_into(self._view, form, self._place, self._actor)
        if self._shown is None:
            await super().open(form)
        self._says_less = False

    async def _in_modal(self, reply: Reply) -> bool:
        return await self._modals.retell(reply, self._actor, view_id=self._view)
