from bot.ids import ApprovalId, ChannelId, ExecutionId, UserId
from bot.model import ApprovalStatus, ExecutionStatus, MessageRef, Verdict, Vote, WatchState
from storage import Store
from tests.storage.samples import HERE, LATER, NOW, SOON, approval, execution, record, watch


async def say(store: Store, key: str) -> None:
    """A message that Slack shows."""
    async with store.write() as tx:
        await tx.messages.put(key, HERE, "{}", NOW)
        (claimed,) = await tx.messages.claim_due("p", NOW, SOON, 10)
        await tx.messages.delivered(
            claimed.id, claimed.version, MessageRef(ChannelId("C1"), "1.2"), "p"
        )


async def forget(store: Store) -> int:
    """All that can go, two at a time."""
    after, gone = "", 0
    while True:
        async with store.write() as tx:
            after, count = await tx.leftovers.forget_messages(LATER, LATER, after=after, limit=2)
            gone += count
            gone += await tx.leftovers.forget_votes(LATER, 100)
            gone += await tx.leftovers.forget_watches(LATER, 100)
        if not after:
            return gone


async def end(store: Store, name: str) -> None:
    async with store.write() as tx:
        assert await tx.executions.set_status(
            ExecutionId(name), ExecutionStatus.DONE, now=SOON, expect=set(ExecutionStatus)
        )


async def test_messages_of_what_has_ended_go_and_others_stay(store: Store) -> None:
    await record(store, execution("1"), execution("2"))
    keys = [f"card:execution-{n}{copy}" for n in (1, 2) for copy in ("", ":U2", ":U3")]
    for key in (*keys, "audit-head:2026-01-01"):
        await say(store, key)
    async with store.write() as tx:
        await tx.messages.put("end:execution-1", HERE, "{}", NOW)  # not delivered yet
    await end(store, "execution-1")
    assert await forget(store) == 4
    async with store.read() as tx:
        for key in keys:
            assert (await tx.messages.find(key) is None) is key.startswith("card:execution-1:")
        card = await tx.messages.find("card:execution-1")  # the audit says where it stands
        assert card is not None
        assert (card.content, card.ref) == ("", MessageRef(ChannelId("C1"), "1.2"))
        assert await tx.messages.find("end:execution-1") is not None
        assert await tx.executions.find(ExecutionId("execution-1")) is not None
    assert await forget(store) == 0


async def test_clicks_and_watches_go_once_all_is_over(store: Store) -> None:
    await record(store, execution("1"))
    async with store.write() as tx:
        await tx.approvals.add(approval("1", expires_at=SOON, needed=2))
        await tx.watches.add(watch("1"))
        for key, user in (("late", "U2"), ("click", "U3")):
            await tx.votes.cast(
                Vote(key, ApprovalId("approval-1"), UserId(user), Verdict.APPROVE, NOW, HERE)
            )
    assert await forget(store) == 0
    async with store.write() as tx:
        await tx.votes.count("click", NOW)
        await tx.votes.refuse("late", "no", NOW)
        await tx.approvals.resolve(
            ApprovalId("approval-1"), ApprovalStatus.CANCELLED, by=UserId("U1"), now=SOON
        )
        await tx.watches.settle("watch-1", WatchState.DONE, "running")
    await end(store, "execution-1")
    assert await forget(store) == 2
    async with store.read() as tx:
        assert [vote.user for vote in await tx.votes.of(ApprovalId("approval-1"))] == ["U3"]
        assert await tx.watches.find("watch-1") is None
        assert (await tx.approvals.get(ApprovalId("approval-1"))).decided_by == "U1"


async def test_broken_glass_keeps_its_messages_until_it_is_reviewed(store: Store) -> None:
    await record(store, execution("1"))
    async with store.write() as tx:
        await tx.approvals.add(approval("1"))
    for key in ("glass:execution-1", "remind:approval-1:1"):
        await say(store, key)
    await end(store, "execution-1")
    assert await forget(store) == 0
    async with store.write() as tx:
        await tx.approvals.resolve(
            ApprovalId("approval-1"), ApprovalStatus.APPROVED, by=UserId("U2"), now=SOON
        )
    assert await forget(store) == 2


async def test_by_what_secrets_are_known_again_is_forgotten_in_the_end(store: Store) -> None:
    secrets = {"password": "SECRET"}
    await record(store, execution("1", secrets=secrets), execution("2", secrets=secrets))
    await end(store, "execution-1")
    async with store.write() as tx:
        assert not await tx.executions.was_given("delivery-1", {"password": "other"})
        assert await tx.leftovers.forget_digests(SOON, 9) == 0
        assert await tx.leftovers.forget_digests(LATER, 9) == 1
        assert await tx.leftovers.forget_digests(LATER, 9) == 0
        assert await tx.executions.was_given("delivery-1", {"password": "other"})
        assert not await tx.executions.was_given("delivery-2", {"password": "other"})
        assert await tx.executions.was_given("delivery-2", secrets)
