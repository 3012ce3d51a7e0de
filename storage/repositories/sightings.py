"""Images, image servers, disks and snapshots as last seen, so that search needs no network."""

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import and_, delete, or_, select, update

from bot.loop import in_pieces
from bot.model import NodeKind, Sighted, Sighting
from storage.repositories.repository import Repository
from storage.tables import dbc_sessions, machines, nodes, sightings

_MISSED = "missed image"  # the kind of images that a place had and does not list any more
_LOOKED = ""  # the name of the row that says when a place was looked at, also an empty one


class Sightings(Repository):
    """What was seen where. It is never the truth, only the last news."""

    async def replace(
        self, kind: Sighted, place: str, seen: Sequence[Sighting], now: datetime
    ) -> None:
        """Put what a place has of a kind in place of what it had.

        Images that it no longer has are remembered: a list can be short.
        """
        if kind is Sighted.IMAGE:
            await self._remember(place, {one.name for one in seen})
        await self._connection.execute(
            delete(sightings).where(sightings.c.kind == kind, sightings.c.place == place)
        )
        details = {one.name: one.detail for one in seen if one.name} | {_LOOKED: ""}
        upsert = self._insert(sightings)
        async for names in in_pieces(list(details)):
            # Another replica may be looking at the same moment.
            await self._connection.execute(
                upsert.on_conflict_do_update(
                    index_elements=[sightings.c.kind, sightings.c.place, sightings.c.name],
                    set_={"detail": upsert.excluded.detail, "seen_at": upsert.excluded.seen_at},
                ),
                [
                    {
                        "kind": kind,
                        "place": place,
                        "name": name,
                        "detail": details[name],
                        "seen_at": now,
                    }
                    for name in names
                ],
            )

    async def last_image(self, place: str, name: str) -> tuple[Sighting, datetime] | None:
        """An image as a place was last seen to have it, and when; None where it never had it."""
        rows = await self._connection.execute(
            select(sightings)
            .where(
                sightings.c.kind.in_([Sighted.IMAGE, _MISSED]),
                sightings.c.place == place,
                sightings.c.name == name,
            )
            .order_by(sightings.c.seen_at.desc())
            .limit(1)
        )
        row = rows.mappings().one_or_none()
        if row is None:
            return None
        return Sighting(row["name"], row["place"], row["detail"]), row["seen_at"]

    async def _remember(self, place: str, names: Collection[str]) -> None:
        """Keep the images that a place had until now, but for those with these names."""
        here = sightings.c.place == place
        await self._connection.execute(
            delete(sightings).where(sightings.c.kind == _MISSED, here, sightings.c.name.in_(names))
        )
        await self._connection.execute(
            update(sightings)
            .where(
                sightings.c.kind == Sighted.IMAGE,
                here,
                sightings.c.name != _LOOKED,
                sightings.c.name.not_in(names),
            )
            .values(kind=_MISSED)
        )

    async def all(self, kind: Sighted) -> list[Sighting]:
        """Everything of a kind, ordered by name."""
        rows = await self._connection.execute(
            select(sightings)
            .where(sightings.c.kind == kind, sightings.c.name != _LOOKED)
            .order_by(sightings.c.name, sightings.c.place)
        )
        return [Sighting(row["name"], row["place"], row["detail"]) for row in rows.mappings()]

    async def at(self, kind: Sighted, place: str) -> list[Sighting]:
        """What a place has of a kind, ordered by name."""
        rows = await self._connection.execute(
            select(sightings)
            .where(
                sightings.c.kind == kind,
                sightings.c.place == place,
                sightings.c.name != _LOOKED,
            )
            .order_by(sightings.c.name)
        )
        return [Sighting(row["name"], row["place"], row["detail"]) for row in rows.mappings()]

    async def looked_at(self, kind: Sighted, place: str | None = None) -> dict[str, datetime]:
        """When each place, or that one, was last looked at for a kind."""
        query = select(sightings.c.place, sightings.c.seen_at).where(
            sightings.c.kind == kind, sightings.c.name == _LOOKED
        )
        if place is not None:
            query = query.where(sightings.c.place == place)
        rows = await self._connection.execute(query)
        return {row.place: row.seen_at for row in rows}

    async def machines_to_look_at(
        self, kind: Sighted, before: datetime, after: datetime, limit: int
    ) -> list[tuple[str, str, str]]:
        """Machines not looked at for a kind since `before`, those first that never were.

        As owner, node and task, where that owner has a session for the GPU node; `after` is a
        moment that is yet to come. Goes through all machines: for `Store.browse`.
        """
        look = and_(
            sightings.c.kind == kind,
            sightings.c.place == machines.c.task,
            sightings.c.name == _LOOKED,
        )
        holds = and_(
            dbc_sessions.c.user == machines.c.owner, dbc_sessions.c.node == machines.c.node
        )
        is_gpu = and_(nodes.c.id == machines.c.node, nodes.c.kind == NodeKind.GPU)
        at = sightings.c.seen_at
        rows = await self._connection.execute(
            select(machines.c.owner, machines.c.node, machines.c.task)
            .join(dbc_sessions, holds)
            .join(nodes, is_gpu)
            .outerjoin(sightings, look)
            .where(or_(at.is_(None), at <= before, at >= after))
            .order_by(at.nulls_first(), machines.c.owner, machines.c.node, machines.c.task)
            .limit(limit)
        )
        return [(row.owner, row.node, row.task) for row in rows]
