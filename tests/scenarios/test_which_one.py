"""What is lost is the very one that was shown: one put in its place, under its name, is spared."""

import json
import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from sandbox.dbc.images import ImageFile
from sandbox.dbc.task import Disk
from sandbox.dbc.values import GIB
from tests.scenarios.changing import DEEDS, LOCAL, NAME, NO_REVIEW, Deed, does, prepared
from tests.scenarios.metal import slot
from tests.scenarios.site import approves, now, rules, site
from tests.scenarios.stage import Stage
from tests.scenarios.test_approval_binding import taken
from tests.scenarios.test_shown_is_compared import (
    ALICES,
    FETCHING,
    Meanwhile,
    another_session,
    outside,
)
from tests.scenarios.test_shown_is_sent import question_of


def _disk(stage: Stage) -> None:
    """Another disk of the same name and size."""
    old = stage.task(NAME).disks["vdb"]
    stage.task(NAME).disks["vdb"] = Disk("vdb", "/data/data_77_20260105101500.qcow2", old.size)


def _elsewhere(stage: Stage) -> None:
    """Another disk whose file has the same name in another directory."""
    old = stage.task(NAME).disks["vdb"]
    stage.task(NAME).disks["vdb"] = replace(old, source_file=f"/data2{old.source_file}")


def _snapshot(stage: Stage) -> None:
    """Another snapshot of the same name."""
    [old] = stage.task(NAME).snapshots
    later = old.created_at + timedelta(hours=1)
    stage.task(NAME).snapshots = [replace(old, file="/data/snap_77.qcow2", created_at=later)]


def _snapshot_file(stage: Stage) -> None:
    [old] = stage.task(NAME).snapshots
    stage.task(NAME).snapshots = [replace(old, file="/data/snap_77.qcow2")]


def _network(stage: Stage) -> None:
    """The network was deleted and made again."""
    stage.world.networks["team01"] = replace(stage.world.networks["team01"], vni="4711")


def _network_of_another(stage: Stage) -> None:
    stage.world.networks["team01"] = replace(stage.world.networks["team01"], wallet="5Mallory")


def _rewired(stage: Stage) -> None:
    """The manager was told that another machine answers to the id."""
    slot(stage).ipmi_hostname = "198.51.100.99"


def _machine(stage: Stage) -> None:
    """The machine was deleted, and another one made with the same description."""
    tasks = stage.node("gpu1").tasks
    old = stage.task(NAME)
    del tasks[old.task_id]
    tasks["9" * 22] = replace(old, task_id="9" * 22)


def _with_snapshot(deed: Deed) -> Deed:
    async def before(stage: Stage) -> None:
        await deed.before(stage)
        taken(stage.task(NAME), "nightly")

    return replace(deed, before=before)


OTHER_DISK = "disk vdb is another one now: its file is data_77_20260105101500.qcow2, not data_"
OTHER_SNAPSHOT = "it was taken at 2026-01-05 10:00:00, not 2026-01-05 09:00:00"
CASES: dict[str, tuple[str, Meanwhile, str]] = {
    "disk to delete": ("disk.delete", outside(_disk), OTHER_DISK),
    "disk to grow": ("disk.resize", outside(_disk), OTHER_DISK),
    "disk beside a new one": ("disk.add", outside(_disk), OTHER_DISK),
    "disk of a deleted machine": ("vm.delete", outside(_disk), OTHER_DISK),
    "disk in another directory": (
        "disk.delete",
        outside(_elsewhere),
        "disk vdb is another one now: its file is /data2/data/data_",
    ),
    "snapshot of a deleted machine": ("vm.delete", outside(_snapshot), OTHER_SNAPSHOT),
    "snapshot's file of a deleted machine": (
        "vm.delete",
        outside(_snapshot_file),
        "snapshot nightly is another one now: its file is snap_77.qcow2, not snap_nightly.qcow2",
    ),
    "snapshot to delete": (
        "snapshot.delete",
        outside(_snapshot),
        "the snapshot is another one now: its file is snap_77.qcow2, not snap_before.qcow2",
    ),
    "network": (
        "lan.delete",
        outside(_network),
        "the network is another one now: its VNI is 4711, not ",
    ),
    "network of another": ("lan.delete", outside(_network_of_another), "its owner is another"),
    "power": ("metal.power", outside(_rewired), "the IPMI host is now 198.51.100.99, not "),
    "boot": ("metal.boot", outside(_rewired), "the IPMI host is now 198.51.100.99, not "),
    "metal": ("metal.remove", outside(_rewired), "the IPMI host is now 198.51.100.99, not "),
    "session": ("session.remove", another_session, "the session is now added"),
    "machine": ("vm.delete", outside(_machine), "means another machine now"),
}


