"""What is followed to an end: machines, transfers, disks. What counts as the end is not known."""

from collections.abc import Collection
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import (
    Select,
    and_,
    bindparam,
    exists,
    func,
    insert,
    not_,
    or_,
    select,
    update,
)

from bot.clock import UNTOLD
from bot.errors import NotFound
from bot.ids import ChannelId, ExecutionId, NodeId, TaskId, UserId
from bot.loop import in_pieces
from bot.model import MACHINE_GOALS, Goal, Watch, WatchState
from bot.reply import say
from storage.repositories.mapper import Mapper, Row, mapping, one_of, place
from storage.repositories.repository import (
    FARTHEST_AHEAD,
    LIMIT,
    Repository,
    at,
    claiming,
    is_free,
    is_reached,
    is_word,
    reached,
    word,
)
from storage.tables import executions, machines, watches

RELEASED = {"leased_by": None, "leased_until": None}


class Due(NamedTuple):
    """Watches of one goal on one node that the same session looks at. `goal` is as stored."""

    node: NodeId
    owner: UserId
    goal: str

    @property
    def meant(self) -> Goal:
        """The goal, or that for what this version does not know."""
        return word(Goal, self.goal, Goal.SETTLED)


class Look(NamedTuple):
    """A list of a node's machines: whose, when, and what shows nothing new of a machine.

    Moments of a poll are between `began` and `ahead`; the next one is `again_at`.
    """

    node: NodeId
    owner: UserId
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
    """Who requested what a watch follows, and in which channel."""

    watch: str
    actor: UserId
    channel: ChannelId


_IS_OPEN = watches.c.state == WatchState.OPEN
_IS_MINE = watches.c.leased_by == bindparam("its_by")
_IS_GROUP = and_(
    _IS_OPEN,
    watches.c.node == bindparam("its_node"),
    watches.c.owner == bindparam("its_owner"),
)
_ADD = insert(watches)
_NEWEST = select(watches).order_by(watches.c.started_at.desc()).limit(1)
_FIND = _NEWEST.where(watches.c.id == bindparam("its_id"))
_OF_EXECUTION = _NEWEST.where(watches.c.execution == bindparam("its_id"))
_SET = update(watches).where(watches.c.id == bindparam("its_id"), _IS_OPEN)
_SAVE = _SET.where(_IS_MINE)
# Each half by itself is a range of one index.
_IS_DUE = or_(*(and_(_IS_OPEN, half) for half in reached(watches.c.next_poll_at)))
_DUE = (
    select(watches.c.node, watches.c.owner, watches.c.goal)
    .where(_IS_DUE, is_free(watches))
    .group_by(watches.c.node, watches.c.owner, watches.c.goal)
    .order_by(func.min(watches.c.next_poll_at))
    .limit(LIMIT)
)
_CLAIM = claiming(
    watches,
    [
        _IS_GROUP,
        or_(
            and_(watches.c.goal == bindparam("its_goal"), is_reached(watches.c.next_poll_at)),
            watches.c.goal.in_(bindparam("its_goals", expanding=True)),
        ),
        is_free(watches),
    ],
    watches.c.next_poll_at,
).returning(watches.c.id)
_NARROWED = {
    "actor": executions.c.actor,
    "channel": watches.c.channel,
    "node": watches.c.node,
    "task": watches.c.task,
}


@cache
def _open(by: frozenset[str]) -> Select[*tuple[Any, ...]]:
    query = select(watches).where(_IS_OPEN).order_by(watches.c.started_at, watches.c.id)
    if "actor" in by:
        query = query.join(executions, executions.c.id == watches.c.execution)
    return query.where(*(_NARROWED[name] == bindparam(f"its_{name}") for name in by))


