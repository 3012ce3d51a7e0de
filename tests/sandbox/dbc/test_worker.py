"""The life of machines: one worker, jobs in order, statuses as libvirt has it."""

import pytest

from sandbox.dbc import ManualClock, Node
from sandbox.dbc.task import Libvirt
from tests.sandbox.dbc.conftest import Caller, seconds


@pytest.fixture
async def task_id(caller: Caller, node: Node, clock: ManualClock) -> str:
    task_id = await caller.create(node)
    clock.advance(seconds(8))
    assert await caller.status(node, task_id) == "running"
    return task_id


async def test_creation_takes_its_time(caller: Caller, node: Node, clock: ManualClock) -> None:
    task_id = await caller.create(node)
    seen = []
    for _ in range(9):
        seen.append(await caller.status(node, task_id))
        clock.advance(seconds(1))
    assert seen == ["creating"] * 8 + ["running"]


async def test_machine_does_not_exist_for_operations_before_it_is_defined(
    caller: Caller, node: Node, clock: ManualClock
) -> None:
    task_id = await caller.create(node)
    assert (await caller.ask(f"/tasks/shutdown/{task_id}", node)).text == "task not exist"
    assert (await caller.ask(f"/tasks/delete/{task_id}", node)).code == 1
    clock.advance(seconds(1))
    assert (await caller.ask(f"/tasks/shutdown/{task_id}", node)).code == 0


async def test_jobs_of_all_machines_queue_behind_each_other(
    caller: Caller, node: Node, clock: ManualClock, task_id: str
) -> None:
    await caller.ask(f"/tasks/shutdown/{task_id}", node)
    clock.advance(seconds(1))
    other = await caller.create(node, gpu_count="0", ssh_port="6001", vnc_port="6002")
    await caller.ask(f"/tasks/start/{task_id}", node)
    clock.advance(seconds(7))
    assert await caller.status(node, task_id) == "starting"
    clock.advance(seconds(3))
    assert await caller.status(node, task_id) == "running"
    assert await caller.status(node, other) == "running"


async def test_shutdown_is_a_power_cut(
    caller: Caller, node: Node, clock: ManualClock, task_id: str
) -> None:
    assert (await caller.ask(f"/tasks/shutdown/{task_id}", node)).message == "ok"
    assert await caller.status(node, task_id) == "being shutdown"
    clock.advance(seconds(1))
    assert await caller.status(node, task_id) == "closed"
    assert (await caller.ask(f"/tasks/poweroff/{task_id}", node)).text == "task is shut_off"
    assert (await caller.ask(f"/tasks/reset/{task_id}", node)).text == "task is shut_off"


@pytest.mark.parametrize(
    ("query", "gap"),
    [("?force_reboot=true", True), ("?force_reboot=1", True), ("?force_reboot=True", False)],
)
async def test_only_a_forced_restart_cuts_the_power(
    caller: Caller, node: Node, clock: ManualClock, task_id: str, query: str, *, gap: bool
) -> None:
    await caller.ask(f"/tasks/restart/{task_id}{query}", node)
    clock.advance(seconds(1))
    node.settle()
    assert (node.tasks[task_id].libvirt is Libvirt.SHUT_OFF) is gap
    clock.advance(seconds(3))
    assert await caller.status(node, task_id) == "running"


async def test_deleted_machine_is_gone_with_its_files(
    caller: Caller, node: Node, clock: ManualClock, task_id: str
) -> None:
    files = [disk.source_file for disk in node.tasks[task_id].disks.values()]
    await caller.ask(f"/tasks/delete/{task_id}", node)
    assert await caller.status(node, task_id) == "deleting"
    clock.advance(seconds(1))
    assert (await caller.ask(f"/tasks/{task_id}", node)).text == "task_id not exist"
    assert not node.files.keys() & set(files)


async def test_guest_that_powers_itself_off_shows_closed(
    caller: Caller, node: Node, task_id: str
) -> None:
    domain = node.tasks[task_id].domain
    assert domain is not None
    domain.state = Libvirt.SHUT_OFF
    assert await caller.status(node, task_id) == "closed"


async def test_failed_start_can_be_repeated(
    caller: Caller, node: Node, clock: ManualClock, task_id: str
) -> None:
    await caller.ask(f"/tasks/poweroff/{task_id}", node)
    clock.advance(seconds(1))
    node.fail("start")
    await caller.ask(f"/tasks/start/{task_id}", node)
    clock.advance(seconds(2))
    assert await caller.status(node, task_id) == "start error"
    await caller.ask(f"/tasks/start/{task_id}", node)
    clock.advance(seconds(2))
    assert await caller.status(node, task_id) == "running"


