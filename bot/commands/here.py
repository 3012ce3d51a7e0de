"""What is set for a channel is set in one: where Slack tells none, there is nothing to set."""

from bot.errors import Refused
from bot.model import Place
from bot.reply import say

_PEOPLE = ("U", "W")  # a person stands for a place where Slack does not tell where they are


def require_channel(place: Place) -> None:
    """Raise Refused where the request came from no channel."""
    if place.channel.startswith(_PEOPLE):
        raise Refused(
            say("This is a setting of a channel, and you are in none."),
            hint=say("Type the command in the channel."),
        )
