"""Images, image servers, disks and snapshots as last seen, so that search needs no network."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from sqlalchemy import delete, select

from bot.model import Sighting
from storage.repositories.repository import Repository
from storage.tables import sightings

Kind = Literal["image", "server", "disk", "snapshot"]

_LOOKED = ""  # the name of the row that says when a place was looked at, also an empty one


class Sightings(Repository):
    """What was seen where. It is never the truth, only the last news."""

    async def replace(
        self, kind: Kind, place: str, seen: Sequence[Sighting], now: datetime
    ) -> None:
        """Put what a place has of a kind in place of what it had."""
        await self._connection.execute(
            delete(sightings).where(sightings.c.kind == kind, sightings.c.place == place)
        )
        details = {one.name: one.detail for one in seen if one.name} | {_LOOKED: ""}
        # Another replica may be looking at the same moment.
        upsert = self._insert(sightings).values(
            [
                {"kind": kind, "place": place, "name": name, "detail": detail, "seen_at": now}
                for name, detail in details.items()
            ]
        )
        await self._connection.execute(
            upsert.on_conflict_do_update(
                index_elements=[sightings.c.kind, sightings.c.place, sightings.c.name],
                set_={"detail": upsert.excluded.detail, "seen_at": upsert.excluded.seen_at},
            )
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
