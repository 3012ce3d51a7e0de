"""A transfer that was told to stop: what became of it is seen, and told once."""

import json
import re

import pytest

from bot.model import AuditQuery
from sandbox.dbc.images import ImageFile, ImageServer
from sandbox.dbc.values import GIB
from sandbox.slack import Person, SeenMessage
from tests.scenarios.stage import Stage, card

PYTORCH = "pytorch-2.4.qcow2"  # on hub only, 18 GiB: about three minutes

WINDOWS = "windows10.qcow2"  # on hub only as well, 22 GiB


@pytest.fixture
def stage(one_stage: Stage) -> Stage:
    """Socket Mode: nothing here depends on how the bot is reached."""
    return one_stage


@pytest.fixture(autouse=True)
async def alices_session(stage: Stage) -> None:
    await stage.gives_session(stage.alice, "gpu1")
    stage.world.calls.clear()


def hub(stage: Stage) -> ImageServer:
    return stage.world.image_servers["hub"]


async def stops(stage: Stage, person: Person, image: str, what: str = "download") -> None:
    """`person` has a transfer stopped."""
    await stage.asks(person, f"/dbc image stop {image} on gpu1")
    await stage.confirms(person, f"Stop the {what} of {image}")


async def downloads(stage: Stage) -> None:
    """Alice's download is under way."""
    await stage.asks(stage.alice, f"/dbc image download {PYTORCH} on gpu1")
    for _ in range(4):
        await stage.passes(5)


def starts_elsewhere(stage: Stage) -> None:
    """Someone else's curl has started a download that the bot does not know of."""
    node = stage.node("gpu1")
    node.transfers.download(PYTORCH, "/data", hub(stage), node.now)


async def waits(stage: Stage, minutes: float) -> None:
    """Time passes, and the bot looks as often as it wants to."""
    for _ in range(8):
        await stage.passes(minutes * 60 / 8)


def ends(stage: Stage, words: str = PYTORCH) -> list[str]:
    """All messages that tell Alice how something ended."""
    return [told for told in stage.endings(stage.alice) if words in told]


async def ended(stage: Stage, sentence: str) -> SeenMessage:
    return await stage.ends(stage.alice, sentence, within=4000)


@pytest.mark.slow
async def test_a_download_that_outlives_its_stop_is_told_as_arrived_and_only_so(
    stage: Stage,
) -> None:
    stage.node("gpu1").transfers.outlives_stop = True
    await downloads(stage)
    await stops(stage, stage.alice, PYTORCH)
    told = card(stage.alice, "was told to stop downloading")
    assert "The card of the transfer says how it ends" in told.plain
    await waits(stage, 1)
    assert ends(stage) == []
    assert "was told to stop by" in card(stage.alice, "is being downloaded").plain
    progress = await stage.asks(stage.alice, f"/dbc image progress {PYTORCH} on gpu1")
    assert "may go on unreported" in progress.plain
    end = await ended(stage, f"{PYTORCH} was downloaded to gpu1, although it was told to stop")
    assert "18G, size verified" in end.plain
    await waits(stage, 90)
    assert len(ends(stage)) == 1
    assert stage.changes() == ["images.download", "images.download_stop"]


async def test_a_stopped_download_of_which_nothing_comes_is_told_after_the_rest_could_have_come(
    stage: Stage,
) -> None:
    await downloads(stage)
    await stops(stage, stage.alice, PYTORCH)
    del stage.node("gpu1").files[f"/data/{PYTORCH}"]  # rsync left nothing behind
    await waits(stage, 2)
    assert ends(stage) == []
    end = await ended(stage, f"{PYTORCH} on gpu1 was stopped")
    assert "Nothing of it is on *gpu1*." in end.plain
    await waits(stage, 90)
    assert len(ends(stage)) == 1


def share(told: str) -> int:
    """How much of a file is there, by the sizes told, in percent."""
    found = re.search(r"([\d.]+)G of ([\d.]+)G", told)
    assert found, told
    return round(100 * float(found[1]) / float(found[2]))


