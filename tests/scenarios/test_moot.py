"""Nobody is asked for what a machine's node would refuse in the state that was just read."""

from pathlib import Path

import pytest

from tests.scenarios.machines import off
from tests.scenarios.site import asked, site, told
from tests.scenarios.stage import Stage

APPROVED = (
    '[[rule]]\nname = "two"\nmatch = { command = ["vm.*"] }\napprovals = 1\n'
    'approvers = { persons = ["U0BOB"] }\nbreak_glass = { persons = ["U0ALICE"] }\n'
)


def _nobody_was_asked(stage: Stage) -> bool:
    return stage.changes() == [] and not told(stage.bob, "inference")


@pytest.mark.parametrize(
    ("verb", "is_off", "words", "button"),
    [
        ("shutdown", True, "gpu1 says that inference is off already.", "Start"),
        ("reset", True, "Only a running machine can be reset.", "Start"),
        ("start", False, "gpu1 says that inference is running already.", "Restart"),
    ],
)
async def test_nobody_is_asked_for_what_is_so_already(
    tmp_path: Path, verb: str, is_off: bool, words: str, button: str
) -> None:
    async with site(tmp_path, APPROVED) as stage:
        if is_off:
            off(stage)
        tried = await stage.asks(stage.alice, f"/dbc vm {verb} inference --dry-run")
        refusal = await stage.asks(stage.alice, f"/dbc vm {verb} inference")
        assert words in tried.plain
        assert words in refusal.plain
        assert refusal.ephemeral
        assert refusal.buttons == [button, "Show"]
        assert _nobody_was_asked(stage)


async def test_whose_state_is_not_read_is_asked_for(tmp_path: Path) -> None:
    async with site(tmp_path, APPROVED) as stage:
        off(stage)
        await stage.asks(stage.alice, "/dbc vm list")
        stage.node("gpu1").silent = True
        card = await asked(stage, "/dbc vm shutdown inference")
        assert "Approve" in card.buttons
        assert "what is not on disk is lost" in card.plain


async def test_broken_glass_is_sent_whatever_the_state_is(tmp_path: Path) -> None:
    async with site(tmp_path, APPROVED) as stage:
        off(stage)
        await stage.asks(stage.alice, '/dbc vm shutdown inference break_glass="it hangs"')
        assert stage.changes() == ["tasks.shutdown"]


async def test_a_power_off_of_what_reads_as_off_says_when_something_is_lost(
    tmp_path: Path,
) -> None:
    """A guest that hangs while it shuts down reads as off, too, and only this helps."""
    async with site(tmp_path, APPROVED) as stage:
        off(stage)
        card = await asked(stage, "/dbc vm poweroff inference")
        assert "Nothing, if it is off. If it hangs while shutting down" in card.plain
        assert "The power is cut" not in card.plain
