"""Messages that a unit of work has put and that are sent as soon as it is committed.

Such a message is leased as it is put, by whoever sends it: that takes no unit of work of its own.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from bot.model import Message, MessageRef, Place


@dataclass(frozen=True, slots=True)
class Handover:
    """On whose lease, and until when Slack may carry out what is sent at once.

    `takes` says whether a new message there, or an edit of that one, can be sent now.
    """

    by: str
    until: datetime
    sent_until: datetime
    takes: Callable[[Place | MessageRef], bool]
    messages: dict[str, Message] = field(default_factory=dict)  # by id, oldest first


@dataclass(frozen=True, slots=True)
class Urgency:
    """How soon a message is to say what it should.

    One that `can_wait` is left out where something newer comes soon after what was shown last. One
    that is not `at_once` is left to the next delivery.
    """

    can_wait: bool = False
    at_once: bool = True


AT_ONCE = Urgency()


class Courier(Protocol):
    """Who sends messages."""

    def handover(self) -> Handover | None:
        """The terms for a unit of work that begins now; None where nothing can be sent."""
        ...

    def take(self, messages: Sequence[Message]) -> None:
        """Send these, which are committed."""
        ...

    def doubt(self, handover: Handover) -> None:
        """Send what of this is stored after all: nobody knows whether it was committed."""
        ...
