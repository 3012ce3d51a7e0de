"""Slack does not say who somebody is: clicks, commands and questions wait, and say so."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from pathlib import Path

import pytest

from tests.scenarios.machines import off
from tests.scenarios.site import NAME, approves, asked, now, refused_clicks, rules, site, told
from tests.scenarios.stage import CHANNEL, Stage

WAITING = "Slack does not say at the moment"


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    async with site(tmp_path) as one:
        yield one


@asynccontextmanager
async def time_passing(stage: Stage, step: float = 1) -> AsyncIterator[None]:
    """Time goes on by itself, though the clockwork does not."""

    async def wind() -> None:
        while True:
            stage.clock.advance(timedelta(seconds=step))
            await asyncio.sleep(0.01)

    winding = asyncio.create_task(wind())
    try:
        yield
    finally:
        winding.cancel()
        with suppress(asyncio.CancelledError):
            await winding


def asked_of_slack(stage: Stage, method: str = "users.info") -> int:
    return len(stage.ws.calls_of(method))


@pytest.mark.parametrize("kind", ["ratelimited", "http_500", "reset"])
async def test_who_clicks_is_told_that_the_click_is_kept(stage: Stage, kind: str) -> None:
    question = await asked(stage)
    stage.ws.faults.add(kind, "users.info", times=None, retry_after=30)  # type: ignore[arg-type]
    await approves(stage, stage.bob, question)
    [kept] = told(stage.bob, WAITING)
    assert "Your click is kept" in kept.plain
    await stage.passes(25)
    assert len(told(stage.bob, WAITING)) == 1
    stage.ws.faults.clear()
    await stage.passes(30)
    await stage.ends(stage.alice, f"{NAME} is deleted")
    assert stage.changes() == ["tasks.delete"]


async def test_slack_is_not_asked_before_it_wants_to_be(stage: Stage) -> None:
    question = await asked(stage)
    stage.ws.faults.ratelimit("users.info", times=None, retry_after=60)
    await approves(stage, stage.bob, question)
    before = asked_of_slack(stage)
    for _ in range(5):
        await stage.passes(10)
    assert asked_of_slack(stage) == before
    stage.ws.faults.clear()
    await stage.passes(15)
    await stage.ends(stage.alice, f"{NAME} is deleted")


async def test_a_click_made_in_time_counts_though_slack_answers_after_the_expiry(
    stage: Stage,
) -> None:
    question = await asked(stage)
    await stage.passes(59 * 60)
    stage.ws.faults.add("http_500", "users.info", times=None)
    await approves(stage, stage.bob, question)
    for _ in range(6):
        await stage.passes(60)
    assert stage.changes() == []
    assert stage.endings(stage.alice) == []
    stage.ws.faults.clear()
    await stage.passes(30)
    await stage.ends(stage.alice, f"{NAME} is deleted")
    assert stage.changes() == ["tasks.delete"]
    assert len(stage.endings(stage.alice)) == 1


async def test_a_click_after_the_expiry_does_not_count(stage: Stage) -> None:
    question = await asked(stage)
    stage.clock.advance(timedelta(minutes=61))
    await approves(stage, stage.bob, question)
    assert told(stage.bob, "This expired 1 min ago")
    await stage.passes(60)
    assert stage.changes() == []
    assert len(stage.endings(stage.alice)) == 1


async def test_a_click_that_slack_says_nothing_about_does_not_wait_for_ever(stage: Stage) -> None:
    question = await asked(stage)
    await stage.passes(59 * 60)
    stage.ws.faults.add("http_500", "users.info", times=None)
    await approves(stage, stage.bob, question)
    for _ in range(3):
        await stage.passes(60)
    assert now(stage, question).buttons
    await stage.passes(61 * 60)
    stage.ws.faults.clear()
    for _ in range(3):
        await stage.passes(60)
    assert now(stage, question).buttons == []
    assert stage.changes() == []
    assert len(stage.endings(stage.alice)) == 1
    assert len(told(stage.bob, "Slack did not say who may do this")) == 1
    assert [who for who, why in await refused_clicks(stage) if "Slack" in why] == [stage.bob.id]


async def test_a_command_waits_for_slack_and_says_so_once(stage: Stage) -> None:
    off(stage)
    stage.ws.faults.ratelimit("users.info", times=None, retry_after=20)
    await stage.alice.types("/dbc vm start inference", CHANNEL)
    await stage.quiet()
    for _ in range(3):
        await stage.passes(15)
    assert len(told(stage.alice, WAITING)) == 1
    assert stage.changes() == []
    stage.ws.faults.clear()
    await stage.passes(30)
    await stage.ends(stage.alice, "inference is running on gpu1")
    assert stage.changes() == ["tasks.start"]


async def test_a_question_waits_for_slack_and_is_answered(stage: Stage) -> None:
    await stage.asks(stage.alice, "/dbc session share gpu1 with #gpu-ops")
    dave = stage.ws.add_member("dave")
    stage.ws.core.state.channel(CHANNEL).members.append(dave.id)
    stage.ws.faults.ratelimit("users.info", times=1, retry_after=20)
    await dave.types("/dbc vm list on gpu1", CHANNEL)
    async with time_passing(stage):
        await dave.sees(WAITING, CHANNEL)
        await dave.sees("inference", CHANNEL)
    await stage.quiet()


async def test_a_question_that_slack_says_nothing_about_is_answered_with_that(
    stage: Stage,
) -> None:
    group = stage.ws.add_usergroup("interns", "bob")
    rules(
        stage,
        '[[rule]]\nname = "interns"\ndeny = "No."\n'
        f'match = {{ command = "vm.show", group = "{group.id}" }}\n',
    )
    stage.ws.faults.add("ratelimited", "usergroups.list", times=None, retry_after=25)
    await stage.alice.types(f"/dbc vm show {NAME}", CHANNEL)
    async with time_passing(stage, 0.25):
        await stage.alice.sees("Slack did not say who may do this", CHANNEL)
    await stage.quiet()


@pytest.mark.parametrize("line", ["approval list", "approval show {number}", "audit list"])
async def test_a_question_about_reviews_waits_for_slack_and_says_so(
    stage: Stage, line: str
) -> None:
    await asked(stage)
    listed = (await stage.asks(stage.bob, "/dbc approval list")).plain
    stage.ws.faults.ratelimit("users.info", times=1, retry_after=20)
    await stage.bob.types(f"/dbc {line.format(number=listed.split('`')[1])}", "@dbc")
    async with time_passing(stage):
        await stage.bob.sees(WAITING, "@dbc")
        await stage.bob.sees("With buttons|Approve|put to review", "@dbc")
        await stage.quiet()
    assert not told(stage.bob, "Slack did not say")


async def test_a_dry_run_waits_for_slack_and_says_so(stage: Stage) -> None:
    stage.ws.faults.ratelimit("users.info", times=1, retry_after=20)
    await stage.alice.types(f"/dbc vm delete {NAME} --dry-run", CHANNEL)
    async with time_passing(stage):
        await stage.alice.sees(WAITING, CHANNEL)
        shown = await stage.alice.sees("Dry run: nothing was sent", CHANNEL)
    await stage.quiet()
    assert "1 approval needed" in shown.plain
    assert "refused" not in shown.plain
    assert stage.changes() == []


async def test_a_dry_run_says_what_it_knows_where_slack_says_nothing_for_long(
    stage: Stage,
) -> None:
    stage.ws.faults.ratelimit("users.info", times=None, retry_after=90)
    await stage.alice.types(f"/dbc vm delete {NAME} --dry-run", CHANNEL)
    async with time_passing(stage):
        shown = await stage.alice.sees("Dry run: nothing was sent", CHANNEL)
    await stage.quiet()
    assert "Slack did not say" in shown.plain


async def test_a_question_waits_for_the_user_groups_and_is_answered(stage: Stage) -> None:
    group = stage.ws.add_usergroup("interns", "bob")
    rules(
        stage,
        '[[rule]]\nname = "interns"\ndeny = "No."\n'
        f'match = {{ command = "vm.show", group = "{group.id}" }}\n',
    )
    stage.ws.faults.ratelimit("usergroups.list", times=1, retry_after=20)
    await stage.alice.types(f"/dbc vm show {NAME}", CHANNEL)
    async with time_passing(stage):
        await stage.alice.sees(WAITING, CHANNEL)
        await stage.alice.sees("running", CHANNEL)
        await stage.quiet()
    assert not told(stage.alice, "Slack did not say")
    assert len(stage.ws.calls_of("usergroups.list")) == 2  # none before Slack takes it
