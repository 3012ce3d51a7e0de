"""Every recorded exchange with a real daemon is repeated here and must come out alike.

Bodies are compared as text, after times, passwords, generated names and ids are made alike.
"""

import asyncio
from collections.abc import Callable

import pytest

from sandbox.dbc import Daemon, Wallet
from sandbox.dbc.chain import MachineState
from sandbox.dbc.task import Status
from sandbox.dbc.values import GIB
from tests.sandbox.dbc.exchanges import RECORDINGS, Exchange, recorded
from tests.sandbox.dbc.own_requests import rig_for
from tests.sandbox.dbc.rig import ALICE, MANAGER_ID, NODE_ID, Rig

TIMEOUT = 0.02
BOB = Wallet.from_seed("bob")

NOT_COMPARED = {
    "protocol:0": "the recorder read a body after HEAD; aiohttp sends none",
    "protocol:51": "aiohttp takes the body for a second request and refuses both together",
    "protocol:53": "aiohttp takes the rest of the body for a second request and refuses both",
    "protocol:57": "no answer was recorded, only that the idle connection closed after 30 s",
    "protocol:58": "the real front does not answer pipelined requests; aiohttp does",
    "protocol:59": "timing: an unfinished request is dropped after 30 s",
    "protocol:60": "timing: a silent connection is dropped after 30 s",
    "protocol:64": "aiohttp insists on CR LF",
    "own-requests:16": "the node's log has the source lines of another build",
    "own-requests:62": "the node's log has the source lines of another build",
}

COMPARED = 1139

Before = Callable[[Rig, Exchange], None]


async def differences(rig: Rig, rows: list[Exchange], before: Before | None = None) -> list[str]:
    found = []
    async with Daemon(rig.world, timeout=TIMEOUT) as daemon:
        for row in rows:
            if row.key in NOT_COMPARED:
                continue
            if before is not None:
                before(rig, row)
            if difference := await rig.replay(daemon, row):
                found.append(f"{row.key} {row.note}: {difference}")
        assert daemon.crashes == 0
    return found


def waiting(schedule: dict[int, float]) -> Before:
    """Let time pass before some rows, as the recorder did."""

    def before(rig: Rig, row: Exchange) -> None:
        rig.knows_session_of(row)
        rig.wait(schedule.get(row.row, 0.05))

    return before


async def test_front_alone() -> None:
    rig = Rig(with_node=False)
    assert await differences(rig, recorded("front")) == []


async def test_protocol() -> None:
    rig = Rig()
    rig.node.running_task(
        ALICE,
        task_id="7SogeySLbhZ8YZvgW5qBAe",
        desc="...",
        image_name="ubuntu.qcow2",
        cpu_cores=2,
        memory=2 * GIB,
        gpus=[0],
    )
    rig.node.rent(ALICE, order="1")
    del rig.node.files["/data/win10.qcow2"]
    assert await differences(rig, recorded("protocol"), waiting({})) == []


# Seconds before a row; the recorder's own pauses, so that jobs are as far as they were then.
NODE_SCHEDULES = (
    (0, 37, {9: 2, 10: 2, 11: 2, 12: 2, 22: 2, 24: 1, 33: 3}),
    (
        37,
        143,
        {46: 2, 47: 2, 48: 2, 49: 2, 59: 2, 61: 1, 66: 3, 74: 5, 77: 8, 79: 2, 82: 5, 85: 5}
        | {97: 3, 99: 2, 100: 2, 102: 10, 115: 2, 116: 2, 121: 10, 122: 2, 124: 10, 125: 2}
        | {127: 10, 132: 2},
    ),
    (143, 198, {149: 9, 152: 2, 158: 2, 169: 4, 194: 2}),
)


@pytest.mark.parametrize(("first", "end", "schedule"), NODE_SCHEDULES)
async def test_life_on_a_node(first: int, end: int, schedule: dict[int, float]) -> None:
    rows = recorded("node")[first:end]
    assert await differences(Rig(), rows, waiting(schedule)) == []


