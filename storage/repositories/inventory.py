"""Machines and nodes as last seen, so that search and completion need no network."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import RowMapping, and_, delete, func, select, update

from bot.model import Machine, Node, NodeKind
from storage.repositories.repository import Repository, is_reached, is_word
from storage.tables import machines, names, nodes


class Inventory(Repository):
    """What was seen, joined with the nicknames. It is never the truth, only the last news."""

    async def replace_machines(
        self,
        node: str,
        owner: str,
        seen: Sequence[Machine],
        now: datetime,
        keep: Collection[str] = (),
    ) -> None:
        """Put what `owner` got from `node` in place of what they got before, but for `keep`.

        `now` is when the list was asked for: what was seen later by other means stays.
        """
        await self._connection.execute(
            delete(machines).where(
                machines.c.node == node,
                machines.c.owner == owner,
                machines.c.task.not_in(keep),
                is_reached(machines.c.seen_at, now),
            )
        )
        for machine in seen:
            await self._put(replace(machine, node=node, owner=owner, seen_at=now))

    async def machines(self, owner: str | None = None) -> list[Machine]:
        """The machines that one person has seen, or all, each as last seen; ordered by label."""
        query = (
            select(machines, names.c.name.label("nickname"))
            .outerjoin(names, and_(names.c.kind == "vm", names.c.target == machines.c.task))
            .order_by(machines.c.seen_at)
        )
        if owner is not None:
            query = query.where(machines.c.owner == owner)
        rows = await self._connection.execute(query)
        latest = {(row["node"], row["task"]): _machine(row) for row in rows.mappings()}
        return sorted(latest.values(), key=lambda machine: machine.label.casefold())

    async def last_seen(self, node: str) -> datetime | None:
        """When a node last told of one of its machines."""
        query = select(machines.c.seen_at).where(machines.c.node == node)
        newest = query.order_by(machines.c.seen_at.desc()).limit(1)
        return (await self._connection.execute(newest)).scalar()

    async def knows(self, node: str, task: str) -> bool:
        """Whether somebody saw the machine, and its node has not said since that it is gone."""
        rows = await self._connection.execute(
            select(machines.c.task).where(machines.c.node == node, machines.c.task == task).limit(1)
        )
        return rows.first() is not None

    async def put_machine(self, machine: Machine) -> None:
        """Write down how a machine was seen, unless it was seen later than that."""
        await self._put(machine)

    async def put_nodes(self, seen: Sequence[Node]) -> None:
        """Write down how nodes were announced; those not among them stay.

        What is not told of a node this time stays as it was told before.
        """
        for node in seen:
            upsert = self._insert(nodes).values(
                id=node.id,
                kind=node.kind,
                name=node.name,
                version=node.version,
                desc=node.desc,
                uuid=node.uuid,
                manager=node.manager,
                seen_at=node.seen_at,
            )
            told = {
                name: func.coalesce(func.nullif(upsert.excluded[name], ""), nodes.c[name])
                for name in ("name", "version", "desc", "uuid", "manager")
            }
            now = {name: upsert.excluded[name] for name in ("kind", "seen_at")}
            await self._connection.execute(
                upsert.on_conflict_do_update(index_elements=[nodes.c.id], set_=told | now)
            )

    async def nodes(self, *kinds: NodeKind) -> list[Node]:
        """Every node of these kinds (all kinds without any) ever seen, ordered by label."""
        found = await self._nodes(*([nodes.c.kind.in_(kinds)] if kinds else []))
        return sorted(found, key=lambda node: node.label.casefold())

    async def forget_node(self, node_id: str) -> None:
        """Drop a node that is gone for good."""
        await self._connection.execute(delete(nodes).where(nodes.c.id == node_id))

    async def find_node(self, node_id: str) -> Node | None:
        """The node, if it was ever announced."""
        found = await self._nodes(nodes.c.id == node_id)
        return found[0] if found else None

    async def _put(self, machine: Machine) -> None:
        state = {
            "desc": machine.desc,
            "status": machine.status,
            "created": machine.created,
            "seen_at": machine.seen_at,
        }
        same = and_(machines.c.node == machine.node, machines.c.task == machine.task)
        # The machine is one, whoever looked: the others' rows get the news too.
        await self._connection.execute(
            update(machines)
            .where(same, is_reached(machines.c.seen_at, machine.seen_at))
            .values(state)
        )
        await self._connection.execute(
            self._insert(machines)
            .values(node=machine.node, task=machine.task, owner=machine.owner, **state)
            .on_conflict_do_nothing()
        )

    async def _nodes(self, *conditions: Any) -> list[Node]:
        rows = await self._connection.execute(
            select(nodes, names.c.name.label("nickname"))
            .outerjoin(names, and_(names.c.kind == "node", names.c.target == nodes.c.id))
            .where(*conditions)
        )
        return [
            Node(
                id=row["id"],
                name=row["name"],
                version=row["version"],
                seen_at=row["seen_at"],
                nickname=row["nickname"] or "",
                kind=NodeKind(row["kind"]),
                desc=row["desc"],
                uuid=row["uuid"],
                manager=row["manager"],
            )
            for row in rows.mappings()
            if is_word(NodeKind, row["kind"])
        ]


def _machine(row: RowMapping) -> Machine:
    return Machine(
        node=row["node"],
        task=row["task"],
        owner=row["owner"],
        desc=row["desc"],
        status=row["status"],
        created=row["created"],
        seen_at=row["seen_at"],
        nickname=row["nickname"] or "",
    )
