"""Rules and rights count as they are when it runs, also for what was asked and voted before."""

from datetime import timedelta
from pathlib import Path

from tests.scenarios.site import (
    NAME,
    approves,
    asked,
    both_ways,
    denies,
    entries,
    now,
    refused_clicks,
    rules,
    site,
    told,
)
from tests.scenarios.stage import CHANNEL, Stage
from tests.scenarios.test_approval_crash import resolves


def rule(*needs: str) -> str:
    """A file with one rule about deletions."""
    return "\n".join(['[[rule]]\nname = "two"\nmatch = { command = "vm.delete" }', *needs, ""])


def by(stage: Stage, *names: str) -> str:
    """The key that lets these people approve, and nobody else."""
    ids = ", ".join(f'"{stage.ws.member(name).id}"' for name in names)
    return f"approvers = {{ persons = [{ids}] }}"


def joins(stage: Stage, name: str) -> str:
    """Somebody else in the channel; their id."""
    person = stage.ws.add_member(name)
    stage.ws.core.state.channel(CHANNEL).members.append(person.id)
    return str(person.id)


async def fallen(stage: Stage) -> list[str]:
    """Whose votes fell away, as the audit has it."""
    return [entry.actor for entry in await entries(stage) if str(entry.kind) == "vote_fell"]


@both_ways
async def test_a_vote_of_somebody_whom_the_rules_name_no_more_falls_away(
    tmp_path: Path, *, http: bool
) -> None:
    async with site(tmp_path, rule("approvals = 2"), http=http) as stage:
        dave = joins(stage, "dave")
        question = await asked(stage)
        await approves(stage, stage.bob, question)
        rules(stage, rule("approvals = 2", by(stage, "carol", "dave")))
        await stage.passes(5)
        seen = now(stage, question).plain
        assert f"<@{stage.bob.id}> may not decide on this any more" in seen
        assert "their approval no longer counts" in seen
        assert "1 of 2" not in seen
        assert f"Needs 2 approvals from <@{stage.carol.id}>, <@{dave}>" in seen
        await stage.ws.member("dave").sees(f"Delete .{NAME}", "@dbc")
        assert await fallen(stage) == [stage.bob.id]
        await approves(stage, stage.carol, question)
        assert stage.changes() == []
        await approves(stage, stage.ws.member("dave"), question)
        await stage.ends(stage.alice, f"{NAME} is deleted")
        ended = now(stage, question).plain
        assert f"<@{stage.bob.id}>" not in ended.split("approved by")[1]


async def test_a_second_vote_does_not_complete_one_that_fell_away(tmp_path: Path) -> None:
    async with site(tmp_path, rule("approvals = 2")) as stage:
        joins(stage, "dave")
        question = await asked(stage)
        await approves(stage, stage.bob, question)
        rules(stage, rule("approvals = 2", by(stage, "carol", "dave")))
        await approves(stage, stage.carol, question)  # before any look at what is open
        assert stage.changes() == []
        assert told(stage.carol, "More are needed")
        assert f"1 of 2 approvals: <@{stage.carol.id}>" in now(stage, question).plain
        assert await fallen(stage) == [stage.bob.id]


async def test_a_vote_of_somebody_who_left_or_lost_the_session_falls_away(tmp_path: Path) -> None:
    async with site(tmp_path, rule("approvals = 2")) as stage:
        for name in ("dave", "erin"):
            joins(stage, name)
            await stage.gives_session(stage.ws.member(name), "gpu1")
        question = await asked(stage)
        await approves(stage, stage.bob, question)
        stage.bob.member.is_restricted = True
        await approves(stage, stage.carol, question)
        assert stage.changes() == []
        assert await fallen(stage) == [stage.bob.id]
        await stage.erases_session(stage.carol, "gpu1")
        await approves(stage, stage.ws.member("dave"), question)
        assert stage.changes() == []
        assert await fallen(stage) == [stage.bob.id, stage.carol.id]


async def test_what_was_approved_waits_again_where_a_vote_fell_before_the_run(
    tmp_path: Path,
) -> None:
    async with site(tmp_path, rule("approvals = 1")) as stage:
        question = await asked(stage)
        await resolves(stage)  # Bob approved, and the process died before the run
        (tmp_path / "policy.toml").write_text(rule("approvals = 1", by(stage, "carol")))
        await stage.restart_bot()
        await stage.passes(1)
        await stage.quiet()
        assert stage.changes() == []
        assert await fallen(stage) == [stage.bob.id]
        seen = now(stage, question)
        assert "their approval no longer counts" in seen.plain
        assert f"Needs 1 approval from <@{stage.carol.id}>." in seen.plain
        await approves(stage, stage.carol, question)
        await stage.ends(stage.alice, f"{NAME} is deleted")
        assert f"approved by <@{stage.carol.id}>" in now(stage, question).plain


async def test_what_was_approved_is_denied_where_as_many_denials_do_now(tmp_path: Path) -> None:
    async with site(tmp_path, rule("denials = 2")) as stage:
        question = await asked(stage)
        await denies(stage, stage.carol, question, "not today")
        await resolves(stage)
        (tmp_path / "policy.toml").write_text(rule("denials = 1"))
        await stage.restart_bot()
        await stage.passes(1)
        await stage.quiet()
        assert stage.changes() == []
        assert f"<@{stage.carol.id}> denied “" in now(stage, question).plain


