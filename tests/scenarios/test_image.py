"""Images: what is listed, sent, fetched, stopped and deleted, and how its end is proved."""

import json
import re
from datetime import timedelta

import pytest
from structlog.testing import capture_logs

from sandbox.dbc.images import MIB_PER_SECOND, ImageFile
from sandbox.dbc.values import GIB
from tests.scenarios.images import CUDA, PYTORCH
from tests.scenarios.stage import CHANNEL, Stage, card


@pytest.fixture
def stage(one_stage: Stage) -> Stage:
    """Socket Mode: nothing here depends on how the bot is reached."""
    return one_stage


@pytest.fixture(autouse=True)
async def alices_session(stage: Stage) -> None:
    await stage.gives_session(stage.alice, "gpu1")
    stage.world.calls.clear()


def hurry(stage: Stage) -> None:
    """Let transfers take seconds, where only their end matters."""
    stage.node("gpu1").transfers.rate = GIB


async def test_the_image_servers_are_listed(stage: Stage) -> None:
    seen = await stage.asks(stage.alice, "/dbc image servers")
    assert "hub" in seen.plain
    assert "backup" in seen.plain


async def test_images_are_listed_wherever_they_are(stage: Stage) -> None:
    seen = await stage.asks(stage.alice, "/dbc image list")
    for text in ("hub (image server)", f"{PYTORCH} 18G", "backup", "gpu1", f"{CUDA} 14G"):
        assert text in seen.plain.replace("*", "").replace("`", "")


async def test_an_image_unlike_the_servers_is_marked(stage: Stage) -> None:
    """Whole where any server has the same; what only some have, is theirs to be unlike."""
    stage.world.image_servers["backup"].images[CUDA].size = 3 * GIB
    stage.node("gpu1").files["/data/windows10.qcow2"] = ImageFile(7 * GIB)
    for place in ("gpu1", "", "gpu1 mine"):
        seen = await stage.asks(stage.alice, f"/dbc image list {place}")
        marked = [row for row in seen.text.splitlines() if "incomplete?" in row]
        assert [row.replace("`", "") for row in marked] == [
            "windows10.qcow2 7G incomplete? hub has 22G"
        ]
        assert "warning" in str(seen.blocks)
    told = await stage.asks(stage.alice, "/dbc image list gpu1 --json")
    rows = {row["name"]: row for row in json.loads(told.plain.strip("`"))}
    assert rows["windows10.qcow2"]["differs_from"] == [{"server": "hub", "size_gib": 22}]
    assert rows[CUDA]["differs_from"] == []


async def test_a_server_that_cannot_be_reached_is_not_called_empty(stage: Stage) -> None:
    stage.world.image_servers["backup"].reachable = False
    seen = await stage.asks(stage.alice, "/dbc image list backup")
    assert "it cannot be reached" in seen.plain


async def test_mine_shows_the_disks_of_ones_machines_that_are_off(stage: Stage) -> None:
    machine = stage.task("inference")
    await stage.asks(stage.alice, "/dbc vm poweroff inference")
    await stage.confirms(stage.alice, "Power off")
    await stage.ends(stage.alice, "inference is off")
    seen = await stage.asks(stage.alice, "/dbc image list mine on gpu1")
    assert machine.disks["vda"].source_file.rpartition("/")[2] in seen.plain


async def test_a_download_shows_its_progress_and_ends_proved(stage: Stage) -> None:
    alice = stage.alice
    await stage.asks(alice, f"/dbc image download {PYTORCH} on gpu1")
    what = f"{PYTORCH} is being downloaded from hub to gpu1"
    assert what in card(alice, what).plain.replace("*", "")
    for _ in range(10):
        await stage.passes(5)
    bar = card(alice, what).plain
    assert "▓" in bar
    assert re.search(r"\b(9|10)\d MiB/s", bar)
    assert "left" in bar
    with capture_logs() as logs:
        await stage.passes(100)
        whole = f"{PYTORCH} was downloaded to gpu1: 18G, as on hub"
        end = await stage.ends(alice, whole, within=400)
    [settled] = [one for one in logs if one["event"] == "watch.settled"]
    assert settled["status"] == "ended, being checked"
    assert end.ts != card(alice).ts
    assert end.buttons == []  # those of a machine would do nothing
    for _ in range(5):
        await stage.passes(30)
    assert len(stage.endings(alice)) == 1
    assert stage.changes() == ["images.download"]


