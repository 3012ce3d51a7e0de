"""Two changes of one machine at the same moment: each was checked before the other was sent."""

import asyncio
from pathlib import Path

import pytest

from tests.scenarios.changing import NO_REVIEW
from tests.scenarios.machines import off
from tests.scenarios.site import site
from tests.scenarios.stage import CHANNEL, Stage, staged
from tests.scenarios.test_slack_silent import time_passing

NAME = "inference"
TOLD = "Another change of inference was sent at the same moment."
WAITS = "1 change is ahead of it"
IN_THE_WAY = "a snapshot can be taken only while it is off"
REVIEWED = '[[rule]]\nname = "both"\nmatch = {{ command = "{}" }}\napprovals = 1\n'


def told(stage: Stage) -> list[str]:
    """The messages that say so to anybody, or that the other one waits for its turn."""
    people = (stage.alice, stage.bob, stage.carol)
    said = [m.plain.replace("*", "") for person in people for m in person.messages()]
    return [text for text in said if TOLD in text or WAITS in text]


async def both_mean_it(stage: Stage) -> None:
    """Wait until the ledger has two commands that are about this machine."""
    task, about = stage.task(NAME).task_id, 0
    while about < 2:
        async with stage.bot.store.read() as tx:
            about = sum(one.task == task for one in await tx.executions.recent(limit=9))
        await asyncio.sleep(0.01)


@pytest.mark.parametrize(
    ("command", "first", "second"),
    [
        ("disk.resize", f"disk resize {NAME} vdb +50", f"disk resize {NAME} vdb +20"),
        ("vm.modify", f"vm modify {NAME} mem=100", f"vm modify {NAME} ssh=5700"),
    ],
)
async def test_of_two_changes_approved_at_once_one_is_sent(
    tmp_path: Path, command: str, first: str, second: str
) -> None:
    async with site(tmp_path, REVIEWED.format(command)) as stage:
        off(stage)
        await stage.asks(stage.alice, "/dbc vm list")
        await stage.asks(stage.alice, f"/dbc {first}")
        await stage.asks(stage.bob, f"/dbc {second}")
        questions = [m for m in stage.carol.messages(CHANNEL) if "Approve" in m.buttons]
        assert len(questions) == 2
        await asyncio.gather(*(stage.carol.presses("Approve", one) for one in questions))
        await stage.quiet()
        assert len(stage.changes()) == 1, stage.changes()
        assert told(stage)


async def test_of_two_that_wait_for_nothing_one_is_sent(tmp_path: Path) -> None:
    async with staged(tmp_path, policy=NO_REVIEW, daemon_patience=None) as stage:
        for person in (stage.alice, stage.bob):
            await stage.gives_session(person, "gpu1")
            await stage.asks(person, "/dbc vm list")
        stage.world.faults.on("slow", count=2)  # both look before either of them is sent
        await asyncio.gather(
            stage.alice.types(f"/dbc vm reset {NAME}", CHANNEL),
            stage.bob.types(f"/dbc vm restart {NAME} force", CHANNEL),
        )
        await both_mean_it(stage)
        async with time_passing(stage):
            await stage.quiet()
        assert len(stage.changes()) == 1, stage.changes()
        assert told(stage)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (f"disk resize {NAME} vdb +50", f"disk resize {NAME} vdb +20"),
        (f"snapshot create {NAME} before to=hub", f"vm start {NAME}"),
        (f"disk delete {NAME} vdb", f"disk resize {NAME} vdb +20"),
        (f"vm modify {NAME} mem=100", f"vm modify {NAME} ssh=5700"),
    ],
)
async def test_of_two_changes_requested_at_once_one_is_sent(
    tmp_path: Path, first: str, second: str
) -> None:
    async with staged(tmp_path, policy=NO_REVIEW, daemon_patience=None) as stage:
        for person in (stage.alice, stage.bob):
            await stage.gives_session(person, "gpu1")
        off(stage)
        for person in (stage.alice, stage.bob):
            await stage.asks(person, "/dbc vm list")
        stage.world.faults.on("slow", count=2)  # both look before either of them is sent
        await asyncio.gather(
            stage.alice.types(f"/dbc {first}", CHANNEL), stage.bob.types(f"/dbc {second}", CHANNEL)
        )
        await both_mean_it(stage)
        async with time_passing(stage):
            await stage.quiet()
        assert len(stage.changes()) == 1, stage.changes()
        # Who looks after the other was sent may see already what came of it.
        seen = [m.plain for m in stage.alice.messages() if IN_THE_WAY in m.plain]
        assert told(stage) or (seen and first.startswith("snapshot"))


async def test_one_change_after_the_other_is_sent(tmp_path: Path) -> None:
    async with site(tmp_path, NO_REVIEW) as stage:
        off(stage)
        await stage.asks(stage.alice, "/dbc vm list")
        await stage.asks(stage.alice, f"/dbc disk resize {NAME} vdb +50")
        for seconds in (60, 10):
            await stage.passes(seconds)
        await stage.asks(stage.bob, f"/dbc disk resize {NAME} vdb +20")
        assert stage.changes() == ["disks.resize", "disks.resize"]
        assert told(stage) == []
