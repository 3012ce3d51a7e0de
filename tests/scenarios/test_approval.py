"""Destroying something needs somebody else: the card, the votes, the end."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from sandbox.dbc.task import Libvirt
from sandbox.slack import SeenMessage
from tests.scenarios.in_chinese import reads_chinese
from tests.scenarios.stage import CHANNEL, Stage, card, staged

NAME = "inference"


@pytest.fixture(params=["socket", "http"])
async def site(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Stage]:
    """A stage without rules of its own; Alice and Bob are entitled to gpu1, Carol is not."""
    async with staged(tmp_path, http=request.param == "http", policy="") as stage:
        await stage.gives_session(stage.alice, "gpu1")
        await stage.gives_session(stage.bob, "gpu1")
        yield stage


async def asked(site: Stage, line: str = f"/dbc vm delete {NAME}") -> SeenMessage:
    """Alice asks; the card in the channel."""
    await site.alice.types(line, channel=CHANNEL)
    await site.quiet()
    return card(site.alice, f"{NAME} on gpu1?")


async def test_a_deletion_runs_once_somebody_else_has_approved_it(site: Stage) -> None:
    question = await asked(site)
    assert "Present state" in question.plain
    assert "running" in question.plain
    assert "vda" in question.plain
    assert "Nothing brings them back" in question.plain
    assert question.buttons == ["Approve", "Deny", "Withdraw", "Show"]
    [confirmed] = [
        element["confirm"]["text"]["text"]
        for block in question.blocks
        for element in block.get("elements", [])
        if "confirm" in element
    ]
    assert "The machine, all its disks" in confirmed
    assert f"Delete {NAME} on gpu1." in confirmed
    assert site.changes() == []
    await site.bob.presses("Approve", question)
    await site.bob.sees("You approved “", CHANNEL)
    await site.ends(site.alice, f"{NAME} is deleted")
    assert site.changes() == ["tasks.delete"]
    shown = card(site.alice)
    assert f"approved by <@{site.bob.id}>" in shown.plain


@pytest.mark.parametrize("line", ["restart inference force", "poweroff inference"])
async def test_a_card_shows_nothing_that_its_command_leaves_alone(site: Stage, line: str) -> None:
    question = await asked(site, f"/dbc vm {line}")
    assert "Present state" in question.plain
    assert "The power is cut" in question.plain
    assert "vda" not in question.plain
    assert "Snapshots" not in question.plain


async def test_nobody_approves_their_own_request(site: Stage) -> None:
    question = await asked(site)
    await site.alice.presses("Approve", question)
    await site.alice.sees("You requested this yourself", CHANNEL)
    assert site.changes() == []


async def test_someone_without_a_session_may_not_approve(site: Stage) -> None:
    question = await asked(site)
    await site.carol.presses("Approve", question)
    await site.carol.sees("you hold no session for its node", CHANNEL)
    assert site.changes() == []


async def test_an_approver_gets_a_copy_that_changes_with_the_card(site: Stage) -> None:
    question = await asked(site)
    copy = await site.bob.sees(f"Delete .{NAME}", "@dbc")
    await site.bob.presses("Approve", copy)
    await site.quiet()
    assert "is being deleted" in card(site.alice, "is being deleted").plain
    await site.ends(site.alice, f"{NAME} is deleted")
    seen = next(m for m in site.bob.messages("@dbc") if m.ts == copy.ts)
    assert "is deleted" in seen.plain
    assert seen.buttons == []
    assert question.ts != copy.ts


async def test_in_a_copy_of_ones_own_stands_only_what_one_may_press(site: Stage) -> None:
    question = await asked(site)
    assert question.buttons == ["Approve", "Deny", "Withdraw", "Show"]
    copy = await site.bob.sees(f"Delete .{NAME}", "@dbc")
    assert copy.buttons == ["Approve", "Deny", "Show"]
    await site.bob.opens_home()
    home = await site.bob.sees_home("Waiting for you")
    assert "Withdraw" not in home.buttons
    await site.alice.presses("Withdraw", question)
    await site.quiet()
    await site.alice.types(f"/dbc vm delete {NAME}", "@dbc")
    own = await site.alice.sees(f"Delete .{NAME}", "@dbc")
    await site.quiet()
    assert site.alice.messages("@dbc")[-1].ts == own.ts
    assert own.buttons == ["Withdraw", "Show"]


async def test_a_denial_asks_why_and_nothing_is_done(site: Stage) -> None:
    question = await asked(site)
    await site.bob.presses("Deny", question)
    await site.bob.sees_modal("Deny")
    await site.bob.submits({"Why not?": "It still serves <!channel> traffic"})
    counted = await site.bob.sees("Nothing was done", CHANNEL)
    assert counted.text == "You denied “Delete inference on gpu1”. Nothing was done."
    await site.quiet()
    denied = card(site.alice)
    assert "still serves &lt;!channel&gt; traffic" in str(denied.blocks)
    assert " denied “Delete" in denied.plain
    assert denied.buttons == []
    assert site.changes() == []


async def test_the_requester_can_take_it_back_and_nobody_else(site: Stage) -> None:
    question = await asked(site)
    await site.bob.presses("Withdraw", question)
    await site.bob.sees("Only the requester can withdraw", CHANNEL)
    await site.alice.presses("Withdraw", question)
    await site.quiet()
    assert f"<@{site.alice.id}> withdrew “" in card(site.alice, " withdrew “").plain
    assert site.changes() == []


async def test_a_request_that_nobody_could_approve_is_refused_at_once(tmp_path: Path) -> None:
    async with staged(tmp_path, policy="") as site:
        await site.gives_session(site.alice, "gpu1")
        await site.alice.types(f"/dbc vm delete {NAME}", channel=CHANNEL)
        await site.alice.sees("nobody could give one", CHANNEL)
        assert [m for m in site.alice.messages(CHANNEL) if "Approve" in m.buttons] == []


async def test_a_question_expires_and_a_late_click_says_so(site: Stage) -> None:
    question = await asked(site)
    site.clock.advance(timedelta(minutes=61))
    await site.bob.presses("Approve", question)
    await site.bob.sees("expired", CHANNEL)
    await site.passes(1)
    assert "nobody decided in time" in card(site.alice).plain
    assert site.changes() == []


async def test_what_expired_or_was_voided_is_requested_again_with_a_button(site: Stage) -> None:
    question = await asked(site)
    site.clock.advance(timedelta(minutes=61))
    await site.passes(1)
    expired = await site.alice.sees("expired: nobody decided in time", CHANNEL)
    assert expired.buttons == ["Request it again"]
    await site.alice.presses("Request it again", expired)
    await site.quiet()
    [again] = [m for m in site.bob.messages(CHANNEL) if "Approve" in m.buttons]
    assert again.ts != question.ts
    task = site.task(NAME)
    assert task.domain is not None
    task.domain.state = Libvirt.SHUT_OFF
    await site.bob.presses("Approve", again)
    await site.quiet()
    [voided] = [m for m in site.alice.messages(CHANNEL) if "Changed since" in m.plain and m.buttons]
    await site.alice.presses("Request it again", voided)
    await site.quiet()
    await site.alice.presses("Request it again", voided)
    await site.quiet()
    [last] = [m for m in site.bob.messages(CHANNEL) if "Approve" in m.buttons]
    await site.bob.presses("Approve", last)
    await site.ends(site.alice, f"{NAME} is deleted")


async def test_those_who_could_decide_are_reminded_at_growing_intervals(site: Stage) -> None:
    question = await asked(site)
    thread = question.ts
    for _ in range(6):
        await site.passes(9 * 60)
    reminders = [
        m for m in site.bob.messages(CHANNEL, thread_ts=thread) if "still waits" in m.plain
    ]
    assert len(reminders) == 2
    assert all(site.bob.id in str(m.blocks) for m in reminders)


async def test_a_changed_machine_voids_the_approval(site: Stage) -> None:
    question = await asked(site)
    task = site.task(NAME)
    assert task.domain is not None
    task.domain.state = Libvirt.SHUT_OFF
    await site.bob.presses("Approve", question)
    await site.quiet()
    voided = card(site.alice)
    assert "was not carried out. Changed since it was shown" in voided.text
    assert "Nothing was done" not in voided.text  # the sentence says so
    assert "running" in voided.plain
    assert "now “off”" in voided.plain
    assert voided.buttons == []
    assert [e for e in site.endings(site.alice) if "Changed since" in e]
    assert site.changes() == []


async def test_the_same_click_delivered_twenty_times_counts_once(site: Stage) -> None:
    question = await asked(site)
    await site.bob.presses("Approve", question)
    for _ in range(20):
        await site.ws.deliver_again("block_actions")
    await site.ends(site.alice, f"{NAME} is deleted")
    assert site.changes() == ["tasks.delete"]
    assert len([m for m in site.bob.messages(CHANNEL) if "You approved “" in m.plain]) == 1


@pytest.mark.parametrize(
    ("locale", "approve", "deny", "why", "colon"),
    [("en", "Approve", "Deny", "Why not?", ": "), ("zh", "批准", "拒绝", "拒绝原因", "：")],
)
async def test_a_denial_reads_as_told_to_one_person_about_another(
    site: Stage, locale: str, approve: str, deny: str, why: str, colon: str
) -> None:
    if locale == "zh":
        await reads_chinese(site)
    await site.alice.types(f"/dbc vm delete {NAME}", channel=CHANNEL)
    await site.quiet()
    question = next(m for m in site.alice.messages(CHANNEL) if approve in m.buttons)
    await site.bob.presses(deny, question)
    await site.bob.sees_modal()
    await site.bob.submits({why: "not now"})
    await site.quiet()
    said = [m.plain for m in site.alice.messages(CHANNEL)]
    wanted = f"<@{site.alice.id}>{colon}<@{site.bob.id}>"
    assert [text for text in said if wanted in text], said
