"""After a reload every open question says what it needs now, or that nothing can come of it."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from bot.ids import ApprovalId
from bot.model import ExecutionStatus, ReviewKind
from tests.scenarios.site import (
    DELETE,
    NAME,
    approves,
    asked,
    both_ways,
    entries,
    now,
    rules,
    site,
    told,
)
from tests.scenarios.stage import CHANNEL, card
from tests.scenarios.test_approval_crash import DEAD, resolves, the_review
from tests.scenarios.test_rules_at_the_run import fallen, joins, rule

ONE, TWO = rule("approvals = 1"), rule("approvals = 2")
SINCE = "What the rules require has changed since this was requested"


@both_ways
async def test_more_approvals_are_asked_for_at_once_and_votes_still_count(
    tmp_path: Path, *, http: bool
) -> None:
    async with site(tmp_path, TWO, http=http) as stage:
        dave = joins(stage, "dave")
        await stage.gives_session(stage.ws.member("dave"), "gpu1")
        question = await asked(stage)
        await approves(stage, stage.bob, question)
        rules(stage, TWO.replace("2", "3"))
        await stage.passes(5)
        seen = now(stage, question)
        assert f"{SINCE}: it now needs 3 approvals (rule “two”)." in seen.plain
        assert f"1 of 3 approvals: <@{stage.bob.id}>" in seen.plain
        assert "Needs 3 approvals" in seen.plain
        assert [m.plain for m in told(stage.carol, "it now needs 3 approvals")]
        await approves(stage, stage.carol, question)
        assert stage.changes() == []
        assert SINCE in now(stage, question).plain
        await approves(stage, stage.ws.member("dave"), question)
        await stage.ends(stage.alice, f"{NAME} is deleted")
        approved = now(stage, question).plain.split("approved by")[1]
        assert all(f"<@{one}>" in approved for one in (stage.bob.id, stage.carol.id, dave))


async def test_what_two_reloads_demand_is_told_together_and_of_each_the_strictest(
    tmp_path: Path,
) -> None:
    async with site(tmp_path, ONE) as stage:
        question = await asked(stage)
        quick = rule("approvals = 1", 'expires = "1h"')
        for text in (TWO, quick, quick.replace("1h", "30min")):
            rules(stage, text)
            await stage.passes(5)
        seen = now(stage, question).plain
        assert f"{SINCE}: it now needs 2 approvals (rule “two”); it now expires 30 min" in seen
        assert seen.count("it now expires") == 1


async def test_what_was_approved_waits_again_where_more_approvals_are_needed_now(
    tmp_path: Path,
) -> None:
    async with site(tmp_path, ONE) as stage:
        question = await asked(stage)
        rules(stage, TWO)
        await approves(stage, stage.bob, question)  # before any look at what is open
        assert stage.changes() == []
        assert f"1 of 2 approvals: <@{stage.bob.id}>" in now(stage, question).plain
        await approves(stage, stage.carol, question)
        await stage.ends(stage.alice, f"{NAME} is deleted")


async def test_more_approvals_than_people_close_the_question(tmp_path: Path) -> None:
    async with site(tmp_path, ONE, entitled="alice bob") as stage:
        question = await asked(stage)
        rules(stage, TWO)
        await stage.passes(5)
        seen = now(stage, question)
        assert f"{SINCE}. This needs 2 approvals by someone else, and only 1 could" in seen.plain
        assert seen.buttons == []
        assert len(stage.endings(stage.alice)) == 1
        assert stage.changes() == []


async def test_what_was_approved_does_not_run_where_too_few_could_approve_now(
    tmp_path: Path,
) -> None:
    async with site(tmp_path, ONE, entitled="alice bob") as stage:
        question = await asked(stage)
        await resolves(stage)  # Bob approved, and the process died before the run
        (tmp_path / "policy.toml").write_text(TWO)
        await stage.restart_bot()
        await stage.passes(10)
        await stage.quiet()
        assert stage.changes() == []
        why = f"{SINCE}. This needs 2 approvals by someone else, and only 1 could"
        assert why in now(stage, question).plain
        assert len(stage.endings(stage.alice)) == 1


@both_ways
async def test_votes_without_typing_fall_where_typing_is_demanded_since(
    tmp_path: Path, *, http: bool
) -> None:
    async with site(tmp_path, TWO, http=http) as stage:
        question = await asked(stage)
        await approves(stage, stage.bob, question)
        rules(stage, rule("approvals = 2", "type_name = true"))
        await stage.passes(5)
        seen = now(stage, question)
        assert f"{SINCE}: approvers must now type what it is about (rule “two”)." in seen.plain
        assert f"<@{stage.bob.id}> approved without typing what it is about" in seen.plain
        assert "Approvers must type its description or id" in seen.plain
        assert "1 of 2" not in seen.plain
        assert await fallen(stage) == [stage.bob.id]
        for person in (stage.bob, stage.carol):
            await person.presses("Approve", now(stage, question))
            await person.sees_modal("Approve")
            assert stage.changes() == []
            await person.submits({"Its description or id": NAME})
            await stage.quiet()
        await stage.ends(stage.alice, f"{NAME} is deleted")


async def test_a_click_before_the_look_does_not_count_without_typing(tmp_path: Path) -> None:
    async with site(tmp_path, ONE) as stage:
        question = await asked(stage)
        rules(stage, rule("approvals = 1", "type_name = true"))
        await approves(stage, stage.bob, question)  # the card had no form yet
        assert stage.changes() == []
        assert told(stage.bob, "Approvers must now type what this is about.")
        assert "Approvers must type its description or id" in now(stage, question).plain
        assert await fallen(stage) == [stage.bob.id]


@pytest.mark.parametrize(
    ("stricter", "why"),
    [
        (rule('deny = "Frozen."'), f"{SINCE}. Frozen."),
        (rule('reason = "^OPS"'), f"{SINCE}. A reason is needed for this."),
    ],
)
async def test_what_cannot_run_any_more_is_closed_before_anybody_clicks(
    tmp_path: Path, stricter: str, why: str
) -> None:
    async with site(tmp_path, ONE) as stage:
        question = await asked(stage)
        rules(stage, stricter)
        await stage.passes(5)
        seen = now(stage, question)
        assert f"“Delete {NAME} on gpu1” was not carried out. {why}" in seen.plain.replace("*", "")
        assert seen.buttons == []
        assert len([end for end in stage.endings(stage.alice) if why in end]) == 1
        kinds = [str(entry.kind) for entry in await entries(stage)]
        assert kinds.count("voided") == 1
        assert stage.changes() == []


async def test_a_confirmation_is_closed_where_others_have_to_approve_since(tmp_path: Path) -> None:
    async with site(tmp_path, "[defaults]\ndestroy = { confirm = true }\n") as stage:
        question = await asked(stage)
        rules(stage, ONE)
        await stage.passes(5)
        seen = stage.alice.last("@dbc")
        assert f"{SINCE}: it now needs 1 approval (rule “two”)." in seen.plain
        await stage.alice.presses("Confirm", question)
        await stage.quiet()
        assert now(stage, question).buttons == []
        assert stage.changes() == []


async def test_a_confirmation_that_was_given_does_not_do_for_a_new_rule(tmp_path: Path) -> None:
    async with site(tmp_path, "[defaults]\ndestroy = { confirm = true }\n") as stage:
        question = await asked(stage)
        reads = len(stage.world.calls.of("snapshots.list"))
        await stage.alice.presses("Confirm", question)
        await stage.world.calls.wait("snapshots.list", count=reads + 1)
        rules(stage, ONE)
        await stage.quiet()
        assert f"{SINCE}: it now needs 1 approval (rule “two”)." in stage.alice.screen()
        assert now(stage, question).buttons == []
        assert stage.changes() == []


async def test_a_reload_that_changes_nothing_for_a_question_leaves_its_card_alone(
    tmp_path: Path,
) -> None:
    async with site(tmp_path, ONE) as stage:
        question = await asked(stage)
        before = now(stage, question)
        edits = len(stage.ws.calls_of("chat.update"))
        asks = len(stage.ws.calls_of("users.info"))
        other = '[[rule]]\nname = "b"\nmatch = { command = "vm.start" }\napprovals = 3\n'
        rules(stage, ONE + other)
        await stage.passes(5)
        assert len(stage.ws.calls_of("chat.update")) == edits
        assert len(stage.ws.calls_of("users.info")) - asks <= 3  # each person once
        assert now(stage, question).plain == before.plain


async def test_all_open_questions_are_looked_at_with_one_question_about_each_person(
    tmp_path: Path,
) -> None:
    async with site(tmp_path, ONE) as stage:
        for name in (NAME, "Ada's training run"):
            await stage.asks(stage.alice, f'/dbc vm delete "{name}"')
        asks = len(stage.ws.calls_of("users.info"))
        rules(stage, TWO)
        await stage.passes(5)
        assert len(told(stage.alice, "it now needs 2 approvals (rule “two”)")) == 2
        assert len(stage.ws.calls_of("users.info")) - asks <= 3


async def test_a_question_that_was_put_up_during_a_reload_says_what_it_needs(
    tmp_path: Path,
) -> None:
    async with site(tmp_path, ONE) as stage:
        reads = len(stage.world.calls.of("snapshots.list"))
        stage.clock.advance(timedelta(seconds=6))  # the next look at open questions is due
        await stage.alice.types(DELETE, channel=CHANNEL)
        await stage.world.calls.wait("snapshots.list", count=reads + 1)
        stage.ws.faults.add("slow", "users.info", late=1)  # who could approve
        await stage.ws.until(lambda: stage.ws.core.late)
        rules(stage, TWO.replace("two", "<!channel> two"))
        await stage.passes()  # nothing is open yet
        stage.clock.advance(timedelta(seconds=1))
        await stage.quiet()
        assert "Needs 1 approval" in card(stage.alice).plain
        await stage.passes(5)
        seen = card(stage.alice)
        assert "it now needs 2 approvals (rule “&lt;!channel&gt; two”)" in str(seen.blocks)
        assert "<!channel>" not in str(seen.blocks)


@pytest.mark.parametrize(
    ("then", "seen"),
    [
        (rule('deny = "Frozen."'), f"{SINCE}. Frozen."),
        (TWO, "1 of 2 approvals"),
    ],
)
async def test_rules_that_come_after_the_last_look_at_them_count_for_the_run(
    tmp_path: Path, then: str, seen: str
) -> None:
    async with site(tmp_path, ONE) as stage:
        question = await asked(stage)
        reads = len(stage.world.calls.of("snapshots.list"))
        await stage.bob.presses("Approve", question)
        await stage.world.calls.wait("snapshots.list", count=reads + 1)
        # What was shown is compared. That Bob may approve is the last thing that is asked for.
        stage.ws.faults.add("slow", "users.info", late=1)
        await stage.ws.until(lambda: stage.ws.core.late)
        rules(stage, then)
        stage.clock.advance(timedelta(seconds=1))
        await stage.quiet()
        assert stage.changes() == []
        assert seen in now(stage, question).plain


async def test_glass_that_was_broken_does_not_outlast_the_right_to_break_it(
    tmp_path: Path,
) -> None:
    async with site(tmp_path, ONE) as stage:
        await asked(stage)
        review, moment = await the_review(stage), stage.clock.now()
        async with stage.bot.store.write() as tx:  # it was broken; then the process died
            await tx.approvals.void(review.id, moment)
            broken = replace(review, id=ApprovalId("broken"), kind=ReviewKind.AFTERWARDS)
            await tx.approvals.add(replace(broken, created_at=moment + timedelta(seconds=1)))
            await tx.executions.claim(
                review.execution,
                DEAD,
                moment,
                moment,
                expect={ExecutionStatus.WAITING},
                to=ExecutionStatus.RECORDED,
            )
        await stage.restart_bot()
        await stage.passes(10)
        await stage.quiet()
        assert stage.changes() == []
        assert told(stage.alice, "The rules let nobody break the glass for this.")
