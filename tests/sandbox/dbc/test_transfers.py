"""Images on their way, snapshots, and all the ways in which `done` is no success."""

import pytest

from sandbox.dbc import ManualClock, Node, World
from sandbox.dbc.values import GIB
from tests.sandbox.dbc.conftest import CREATE, Caller, seconds

# At 100 MiB/s.
BIG_SECONDS = 40 * 1024 / 100


async def progress(caller: Caller, node: Node, name: str) -> tuple[str, str]:
    message = (await caller.ask("/images/downloadprogress", node, image_filename=name)).message
    return message["status"], message["progress"]


async def download(caller: Caller, node: Node, name: str) -> None:
    outcome = await caller.ask(
        "/images/download", node, image_server="hub", image_filename=name, local_dir="/data"
    )
    assert outcome.message == "ok"


async def names_on(caller: Caller, node: Node) -> dict[str, str]:
    listed = (await caller.ask("/images", node.node_id)).message
    return {row["image_name:"]: row["image_size"] for row in listed}


async def test_download_advances_with_the_clock_and_arrives(
    caller: Caller, node: Node, clock: ManualClock
) -> None:
    await download(caller, node, "big.qcow2")
    assert await progress(caller, node, "big.qcow2") == ("downloading", "0%")
    clock.advance(seconds(BIG_SECONDS / 4))
    assert await progress(caller, node, "big.qcow2") == ("downloading", "25%")
    assert "big.qcow2" not in await names_on(caller, node)
    clock.advance(seconds(BIG_SECONDS * 3 / 4))
    assert await progress(caller, node, "big.qcow2") == ("done", "100%")
    assert (await names_on(caller, node))["big.qcow2"] == "40G"


async def test_finished_download_is_noticed_three_seconds_late(
    caller: Caller, node: Node, clock: ManualClock
) -> None:
    await download(caller, node, "big.qcow2")
    clock.advance(seconds(BIG_SECONDS + 1))
    again = await caller.ask(
        "/images/download", node, image_server="hub", image_filename="big.qcow2", local_dir="/data"
    )
    assert again.text == "image:big.qcow2 in downloading"
    clock.advance(seconds(3))
    await download(caller, node, "big.qcow2")


async def test_download_that_breaks_off_reads_done_and_leaves_a_truncated_file(
    caller: Caller, node: Node, world: World, clock: ManualClock
) -> None:
    world.image_servers["hub"].dies_at = 0.5
    await download(caller, node, "big.qcow2")
    clock.advance(seconds(BIG_SECONDS))
    assert await progress(caller, node, "big.qcow2") == ("done", "100%")
    assert (await names_on(caller, node))["big.qcow2"] == "20G"


async def test_stopped_download_reads_done_and_leaves_a_truncated_file(
    caller: Caller, node: Node, clock: ManualClock
) -> None:
    await download(caller, node, "big.qcow2")
    clock.advance(seconds(BIG_SECONDS / 10))
    stopped = await caller.ask("/images/download_stop", node, image_filename="big.qcow2")
    assert stopped.message == "ok"
    assert await progress(caller, node, "big.qcow2") == ("done", "100%")
    assert node.files["/data/big.qcow2"].size == 4 * GIB


async def test_percentage_is_of_the_first_file_whose_name_contains_the_wanted(
    caller: Caller, node: Node, clock: ManualClock
) -> None:
    await download(caller, node, "ubuntu.qcow2")  # "my-ubuntu.qcow2" comes first, twice the size
    clock.advance(seconds(4 * 1024 / 100 - 1))
    status, percent = await progress(caller, node, "ubuntu.qcow2")
    assert (status, percent) == ("downloading", "48%")


async def test_machine_cannot_be_created_from_an_image_on_its_way(
    caller: Caller, node: Node
) -> None:
    await download(caller, node, "ubuntu.qcow2")
    outcome = await caller.send("/tasks/start", node, dict(CREATE))
    assert outcome.text == (
        "'image_name':ubuntu.qcow2 in downloading or uploading, please try again later"
    )
    refused = await caller.ask("/images/delete", node, image_filename="ubuntu.qcow2")
    assert refused.text.startswith("image file is in downloading or uploading")


