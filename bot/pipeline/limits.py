"""How much one person, and one channel, may request: so that nobody has to wait for a flood."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime

from bot.errors import Passing
from bot.ids import UserId
from bot.language.table import Command, Table
from bot.model import Execution, ExecutionStatus
from bot.pipeline.holding import OF_NODES
from bot.reply import Phrase, say, say_number, time
from bot.reviews.policy_values import LimitSettings
from storage import UnitOfWork


class Crowded(Passing):
    """Too much was requested lately; it says when there is room again."""


def is_limited(command: Command, execution: Execution) -> bool:
    """Whether there is a limit for it: there is none for what helps in an emergency."""
    return command.group in OF_NODES and not command.skips_queue(execution.arguments)


async def crowd_of(
    tx: UnitOfWork,
    execution: Execution,
    limits: LimitSettings,
    now: datetime,
    table: Table,
) -> Crowded | None:
    """Why there is no room for it; None where there is. What has no limit takes up no room.

    Of those requested at the same moment the first ones get in, whoever looks first.
    """

    async def full(most: int, *, channel: bool) -> list[datetime]:
        """When the last ones were requested that count, newest first, where there is no room."""
        since = now - limits.within
        found = await tx.turns.requested_before(execution, since, most, channel=channel)
        counted = [one for one in found if is_limited(table.spoken_of(one.command), one)]
        if channel:
            counted = _let_in(counted, limits.person)
        return [one.created_at for one in counted[:most]] if len(counted) >= most else []

    told = None
    if full_for := await full(limits.person, channel=False):
        told = say_number(
            "You have requested {number} change since {since}, which is the limit per person.",
            "You have requested {number} changes since {since}, which is the limit per person.",
            len(full_for), since=time(full_for[-1]),
        )  # fmt: skip
    elif full_for := await full(limits.channel, channel=True):
        told = say_number(
            "{number} change was requested in this channel since {since}, which is its limit.",
            "{number} changes were requested in this channel since {since}, which is its limit.",
            len(full_for), since=time(full_for[-1]),
        )  # fmt: skip
    return Crowded(told, hint=_again(full_for[-1], limits)) if told else None


def _let_in(requested: Sequence[Execution], most: int) -> list[Execution]:
    """Those that can be carried out, newest first, of what was requested, newest first.

    What one person requests beyond their own limit is refused when it is looked at, so that it
    takes no room from others until then.
    """
    of: Counter[UserId] = Counter()
    found = []
    for one in reversed(requested):
        of[one.actor] += 1
        if of[one.actor] <= most:
            found.append(one)
    return found[::-1]


def _again(oldest: datetime, limits: LimitSettings) -> Phrase:
    return say("Nothing was done. Try again after {at}.", at=time(oldest + limits.within))


async def require_few_waiting(tx: UnitOfWork, execution: Execution, limits: LimitSettings) -> None:
    """Raise Crowded where its requester has as many waiting for its machine as may be."""
    mine = [
        one
        for one in await tx.turns.others(execution)
        if one.status is ExecutionStatus.RECORDED and one.actor == execution.actor
    ]
    if len(mine) >= limits.waiting:
        raise Crowded(
            say_number(
                "{number} change of yours is waiting for {machine} already.",
                "{number} changes of yours are waiting for {machine} already.",
                len(mine), machine=execution.label,
            ),
            hint=say("Nothing was done. Withdraw one of them, or wait until one has run."),
        )  # fmt: skip
