"""Pages of a list: every machine is on one of them, in the words of those who read it."""

import pytest

from sandbox.dbc.demo import demo_renter
from sandbox.slack import SeenMessage
from tests.scenarios.machines import off
from tests.scenarios.stage import CHANNEL, Stage


def many(stage: Stage, count: int, named: str = "") -> None:
    """Alice's machines on gpu1: m000, m001 and so on, with something behind it."""
    node = stage.node("gpu1")
    node.tasks.clear()
    for number in range(count):
        node.running_task(demo_renter(), desc=f"m{number:03}{named}", vnc_port=6000 + number)


def shown(stage: Stage, listed: SeenMessage) -> SeenMessage:
    """The message as it stands now."""
    return next(m for m in stage.alice.messages() if m.ts == listed.ts)


@pytest.mark.parametrize("named", ["&" * 60, "<b>" * 24])
async def test_every_row_is_on_a_page_however_long_the_names_are(stage: Stage, named: str) -> None:
    many(stage, 25, named)
    tasks = set(stage.node("gpu1").tasks)
    await stage.gives_session(stage.alice, "gpu1")
    listed = await stage.asks(stage.alice, "/dbc vm list")
    seen: set[str] = set()
    for _ in range(25):
        page = shown(stage, listed)
        assert "more line" not in page.plain
        seen |= {task for task in tasks if task[:8] in str(page.blocks)}
        if "Next ▶" not in page.buttons:
            break
        await stage.alice.presses("Next ▶", page)
        await stage.quiet()
    assert seen == tasks
    assert "◀ Previous" in shown(stage, listed).buttons


async def test_the_pages_of_a_public_list_stay_in_the_language_of_the_channel(
    stage: Stage,
) -> None:
    many(stage, 25)
    await stage.gives_session(stage.alice, "gpu1")
    await stage.asks(stage.alice, "/dbc settings language zh")
    await stage.alice.types("@dbc vm list")
    await stage.quiet()
    listed = await stage.bob.sees("1 to 10 of 25", CHANNEL)
    await stage.alice.presses("Next ▶", listed)
    await stage.quiet()
    turned = next(m for m in stage.bob.messages(CHANNEL) if m.ts == listed.ts)
    assert "11 to 20 of 25" in turned.plain
    assert "running" in turned.plain


async def test_a_list_that_has_expired_says_that_its_filters_are_gone(stage: Stage) -> None:
    many(stage, 24)
    for number in range(0, 24, 2):
        off(stage, f"m{number:03}")
    await stage.gives_session(stage.alice, "gpu1")
    listed = await stage.asks(stage.alice, "/dbc vm list --state off")
    assert "1 to 10 of 12" in listed.plain
    await stage.passes(3700)
    await stage.alice.presses("Next ▶", listed)
    await stage.quiet()
    told = stage.alice.last(CHANNEL)
    assert "That list has expired" in told.plain
    assert "1 to 10 of 24" in told.plain