async def test_upload_is_known_by_its_absolute_path_only(
    caller: Caller, node: Node, clock: ManualClock
) -> None:
    started = await caller.ask(
        "/images/upload", node, image_filename="ubuntu.qcow2", image_server="hub"
    )
    assert started.message == "ok"
    clock.advance(seconds(10))
    relative = await caller.ask("/images/uploadprogress", node, image_filename="ubuntu.qcow2")
    assert relative.message == {"status": "done", "progress": "100%"}
    path = "/data/ubuntu.qcow2"
    absolute = await caller.ask("/images/uploadprogress", node, image_filename=path)
    assert absolute.message == {"status": "uploading", "progress": "24%"}
    await caller.ask("/images/upload_stop", node, image_filename="ubuntu.qcow2")
    assert path in node.transfers.uploads
    await caller.ask("/images/upload_stop", node, image_filename=path)
    assert path not in node.transfers.uploads


async def test_unreachable_server_lists_nothing_and_swallows_uploads(
    caller: Caller, node: Node, world: World, clock: ManualClock
) -> None:
    server = world.image_servers["hub"]
    server.reachable = False
    assert (await caller.ask("/images", None, image_server="hub")).message == []
    del server.images["ubuntu.qcow2"]
    started = await caller.ask(
        "/images/upload", node, image_filename="ubuntu.qcow2", image_server="hub"
    )
    assert started.message == "ok"
    clock.advance(seconds(100))
    node.settle()
    assert "ubuntu.qcow2" not in server.images


async def test_restarted_node_forgets_transfers(caller: Caller, node: Node) -> None:
    await download(caller, node, "big.qcow2")
    node.restart_process()
    assert await progress(caller, node, "big.qcow2") == ("done", "100%")


@pytest.fixture
async def task_id(caller: Caller, node: Node, clock: ManualClock) -> str:
    task_id = await caller.create(node)
    clock.advance(seconds(8))
    await caller.ask(f"/tasks/shutdown/{task_id}", node)
    clock.advance(seconds(1))
    node.settle()
    node.files[node.tasks[task_id].disks["vda"].source_file].size = 2 * GIB
    return task_id


async def snapshot(caller: Caller, node: Node, task_id: str) -> dict[str, str]:
    (row,) = (await caller.ask(f"/snapshot/list/{task_id}", node)).message
    assert isinstance(row, dict)
    return row


async def test_snapshot_is_copied_then_uploaded_then_reads_none(
    caller: Caller, node: Node, world: World, clock: ManualClock, task_id: str
) -> None:
    made = await caller.ask(
        f"/snapshot/create/{task_id}", node, snapshot_name="s1", desc="d", image_server="hub"
    )
    assert made.message == "ok"
    assert (await snapshot(caller, node, task_id))["status"] == "creating"
    clock.advance(seconds(5))
    row = await snapshot(caller, node, task_id)
    assert (row["status"], row["description"]) == ("uploading", "d")
    clock.advance(seconds(10))
    shown = await caller.ask("/images/uploadprogress", node, image_filename=row["snapshot_file"])
    assert shown.message == {"status": "uploading", "progress": "48%"}
    clock.advance(seconds(20))
    assert (await snapshot(caller, node, task_id))["status"] == "none"
    assert row["snapshot_file"].rsplit("/", 1)[1] in world.image_servers["hub"].images
    assert await caller.status(node, task_id) == "closed"


async def test_snapshot_deleted_while_it_is_made_is_uploaded_all_the_same(
    caller: Caller, node: Node, world: World, clock: ManualClock, task_id: str
) -> None:
    before = len(world.image_servers["hub"].images)
    await caller.ask(f"/snapshot/create/{task_id}", node, snapshot_name="s1", image_server="hub")
    assert (await caller.ask(f"/snapshot/delete/{task_id}/s1", node)).message == "ok"
    clock.advance(seconds(40))
    assert (await caller.ask(f"/snapshot/list/{task_id}", node)).message == []
    assert len(world.image_servers["hub"].images) == before + 1


async def test_failed_snapshot_upload_reads_none_as_well(
    caller: Caller, node: Node, world: World, clock: ManualClock, task_id: str
) -> None:
    server = world.image_servers["hub"]
    server.dies_at = 0.9
    await caller.ask(f"/snapshot/create/{task_id}", node, snapshot_name="s1", image_server="hub")
    clock.advance(seconds(40))
    row = await snapshot(caller, node, task_id)
    assert row["status"] == "none"
    assert row["snapshot_file"].rsplit("/", 1)[1] not in server.images
