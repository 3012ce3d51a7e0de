"""What a line means where people leave quotes out, name a node for a server, or add units."""

import pytest

from sandbox.dbc.task import Libvirt, Status
from tests.scenarios.stage import Stage


@pytest.fixture
def stage(one_stage: Stage) -> Stage:
    """Socket Mode: nothing here depends on how the bot is reached."""
    return one_stage


@pytest.fixture(autouse=True)
async def session(stage: Stage) -> None:
    await stage.gives_session(stage.alice, "gpu1")
    await stage.asks(stage.alice, "/dbc vm list")


async def test_a_name_without_its_quotes_is_recognised(stage: Stage) -> None:
    told = await stage.asks(stage.alice, "/dbc vm restart Ada’s training run force")
    assert "I don't know what “training” means for `/dbc vm restart`" in told.plain
    assert 'Did you mean `/dbc vm restart "Ada\'s training run" force`?' in told.plain
    assert stage.changes() == []


async def test_a_word_that_names_nothing_is_answered_with_the_usage(stage: Stage) -> None:
    told = await stage.asks(stage.alice, "/dbc vm show some bottle")
    assert "“bottle”" in told.plain
    assert "Usage: `/dbc vm show <machine> [retry] [reveal]`" in told.plain


async def test_the_suggested_line_can_be_typed(stage: Stage) -> None:
    told = await stage.asks(stage.alice, "/dbc vm logs Ada's training run head 5")
    line = told.plain.split("Did you mean `")[1].split("`?")[0]
    assert "first 5 lines" in (await stage.asks(stage.alice, line)).plain


async def test_an_end_of_the_log_without_a_machine_asks_for_the_machine(stage: Stage) -> None:
    await stage.alice.types("/dbc vm logs head 20", channel="gpu-ops")
    form = await stage.alice.sees_modal("Show a machine's log")
    assert (form.value("End"), form.value("Lines")) == ("head", "20")


@pytest.mark.parametrize(
    ("line", "heads", "other"),
    [
        ("image list gpu1", "gpu1", "hub"),
        ("image list hub", "hub (image server)", "gpu1"),
        ("image list on gpu1", "gpu1", "hub"),
        ("image list server=hub", "hub (image server)", "gpu1"),
    ],
)
async def test_images_are_listed_of_a_node_or_a_server(
    stage: Stage, line: str, heads: str, other: str
) -> None:
    told = (await stage.asks(stage.alice, f"/dbc {line}")).plain.replace("*", "")
    assert heads in told
    assert "ubuntu-22.04-cuda-12.qcow2" in told
    assert other not in told


async def test_a_place_that_is_neither_is_named(stage: Stage) -> None:
    told = await stage.asks(stage.alice, "/dbc image list gpu9")
    assert "no node and no image server called “gpu9”" in told.plain
    assert "`/dbc image servers`" in told.plain


@pytest.mark.parametrize("by", ["+50", "by 50G", "+50 GiB", "＋５０ＧＢ"])
async def test_a_disk_grows_by_a_size_with_or_without_a_unit(stage: Stage, by: str) -> None:
    task = stage.task("inference")
    assert task.domain is not None
    task.domain.state, task.status = Libvirt.SHUT_OFF, Status.CLOSED
    told = await stage.asks(stage.alice, f"/dbc disk resize inference vdb {by} --dry-run")
    assert '"size": 50' in told.plain


async def test_all_sessions_are_checked_where_no_node_is_named(stage: Stage) -> None:
    await stage.gives_session(stage.alice, "gpu2")
    told = (await stage.asks(stage.alice, "/dbc session check")).plain.replace("*", "")
    assert "Your session for gpu1 works" in told
    assert "Your session for gpu2 works" in told
    stage.node("gpu2").silent = True
    told = (await stage.asks(stage.alice, "/dbc session check")).plain.replace("*", "")
    assert "Your session for gpu1 works" in told
    assert "Your session for gpu2 could not be checked: " in told
    alone = await stage.asks(stage.alice, "/dbc session check gpu1")
    assert "gpu2" not in alone.plain
