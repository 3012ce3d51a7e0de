"""What holds a change back at the last moment: a freeze, and the breaker for what destroys.

Both are looked at in the unit of work that claims the change, so none is sent after a freeze.
"""

from datetime import datetime

from bot.errors import Passing
from bot.language.table import Command
from bot.model import Approval, Effect, Execution, Freeze, ReviewKind
from bot.reply import Phrase, mention, say, say_number, time
from bot.reviews.policy import Policy
from storage import Store, UnitOfWork

# Where rows change something at DBC, unless they say that it is kept here. People's own settings,
# names and sessions go on.
OF_NODES = frozenset({"vm", "disk", "snapshot", "image", "lan", "metal"})


class Held(Passing):
    """It may not be sent at the moment, whoever approved it."""


async def require_way(
    tx: UnitOfWork,
    command: Command,
    execution: Execution,
    reviewed: Approval | None,
    rules: Policy,
    now: datetime,
) -> None:
    """Raise Held while changes are frozen, or too much was destroyed lately.

    Broken glass gets past both.
    """
    if command.group not in OF_NODES or command.is_kept_here:
        return
    if reviewed is not None and reviewed.kind is ReviewKind.AFTERWARDS:
        return
    if (freeze := await tx.freezes.find()) is not None:
        raise _frozen(freeze)
    breaker = rules.breaker
    if breaker.destroys is None or execution.effect is not Effect.DESTROY:
        return
    sent = await tx.freezes.destroyed_since(now - breaker.within, now, breaker.destroys)
    if len(sent) >= breaker.destroys:
        raise Held(
            say_number(
                "{number} destructive command was sent since {since}, so the next one is held "
                "back.",
                "{number} destructive commands were sent since {since}, so the next one is held "
                "back.",
                len(sent),
                since=time(sent[-1]),
            ),
            hint=say(
                "Nothing was done. It can be sent after {at}.", at=time(sent[-1] + breaker.within)
            ),
        )


async def refuse_form(store: Store, command: Command) -> None:
    """Raise Held while changes are frozen, for the form of one that would not be sent.

    The glass is broken from a card, or by a line.
    """
    if command.group not in OF_NODES or command.is_kept_here or command.effect is Effect.READ:
        return
    async with store.read() as tx:
        freeze = await tx.freezes.find()
    if freeze is not None:
        raise _frozen(freeze)


async def frozen_now(store: Store) -> Phrase | None:
    """Who has frozen all changes, since when and why; None while they run."""
    async with store.read() as tx:
        freeze = await tx.freezes.find()
    return None if freeze is None else frozen(freeze)


def frozen(freeze: Freeze) -> Phrase:
    """Who has frozen all changes, since when and why."""
    return say(
        "{person} has frozen all changes since {since}: {why}",
        person=mention(freeze.person), since=time(freeze.since), why=freeze.why,
    )  # fmt: skip


def _frozen(freeze: Freeze) -> Held:
    return Held(
        say(
            "All changes have been frozen since {since}: {why}",
            since=time(freeze.since), why=freeze.why,
        ),
        hint=say(
            "Nothing was done. Ask {person} to lift the freeze, then request it again.",
            person=mention(freeze.person),
        ),
    )  # fmt: skip
