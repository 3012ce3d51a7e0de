"""What its requester alone confirms is asked of them alone, and nothing of that gets lost."""

from datetime import timedelta
from pathlib import Path

import pytest

from bot.ids import ChannelId, UserId
from bot.model import Place, ReviewKind, Verdict, Vote
from bot.pipeline.aside import BEING_SAID
from sandbox.slack import SeenMessage
from tests.mortal import START, mortal
from tests.scenarios.in_chinese import reads_chinese
from tests.scenarios.machines import off
from tests.scenarios.site import both_stages, now, rules, told
from tests.scenarios.stage import CHANNEL, Stage, card, is_card

DELETE = "/dbc vm delete inference"
QUESTION = "Delete inference on gpu1?"
BUTTONS = ["Confirm", "Withdraw", "Show"]
EXPIRED = timedelta(minutes=10, seconds=1)
ASKED = "SELECT count(*) FROM messages WHERE key LIKE 'card:%:U0ALICE'"


async def asks(stage: Stage, line: str = DELETE) -> SeenMessage:
    await stage.gives_session(stage.alice, "gpu1")
    return await stage.asks(stage.alice, line)


def seen_by_others(stage: Stage) -> list[str]:
    """What Bob reads of the bot in the channel."""
    return [m.plain for m in stage.bob.messages(CHANNEL) if m.user == "dbc"]


def questions(stage: Stage) -> list[SeenMessage]:
    return [m for m in told(stage.alice, QUESTION) if "Confirm" in m.buttons]


@both_stages
async def test_nobody_else_sees_the_question_and_all_see_what_becomes_of_it(stage: Stage) -> None:
    question = await asks(stage)
    assert (question.ephemeral, question.buttons) == (True, BUTTONS)
    assert "approval list" in question.plain
    assert seen_by_others(stage) == []
    await stage.alice.presses("Confirm", question)
    await stage.quiet()
    answered = now(stage, question)
    assert "You confirmed “Delete inference on gpu1”" in answered.plain.replace("*", "")
    assert answered.buttons == []
    end = await stage.ends(stage.alice, "inference is deleted")
    shown = card(stage.bob)
    assert not shown.ephemeral
    assert end.thread_ts == shown.ts
    assert stage.changes() == ["tasks.delete"]
    assert len(stage.endings(stage.alice)) == 1


@pytest.mark.parametrize(
    ("chinese", "pressed", "late"),
    [
        (False, "Confirm", "Too late: you confirmed this 4 s ago."),
        (True, "确认", "太迟了：你 4 秒前已确认。"),
        (True, "撤回", "太迟了：你 4 秒前已撤回。"),
    ],
)
async def test_a_late_press_says_what_they_did_themselves(
    one_stage: Stage, pressed: str, late: str, *, chinese: bool
) -> None:
    stage = one_stage
    if chinese:
        await reads_chinese(stage)
    question = await asks(stage)
    async with stage.bot.store.read() as tx:
        [approval] = await tx.approvals.open()
    again = await stage.asks(stage.alice, f"/dbc approval show {approval.id}")
    await stage.alice.presses(pressed, question)
    await stage.quiet()
    stage.clock.advance(timedelta(seconds=4))
    await stage.alice.presses("确认" if chinese else "Confirm", again)
    await stage.quiet()
    assert told(stage.alice, late)
    [seen] = [m.plain.replace("*", "") for m in stage.alice.messages() if late in m.plain]
    assert ("删除 gpu1 上的 inference" if chinese else "Delete inference on gpu1") in seen


async def test_the_second_press_of_a_double_click_takes_nothing_back(one_stage: Stage) -> None:
    stage = one_stage
    question = await asks(stage)
    async with stage.bot.store.read() as tx:
        [approval] = await tx.approvals.open()
    again = await stage.asks(stage.alice, f"/dbc approval show {approval.id}")
    for shown in (question, again):
        await stage.alice.presses("Confirm", shown)
        await stage.quiet()
    assert told(stage.alice, "You confirmed")
    assert not told(stage.alice, "Too late")
    await stage.ends(stage.alice, "inference is deleted")
    assert stage.changes() == ["tasks.delete"]


