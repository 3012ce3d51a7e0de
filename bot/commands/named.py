"""Commands for those alone whom a table of the rules names: nobody else may use them."""

from bot.errors import Denied
from bot.ids import UserId
from bot.pipeline.context import Context, Services
from bot.ports import DeliveryFailed, slack_does_not_say
from bot.reply import Text, say
from bot.reviews.policy_values import People


async def require_named(ctx: Context, refusal: Text) -> None:
    """Raise Denied unless the command's table names this person, as Slack says it now."""
    reviewers = ctx.services.reviews.reviewers
    found = reviewers.rules.table_of(ctx.command)
    if found is None:
        raise LookupError(ctx.command)
    _, people = found
    try:
        if await reviewers.is_one_of(ctx.actor, people):
            return
    except DeliveryFailed:
        raise slack_does_not_say() from None
    raise _denied(people, refusal)


def refuse_unnamed(services: Services, user: UserId, command: str, refusal: Text) -> None:
    """Raise Denied where the command's table surely does not name this person. Asks nobody."""
    found = services.reviews.reviewers.rules.table_of(command)
    if found is not None and not found[1].groups and not found[1].has(user, ()):
        raise _denied(found[1], refusal)


def _denied(people: People, refusal: Text) -> Denied:
    hint: Text = say("The rules name who may; ask one of them.")
    if not people.is_anybody:
        hint = say("The rules let nobody do this. Ask the operator of the bot to change them.")
    return Denied(refusal, hint=hint)
