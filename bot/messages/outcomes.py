"""What comes of sending a message, beside what Slack itself says (`bot.ports`). Pure."""

from dataclasses import dataclass
from datetime import timedelta

from bot.messages.cards import card_key, execution_of
from bot.messages.elsewhere import OUTSIDE, explained
from bot.model import SURPRISE, Message, MessageRef
from bot.ports import DeliveryFailed, Unanswered, Unfamiliar
from bot.reply import Reply

_AGAIN = timedelta(seconds=1)
_LATER = timedelta(seconds=30)
# The message is deleted, or stands there as it is for good: too old by a rule of the workspace, or
# posted by another bot.
_NO_EDIT = frozenset({"cant_update_message", "edit_window_closed", "message_not_found"})
# After so many refusals with an unknown word, the requester gets a direct message.
_STRANGE = 5


@dataclass(frozen=True, slots=True)
class Shown:
    """Where a message stands, and why there, where it is not where it belongs."""

    ref: MessageRef
    problem: str = ""
    unsettled: timedelta = timedelta(0)  # how long an earlier edit may still come last


class AwaitedError(DeliveryFailed):
    """It may have been posted, and is not to be seen yet."""


class ShutError(DeliveryFailed):
    """It stands in a place that takes no edits for now."""


class BesideError(DeliveryFailed):
    """Refused in its place, where whoever requested it may be shown it in another way."""


class SurpriseError(DeliveryFailed):
    """Something failed on our side: nobody knows whether it was sent."""

    def __init__(self) -> None:
        super().__init__(SURPRISE, _LATER)


def lost() -> DeliveryFailed:
    """Somebody else has taken the message over."""
    return DeliveryFailed("the lease was lost", _AGAIN)


def is_to_be_looked_for(message: Message, failure: DeliveryFailed) -> bool:
    """Whether the next try is a look at what was posted: soon, for somebody waits for it."""
    return isinstance(failure, AwaitedError) or (
        isinstance(failure, Unanswered) and message.ref is None
    )


def as_shown(message: Message, ref: MessageRef, reply: Reply, me: str) -> Reply:
    """What it says where it stands: with why it is there, if that is not where it belongs."""
    if not is_elsewhere(message, ref):
        return reply
    return explained(reply, message.place, message.problem, me)


def is_elsewhere(message: Message, ref: MessageRef) -> bool:
    """Whether it stands in another conversation than it was meant for."""
    wanted = message.place.channel
    return not wanted.startswith(("U", "W")) and ref.channel != wanted


def takes_no_edit(message: Message, failure: DeliveryFailed) -> bool:
    """Whether what was refused is an edit of what stands nowhere any more, or stays as it is.

    A channel may be opened again to the bot; a conversation with one person is another one then.
    """
    is_direct = message.place.channel.startswith(("U", "W"))
    return failure.reason in _NO_EDIT or (is_direct and failure.reason == "channel_not_found")


def is_refused(message: Message, failure: DeliveryFailed) -> bool:
    """Whether the place refuses it, or so it seems by now."""
    if isinstance(failure, Unfamiliar):
        return message.attempts >= _STRANGE
    return failure.retry_after is None


def may_be_said_beside(message: Message, failure: DeliveryFailed) -> bool:
    """Whether it is a card that the requester may see where they typed; for the first time only."""
    is_own = message.key == card_key(execution_of(message.key))
    return is_own and failure.reason in OUTSIDE and message.problem not in OUTSIDE
