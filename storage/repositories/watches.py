"""What is followed to an end: machines, transfers, disks. What counts as the end is not known."""

from collections.abc import Collection
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import (
    ColumnElement,
    RowMapping,
    and_,
    bindparam,
    exists,
    func,
    not_,
    or_,
    select,
    update,
)

from bot.clock import UNTOLD
from bot.errors import NotFound
from bot.loop import in_pieces
from bot.model import MACHINE_GOALS, Goal, Place, Watch, WatchState
from bot.reply import say
from storage.repositories.repository import (
    APART,
    FARTHEST_AHEAD,
    Repository,
    claiming,
    is_free,
    is_reached,
    is_word,
    texts,
    word,
)
from storage.tables import executions, machines, watches

RELEASED = {"leased_by": None, "leased_until": None}


class Due(NamedTuple):
    """Watches of one goal on one node that the same session looks at. `goal` is as stored."""

    node: str
    owner: str
    goal: str

    @property
    def meant(self) -> Goal:
        """The goal, or that for what this version does not know."""
        return word(Goal, self.goal, Goal.SETTLED)


class Look(NamedTuple):
    """A list of a node's machines: whose, when, and what shows nothing new of a machine.

    Moments of a poll are between `began` and `ahead`; the next one is `again_at`.
    """

    node: str
    owner: str
    seen_at: datetime
    again_at: datetime
    began: datetime
    busy: Collection[str]
    steady_after: int

    @property
    def ahead(self) -> datetime:
        """Farther ahead no poll was ever set."""
        return self.seen_at + FARTHEST_AHEAD


class Asked(NamedTuple):
    """Who asked for what a watch follows, and in which channel."""

    watch: str
    actor: str
    channel: str


# Made once: to put it together takes longer than to carry it out.
_AS_BEFORE = (
    update(watches)
    .where(
        watches.c.state == WatchState.OPEN,
        watches.c.node == bindparam("its_node"),
        watches.c.owner == bindparam("its_owner"),
        watches.c.leased_by == bindparam("its_by"),
        watches.c.goal.in_(bindparam("its_goals", expanding=True)),
        watches.c.status.in_(bindparam("its_busy", expanding=True)),
        watches.c.moved,
        not_(watches.c.unsure),
        watches.c.silent_since.is_(None),
        watches.c.polls >= bindparam("its_steady_after"),
        watches.c.deadline_at > bindparam("its_seen_at"),
        watches.c.next_poll_at >= bindparam("its_began"),
        watches.c.next_poll_at <= bindparam("its_ahead"),
        watches.c.started_at <= bindparam("its_seen_at"),
        exists().where(
            machines.c.node == watches.c.node,
            machines.c.owner == watches.c.owner,
            machines.c.task == watches.c.task,
            machines.c.status == watches.c.status,
            machines.c.seen_at == bindparam("its_seen_at"),
        ),
    )
    .values(next_poll_at=bindparam("its_again_at"), polls=watches.c.polls + 1, **RELEASED)
    .returning(watches.c.id)
)