async def test_a_stop_stops_that_transfer_on_that_node_and_no_other(stage: Stage) -> None:
    await stage.gives_session(stage.alice, "gpu2")
    for what in (f"{PYTORCH} on gpu1", f"{PYTORCH} on gpu2", f"{WINDOWS} on gpu1"):
        await stage.asks(stage.alice, f"/dbc image download {what}")
    await waits(stage, 0.5)
    await stops(stage, stage.alice, PYTORCH)
    await waits(stage, 0.5)
    for image, node in ((PYTORCH, "gpu2"), (WINDOWS, "gpu1")):
        progress = card(stage.alice, f"{image} is being downloaded from hub to {node}")
        assert "told to stop" not in progress.plain
    await ended(stage, f"{PYTORCH} was downloaded to gpu2")
    await ended(stage, f"{WINDOWS} was downloaded to gpu1")
    await ended(stage, f"{PYTORCH} on gpu1 was stopped")


async def test_it_goes_on_being_said_that_a_transfer_was_told_to_stop(stage: Stage) -> None:
    await downloads(stage)
    await stops(stage, stage.alice, PYTORCH)
    listed = await stage.asks(stage.alice, "/dbc watch list")
    assert f"was told to stop by <@{stage.alice.id}>" in listed.plain
    assert "followed until it is known whether it stopped" in listed.plain
    assert "until it is downloaded" not in listed.plain
    stage.node("gpu1").silent = True
    await waits(stage, 1)
    silent = card(stage.alice, "is being downloaded").plain
    assert "the node has not answered" in silent
    assert f"was told to stop by <@{stage.alice.id}>" in silent


@pytest.mark.slow
async def test_a_colleague_who_stops_it_is_named_and_told(stage: Stage) -> None:
    await stage.gives_session(stage.bob, "gpu1")
    await downloads(stage)
    await stops(stage, stage.bob, PYTORCH)
    end = await ended(stage, f"{PYTORCH} on gpu1 was stopped")
    assert f"by <@{stage.bob.id}>" in end.plain
    assert "An incomplete file" in end.plain
    assert re.findall(r"[\d.]+ ?%", end.plain) == [f"{share(end.plain)} %"]  # one figure, no other
    await waits(stage, 90)
    assert len(ends(stage)) == 1
    assert [told for told in stage.endings(stage.bob) if PYTORCH in told] == ends(stage)


@pytest.mark.slow
@pytest.mark.parametrize("outlives", [False, True])
async def test_a_transfer_that_nobody_follows_is_followed_once_it_is_told_to_stop(
    stage: Stage, *, outlives: bool
) -> None:
    stage.node("gpu1").transfers.outlives_stop = outlives
    starts_elsewhere(stage)
    await stage.passes(20)
    await stops(stage, stage.alice, PYTORCH)
    assert ends(stage) == []
    if outlives:
        end = await ended(stage, f"{PYTORCH} was downloaded to gpu1")
        assert "although it was told to stop" in end.plain
        assert ":x:" in end.plain
    else:
        end = await ended(stage, f"{PYTORCH} on gpu1 was stopped")
        assert re.search(r"An incomplete file \(.* of 18G\) is left on \*gpu1\*\.", end.plain)
        assert ":white_check_mark:" in end.plain
    await waits(stage, 90)
    assert len(ends(stage)) == 1


async def test_a_stop_without_an_answer_is_followed_like_any_other(stage: Stage) -> None:
    starts_elsewhere(stage)
    await stage.passes(20)
    stage.world.faults.on("reset_before", path="/images/download_stop", count=1)
    await stops(stage, stage.alice, PYTORCH)
    end = await ended(stage, f"{PYTORCH} on gpu1 is still being transferred")
    assert "it is unknown whether it will stop" in end.plain
    assert stage.changes() == ["images.download_stop"]


