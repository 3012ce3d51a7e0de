"""What belongs in the thread of a card that Slack does not take."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from bot.model import MessageRef, Place
from bot.ports import DeliveryFailed
from bot.reply import Reply, dump
from sandbox.dbc import ManualClock
from storage import Store, Vault
from tests.databases import begin
from tests.messages.test_outbox import HERE, Chat, outbox_of

CARD, END = "card:1", "end:1"


class Choosy(Chat):
    """Takes no cards for now."""

    is_choosy = True

    def __init__(self) -> None:
        super().__init__()
        self.places: list[Place] = []

    async def post(self, place: Place, reply: Reply, key: str) -> MessageRef:
        if self.is_choosy and key == CARD:
            raise DeliveryFailed("internal_error", timedelta(seconds=30))
        self.places.append(place)
        return await super().post(place, reply, key)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    begin(tmp_path / "bot.db")
    one = Store(f"sqlite+aiosqlite:///{tmp_path}/bot.db", Vault([Fernet.generate_key().decode()]))
    await one.migrate()
    yield one
    await one.close()


async def put(store: Store, clock: ManualClock) -> None:
    """A card, and its end."""
    async with store.write() as tx:
        await tx.messages.put(CARD, HERE, dump(Reply.of("starting")), clock.now())
        await tx.messages.put(END, HERE, dump(Reply.of("running")), clock.now(), under=CARD)


async def test_an_end_waits_until_its_card_is_posted(store: Store) -> None:
    clock, chat = ManualClock(), Choosy()
    await put(store, clock)
    outbox = outbox_of(store, chat, clock, "one")
    for _ in range(3):
        await outbox.deliver_due()
        clock.advance(timedelta(minutes=6))
    assert chat.keys == []
    chat.is_choosy = False
    await outbox.deliver_due()
    assert chat.keys == [CARD, END]
    assert chat.places == [HERE, Place(HERE.channel, "0")]


async def test_an_end_waits_an_hour_at_most(store: Store) -> None:
    clock, chat = ManualClock(), Choosy()
    await put(store, clock)
    outbox = outbox_of(store, chat, clock, "one")
    for _ in range(11):
        await outbox.deliver_due()
        clock.advance(timedelta(minutes=6))
    assert chat.keys == [END]
    assert chat.places == [HERE]
