from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from bot.errors import NotFound
from bot.ids import ChannelId, ExecutionId, NodeId, UserId
from bot.model import MACHINE_GOALS, Goal, Place, WatchState
from storage import Due, Look, Store, UnitOfWork
from tests.storage.conftest import Racing
from tests.storage.samples import LATER, NOW, SOON, claim_watches, execution, machine, record, watch


@pytest.fixture(autouse=True)
async def recorded(store: Store) -> None:
    await record(store, execution("1"), execution("2", actor="U2"))


async def add(store: Store, *names: str, **changes: object) -> None:
    async with store.write() as tx:
        for name in names:
            await tx.watches.add(watch(name, **changes))


async def test_a_watch_comes_back_unchanged(store: Store) -> None:
    original = watch(
        goal=Goal.GONE, polls=3, status="creating", unsure=True, moved=True, silent_since=SOON,
        about={"image": "映像.qcow2"}, stopped_by="U3",
    )  # fmt: skip
    async with store.write() as tx:
        await tx.watches.add(original)
    async with store.read() as tx:
        assert await tx.watches.get(original.id) == original
        assert await tx.watches.for_execution(ExecutionId("execution-1")) == original
        assert await tx.watches.for_execution(ExecutionId("execution-2")) is None
        assert await tx.watches.find("nobody") is None
        with pytest.raises(NotFound):
            await tx.watches.get("nobody")


async def test_every_due_watch_is_claimed_once(store: Store, racing: Racing) -> None:
    for number in range(30):
        await add(store, str(number), node=f"node-{number}")

    async def claim(tx: UnitOfWork, number: int) -> list[str]:
        return [each.id for each in await claim_watches(tx, f"p{number}", NOW, SOON, 3)]

    batches = await racing(claim) + await racing(claim)
    claimed = [each for batch in batches for each in batch]
    assert all(len(batch) <= 3 for batch in batches)
    assert sorted(claimed) == sorted(f"watch-{number}" for number in range(30))


async def test_only_open_watches_whose_time_has_come_are_claimed(store: Store) -> None:
    await add(store, "due")
    await add(store, "overdue", next_poll_at=NOW - timedelta(seconds=1))
    await add(store, "early", next_poll_at=SOON)
    await add(store, "ended", state=WatchState.DONE)
    async with store.write() as tx:
        claimed = await claim_watches(tx, "p", NOW, SOON)
    assert [each.id for each in claimed] == ["watch-overdue", "watch-due"]


async def test_a_lease_runs_out(store: Store) -> None:
    await add(store, "1")
    async with store.write() as tx:
        assert len(await claim_watches(tx, "dead", NOW, SOON)) == 1
    async with store.write() as tx:
        assert await claim_watches(tx, "p", NOW, LATER) == []
        assert await claim_watches(tx, "dead", NOW, LATER) == []
        assert len(await claim_watches(tx, "p", SOON, LATER)) == 1
        assert not await tx.watches.save(watch("1"), "dead")


async def test_one_request_serves_a_node_and_person(store: Store) -> None:
    await add(store, "1")
    await add(store, "2", next_poll_at=LATER)
    await add(store, "other-node", node="node-2", next_poll_at=LATER)
    await add(store, "other-person", owner="U2", next_poll_at=LATER)
    await add(store, "ended", state=WatchState.FAILED)
    async with store.write() as tx:
        (due,) = await tx.watches.due(NOW, 10)
        group = await tx.watches.claim(due, "p", NOW, SOON, goals=MACHINE_GOALS)
        assert sorted(group) == ["watch-1", "watch-2"]
        assert await tx.watches.claim(due, "q", NOW, SOON, goals=MACHINE_GOALS) == []


async def test_saving_releases_the_lease(store: Store) -> None:
    await add(store, "1")
    async with store.write() as tx:
        (claimed,) = await claim_watches(tx, "p", NOW, LATER)
        seen = replace(claimed, polls=1, status="creating", next_poll_at=SOON, moved=True)
        assert not await tx.watches.save(seen, "q")
        assert await tx.watches.save(seen, "p")
        assert not await tx.watches.save(seen, "p")
        assert await tx.watches.get("watch-1") == seen
        assert await claim_watches(tx, "q", SOON, LATER) == [seen]


