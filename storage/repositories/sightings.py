"""Images, image servers, disks and snapshots as last seen, so that search needs no network."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Literal

from sqlalchemy import delete, select, update

from bot.model import Sighting
from storage.repositories.repository import Repository, in_pieces
from storage.tables import sightings

Kind = Literal["image", "server", "disk", "snapshot"]

_MISSED = "missed image"  # the kind of images that a place had and does not list any more
_LOOKED = ""  # the name of the row that says when a place was looked at, also an empty one


class Sightings(Repository):
    """What was seen where. It is never the truth, only the last news."""

    async def replace(
        self, kind: Kind, place: str, seen: Sequence[Sighting], now: datetime
    ) -> None:
        """Put what a place has of a kind in place of what it had.

        Images that it no longer has are remembered: a list can be short.
        """
        if kind == "image":
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
                sightings.c.kind.in_(["image", _MISSED]),
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
                sightings.c.kind == "image",
                here,
                sightings.c.name != _LOOKED,
                sightings.c.name.not_in(names),
            )
            .values(kind=_MISSED)
        )

    async def all(self, kind: Kind) -> list[Sighting]:
        """Everything of a kind, ordered by name."""
        rows = await self._connection.execute(
            select(sightings)
            .where(sightings.c.kind == kind, sightings.c.name != _LOOKED)
            .order_by(sightings.c.name, sightings.c.place)
        )
        return [Sighting(row["name"], row["place"], row["detail"]) for row in rows.mappings()]

    async def looked_at(self, kind: Kind) -> dict[str, datetime]:
        """When each place was last looked at for a kind."""
        rows = await self._connection.execute(
            select(sightings.c.place, sightings.c.seen_at).where(
                sightings.c.kind == kind, sightings.c.name == _LOOKED
            )
        )
        return {row.place: row.seen_at for row in rows}
