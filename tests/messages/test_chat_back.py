"""Delivery after the chat was away: all that waited, at once."""

from datetime import timedelta

from sandbox.dbc import ManualClock
from storage import Store
from tests.messages.test_outbox import Chat, outbox_of, put, put_elsewhere, store

__all__ = ["store"]


async def test_what_waited_for_the_chat_is_told_as_soon_as_it_is_back(store: Store) -> None:
    clock, chat = ManualClock(), Chat()
    outbox = outbox_of(store, chat, clock, "A")
    await put(store, clock, "a", "b")
    await put_elsewhere(store, clock, "c")
    chat.is_down = True
    for _ in range(20):
        await outbox.deliver_due()
        clock.advance(timedelta(seconds=30))
    await outbox.deliver_due()
    chat.is_down = False
    clock.advance(timedelta(seconds=5))
    await put_elsewhere(store, clock, "d")
    await outbox.deliver_due()
    await outbox.deliver_due()
    assert sorted(chat.keys) == ["a", "b", "c", "d"]


async def test_what_is_refused_for_itself_is_not_tried_with_each_that_is_told(store: Store) -> None:
    clock, chat = ManualClock(), Chat()
    outbox = outbox_of(store, chat, clock, "A")
    await put(store, clock, "odd")
    for number in range(20):
        await put_elsewhere(store, clock, f"other-{number}")
        await outbox.deliver_due()
        clock.advance(timedelta(seconds=1))
    async with store.read() as tx:
        waiting = await tx.messages.find("odd")
    assert waiting is not None
    assert waiting.attempts < 10