@pytest.mark.slow
async def test_a_download_that_moves_is_followed_however_long_it_takes(stage: Stage) -> None:
    stage.node("gpu1").transfers.rate = 18 * GIB / timedelta(hours=3).total_seconds()
    await stage.asks(stage.alice, f"/dbc image download {PYTORCH} on gpu1")
    for _ in range(17):
        await stage.passes(10 * 60)
        assert stage.endings(stage.alice) == []
    await stage.ends(stage.alice, f"{PYTORCH} was downloaded to gpu1", within=1200)


async def test_a_download_is_followed_over_a_restart_of_the_bot(stage: Stage) -> None:
    await stage.asks(stage.alice, f"/dbc image download {PYTORCH} on gpu1")
    await stage.passes(30)
    await stage.restart_bot()
    for _ in range(4):
        await stage.passes(30)
    await stage.ends(stage.alice, f"{PYTORCH} was downloaded to", within=400)
    for _ in range(5):
        await stage.passes(30)
    assert len(stage.endings(stage.alice)) == 1
    assert stage.changes() == ["images.download"]


async def test_a_download_without_an_answer_is_looked_for_and_never_sent_again(
    stage: Stage,
) -> None:
    hurry(stage)
    stage.world.faults.on("timeout_after_doing", path="/images/download", count=1)
    await stage.asks(stage.alice, f"/dbc image download {PYTORCH} on gpu1")
    await stage.ends(stage.alice, f"{PYTORCH} was downloaded to")
    assert stage.changes() == ["images.download"]


async def test_a_download_that_never_began_ends_as_not_known(stage: Stage) -> None:
    stage.world.faults.on("reset_before", path="/images/download", count=1)
    await stage.asks(stage.alice, f"/dbc image download {PYTORCH} on gpu1")
    await stage.passes(60)
    assert stage.endings(stage.alice) == []
    end = await stage.ends(stage.alice, PYTORCH)
    assert "the command got no clear answer" in end.plain
    assert stage.changes() == ["images.download"]


async def test_a_dry_run_reads_and_sends_nothing(stage: Stage) -> None:
    seen = await stage.asks(stage.alice, f"/dbc image download {PYTORCH} on gpu1 --dry-run")
    assert "/images/download" in seen.plain
    assert stage.changes() == []


async def test_a_download_that_breaks_off_is_no_success(stage: Stage) -> None:
    hurry(stage)
    stage.world.image_servers["hub"].dies_at = 0.5
    await stage.asks(stage.alice, f"/dbc image download {PYTORCH} on gpu1")
    end = await stage.ends(stage.alice, PYTORCH, within=400)
    assert "was downloaded only in part: 9G instead of 18G" in end.plain


async def test_a_download_that_is_stopped_ends_as_stopped(stage: Stage) -> None:
    alice = stage.alice
    await stage.asks(alice, f"/dbc image download {PYTORCH} on gpu1")
    for _ in range(4):
        await stage.passes(5)
    await stage.asks(alice, f"/dbc image stop {PYTORCH} on gpu1")
    asked = await alice.sees(f"Stop the download of {PYTORCH}")
    assert "may stay where it was going, as an incomplete file" in asked.plain
    assert "lost" not in asked.plain
    await stage.confirms(alice, f"Stop the download of {PYTORCH}")
    end = await stage.ends(alice, PYTORCH)
    assert f"was stopped by <@{alice.id}>" in end.plain
    assert "An incomplete file (11 %, 1.95G of 18G) is left on *gpu1*." in end.plain
    assert stage.changes() == ["images.download", "images.download_stop"]
    listed = await stage.asks(alice, "/dbc image list gpu1")
    assert re.search(rf"`{PYTORCH}` \S+ incomplete\? hub has 18G", listed.text)
    assert listed.plain.count("incomplete") == 1
    again = await stage.asks(alice, f"/dbc image download {PYTORCH} on gpu1")
    assert "this may be what an interrupted download left" in again.plain


