"""Rights are read at the click: what was true when a question was shown does not count."""

import copy
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from sandbox.slack import SeenMessage
from tests.scenarios.site import (
    DELETE,
    NAME,
    approves,
    asked,
    now,
    refused_clicks,
    rules,
    site,
    told,
)
from tests.scenarios.stage import CHANNEL, Stage


@pytest.fixture(params=["socket", "http"])
async def stage(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Stage]:
    async with site(tmp_path, http=request.param == "http") as one:
        yield one


async def presses_somehow(stage: Stage, question: SeenMessage, **changes: Any) -> None:
    """What Slack would deliver for a press on Approve, with something changed in it."""
    sent = [d for d in stage.ws.deliveries if d.type == "block_actions"][-1]
    payload = copy.deepcopy(sent.payload)
    payload["trigger_id"] = f"{len(stage.ws.deliveries)}.forged"
    payload["response_url"] = ""
    payload["user"] |= changes.get("user", {})
    payload["actions"][0] |= changes.get("action", {})
    payload["channel"] |= changes.get("channel", {})
    await stage.ws.core.dispatcher.dispatch("interactive", payload)
    await stage.quiet()


async def test_who_left_the_group_meanwhile_may_not_approve(stage: Stage) -> None:
    oncall = stage.ws.add_usergroup("oncall", "bob", "carol")
    rules(
        stage,
        '[[rule]]\nname = "oncall"\nmatch = { command = "vm.delete" }\napprovals = 1\n'
        f'approvers = {{ groups = ["{oncall.id}"] }}\n',
    )
    question = await asked(stage)
    oncall.users.remove(stage.bob.id)
    await approves(stage, stage.bob, question)
    assert told(stage.bob, "the rules name others")
    assert [who for who, why in await refused_clicks(stage) if "rules name" in why] == [
        stage.bob.id
    ]
    assert stage.changes() == []
    await approves(stage, stage.carol, question)
    await stage.ends(stage.alice, f"{NAME} is deleted")


@pytest.mark.parametrize(
    "trait", ["is_restricted", "is_ultra_restricted", "is_bot", "deleted", "is_stranger"]
)
async def test_only_full_members_decide(stage: Stage, trait: str) -> None:
    question = await asked(stage)
    await stage.bob.presses("Withdraw", question)  # so that there is a press to repeat as Approve
    await stage.quiet()
    setattr(stage.bob.member, trait, True)
    action = {"action_id": "approval.approve:0"}
    await presses_somehow(stage, question, action=action)
    refusals = [why for who, why in await refused_clicks(stage) if who == stage.bob.id]
    assert refusals[-1] == "Only full members of this workspace can decide on this."
    assert "Approve" in now(stage, question).buttons
    assert stage.changes() == []


async def test_an_account_of_another_workspace_is_turned_away_and_recorded(stage: Stage) -> None:
    question = await asked(stage)
    await stage.bob.presses("Withdraw", question)
    stranger = {"id": "U0STRANGE", "team_id": "T0ELSEWHERE"}
    await presses_somehow(
        stage, question, user=stranger, action={"action_id": "approval.approve:0"}
    )
    assert ("U0STRANGE", "The account belongs to another workspace, T0ELSEWHERE.") in (
        await refused_clicks(stage)
    )
    assert stage.changes() == []


@pytest.mark.parametrize(
    ("action", "value"),
    [
        ("approval.approve", "forged"),
        ("approval.confirm", "forged"),
        ("approval.deny", "x" * 2000),
        ("approval.reviewed", ""),
        ("approval.cancel", "forged"),
    ],
)
async def test_an_id_that_is_none_is_refused_and_recorded(
    stage: Stage, action: str, value: str
) -> None:
    question = await asked(stage)
    await stage.bob.presses("Withdraw", question)
    await presses_somehow(stage, question, action={"action_id": f"{action}:0", "value": value})
    assert told(stage.bob, "This question is not known any more")
    assert (stage.bob.id, "This question is not known any more.") in await refused_clicks(stage)
    assert "Approve" in now(stage, question).buttons


@pytest.mark.parametrize("action", ["approval.confirm", "approval.reviewed"])
async def test_the_button_of_one_kind_of_question_does_not_answer_another(
    stage: Stage, action: str
) -> None:
    rules(stage, "[defaults]\ndestroy = { approvals = 1, type_name = true }\n")
    question = await asked(stage)
    await stage.bob.presses("Withdraw", question)
    await presses_somehow(stage, question, action={"action_id": f"{action}:0"})
    assert told(stage.bob, "This question is not known any more")
    assert stage.changes() == []


