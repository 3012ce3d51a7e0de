"""Asking for access: whoever has no session for a node asks those who hold one."""

from bot.errors import Denied, NotFound
from bot.ids import UserId
from bot.language.args import REASON, AnyNode
from bot.language.row_parts import Listing
from bot.language.table import Command
from bot.messages import access_cards
from bot.model import Effect
from bot.pipeline.context import Context
from bot.ports import DeliveryFailed
from bot.reply import Reply, command, line, say

_MOST = 10  # people who are asked


async def ask(ctx: Context, node: AnyNode) -> Reply:
    """Ask those who hold a session for a node to share it with you."""
    if node.id in await ctx.hidden(Listing.MACHINES):
        raise Denied(say("The rules do not let you see {node}.", node=node.label), field="node")
    holders = await ctx.services.access.holders(node.id, ctx.actor)
    asked = [one for one in holders if await _is_here(ctx, one)][:_MOST]
    if not asked and not await ctx.services.sessions.is_entitled(ctx.actor, node.id):
        raise NotFound(
            say("Nobody has a session for {node} to share.", node=node.label),
            hint=line(say("Add one with: {command}", command=command("session add"))),
            field="node",
        )
    reason = ctx.execution.arguments.get(REASON, "") if ctx.execution is not None else ""
    request = await ctx.services.access.ask(ctx.actor, node, asked, reason)
    return access_cards.asked(request, node.label)


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
    chinese="申请访问 请求 索取",
    does=say("Ask for access"),
)