async def test_disks_of_a_machine_that_is_off() -> None:
    schedule = {1: 9.0, 2: 2.0, 11: 10.0, 13: 6.0}
    assert await differences(Rig(), recorded("node-disks"), waiting(schedule)) == []


async def test_machine_without_domain() -> None:
    rig = Rig()
    rig.node.fail("create", "no_domain", times=99)
    timed = waiting({8: 2.0, 11: 2.0, 63: 2.0})

    def before(rig: Rig, row: Exchange) -> None:
        timed(rig, row)
        if row.row == 98:
            rig.world.faults.on("dead_node", count=1)
        if row.row == 99:
            rig.world.faults.on("disconnected")

    rows = recorded("node-create-error")
    found = []
    async with Daemon(rig.world) as daemon:
        for row in rows:
            before(rig, row)
            replay = asyncio.create_task(rig.replay(daemon, row))
            if row.row == 98:
                await rig.clock.sleeping()
                rig.wait(30)
            if difference := await replay:
                found.append(f"{row.key} {row.note}: {difference}")
    assert found == []


async def test_chain_states() -> None:
    rented = MachineState.RENTED
    states: dict[str, tuple[MachineState, dict[str, str]]] = {
        "chain says online": (MachineState.ONLINE, {}),
        "chain says committee": (MachineState.VERIFYING, {}),
        "chain says offline": (MachineState.UNKNOWN, {}),
        "chain says rentExpired": (rented, {"rentExpired": ALICE.address}),
        "chain says other": (rented, {"renting": BOB.address}),
        "chain slow": (rented, {"renting": ALICE.address}),
    }

    def before(rig: Rig, row: Exchange) -> None:
        rig.knows_session("5zKwhUBMaEfuHpUmL1p36Cy22P2pfULzPFga5WoSg6C6pvcmqtpzm3Z")
        for words, (state, orders) in states.items():
            if words in row.note:
                rig.set_chain(state, **orders)

    rig = Rig()
    del rig.node.files["/data/win10.qcow2"]
    assert await differences(rig, recorded("authority"), before) == []


async def test_echoed_content() -> None:
    schedule = {2: 1.0, 4: 1.0, 7: 2.0, 10: 2.0, 11: 2.0}
    assert await differences(Rig(), recorded("content"), waiting(schedule)) == []


async def test_silent_node() -> None:
    rig = Rig()

    def before(rig: Rig, row: Exchange) -> None:
        rig.knows_session_of(row)
        if row.note.startswith("tasks/start(create)"):
            rig.world.faults.on("timeout_after_doing", path="/tasks/start", count=1)
        elif row.row == 40:
            rig.wait(9)
            (task,) = rig.node.tasks.values()
            rig.ids["7SogeySLbhZ8YZvgW5qBAe"] = task.task_id
            assert task.status in {Status.CREATING, Status.RUNNING}
        elif row.status == 500:
            rig.world.faults.on("dead_node", node=NODE_ID, count=1)

    assert await differences(rig, recorded("timeouts"), before) == []


async def test_bare_metal() -> None:
    rig = Rig(with_manager=MANAGER_ID)

    def before(rig: Rig, row: Exchange) -> None:
        for machine in rig.manager.machines.values():
            machine.rent(ALICE)
        if row.row >= 13:
            rig.knows_session("3Sp1xKS4gXHx8ENjJfMVR5RxPUrzW3SDE2FoPE3PtffqUdpZHGNW8St", metal=True)

    assert await differences(rig, recorded("bare-metal"), before) == []


async def test_own_requests_of_the_bot() -> None:
    """One row stands for one answer: each is asked in a world of its own."""
    found = []
    for row in recorded("own-requests"):
        found += await differences(rig_for(row), [row])
    assert found == []


def test_only_listed_rows_are_left_out() -> None:
    keys = {row.key for file in RECORDINGS.glob("*.jsonl") for row in recorded(file.stem)}
    assert NOT_COMPARED.keys() <= keys
    assert len(keys) - len(NOT_COMPARED) == COMPARED
