"""An approval covers exactly what was shown: a difference voids it and is shown."""

from collections.abc import Callable
from pathlib import Path

import pytest

from sandbox.dbc.task import Libvirt, Task
from tests.scenarios.site import NAME, approves, asked, entries, now, site, told
from tests.scenarios.stage import card


def switched_off(task: Task) -> None:
    assert task.domain is not None
    task.domain.state = Libvirt.SHUT_OFF


def with_more_disk(task: Task) -> None:
    next(iter(task.disks.values())).size *= 2


@pytest.mark.parametrize(
    ("change", "what"), [(switched_off, "Present state was “running”"), (with_more_disk, "Disks")]
)
@pytest.mark.parametrize("http", [False, True], ids=["socket", "http"])
async def test_a_changed_machine_voids_it(
    tmp_path: Path, change: Callable[[Task], None], what: str, *, http: bool
) -> None:
    async with site(tmp_path, http=http) as stage:
        question = await asked(stage)
        change(stage.task(NAME))
        await approves(stage, stage.bob, question)
        ended = now(stage, question)
        assert f"Changed since it was shown: {what}" in ended.plain
        assert ended.buttons == []
        assert "voided" in [str(entry.kind) for entry in await entries(stage)]
        assert len(stage.endings(stage.alice)) == 1
        assert stage.changes() == []


async def test_another_machine_under_the_name_voids_it(tmp_path: Path) -> None:
    async with site(tmp_path) as stage:
        await stage.asks(stage.alice, f"/dbc vm name {NAME} prod")
        await stage.alice.types("/dbc vm delete prod")
        await stage.quiet()
        question = await stage.alice.sees("Delete .prod")
        await stage.asks(stage.alice, f"/dbc vm name {NAME} old")
        await stage.asks(stage.alice, "/dbc vm name Ada prod")
        await approves(stage, stage.bob, question)
        assert "means another machine now" in now(stage, question).plain
        assert "voided" in [str(entry.kind) for entry in await entries(stage)]
        assert stage.changes() == []


async def test_what_cannot_be_compared_does_not_run(tmp_path: Path) -> None:
    async with site(tmp_path) as stage:
        question = await asked(stage)
        stage.node("gpu1").silent = True
        await approves(stage, stage.bob, question)
        await stage.quiet()
        assert "It cannot be compared with what was shown" in now(stage, question).plain
        assert told(stage.bob, "Ask again when it does")
        assert stage.changes() == []


async def test_what_could_not_be_shown_is_said_and_not_compared(tmp_path: Path) -> None:
    async with site(tmp_path) as stage:
        await stage.asks(stage.alice, "/dbc vm list")
        stage.node("gpu1").silent = True
        question = await asked(stage)
        assert "the node does not answer just now" in question.plain
        stage.node("gpu1").silent = False
        await stage.passes(300)
        await approves(stage, stage.bob, question)
        await stage.ends(stage.alice, f"{NAME} is deleted")


async def test_a_state_shown_as_last_seen_has_to_hold_too(tmp_path: Path) -> None:
    async with site(tmp_path) as stage:
        await stage.asks(stage.alice, "/dbc vm list")
        stage.node("gpu1").silent = True
        question = await asked(stage)
        stage.node("gpu1").silent = False
        domain = stage.task(NAME).domain
        assert domain is not None
        domain.state = Libvirt.SHUT_OFF
        await stage.passes(300)
        await approves(stage, stage.bob, question)
        assert "was “running” and is now “off”" in card(stage.alice, "Asked by").plain
        assert stage.changes() == []
