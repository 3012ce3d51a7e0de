"""Asking for access: whoever has no session for a node asks those who hold one."""

from collections.abc import Mapping

from bot.errors import BotError, Denied, NotFound
from bot.ids import ChannelId, UserId
from bot.language.args import REASON, AnyNode
from bot.language.row_parts import Listing
from bot.language.table import Command
from bot.messages import access_cards
from bot.messages.ways import OPEN_FORM
from bot.model import Effect, Place
from bot.pipeline.context import Context, Services
from bot.pipeline.rights import hidden_from
from bot.ports import DeliveryFailed
from bot.reply import Button, Reply, command, line, say

_MOST = 10  # people who are asked


async def ask(ctx: Context, node: AnyNode) -> Reply:
    """Ask those who hold a session for a node to share it with you."""
    if node.id in await ctx.hidden(Listing.MACHINES):
        raise Denied(say("The rules do not let you see {node}.", node=node.label), field="node")
    holders = await ctx.services.access.holders(node.id, ctx.actor)
    asked = [one for one in holders if await _is_here(ctx, one)][:_MOST]
    if not asked and not await ctx.services.sessions.is_entitled(ctx.actor, node.id):
        raise _nobody_has(node.label)
    reason = ctx.execution.arguments.get(REASON, "") if ctx.execution is not None else ""
    request = await ctx.services.access.ask(ctx.actor, node, asked, reason)
    return access_cards.asked(request, node.label)


async def _some_hold(services: Services, user: UserId, values: Mapping[str, str]) -> None:
    """Refuse what nobody could grant before it is taken: the form then leads on."""
    if "node" not in values:  # the default one
        return
    hidden = hidden_from(services, user, Place(ChannelId("")), Listing.MACHINES, asking=False)
    try:
        node = await services.inventory.named_node(values["node"], asking=False, hidden=hidden)
    except BotError:  # found out, or told, once it is looked up
        return
    if await services.access.holders(node.id, user):
        return
    if not await services.sessions.is_entitled(user, node.id):
        raise _nobody_has(node.label)


def _nobody_has(label: str) -> NotFound:
    """The refusal where nobody could be asked, with the way that is left."""
    told = say("Nobody has a session for {node} to share.", node=label)
    hint = line(say("Add one with: {command}", command=command("session add")))
    refusal = NotFound(told, hint=hint, field="node")
    refusal.offers = (Button(say("Add a session"), OPEN_FORM, "session.add"),)
    return refusal


async def _is_here(ctx: Context, user: UserId) -> bool:
    """Whether somebody could answer, as far as is known."""
    try:
        return (await ctx.services.directory.person(user)).is_full_member
    except DeliveryFailed:
        return True


ASK = Command(
    "ask",
    ask,
    Effect.CHANGE,
    "session ask gpu1",
    asks=say("Ask for access to {target}"),
    is_personal=True,
    verify=_some_hold,
    chinese="申请访问 请求 索取",
    does=say("Ask for access"),
)
