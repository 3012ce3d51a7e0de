"""An answer that hands on what is answered; what says it otherwise says only how."""

from bot.model import MessageRef
from bot.ports import Answer
from bot.reply import Form, Reply


class HandedOn:
    """`ports.Answer` over another one."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer

    async def say(self, reply: Reply) -> MessageRef | None:
        """Answer."""
        return await self._answer.say(reply)

    async def meanwhile(self, reply: Reply) -> None:
        """Say that it takes its time."""
        await self._answer.meanwhile(reply)

    async def open(self, form: Form) -> None:
        """Show a form."""
        await self._answer.open(form)

    def leave_question(self) -> None:
        """Note that a question waits in their messages."""
        self._answer.leave_question()
