"""What is set for a channel is set in one: where Slack tells none, there is nothing to set."""

from bot.errors import Refused
from bot.model import Place
from bot.pipeline.context import Context
from bot.reply import command, line, say

_PEOPLE = ("U", "W")  # a person stands for a place where Slack does not tell where they are


def require_channel(place: Place) -> None:
    """Raise Refused where the request came from no channel."""
    if place.channel.startswith(_PEOPLE):
        raise Refused(
            say("This is a setting of a channel, and you are in none."),
            hint=say("Type the command in the channel."),
        )


async def require_chooser(ctx: Context, own: str, text: str) -> None:
    """Raise Refused unless something may be chosen here for a channel, by this person.

    `own` is the command for what they choose for themselves.
    """
    require_channel(ctx.place)
    if ctx.place.channel.startswith("D"):
        raise Refused(
            say("This is a direct message, not a channel."),
            hint=line(say("Use: {command}", command=command(f"settings {own} {text}"))),
        )
    if not await ctx.services.sessions.usable(ctx.actor, ctx.place.channel):
        raise Refused(
            say("Only people with access to a node can choose this for a channel."),
            hint=line(say("Choose your own: {command}", command=command(f"settings {own}"))),
        )


async def may_choose(ctx: Context) -> bool:
    """Whether this person may choose something for the channel in which they ask."""
    channel = ctx.place.channel
    if channel.startswith((*_PEOPLE, "D")):
        return False
    return bool(await ctx.services.sessions.usable(ctx.actor, channel))
