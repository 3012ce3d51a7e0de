"""Machines are for full members: a guest sees nothing, not even by a session of their own."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from sandbox.slack import Person
from tests.scenarios.site import NAME, site
from tests.scenarios.stage import CHANNEL, Stage

SEES_NOTHING = "Only full members of this workspace can see machines"


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    """Alice, Bob and Carol have each their own session for gpu1."""
    async with site(tmp_path) as one:
        await one.asks(one.bob, f"/dbc vm show {NAME}")
        yield one


def secrets(stage: Stage) -> list[str]:
    task = stage.task(NAME)
    return [text for text in (task.login_password, task.vnc_password) if text]


def shows_secrets(stage: Stage, person: Person, since: int) -> bool:
    shown = [m.plain for m in person.messages(CHANNEL)[since:]]
    return any(secret in text for secret in secrets(stage) for text in shown)


@pytest.mark.parametrize(
    "line",
    [
        f"vm show {NAME}",
        f"vm show {NAME} --json",
        f"vm logs {NAME}",
        "vm list",
        "node list",
        "session list",
        "watch list",
        "image servers",
    ],
)
async def test_who_became_a_guest_reads_nothing_by_their_own_session(
    stage: Stage, line: str
) -> None:
    stage.bob.member.is_restricted = True
    said, asked = len(stage.bob.messages(CHANNEL)), len(stage.world.calls)
    told = await stage.asks(stage.bob, f"/dbc {line}")
    assert SEES_NOTHING in told.plain
    assert not shows_secrets(stage, stage.bob, said)
    assert len(stage.world.calls) == asked


async def test_a_form_shows_a_guest_nothing(stage: Stage) -> None:
    stage.bob.member.is_restricted = True
    asked = len(stage.world.calls)
    await stage.bob.types(f"/dbc vm modify {NAME}", channel=CHANNEL)
    await stage.quiet()
    assert stage.bob.modal is not None
    assert SEES_NOTHING in stage.bob.modal.plain
    assert await stage.bob.suggests("Machine", "") == []
    await stage.bob.closes()
    assert len(stage.world.calls) == asked


async def test_the_home_of_a_guest_names_no_machine(stage: Stage) -> None:
    stage.bob.member.is_restricted = True
    await stage.bob.opens_home()
    home = await stage.bob.sees_home(SEES_NOTHING)
    assert NAME not in home.plain
    assert "gpu1" not in home.plain


async def test_who_becomes_a_guest_while_a_node_is_waited_for_gets_no_secret(stage: Stage) -> None:
    said = len(stage.bob.messages(CHANNEL))
    shown = await stage.asks(stage.bob, f"/dbc vm show {NAME}")
    stage.world.faults.on("slow", count=1, seconds=5)
    await stage.bob.presses("Reveal passwords", shown)
    await stage.waits(0.5)
    stage.bob.member.is_restricted = True
    stage.clock.advance(timedelta(seconds=5))
    await stage.quiet()
    assert not shows_secrets(stage, stage.bob, said)
    assert stage.bob.modal is None
    assert SEES_NOTHING in stage.bob.last(CHANNEL).plain


async def test_a_guest_is_told_who_they_are_and_what_there_is(stage: Stage) -> None:
    stage.bob.member.is_restricted = True
    for line in ("help", "whoami", "approval list"):
        assert SEES_NOTHING not in (await stage.asks(stage.bob, f"/dbc {line}")).plain
