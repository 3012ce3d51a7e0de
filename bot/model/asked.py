"""What people ask, where, and what it does."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum, StrEnum

from bot.ids import ChannelId, UserId


class Effect(IntEnum):
    """What a command does to the world, mildest first; it decides the review it needs."""

    READ = 0
    CHANGE = 1
    DISRUPT = 2
    DESTROY = 3


class TakesGpus(StrEnum):
    """When a command can make a machine hold more GPUs than before, which is what it pays for."""

    NEVER = "never"
    WHERE_GIVEN = "where given"  # only where the argument `gpu` is
    ALWAYS = "always"


class Source(StrEnum):
    """How a line reached the bot; decides who sees the answer (see `Place`)."""

    SLASH = "slash"  # asked privately: reads are answered privately
    MENTION = "mention"  # asked in public: answered in public
    DIRECT = "direct"
    FORM = "form"
    BUTTON = "button"


@dataclass(frozen=True, slots=True)
class Place:
    """Where something was asked and is answered: a channel or direct message, maybe a thread."""

    channel: ChannelId
    thread: str = ""

    @classmethod
    def direct(cls, user: UserId) -> "Place":
        """The direct messages with a person: Slack takes their id for the conversation's."""
        return cls(ChannelId(user))

    @property
    def is_channel(self) -> bool:
        """Whether others read there: no direct message with the bot alone."""
        return self.channel.startswith(("C", "G"))


@dataclass(frozen=True, slots=True)
class Invocation:
    """One line that a person sent.

    `key` is the delivery's own id: two deliveries with one key are one invocation.
    """

    key: str
    actor: UserId
    place: Place
    text: str
    source: Source
    at: datetime


@dataclass(frozen=True, slots=True)
class Press:
    """A click on one of our buttons: `action` says what it means, `value` is an opaque id.

    `is_alone`: whoever pressed it is the only one to whom the message is shown, and Slack keeps no
    such message. Only the answer to this click can replace it. `ts` is that of any other one.
    `in_list`: it was in the menu of a row, beside which others stand.
    """

    key: str
    actor: UserId
    place: Place
    action: str
    value: str
    at: datetime
    is_alone: bool = False
    ts: str = ""
    in_list: bool = False


@dataclass(frozen=True, slots=True)
class Submission:
    """A form sent in. `form` is the command's id; `values` are the typed texts by field name.

    `given` is what the form kept of what was said before it was opened; it is among the values
    where no field says otherwise. `values` may hold secrets, so they have no place in `repr`.
    """

    key: str
    actor: UserId
    place: Place
    form: str
    view: str
    values: Mapping[str, str] = field(repr=False)
    at: datetime
    given: Mapping[str, str] = field(default_factory=dict)