@both_stages
async def test_what_is_withdrawn_only_its_requester_has_seen(stage: Stage) -> None:
    question = await asks(stage)
    await stage.alice.presses("Withdraw", question)
    await stage.quiet()
    await stage.passes(60)
    answered = now(stage, question)
    assert "You withdrew “Delete inference on gpu1”" in answered.plain.replace("*", "")
    assert answered.buttons == []
    assert seen_by_others(stage) == []
    assert stage.alice.messages("@dbc") == []
    assert stage.changes() == []


@both_stages
async def test_an_expired_question_is_told_directly_once_and_answers_as_over(stage: Stage) -> None:
    question = await asks(stage)
    await stage.passes(9 * 60)
    assert stage.alice.messages("@dbc") == []
    await stage.passes(61)
    await stage.passes(600)
    [over] = stage.alice.messages("@dbc")
    assert "expired: it was not confirmed in time" in over.plain
    assert seen_by_others(stage) == []
    await stage.alice.presses("Confirm", question)
    await stage.quiet()
    assert "This expired" in now(stage, question).plain
    assert now(stage, question).buttons == []
    assert stage.changes() == []


async def test_a_question_lost_on_reload_is_shown_again_and_done_once(one_stage: Stage) -> None:
    stage = one_stage
    await asks(stage)
    stage.alice.reloads()
    await stage.passes(120)
    again = await stage.asks(stage.alice, DELETE)
    assert "You have already requested this" in again.plain
    assert again.buttons[:3] == BUTTONS
    await stage.alice.presses("Confirm", again)
    await stage.quiet()
    await stage.ends(stage.alice, "inference is deleted")
    assert stage.changes() == ["tasks.delete"]
    await stage.passes(900)
    assert told(stage.alice, "expired") == []


async def test_a_lost_question_is_answered_by_the_list_and_in_the_home(one_stage: Stage) -> None:
    stage = one_stage
    await asks(stage)
    stage.alice.reloads()
    listed = await stage.asks(stage.alice, "/dbc approval list")
    assert QUESTION[:-1] in listed.plain.replace("*", "")
    async with stage.bot.store.read() as tx:
        [approval] = await tx.approvals.open()
    assert approval.kind is ReviewKind.CONFIRM
    await stage.alice.opens_home()
    home = await stage.alice.sees_home("Delete")
    assert home.buttons[:3] == BUTTONS
    shown = await stage.asks(stage.alice, f"/dbc approval show {approval.id[:8]}")
    await stage.alice.presses("Confirm", shown)
    await stage.quiet()
    await stage.ends(stage.alice, "inference is deleted")
    assert not is_card(str([m.plain for m in stage.alice.messages("@dbc")]))


async def test_who_was_away_is_told_that_it_expired(one_stage: Stage) -> None:
    stage = one_stage
    await stage.gives_session(stage.alice, "gpu1")
    stage.alice.leaves()
    await stage.alice.types(DELETE, CHANNEL)
    await stage.quiet()
    stage.alice.comes_back()
    assert questions(stage) == []
    stage.clock.advance(EXPIRED)
    await stage.passes(5)
    [over] = stage.alice.messages("@dbc")
    assert "expired: it was not confirmed in time" in over.plain


async def test_in_a_thread_it_is_asked_and_told_there(one_stage: Stage) -> None:
    stage = one_stage
    await stage.gives_session(stage.alice, "gpu1")
    await stage.bob.types("gpu1 is slow", channel=CHANNEL)
    thread = stage.bob.last(CHANNEL)
    question = await stage.asks(stage.alice, "@dbc vm delete inference", thread=thread)
    assert (question.ephemeral, question.thread_ts) == (True, thread.ts)
    await stage.alice.presses("Confirm", question)
    await stage.quiet()
    end = await stage.ends(stage.alice, "inference is deleted")
    assert end.thread_ts == thread.ts
    assert "You confirmed" in now(stage, question).plain


