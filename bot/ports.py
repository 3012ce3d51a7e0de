"""What the core needs from the chat side, as protocols. `handlers` implements them with Slack."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from bot.model import MessageRef, Place
from bot.reply import Form, Reply


class DeliveryFailed(Exception):
    """A message could not be delivered.

    `retry_after` is None when trying again is of no use (channel gone, bot not in it); else the
    earliest moment worth trying. `reason` is the chat side's own word, for the log.
    """

    def __init__(self, reason: str, retry_after: timedelta | None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.retry_after = retry_after


class Answer(Protocol):
    """How to answer one invocation, bound to it by the edge. Used while the person waits."""

    async def say(self, reply: Reply) -> None:
        """Answer. A second call replaces the first answer where the chat side can."""
        ...

    async def open(self, form: Form) -> None:
        """Show a form; only within 3 s of the person's action, and once (Slack's trigger_id)."""
        ...


class Messenger(Protocol):
    """Messages that outlive an invocation."""

    async def post(self, place: Place, reply: Reply, key: str) -> MessageRef:
        """Post a new message that carries `key` invisibly. Raises DeliveryFailed."""
        ...

    async def edit(self, ref: MessageRef, reply: Reply) -> None:
        """Replace a message's content. Raises DeliveryFailed."""
        ...

    async def find(self, place: Place, key: str, since: datetime) -> MessageRef | None:
        """The message posted at or after `since` with `key`, if it is there. Raises DeliveryFailed."""
        ...

    async def whisper(self, user: str, place: Place, reply: Reply) -> None:
        """Say something that only `user` sees: in `place` if possible, else in their direct messages."""
        ...

    async def direct(self, user: str) -> Place:
        """The direct-message conversation with `user`. Raises DeliveryFailed."""
        ...


@dataclass(frozen=True, slots=True)
class PersonInfo:
    """What the chat side says about a person at this moment."""

    id: str
    name: str
    locale: str
    zone: str
    is_full_member: bool  # of this workspace: no guest, no bot, not deactivated, not foreign


class Directory(Protocol):
    """Who people are."""

    async def person(self, user: str) -> PersonInfo:
        """Look a person up, now. Raises DeliveryFailed."""
        ...