async def test_who_comes_late_is_told_who_was_faster_and_when(stage: Stage) -> None:
    question = await asked(stage)
    await approves(stage, stage.bob, question)
    stage.clock.advance(timedelta(seconds=45))
    action = {"action_id": "approval.approve:0"}
    await presses_somehow(stage, question, action=action, user={"id": stage.carol.id})
    late = await stage.carol.sees("Too late", CHANNEL)
    assert f"Too late: <@{stage.bob.id}> approved this 45 s ago." in late.plain
    assert (stage.carol.id, "decided") in await refused_clicks(stage)
    await stage.ends(stage.alice, f"{NAME} is deleted")
    assert stage.changes() == ["tasks.delete"]


@pytest.mark.parametrize(
    ("method", "kind"), [("users.info", "http_500"), ("users.info", "ratelimited")]
)
async def test_a_click_waits_for_slack_and_is_not_lost(
    stage: Stage, method: str, kind: Any
) -> None:
    question = await asked(stage)
    stage.ws.faults.add(kind, method, times=None)
    await approves(stage, stage.bob, question)
    assert stage.changes() == []
    await stage.passes(30)  # nobody answers still
    assert stage.changes() == []
    assert "Approve" in now(stage, question).buttons
    stage.ws.faults.clear()
    await stage.passes(30)
    await stage.ends(stage.alice, f"{NAME} is deleted")
    assert stage.changes() == ["tasks.delete"]
    assert told(stage.bob, "You approved “")


@pytest.mark.parametrize("body", ['{"ok": true, "user": {}}', '{"ok": true, "user": null}'])
async def test_a_click_waits_while_slack_does_not_say_who_it_is(stage: Stage, body: str) -> None:
    question = await asked(stage)
    stage.ws.faults.add("body", "users.info", times=None, body=body)
    await approves(stage, stage.bob, question)
    await stage.passes(30)
    assert stage.changes() == []
    assert not any("went wrong" in seen.plain for seen in stage.bob.messages())
    stage.ws.faults.clear()
    await stage.passes(30)
    await stage.ends(stage.alice, f"{NAME} is deleted")


@pytest.mark.parametrize("error", ["user_not_found", "user_not_visible"])
async def test_a_click_of_somebody_whom_slack_does_not_describe_does_not_count(
    stage: Stage, error: str
) -> None:
    question = await asked(stage)
    stage.ws.faults.error(error, "users.info")
    await approves(stage, stage.bob, question)
    await stage.passes(30)
    assert told(stage.bob, "Only full members of this workspace can decide on this.")
    assert [who for who, _ in await refused_clicks(stage)] == [stage.bob.id]
    assert stage.changes() == []


async def test_who_lost_their_session_meanwhile_may_not_approve(stage: Stage) -> None:
    question = await asked(stage)
    await stage.erases_session(stage.bob, "gpu1")
    await approves(stage, stage.bob, question)
    assert told(stage.bob, "you hold no session for its node")
    assert stage.changes() == []


async def test_the_requester_lost_their_rights_and_nothing_runs(stage: Stage) -> None:
    question = await asked(stage)
    stage.alice.member.is_restricted = True
    await approves(stage, stage.bob, question)
    ended = now(stage, question)
    assert "Only full members of this workspace can change machines" in ended.plain
    assert ended.buttons == []
    assert stage.changes() == []


async def test_a_colleague_who_is_gone_is_asked_for_nothing(stage: Stage) -> None:
    stage.bob.member.deleted = True
    question = await asked(stage)
    assert f"Needs 1 approval from <@{stage.carol.id}>. Expires" in question.plain


async def test_a_colleague_who_is_gone_is_none_of_those_who_could_approve(stage: Stage) -> None:
    rules(
        stage,
        '[[rule]]\nname = "oncall"\nmatch = { command = "vm.delete" }\n'
        f'approvers = {{ persons = ["{stage.bob.id}", "{stage.carol.id}"] }}\n',
    )
    stage.bob.member.deleted = True
    question = await asked(stage)
    assert f"<@{stage.carol.id}>" in question.plain
    assert f"<@{stage.bob.id}>" not in question.plain
    await stage.alice.presses("Withdraw", question)
    stage.carol.member.deleted = True
    seen = await stage.asks(stage.alice, DELETE)
    assert "This needs 1 approval by someone else, and nobody could give one." in seen.plain