async def test_where_slack_says_nothing_privately_the_question_comes_directly(
    one_stage: Stage,
) -> None:
    stage = one_stage
    await stage.gives_session(stage.alice, "gpu1")
    stage.ws.faults.error("expired_url", "response_url")
    stage.ws.faults.error("internal_error", "chat.postEphemeral", times=20)
    await stage.alice.types(DELETE, CHANNEL)
    await stage.quiet()
    await stage.passes(61)
    await stage.passes(5)
    [question] = questions(stage)
    assert question.channel == stage.alice.last("@dbc").channel
    await stage.alice.presses("Confirm", question)
    await stage.quiet()
    await stage.ends(stage.alice, "inference is deleted")
    assert now(stage, question).buttons == []
    assert "is deleted" in now(stage, question).plain
    assert "is deleted" in card(stage.bob).plain
    assert stage.changes() == ["tasks.delete"]


@pytest.mark.parametrize("when", ["before it is said", "after it was said"])
async def test_a_question_survives_a_death(tmp_path: Path, when: str) -> None:
    async with mortal(tmp_path, ack_seconds=START) as one:
        alice, bob = one.ws.member("alice"), one.ws.member("bob")
        await one.gives_session(alice, "gpu1")
        if when == "before it is said":
            one.ws.faults.add("hang", "chat.postEphemeral", times=None)
            await alice.types("@dbc vm restart inference", channel=CHANNEL)
            await one.comes_true("SELECT count(*) FROM approvals")
            await one.restart(after=BEING_SAID)
            one.ws.faults.clear()
            await one.comes_true(f"{ASKED} AND ref_ts IS NOT NULL")
        else:
            await alice.types("@dbc vm restart inference", channel=CHANNEL)
            await one.comes_true(f"{ASKED} AND delivered = version")
            await one.restart()
        question = await alice.sees("Restart *inference* on *gpu1*?")
        assert question.ephemeral is (when == "after it was said")
        await alice.presses("Confirm", question)
        await bob.sees(r"<@U0ALICE>:? .*inference.* was told to reboot", timeout=START)
        assert [m.plain for m in bob.messages(CHANNEL) if "Confirm" in m.buttons] == []
        assert [call.op for call in one.world.changing_calls()] == ["tasks.restart"]


async def test_what_a_dead_process_leaves_is_told_where_whoever_was_away_reads_it(
    one_stage: Stage,
) -> None:
    stage = one_stage
    await asks(stage)
    async with stage.bot.store.write() as tx:  # her click was taken, then the process died
        [review] = await tx.approvals.open()
        alice, place = UserId(stage.alice.id), Place(ChannelId("C0GPUOPS"))
        click = Vote("press:1", review.id, alice, Verdict.APPROVE, stage.clock.now(), place)
        assert await tx.votes.cast(click)
    off(stage)
    stage.alice.leaves()
    await stage.restart_bot()
    await stage.passes(30)
    await stage.passes(30)
    stage.alice.comes_back()
    [told_later] = stage.alice.messages("@dbc")
    assert "was not carried out" in told_later.plain
    assert "Present state was “running” and is now “off”" in told_later.plain
    assert stage.changes() == []


async def test_what_is_no_longer_true_is_told_to_its_requester_alone(one_stage: Stage) -> None:
    stage = one_stage
    question = await asks(stage)
    off(stage)
    await stage.alice.presses("Confirm", question)
    await stage.quiet()
    await stage.passes(5)
    assert "was not carried out" in stage.alice.screen()
    assert seen_by_others(stage) == []
    assert stage.changes() == []


