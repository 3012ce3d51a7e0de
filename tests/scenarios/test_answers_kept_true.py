"""What shows a card where it was asked for says what the card says, or answers truthfully."""

from pathlib import Path

import pytest

from sandbox.slack import Person, SeenMessage
from tests.scenarios.site import NAME, approves, asked, denies, now, site
from tests.scenarios.stage import CHANNEL, Stage
from tests.scenarios.test_approval_places import number


async def waits(stage: Stage) -> tuple[SeenMessage, str]:
    """The card of a deletion that waits, and its number."""
    card = await asked(stage)
    return card, number(await stage.asks(stage.alice, "/dbc approval list"))


async def looks(stage: Stage, person: Person, one: str) -> SeenMessage:
    """What `person` is shown of it with the bot alone, in a message that can be edited."""
    await person.types(f"approval show {one}", "@dbc")
    await stage.quiet()
    shown = person.last("@dbc")
    assert not shown.ephemeral
    assert shown.buttons[:2] == ["Approve", "Deny"]
    return shown


@pytest.mark.parametrize("is_approved", [True, False])
async def test_an_answer_that_shows_a_card_is_told_the_end(
    tmp_path: Path, *, is_approved: bool
) -> None:
    async with site(tmp_path) as stage:
        card, one = await waits(stage)
        shown = [await looks(stage, person, one) for person in (stage.bob, stage.carol)]
        if is_approved:
            await approves(stage, stage.bob, card)
        else:
            await denies(stage, stage.bob, card, "Not today.")
        await stage.quiet()
        for message in shown:
            assert now(stage, message).plain == now(stage, card).plain
            assert "Approve" not in now(stage, message).buttons
        if not is_approved:
            return
        await stage.ends(stage.alice, f"{NAME} is deleted")
        for message in shown:
            assert now(stage, message).plain == now(stage, card).plain


async def test_a_card_that_is_decided_as_it_is_shown_says_so(tmp_path: Path) -> None:
    async with site(tmp_path) as stage:
        card, one = await waits(stage)
        await stage.carol.types(f"approval show {one}", "@dbc")
        await denies(stage, stage.bob, card, "Not today.")
        await stage.quiet()
        assert "Approve" not in stage.carol.last("@dbc").buttons


async def test_what_only_one_person_sees_takes_no_vote_after_the_end(tmp_path: Path) -> None:
    async with site(tmp_path) as stage:
        card, one = await waits(stage)
        await stage.carol.types(f"@dbc approval show {one}", CHANNEL)
        await stage.quiet()
        shown = stage.carol.last()
        assert shown.ephemeral
        direct = await looks(stage, stage.carol, one)
        await denies(stage, stage.bob, card, "Not today.")
        assert "Approve" in shown.buttons
        assert "Approve" not in now(stage, direct).buttons
        await stage.carol.presses("Approve", shown)
        await stage.quiet()
        assert "denied" in stage.carol.last().plain
        assert stage.changes() == []


async def test_nobody_is_asked_or_reminded_by_an_answer(tmp_path: Path) -> None:
    async with site(tmp_path) as stage:
        card, one = await waits(stage)
        shown = await looks(stage, stage.carol, one)
        for _ in range(3):
            await stage.passes(4 * 60)
        assert "answered" not in now(stage, card).plain
        told = [m for m in stage.carol.messages("@dbc") if m.thread_ts == shown.ts != m.ts]
        assert told == []
