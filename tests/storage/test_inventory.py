import contextlib
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event

from bot.errors import Conflict
from bot.ids import NodeId, UserId
from bot.model import Machine, Nicknamed, Scope, Sighted, Sighting
from storage import Store, UnitOfWork
from tests.storage.conftest import Racing
from tests.storage.samples import LATER, NOW, SOON, machine, node


async def seen(store: Store, owner: UserId | None = None) -> list[Machine]:
    async with store.read() as tx:
        return await tx.inventory.machines(owner)


async def test_a_list_takes_the_place_of_the_former_one_of_its_person_and_node(
    store: Store,
) -> None:
    async with store.write() as tx:
        await tx.inventory.replace_machines(
            NodeId("node-1"), UserId("U1"), [machine("a"), machine("b")], NOW
        )
        await tx.inventory.replace_machines(
            NodeId("node-2"), UserId("U1"), [machine("c", node="node-2")], NOW
        )
        await tx.inventory.replace_machines(
            NodeId("node-1"), UserId("U2"), [machine("d", owner="U2")], NOW
        )
        await tx.inventory.replace_machines(
            NodeId("node-1"), UserId("U1"), [machine("b"), machine("e")], SOON
        )
    assert [each.task for each in await seen(store, UserId("U1"))] == ["b", "c", "e"]
    assert [each.task for each in await seen(store, UserId("U2"))] == ["d"]
    assert [each.task for each in await seen(store)] == ["b", "c", "d", "e"]


async def test_a_machine_seen_by_two_is_one_machine_as_last_seen(store: Store) -> None:
    async with store.write() as tx:
        await tx.inventory.put_machine(machine("a", status="creating"))
        await tx.inventory.put_machine(machine("a", owner="U2", status="running", seen_at=SOON))
    assert [each.status for each in await seen(store)] == ["running"]
    assert [each.status for each in await seen(store, UserId("U1"))] == ["running"]
    assert [each.status for each in await seen(store, UserId("U2"))] == ["running"]


async def test_a_list_is_kept_while_nobody_writes_anything_else_of_its_node(store: Store) -> None:
    async with store.write() as tx:
        await tx.inventory.replace_machines(
            NodeId("node-1"), UserId("U1"), [machine("a"), machine("b")], NOW
        )
        assert await tx.inventory.is_kept(NodeId("node-1"), UserId("U1"), 2, NOW)
        assert not await tx.inventory.is_kept(NodeId("node-1"), UserId("U1"), 1, NOW)
        assert not await tx.inventory.is_kept(NodeId("node-1"), UserId("U2"), 2, NOW)
        await tx.inventory.seen_again(NodeId("node-1"), SOON)
        assert not await tx.inventory.is_kept(NodeId("node-1"), UserId("U1"), 2, NOW)
        assert await tx.inventory.is_kept(NodeId("node-1"), UserId("U1"), 2, SOON)
    assert {each.seen_at for each in await seen(store)} == {SOON}


@pytest.mark.parametrize("written", [{"status": "closed"}, {"owner": "U2"}, {"task": "c"}])
async def test_a_list_is_not_kept_once_somebody_wrote_something_else_of_its_node(
    store: Store, written: dict[str, Any]
) -> None:
    other = replace(machine("a", seen_at=LATER), **written)
    async with store.write() as tx:
        await tx.inventory.replace_machines(
            NodeId("node-1"), UserId("U1"), [machine("a"), machine("b")], NOW
        )
        await tx.inventory.put_machine(other)
        assert not await tx.inventory.is_kept(NodeId("node-1"), UserId("U1"), 2, NOW)


async def test_old_news_changes_nothing(store: Store) -> None:
    newest = machine("a", status="closed", seen_at=SOON)
    async with store.write() as tx:
        await tx.inventory.put_machine(newest)
        await tx.inventory.put_machine(machine("a", status="running"))
        await tx.inventory.replace_machines(
            NodeId("node-1"), UserId("U1"), [machine("a"), machine("b")], NOW
        )
        await tx.inventory.replace_machines(NodeId("node-1"), UserId("U1"), [], NOW)
    assert await seen(store) == [newest]


@contextlib.contextmanager
def statements(tx: UnitOfWork) -> Iterator[list[str]]:
    """The statements that a unit of work sends."""
    sent: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_more: Any) -> None:
        sent.append(statement)

    connection = tx.inventory._connection.sync_connection
    event.listen(connection, "before_cursor_execute", note)
    yield sent
    event.remove(connection, "before_cursor_execute", note)


async def test_a_long_list_takes_few_statements_and_what_is_unchanged_is_not_written_anew(
    store: Store,
) -> None:
    listed = [machine(str(number)) for number in range(1_000)]
    known = [node(str(number)) for number in range(1_000)]
    async with store.write() as tx:
        with statements(tx) as first:
            await tx.inventory.replace_machines(NodeId("node-1"), UserId("U1"), listed, NOW)
            await tx.inventory.put_nodes(known)
        with statements(tx) as again:
            await tx.inventory.replace_machines(NodeId("node-1"), UserId("U1"), listed, SOON)
            await tx.inventory.put_nodes([replace(one, seen_at=SOON) for one in known])
        changed = [replace(one, status="closed") for one in listed]
        with statements(tx) as third:
            await tx.inventory.replace_machines(NodeId("node-1"), UserId("U1"), changed, SOON)
    assert max(map(len, (first, again, third))) < 30
    assert not [sent for sent in again if sent.startswith("INSERT")]
    assert {one.status for one in await seen(store)} == {"closed"}
    assert {one.seen_at for one in await seen(store)} == {SOON}
    async with store.read() as tx:
        assert {one.seen_at for one in await tx.inventory.nodes()} == {SOON}


