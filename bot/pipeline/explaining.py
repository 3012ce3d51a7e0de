"""What to say of a line in which something was not understood: its form, with what was."""

from bot.errors import from_error
from bot.ids import UserId
from bot.language.unclear import Surplus, Unclear
from bot.model import Place
from bot.pipeline.context import Services
from bot.pipeline.dialog import CHANGE
from bot.pipeline.quoting import with_quotes
from bot.pipeline.suggestions import Suggestions
from bot.reply import Reply


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
