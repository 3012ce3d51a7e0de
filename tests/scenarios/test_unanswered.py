"""Changes that are over with DBC's answer, where it got lost: what can be read settles them."""

from pathlib import Path

import pytest

from tests.scenarios.machines import off
from tests.scenarios.site import approves, asked, dies_as_it_runs, site
from tests.scenarios.stage import CHANNEL, Stage, card
from tests.scenarios.test_approval_rules import rule

LOOKING = "It may still be carried out. I look for it until"
MEMORY = "memory 64 → 32 GiB (from the next start)"
PORT = "SSH port 5685 → 5700"
NOT_KNOWN = "the command got no clear answer"


@pytest.fixture
async def stage(one_stage: Stage) -> Stage:
    """Socket Mode; Alice may act on a node that has a machine of hers."""
    await one_stage.gives_session(one_stage.alice, "gpu1")
    await one_stage.asks(one_stage.alice, "/dbc vm list")
    return one_stage


def strikes(stage: Stage, fault: str, path: str, seconds: float = 5) -> None:
    """The next request on this path meets the fault."""
    stage.world.faults.on(fault, path=path, count=1, seconds=seconds)


@pytest.mark.parametrize("fault", ["timeout_after_doing", "reset_after", "bad_json"])
async def test_a_change_that_was_made_is_read_back_and_told(stage: Stage, fault: str) -> None:
    strikes(stage, fault, "/tasks/modify")
    await stage.asks(stage.alice, "/dbc vm modify inference mem=32")
    assert "it is unknown whether the command was carried out" in card(stage.bob).plain
    end = await stage.ends(stage.alice, f"inference was changed on gpu1: {MEMORY}", within=10)
    assert end.plain.startswith(":white_check_mark:")
    await stage.passes(200)
    assert len(stage.endings(stage.alice)) == 1
    assert stage.changes() == ["tasks.modify"]


async def test_a_change_that_shows_nowhere_is_unknown_and_looked_for(stage: Stage) -> None:
    strikes(stage, "late", "/tasks/modify", 200)
    await stage.asks(stage.alice, "/dbc vm modify inference mem=32")
    unknown = await stage.ends(
        stage.alice, f"inference on gpu1 still has memory 64 GiB; {NOT_KNOWN}", within=180
    )
    assert LOOKING in unknown.plain
    await stage.ends(stage.alice, f"inference was changed on gpu1: {MEMORY}", within=300)
    assert stage.changes() == ["tasks.modify"]


async def test_what_was_not_tried_any_more_is_named(stage: Stage) -> None:
    strikes(stage, "reset_after", "/tasks/modify")
    await stage.asks(stage.alice, "/dbc vm modify inference mem=32 ssh=5700")
    end = await stage.ends(stage.alice, f"inference on gpu1 was changed in part: {PORT}", within=10)
    assert f"Not tried: {MEMORY}" in end.plain
    assert end.plain.startswith(":x:")
    assert stage.task("inference").memory == 64 * 1024**3
    assert stage.changes() == ["tasks.modify"]


async def test_what_was_answered_before_is_named_beside_what_is_in_doubt(stage: Stage) -> None:
    strikes(stage, "slow", "/tasks/modify", 0)
    strikes(stage, "reset_before", "/tasks/modify")
    await stage.asks(stage.alice, "/dbc vm modify inference mem=32 cpu=4 ssh=5700")
    end = await stage.ends(stage.alice, "inference on gpu1 still has CPU cores 8;", within=180)
    assert f"Changed: {PORT}. Not tried: {MEMORY}" in end.plain
    assert stage.changes() == ["tasks.modify", "tasks.modify"]


async def test_what_dbc_shows_nowhere_is_unknown_at_once(stage: Stage) -> None:
    strikes(stage, "reset_after", "/tasks/modify")
    await stage.asks(stage.alice, "/dbc vm modify inference ports=tcp,8080")
    end = await stage.ends(stage.alice, "inference on gpu1 may or may not have changed", within=10)
    assert end.plain.startswith(":grey_question:")
    assert end.buttons == ["Show logs", "Show", "More …"]