async def test_nicknames_are_joined_and_order_the_lists(store: Store) -> None:
    async with store.write() as tx:
        await tx.inventory.put_machine(machine("a", desc="zeta"))
        await tx.inventory.put_machine(machine("b", desc="beta"))
        await tx.inventory.put_nodes([node("n1", name="gpu-9"), node("n2", name="GPU-1")])
        await tx.names.set(Nicknamed.MACHINE, "a", "alpha")
        await tx.names.set(Nicknamed.NODE, "n2", "tokyo")
        assert [each.label for each in await tx.inventory.machines()] == ["alpha", "beta"]
        assert [each.label for each in await tx.inventory.nodes()] == ["gpu-9", "tokyo"]
        found = await tx.inventory.find_node(NodeId("n2"))
        assert await tx.inventory.find_node(NodeId("n3")) is None
    assert found == node("n2", name="GPU-1", nickname="tokyo")


async def test_an_announcement_renews_a_node_and_drops_none(store: Store) -> None:
    async with store.write() as tx:
        await tx.inventory.put_nodes([node("n1"), node("n2")])
        renewed = node("n1", name="gpu-1", version="0.5.0", seen_at=NOW + timedelta(days=1))
        await tx.inventory.put_nodes([renewed])
        assert await tx.inventory.nodes() == [renewed, node("n2")]


async def test_a_name_is_found_however_it_is_written(store: Store) -> None:
    async with store.write() as tx:
        await tx.names.set(Nicknamed.MACHINE, "task-1", "Große Maschine")
        assert await tx.names.find(Nicknamed.MACHINE, "GROSSE MASCHINE") == "task-1"
        assert await tx.names.find(Nicknamed.NODE, "Große Maschine") is None
        assert await tx.names.all(Nicknamed.MACHINE) == {"task-1": "Große Maschine"}


async def test_a_taken_name_is_refused_and_the_rest_of_the_work_is_kept(store: Store) -> None:
    async with store.write() as tx:
        await tx.names.set(Nicknamed.MACHINE, "task-1", "Trainer")
        await tx.names.set(Nicknamed.MACHINE, "task-1", "trainer")
        await tx.names.set(Nicknamed.NODE, "node-1", "trainer")
        with pytest.raises(Conflict, match="already called TRAINER"):
            await tx.names.set(Nicknamed.MACHINE, "task-2", "TRAINER")
    async with store.write() as tx:
        assert await tx.names.all(Nicknamed.MACHINE) == {"task-1": "trainer"}
        assert await tx.names.remove(Nicknamed.MACHINE, "task-1")
        assert not await tx.names.remove(Nicknamed.MACHINE, "task-1")
        await tx.names.set(Nicknamed.MACHINE, "task-2", "TRAINER")


async def test_of_many_who_want_a_name_one_gets_it(store: Store, racing: Racing) -> None:
    async def name(tx: UnitOfWork, number: int) -> bool:
        try:
            await tx.names.set(Nicknamed.MACHINE, f"task-{number}", "Trainer")
        except Conflict:
            return False
        return True

    assert (await racing(name)).count(True) == 1


async def test_a_default_belongs_to_one_person_or_channel(store: Store) -> None:
    async with store.write() as tx:
        await tx.defaults.set(Scope.PERSON, UserId("X1"), NodeId("node-1"))
        await tx.defaults.set(Scope.CHANNEL, UserId("X1"), NodeId("node-2"))
        await tx.defaults.set(Scope.PERSON, UserId("X1"), NodeId("node-3"))
        assert await tx.defaults.get(Scope.PERSON, UserId("X1")) == "node-3"
        assert await tx.defaults.get(Scope.CHANNEL, UserId("X1")) == "node-2"
        assert await tx.defaults.get(Scope.CHANNEL, UserId("X2")) is None
        assert await tx.defaults.remove(Scope.PERSON, UserId("X1"))
        assert not await tx.defaults.remove(Scope.PERSON, UserId("X1"))
        assert await tx.defaults.get(Scope.PERSON, UserId("X1")) is None


async def test_a_clock_that_stands_still_loses_no_news(store: Store) -> None:
    async with store.write() as tx:
        await tx.inventory.put_machine(machine("a", status="creating", seen_at=LATER))
        await tx.inventory.put_machine(machine("a", status="running", seen_at=LATER))
    assert [each.status for each in await seen(store)] == ["running"]


async def test_replicas_that_see_the_same_at_once_do_not_stop_each_other(
    store: Store, racing: Racing
) -> None:
    there = [machine(str(number)) for number in range(6)]
    known = [node(str(number)) for number in range(6)]
    images = [Sighting(f"image-{number}") for number in range(6)]

    async def see(tx: UnitOfWork, number: int) -> None:
        turn = number % 3  # each writes the same rows in another order
        await tx.inventory.put_nodes([*known[turn:], *known[:turn]][:: -1 if number % 2 else 1])
        mine = [*there[turn:], *there[:turn]][:: -1 if number % 2 else 1]
        await tx.inventory.replace_machines(NodeId("node-1"), UserId(f"U{number % 4}"), mine, LATER)
        await tx.sightings.replace(
            Sighted.IMAGE, "node-1", images[:: -1 if number % 2 else 1], LATER
        )

    await racing(see, 16)
    assert len(await seen(store)) == 6
