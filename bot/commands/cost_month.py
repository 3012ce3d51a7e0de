"""The month that a cost is asked for, in blocks of the chain."""

from dataclasses import dataclass

from bot.chain.errors import ChainError
from bot.clock import shown
from bot.errors import BotError, Refused
from bot.orders.months import Month, block_at, milliseconds, month_of, parse
from bot.orders.schedule import head_at
from bot.pipeline.context import Context
from bot.reply import Line, command, say, sentences


@dataclass(frozen=True, slots=True)
class Stretch:
    """A month in blocks, as far as it has come; `ends` is where the month itself does."""

    month: Month
    since: int
    until: int
    ends: int
    head: int

    @property
    def is_now(self) -> bool:
        """Whether the month is not over."""
        return self.until < self.ends


async def stretch_of(ctx: Context, typed: str) -> Stretch | None:
    """The month that is meant, in blocks; None where nothing is written down yet."""
    now = shown(ctx.services.clock, ctx.now)
    month = parse(typed.strip().lower(), month_of(now)) if typed else month_of(now)
    if month is None:
        raise Refused(
            say("“{typed}” is no month.", typed=typed),
            hint=await _hint(ctx, typed.strip()),
            field="month",
        )
    if month.begins > now:
        raise Refused(say("{month} has not begun.", month=str(month)), field="month")
    async with ctx.services.store.read() as tx:
        last = await tx.money.last_block()
        edges = [await tx.money.around(milliseconds(at)) for at in (month.begins, month.ends)]
    since, ends = (
        block_at(milliseconds(at), *edge)
        for at, edge in zip((month.begins, month.ends), edges, strict=True)
    )
    if since is None or ends is None or last is None:
        return None
    head = await _head(ctx, last.block)
    return Stretch(month, since, max(since, min(ends, head)), ends, head)


async def _head(ctx: Context, known: int) -> int:
    """The newest block; as far as is known, while the chain cannot be read."""
    try:
        return (await ctx.services.orders.chain.view()).newest.number
    except ChainError:
        async with ctx.services.store.read() as tx:
            orders = await tx.orders.open()
        now = shown(ctx.services.clock, ctx.now)
        return max([known, *(head_at(one, now) for one in orders)])


async def _hint(ctx: Context, typed: str) -> Line:
    """How to write a month; of a node's name first how its costs are asked for."""
    hint = say("Write it like 2026-11, or say last.")
    try:
        node = await ctx.services.inventory.named_node(typed, asking=False)
    except BotError:
        return sentences((hint,))
    if node.id in await ctx.hidden():
        return sentences((hint,))
    meant = say("Did you mean {command}?", command=command(f"cost on {typed}"))
    return sentences((meant, hint))
