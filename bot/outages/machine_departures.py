"""A last word for whoever loses access to machines of which an alarm was told, and goes on."""

from collections import defaultdict
from collections.abc import Collection, Mapping

from bot.clock import Clock
from bot.ids import NodeId, UserId
from bot.model import Kept, Place
from bot.outages import words
from bot.outages.telling import People, tell
from bot.reply import load
from bot.services.inventory import Inventory
from storage import Store, UnitOfWork


class MachineDepartures:
    """Compares who was told of a machine with who may see it now: off, or its SSH port dead."""

    def __init__(self, store: Store, inventory: Inventory, people: People, clock: Clock) -> None:
        self._store = store
        self._inventory = inventory
        self._people = people
        self._clock = clock

    async def look(self) -> None:
        """Tell those who were told, and see none of the machines that a message is about."""
        async with self._store.read() as tx:
            alarms = _alarms(await tx.outages.alarmed())
            told = {key: await tx.outages.places(key) for key, _ in alarms}
        for (key, node), machines in alarms.items():
            seeing = set[UserId]()
            for one in machines:
                seeing |= await self._people.of_machine(node, one.task, one.owner)
            if not seeing and key.endswith(".port"):
                continue  # that nobody sees it any more, `PortEnds` tells
            if left := [one for one in told[key] if UserId(one) not in seeing]:
                await self._tell(key, node, left)

    async def _tell(self, key: str, node: NodeId, left: Collection[str]) -> None:
        places = [one for one in await self._people.still(node, left) if not one.is_channel]
        said = words.no_access(await self._inventory.label(node))
        async with self._store.read() as tx:
            new = [one for one in places if await _is_open(tx, key, one)]
        if not new:
            return
        async with self._store.write() as tx:
            for place in new:
                if await _is_open(tx, key, place):  # another process may have told it
                    now = self._clock.now()
                    await tell(tx, f"{key}.left", place, said, now, after=key, is_over=False)


async def _is_open(tx: UnitOfWork, key: str, place: Place) -> bool:
    """Whether somebody still reads it as an alarm."""
    if await tx.messages.find(f"{key}.left.{place.channel}") is not None:
        return False
    above = await tx.messages.find(f"{key}.{place.channel}")
    try:
        return above is not None and words.is_alarm(load(above.content))
    except ValueError:  # of a version that says it otherwise
        return False


def _alarms(kept: Collection[Kept]) -> Mapping[tuple[str, NodeId], list[Kept]]:
    """The machines of each message, by its key without its place, and by node."""
    found: dict[tuple[str, NodeId], list[Kept]] = defaultdict(list)
    for one in kept:
        if one.episode:
            found[f"drift:{one.episode}.{one.node[:16]}", one.node].append(one)
        if one.port:
            found[f"drift:{one.port_episode}.port", one.node].append(one)
    return found