async def test_rules_that_forbid_it_meanwhile_are_told_to_its_requester_alone(
    one_stage: Stage,
) -> None:
    stage = one_stage
    question = await asks(stage)
    rules(stage, '[[rule]]\nname = "no"\nmatch = { command = "vm.delete" }\ndeny = "Not now."\n')
    await stage.passes(6)
    [over] = stage.alice.messages("@dbc")
    assert "was not carried out" in over.plain
    assert seen_by_others(stage) == []
    await stage.alice.presses("Confirm", question)
    await stage.quiet()
    assert "Too late" in now(stage, question).plain
    assert stage.changes() == []


async def test_a_form_leaves_the_question_where_it_was_opened(one_stage: Stage) -> None:
    stage = one_stage
    rules(stage, "[defaults]\nchange = { confirm = true }\n")
    await stage.gives_session(stage.alice, "gpu2")
    await stage.alice.types("/dbc vm create image=ubuntu-22.04-cuda-12.qcow2 on gpu2", CHANNEL)
    await stage.alice.sees_modal("Create a machine")
    await stage.alice.submits({"Name": "t1"})
    await stage.quiet()
    question = stage.alice.last(CHANNEL)
    assert question.ephemeral
    assert seen_by_others(stage) == []
    await stage.alice.presses("Confirm", question)
    await stage.quiet()
    await stage.ends(stage.alice, "t1 is running on gpu2")


@pytest.mark.parametrize("button", ["Confirm", "Withdraw"])
async def test_a_question_that_a_former_version_showed_to_all_is_its_requesters(
    one_stage: Stage, button: str
) -> None:
    stage = one_stage
    question = await asks(stage)
    stage.shown_to_all(question)
    await stage.gives_session(stage.bob, "gpu1")
    await stage.bob.presses(button, question)
    refused = await stage.bob.sees("Only the requester")
    assert refused.ephemeral
    assert stage.changes() == []


async def test_others_are_not_shown_the_question_before_it_runs(one_stage: Stage) -> None:
    stage = one_stage
    question = await asks(stage)
    await stage.gives_session(stage.bob, "gpu1")
    async with stage.bot.store.read() as tx:
        [approval] = await tx.approvals.open()
    for number in (approval.id, approval.id[0]):
        refused = await stage.asks(stage.bob, f"/dbc approval show {number}")
        assert "You can see only what you asked for" in refused.plain
        assert refused.buttons == []
    await stage.alice.presses("Confirm", question)
    await stage.quiet()
    shown = await stage.asks(stage.bob, f"/dbc approval show {approval.id}")
    assert "Delete inference" in shown.plain.replace("*", "")


@pytest.mark.parametrize("line", ["vm delete inference", "approval show {}"])
@pytest.mark.parametrize("button", ["Confirm", "Withdraw"])
async def test_a_question_that_is_shown_directly_says_what_came_of_the_click(
    one_stage: Stage, line: str, button: str
) -> None:
    stage = one_stage
    question = await asks(stage)
    async with stage.bot.store.read() as tx:
        [approval] = await tx.approvals.open()
    await stage.alice.types(line.format(approval.id), channel="@dbc")
    await stage.quiet()
    shown = stage.alice.last("@dbc")
    assert shown.buttons[:3] == BUTTONS
    await stage.alice.presses(button, shown)
    await stage.quiet()
    pressed = {"Confirm": "You confirmed", "Withdraw": "You withdrew"}[button]
    assert f"{pressed} “Delete inference on gpu1”" in now(stage, shown).plain.replace("*", "")
    assert now(stage, shown).buttons == []
    await stage.alice.presses("Withdraw", question)
    await stage.quiet()
    assert "Too late" in now(stage, question).plain


async def test_in_direct_messages_the_question_is_a_card(one_stage: Stage) -> None:
    stage = one_stage
    await stage.gives_session(stage.alice, "gpu1")
    await stage.alice.types("vm delete inference", channel="@dbc")
    await stage.quiet()
    question = stage.alice.last("@dbc")
    assert (question.ephemeral, question.buttons) == (False, BUTTONS)
    await stage.alice.presses("Confirm", question)
    await stage.quiet()
    await stage.ends(stage.alice, "inference is deleted")
    assert "is deleted" in now(stage, question).plain
