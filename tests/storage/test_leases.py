from datetime import datetime, timedelta

import pytest

from bot.model import Leased
from storage import Store
from tests.storage.samples import (
    LATER,
    NOW,
    SOON,
    claim_watches,
    execution,
    order,
    put,
    record,
    watch,
)

END = LATER + timedelta(minutes=5)


async def held(store: Store, kind: Leased) -> str:
    """A row of that kind that `me` holds until SOON; its id."""
    await record(store, execution(), by="me")
    async with store.write() as tx:
        if kind is Leased.EXECUTION:
            return "execution-1"
        if kind is Leased.WATCH:
            await tx.watches.add(watch())
            return (await claim_watches(tx, "me", NOW, SOON))[0].id
        if kind is Leased.ORDER:
            await tx.orders.add(order())
            return (await tx.orders.claim_due(NOW, "me", SOON, 1))[0].id
    await put(store, "card:1", "a")
    async with store.write() as tx:
        return (await tx.messages.claim_due("me", NOW, SOON, 1))[0].id


async def can_be_taken(store: Store, kind: Leased, now: datetime) -> bool:
    """Lease the row for another process at that moment; whether that could be done."""
    taken: list[object] = []
    async with store.write() as tx:
        if kind is Leased.EXECUTION:
            taken += await tx.executions.claim_stranded("other", now, now + timedelta(minutes=1), 9)
        elif kind is Leased.WATCH:
            taken += await claim_watches(tx, "other", now, now + timedelta(minutes=1))
        elif kind is Leased.ORDER:
            taken += await tx.orders.claim_due(now, "other", now + timedelta(minutes=1), 9)
        else:
            taken += await tx.messages.claim_due("other", now, now + timedelta(minutes=1), 9)
    return bool(taken)


@pytest.mark.parametrize("kind", Leased)
async def test_a_renewed_lease_keeps_others_off_until_its_new_end(
    store: Store, kind: Leased
) -> None:
    one = await held(store, kind)
    async with store.write() as tx:
        assert await tx.leases.renew(kind, [one, "nothing"], "me", LATER) == {one}
    assert not await can_be_taken(store, kind, LATER - timedelta(seconds=1))
    assert await can_be_taken(store, kind, LATER)


@pytest.mark.parametrize("kind", Leased)
async def test_only_its_holder_renews_a_lease_also_one_that_ran_out(
    store: Store, kind: Leased
) -> None:
    one = await held(store, kind)
    async with store.write() as tx:
        assert await tx.leases.renew(kind, [one], "other", LATER) == frozenset()
        assert await tx.leases.renew(kind, [], "me", LATER) == frozenset()
        assert await tx.leases.renew(kind, [one], "me", SOON) == {one}
    assert await can_be_taken(store, kind, SOON)
    async with store.write() as tx:
        assert await tx.leases.renew(kind, [one], "me", END) == frozenset()


async def test_a_thousand_leases_are_renewed(store: Store) -> None:
    ids = [f"watch-{number}" for number in range(1001)]
    await record(store, execution(), by="me")
    async with store.write() as tx:
        for number in range(1001):
            await tx.watches.add(watch(str(number)))
        await claim_watches(tx, "me", NOW, SOON)
        assert await tx.leases.renew(Leased.WATCH, ids, "me", LATER) == set(ids)


async def test_what_is_not_named_is_not_renewed(store: Store) -> None:
    await record(store, execution(), by="me")
    async with store.write() as tx:
        for name in ("1", "2"):
            await tx.watches.add(watch(name))
        await claim_watches(tx, "me", NOW, SOON)
        assert await tx.leases.renew(Leased.WATCH, ["watch-1"], "me", LATER) == {"watch-1"}
        assert [one.id for one in await claim_watches(tx, "other", SOON, END)] == ["watch-2"]
