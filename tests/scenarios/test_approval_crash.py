"""A process that dies between two steps of a review: the next one takes the next step, once."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from bot.ids import ChannelId, UserId
from bot.model import Approval, ApprovalStatus, ExecutionStatus, Place, Verdict, Vote
from sandbox.slack import SeenMessage
from tests.scenarios.site import NAME, approves, asked, now, site, told
from tests.scenarios.stage import Stage

DEAD = "a process that died"


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    async with site(tmp_path) as one:
        yield one


async def the_review(stage: Stage) -> Approval:
    async with stage.bot.store.read() as tx:
        return (await tx.approvals.open())[0]


async def casts(stage: Stage, verdict: Verdict = Verdict.APPROVE) -> Approval:
    """Bob's click was taken and acknowledged; then the process died."""
    review = await the_review(stage)
    vote = Vote(
        "press:1",
        review.id,
        UserId(stage.bob.id),
        verdict,
        stage.clock.now(),
        Place(ChannelId("C0GPUOPS")),
    )
    async with stage.bot.store.write() as tx:
        assert await tx.votes.cast(vote)
    return review


async def resolves(stage: Stage, verdict: Verdict = Verdict.APPROVE) -> Approval:
    """Bob's click decided; then the process died, before it went on."""
    review = await casts(stage, verdict)
    moment = stage.clock.now()
    async with stage.bot.store.write() as tx:
        count = await tx.votes.count("press:1", moment)
        assert count is not None
        assert count.decided
        await tx.executions.claim(
            review.execution,
            DEAD,
            moment,
            moment + timedelta(minutes=5),
            expect={ExecutionStatus.WAITING},
            to=ExecutionStatus.RECORDED,
        )
    return review


async def ended_once(stage: Stage, question: SeenMessage) -> None:
    """It ran once, it was told once, and nothing asks any more."""
    await stage.ends(stage.alice, f"{NAME} is deleted")
    await stage.passes(600)
    assert stage.changes() == ["tasks.delete"]
    assert len([e for e in stage.endings(stage.alice) if "is deleted" in e]) == 1
    assert now(stage, question).buttons == []


async def test_after_the_click_was_kept(stage: Stage) -> None:
    question = await asked(stage)
    await casts(stage)
    await stage.restart_bot()
    await stage.passes(30)
    await ended_once(stage, question)
    assert told(stage.bob, "You approved “")


async def test_after_it_was_decided(stage: Stage) -> None:
    question = await asked(stage)
    await resolves(stage)
    await stage.restart_bot()
    await stage.passes(1)
    await ended_once(stage, question)


async def test_another_replica_goes_on_when_the_lease_has_run_out(stage: Stage) -> None:
    question = await asked(stage)
    await resolves(stage)
    await stage.passes(60)
    assert stage.changes() == []
    await stage.passes(300)
    await ended_once(stage, question)


async def test_after_it_was_denied(stage: Stage) -> None:
    question = await asked(stage)
    await resolves(stage, Verdict.DENY)
    stage.node("gpu1").silent = True  # nobody has to be asked for saying no
    await stage.restart_bot()
    await stage.passes(1)
    assert " denied “" in now(stage, question).plain
    assert now(stage, question).buttons == []
    assert len(stage.endings(stage.alice)) == 1
    assert stage.changes() == []


async def test_after_it_was_claimed_and_before_it_was_sent(stage: Stage) -> None:
    """Nobody knows whether it was sent, so it is not sent again: it is looked at."""
    question = await asked(stage)
    review = await resolves(stage)
    moment = stage.clock.now()
    async with stage.bot.store.write() as tx:
        await tx.executions.claim(
            review.execution,
            DEAD,
            moment,
            moment + timedelta(minutes=5),
            expect={ExecutionStatus.RECORDED},
            to=ExecutionStatus.RUNNING,
        )
    await stage.restart_bot()
    await stage.ends(
        stage.alice,
        f"{NAME} on gpu1 is “running”; it is unknown whether the command was carried out",
        within=300,
    )
    assert stage.changes() == []
    assert now(stage, question).buttons == []


async def test_after_it_was_voided(stage: Stage) -> None:
    question = await asked(stage)
    review = await resolves(stage)
    async with stage.bot.store.write() as tx:
        assert await tx.approvals.void(review.id, stage.clock.now())
    await stage.restart_bot()
    await stage.passes(1)
    assert now(stage, question).buttons == []
    assert "was not carried out" in now(stage, question).plain
    assert stage.changes() == []


async def test_after_it_expired(stage: Stage) -> None:
    question = await asked(stage)
    stage.clock.advance(timedelta(hours=2))
    async with stage.bot.store.write() as tx:
        expired = await tx.approvals.claim_expired(stage.clock.now(), 10)
        assert [one.status for one in expired] == [ApprovalStatus.EXPIRED]
        moment = stage.clock.now()
        await tx.executions.claim(
            expired[0].execution,
            DEAD,
            moment,
            moment + timedelta(minutes=5),
            expect={ExecutionStatus.WAITING},
            to=ExecutionStatus.RECORDED,
        )
    await stage.restart_bot()
    await stage.passes(1)
    assert "nobody decided in time" in now(stage, question).plain


async def test_before_the_last_words_were_posted(stage: Stage) -> None:
    question = await asked(stage)
    await approves(stage, stage.bob, question)
    stage.ws.faults.add("http_500", "chat.postMessage", times=None)
    stage.ws.faults.add("http_500", "chat.update", times=None)
    for _ in range(5):
        await stage.passes(3)
    assert not stage.endings(stage.alice)
    await stage.restart_bot()
    stage.ws.faults.clear()
    await stage.passes(600)
    await ended_once(stage, question)


async def test_what_was_approved_waits_for_slack(stage: Stage) -> None:
    question = await asked(stage)
    await resolves(stage)
    stage.ws.faults.add("http_500", "users.info", times=None)
    await stage.restart_bot()
    await stage.passes(1)
    assert stage.changes() == []
    stage.ws.faults.clear()
    await stage.passes(60)
    await ended_once(stage, question)


async def test_what_was_approved_does_not_wait_for_slack_for_ever(stage: Stage) -> None:
    question = await asked(stage)
    await resolves(stage)
    stage.ws.faults.add("http_500", "users.info", times=None)
    await stage.restart_bot()
    stage.clock.advance(timedelta(minutes=11))
    await stage.passes(1)
    stage.ws.faults.clear()
    await stage.passes(60)
    assert "Slack did not say who may do this" in now(stage, question).plain
    assert len([e for e in stage.endings(stage.alice) if "Slack did not say" in e]) == 1
    assert stage.changes() == []


async def test_what_was_approved_days_ago_does_not_run_any_more(stage: Stage) -> None:
    question = await asked(stage)
    await resolves(stage)
    stage.clock.advance(timedelta(days=3))
    await stage.restart_bot()
    await stage.passes(1)
    await stage.passes(60)
    assert stage.changes() == []
    assert now(stage, question).buttons == []
    assert len([e for e in stage.endings(stage.alice) if "not get to this in time" in e]) == 1
