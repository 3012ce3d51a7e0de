"""An open question names those who may approve it now, and closes where nobody may any more."""

from datetime import timedelta
from pathlib import Path

from tests.scenarios.site import approves, asked, now, site, told
from tests.scenarios.stage import Stage
from tests.scenarios.test_broken_database import broken
from tests.scenarios.test_rules_at_the_run import rule

ONE, TWO = rule("approvals = 1"), rule("approvals = 2")
NOBODY = "Who may approve this has changed since it was requested. This needs 1 approval by someone"


async def removes_session(stage: Stage, name: str) -> None:
    """They erase their session for gpu1."""
    person = stage.ws.member(name)
    question = await stage.asks(person, "/dbc session remove gpu1")
    if "Confirm" in question.buttons:
        await person.presses("Confirm", question)
        await stage.quiet()


def becomes_guest(stage: Stage, name: str) -> None:
    """An administrator of the workspace makes them a guest."""
    stage.ws.member(name).member.is_restricted = True


async def test_whoever_lost_their_session_is_no_longer_named(tmp_path: Path) -> None:
    async with site(tmp_path, ONE) as stage:
        question = await asked(stage)
        assert f"from <@{stage.bob.id}>, <@{stage.carol.id}>" in now(stage, question).plain
        await removes_session(stage, "bob")
        await stage.passes(5)
        for seen in (now(stage, question), told(stage.carol, "Needs 1 approval")[-1]):
            assert f"Needs 1 approval from <@{stage.carol.id}>" in seen.plain
        await approves(stage, stage.carol, question)
        assert stage.changes() == ["tasks.delete"]


async def test_the_question_closes_where_the_last_one_lost_their_session(tmp_path: Path) -> None:
    async with site(tmp_path, ONE, entitled="alice bob") as stage:
        question = await asked(stage)
        await removes_session(stage, "bob")
        await stage.passes(5)
        seen = now(stage, question)
        assert f"{NOBODY} else, and nobody could give one" in seen.plain
        assert seen.buttons == []
        assert len(stage.endings(stage.alice)) == 1
        assert stage.changes() == []


async def test_whoever_a_session_is_shared_with_is_named_and_gets_a_copy(tmp_path: Path) -> None:
    async with site(tmp_path, ONE, entitled="alice bob") as stage:
        question = await asked(stage)
        await stage.asks(stage.alice, "/dbc session share gpu1 @carol")
        await stage.passes(5)
        both = f"Needs 1 approval from <@{stage.bob.id}>, <@{stage.carol.id}>"
        assert both in now(stage, question).plain
        [copy] = [m for m in told(stage.carol, both) if m.channel != question.channel]
        assert "Approve" in copy.buttons
        await stage.asks(stage.alice, "/dbc session unshare gpu1 @carol")
        await stage.passes(5)
        assert f"Needs 1 approval from <@{stage.bob.id}>" in now(stage, question).plain
        again = now(stage, copy)
        assert f"Needs 1 approval from <@{stage.bob.id}>" in again.plain


async def test_a_channel_that_a_session_is_shared_with_is_named_at_once(tmp_path: Path) -> None:
    async with site(tmp_path, ONE, entitled="alice bob") as stage:
        question = await asked(stage)
        await stage.asks(stage.alice, "/dbc session share gpu1 #gpu-ops")
        await stage.passes(5)
        assert "or members of" in now(stage, question).plain
        await removes_session(stage, "bob")
        await stage.passes(5)
        assert "Approve" in now(stage, question).buttons  # its members still may
        await stage.asks(stage.alice, "/dbc session unshare gpu1 #gpu-ops")
        await stage.passes(5)
        assert f"{NOBODY} else, and nobody could give one" in now(stage, question).plain


async def test_two_of_two_closes_where_one_of_them_becomes_a_guest(tmp_path: Path) -> None:
    async with site(tmp_path, TWO) as stage:
        question = await asked(stage)
        await approves(stage, stage.bob, question)
        becomes_guest(stage, "bob")
        await approves(stage, stage.carol, question)
        await stage.passes(5)
        seen = now(stage, question)
        assert "only 1 could give one" in seen.plain
        assert seen.buttons == []
        assert stage.changes() == []


async def test_a_guest_whose_click_is_refused_is_no_longer_named(tmp_path: Path) -> None:
    async with site(tmp_path, ONE) as stage:
        question = await asked(stage)
        becomes_guest(stage, "bob")
        await approves(stage, stage.bob, question)
        await stage.passes(5)
        assert f"Needs 1 approval from <@{stage.carol.id}>" in now(stage, question).plain
        await approves(stage, stage.carol, question)
        assert stage.changes() == ["tasks.delete"]


async def test_a_reminder_looks_first_who_may_still_approve(tmp_path: Path) -> None:
    async with site(tmp_path, ONE, entitled="alice bob") as stage:
        question = await asked(stage)
        becomes_guest(stage, "bob")
        await stage.passes(timedelta(minutes=11).total_seconds())
        assert f"{NOBODY} else, and nobody could give one" in now(stage, question).plain
        assert told(stage.alice, "still waits for a decision") == []


async def test_what_is_about_another_node_is_left_alone(tmp_path: Path) -> None:
    async with site(tmp_path, ONE) as stage:
        await asked(stage)
        await stage.passes(5)
        await stage.gives_session(stage.bob, "gpu2")
        edits = len(stage.ws.calls_of("chat.update"))
        people = len(stage.ws.calls_of("users.info"))
        await stage.passes(10)
        assert len(stage.ws.calls_of("chat.update")) == edits
        assert len(stage.ws.calls_of("users.info")) == people


async def test_who_may_approve_is_looked_up_again_where_it_could_not_be_stored(
    tmp_path: Path,
) -> None:
    async with site(tmp_path, ONE) as stage:
        question = await asked(stage)
        await removes_session(stage, "bob")
        with broken(stage, "INSERT ON messages"):
            await stage.passes(5)
        assert f"<@{stage.bob.id}>" in now(stage, question).plain
        await stage.passes(5)
        assert f"Needs 1 approval from <@{stage.carol.id}>" in now(stage, question).plain