@pytest.mark.parametrize("sent", [1, 2])
async def test_after_a_death_what_can_be_read_settles_it(tmp_path: Path, sent: int) -> None:
    rules = rule('command = "vm.modify"', "approvals = 1")
    async with site(tmp_path, rules) as stage:
        await asked(stage, "/dbc vm modify inference mem=32 ssh=5700")
        task = stage.task("inference")
        task.ssh_port = 5700
        task.memory = 32 * 1024**3 if sent == 2 else task.memory
        await dies_as_it_runs(stage)
        await stage.restart_bot()
        await stage.passes(301)
        if sent == 2:
            told = f"inference was changed on gpu1: {PORT}; {MEMORY}"
            await stage.ends(stage.alice, told)
        else:
            end = await stage.ends(
                stage.alice, "inference on gpu1 still has memory 64 GiB", within=300
            )
            assert f"Changed: {PORT}" in end.plain
        assert stage.changes() == []


async def test_after_a_death_the_card_says_no_more_than_is_known(tmp_path: Path) -> None:
    async with site(tmp_path, rule('command = "vm.restart"', "approvals = 1")) as stage:
        await asked(stage, "/dbc vm restart inference force")
        await dies_as_it_runs(stage)
        await stage.restart_bot()
        await stage.passes(301)
        for _ in range(3):
            told = card(stage.bob).plain
            assert "it is unknown whether the command was carried out" in told
            assert "Force-restart a machine: *inference*" in told
            assert "is restarting" not in told
            await stage.passes(15)
        assert "the node says: `running`" in told


async def test_an_approved_change_is_settled_by_reading(tmp_path: Path) -> None:
    rules = rule('command = "vm.modify"', "approvals = 1")
    async with site(tmp_path, rules) as stage:
        question = await asked(stage, "/dbc vm modify inference mem=32")
        strikes(stage, "reset_after", "/tasks/modify")
        await approves(stage, stage.bob, question)
        await stage.ends(stage.alice, f"inference was changed on gpu1: {MEMORY}", within=10)


async def makes(stage: Stage) -> None:
    """There is a network."""
    await stage.asks(stage.alice, "/dbc lan create team01 192.168.66.0/24 on gpu1")


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        ("timeout_after_doing", "gpu1 has the network team01 now"),
        ("reset_before", "gpu1 does not have the network team01"),
    ],
)
async def test_a_network_is_looked_up_in_the_list(stage: Stage, fault: str, told: str) -> None:
    strikes(stage, fault, "/lan/create")
    await makes(stage)
    end = await stage.ends(stage.alice, told, within=180)
    assert (NOT_KNOWN in end.plain.lower()) == (fault == "reset_before")
    assert stage.changes() == ["lan.create"]


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        ("timeout_after_doing", "gpu1 no longer has the network team01"),
        ("reset_before", "gpu1 still has the network team01"),
    ],
)
async def test_a_network_that_should_be_gone_is_looked_up_in_the_list(
    stage: Stage, fault: str, told: str
) -> None:
    await makes(stage)
    strikes(stage, fault, "/lan/delete")
    await stage.asks(stage.alice, "/dbc lan delete team01 on gpu1")
    await stage.confirms(stage.alice, "Delete the network")
    end = await stage.ends(stage.alice, told, within=180)
    assert (NOT_KNOWN in end.plain.lower()) == (fault == "reset_before")
    assert stage.changes() == ["lan.create", "lan.delete"]


async def test_an_image_that_is_gone_from_the_list_is_deleted(stage: Stage) -> None:
    strikes(stage, "timeout_after_doing", "/images/delete")
    await stage.asks(stage.alice, "/dbc image delete ubuntu-20.04.qcow2 on gpu1")
    await stage.confirms(stage.alice, "Delete the image")
    await stage.ends(stage.alice, "ubuntu-20.04.qcow2 is deleted on gpu1", within=10)


async def test_a_snapshot_that_is_gone_from_the_list_is_deleted(stage: Stage) -> None:
    off(stage)
    await stage.asks(stage.alice, "/dbc snapshot create inference before to=hub")
    await stage.ends(stage.alice, "inference on gpu1: snapshot before is on hub", within=3000)
    strikes(stage, "timeout_after_doing", "/snapshot/delete")
    await stage.asks(stage.alice, "/dbc snapshot delete inference before", CHANNEL)
    await stage.confirms(stage.alice, "Delete snapshot")
    told = "inference no longer has the snapshot before on gpu1"
    await stage.ends(stage.alice, told, within=10)