async def test_looks_that_showed_nothing_new_are_kept_in_one_step(store: Store) -> None:
    await add(store, "1", "2", "3", "4")
    async with store.write() as tx:
        await claim_watches(tx, "p", NOW, LATER)
        await tx.watches.settle("watch-3", WatchState.STOPPED, "")
        await tx.watches.look_again(["watch-1", "watch-2", "watch-3"], SOON, "p", looks=1)
        await tx.watches.look_again(["watch-4"], SOON, "q", looks=1)
        assert await claim_watches(tx, "q", NOW, LATER) == []
        again = await claim_watches(tx, "q", SOON, LATER)
        found = [await tx.watches.get(f"watch-{name}") for name in "34"]
    assert sorted((one.id, one.polls, one.next_poll_at) for one in again) == [
        ("watch-1", 1, SOON),
        ("watch-2", 1, SOON),
    ]
    assert [(one.polls, one.next_poll_at) for one in found] == [(0, NOW), (0, NOW)]


OLD = NOW - timedelta(minutes=9)
LOOK = Look(NodeId("node-1"), UserId("U1"), SOON, LATER, OLD, ("creating",), 7)
# All that must hold of a machine at work for its look to show nothing new.
AT_WORK = {
    "status": "creating", "moved": True, "polls": 9, "started_at": OLD, "deadline_at": LATER,
}  # fmt: skip


async def test_a_machine_at_work_that_is_listed_as_before_is_put_back_at_once(
    store: Store,
) -> None:
    await add(store, "1", **AT_WORK)
    async with store.write() as tx:
        await tx.inventory.replace_machines(
            NodeId("node-1"), UserId("U1"), [machine("task-1", status="creating")], SOON
        )
        await claim_watches(tx, "p", NOW, LATER)
        assert await tx.watches.as_before(LOOK, "q") == frozenset()
        assert await tx.watches.as_before(LOOK, "p") == {"watch-1"}
        found = await tx.watches.get("watch-1")
        assert (found.polls, found.next_poll_at) == (10, LATER)
        assert [each.id for each in await claim_watches(tx, "q", LATER, LATER)] == ["watch-1"]


@pytest.mark.parametrize(
    "differs",
    [
        {"status": "restarting"},
        {"moved": False},
        {"unsure": True},
        {"silent_since": NOW},
        {"polls": 6},
        {"deadline_at": SOON},
        {"next_poll_at": OLD - timedelta(seconds=1)},
        {"started_at": LATER},
        {"goal": Goal.DOWNLOADED},
        {"task": "unlisted"},
        {"node": "node-2"},
        {"owner": "U2"},
        {"state": WatchState.DONE},
    ],
    ids=lambda differs: next(iter(differs)),
)
async def test_what_a_look_may_tell_something_of_is_looked_at(
    store: Store, differs: dict[str, object]
) -> None:
    await add(store, "1", **{**AT_WORK, **differs})
    async with store.write() as tx:
        await tx.inventory.replace_machines(
            NodeId("node-1"), UserId("U1"), [machine("task-1", status="creating")], SOON
        )
        await claim_watches(tx, "p", NOW, LATER)
        assert await tx.watches.as_before(LOOK, "p") == frozenset()


@pytest.mark.parametrize(("status", "at"), [("running", SOON), ("creating", NOW)])
async def test_a_machine_that_was_listed_otherwise_or_before_is_looked_at(
    store: Store, status: str, at: datetime
) -> None:
    await add(store, "1", **AT_WORK)
    async with store.write() as tx:
        await tx.inventory.replace_machines(
            NodeId("node-1"), UserId("U1"), [machine("task-1", status=status)], at
        )
        await claim_watches(tx, "p", NOW, LATER)
        assert await tx.watches.as_before(LOOK, "p") == frozenset()


async def test_who_looks_with_the_session_of_another_is_known(store: Store) -> None:
    await add(store, "1")
    await add(store, "2", execution="execution-2")
    async with store.write() as tx:
        await claim_watches(tx, "p", NOW, LATER)
        assert await tx.watches.asked_by_others(NodeId("node-1"), UserId("U1"), "q") == []
        found = await tx.watches.asked_by_others(NodeId("node-1"), UserId("U1"), "p")
    assert found == [("watch-2", "U2", "C1")]


async def test_of_many_ends_one_wins(store: Store, racing: Racing) -> None:
    await add(store, "1")

    async def settle(tx: UnitOfWork, number: int) -> bool:
        return await tx.watches.settle("watch-1", WatchState.DONE, f"seen by {number}")

    results = await racing(settle)
    assert results.count(True) == 1
    async with store.read() as tx:
        assert (await tx.watches.get("watch-1")).status == f"seen by {results.index(True)}"


