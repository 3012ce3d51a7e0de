"""A backup is put back: what was open in it is looked for, and never sent a second time."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.app import Bot
from storage import back_up, restore
from tests.scenarios.site import DELETE, NAME, approves, asked, entries, now, rules, site, told
from tests.scenarios.stage import CHANNEL, LIMITS, Stage
from tests.scenarios.stored import alter

FREEZERS = '[freeze]\npeople = { persons = ["U0BOB"] }\n'


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    async with site(tmp_path) as one:
        yield one


async def put_back(stage: Stage) -> None:
    """Stop the bot, put the backup back, start the bot again."""
    await stage.bot.stop()
    restore(stage.data / "backup.db", stage.data / "bot.db", stage.clock.now())
    stage.bot = Bot(stage.settings(), stage.clock, LIMITS)
    await stage.bot.start(ticking=False)
    await stage.bot.edge.connected()


@pytest.mark.slow
async def test_what_was_approved_after_the_backup_does_not_run_again(stage: Stage) -> None:
    question = await asked(stage)
    back_up(stage.data / "bot.db", stage.data / "backup.db")
    await approves(stage, stage.bob, question)
    await stage.ends(stage.alice, f"{NAME} is deleted")
    await put_back(stage)
    for _ in range(10):
        await stage.passes(30)
    assert stage.changes().count("tasks.delete") == 1
    assert "deleted" in now(stage, question).plain
    assert not now(stage, question).buttons


@pytest.mark.parametrize("facts", ['["x"]', "no JSON"])
async def test_a_damaged_row_keeps_no_backup_from_being_put_back(stage: Stage, facts: str) -> None:
    question = await asked(stage)
    alter(stage, "UPDATE executions SET facts = ?", facts)
    back_up(stage.data / "bot.db", stage.data / "backup.db")
    await put_back(stage)
    await stage.passes(30)
    assert "restored from a backup" in now(stage, question).plain


@pytest.mark.slow
async def test_an_approval_that_was_open_in_the_backup_can_no_longer_be_given(
    stage: Stage,
) -> None:
    question = await asked(stage)
    back_up(stage.data / "bot.db", stage.data / "backup.db")
    await put_back(stage)
    await approves(stage, stage.bob, question)
    for _ in range(10):
        await stage.passes(30)
    assert stage.changes() == []
    await stage.alice.types(DELETE, channel=CHANNEL)
    await stage.quiet()
    assert [m for m in told(stage.bob, "Requested by") if m.buttons]


async def test_what_waited_for_a_decision_is_told_as_that_and_not_as_unanswered(
    stage: Stage,
) -> None:
    question = await asked(stage)
    back_up(stage.data / "bot.db", stage.data / "backup.db")
    await put_back(stage)
    await stage.passes(30)
    assert "restored from a backup" in now(stage, question).plain
    for _ in range(10):
        looked = now(stage, question).plain
        assert "is being deleted" not in looked
        assert "was waiting for a decision in the backup that was restored" in looked
        await stage.passes(30)
    [ended] = stage.endings(stage.alice)
    for said in (now(stage, question).plain, ended):
        assert "was waiting for a decision in the backup that was restored;" in said
        assert "it may have been approved and carried out since" in said
        assert "clear answer" not in said
    assert "waiting for a decision in the backup" in str((await entries(stage))[-1].reason)


async def test_what_waited_in_the_backup_holds_nothing_back_as_sent(tmp_path: Path) -> None:
    async with site(tmp_path) as stage:
        other = stage.task("Ada's training run").task_id
        await asked(stage, f"/dbc vm delete {other}")
        back_up(stage.data / "bot.db", stage.data / "backup.db")
        await put_back(stage)
        await stage.passes(30)
        rules(stage, "[breaker]\ndestroys = 1\n[defaults]\ndestroy = {}\n")
        await stage.asks(stage.alice, DELETE)
        assert stage.changes() == ["tasks.delete"]


async def test_an_end_that_was_told_after_the_backup_is_not_told_again(stage: Stage) -> None:
    await stage.alice.types(f"/dbc vm shutdown {NAME}", channel=CHANNEL)
    await stage.quiet()
    question = told(stage.bob, "Requested by")[-1]
    await stage.bob.presses("Approve", question)
    await stage.quiet()
    back_up(stage.data / "bot.db", stage.data / "backup.db")
    await stage.ends(stage.alice, f"{NAME} is off")
    before = stage.endings(stage.alice)
    await put_back(stage)
    for _ in range(10):
        await stage.passes(30)
    assert len(stage.endings(stage.alice)) == len(before)


@pytest.mark.slow
async def test_requests_and_shares_that_ended_after_the_backup_are_told_once(
    tmp_path: Path,
) -> None:
    async with site(tmp_path, entitled="alice") as stage:
        alice, bob = stage.alice, stage.bob
        await stage.asks(bob, "/dbc session ask gpu1")
        await stage.asks(alice, "/dbc session share gpu1 with @carol hours=2")
        await stage.passes(5)
        back_up(stage.data / "bot.db", stage.data / "backup.db")
        card = await alice.sees(f"<@{bob.id}> asks for access", "@dbc")
        await alice.presses("No", card)
        await stage.quiet()
        for _ in range(3):
            await stage.passes(3600 * 1.1)
        before = {one.id: len(one.messages("@dbc")) for one in (bob, stage.carol)}
        await put_back(stage)
        for _ in range(10):
            await stage.passes(30)
        await stage.passes(3600 * 24)
        await stage.passes(30)
        assert {one.id: len(one.messages("@dbc")) for one in (bob, stage.carol)} == before


@pytest.mark.slow
async def test_what_is_found_done_is_told_as_what_waited_in_the_backup(stage: Stage) -> None:
    question = await asked(stage, f"/dbc vm shutdown {NAME}")
    back_up(stage.data / "bot.db", stage.data / "backup.db")
    await approves(stage, stage.bob, question)
    await stage.ends(stage.alice, f"{NAME} is off")
    await put_back(stage)
    for _ in range(10):
        await stage.passes(30)
    waited = "The request was waiting for a decision in the backup that was restored;"
    assert f"*{NAME}* is off" in now(stage, question).plain
    assert waited in now(stage, question).plain
    assert waited in str((await entries(stage))[-1].reason)


async def test_what_ends_itself_is_not_told_as_not_done_after_a_restore(stage: Stage) -> None:
    rules(stage, FREEZERS)
    await asked(stage, "/dbc freeze vm inference", stage.bob)  # asks first
    back_up(stage.data / "bot.db", stage.data / "backup.db")
    await put_back(stage)
    await stage.passes(30)
    [said] = told(stage.bob, "was waiting for a decision in the backup that was restored;")
    assert "Look at the present state" in said.plain
    assert not told(stage.bob, "nothing was done")
    assert "waiting for a decision in the backup" in str((await entries(stage))[-1].reason)


async def test_a_question_that_is_newer_than_the_backup_says_why_it_is_not_known(
    stage: Stage,
) -> None:
    back_up(stage.data / "bot.db", stage.data / "backup.db")
    question = await asked(stage)
    await put_back(stage)
    await approves(stage, stage.bob, question)
    [said] = told(stage.bob, "This question is not known any more.")
    assert "It may be newer than the backup that was restored: request it again." in said.plain
    assert stage.changes() == []
