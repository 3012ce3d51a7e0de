"""Watches on one node that are looked at together: how they are leased, and what is new of them.

One request to the node serves all machines that are followed there with one session.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

import structlog

from bot.clock import Clock, began
from bot.errors import BotError
from bot.model import DbcSession, Goal, Watch, WatchState
from bot.services.refusals import forgotten
from bot.services.rewind import caught_up
from bot.watches import late
from bot.watches.observers.look import Observer, Sight
from storage import Due, UnitOfWork

log = structlog.get_logger()


class Group(NamedTuple):
    """What one look serves: a node, whose session asks it, and who looks."""

    node: str
    owner: str
    observer: Observer


@dataclass(frozen=True, slots=True)
class Claimed:
    """The watches of a group that this process has leased, and the session to look with.

    Those in `barred` follow what somebody asked for who may not use the session any more; in
    `stored` each is as its row has it.
    """

    group: Group
    session: DbcSession | None
    barred: Collection[str]
    watches: Sequence[Watch]
    damaged: Sequence[Watch]
    stored: Mapping[str, Watch]

    def nothing_new(self, watch: Watch, found: Sight | BotError) -> timedelta | None:
        """When to look again, where a look has shown only what the row says; else None."""
        is_same = (
            isinstance(found, Sight)
            and watch is self.stored[watch.id]
            and watch.silent_since is None
            and found.verdict.state is WatchState.OPEN
            and found.status == watch.status
            and (watch.moved or not found.moved)
            and not found.advanced
            and not late.is_late(watch)
            and {**forgotten(watch.about), **found.about} == watch.about
        )
        return found.pause if is_same and isinstance(found, Sight) else None


async def claim(
    tx: UnitOfWork,
    group: Group,
    due: Sequence[Due],
    goals: Collection[Goal],
    clock: Clock,
    by: str,
    lasts: timedelta,
) -> Claimed:
    """Lease what is due of a group, and what else has one of these goals, due or not."""
    now, stored = clock.now(), list[Watch]()
    for one in due:
        stored += await tx.watches.claim(one, by, now, now + lasts, goals=goals)
    others = await tx.watches.asked_by_others([watch.id for watch in stored])
    barred = {
        one.watch
        for one in others
        if not await tx.sessions.may_use(one.actor, one.channel, group.owner, group.node)
    }
    sound, damaged = _sorted_out(stored, began(clock), now)
    return Claimed(
        group,
        await tx.sessions.find(group.owner, group.node) if stored else None,
        barred,
        sound,
        damaged,
        {watch.id: watch for watch in stored},
    )


def _sorted_out(
    due: Sequence[Watch], since: datetime, now: datetime
) -> tuple[list[Watch], list[Watch]]:
    """Those that can be looked at, caught up with the time; and those with a damaged record."""
    sound, damaged = [], []
    for watch in due:
        try:
            fit = None if watch.is_unreadable else caught_up(watch, since, now)
        except (ValueError, OverflowError, TypeError):  # a moment that is none, or impossible
            log.exception("watch.damaged", watch=watch.id)
            fit = None
        if fit is None:
            damaged.append(watch)
        else:
            sound.append(fit)
    return sound, damaged