async def test_only_who_holds_the_lease_ends_what_was_looked_at(store: Store) -> None:
    await add(store, "1")
    async with store.write() as tx:
        await claim_watches(tx, "p", NOW, SOON)
        assert not await tx.watches.settle("watch-1", WatchState.DONE, "", by="q")
        assert (await tx.watches.get("watch-1")).state is WatchState.OPEN
        await claim_watches(tx, "q", SOON, LATER)
        assert not await tx.watches.settle("watch-1", WatchState.DONE, "", by="p")
        assert await tx.watches.settle("watch-1", WatchState.DONE, "", by="q")


async def test_an_ended_watch_is_not_saved_over(store: Store) -> None:
    await add(store, "1")
    async with store.write() as tx:
        (claimed,) = await claim_watches(tx, "p", NOW, LATER)
        assert await tx.watches.settle(claimed.id, WatchState.STOPPED, "")
        assert not await tx.watches.save(claimed, "p")
        assert (await tx.watches.get(claimed.id)).state is WatchState.STOPPED


async def test_open_watches_are_listed_by_who_asked_and_where(store: Store) -> None:
    await add(store, "1")
    await add(store, "2", execution="execution-2", owner="U1", place=Place(ChannelId("C2")))
    await add(store, "ended", state=WatchState.DONE)
    async with store.read() as tx:
        assert [each.id for each in await tx.watches.open()] == ["watch-1", "watch-2"]
        assert [each.id for each in await tx.watches.open(asked_by="U2")] == ["watch-2"]
        assert [each.id for each in await tx.watches.open(channel=ChannelId("C1"))] == ["watch-1"]
        assert await tx.watches.open(asked_by="U2", channel=ChannelId("C1")) == []
        assert await tx.watches.open(node=NodeId("node-2")) == []
        assert len(await tx.watches.open(node=NodeId("node-1"))) == 2


async def test_a_stop_noted_during_a_poll_survives_its_result(store: Store) -> None:
    await add(store, "1")
    async with store.write() as tx:
        (claimed,) = await claim_watches(tx, "me", LATER, LATER + timedelta(minutes=2))
        await tx.watches.note_stop(claimed.id, UserId("U3"), LATER)
        assert await tx.watches.save(replace(claimed, status="37 %"), "me")
        stored = await tx.watches.get(claimed.id)
    assert (stored.status, stored.stopped_by) == ("37 %", "U3")


async def test_only_machines_are_looked_at_together(store: Store) -> None:
    await add(store, "1", goal=Goal.SETTLED, next_poll_at=LATER)
    await add(store, "2", goal=Goal.DOWNLOADED, next_poll_at=LATER)
    async with store.write() as tx:
        one = await tx.watches.get("watch-1")
        group = Due(one.node, one.owner, Goal.RUNNING)
        found = await tx.watches.claim(group, "me", NOW, LATER, goals=MACHINE_GOALS)
    assert found == ["watch-1"]


async def test_what_is_done_to_one_watch_is_done_to_no_other(store: Store) -> None:
    await add(store, "1", "2", "3")
    async with store.write() as tx:
        await claim_watches(tx, "p", NOW, LATER)
        await tx.watches.note_stop("watch-1", UserId("U3"), SOON)
        assert await tx.watches.save(watch("2", status="creating"), "p")
        assert await tx.watches.settle("watch-3", WatchState.DONE, "running", by="p")
        await tx.watches.note_stop("watch-3", UserId("U3"), SOON)
        found = [await tx.watches.get(f"watch-{name}") for name in "123"]
    assert [one.next_poll_at for one in found] == [SOON, NOW, NOW]  # a stop is looked at at once
    assert [(one.stopped_by, one.status, one.state) for one in found] == [
        ("U3", "", WatchState.OPEN),
        ("", "creating", WatchState.OPEN),
        ("", "running", WatchState.DONE),
    ]  # fmt: skip


async def test_open_watches_come_oldest_first_and_by_id_where_they_began_together(
    store: Store,
) -> None:
    await add(store, "1", started_at=SOON)
    await add(store, "3")
    await add(store, "2")
    async with store.read() as tx:
        assert [one.id for one in await tx.watches.open()] == ["watch-2", "watch-3", "watch-1"]
        newest = await tx.watches.for_execution(ExecutionId("execution-1"))
    assert newest is not None
    assert newest.id == "watch-1"
