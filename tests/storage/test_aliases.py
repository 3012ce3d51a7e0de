"""Aliases and sightings are kept as they were put."""

from datetime import timedelta

from bot.ids import UserId
from bot.model import Sighted, Sighting
from storage import Store
from tests.storage.samples import NOW


async def test_an_alias_is_its_persons_own(store: Store) -> None:
    async with store.write() as tx:
        await tx.aliases.set(UserId("U1"), "r", "vm restart $1")
        await tx.aliases.set(UserId("U1"), "r", "vm restart $1 force")
        await tx.aliases.set(UserId("U2"), "r", "vm reset $1")
    async with store.write() as tx:
        assert await tx.aliases.remove(UserId("U2"), "r")
        assert not await tx.aliases.remove(UserId("U2"), "r")
    async with store.read() as tx:
        assert await tx.aliases.all() == {"U1": {"r": "vm restart $1 force"}}


async def test_what_a_place_has_replaces_what_it_had(store: Store) -> None:
    later = NOW + timedelta(minutes=1)
    async with store.write() as tx:
        await tx.sightings.replace(
            Sighted.IMAGE, "n1", [Sighting("a"), Sighting("b", detail="1G")], NOW
        )
        await tx.sightings.replace(Sighted.IMAGE, "n2", [Sighting("a")], NOW)
        await tx.sightings.replace(Sighted.IMAGE, "n1", [Sighting("b")], later)
        await tx.sightings.replace(Sighted.DISK, "t1", [], NOW)
    async with store.read() as tx:
        assert await tx.sightings.all(Sighted.IMAGE) == [Sighting("a", "n2"), Sighting("b", "n1")]
        assert await tx.sightings.looked_at(Sighted.IMAGE) == {"n1": later, "n2": NOW}
        assert await tx.sightings.all(Sighted.DISK) == []
        assert await tx.sightings.looked_at(Sighted.DISK) == {"t1": NOW}
