"""Nodes that keep silent, and machines as they were left. What it means is not known here."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import asdict, replace
from datetime import datetime
from typing import Any

from sqlalchemy import (
    CursorResult,
    and_,
    delete,
    exists,
    func,
    not_,
    or_,
    select,
    true,
    tuple_,
    update,
)

from bot.ids import NodeId, TaskId, UserId
from bot.model import ExecutionStatus, Kept, Machine, MachineKey, OwnChange, Silence
from storage.repositories.repository import Repository, begins, begun
from storage.tables import (
    OF_OUTAGE,
    executions,
    kept_machines,
    kept_owners,
    machines,
    messages,
    silences,
)

_AT_ONCE = 500  # ids in one statement; databases limit its parameters
_SILENCES = select(silences)
_OF_A_MACHINE = ("vm.", "disk.", "snapshot.")  # how commands begin that change one
_NAMES = "vm.name"
_IN_PROGRESS = (ExecutionStatus.RUNNING, ExecutionStatus.FOLLOWING)
_SAME = and_(machines.c.node == kept_machines.c.node, machines.c.task == kept_machines.c.task)
_CHANGES = and_(
    or_(*(executions.c.command.startswith(one) for one in _OF_A_MACHINE)),
    executions.c.command != _NAMES,
    executions.c.started_at.is_not(None),
)
_IS_OTHER = func.lower(func.trim(machines.c.status)) != kept_machines.c.status
_NEWS = (
    select(machines)
    .outerjoin(kept_machines, _SAME)
    .where(or_(kept_machines.c.task.is_(None), kept_machines.c.suspect != "", _IS_OTHER))
    .order_by(machines.c.seen_at)
)
_CHANGED_SINCE = exists().where(
    executions.c.node == kept_machines.c.node,
    executions.c.task == kept_machines.c.task,
    executions.c.finished_at > kept_machines.c.seen_at,
    executions.c.finished_at < machines.c.seen_at,
    _CHANGES,
)
_UNNOTED = (
    select(machines.c.node, machines.c.task, machines.c.owner)
    .join(kept_machines, _SAME)
    .where(
        not_(
            exists().where(
                kept_owners.c.node == machines.c.node,
                kept_owners.c.task == machines.c.task,
                kept_owners.c.owner == machines.c.owner,
            )
        )
    )
)
# A machine as it was kept, if it was, and as it will be kept.
Rewritten = tuple[Kept | None, Kept]
_KEYS = tuple(column.name for column in kept_machines.c)


class Outages(Repository):
    """Silences by node, machines by node and id."""

    # Nodes

    async def silences(self) -> dict[NodeId, Silence]:
        """What keeps silent, by node."""
        rows = await self._connection.execute(_SILENCES)
        return {row.node: Silence(row.node, row.since, row.episode) for row in rows}

    async def silent(self, silence: Silence) -> None:
        """Write down that a node keeps silent, unless that is known."""
        insert = self._insert(silences).values(asdict(silence))
        await self._connection.execute(insert.on_conflict_do_nothing())

    async def told(self, silence: Silence) -> None:
        """Write down which message has told it, and since when it said."""
        told = {"since": silence.since, "episode": silence.episode}
        its = silences.c.node == silence.node
        await self._connection.execute(update(silences).where(its).values(told))

    async def answers(self, nodes: Collection[NodeId]) -> None:
        """Forget that these were silent."""
        await self._connection.execute(delete(silences).where(silences.c.node.in_(sorted(nodes))))

    async def places(self, key: str) -> list[str]:
        """Where the message of this key was told, which each of them ends with (`outage:….C1`)."""
        query = select(messages.c.key).where(OF_OUTAGE, begins(self._dialect, messages.c.key))
        rows = await self._connection.execute(query, begun(f"{key}."))
        found = [row.key.removeprefix(f"{key}.") for row in rows]
        return sorted(one for one in found if "." not in one)

    # Machines

    async def news(self) -> list[Machine]:
        """The machines that are not kept yet, or were seen otherwise than they are kept.

        One row for each, as seen last.
        """
        rows = await self._connection.execute(_NEWS)
        found = {
            (row.node, row.task): Machine(
                row.node, row.task, row.owner, row.desc, row.status, row.created, row.seen_at
            )
            for row in rows
        }
        return list(found.values())

    async def missing(self) -> list[Kept]:
        """The machines that are kept, and that nobody's list shows any more."""
        query = select(kept_machines).where(not_(exists().where(_SAME)))
        return [Kept(**row) for row in (await self._connection.execute(query)).mappings()]

    async def kept(self, tasks: Collection[TaskId] | None = None) -> dict[MachineKey, Kept]:
        """How the machines of these ids are kept, or all, by node and id."""
        if tasks is None:
            rows = await self._connection.execute(select(kept_machines))
            return _by_identity(rows)
        found: dict[MachineKey, Kept] = {}
        asked = sorted(tasks)
        for start in range(0, len(asked), _AT_ONCE):
            some = kept_machines.c.task.in_(asked[start : start + _AT_ONCE])
            rows = await self._connection.execute(select(kept_machines).where(some))
            found |= _by_identity(rows)
        return found

    async def some_after(self, machine: MachineKey, limit: int) -> list[Kept]:
        """Up to `limit` machines, node by node, behind this one."""
        place = tuple_(kept_machines.c.node, kept_machines.c.task)
        query = select(kept_machines).where(place > machine).order_by(*place).limit(limit)
        return [Kept(**row) for row in (await self._connection.execute(query)).mappings()]

    async def ahead_of(self, now: datetime) -> list[Kept]:
        """The machines that were seen later than that, by a clock that has been set back since."""
        moments = kept_machines.c.seen_at, kept_machines.c.suspect_at, kept_machines.c.size_at
        query = select(kept_machines).where(or_(*(moment > now for moment in moments)))
        return [Kept(**row) for row in (await self._connection.execute(query)).mappings()]

    async def touched(
        self, since: datetime, nodes: Collection[NodeId], lately: datetime
    ) -> list[Rewritten]:
        """Those seen as they are kept after the bot's own change, or not since `since`.

        Those on `nodes` have to be seen so `lately`.
        """
        query = (
            select(kept_machines, func.max(machines.c.seen_at).label("latest"))
            .join(machines, _SAME)
            .where(
                kept_machines.c.suspect == "",
                not_(_IS_OTHER),
                or_(
                    _CHANGED_SINCE,
                    kept_machines.c.seen_at < since,
                    and_(kept_machines.c.node.in_(sorted(nodes)), kept_machines.c.seen_at < lately),
                ),
                machines.c.seen_at > kept_machines.c.seen_at,
            )
            .group_by(*kept_machines.c)
        )
        rows = (await self._connection.execute(query)).mappings()
        found = [(Kept(**{key: row[key] for key in _KEYS}), row["latest"]) for row in rows]
        return [(kept, replace(kept, seen_at=latest)) for kept, latest in found]

    async def keep(self, changes: Sequence[Rewritten]) -> None:
        """Write down how machines are left, but for those that somebody has written since."""
        upsert = self._insert(kept_machines)
        news = {key: upsert.excluded[key] for key in _KEYS if key not in {"node", "task"}}
        upsert = upsert.on_conflict_do_update(
            index_elements=[kept_machines.c.node, kept_machines.c.task], set_=news
        )
        known = await self.kept([after.task for _, after in changes])
        rows = [asdict(after) for before, after in changes if known.get(after.identity) == before]
        for start in range(0, len(rows), _AT_ONCE):
            await self._connection.execute(upsert, rows[start : start + _AT_ONCE])

    async def forget(self, machines: Collection[Kept] | None = None) -> None:
        """Keep these machines no longer; None: no machine."""
        by_node: dict[NodeId, list[TaskId]] = defaultdict(list)
        for one in machines or ():
            by_node[one.node].append(one.task)
        for table in (kept_machines, kept_owners):
            its = [
                and_(table.c.node == node, table.c.task.in_(tasks))
                for node, tasks in by_node.items()
            ]
            for which in [true()] if machines is None else its:
                await self._connection.execute(delete(table).where(which))

    async def has_new_owners(self) -> bool:
        """Whether a session shows a machine that is kept, and that is not noted yet."""
        return (await self._connection.execute(_UNNOTED.limit(1))).first() is not None

    async def note_owners(self) -> None:
        """Note whose sessions show the machines that are kept: once gone, no list tells."""
        rows = [dict(row) for row in (await self._connection.execute(_UNNOTED)).mappings()]
        for start in range(0, len(rows), _AT_ONCE):
            insert = self._insert(kept_owners).on_conflict_do_nothing()
            await self._connection.execute(insert, rows[start : start + _AT_ONCE])

    async def owners(self, machine: MachineKey) -> set[UserId]:
        """Whose sessions have shown a machine that is kept."""
        place = tuple_(kept_owners.c.node, kept_owners.c.task)
        query = select(kept_owners.c.owner).where(place == machine)
        return {row.owner for row in await self._connection.execute(query)}

    async def going_on(self, node: NodeId, episode: str) -> list[Kept]:
        """The machines of that node that are still as the message of that episode has told."""
        told = or_(
            kept_machines.c.episode == episode,
            and_(kept_machines.c.port_episode == episode, kept_machines.c.port != ""),
        )
        query = select(kept_machines).where(kept_machines.c.node == node, told)
        return [Kept(**row) for row in (await self._connection.execute(query)).mappings()]

    async def alarmed(self) -> list[Kept]:
        """The machines of which people were told something that is still so."""
        is_told = or_(kept_machines.c.episode != "", kept_machines.c.port != "")
        rows = await self._connection.execute(select(kept_machines).where(is_told))
        return [Kept(**row) for row in rows.mappings()]

    async def own_changes(self, tasks: Collection[TaskId], since: datetime) -> list[OwnChange]:
        """The changes of machines of these ids, on any node, that the bot has sent; none that ended
        before `since`.
        """
        found: list[OwnChange] = []
        asked = sorted(tasks)
        for start in range(0, len(asked), _AT_ONCE):
            rows = await self._connection.execute(
                select(
                    executions.c.node, executions.c.task, executions.c.command,
                    executions.c.status, executions.c.finished_at,
                ).where(
                    executions.c.task.in_(asked[start : start + _AT_ONCE]),
                    _CHANGES,
                    or_(
                        executions.c.status.in_(_IN_PROGRESS),
                        executions.c.finished_at >= since,
                    ),
                )
            )  # fmt: skip
            found += [
                OwnChange(
                    row.node, row.task, row.command,
                    None if row.status in _IN_PROGRESS else row.finished_at,
                    row.status == ExecutionStatus.UNKNOWN,
                    row.status == ExecutionStatus.DONE,
                )
                for row in rows
            ]  # fmt: skip
        return found


def _by_identity(rows: CursorResult[*tuple[Any, ...]]) -> dict[MachineKey, Kept]:
    return {(row["node"], row["task"]): Kept(**row) for row in rows.mappings()}
