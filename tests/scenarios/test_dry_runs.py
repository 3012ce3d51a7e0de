"""Dry runs of everything that changes something: what would be sent, where, reviewed how, lost."""

from pathlib import Path

import pytest

from bot.commands.rows import command_table
from bot.model import Effect
from sandbox.slack import SeenMessage
from tests.scenarios.changing import DEEDS, NO_REVIEW, UNREVIEWED, does, prepared
from tests.scenarios.machines import off
from tests.scenarios.site import rules, site
from tests.scenarios.stage import Stage
from tests.scenarios.test_approval_rules import rule

CONFIRM = "[defaults]\nchange = { confirm = true }\ndisrupt = { confirm = true }\n"


def test_every_command_that_changes_something_is_walked() -> None:
    changing = {c.id for c in command_table() if _most(c.id) is not Effect.READ}
    assert set(DEEDS) == changing - {"approval.cancel", "approval.withdraw"}  # see below


def _most(command_id: str) -> Effect:
    command = command_table()[command_id]
    return max(command.worst_effect, command.effect_of({"command": "on"}))


def answer(stage: Stage) -> str:
    """What Alice reads, in the form or where she asked."""
    modal = stage.alice.modal
    if modal is not None:
        assert modal.errors == {}, modal.errors
        return modal.plain
    return stage.alice.last().plain


@pytest.mark.parametrize("name", sorted(set(DEEDS) - UNREVIEWED))
async def test_a_dry_run_says_what_would_be_sent_reviewed_and_lost(
    tmp_path: Path, name: str
) -> None:
    async with site(tmp_path, NO_REVIEW, entitled="") as stage:
        deed = await prepared(stage, DEEDS[name])
        rules(stage, CONFIRM + "destroy = { confirm = true }\n")
        before = [m.ts for m in stage.bob.messages()]
        await does(stage, deed, options="--dry-run")
        told = answer(stage).replace("*", "")
        assert "Dry run: nothing was sent and nothing has changed." in told
        assert ":no_entry_sign:" not in told
        assert "would be refused" not in told
        assert "You would be asked to confirm." in told
        assert "Would be lost" in told
        if deed.sends:
            assert f"POST /api/v1{deed.sends}" in told
            assert "The DBC daemon would get, for " in told
        else:
            assert "DBC would get nothing" in told
        assert stage.changes() == []
        assert [m.ts for m in stage.bob.messages()] == before


async def test_a_dry_run_of_several_changes_shows_them_all(one_stage: Stage) -> None:
    stage = one_stage
    await stage.gives_session(stage.alice, "gpu1")
    seen = await stage.asks(stage.alice, "/dbc vm modify inference mem=128 ssh=5700 --dry-run")
    assert seen.plain.count("POST /api/v1/tasks/modify/") == 2
    assert '"new_mem_size": ' in seen.plain
    assert '"new_ssh_port": ' in seen.plain
    assert "None: it would run at once." in seen.plain
    assert stage.node("gpu1").node_id in seen.plain
    assert stage.changes() == []


async def test_a_dry_run_of_a_withdrawal_leaves_the_question_open(tmp_path: Path) -> None:
    async with site(tmp_path) as stage:
        await stage.alice.types("/dbc vm delete inference")
        await stage.quiet()
        number = (await stage.asks(stage.alice, "/dbc approval list")).plain.split("`")[1]
        told = await stage.asks(stage.alice, f"/dbc approval cancel {number} --dry-run")
        assert "DBC would get nothing" in told.plain
        assert "The request, with the decisions on it." in told.plain
        assert "inference" in (await stage.asks(stage.alice, "/dbc approval list")).plain


async def test_a_dry_run_shows_what_a_question_would_show(tmp_path: Path) -> None:
    async with site(tmp_path) as stage:
        stage.world.faults.on("bad_json", path="/snapshot/list")
        told = await stage.asks(stage.alice, "/dbc vm delete inference --dry-run")
        assert "Present state*\nrunning" in told.plain
        assert "Disks*\nvda 350G, vdb 100G" in told.plain
        assert "Snapshots*\ncould not be read. DBC's answer was cut off." in told.plain


async def test_a_dry_run_of_what_would_be_refused_says_why(one_stage: Stage) -> None:
    stage = one_stage
    await stage.gives_session(stage.alice, "gpu1")
    told: SeenMessage = await stage.asks(stage.alice, "/dbc disk add inference 50 --dry-run")
    assert "“Add a data disk” would be refused. inference is “running”" in told.plain
    assert stage.changes() == []


@pytest.mark.parametrize(
    ("wish", "obstacle"),
    [
        ("gpu=9", "gpu2 has 4 GPUs; this asks for 9."),
        ("disk=900000", "of disk space in /data free; this asks for 900000G."),
        ("mem=60000", "of memory free; this asks for 60000G."),
        ("image=nothing.qcow2", "gpu2 does not list the image nothing.qcow2."),
    ],
)
async def test_a_dry_run_says_what_the_node_has_no_room_for(
    one_stage: Stage, wish: str, obstacle: str
) -> None:
    stage = one_stage
    await stage.gives_session(stage.alice, "gpu2")
    given = {"name": "t1", "image": "ubuntu-22.04-cuda-12.qcow2"} | dict([wish.split("=")])
    line = " ".join(f"{key}={value}" for key, value in given.items())
    told = await stage.asks(stage.alice, f"/dbc vm create {line} --dry-run on gpu2")
    assert "Would fail" in told.plain
    assert obstacle in told.plain
    assert "it would be sent at once, and fail" in told.plain
    assert "run at once" not in told.plain


async def test_a_dry_run_of_what_fits_names_no_obstacle(one_stage: Stage) -> None:
    stage = one_stage
    await stage.gives_session(stage.alice, "gpu2")
    line = "/dbc vm create name=t1 image=ubuntu-22.04-cuda-12.qcow2 --dry-run on gpu2"
    assert "Would fail" not in (await stage.asks(stage.alice, line)).plain
    stage.node("gpu2").silent = True
    told = await stage.asks(stage.alice, line)
    assert "Room on the node" in told.plain
    assert "could not be read. gpu2 did not answer in time." in told.plain


@pytest.mark.parametrize(
    "demand", ['reason = "^INC-"', "confirm = true", "approvals = 1"], ids=str.split
)
async def test_a_dry_run_says_that_the_glass_would_be_broken(tmp_path: Path, demand: str) -> None:
    glass = 'break_glass = { persons = ["U0ALICE"] }'
    async with site(tmp_path, rule('command = "vm.start"', demand, glass)) as stage:
        off(stage)
        line = '/dbc vm start inference break_glass="node down"'
        told = await stage.asks(stage.alice, f"{line} --dry-run")
        assert "It would run at once, be announced" in told.plain
        await stage.asks(stage.alice, line)
        assert stage.changes() == ["tasks.start"]


async def test_a_dry_run_refuses_glass_that_may_not_be_broken(tmp_path: Path) -> None:
    async with site(tmp_path, rule('command = "vm.start"', "approvals = 1")) as stage:
        off(stage)
        line = '/dbc vm start inference break_glass="node down" --dry-run'
        told = await stage.asks(stage.alice, line)
        assert "The rules let nobody break the glass" in told.plain
