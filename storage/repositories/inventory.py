"""Machines and nodes as last seen, so that search and completion need no network."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Select, and_, bindparam, delete, func, select, update

from bot.ids import NodeId, TaskId, UserId
from bot.loop import in_pieces
from bot.model import Machine, Node, NodeKind
from storage.repositories.mapper import Mapper, Row, shared
from storage.repositories.repository import Repository, at, is_reached, is_word
from storage.tables import machines, names, nodes

_TOLD = ("name", "version", "desc", "uuid", "manager")  # of a node; empty: not told this time
_STATE = (machines.c.desc, machines.c.status, machines.c.created)
_NAMES = tuple(column.name for column in _STATE)
_KEPT = (
    select(machines.c.owner, machines.c.seen_at, func.count())
    .where(machines.c.node == bindparam("its_node"))
    .group_by(machines.c.owner, machines.c.seen_at)
    .limit(2)
)
_SEEN_AGAIN = (
    update(machines)
    .where(machines.c.node == bindparam("its_node"))
    .values(seen_at=bindparam("now"))
)
_IS_ON_NODE = machines.c.node == bindparam("its_node")
_ON_NODE = select(machines.c.task, machines.c.owner, *_STATE).where(_IS_ON_NODE)
_IS_TASK = machines.c.task == bindparam("its_task")
_ONE_ON_NODE = _ON_NODE.where(_IS_TASK)
_IS_SOME = machines.c.task.in_(bindparam("its_tasks", expanding=True))
_OLDER = update(machines).where(_IS_ON_NODE, is_reached(machines.c.seen_at))
_SAME, _CHANGED = _OLDER.where(_IS_SOME), _OLDER.where(_IS_TASK)
_REMOVE = delete(machines).where(
    _IS_ON_NODE,
    machines.c.owner == bindparam("its_owner"),
    _IS_SOME,
    is_reached(machines.c.seen_at),
)
_State = tuple[str, ...]
_Known = dict[str, _State]  # by who has seen it
_SEEN = select(machines, names.c.name.label("nickname")).outerjoin(
    names, and_(names.c.kind == "vm", names.c.target == machines.c.task)
)


@cache
def _seen(*by: str) -> Select[*tuple[Any, ...]]:
    """Machines in the order in which they were seen: all, or those of an owner, on a node."""
    conditions = {"its_owner": machines.c.owner, "its_node": machines.c.node}
    wanted = (conditions[one] == bindparam(one) for one in by)
    return _SEEN.where(*wanted).order_by(machines.c.seen_at)


_NODES = select(nodes, names.c.name.label("nickname")).outerjoin(
    names, and_(names.c.kind == "node", names.c.target == nodes.c.id)
)
_IS_AMONG = nodes.c.id.in_(bindparam("its_ids", expanding=True))
_THESE_NODES = _NODES.where(_IS_AMONG)
_OF_KINDS = _NODES.where(nodes.c.kind.in_(bindparam("its_kinds", expanding=True)))
_THERE = update(nodes).where(_IS_AMONG)


class Inventory(Repository):
    """What was seen, joined with the nicknames. It is never the truth, only the last news."""

    async def replace_machines(
        self,
        node: NodeId,
        owner: UserId,
        seen: Sequence[Machine],
        now: datetime,
        keep: Collection[str] = (),
    ) -> None:
        """Put what `owner` got from `node` in place of what they got before, but for `keep`.

        `now` is when the list was asked for: what was seen later by other means stays.
        """
        listed = {machine.task for machine in seen}
        known = await self._rows(node)
        gone = [task for task, rows in known.items() if owner in rows]
        gone = [task for task in gone if task not in listed and task not in keep]
        async for some in in_pieces(gone):
            given = {"its_node": node, "its_owner": owner, "its_tasks": list(some), **at(now)}
            await self._connection.execute(_REMOVE, given)
        seen = [replace(machine, node=node, owner=owner, seen_at=now) for machine in seen]
        await self._put(node, now, seen, known)

    async def is_kept(self, node: NodeId, owner: UserId, count: int, since: datetime) -> bool:
        """Whether all that is kept of a node are so many machines that `owner` saw at a moment.

        If so, nobody has written anything else of them since.
        """
        kept = await self._connection.execute(_KEPT, {"its_node": node})
        return [tuple(row) for row in kept] == [(owner, since, count)]

    async def seen_again(self, node: NodeId, now: datetime) -> None:
        """Write down that a node has told of all its machines what is kept of them."""
        await self._connection.execute(_SEEN_AGAIN, {"its_node": node, "now": now})

    async def machines(
        self, owner: UserId | None = None, node: NodeId | None = None
    ) -> list[Machine]:
        """The machines that one person has seen, or all, each as last seen; ordered by label.

        With a node, only those on it.
        """
        given = {"its_owner": owner, "its_node": node}
        wanted = {name: value for name, value in given.items() if value is not None}
        rows = await self._connection.execute(_seen(*wanted), wanted)
        latest = {(row["node"], row["task"]): _MACHINES.read(row) for row in rows.mappings()}
        return sorted(latest.values(), key=lambda machine: machine.label.casefold())

    async def listed(self, nodes: Collection[str] | None = None) -> dict[str, tuple[Machine, ...]]:
        """The machines of these nodes, or of all, by node, a row for each who has seen them."""
        query = _SEEN if nodes is None else _SEEN.where(machines.c.node.in_(nodes))
        found: dict[str, list[Machine]] = {node: [] for node in nodes or ()}
        for row in (await self._connection.execute(query)).mappings():
            found.setdefault(row["node"], []).append(_MACHINES.read(row))
        return {node: tuple(seen) for node, seen in found.items()}

    async def last_seen(self, node: NodeId) -> datetime | None:
        """When a node last told of one of its machines."""
        query = select(machines.c.seen_at).where(machines.c.node == node)
        newest = query.order_by(machines.c.seen_at.desc()).limit(1)
        return (await self._connection.execute(newest)).scalar()

    async def knows(self, node: NodeId | None, task: TaskId) -> bool:
        """Whether somebody saw the machine, and its node has not said since that it is gone.

        Without a node, wherever it is.
        """
        query = select(machines.c.task).where(machines.c.task == task).limit(1)
        if node is not None:
            query = query.where(machines.c.node == node)
        return (await self._connection.execute(query)).first() is not None

    async def put_machine(self, machine: Machine) -> None:
        """Write down how a machine was seen, unless it was seen later than that."""
        known = await self._rows(machine.node, machine.task)
        await self._put(machine.node, machine.seen_at, [machine], known)

    async def put_nodes(self, seen: Sequence[Node]) -> None:
        """Write down how nodes were announced; those not among them stay.

        What is not told of a node this time stays as it was told before.
        """
        latest = {node.id: node for node in seen}
        async for some in in_pieces(list(latest.values())):
            ids = [one.id for one in some]
            known = {node.id: node for node in await self._nodes(_THESE_NODES, {"its_ids": ids})}
            same = [one for one in some if _is_known(one, known)]
            for moment in {one.seen_at for one in same}:
                ids = [one.id for one in same if one.seen_at == moment]
                await self._connection.execute(_THERE, {"its_ids": ids, "seen_at": moment})
            if news := [one for one in some if not _is_known(one, known)]:
                await self._put_news(news)

    async def _put_news(self, seen: Sequence[Node]) -> None:
        upsert = self._insert(nodes)
        told = {
            name: func.coalesce(func.nullif(upsert.excluded[name], ""), nodes.c[name])
            for name in _TOLD
        }
        now = {name: upsert.excluded[name] for name in ("kind", "seen_at")}
        await self._connection.execute(
            upsert.on_conflict_do_update(index_elements=[nodes.c.id], set_=told | now),
            [
                {name: getattr(node, name) for name in ("id", "kind", "seen_at", *_TOLD)}
                for node in seen
            ],
        )

    async def nodes(self, *kinds: NodeKind) -> list[Node]:
        """Every node of these kinds (all kinds without any) ever seen, ordered by label."""
        wanted = list(kinds or NodeKind)
        found = await self._nodes(_OF_KINDS, {"its_kinds": wanted})
        return sorted(found, key=lambda node: node.label.casefold())

    async def forget_node(self, node_id: NodeId) -> None:
        """Drop a node that is gone for good."""
        await self._connection.execute(delete(nodes).where(nodes.c.id == node_id))

    async def announced(self) -> list[Node]:
        """Every node ever seen, without the names that people gave."""
        return [replace(node, nickname="") for node in await self._nodes(_NODES)]

    async def find_node(self, node_id: NodeId) -> Node | None:
        """The node, if it was ever announced."""
        found = await self._nodes(_THESE_NODES, {"its_ids": [node_id]})
        return found[0] if found else None

    async def _put(
        self, node: NodeId, at: datetime, seen: Sequence[Machine], known: Mapping[str, _Known]
    ) -> None:
        """Write down how machines of a node were seen at a moment, but for what is as it was."""
        latest = {machine.task: machine for machine in seen}
        async for some in in_pieces(list(latest.values())):
            await self._put_some(node, at, some, known)

    async def _rows(self, node: NodeId, task: TaskId | None = None) -> dict[str, _Known]:
        """How each machine of a node, or one of them, is kept for each person who has seen it."""
        if task is None:
            rows = await self._connection.execute(_ON_NODE, {"its_node": node})
        else:
            given = {"its_node": node, "its_task": task}
            rows = await self._connection.execute(_ONE_ON_NODE, given)
        known: defaultdict[str, _Known] = defaultdict(dict)
        for seen, owner, *state in rows:
            known[seen][owner] = tuple(state)
        return known

    async def _put_some(
        self, node: NodeId, seen_at: datetime, seen: Sequence[Machine], rows: Mapping[str, _Known]
    ) -> None:
        known = {machine.task: rows.get(machine.task, {}) for machine in seen}
        # The machine is one, whoever looked: the others' rows get the news too.
        given = {"its_node": node, "seen_at": seen_at, **at(seen_at)}
        if same := [one.task for one in seen if {*known[one.task].values()} == {_state(one)}]:
            await self._connection.execute(_SAME, {"its_tasks": same, **given})
        if changed := [one for one in seen if {*known[one.task].values()} - {_state(one)}]:
            await self._connection.execute(
                _CHANGED,
                [
                    {"its_task": one.task, **{n: getattr(one, n) for n in _NAMES}, **given}
                    for one in changed
                ],
            )
        if new := [one for one in seen if one.owner not in known[one.task]]:
            columns = ("node", "task", "owner", *_NAMES, "seen_at")
            await self._connection.execute(
                self._insert(machines).on_conflict_do_nothing(),
                [{name: getattr(one, name) for name in columns} for one in new],
            )

    async def _nodes(
        self, query: Select[*tuple[Any, ...]], given: Mapping[str, Any] | None = None
    ) -> list[Node]:
        rows = await self._connection.execute(query, given)
        return [_KNOWN.read(row) for row in rows.mappings() if is_word(NodeKind, row["kind"])]


def _is_known(seen: Node, known: Mapping[NodeId, Node]) -> bool:
    """Whether an announcement tells nothing new of a node."""
    node = known.get(seen.id)
    return (
        node is not None
        and seen.kind is node.kind
        and all(getattr(seen, name) in {"", getattr(node, name)} for name in _TOLD)
    )


def _state(machine: Machine) -> _State:
    return machine.desc, machine.status, machine.created


def _nickname(row: Row) -> str:
    return row["nickname"] or ""


_KNOWN = Mapper(Node, nodes, nickname=_nickname, kind=lambda row: NodeKind(row["kind"]))
_MACHINES = Mapper(
    Machine,
    machines,
    nickname=_nickname,
    # All are kept in memory, and have few of these.
    **{name: shared(name) for name in ("node", "owner", "status")},
)
