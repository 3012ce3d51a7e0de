"""Last words about dead SSH ports of machines that are kept no longer: no later look tells an end.

Told only where the port was told to be dead, in the thread of that.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from bot.clock import Clock
from bot.ids import NodeId, TaskId, UserId
from bot.model import Kept, Nicknamed, Place
from bot.outages import words
from bot.outages.telling import People, Rest, tell
from bot.outages.words import PortOver
from bot.reply import Reply
from bot.services.inventory import Inventory
from storage import Store, UnitOfWork

_OVER = {PortOver.OFF, PortOver.DELETED, PortOver.RENTAL}

Left = tuple[Kept, PortOver]  # a machine that is kept no longer, and why


@dataclass(frozen=True, slots=True)
class LastWord:
    """What is told in one place, of machines that one message told of.

    `is_over`: their ports are not merely checked no longer.
    """

    about: Kept
    place: Place
    told: Reply
    rest: Rest
    is_over: bool

    @property
    def after(self) -> str:
        """The message that it ends."""
        return f"drift:{self.about.port_episode}.port"


class PortEnds:
    """Knows who is told such an end."""

    def __init__(self, store: Store, inventory: Inventory, people: People, clock: Clock) -> None:
        self._store = store
        self._inventory = inventory
        self._people = people
        self._clock = clock

    async def of(self, left: Sequence[Left]) -> list[LastWord]:
        """What to tell where of those whose port is dead."""
        apart: dict[tuple[NodeId, str, PortOver], list[Kept]] = defaultdict(list)
        for kept, why in left:
            if kept.port:
                apart[kept.node, kept.port_episode, why].append(kept)
        return [word for (*_, why), some in apart.items() for word in await self._words(some, why)]

    async def tell(self, tx: UnitOfWork, told: Sequence[LastWord]) -> None:
        """Say it, once the machines are written down as kept no longer."""
        for one in told:
            key = f"{one.after}.{one.about.task}.over"
            await tell(
                tx, key, one.place, one.told, self._clock.now(), after=one.after,
                is_whole=not await one.rest.goes_on(tx, one.place), is_over=one.is_over,
            )  # fmt: skip

    async def _words(self, some: Sequence[Kept], why: PortOver) -> list[LastWord]:
        first, known = some[0], await self._store.known()
        async with self._store.read() as tx:
            told = await tx.outages.places(f"drift:{first.port_episode}.port")
        seen: dict[Place, list[str]] = defaultdict(list)
        for kept in some:
            users = await self._users(kept, why, {UserId(one) for one in told})
            label = known.nickname(Nicknamed.MACHINE, TaskId(kept.task)) or kept.label
            for place in await self._people.still(kept.node, told):
                if place.is_channel or UserId(place.channel) in users:
                    seen[place].append(label)
        node = await self._inventory.label(first.node)
        rest, is_over = await self._people.rest(first.node, first.port_episode), why in _OVER
        return [
            LastWord(first, place, words.port_over(node, labels, why), rest, is_over)
            for place, labels in seen.items()
        ]

    async def _users(self, kept: Kept, why: PortOver, told: set[UserId]) -> set[UserId]:
        """Whom the machine concerned: where no session shows it any more, whoever has none left."""
        if why is not PortOver.UNSEEN:
            return await self._people.of_machine(kept.node, kept.task, kept.owner)
        async with self._store.read() as tx:
            owners = await tx.outages.owners(kept.identity)
        return owners | {kept.owner} | (told - await self._people.of_node(kept.node))
