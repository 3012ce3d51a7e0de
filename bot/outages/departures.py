"""A last word for whoever loses access to a silent node, while others keep theirs."""

from collections.abc import Sequence

from bot.clock import Clock
from bot.ids import NodeId, UserId
from bot.model import DAEMONS, Silence
from bot.outages import words
from bot.outages.telling import People, tell
from bot.services.inventory import Inventory
from storage import Store


class Departures:
    """Compares who may be told of a silence with who could at the last look."""

    def __init__(self, store: Store, inventory: Inventory, people: People, clock: Clock) -> None:
        self._store = store
        self._inventory = inventory
        self._people = people
        self._clock = clock
        self._had: dict[NodeId, set[UserId]] = {}

    async def look(self, rows: Sequence[Silence]) -> None:
        """Tell those who were told of these, and see the node no longer."""
        had, self._had = self._had, {}
        for row in rows:
            if row.node == DAEMONS:
                continue
            now = await self._people.of_node(row.node)
            before = had.get(row.node)
            if before is None and len([one for one in rows if one.episode == row.episode]) == 1:
                async with self._store.read() as tx:  # the bot began anew
                    before = {UserId(one) for one in await tx.outages.places(_key(row))}
            if left := (before or set()) - now:
                await self._tell(row, left, rows)
            self._had[row.node] = now

    async def _tell(self, row: Silence, left: set[UserId], rows: Sequence[Silence]) -> None:
        others = [one.node for one in rows if one.episode == row.episode and one.node != row.node]
        seeing = set[UserId]()  # what else the same message told of
        for node in others:
            seeing |= await self._people.of_node(node)
        places = await self._people.still(row.node, sorted(left))
        told = words.no_access(await self._inventory.label(row.node))
        key = f"{_key(row)}.{row.node[:16]}.left"
        async with self._store.write() as tx:
            if (await tx.outages.silences()).get(row.node) != row:
                return  # it is over, as another process has seen
            for place in places:
                is_said = await tx.messages.find(f"{key}.{place.channel}") is not None
                if not place.is_channel and not is_said:
                    now = self._clock.now()
                    is_whole = UserId(place.channel) not in seeing
                    await tell(
                        tx, key, place, told, now,
                        after=_key(row), is_whole=is_whole, is_over=False,
                    )  # fmt: skip


def _key(row: Silence) -> str:
    """The key of the message that told of it, without its place."""
    return f"outage:{row.episode}"
