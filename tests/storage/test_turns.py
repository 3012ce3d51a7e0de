"""Work of many pieces leaves others a turn between two: SQLite is asked on the event loop."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest

from bot.loop import in_pieces
from bot.services.retention import Leftovers
from sandbox.dbc import ManualClock
from storage import Store, Vault
from tests.storage.samples import execution, record
from tests.storage.test_leftovers import say


@asynccontextmanager
async def _turns() -> AsyncIterator[list[int]]:
    """How many turns others have had, counted as they have them."""
    had = [0]

    async def counts() -> None:
        while True:
            await asyncio.sleep(0)
            had[0] += 1

    counting = asyncio.create_task(counts())
    await asyncio.sleep(0)
    yield had
    counting.cancel()


async def test_others_have_a_turn_between_two_pieces() -> None:
    async with _turns() as had:
        found = [(list(some), had[0]) async for some in in_pieces("abcde", 2)]
    assert found == [(["a", "b"], 0), (["c", "d"], 1), (["e"], 2)]


async def test_others_go_on_while_it_is_looked_what_can_be_forgotten(
    sqlite_url: str, vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.services.retention._AT_ONCE", 1)
    store, clock = Store(sqlite_url, vault), ManualClock()
    await store.migrate()
    await record(store, execution("1"))
    for number in range(20):
        await say(store, f"card:execution-1:U{number}")
    clock.advance(timedelta(days=10_000))
    async with _turns() as had:
        await Leftovers(store, clock, days=1).forget()
        assert had[0] >= 20
    await store.close()