async def test_a_download_that_ends_well_before_it_is_stopped_is_a_success(stage: Stage) -> None:
    alice, gpu1 = stage.alice, stage.node("gpu1")
    await stage.asks(alice, f"/dbc image download {PYTORCH} on gpu1")
    await stage.passes(10)
    await stage.asks(alice, f"/dbc image stop {PYTORCH} on gpu1")
    gpu1.transfers.downloads[PYTORCH].rate = 100 * GIB
    stage.clock.advance(timedelta(seconds=1))
    gpu1.settle()
    await alice.presses("Confirm")
    await stage.quiet()
    await stage.ends(alice, PYTORCH)
    assert ["was downloaded to" in told for told in stage.endings(alice)] == [True]


async def test_a_node_misled_about_the_size_does_not_mislead_us(stage: Stage) -> None:
    images = stage.world.image_servers["hub"].images
    images["a-small-one.qcow2"] = ImageFile(GIB)
    images["one.qcow2"] = ImageFile(10 * GIB)
    await stage.asks(stage.alice, "/dbc image download one.qcow2 on gpu1")
    for _ in range(8):
        await stage.passes(8)
    done = await stage.asks(stage.alice, "/dbc image progress one.qcow2 on gpu1")
    assert "reports no transfer of one.qcow2" in done.plain.replace("*", "")
    assert stage.endings(stage.alice) == []
    await stage.ends(stage.alice, "one.qcow2 was downloaded to gpu1: 10G")


async def test_a_download_to_another_directory_cannot_be_proved(stage: Stage) -> None:
    hurry(stage)
    await stage.asks(stage.alice, f"/dbc image download {PYTORCH} dir=/data2 on gpu1")
    end = await stage.ends(stage.alice, PYTORCH, within=400)
    assert "has ended in /data2; it cannot be checked there" in end.plain
    assert end.buttons == []


async def test_a_download_onto_an_image_that_is_there_is_asked_about(stage: Stage) -> None:
    alice = stage.alice
    seen = await stage.asks(alice, f"/dbc image download {CUDA} from=hub on gpu1")
    assert f"gpu1 already has {CUDA} (14G)" in seen.plain
    await stage.asks(alice, f"/dbc image download {CUDA} from=backup replace on gpu1")
    question = await alice.sees("Download and replace")
    assert "Machines based on it may break" in question.plain
    assert stage.changes() == []


async def test_a_server_is_asked_for_where_several_have_the_image(stage: Stage) -> None:
    seen = await stage.asks(stage.alice, f"/dbc image download {CUDA} on gpu1")
    assert "Which image server? backup, hub" in seen.plain


async def test_an_image_that_no_server_has_is_refused_before_asking_dbc(stage: Stage) -> None:
    seen = await stage.asks(stage.alice, "/dbc image download nothing.qcow2 on gpu1")
    assert "No image server lists nothing.qcow2" in seen.plain
    assert stage.changes() == []


async def test_a_second_download_of_one_name_is_refused(stage: Stage) -> None:
    await stage.asks(stage.alice, f"/dbc image download {PYTORCH} on gpu1")
    await stage.passes(10)
    seen = await stage.asks(stage.alice, f"/dbc image download {PYTORCH} on gpu1")
    assert "is already being downloaded there" in seen.plain
    assert stage.changes() == ["images.download"]


