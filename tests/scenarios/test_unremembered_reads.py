"""While nothing can be written, what somebody reads is answered, and not remembered."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.scenarios.stage import Stage
from tests.scenarios.test_broken_database import broken
from tests.scenarios.test_list_pages import many

FAILS = "database could not be read or written"


@contextmanager
def nothing_can_be_written(stage: Stage) -> Iterator[None]:
    """Meanwhile every unit of work that writes fails as it begins; reading goes on."""
    file = stage.data / "bot.db"
    aside = file.rename(stage.data / "aside.db")
    yield
    aside.rename(file)


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("vm list", "inference"),
        ("vm show inference", "running"),
        ("disk list inference", "vda"),
        ("snapshot list inference", "has no snapshots"),
        ("image list", "pytorch-2.4.qcow2"),
        ("image list gpu1", "ubuntu-22.04-cuda-12.qcow2"),
        ("image servers", "hub"),
        ("node list", "gpu3"),
        ("node show gpu2", "gpu2"),
        ("metal list", "acfaa034"),
        ("doctor", "You may not see how the bot is."),
    ],
)
async def test_what_is_read_is_answered(one_stage: Stage, line: str, told: str) -> None:
    stage = one_stage
    await stage.gives_session(stage.alice, "gpu1", "gpu2")
    before = await stage.asks(stage.alice, f"/dbc {line}")
    with nothing_can_be_written(stage):
        now = await stage.asks(stage.alice, f"/dbc {line}")
    assert told in before.plain
    assert told in now.plain
    assert FAILS not in now.plain


async def test_what_was_never_seen_is_answered(one_stage: Stage) -> None:
    stage = one_stage
    await stage.gives_session(stage.alice, "gpu1")
    with nothing_can_be_written(stage):
        listed = await stage.asks(stage.alice, "/dbc vm list")
        images = await stage.asks(stage.alice, "/dbc image list")
        nodes = await stage.asks(stage.alice, "/dbc node list")
    assert "inference" in listed.plain
    assert "pytorch-2.4.qcow2" in images.plain
    assert "gpu3" in nodes.plain


async def test_a_list_is_read_without_the_buttons_to_its_other_pages(stage: Stage) -> None:
    await stage.gives_session(stage.alice, "gpu1")
    many(stage, 25)
    with nothing_can_be_written(stage):
        listed = await stage.asks(stage.alice, "/dbc vm list on gpu1")
    assert "1 to 10 of " in listed.plain
    assert "For all of it, add `--file`." in listed.plain
    assert "Next ▶" not in listed.buttons


async def test_a_list_is_read_without_the_button_to_older_rows(stage: Stage) -> None:
    for number in range(8):
        await stage.asks(stage.alice, f"/dbc vm start nothing-{number}")
    with broken(stage, "INSERT ON suggestions"):
        listed = await stage.asks(stage.alice, "/dbc audit list")
    assert "nothing-7" in listed.plain
    assert "For older ones, add `before=" in listed.plain
    assert "Older ▶" not in listed.buttons