class Watches(Repository):
    """Watches, open and ended."""

    async def add(self, watch: Watch) -> None:
        """Store a new watch."""
        await self._connection.execute(self._insert(watches).values(_to_row(watch)))

    async def get(self, watch_id: str) -> Watch:
        """The watch, or `NotFound`."""
        watch = await self.find(watch_id)
        if watch is None:
            raise NotFound(say("That watch does not exist."))
        return watch

    async def find(self, watch_id: str) -> Watch | None:
        """The watch, if there is one."""
        return await self._newest(watches.c.id == watch_id)

    async def for_execution(self, execution_id: str) -> Watch | None:
        """The newest watch that the execution started."""
        return await self._newest(watches.c.execution == execution_id)

    async def due(self, now: datetime, limit: int) -> list[Due]:
        """Up to `limit` groups with a watch that is to be polled, the longest overdue first.

        Conditions: OPEN, `next_poll_at` is reached, and the lease is free (never taken, released,
        or run out: also one of this process itself is not free before).
        """
        rows = await self._connection.execute(
            select(watches.c.node, watches.c.owner, watches.c.goal)
            .where(_is_due(now), is_free(watches, now))
            .group_by(watches.c.node, watches.c.owner, watches.c.goal)
            .order_by(func.min(watches.c.next_poll_at))
            .limit(limit)
        )
        return [Due(row.node, row.owner, row.goal) for row in rows]

    async def claim(
        self, group: Due, by: str, now: datetime, until: datetime, *, goals: Collection[str] = ()
    ) -> list[str]:
        """Lease the watches of a group that are to be polled; their ids.

        With `goals`, those of these goals as well, due or not: so one request to the node serves
        them all. Conditions: OPEN, and the lease is free.
        """
        is_due = and_(watches.c.goal == group.goal, is_reached(watches.c.next_poll_at, now))
        rows = await self._connection.execute(
            claiming(
                watches,
                [
                    watches.c.state == WatchState.OPEN,
                    watches.c.node == group.node,
                    watches.c.owner == group.owner,
                    or_(is_due, watches.c.goal.in_(goals)) if goals else is_due,
                    is_free(watches, now),
                ],
                order=watches.c.next_poll_at,
                limit=None,
            )
            .values(leased_by=by, leased_until=until)
            .returning(watches.c.id)
        )
        return list(rows.scalars())

    async def looked_at_before(self, at: datetime) -> frozenset[tuple[str, str]]:
        """Whose session is to look at machines of which node until then: as person and node.

        Goes through all open watches: for `Store.browse`.
        """
        rows = await self._connection.execute(
            select(watches.c.owner, watches.c.node)
            .where(
                watches.c.state == WatchState.OPEN,
                watches.c.goal.in_(MACHINE_GOALS),
                watches.c.next_poll_at <= at,
                watches.c.silent_since.is_(None),
            )
            .distinct()
        )
        return frozenset((owner, node) for owner, node in rows)

    async def as_before(self, look: Look, by: str) -> frozenset[str]:
        """Put back those of a group's machines that a list has shown as they are known; which.

        Conditions: `by` holds the lease, the machine was listed at `seen_at` with the status that
        the watch has, one of `busy`, and time has brought nothing but the next look: it is looked
        at at the steady pace, since this process began, its deadline is to come and its node has
        not been silent. What is `unsure` or late (`bot.watches.late`) is never among them.
        """
        given = {**look._asdict(), "ahead": look.ahead, "by": by, "goals": tuple(MACHINE_GOALS)}
        rows = await self._connection.execute(_AS_BEFORE, {f"its_{n}": v for n, v in given.items()})
        return frozenset(rows.scalars())

    async def held(self, watch_ids: Collection[str], by: str) -> list[Watch]:
        """Those of these watches that are open and leased to `by`, the longest overdue first."""
        found = []
        async for some in in_pieces(list(watch_ids)):
            rows = await self._connection.execute(
                select(watches).where(
                    watches.c.id.in_(some),
                    watches.c.state == WatchState.OPEN,
                    watches.c.leased_by == by,
                )
            )
            found += [_from_row(row) for row in rows.mappings()]
        return sorted(found, key=lambda watch: watch.next_poll_at)

    async def asked_by_others(self, node: str, owner: str, by: str) -> list[Asked]:
        """Of what `by` holds of a group, those that do not look with the session of who asked."""
        rows = await self._connection.execute(
            select(watches.c.id, executions.c.actor, executions.c.channel)
            .join(executions, executions.c.id == watches.c.execution)
            .where(
                watches.c.state == WatchState.OPEN,
                watches.c.node == node,
                watches.c.owner == owner,
                watches.c.leased_by == by,
                executions.c.actor != watches.c.owner,
            )
        )
        return [Asked(row.id, row.actor, row.channel) for row in rows]

    async def look_again(
        self, watch_ids: Collection[str], at: datetime, by: str, *, looks: int
    ) -> None:
        """Write down that a poll has shown nothing new, and release the leases; poll again `at`.

        Conditions: still OPEN, and `by` holds the lease.
        """
        async for some in in_pieces(list(watch_ids)):
            await self._connection.execute(
                update(watches)
                .where(
                    watches.c.id.in_(some),
                    watches.c.state == WatchState.OPEN,
                    watches.c.leased_by == by,
                )
                .values(next_poll_at=at, polls=watches.c.polls + looks, **RELEASED)
            )

    async def save(self, watch: Watch, by: str) -> bool:
        """Write down what a poll has shown and release the lease; says whether it did.

        Conditions: still OPEN, and `by` holds the lease. `watch.state` may be an end. A stop that
        was noted meanwhile stays noted.
        """
        values = {**_to_row(watch), **RELEASED}
        del values["stopped_by"]
        rows = await self._connection.execute(
            update(watches)
            .where(
                watches.c.id == watch.id,
                watches.c.state == WatchState.OPEN,
                watches.c.leased_by == by,
            )
            .values(values)
        )
        return rows.rowcount == 1

    async def note_stop(self, watch_id: str, user: str, now: datetime) -> None:
        """Remember who had stopped what an open watch follows, and make it due at once."""
        await self._connection.execute(
            update(watches)
            .where(watches.c.id == watch_id, watches.c.state == WatchState.OPEN)
            .values(stopped_by=user, next_poll_at=now)
        )

    async def settle(
        self, watch_id: str, state: WatchState, status: str, *, by: str | None = None
    ) -> bool:
        """End a watch; says whether this call did.

        Conditions: OPEN, and its lease is held by `by`, or by anybody where that is not given.
        """
        conditions = [watches.c.id == watch_id, watches.c.state == WatchState.OPEN]
        if by is not None:
            conditions.append(watches.c.leased_by == by)
        rows = await self._connection.execute(
            update(watches).where(*conditions).values(state=state, status=status, **RELEASED)
        )
        return rows.rowcount == 1

    async def open(
        self,
        *,
        asked_by: str | None = None,
        channel: str | None = None,
        node: str | None = None,
    ) -> list[Watch]:
        """The open watches, oldest first; those that one person's commands started, or one
        channel's, or those on one node.
        """
        query = (
            select(watches)
            .where(watches.c.state == WatchState.OPEN)
            .order_by(watches.c.started_at, watches.c.id)
        )
        if asked_by is not None:
            query = query.join(executions, executions.c.id == watches.c.execution).where(
                executions.c.actor == asked_by
            )
        if channel is not None:
            query = query.where(watches.c.channel == channel)
        if node is not None:
            query = query.where(watches.c.node == node)
        rows = await self._connection.execute(query)
        return [_from_row(row) for row in rows.mappings()]

    async def _newest(self, condition: Any) -> Watch | None:
        rows = await self._connection.execute(
            select(watches).where(condition).order_by(watches.c.started_at.desc()).limit(1)
        )
        row = rows.mappings().one_or_none()
        return None if row is None else _from_row(row)