async def test_what_was_approved_too_late_by_the_rules_of_now_does_not_run(tmp_path: Path) -> None:
    async with site(tmp_path, rule('expires = "1h"')) as stage:
        question = await asked(stage)
        stage.clock.advance(timedelta(minutes=6))
        await resolves(stage)
        (tmp_path / "policy.toml").write_text(rule('expires = "5min"'))
        await stage.restart_bot()
        await stage.passes(1)
        await stage.passes(5)
        await stage.quiet()
        assert stage.changes() == []
        assert "expired: nobody decided in time" in now(stage, question).plain


async def test_a_shorter_time_counts_for_what_was_asked_before(tmp_path: Path) -> None:
    async with site(tmp_path, rule('expires = "1h"')) as stage:
        question = await asked(stage)
        stage.clock.advance(timedelta(minutes=6))
        rules(stage, rule('expires = "5min"'))
        await approves(stage, stage.bob, question)
        assert told(stage.bob, "This expired")
        assert stage.changes() == []
        await stage.passes(5)
        assert "nobody decided in time" in now(stage, question).plain


async def test_a_shorter_time_is_shown_before_anybody_clicks(tmp_path: Path) -> None:
    async with site(tmp_path, rule('expires = "1h"')) as stage:
        question = await asked(stage)
        before = now(stage, question).plain
        rules(stage, rule('expires = "5min"'))
        await stage.passes(5)
        assert now(stage, question).plain != before
        await stage.passes(5 * 60)
        assert "nobody decided in time" in now(stage, question).plain


async def test_fewer_denials_end_what_has_as_many(tmp_path: Path) -> None:
    async with site(tmp_path, rule("approvals = 2", "denials = 2")) as stage:
        question = await asked(stage)
        await denies(stage, stage.bob, question, "not today")
        rules(stage, rule("approvals = 2", "denials = 1"))
        await stage.passes(5)
        ended = now(stage, question)
        assert ended.buttons == []
        assert f"<@{stage.bob.id}> denied “" in ended.plain
        assert "“not today”" in ended.plain
        assert len(stage.endings(stage.alice)) == 1


async def test_who_is_asked_after_a_reload_is_told_and_named(tmp_path: Path) -> None:
    async with site(tmp_path, rule("approvals = 1"), entitled="alice bob") as stage:
        question = await asked(stage)
        assert told(stage.carol, f"Delete {NAME}") == [question]
        rules(stage, rule("approvals = 1", by(stage, "carol")))
        await stage.passes(5)
        assert f"Needs 1 approval from <@{stage.carol.id}>." in now(stage, question).plain
        await stage.carol.sees(f"Delete .{NAME}", "@dbc")


@both_ways
async def test_an_approver_withdraws_a_vote_by_the_button(tmp_path: Path, *, http: bool) -> None:
    async with site(tmp_path, rule("approvals = 2"), http=http) as stage:
        question = await asked(stage)
        assert "Withdraw vote" not in question.buttons
        await approves(stage, stage.bob, question)
        await stage.bob.presses("Withdraw vote", now(stage, question))
        await stage.quiet()
        assert told(stage.bob, "You withdrew your vote. It no longer counts")
        seen = now(stage, question)
        assert f"<@{stage.bob.id}> withdrew their approval" in seen.plain
        assert "Withdraw vote" not in seen.buttons
        await approves(stage, stage.carol, question)
        assert stage.changes() == []
        await approves(stage, stage.bob, question)  # they may decide anew
        await stage.ends(stage.alice, f"{NAME} is deleted")
        kinds = [(str(e.kind), e.actor) for e in await entries(stage)]
        assert ("vote_withdrawn", stage.bob.id) in kinds


async def test_an_approver_withdraws_a_vote_by_the_command(tmp_path: Path) -> None:
    async with site(tmp_path, rule("approvals = 2", "denials = 2")) as stage:
        question = await asked(stage)
        await denies(stage, stage.bob, question, "not today")
        async with stage.bot.store.read() as tx:
            number = (await tx.approvals.open())[0].id[:8]
        await stage.carol.types(f"/dbc approval withdraw {number}", channel="@dbc")
        await stage.quiet()
        assert told(stage.carol, "No vote of yours counts on this")
        assert "No vote of yours counts on this." in [w for _, w in await refused_clicks(stage)]
        await stage.bob.types(f"/dbc approval withdraw {number}", channel=CHANNEL)
        await stage.quiet()
        assert f"<@{stage.bob.id}> withdrew their denial" in now(stage, question).plain
        await denies(stage, stage.carol, question, "no")
        assert "Approve" in now(stage, question).buttons


async def test_nothing_is_withdrawn_from_what_is_decided(tmp_path: Path) -> None:
    async with site(tmp_path, rule("approvals = 2")) as stage:
        question = await asked(stage)
        await approves(stage, stage.bob, question)
        async with stage.bot.store.read() as tx:
            number = (await tx.approvals.open())[0].id[:8]
        await approves(stage, stage.carol, question)
        await stage.bob.types(f"/dbc approval withdraw {number}", channel=CHANNEL)
        await stage.quiet()
        assert told(stage.bob, "Too late: ")
        await stage.ends(stage.alice, f"{NAME} is deleted")
