"""What is put is sent at once, also where nobody waits for its commit or knows its end."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from bot.clock import Clock
from bot.ids import ChannelId
from bot.messages.outbox import Outbox
from bot.model import Message, Place
from bot.reply import Reply, dump
from sandbox.dbc import ManualClock
from storage import Store, Vault
from storage.handover import Handover
from storage.heartbeat import Leases
from tests.messages.test_outbox import Chat

HERE = Place(ChannelId("C1"))


class Unanswered(Outbox):
    """Is never told whether what was put is committed."""

    terms: Handover | None = None

    def handover(self) -> Handover | None:
        self.terms = super().handover()
        return self.terms

    def take(self, messages: Sequence[Message]) -> None:
        assert messages
        assert self.terms is not None
        self.doubt(self.terms)


async def _store(directory: Path) -> Store:
    store = Store(
        f"sqlite+aiosqlite:///{directory}/bot.db", Vault([Fernet.generate_key().decode()])
    )
    await store.migrate()
    return store


async def _put(store: Store, clock: Clock, text: str, *keys: str) -> None:
    async with store.write() as tx:
        for key in keys:
            await tx.messages.put(key, HERE, dump(Reply.of(text)), clock.now())


async def test_what_is_put_by_somebody_who_is_cancelled_at_the_commit_is_sent_at_once(
    tmp_path: Path,
) -> None:
    store, chat, clock = await _store(tmp_path), Chat(), ManualClock()
    outbox = store.courier = Outbox(store, chat, Leases(store, clock, "one"), clock, "one")
    putting = asyncio.create_task(_put(store, clock, "started", "card:1"))
    await asyncio.sleep(0)  # it commits
    putting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await putting
    await outbox.deliver_due()
    assert chat.keys == ["card:1"]
    await store.close()


async def test_what_is_stored_without_anybody_knowing_is_sent_at_once_and_once(
    tmp_path: Path,
) -> None:
    store, chat, clock = await _store(tmp_path), Chat(), ManualClock()
    outbox = store.courier = Unanswered(store, chat, Leases(store, clock, "one"), clock, "one")
    await _put(store, clock, "starts", "card:1", "end:1")
    await outbox.deliver_due()
    await _put(store, clock, "started", "card:1")
    await outbox.deliver_due()
    assert [(key, text) for _, key, text in chat.shown] == [
        ("card:1", "started"),
        ("end:1", "starts"),
    ]
    await store.close()
