"""A list that lacks a file does not prove that there is none: nothing is replaced unasked."""

from datetime import timedelta

import pytest

from tests.scenarios.changing import LOCAL, NAME, PYTORCH
from tests.scenarios.images import CUDA
from tests.scenarios.machines import off
from tests.scenarios.stage import Stage
from tests.scenarios.test_image import hurry

DOWNLOAD = f"/dbc image download {LOCAL} from=hub on gpu1"
UPLOAD = f"/dbc image upload {CUDA} to=hub on gpu1"


@pytest.fixture
async def stage(one_stage: Stage) -> Stage:
    """Alice may act on gpu1, which has what she downloads already."""
    await one_stage.gives_session(one_stage.alice, "gpu1")
    await one_stage.asks(one_stage.alice, "/dbc vm list")
    hurry(one_stage)
    return one_stage


def lacks(stage: Stage, fault: str) -> None:
    """The node's list of images lacks some, or all."""
    stage.world.faults.on(fault, node="gpu1", path="/images")


@pytest.mark.parametrize("fault", ["empty_list", "short_list"])
async def test_a_file_that_a_nodes_list_lacks_is_not_replaced_unasked(
    stage: Stage, fault: str
) -> None:
    await stage.asks(stage.alice, "/dbc image list gpu1")
    lacks(stage, fault)
    told = await stage.asks(stage.alice, DOWNLOAD)
    assert f"{LOCAL} was on gpu1 before and is not listed now." in told.plain.replace("*", "")
    assert "add: replace" in told.plain
    assert stage.changes() == []


async def test_a_node_that_lists_nothing_and_was_never_looked_at_is_not_called_empty(
    stage: Stage,
) -> None:
    lacks(stage, "empty_list")
    told = await stage.asks(stage.alice, DOWNLOAD)
    assert f"gpu1 lists no images at all. Whether {LOCAL} is there is not known." in told.plain
    assert stage.changes() == []


async def test_a_file_stays_known_over_many_looks_at_lists_that_lack_it(stage: Stage) -> None:
    await stage.asks(stage.alice, "/dbc image list gpu1")
    lacks(stage, "short_list")
    for _ in range(3):
        await stage.passes(700)
        await stage.asks(stage.alice, "/dbc image list gpu1")
    told = await stage.asks(stage.alice, DOWNLOAD)
    assert f"{LOCAL} was on gpu1 before and is not listed now." in told.plain
    assert stage.changes() == []


async def test_the_card_says_that_a_file_may_be_replaced_which_is_not_listed(
    stage: Stage,
) -> None:
    await stage.asks(stage.alice, "/dbc image list gpu1")
    lacks(stage, "short_list")
    await stage.asks(stage.alice, f"{DOWNLOAD} replace")
    question = await stage.alice.sees("Download and replace")
    assert "gpu1 does not list it now. Last seen: 4G." in question.plain
    assert "Whether there is one is not known" in question.plain


async def test_what_was_downloaded_is_known_to_be_there(stage: Stage) -> None:
    """Also where no list was looked at since."""
    await stage.asks(stage.alice, f"/dbc image download {PYTORCH} on gpu1")
    await stage.ends(stage.alice, f"{PYTORCH} was downloaded to gpu1")
    del stage.node("gpu1").files[f"/data/{PYTORCH}"]
    told = await stage.asks(stage.alice, f"/dbc image download {PYTORCH} on gpu1")
    assert f"{PYTORCH} was on gpu1 before and is not listed now." in told.plain


@pytest.mark.parametrize("days", [0, 91, 400])
async def test_what_was_deleted_through_the_bot_may_be_downloaded_again(
    stage: Stage, days: int
) -> None:
    await stage.asks(stage.alice, "/dbc image list gpu1")
    await stage.passes(60)
    await stage.asks(stage.alice, f"/dbc image delete {LOCAL} on gpu1")
    await stage.confirms(stage.alice, "Delete the image")
    await stage.passes(60)
    stage.clock.advance(timedelta(days=days))
    await stage.asks(stage.alice, DOWNLOAD)
    await stage.ends(stage.alice, f"{LOCAL} was downloaded to gpu1")


async def test_an_image_that_no_node_lists_is_not_replaced_unasked(stage: Stage) -> None:
    hidden = "mydata.qcow2"
    stage.world.image_servers["hub"].images[hidden] = stage.node("gpu1").files[f"/data/{LOCAL}"]
    told = await stage.asks(stage.alice, f"/dbc image download {hidden} from=hub on gpu1")
    assert "gpu1 lists no image with “data” in its name." in told.plain
    assert stage.changes() == []


async def test_a_file_that_a_servers_list_lacks_is_not_replaced_unasked(stage: Stage) -> None:
    await stage.asks(stage.alice, "/dbc image list hub")
    del stage.world.image_servers["hub"].images[CUDA]
    told = await stage.asks(stage.alice, UPLOAD)
    assert f"{CUDA} was on hub before and is not listed now." in told.plain
    assert stage.changes() == []


async def test_a_snapshot_that_a_list_lacks_is_not_taken_again_under_its_name(
    stage: Stage,
) -> None:
    off(stage)
    await stage.asks(stage.alice, f"/dbc snapshot create {NAME} s1 to=hub")
    await stage.ends(stage.alice, f"{NAME} on gpu1: snapshot s1 is on hub", within=400)
    stage.world.faults.on("short_list", path="/snapshot/list", count=1)
    told = await stage.asks(stage.alice, f"/dbc snapshot create {NAME} s1 to=hub")
    assert "has a snapshot called “s1” already" in told.plain
    assert stage.changes() == ["snapshots.create"]


async def test_a_network_that_a_list_lacks_is_not_told_as_made(stage: Stage) -> None:
    create = "/dbc lan create team01 192.168.66.0/24 on gpu1"
    await stage.asks(stage.alice, create)
    stage.world.faults.on("empty_list", path="/lan", count=1)
    told = await stage.asks(stage.alice, create)
    assert "clashes with something that is already there" in told.plain