def _is_due(now: datetime) -> ColumnElement[bool]:
    """Whether a watch is open and to be polled: each half by itself is a range of one index."""
    is_open, at = watches.c.state == WatchState.OPEN, watches.c.next_poll_at
    ahead = now + FARTHEST_AHEAD + APART
    return or_(and_(is_open, at <= now), and_(is_open, at > ahead))


def _to_row(watch: Watch) -> dict[str, Any]:
    return {
        "id": watch.id,
        "execution": watch.execution,
        "node": watch.node,
        "task": watch.task,
        "label": watch.label,
        "goal": watch.goal,
        "owner": watch.owner,
        "channel": watch.place.channel,
        "thread": watch.place.thread,
        "started_at": watch.started_at,
        "deadline_at": watch.deadline_at,
        "next_poll_at": watch.next_poll_at,
        "polls": watch.polls,
        "status": watch.status,
        "unsure": watch.unsure,
        "moved": watch.moved,
        "silent_since": watch.silent_since,
        "about": dict(watch.about),
        "stopped_by": watch.stopped_by,
        "state": watch.state,
    }


def _from_row(row: RowMapping) -> Watch:
    return Watch(
        id=row["id"],
        execution=row["execution"],
        node=row["node"],
        task=row["task"],
        label=row["label"],
        goal=word(Goal, row["goal"], Goal.SETTLED),
        owner=row["owner"],
        place=Place(row["channel"], row["thread"]),
        started_at=row["started_at"],
        deadline_at=row["deadline_at"],
        next_poll_at=row["next_poll_at"],
        polls=row["polls"],
        status=row["status"],
        unsure=row["unsure"],
        moved=row["moved"],
        silent_since=row["silent_since"],
        about=texts(row["about"]),
        stopped_by=row["stopped_by"],
        state=word(WatchState, row["state"], WatchState.UNKNOWN),
        is_unreadable=not (
            isinstance(row["about"], dict)
            and isinstance(row["polls"], int)
            and isinstance(row["status"], str)
            and is_word(Goal, row["goal"])
            and UNTOLD not in {row["started_at"], row["deadline_at"]}
        ),
    )
