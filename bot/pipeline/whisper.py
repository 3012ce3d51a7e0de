"""An answer to the requester from a process or click that was not theirs."""

from dataclasses import dataclass

from bot.ids import UserId
from bot.model import Place
from bot.ports import Messenger
from bot.reply import Reply


@dataclass(frozen=True, slots=True)
class Whisper:
    """ports.Answer that tells `actor` privately, where they asked."""

    messenger: Messenger
    actor: UserId
    place: Place

    async def say(self, reply: Reply) -> None:
        """Tell the person."""
        await self.messenger.whisper(self.actor, self.place, reply)

    async def meanwhile(self, reply: Reply) -> None:
        """Nobody sits and waits."""

    async def open(self, form: object) -> None:
        """Forms open only while a person waits."""

    def leave_question(self) -> None:
        """Nobody looks elsewhere."""
