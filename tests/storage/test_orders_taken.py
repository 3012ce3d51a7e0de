"""Whoever renews a rental: one of many who say so at the same moment, and the others learn who."""

from bot.ids import UserId
from storage import Store, UnitOfWork
from tests.storage.conftest import Racing
from tests.storage.samples import NOW, order


async def test_one_of_many_takes_a_rental_and_all_others_find_who(
    store: Store, racing: Racing
) -> None:
    rental = order()
    async with store.write() as tx:
        await tx.orders.add(rental)

    async def takes(tx: UnitOfWork, number: int) -> tuple[UserId, bool, str]:
        user = UserId(f"U{number}")
        is_taken = await tx.orders.take(rental, user, "", NOW)
        found = await tx.orders.find(rental.id)
        return user, is_taken, "" if found is None else found.renewer

    said = await racing(takes)
    [taker] = [user for user, is_taken, _ in said if is_taken]
    assert {renewer for _, _, renewer in said} == {taker}


async def test_of_those_who_take_it_over_from_one_a_single_one_does(
    store: Store, racing: Racing
) -> None:
    rental = order()
    async with store.write() as tx:
        await tx.orders.add(rental)
        assert await tx.orders.take(rental, UserId("UFIRST"), "", NOW)

    async def takes(tx: UnitOfWork, number: int) -> bool:
        return await tx.orders.take(rental, UserId(f"U{number}"), "UFIRST", NOW)

    assert (await racing(takes)).count(True) == 1