@pytest.mark.parametrize("name", ["ubuntu", "a b.qcow2", "x;rm.qcow2", "../up.qcow2"])
async def test_a_name_that_would_reach_a_shell_is_refused(stage: Stage, name: str) -> None:
    await stage.asks(stage.alice, f'/dbc image download "{name}" from=hub on gpu1')
    assert stage.changes() == []
    assert stage.world.calls.of("images.download_progress") == []


async def test_an_upload_is_proved_by_the_servers_list(stage: Stage) -> None:
    hurry(stage)
    gpu1 = stage.node("gpu1")
    gpu1.files["/data/mine.qcow2"] = ImageFile(6 * GIB)
    await stage.asks(stage.alice, "/dbc image upload mine.qcow2 to=hub on gpu1")
    card(stage.alice, "mine.qcow2 is being uploaded from gpu1 to hub")
    await stage.ends(
        stage.alice, "mine.qcow2 was uploaded from gpu1 to hub: 6G, as on the node", within=300
    )
    assert stage.world.calls.of("images.upload")[0].additional == {
        "image_filename": "/data/mine.qcow2",
        "image_server": "hub",
    }


async def test_an_upload_that_breaks_off_is_no_success(stage: Stage) -> None:
    hurry(stage)
    stage.node("gpu1").files["/data/mine.qcow2"] = ImageFile(6 * GIB)
    stage.world.image_servers["hub"].dies_at = 0.5
    await stage.asks(stage.alice, "/dbc image upload mine.qcow2 to=hub on gpu1")
    end = await stage.ends(stage.alice, "mine.qcow2", within=300)
    assert "is not on hub: the transfer failed, or was stopped elsewhere" in end.plain


async def test_an_upload_is_stopped_by_its_absolute_path(stage: Stage) -> None:
    stage.node("gpu1").files["/data/mine.qcow2"] = ImageFile(6 * GIB)
    await stage.asks(stage.alice, "/dbc image upload mine.qcow2 to=hub on gpu1")
    await stage.passes(20)
    await stage.asks(stage.alice, "/dbc image stop mine.qcow2 on gpu1")
    await stage.confirms(stage.alice, "Stop the upload of mine.qcow2")
    end = await stage.ends(stage.alice, "mine.qcow2 on gpu1 was stopped", within=400)
    assert re.search(r"An incomplete file \(32 %, 1.95G of 6G\) is left on hub\.", end.plain)
    sent = stage.world.calls.of("images.upload_stop")[0].additional
    assert sent == {"image_filename": "/data/mine.qcow2"}


async def test_an_upload_to_a_server_that_lists_nothing_has_to_be_told_to_replace(
    stage: Stage,
) -> None:
    stage.world.image_servers["hub"].reachable = False
    seen = await stage.asks(stage.alice, f"/dbc image upload {CUDA} to=hub on gpu1")
    assert "hub lists no images: it may not be reachable. Whether" in seen.plain
    assert "add: replace" in seen.plain
    assert stage.changes() == []
    await stage.asks(stage.alice, f"/dbc image upload {CUDA} to=hub replace on gpu1")
    asked = await stage.alice.sees("hub lists no images: it may not be reachable")
    assert "Confirm" in asked.buttons


async def test_an_upload_never_replaces_a_namesake_silently(stage: Stage) -> None:
    hurry(stage)
    alice = stage.alice
    seen = await stage.asks(alice, f"/dbc image upload {CUDA} to=hub on gpu1")
    assert f"hub already has {CUDA} (14G)" in seen.plain
    await stage.asks(alice, f"/dbc image upload {CUDA} to=hub replace on gpu1")
    await stage.confirms(alice, "hub's present file (14G) is replaced for everyone")
    end = await stage.ends(alice, CUDA, within=400)
    assert "its list proves nothing" in end.plain
    assert stage.changes() == ["images.upload"]


