"""Machines as they were left, compared with how they are seen."""

from dataclasses import replace
from datetime import timedelta

from bot.ids import NodeId, TaskId, UserId
from bot.model import ExecutionStatus, Kept, Silence
from storage import Store
from tests.storage.samples import LATER, NOW, SOON, execution, machine, record

NODE, TASK = NodeId("node-1"), TaskId("task-1")
KEPT = Kept(NODE, TASK, UserId("U1"), "m", "running", NOW)


async def test_only_what_is_seen_otherwise_than_it_was_left_is_news(store: Store) -> None:
    async with store.write() as tx:
        await tx.inventory.put_machine(machine(status="running", seen_at=NOW))
        assert [one.task for one in await tx.outages.news()] == [TASK]
        await tx.outages.keep([(None, KEPT)])
        assert await tx.outages.news() == []
        await tx.inventory.put_machine(machine(status="closed", seen_at=SOON))
        assert [one.status for one in await tx.outages.news()] == ["closed"]
        assert await tx.outages.missing() == []
        await tx.inventory.replace_machines(NODE, UserId("U1"), [], LATER)
        assert await tx.outages.missing() == [KEPT]


async def test_what_another_process_has_written_since_is_not_overwritten(store: Store) -> None:
    told = replace(KEPT, status="closed", episode="theirs")
    async with store.write() as tx:
        await tx.outages.keep([(None, KEPT)])
        await tx.outages.keep([(KEPT, told)])
        await tx.outages.keep([(KEPT, replace(KEPT, suspect="closed"))])
        assert await tx.outages.kept([TASK]) == {told.identity: told}


async def test_a_change_of_the_bots_own_is_known_until_it_was_looked_at(store: Store) -> None:
    running = {ExecutionStatus.RECORDED}
    await record(store, execution(node=NODE, task=TASK, command="vm.shutdown"))
    async with store.write() as tx:
        await tx.inventory.put_machine(machine(status="running", seen_at=NOW))
        await tx.outages.keep([(None, KEPT)])
        assert await tx.outages.own_changes([TASK], NOW) == []  # nobody has sent it yet
        await tx.executions.claim(
            execution().id, "process-1", NOW, LATER, expect=running, to=ExecutionStatus.RUNNING
        )
        (own,) = await tx.outages.own_changes([TASK], NOW)
        assert own.ended_at is None
        await tx.executions.set_status(
            execution().id, ExecutionStatus.DONE, now=SOON, expect={ExecutionStatus.RUNNING}
        )
        (own,) = await tx.outages.own_changes([TASK], NOW)
        assert own.ended_at == SOON
        long_ago = NOW - timedelta(days=1)
        assert await tx.outages.touched(long_ago, (), LATER) == []  # not looked at since
        await tx.inventory.put_machine(machine(status="running", seen_at=LATER))
        assert await tx.outages.touched(long_ago, (), LATER) == [
            (KEPT, replace(KEPT, seen_at=LATER))
        ]


async def test_on_some_nodes_it_is_dated_anew_more_often(store: Store) -> None:
    long_ago = NOW - timedelta(days=1)
    async with store.write() as tx:
        await tx.outages.keep([(None, KEPT)])
        await tx.inventory.put_machine(machine(status="running", seen_at=LATER))
        assert await tx.outages.touched(long_ago, (), SOON) == []
        assert await tx.outages.touched(long_ago, [NODE], NOW) == []
        (one,) = await tx.outages.touched(long_ago, [NODE], SOON)
        assert one == (KEPT, replace(KEPT, seen_at=LATER))


async def test_a_silence_keeps_its_beginning(store: Store) -> None:
    async with store.write() as tx:
        await tx.outages.silent(Silence(NODE, NOW))
        await tx.outages.silent(Silence(NODE, LATER))
        assert await tx.outages.silences() == {NODE: Silence(NODE, NOW)}
        await tx.outages.told(Silence(NODE, NOW, "told"))
        assert await tx.outages.silences() == {NODE: Silence(NODE, NOW, "told")}
        await tx.outages.answers([NODE])
        assert await tx.outages.silences() == {}
