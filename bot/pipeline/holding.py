"""What holds a change back at the last moment: a freeze, and the breaker for what destroys.

Both are looked at in the unit of work that claims the change, so none is sent after a freeze.
"""

from collections.abc import Callable
from datetime import datetime

from bot.errors import Passing
from bot.ids import UserId
from bot.language.table import Command
from bot.model import Approval, Effect, Execution, Freeze, ReviewKind
from bot.reply import Phrase, any_of, line, mention, say, say_number, time
from bot.reviews.policy import Policy
from bot.reviews.policy_values import People
from storage import Store, UnitOfWork

# Where rows change something at DBC, unless they say that it is kept here. People's own settings,
# names and sessions go on.
OF_NODES = frozenset({"vm", "disk", "snapshot", "image", "lan", "metal"})


HasLeft = Callable[[UserId], bool]


class Held(Passing):
    """It may not be sent at the moment, whoever approved it."""


async def require_way(
    tx: UnitOfWork,
    command: Command,
    execution: Execution,
    reviewed: Approval | None,
    rules: Policy,
    has_left: HasLeft,
    now: datetime,
) -> None:
    """Raise Held while changes are frozen, or too much was destroyed lately.

    Broken glass gets past both. `has_left` says of whom it is known that they are gone.
    """
    if command.group not in OF_NODES or command.is_kept_here:
        return
    if reviewed is not None and reviewed.kind is ReviewKind.AFTERWARDS:
        return
    if (freeze := await tx.freezes.find()) is not None:
        raise _frozen(freeze, rules.freeze.people, has_left)
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


async def refuse_form(store: Store, command: Command, rules: Policy, has_left: HasLeft) -> None:
    """Raise Held while changes are frozen, for the form of one that would not be sent.

    The glass is broken from a card, or by a line.
    """
    if command.group not in OF_NODES or command.is_kept_here or command.effect is Effect.READ:
        return
    async with store.read() as tx:
        freeze = await tx.freezes.find()
    if freeze is not None:
        raise _frozen(freeze, rules.freeze.people, has_left)


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


def _frozen(freeze: Freeze, people: People, has_left: HasLeft) -> Held:
    told = say(
        "All changes have been frozen since {since}: “{why}”.",
        since=time(freeze.since), why=freeze.why,
    )  # fmt: skip
    named = [UserId(one) for one in people.persons if not has_left(UserId(one))]
    if freeze.person in named or (people.groups and not has_left(freeze.person)):
        named = [freeze.person]  # who knows best whether it is time
    if named:
        hint = say(
            "Nothing was done. Ask {person} to lift the freeze, then request it again.",
            person=any_of(line(mention(one)) for one in named),
        )
    elif people.groups:
        hint = say(
            "Nothing was done. Ask someone in a user group that may lift the freeze, then request "
            "it again."
        )
    else:
        hint = say(
            "Nothing was done. Nobody whom the rules let lift the freeze is here any more: tell "
            "whoever runs this bot."
        )
    return Held(told, hint=hint)
