"""The same requested again while nobody knows the end of the first: asked first, told once."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.scenarios.machines import off
from tests.scenarios.site import NAME, site
from tests.scenarios.stage import CHANNEL, Stage

START = f"/dbc vm start {NAME}"
ANYWAY = "Run it anyway"
REPLACED = "A newer command was sent, so I no longer look for this one."


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    """Alice has started a machine and got no answer; a minute has passed."""
    async with site(tmp_path) as one:
        await one.asks(one.alice, "/dbc vm list")
        off(one, NAME)
        one.world.faults.on("reset_before", path="/tasks/start", count=1)
        await one.asks(one.alice, START)
        assert "I keep looking" in one.alice.last(CHANNEL).plain
        await one.passes(60)
        yield one


async def test_a_like_request_is_put_on_a_card_and_not_sent(stage: Stage) -> None:
    for person in (stage.alice, stage.bob):
        await stage.asks(person, START)
    question = [m for m in stage.alice.messages(CHANNEL) if ANYWAY in m.buttons]
    assert len(question) == 1
    joined = stage.bob.last(CHANNEL)
    assert ANYWAY not in joined.buttons, "the second one of two at once joins the first one's"
    assert "has already requested this" in joined.plain
    assert "second time" in question[0].plain
    assert f"requested by <@{stage.alice.id}>" in question[0].plain
    assert stage.changes() == ["tasks.start"]


async def test_who_runs_it_anyway_ends_the_looking_for_the_first(stage: Stage) -> None:
    await stage.asks(stage.bob, START)
    [question] = [m for m in stage.bob.messages(CHANNEL) if ANYWAY in m.buttons]
    await stage.bob.presses(ANYWAY, question)
    await stage.quiet()
    first = [m for m in stage.alice.messages() if REPLACED in m.plain]
    assert len(first) == 2, "the card, and the end below it"
    assert all("it is unknown whether the command was carried out" in m.plain for m in first)
    await stage.ends(stage.bob, f"{NAME} is running on gpu1")
    await stage.passes(300)
    assert stage.changes() == ["tasks.start"] * 2
    told = [
        sum("is running" in end for end in stage.endings(one)) for one in (stage.alice, stage.bob)
    ]
    assert told == [0, 1]


async def test_it_is_asked_as_long_as_it_is_looked_for(stage: Stage) -> None:
    await stage.ends(stage.alice, f"{NAME} on gpu1 is “off”", within=180)
    await stage.asks(stage.bob, START)
    assert [m for m in stage.bob.messages(CHANNEL) if ANYWAY in m.buttons]
    assert stage.changes() == ["tasks.start"]


async def test_what_is_no_longer_looked_for_runs_at_once(stage: Stage) -> None:
    await stage.asks(stage.alice, f"/dbc watch stop {NAME}")
    await stage.asks(stage.bob, START)
    await stage.ends(stage.bob, f"{NAME} is running on gpu1")
    assert stage.changes() == ["tasks.start"] * 2


async def test_another_command_for_the_machine_is_not_kept(stage: Stage) -> None:
    await stage.asks(stage.bob, f"/dbc vm delete {NAME}")
    question = stage.bob.last(CHANNEL)
    assert "Same request" not in question.plain


async def test_another_command_does_not_end_what_got_no_answer(stage: Stage) -> None:
    await stage.asks(stage.bob, f"/dbc vm delete {NAME}")
    await stage.carol.presses("Approve", stage.bob.last(CHANNEL))
    await stage.quiet()
    assert stage.changes() == ["tasks.start", "tasks.delete"]
    assert [m for m in stage.alice.messages() if REPLACED in m.plain] == []