@pytest.mark.parametrize("case", CASES)
async def test_another_one_under_the_name_of_what_was_shown_is_left_alone(
    tmp_path: Path, case: str
) -> None:
    name, meanwhile, differs = CASES[case]
    deed = DEEDS[name]
    if "snapshot" in case and name == "vm.delete":
        deed = _with_snapshot(deed)
    async with site(tmp_path, NO_REVIEW, entitled="carol") as stage:
        asked = await prepared(stage, deed)
        rules(stage, ALICES)
        await does(stage, asked)
        question = question_of(stage)
        await meanwhile(stage)
        if case == "machine":
            await stage.asks(stage.alice, "/dbc vm list")
        stage.world.calls.clear()
        await approves(stage, stage.bob, question)
        assert differs in now(stage, question).plain.replace("*", "")
        assert stage.changes() == []


@pytest.mark.parametrize("line", [f"image delete {LOCAL} on gpu1", FETCHING])
async def test_a_file_that_was_put_in_the_place_of_the_one_shown_is_left_alone(
    tmp_path: Path, line: str
) -> None:
    """DBC tells name and size alone; what went through the bot is known."""
    async with site(tmp_path, NO_REVIEW, entitled="carol") as stage:
        stage.world.image_servers["backup"].images[LOCAL] = ImageFile(4 * GIB + 1)
        asked = await prepared(stage, replace(DEEDS["image.delete"], line=line))
        rules(stage, ALICES)
        await does(stage, asked)
        question = question_of(stage)
        fetching = f"/dbc image download {LOCAL} from=backup replace on gpu1"
        await stage.asks(stage.carol, fetching)
        await stage.ends(stage.carol, LOCAL)
        stage.world.calls.clear()
        await approves(stage, stage.bob, question)
        ended = now(stage, question).plain.replace("*", "")
        assert "the file is another one now: put there by " in ended
        assert stage.changes() == []


@pytest.mark.slow
async def test_what_is_still_the_same_one_is_deleted(tmp_path: Path) -> None:
    for name in ("disk.delete", "snapshot.delete", "lan.delete", "vm.delete", "metal.power"):
        data = tmp_path / name
        data.mkdir()
        async with site(data, NO_REVIEW, entitled="carol") as stage:
            asked = await prepared(stage, DEEDS[name])
            rules(stage, ALICES)
            await does(stage, asked)
            await approves(stage, stage.bob, question_of(stage))
            assert len(stage.changes()) == 1, stage.bob.screen()


async def test_the_card_names_the_file_of_a_disk_that_is_to_be_deleted(tmp_path: Path) -> None:
    async with site(tmp_path, NO_REVIEW, entitled="carol") as stage:
        asked = await prepared(stage, DEEDS["disk.delete"])
        rules(stage, ALICES)
        await does(stage, asked)
        file = stage.task(NAME).disks["vdb"].source_file.rpartition("/")[2]
        assert f"Its file on the node is {file}." in question_of(stage).plain


async def test_a_download_that_never_reached_the_node_has_replaced_nothing(tmp_path: Path) -> None:
    async with site(tmp_path, NO_REVIEW, entitled="carol") as stage:
        stage.world.image_servers["backup"].images[LOCAL] = ImageFile(4 * GIB + 1)
        delete = replace(DEEDS["image.delete"], line=f"image delete {LOCAL} on gpu1")
        asked = await prepared(stage, delete)
        rules(stage, ALICES)
        await does(stage, asked)
        question = question_of(stage)
        stage.world.faults.on("forbidden", path="/images/download")
        told = await stage.asks(
            stage.carol, f"/dbc image download {LOCAL} from=backup replace on gpu1"
        )
        assert "failed: A gateway" in told.plain
        await approves(stage, stage.bob, question)
        assert f"{LOCAL} is deleted on gpu1." in now(stage, question).plain.replace("*", "")


async def test_disks_of_which_a_former_version_kept_the_names_alone_were_not_shown(
    tmp_path: Path,
) -> None:
    async with site(tmp_path, NO_REVIEW, entitled="carol") as stage:
        asked = await prepared(stage, DEEDS["vm.delete"])
        rules(stage, ALICES)
        await does(stage, asked)
        with closing(sqlite3.connect(f"{stage.data}/bot.db")) as database, database:
            [(told,)] = database.execute("SELECT shown FROM approvals").fetchall()
            shown = json.loads(told)
            disks = [row.split("\t")[:2] for row in shown["disks"].splitlines()]
            shown["disks"] = ", ".join(" ".join(disk) for disk in disks)
            database.execute("UPDATE approvals SET shown = ?", (json.dumps(shown),))
        question = question_of(stage)
        await approves(stage, stage.bob, question)
        ended = now(stage, question).plain.replace("*", "")
        assert "Changed since it was shown: which disks they are was not shown" in ended
        assert stage.changes() == []
