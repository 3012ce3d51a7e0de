"""Watches on one node that are looked at together: how they are leased, and what is new of them.

One request to the node serves all machines that are followed there with one session.
"""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import NamedTuple

import structlog

from bot.clock import Clock, began
from bot.dbc.models import BUSY
from bot.errors import BotError
from bot.ids import NodeId, UserId
from bot.model import DbcSession, Goal, Watch, WatchState
from bot.services.refusals import forgotten
from bot.services.rewind import caught_up
from bot.watches import late
from bot.watches.observers.look import STEADY_AFTER, Observer, Seen, Sight, growing_pause
from bot.watches.observers.machines import Machines
from bot.watches.surprises import Surprises
from storage import Due, Look, Store, UnitOfWork

log = structlog.get_logger()


class Group(NamedTuple):
    """What one look serves: a node, whose session asks it, and who looks."""

    node: NodeId
    owner: UserId
    observer: Observer


@dataclass(frozen=True, slots=True)
class LeasedGroup:
    """The watches of a group that this process has leased, by id, and the session to look with.

    `barred`: watches whose requester may no longer use the session.
    """

    group: Group
    session: DbcSession | None
    ids: frozenset[str]
    barred: Collection[str]


@dataclass(frozen=True, slots=True)
class Claimed:
    """Those of a group to look at one by one, and how; `stored`: as in their rows."""

    group: Group
    session: DbcSession | None
    barred: Collection[str]
    look: Callable[[Sequence[Watch]], Awaitable[Seen]]
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


async def lease(
    tx: UnitOfWork,
    group: Group,
    due: Sequence[Due],
    goals: Collection[Goal],
    clock: Clock,
    by: str,
    lasts: timedelta,
) -> LeasedGroup:
    """Lease what is due of a group, and what else has one of these goals, due or not."""
    now, ids = clock.now(), list[str]()
    for one in due:
        ids += await tx.watches.claim(one, by, now, now + lasts, goals=goals)
    others = await tx.watches.asked_by_others(group.node, group.owner, by) if ids else []
    barred = {
        one.watch
        for one in others
        if not await tx.sessions.may_use(one.actor, one.channel, group.owner, group.node)
    }
    session = await tx.sessions.find(group.owner, group.node) if ids else None
    return LeasedGroup(group, session, frozenset(ids), barred)


async def glanced(
    leased: LeasedGroup, store: Store, clock: Clock, by: str, log_once: Surprises
) -> Claimed:
    """Put back what one list shows to be as before, and give the rest, with what was listed."""
    group, session = leased.group, leased.session
    left, look = set(leased.ids), _by_itself(group, session)
    can_glance = session is not None and not session.is_locked and not leased.barred
    if isinstance(group.observer, Machines) and session is not None and can_glance:
        machines, back = group.observer, set[str]()

        async def put_back(tx: UnitOfWork, now: datetime) -> None:
            back.update(await tx.watches.as_before(_looked(group, now, clock), by))

        it = f"{group.owner} {group.node}"
        try:
            listing = await machines.glance(session, put_back)
            left -= back
            listing = listing or (await machines.still(session) if left else None)
            if listing is not None:
                look = partial(machines.shown, listing, session)
            log_once.well(it, None)
        except Exception:  # each is looked at as any other then
            log_once.exception("watch.glance_failed", ids=[it])
    async with store.read() as tx:
        stored = await tx.watches.held(left, by) if left else []
    sound, damaged = _sorted_out(stored, began(clock), clock.now())
    known = {watch.id: watch for watch in stored}
    return Claimed(group, session, leased.barred, look, sound, damaged, known)


def _by_itself(
    group: Group, session: DbcSession | None
) -> Callable[[Sequence[Watch]], Awaitable[Seen]]:
    async def look(watches: Sequence[Watch]) -> Seen:
        return {} if session is None else await group.observer.look(session, watches)

    return look


def _looked(group: Group, now: datetime, clock: Clock) -> Look:
    again = now + growing_pause(STEADY_AFTER)
    return Look(group.node, group.owner, now, again, began(clock), BUSY, STEADY_AFTER)


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
