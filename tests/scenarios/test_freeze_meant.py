"""A freeze is what was meant, dry runs know of it, and what it held back can be requested again."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.scenarios.site import NAME, rules, site
from tests.scenarios.stage import CHANNEL, Stage

RULES = """
[freeze]
people = { persons = ["U0BOB"] }
"""


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    async with site(tmp_path, RULES) as one:
        yield one


async def test_a_dry_run_during_a_freeze_says_that_it_would_be_refused(stage: Stage) -> None:
    await stage.asks(stage.bob, "/dbc freeze network outage", CHANNEL)
    for line in (f"vm start {NAME}", f"vm delete {NAME}"):
        told = await stage.asks(stage.alice, f"/dbc {line} --dry-run")
        assert "It would be refused: All changes have been frozen since" in told.plain
        assert "run at once" not in told.plain


async def test_a_dry_run_of_what_the_breaker_holds_says_so(stage: Stage) -> None:
    rules(stage, "[breaker]\ndestroys = 1\n[defaults]\ndestroy = {}\n")
    await stage.asks(stage.alice, f"/dbc vm shutdown {NAME}")
    await stage.passes(60)
    told = await stage.asks(stage.alice, f"/dbc vm delete {NAME} --dry-run")
    assert "It would be refused: 1 destructive command was sent" in told.plain


@pytest.mark.parametrize(
    "line",
    [
        "冻结 虚拟机 inference",
        "freeze vm inference",
        "freeze inference",
        "freeze vm delete",
        "freeze not yet",
        "冻结 先不要",
        "freeze nothing",
    ],
)
async def test_a_freeze_that_reads_like_one_machine_asks_first(stage: Stage, line: str) -> None:
    await stage.asks(stage.alice, "/dbc vm list")
    await stage.asks(stage.bob, f"/dbc {line}", CHANNEL)
    asked = await stage.bob.sees("Stop all changes of machines", CHANNEL)
    assert "*Why*" in asked.plain
    assert "needs approval" not in asked.plain
    told = await stage.asks(stage.alice, f"/dbc vm start {NAME} --dry-run")
    assert "frozen" not in told.plain
    await stage.bob.presses("Confirm")
    await stage.quiet()
    told = await stage.asks(stage.alice, f"/dbc vm start {NAME}")
    assert "All changes have been frozen since" in told.plain


async def test_who_may_not_freeze_is_not_asked_first(stage: Stage) -> None:
    await stage.asks(stage.alice, "/dbc vm list")
    told = await stage.asks(stage.alice, "/dbc freeze vm inference")
    assert "You may not freeze changes" in told.plain
    assert "Confirm" not in told.buttons


async def test_what_a_freeze_held_back_can_be_requested_a_second_time_after_it(
    tmp_path: Path,
) -> None:
    async with site(tmp_path, RULES + "[defaults]\ndisrupt = {}\n") as stage:
        await stage.asks(stage.alice, f"/dbc vm restart {NAME}")
        told = await stage.asks(stage.alice, f"/dbc vm restart {NAME}")
        again = "Request it a second time"
        assert again in told.buttons
        await stage.asks(stage.bob, "/dbc freeze network outage", CHANNEL)
        await stage.alice.presses(again, told)
        await stage.quiet()
        assert "All changes have been frozen since" in stage.alice.last(CHANNEL).plain
        await stage.asks(stage.bob, "/dbc unfreeze", CHANNEL)
        before = len(stage.changes())
        await stage.alice.presses(again, told)
        await stage.quiet()
        for _ in range(6):
            await stage.passes(30)
        assert len(stage.changes()) == before + 1
        await stage.alice.presses(again, told)
        await stage.quiet()
        assert len(stage.changes()) == before + 1
        assert "a second time already. This is done by now." in stage.alice.last(CHANNEL).plain


@pytest.mark.parametrize("why", ["network is on fire", "on=gpu1 hangs", "disk array 在 gpu2 上"])
async def test_a_freeze_takes_nothing_of_its_reason_for_a_node(stage: Stage, why: str) -> None:
    told = await stage.asks(stage.bob, f"/dbc freeze {why}", CHANNEL)
    if "Confirm" in told.buttons:  # it names a node, but all are frozen
        await stage.bob.presses("Confirm", told)
        await stage.quiet()
    told = await stage.asks(stage.alice, f"/dbc vm start {NAME}")
    assert "All changes have been frozen since" in told.plain
    assert why in told.plain


@pytest.mark.parametrize("line", ["settings language zh", "alias remove x", "watch list"])
async def test_a_node_is_refused_where_it_says_nothing(stage: Stage, line: str) -> None:
    told = await stage.asks(stage.alice, f"/dbc {line} on gpu1", CHANNEL)
    assert "I don't know what “on” means" in told.plain
