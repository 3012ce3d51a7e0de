"""Copies are looked for by whoever holds the lease of a message, and by nobody else."""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

from bot.messages.copies import Copies
from bot.messages.outbox import LEASE
from bot.model import MessageRef, Place
from bot.ports import COPIES_WITHIN, look_again_after
from sandbox.dbc import ManualClock
from storage import Store
from storage.heartbeat import Leases
from tests.messages.test_outbox import Chat, nothing, outbox_of, put
from tests.messages.test_outbox import store as store  # noqa: PLC0414 - a fixture


class Doubled(Chat):
    """Shows two of each message, and says what was changed while somebody looks."""

    def __init__(self) -> None:
        super().__init__()
        self.during_the_search: Callable[[], Awaitable[None]] = nothing
        self.deleted: list[MessageRef] = []

    async def copies(self, place: Place, key: str, since: datetime) -> list[MessageRef]:
        del key, since
        await self.during_the_search()
        return [MessageRef(place.channel, str(ts)) for ts in (0, 1)]

    async def delete(self, ref: MessageRef) -> None:
        self.deleted.append(ref)


async def doubled(store: Store, clock: ManualClock, chat: Doubled) -> Copies:
    """A message that may stand there twice, to be looked at by one process."""
    outbox = outbox_of(store, chat, clock, "one")
    await put(store, clock, "card:1", "card:1:U2")
    await outbox.deliver_due()
    now = clock.now()
    async with store.write() as tx:
        [message, _] = await tx.messages.copies("card:1")
        await tx.messages.put("card:1", message.place, message.content + " ", now)
        [claimed] = await tx.messages.claim_due("one", now, now + LEASE, 1)
        soon = look_again_after(timedelta())
        await tx.messages.may_be_doubled(
            claimed.id, "one", look_at=now + soon, until=now + COPIES_WITHIN, posted=True
        )
        await tx.messages.retry(claimed.id, now + COPIES_WITHIN, "later", "one")
    clock.advance(soon)
    return Copies(store, chat, outbox, Leases(store, clock, "one"), clock, "one")


async def test_the_holder_of_the_lease_deletes_the_copy(store: Store) -> None:
    clock, chat = ManualClock(), Doubled()
    copies = await doubled(store, clock, chat)
    await copies.look()
    assert [ref.ts for ref in chat.deleted] == ["1"]


async def test_whoever_has_lost_the_lease_meanwhile_deletes_nothing(store: Store) -> None:
    clock, chat = ManualClock(), Doubled()
    copies = await doubled(store, clock, chat)

    async def stands_still() -> None:
        clock.advance(2 * LEASE)
        now = clock.now()
        async with store.write() as tx:
            assert await tx.messages.claim_doubled("another", now, now + LEASE, 1)

    chat.during_the_search = stands_still
    await copies.look()
    assert chat.deleted == []
    assert chat.edits == 0
