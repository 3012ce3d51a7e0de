"""Whether a form can succeed at all, before it opens: nobody fills in what can only be refused."""

from collections.abc import Mapping

from bot.ids import UserId
from bot.language.args import BREAK_GLASS, DRY_RUN
from bot.language.table import Command
from bot.model import Place
from bot.pipeline.context import Services
from bot.pipeline.holding import refuse_form
from bot.pipeline.rights import require_possible


async def require_use(
    services: Services,
    command: Command,
    values: Mapping[str, str],
    actor: UserId,
    place: Place,
) -> None:
    """Raise the refusal that a line would get, where a form can come to nothing else.

    Changes are frozen, the rules surely deny it, there is no session to act with, or nothing of
    what the command is about (`Command.opens`). Asks nobody.
    """
    if not values.get(BREAK_GLASS) and not values.get(DRY_RUN):
        who = services.reviews.reviewers
        await refuse_form(services.store, command, who.rules, who.has_left)
    require_possible(services.reviews, actor, place, command, values)
    if services.table.needs_access(command):
        is_metal = any(p.arg.kind.is_metal for p in command.parameters)
        await services.inventory.require_access(actor, place.channel, is_metal=is_metal)
    if command.opens is not None:
        await command.opens(services, actor, place)
