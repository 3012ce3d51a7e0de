"""What to say of a line that asks for help, or in which something was not understood."""

from bot.errors import from_error
from bot.ids import UserId
from bot.language.help import help_reply
from bot.language.parse import HelpWanted
from bot.language.unclear import Surplus, Unclear
from bot.model import Place
from bot.pipeline.context import Services
from bot.pipeline.dialog import CHANGE
from bot.pipeline.permissions import standing_of
from bot.pipeline.quoting import with_quotes
from bot.pipeline.suggestions import Suggestions
from bot.reply import Reply


async def helped(
    services: Services, suggestions: Suggestions, wanted: HelpWanted, actor: UserId, place: Place
) -> Reply:
    """Help; of a group, with a button for what can be shown of it at once."""
    standing = await standing_of(services, actor, place)
    reply = help_reply(services.table, wanted, standing)
    group = services.table.group(wanted.group) if wanted.command is None else None
    return reply.also(*suggestions.at_hand(standing.open(group))) if group is not None else reply


async def explained(
    services: Services, suggestions: Suggestions, unclear: Unclear, actor: UserId, place: Place
) -> Reply:
    """The refusal, with the line or the form that says what was most likely meant."""
    command = unclear.command
    if isinstance(unclear, Surplus):
        refusal = await with_quotes(services, unclear, actor, place)
        if refusal is not unclear:
            return from_error(refusal)
    reply = from_error(unclear)
    if not command.parameters:
        return reply
    return reply.also(await suggestions.form(actor, command, unclear.fit, CHANGE))