_LOOKED_AT = (
    select(watches.c.owner, watches.c.node)
    .where(
        _IS_OPEN,
        watches.c.goal.in_(MACHINE_GOALS),
        watches.c.next_poll_at <= bindparam("its_moment"),
        watches.c.silent_since.is_(None),
    )
    .distinct()
)
_SEEN_AGAIN = (
    update(watches)
    .where(
        _IS_OPEN,
        watches.c.node.in_(bindparam("its_nodes", expanding=True)),
        watches.c.silent_since.is_not(None),
        watches.c.next_poll_at > bindparam("its_now"),
    )
    .values(next_poll_at=bindparam("its_now"))
)
_AS_BEFORE = (
    update(watches)
    .where(
        _IS_GROUP,
        _IS_MINE,
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
        await self._connection.execute(_ADD, _ROWS.write(watch))

    async def get(self, watch_id: str) -> Watch:
        """The watch, or `NotFound`."""
        watch = await self.find(watch_id)
        if watch is None:
            raise NotFound(say("That watch does not exist."))
        return watch

    async def find(self, watch_id: str) -> Watch | None:
        """The watch, if there is one."""
        return await self._newest(_FIND, watch_id)

    async def for_execution(self, execution_id: ExecutionId) -> Watch | None:
        """The newest watch that the execution started."""
        return await self._newest(_OF_EXECUTION, execution_id)

    async def due(self, now: datetime, limit: int) -> list[Due]:
        """Up to `limit` groups with a watch to poll, the longest overdue first.

        Conditions: OPEN, `next_poll_at` is reached, and the lease is free (never taken, released,
        or run out: also one of this process itself is not free before).
        """
        rows = await self._connection.execute(_DUE, {"its_limit": limit, **at(now)})
        return [Due(row.node, row.owner, row.goal) for row in rows]

    async def claim(
        self, group: Due, by: str, now: datetime, until: datetime, *, goals: Collection[str] = ()
    ) -> list[str]:
        """Lease the watches of a group to poll; their ids.

        With `goals`, those of these goals as well, due or not: so one request to the node serves
        them all. Conditions: OPEN, and the lease is free.
        """
        given = {
            **{f"its_{name}": value for name, value in group._asdict().items()},
            "its_goals": list(goals) or [""],  # no goal is called that
            "leased_by": by,
            "leased_until": until,
            **at(now),
        }
        return list((await self._connection.execute(_CLAIM, given)).scalars())

    async def looked_at_before(self, at: datetime) -> frozenset[tuple[str, str]]:
        """Whose session is to look at machines of which node until then: as person and node.

        Goes through all open watches: for `Store.browse`.
        """
        rows = await self._connection.execute(_LOOKED_AT, {"its_moment": at})
        return frozenset((owner, node) for owner, node in rows)

    async def as_before(self, look: Look, by: str) -> frozenset[str]:
        """Put back those of a group's machines that a list has shown as they are known; which.

        Conditions: `by` holds the lease, the machine was listed at `seen_at` with the status that
        the watch has, one of `busy`, and time has brought nothing but the next look: it is looked
        at at the steady pace, since this process began, its deadline is not over and its node has
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
            found += [_ROWS.read(row) for row in rows.mappings()]
        return sorted(found, key=lambda watch: watch.next_poll_at)

    async def asked_by_others(self, node: NodeId, owner: UserId, by: str) -> list[Asked]:
        """Of what `by` holds of a group, those that do not look with the requester's session."""
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

        Conditions: still OPEN, and `by` holds the lease. It stays OPEN, and a stop that was noted
        meanwhile stays noted.
        """
        values = {**_ROWS.write(watch), **RELEASED}
        del values["stopped_by"], values["state"]
        rows = await self._connection.execute(_SAVE, {"its_id": watch.id, "its_by": by, **values})
        return rows.rowcount == 1

    async def note_stop(self, watch_id: str, user: UserId, now: datetime) -> None:
        """Remember who had stopped what an open watch follows, and make it due at once."""
        await self._connection.execute(
            _SET, {"its_id": watch_id, "stopped_by": user, "next_poll_at": now}
        )

    async def look_again_at(self, nodes: Collection[NodeId], now: datetime) -> None:
        """Make due at once what could not be seen on these nodes when it was looked at last."""
        await self._connection.execute(_SEEN_AGAIN, {"its_nodes": list(nodes), "its_now": now})

    async def settle(
        self, watch_id: str, state: WatchState, status: str, *, by: str | None = None
    ) -> bool:
        """End a watch; says whether this call did.

        Conditions: OPEN, and its lease is held by `by`, or by anybody where that is not given.
        """
        given = {"its_id": watch_id, "state": state, "status": status, **RELEASED}
        if by is not None:
            rows = await self._connection.execute(_SAVE, {"its_by": by, **given})
        else:
            rows = await self._connection.execute(_SET, given)
        return rows.rowcount == 1

    async def open(
        self,
        *,
        asked_by: str | None = None,
        channel: ChannelId | None = None,
        node: NodeId | None = None,
        task: TaskId | None = None,
    ) -> list[Watch]:
        """The open watches, oldest first; those that one person's commands started, or one
        channel's, or those on one node, or of one machine there.
        """
        asked = {"actor": asked_by, "channel": channel, "node": node, "task": task}
        given = {name: value for name, value in asked.items() if value is not None}
        rows = await self._connection.execute(
            _open(frozenset(given)), {f"its_{name}": value for name, value in given.items()}
        )
        return [_ROWS.read(row) for row in rows.mappings()]

    async def _newest(self, query: Select[*tuple[Any, ...]], one: str) -> Watch | None:
        rows = await self._connection.execute(query, {"its_id": one})
        row = rows.mappings().one_or_none()
        return None if row is None else _ROWS.read(row)


def _is_unreadable(row: Row) -> bool:
    return not (
        isinstance(row["about"], dict)
        and isinstance(row["polls"], int)
        and isinstance(row["status"], str)
        and is_word(Goal, row["goal"])
        and UNTOLD not in {row["started_at"], row["deadline_at"]}
    )


def _written(watch: Watch) -> dict[str, Any]:
    return {
        "channel": watch.place.channel,
        "thread": watch.place.thread,
        "about": dict(watch.about),
    }


_ROWS = Mapper(
    Watch,
    watches,
    _written,
    goal=one_of("goal", Goal, Goal.SETTLED),
    place=place,
    about=mapping("about"),
    state=one_of("state", WatchState, WatchState.UNKNOWN),
    is_unreadable=_is_unreadable,
)
