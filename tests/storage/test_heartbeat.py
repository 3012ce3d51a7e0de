"""Heartbeats: what this process works on is nobody else's, and what it has lost is not its own."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from bot.model import Leased
from sandbox.dbc import ManualClock
from storage import Store, Vault
from storage.heartbeat import LeaseLost, Leases
from tests.storage.samples import claim_watches, execution, watch

LASTS = timedelta(seconds=90)
SECOND = timedelta(seconds=1)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    one = Store(f"sqlite:///{tmp_path}/bot.db", Vault([Fernet.generate_key().decode()]))
    await one.migrate()
    yield one
    await one.close()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


async def leased(store: Store, clock: ManualClock, *names: str) -> list[str]:
    """Watches that `me` has just leased; their ids."""
    now = clock.now()
    async with store.write() as tx:
        for name in names:
            await tx.watches.add(watch(name, next_poll_at=now))
        return [one.id for one in await claim_watches(tx, "me", now, now + LASTS)]


async def taken(store: Store, clock: ManualClock) -> list[str]:
    """What another process can lease now, and has leased then."""
    now = clock.now()
    async with store.write() as tx:
        return [one.id for one in await claim_watches(tx, "other", now, now + LASTS)]


@pytest.fixture(autouse=True)
async def requested(store: Store, clock: ManualClock) -> None:
    await store.record(execution(), by="me", until=clock.now() + LASTS)


async def test_a_heartbeat_keeps_what_is_worked_on_until_the_work_ends(
    store: Store, clock: ManualClock
) -> None:
    leases = Leases(store, clock, "me")
    with leases.holding(Leased.WATCH, await leased(store, clock, "1", "2"), LASTS) as hold:
        for _ in range(10):
            clock.advance(LASTS / 3)
            await leases.beat()
        clock.advance(LASTS - SECOND)
        assert await taken(store, clock) == []
        assert hold.ids == {"watch-1", "watch-2"}
    await leases.beat()
    clock.advance(SECOND)
    assert await taken(store, clock) == ["watch-1", "watch-2"]


async def test_a_lease_is_renewed_after_a_third_of_its_time(
    store: Store, clock: ManualClock
) -> None:
    leases = Leases(store, clock, "me")
    with leases.holding(Leased.WATCH, await leased(store, clock, "1"), LASTS) as hold:
        assert not hold.is_due(clock.now())
        clock.advance(LASTS / 3 - SECOND)
        assert not hold.is_due(clock.now())
        clock.advance(SECOND)
        assert hold.is_due(clock.now())
        await leases.beat()
        assert not hold.is_due(clock.now())
        assert hold.is_due(clock.now() - SECOND)  # the clock was set back


async def test_one_kind_is_renewed_alone(store: Store, clock: ManualClock) -> None:
    leases = Leases(store, clock, "me")
    with (
        leases.holding(Leased.WATCH, await leased(store, clock, "1"), LASTS) as watches,
        leases.holding(Leased.EXECUTION, ["execution-1"], LASTS) as executions,
    ):
        clock.advance(LASTS / 2)
        async with store.write() as tx:
            await leases.renew(tx, Leased.WATCH)
        assert not watches.is_due(clock.now())
        assert executions.is_due(clock.now())


async def test_what_another_process_took_is_lost_and_the_rest_is_not(
    store: Store, clock: ManualClock
) -> None:
    leases = Leases(store, clock, "me")
    with leases.holding(Leased.WATCH, await leased(store, clock, "1"), LASTS) as lost:
        clock.advance(LASTS)
        assert await taken(store, clock) == ["watch-1"]
        with leases.holding(Leased.WATCH, await leased(store, clock, "2"), LASTS) as kept:
            with pytest.raises(LeaseLost) as told:
                await leases.ensure(Leased.WATCH, "watch-1")
            await leases.ensure(Leased.WATCH, "watch-2")
            await leases.ensure(Leased.WATCH, "watch-2", kept)
            with pytest.raises(LeaseLost):
                await leases.ensure(Leased.WATCH, "watch-2", lost)
    assert told.value.sentence == (
        "The bot stood still for so long that another process took over; this was not sent."
    )
    assert str(told.value.hint) == "Check the present state, then request what is missing."


async def test_what_is_let_go_is_renewed_no_more(store: Store, clock: ManualClock) -> None:
    leases = Leases(store, clock, "me")
    with leases.holding(Leased.WATCH, await leased(store, clock, "1", "2"), LASTS) as hold:
        hold.let_go("watch-1")
        hold.let_go("nothing")
        clock.advance(LASTS / 2)
        await leases.beat()
        clock.advance(LASTS / 2)
        assert await taken(store, clock) == ["watch-1"]
