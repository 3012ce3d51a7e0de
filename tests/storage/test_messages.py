from datetime import timedelta

import pytest

from bot.ids import ChannelId
from bot.model import MessageRef, Place
from storage import FARTHEST_AHEAD, Store, UnitOfWork
from tests.storage.conftest import Racing
from tests.storage.samples import HERE, LATER, NOW, REF, SOON, put


async def test_a_new_content_is_a_new_version_and_the_same_is_none(store: Store) -> None:
    first = await put(store, "card:1", "a")
    assert (first.version, first.delivered, first.ref, first.place) == (1, 0, None, HERE)
    assert await put(store, "card:1", "a", LATER) == first
    async with store.write() as tx:
        second = await tx.messages.put("card:1", Place(ChannelId("elsewhere")), "b", LATER)
    assert (second.id, second.version, second.place, second.content) == (first.id, 2, HERE, "b")
    async with store.read() as tx:
        assert await tx.messages.find("card:1") == second
        assert await tx.messages.find("card:2") is None


async def test_many_first_puts_make_one_message(store: Store, racing: Racing) -> None:
    async def one(tx: UnitOfWork, number: int) -> int:
        return (await tx.messages.put("card:1", HERE, f"content {number}", NOW)).version

    assert sorted(await racing(one)) == list(range(1, 21))


async def test_every_message_is_claimed_once_oldest_first(store: Store, racing: Racing) -> None:
    for number in range(20):
        await put(store, f"card:{number:02}", "a", NOW + timedelta(milliseconds=number))

    async def claim(tx: UnitOfWork, number: int) -> list[str]:
        batch = await tx.messages.claim_due(f"p{number}", SOON, LATER, 3)
        assert all(each.attempts == 1 for each in batch)
        return [each.key for each in batch]

    batches = await racing(claim) + await racing(claim)
    assert all(batch == sorted(batch) and len(batch) <= 3 for batch in batches)
    claimed = [each for batch in batches for each in batch]
    assert sorted(claimed) == [f"card:{number:02}" for number in range(20)]


async def test_what_is_delivered_rests_until_something_else_is_wanted(store: Store) -> None:
    await put(store, "card:1", "a")
    async with store.write() as tx:
        (message,) = await tx.messages.claim_due("p", NOW, SOON, 10)
        assert await tx.messages.delivered(message.id, message.version, REF, "p")
        assert await tx.messages.claim_due("p", LATER, LATER, 10) == []
        await tx.messages.put("card:1", HERE, "b", NOW)
        (message,) = await tx.messages.claim_due("p", NOW, SOON, 10)
    assert (message.version, message.delivered, message.ref, message.attempts) == (2, 1, REF, 1)


async def test_a_version_wanted_during_a_delivery_is_due_after_it(store: Store) -> None:
    await put(store, "card:1", "a")
    async with store.write() as tx:
        (message,) = await tx.messages.claim_due("p", NOW, SOON, 10)
    await put(store, "card:1", "b")
    async with store.write() as tx:
        assert await tx.messages.claim_due("q", NOW, SOON, 10) == []
        await tx.messages.delivered(message.id, message.version, REF, "p")
        (message,) = await tx.messages.claim_due("q", NOW, SOON, 10)
    assert message.content == "b"


async def test_attempts_count_what_may_have_been_posted_before_a_crash(store: Store) -> None:
    await put(store, "card:1", "a")
    async with store.write() as tx:
        await tx.messages.claim_due("dead", NOW, SOON, 10)
    async with store.write() as tx:
        (message,) = await tx.messages.claim_due("p", SOON, LATER, 10)
        assert (message.attempts, message.delivered, message.ref) == (2, 0, None)
        assert not await tx.messages.delivered(message.id, 1, REF, "dead")
        assert await tx.messages.delivered(message.id, 1, REF, "p")


async def test_a_retry_waits_also_for_a_new_version(store: Store) -> None:
    await put(store, "card:1", "a")
    async with store.write() as tx:
        (message,) = await tx.messages.claim_due("p", NOW, LATER, 10)
        assert not await tx.messages.retry(message.id, SOON, "ratelimited", "q")
        assert await tx.messages.retry(message.id, SOON, "ratelimited", "p")
        await tx.messages.put("card:1", HERE, "b", NOW)
        assert await tx.messages.claim_due("p", NOW, LATER, 10) == []
        (message,) = await tx.messages.claim_due("p", SOON, LATER, 10)
    assert (message.content, message.attempts) == ("b", 2)


async def test_what_was_put_back_counts_as_not_begun(store: Store) -> None:
    await put(store, "card:1", "a")
    async with store.write() as tx:
        (message,) = await tx.messages.claim_due("p", NOW, LATER, 10)
        assert not await tx.messages.put_back(message.id, SOON, "token_revoked", "q")
        assert await tx.messages.put_back(message.id, SOON, "token_revoked", "p")
        assert await tx.messages.claim_due("p", NOW, LATER, 10) == []
        (message,) = await tx.messages.claim_due("p", SOON, LATER, 10)
    assert message.attempts == 1


async def test_what_is_shown_but_unsettled_is_edited_once_more_then(store: Store) -> None:
    await put(store, "card:1", "a")
    async with store.write() as tx:
        (message,) = await tx.messages.claim_due("p", NOW, LATER, 10)
        await tx.messages.delivered(message.id, 1, REF, "p", unsettled_until=SOON)
        assert await tx.messages.claim_due("p", NOW, LATER, 10) == []
        (message,) = await tx.messages.claim_due("p", SOON, LATER, 10)
        assert (message.version, message.ref, message.unsettled_until) == (1, REF, SOON)
        await tx.messages.delivered(message.id, 1, REF, "p")
        assert await tx.messages.claim_due("p", LATER, LATER, 10) == []


