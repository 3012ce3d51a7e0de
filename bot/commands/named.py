"""Commands for those alone whom a table of the rules names: nobody else may use them."""

from bot.errors import Denied
from bot.pipeline.context import Context
from bot.ports import DeliveryFailed, slack_does_not_say
from bot.reply import Text, say


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
    hint: Text = say("The rules name who may; ask one of them.")
    if not people.is_anybody:
        hint = say("The rules let nobody do this. Ask the operator of the bot to change them.")
    raise Denied(refusal, hint=hint)
