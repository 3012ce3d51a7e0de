"""A session shared with a channel entitles to decide those who are there, and nobody elsewhere."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.scenarios.site import NAME, approves, asked, site, told
from tests.scenarios.stage import CHANNEL, Stage


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    async with site(tmp_path, entitled="alice") as one:
        await one.alice.types(f"/dbc session share gpu1 with #{CHANNEL}", channel=CHANNEL)
        await one.alice.sees("shares their session for", CHANNEL)
        yield one


async def test_whoever_is_in_the_channel_may_approve_there(stage: Stage) -> None:
    question = await asked(stage)
    channel = stage.ws.core.state.channel(CHANNEL)
    assert f"Needs 1 approval from members of <#{channel.id}>. Expires" in question.plain.replace(
        "*", ""
    )
    await approves(stage, stage.bob, question)
    await stage.ends(stage.alice, f"{NAME} is deleted")
    assert stage.changes() == ["tasks.delete"]


async def test_a_dry_run_names_the_channel_whose_members_may_approve(stage: Stage) -> None:
    channel = stage.ws.core.state.channel(CHANNEL)
    told_ = await stage.asks(stage.alice, f"/dbc vm delete {NAME} --dry-run")
    assert f"1 approval needed, by members of <#{channel.id}>" in told_.plain


async def test_elsewhere_nobody_is_shown_it_or_may_approve(stage: Stage) -> None:
    await asked(stage)
    async with stage.bot.store.read() as tx:
        [waiting] = await tx.approvals.open()
    await stage.asks(stage.carol, "approval list", "@dbc")
    assert told(stage.carol, "No pending approvals")
    await stage.asks(stage.carol, f"approval show {waiting.id}", "@dbc")
    assert told(stage.carol, "You can see only what you asked for")