@pytest.mark.parametrize("put_back", [False, True])
async def test_an_edit_that_is_repeated_waits_for_what_it_failed_with(
    store: Store, put_back: bool
) -> None:
    await put(store, "card:1", "a")
    async with store.write() as tx:
        (message,) = await tx.messages.claim_due("p", NOW, LATER, 10)
        await tx.messages.delivered(message.id, 1, REF, "p", unsettled_until=SOON)
        await tx.messages.claim_due("p", SOON, LATER, 10)
        end = tx.messages.put_back if put_back else tx.messages.retry
        await end(message.id, LATER, "ratelimited", "p")
        assert await tx.messages.claim_due("p", SOON, LATER, 10) == []
        assert len(await tx.messages.claim_due("p", LATER, LATER, 10)) == 1


async def test_a_new_version_does_not_wait_for_an_older_edit_to_settle(store: Store) -> None:
    await put(store, "card:1", "a")
    async with store.write() as tx:
        (message,) = await tx.messages.claim_due("p", NOW, LATER, 10)
        await tx.messages.delivered(message.id, 1, REF, "p", unsettled_until=LATER)
        await tx.messages.put("card:1", HERE, "b", NOW)
        (message,) = await tx.messages.claim_due("p", NOW, LATER, 10)
    assert message.content == "b"


async def test_the_longest_pause_is_kept_also_by_a_clock_a_little_behind(store: Store) -> None:
    await put(store, "card:1", "a")
    async with store.write() as tx:
        (message,) = await tx.messages.claim_due("p", NOW, LATER, 10)
        await tx.messages.retry(message.id, NOW + FARTHEST_AHEAD, "ratelimited", "p")
        behind = NOW - timedelta(seconds=1)
        assert await tx.messages.claim_due("q", behind, LATER, 10) == []


async def test_what_slack_left_unanswered_is_known_to_whoever_claims_it_next(store: Store) -> None:
    await put(store, "card:1", "a")
    async with store.write() as tx:
        (message,) = await tx.messages.claim_due("p", NOW, LATER, 10)
        await tx.messages.retry(message.id, SOON, "TimeoutError", "p", unsettled_until=LATER)
        (message,) = await tx.messages.claim_due("q", SOON, LATER, 10)
        await tx.messages.retry(message.id, SOON, "may still appear", "q")
        (message,) = await tx.messages.claim_due("p", SOON, LATER, 10)
    assert (message.attempts, message.unsettled_until) == (3, LATER)


async def test_what_was_given_up_rests_until_a_new_version(store: Store) -> None:
    await put(store, "card:1", "a")
    async with store.write() as tx:
        (message,) = await tx.messages.claim_due("p", NOW, SOON, 10)
        assert await tx.messages.give_up(message.id, "channel_not_found", "p")
        await tx.messages.put("card:1", HERE, "a", NOW)
        assert await tx.messages.claim_due("p", LATER, LATER, 10) == []
        await tx.messages.put("card:1", HERE, "b", NOW)
        assert len(await tx.messages.claim_due("p", NOW, SOON, 10)) == 1


async def test_giving_up_a_version_spares_the_one_that_came_meanwhile(store: Store) -> None:
    await put(store, "card:1", "a")
    async with store.write() as tx:
        (message,) = await tx.messages.claim_due("p", NOW, SOON, 10)
        await tx.messages.put("card:1", HERE, "b", NOW)
        await tx.messages.give_up(message.id, "msg_too_long", "p")
        assert len(await tx.messages.claim_due("p", NOW, SOON, 10)) == 1


async def test_what_somebody_is_saying_is_left_to_them_until_a_moment(store: Store) -> None:
    async with store.write() as tx:
        await tx.messages.put("told:1", HERE, "a", NOW, not_before=SOON)
        await tx.messages.put("told:2", HERE, "a", NOW, not_before=SOON)
        assert await tx.messages.claim_due("p", NOW, LATER, 10) == []
        assert await tx.messages.was_said("told:1")
        (left,) = await tx.messages.claim_due("p", SOON, LATER, 10)
        assert left.key == "told:2"
        assert not await tx.messages.was_said("told:2")  # it is on its way in another way
        assert not await tx.messages.was_said("told:3")


@pytest.mark.parametrize("how", ["retry", "put_back", "give_up"])
async def test_why_a_message_stands_elsewhere_outlasts_what_delays_it(
    store: Store, how: str
) -> None:
    async with store.write() as tx:
        await tx.messages.put("card:1", Place(ChannelId("C1")), "one", NOW)
        [message] = await tx.messages.claim_due("a", NOW, LATER, 9)
        ref = MessageRef(ChannelId("D1"), "1.0")
        await tx.messages.delivered(message.id, 1, ref, "a", problem="not_in_channel")
        await tx.messages.put("card:1", Place(ChannelId("C1")), "two", NOW)
        await tx.messages.claim_due("a", NOW, LATER, 9)
        at = () if how == "give_up" else (LATER,)
        assert await getattr(tx.messages, how)(message.id, *at, "ratelimited", "a")
        found = await tx.messages.find("card:1")
    assert found is not None
    assert found.problem == "not_in_channel"
