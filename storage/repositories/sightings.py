"""Images, image servers, disks and snapshots as last seen, so that search needs no network."""

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import BindParameter, and_, bindparam, delete, or_, select, update

from bot.loop import in_pieces
from bot.model import NodeKind, Sighted, Sighting
from storage.repositories.mapper import Mapper
from storage.repositories.repository import LIMIT, Repository, renewing
from storage.tables import dbc_sessions, machines, nodes, sightings

_MISSED = "missed image"  # the kind of images that a place had and does not list any more
_LOOKED = ""  # the name of the row that says when a place was looked at, also an empty one

_IS_KIND = sightings.c.kind == bindparam("its_kind")
_IS_HERE = sightings.c.place == bindparam("its_place")
_IS_ONE = sightings.c.name != _LOOKED
_NAMES: BindParameter[str] = bindparam("its_names", expanding=True)
_EMPTY = delete(sightings).where(_IS_KIND, _IS_HERE)
_THERE_AGAIN = delete(sightings).where(
    sightings.c.kind == _MISSED, _IS_HERE, sightings.c.name.in_(_NAMES)
)
_REMEMBER = (
    update(sightings)
    .where(
        sightings.c.kind == Sighted.IMAGE,
        _IS_HERE,
        _IS_ONE,
        sightings.c.name.not_in(_NAMES),
    )
    .values(kind=_MISSED)
)
_ALL = select(sightings).where(_IS_KIND, _IS_ONE).order_by(sightings.c.name)
_ALL_BY_PLACE = _ALL.order_by(sightings.c.place)
_AT = _ALL.where(_IS_HERE)
_AT_SOME = _ALL.where(sightings.c.place.in_(bindparam("its_places", expanding=True)))
_LOOKS = select(sightings.c.place, sightings.c.seen_at).where(_IS_KIND, sightings.c.name == _LOOKED)
_LOOK = _LOOKS.where(_IS_HERE)
_LOOK_AT_MACHINE = and_(_IS_KIND, sightings.c.place == machines.c.task, sightings.c.name == _LOOKED)
_HOLDS = and_(dbc_sessions.c.user == machines.c.owner, dbc_sessions.c.node == machines.c.node)
_SEEN_AT = sightings.c.seen_at
_TO_LOOK_AT = (
    select(machines.c.owner, machines.c.node, machines.c.task)
    .join(dbc_sessions, _HOLDS)
    .join(nodes, and_(nodes.c.id == machines.c.node, nodes.c.kind == NodeKind.GPU))
    .outerjoin(sightings, _LOOK_AT_MACHINE)
    .where(
        or_(
            _SEEN_AT.is_(None),
            bindparam("its_before") >= _SEEN_AT,
            bindparam("its_after") <= _SEEN_AT,
        )
    )
    .order_by(_SEEN_AT.nulls_first(), machines.c.owner, machines.c.node, machines.c.task)
    .limit(LIMIT)
)


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
        await self._connection.execute(_EMPTY, {"its_kind": kind, "its_place": place})
        details = {one.name: one.detail for one in seen if one.name} | {_LOOKED: ""}
        async for names in in_pieces(list(details)):
            # Another replica may be looking at the same moment.
            await self._connection.execute(
                renewing(self._dialect, sightings, "detail", "seen_at"),
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
        return _ROWS.read(row), row["seen_at"]

    async def _remember(self, place: str, names: Collection[str]) -> None:
        """Keep the images that a place had until now, but for those with these names."""
        given = {"its_place": place, "its_names": list(names)}
        await self._connection.execute(_THERE_AGAIN, given)
        await self._connection.execute(_REMEMBER, given)

    async def all(self, kind: Sighted) -> list[Sighting]:
        """Everything of a kind, ordered by name."""
        rows = await self._connection.execute(_ALL_BY_PLACE, {"its_kind": kind})
        return [_ROWS.read(row) for row in rows.mappings()]

    async def at(self, kind: Sighted, place: str) -> list[Sighting]:
        """What a place has of a kind, ordered by name."""
        rows = await self._connection.execute(_AT, {"its_kind": kind, "its_place": place})
        return [_ROWS.read(row) for row in rows.mappings()]

    async def at_some(self, kind: Sighted, places: Collection[str]) -> list[Sighting]:
        """What these places have of a kind; that of one place is ordered by name."""
        found: list[Sighting] = []
        async for some in in_pieces(sorted(set(places))):
            given = {"its_kind": kind, "its_places": some}
            rows = await self._connection.execute(_AT_SOME, given)
            found += [_ROWS.read(row) for row in rows.mappings()]
        return found

    async def looked_at(self, kind: Sighted, place: str | None = None) -> dict[str, datetime]:
        """When each place, or that one, was last looked at for a kind."""
        if place is None:
            rows = await self._connection.execute(_LOOKS, {"its_kind": kind})
        else:
            rows = await self._connection.execute(_LOOK, {"its_kind": kind, "its_place": place})
        return {row.place: row.seen_at for row in rows}

    async def machines_to_look_at(
        self, kind: Sighted, before: datetime, after: datetime, limit: int
    ) -> list[tuple[str, str, str]]:
        """Machines not looked at for a kind since `before`, those first that never were.

        As owner, node and task, where that owner has a session for the GPU node; `after` is a
        moment that is yet to come. Goes through all machines: for `Store.browse`.
        """
        given = {"its_kind": kind, "its_before": before, "its_after": after, "its_limit": limit}
        rows = await self._connection.execute(_TO_LOOK_AT, given)
        return [(row.owner, row.node, row.task) for row in rows]


_ROWS = Mapper(Sighting, sightings)