async def test_creation_without_an_address_leaves_a_machine_that_start_repairs(
    caller: Caller, node: Node, clock: ManualClock
) -> None:
    node.fail("create", "no_lease")
    task_id = await caller.create(node)
    clock.advance(seconds(8))
    assert await caller.status(node, task_id) == "create error"
    logs = await caller.ask(f"/tasks/logs/{task_id}", node)
    assert any("get domain local ip failed" in line for line in logs.message["log_content"])
    await caller.ask(f"/tasks/start/{task_id}", node)
    clock.advance(seconds(2))
    assert await caller.status(node, task_id) == "running"


async def test_filters_libvirt_refuses_leave_an_undeletable_machine_that_keeps_its_gpus(
    caller: Caller, node: Node, clock: ManualClock
) -> None:
    filters = ["in,ftp,21,0.0.0.0/0,accept"]
    given = {"network_filters": filters, "gpu_count": "4"}
    outcome = await caller.send("/tasks/start", node, {**_create(), **given})
    task_id = outcome.message["task_id"]
    clock.advance(seconds(8))
    assert await caller.status(node, task_id) == "create error"
    assert (await caller.ask(f"/tasks/delete/{task_id}", node)).text == "task not exist"
    refused = await caller.send("/tasks/start", node, _create())
    assert refused.text == "allocate gpu failed"
    node.restart_process()
    assert (await caller.send("/tasks/start", node, _create())).code == 0


def _create() -> dict[str, str]:
    return {
        "image_name": "ubuntu.qcow2",
        "gpu_count": "1",
        "cpu_cores": "1",
        "mem_size": "1",
        "disk_size": "1",
        "ssh_port": "7001",
        "vnc_port": "7002",
    }


async def test_credentials_read_not_available_without_a_guest_agent(
    caller: Caller, node: Node, clock: ManualClock
) -> None:
    node.fail("create", "no_agent")
    task_id = await caller.create(node)
    clock.advance(seconds(8))
    detail = (await caller.ask(f"/tasks/{task_id}", node)).message
    assert (detail["status"], detail["user_name"], detail["login_password"]) == (
        "running",
        "N/A",
        "N/A",
    )
    changed = await caller.ask(f"/tasks/passwd/{task_id}", node, username="root", password="s3cret")
    assert changed.code == 0
    detail = (await caller.ask(f"/tasks/{task_id}", node)).message
    assert (detail["user_name"], detail["login_password"]) == ("root", "s3cret")


async def test_machines_of_an_ended_rental_are_powered_off_and_later_deleted(
    caller: Caller, node: Node, clock: ManualClock, task_id: str
) -> None:
    node.end_rental(online=False)
    clock.advance(seconds(900))
    node.settle()
    assert node.tasks[task_id].libvirt is Libvirt.SHUT_OFF
    clock.advance(seconds(10 * 86_400))
    node.settle()
    assert node.tasks == {}


async def test_unknown_machine_on_the_host_blocks_creation_and_starts(
    caller: Caller, node: Node, task_id: str
) -> None:
    node.stray_vm = True
    refused = await caller.ask(f"/tasks/restart/{task_id}", node)
    assert (refused.code, refused.text) == (
        -3,
        "restart task failed, please try again in a minute",
    )


async def test_log_holds_passwords_in_clear(caller: Caller, node: Node, task_id: str) -> None:
    task = node.tasks[task_id]
    lines = (await caller.ask(f"/tasks/logs/{task_id}", node)).message["log_content"]
    assert any(task.login_password in line for line in lines)
    assert any(f"password: {task.vnc_password}" in line for line in lines)


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("", 100),
        ("?line_num=3", 100),
        ("?flag=head&line_num=3", 3),
        ("?flag=tail&line_num=500", 99),
        ("?flag=tail", 100),
    ],
)
async def test_log_lines_are_counted_as_the_front_does(
    caller: Caller, node: Node, task_id: str, query: str, count: int
) -> None:
    node.tasks[task_id].log = [f"line {number}" for number in range(150)]
    lines = (await caller.ask(f"/tasks/logs/{task_id}{query}", node)).message["log_content"]
    assert len(lines) == count


async def test_tab_in_a_log_line_breaks_the_answer(
    caller: Caller, node: Node, task_id: str
) -> None:
    node.tasks[task_id].log.append("a\tb")
    outcome = await caller.ask(f"/tasks/logs/{task_id}", node)
    assert (outcome.status, outcome.text) == (500, "response parse error")
    assert (await caller.ask(f"/tasks/logs/{task_id}?flag=head&line_num=5", node)).code == 0