@pytest.mark.slow
async def test_a_stop_without_an_answer_leaves_the_end_to_the_download(stage: Stage) -> None:
    await downloads(stage)
    stage.world.faults.on("reset_after", path="/images/download_stop", count=1)
    await stops(stage, stage.alice, PYTORCH)
    assert "it is unknown whether it will stop" in card(stage.alice, "was told to stop").plain
    await ended(stage, f"{PYTORCH} on gpu1 was stopped")
    await waits(stage, 90)
    assert len(ends(stage)) == 1


async def test_a_node_that_goes_on_reporting_the_download_has_not_stopped_it(stage: Stage) -> None:
    starts_elsewhere(stage)
    stage.node("gpu1").transfers.downloads[PYTORCH].rate = 1024**2
    await stage.passes(20)
    stage.world.faults.on("bad_json", path="/images/download_stop", count=1)
    await stops(stage, stage.alice, PYTORCH)
    starts_elsewhere(stage)  # a script starts it again
    stage.node("gpu1").transfers.downloads[PYTORCH].rate = 1024**2
    await ended(stage, f"{PYTORCH} on gpu1 is still being transferred")


async def test_the_next_download_waits_until_the_stopped_one_is_known_to_have_ended(
    stage: Stage,
) -> None:
    stage.node("gpu1").transfers.outlives_stop = True
    await downloads(stage)
    await stops(stage, stage.alice, PYTORCH)
    seen = await stage.asks(stage.alice, f"/dbc image download {PYTORCH} on gpu1")
    assert "was told to stop, and may still go on unreported" in seen.plain
    assert stage.changes() == ["images.download", "images.download_stop"]


async def test_a_stopped_snapshot_is_never_told_as_whole(stage: Stage) -> None:
    machine = stage.task("inference")
    node = stage.node("gpu1")
    node.files[machine.disks["vda"].source_file].size = 8 * GIB
    await stage.asks(stage.alice, "/dbc vm shutdown inference")
    await stage.confirms(stage.alice, "Shut down")
    await ended(stage, "inference is off")
    await stage.asks(stage.alice, "/dbc snapshot create inference before to=hub")
    for _ in range(5):
        await stage.passes(5)
    (path,) = node.transfers.uploads
    name = path.rpartition("/")[2]
    await stage.asks(stage.alice, f"/dbc image stop {path} on gpu1")
    await stage.confirms(stage.alice, f"Stop the upload of {name}")
    end = await ended(stage, "the upload of snapshot before of inference on gpu1 was told to stop")
    assert re.search(r"hub has \S+ of it, and how much is all is not known", end.plain)
    assert name in hub(stage).images


async def test_what_came_of_a_stop_is_in_the_audit_as_it_was_told(stage: Stage) -> None:
    await downloads(stage)
    await stops(stage, stage.alice, PYTORCH)
    await ended(stage, f"{PYTORCH} on gpu1 was stopped")
    async with stage.bot.store.read() as tx:
        rows = await tx.audit.page(AuditQuery(outcome="cancelled"), before=None, limit=9)
    assert [json.dumps(row.entry.reason) for row in rows if "{" in row.entry.reason] == []
    assert any("is left on gpu1" in row.entry.reason for row in rows)


async def test_a_stopped_upload_leaves_its_part_on_the_server(stage: Stage) -> None:
    node = stage.node("gpu1")
    node.files["/data/mine.qcow2"] = ImageFile(6 * GIB)
    node.transfers.upload("/data/mine.qcow2", hub(stage), node.now)
    await stage.passes(20)
    del stage.world.image_servers["backup"]
    await stops(stage, stage.alice, "mine.qcow2", "upload")
    end = await ended(stage, "mine.qcow2 on gpu1 was stopped")
    assert re.search(r"An incomplete file \(.* of 6G\) is left on hub\.", end.plain)
    assert hub(stage).images["mine.qcow2"].size < 6 * GIB