async def test_the_start_after_an_end_is_told_to_wait_a_moment(stage: Stage) -> None:
    hurry(stage)
    gpu1 = stage.node("gpu1")
    await stage.asks(stage.alice, f"/dbc image download {PYTORCH} on gpu1")
    await stage.ends(stage.alice, f"{PYTORCH} was downloaded", within=400)
    transfer = next(iter(gpu1.transfers.downloads.values()), None)
    if transfer is not None:
        await stage.asks(stage.alice, f"/dbc image download {PYTORCH} replace on gpu1")
        await stage.confirms(stage.alice, f"Download {PYTORCH}")
        await stage.alice.sees("has only just ended")


async def test_progress_is_shown_on_request(stage: Stage) -> None:
    seen = await stage.asks(stage.alice, f"/dbc image progress {PYTORCH} on gpu1")
    assert f"gpu1 reports no transfer of {PYTORCH}" in seen.plain.replace("*", "")
    assert "one that was told to stop may go on unreported" in seen.plain
    await stage.asks(stage.alice, f"/dbc image download {PYTORCH} on gpu1")
    await stage.passes(60)
    seen = await stage.asks(stage.alice, f"/dbc image progress {PYTORCH} on gpu1")
    assert "▓▓▓" in seen.plain
    assert "%" in seen.plain


async def test_what_does_not_run_cannot_be_stopped(stage: Stage) -> None:
    seen = await stage.asks(stage.alice, f"/dbc image stop {PYTORCH} on gpu1")
    assert f"The node reports no transfer of {PYTORCH}" in seen.plain
    assert stage.changes() == []


async def test_a_transfer_that_does_not_move_is_said_to_stall(stage: Stage) -> None:
    stage.node("gpu1").transfers.rate = MIB_PER_SECOND / 1000
    await stage.asks(stage.alice, f"/dbc image download {PYTORCH} on gpu1")
    for _ in range(10):
        await stage.passes(30)
    assert "has not moved since" in card(stage.alice, "is being downloaded").plain
    for _ in range(7):
        await stage.passes(600)
    end = await stage.ends(stage.alice, PYTORCH)
    assert "I have stopped looking" in end.plain
    assert end.buttons == ["Keep watching"]


async def test_a_silent_node_is_said_once_and_the_end_is_told_all_the_same(stage: Stage) -> None:
    gpu1 = stage.node("gpu1")
    await stage.asks(stage.alice, f"/dbc image download {PYTORCH} on gpu1")
    await stage.passes(10)
    gpu1.silent = True
    for _ in range(3):
        await stage.passes(20)
    assert "has not answered since" in card(stage.alice, "is being downloaded").plain
    gpu1.silent = False
    await stage.ends(stage.alice, f"{PYTORCH} was downloaded to", within=900)


async def test_deleting_an_image_names_the_machines_that_use_it(stage: Stage) -> None:
    alice = stage.alice
    disk = stage.task("inference").disks["vda"].source_file.rpartition("/")[2]
    await stage.asks(alice, f"/dbc image delete {disk} on gpu1")
    question = await alice.sees("Delete the image")
    assert "Known to use it: inference" in question.plain
    assert "DBC does not check" in question.plain
    assert stage.changes() == []


async def test_an_image_is_deleted_once_it_is_confirmed(stage: Stage) -> None:
    await stage.asks(stage.alice, "/dbc image delete ubuntu-20.04.qcow2 on gpu1")
    await stage.confirms(stage.alice, "Delete the image")
    await stage.alice.sees("is deleted on", CHANNEL)
    assert "/data/ubuntu-20.04.qcow2" not in stage.node("gpu1").files
    assert stage.changes() == ["images.delete"]


@pytest.mark.parametrize(
    "line", [f"download {CUDA} from nowhere on gpu1", f"upload {CUDA} to nowhere on gpu1"]
)
async def test_from_and_to_say_the_image_server_like_on_says_the_node(
    one_stage: Stage, line: str
) -> None:
    await one_stage.gives_session(one_stage.alice, "gpu1")
    told = await one_stage.asks(one_stage.alice, f"/dbc image {line}")
    assert "nowhere" in told.plain
    assert "I don't know what" not in told.plain
