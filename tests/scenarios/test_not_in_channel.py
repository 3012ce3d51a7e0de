"""Where the bot cannot post, people read the answer where they typed, and how to invite it."""

from datetime import timedelta

import pytest

from tests.scenarios.machines import off
from tests.scenarios.site import both_stages, told
from tests.scenarios.stage import CHANNEL, Stage, is_card

INVITE = "/invite <@U0DBC>"


def read_in(stage: Stage, channel: str) -> str:
    """The last thing that Alice reads in a channel."""
    return stage.alice.last(channel).plain.replace("*", "")


@both_stages
@pytest.mark.parametrize("channel", ["random", "ops-secret"])
async def test_a_change_is_shown_where_it_was_typed_and_its_end_told_directly(
    stage: Stage, channel: str
) -> None:
    await stage.gives_session(stage.alice, "gpu1")
    off(stage)
    await stage.alice.types("/dbc vm start inference", channel)
    await stage.quiet()
    shown = stage.alice.last(channel)
    assert shown.ephemeral
    assert "inference" in shown.plain
    assert INVITE in shown.plain
    end = await stage.ends(stage.alice, "inference is running on gpu1")
    assert end.channel == stage.alice.last("@dbc").channel
    assert f"I am not in <#{shown.channel}>" in end.plain
    assert INVITE in end.plain
    assert len(stage.endings(stage.alice)) == 1
    [card] = [m for m in stage.alice.messages("@dbc") if is_card(m.plain)]
    assert "is running" in card.plain
    assert INVITE in card.plain


@both_stages
async def test_a_form_opened_where_the_bot_is_not_is_answered_there(stage: Stage) -> None:
    await stage.gives_session(stage.alice, "gpu2")
    await stage.alice.types("/dbc vm create image=ubuntu-22.04-cuda-12.qcow2 on gpu2", "random")
    await stage.alice.sees_modal("Create a machine")
    await stage.alice.submits({"Name": "t1"})
    await stage.quiet()
    assert "t1" in read_in(stage, "random")
    assert INVITE in read_in(stage, "random")
    await stage.ends(stage.alice, "t1 is running on gpu2")


@both_stages
async def test_a_question_can_be_answered_where_it_was_typed(stage: Stage) -> None:
    await stage.gives_session(stage.alice, "gpu1")
    await stage.alice.types("/dbc vm shutdown inference", "random")
    await stage.quiet()
    question = stage.alice.last("random")
    await stage.alice.presses("Confirm", question)
    await stage.quiet()
    assert INVITE in read_in(stage, "random")
    await stage.ends(stage.alice, "inference is off on gpu1")
    assert stage.changes() == ["tasks.shutdown"]


async def test_invited_meanwhile_the_bot_tells_the_end_in_the_channel(one_stage: Stage) -> None:
    stage = one_stage
    await stage.gives_session(stage.alice, "gpu1")
    off(stage)
    await stage.alice.types("/dbc vm start inference", "random")
    await stage.quiet()
    random = stage.ws.core.state.channel("random")
    random.members.append(stage.ws.bot.id)
    end = await stage.ends(stage.alice, "inference is running on gpu1")
    assert end.channel == random.id
    assert INVITE not in end.plain


async def test_a_channel_archived_meanwhile_is_named_beside_the_end(one_stage: Stage) -> None:
    stage = one_stage
    await stage.gives_session(stage.alice, "gpu1")
    off(stage)
    await stage.asks(stage.alice, "/dbc vm start inference")
    stage.ws.core.state.channel(CHANNEL).is_archived = True
    end = await stage.ends(stage.alice, "inference is running on gpu1")
    assert "is archived, so this comes here" in end.plain


async def test_a_mention_in_a_thread_of_a_channel_left_since_is_answered_directly(
    one_stage: Stage,
) -> None:
    stage = one_stage
    channel = stage.ws.core.state.channel(CHANNEL)
    stage.ws.faults.add("error", "users.info", error="internal_error")
    await stage.alice.types("Who is up?", CHANNEL)
    await stage.alice.types("@dbc vm list", CHANNEL, stage.alice.last(CHANNEL))
    channel.members.remove(stage.ws.bot.id)
    await stage.clock.sleeping()  # Slack is asked again who they are
    stage.clock.advance(timedelta(minutes=1))
    await stage.quiet()
    assert INVITE in read_in(stage, "@dbc")


async def test_where_direct_messages_are_off_the_end_waits_for_the_invitation(
    one_stage: Stage,
) -> None:
    stage = one_stage
    await stage.gives_session(stage.alice, "gpu1")
    off(stage)
    core = stage.ws.core
    object.__setattr__(core.config, "messages_tab", False)
    await stage.alice.types("/dbc vm start inference", "random")
    await stage.quiet()
    assert "I may send no direct messages" in read_in(stage, "random")
    for _ in range(6):
        await stage.passes(20)
    core.state.channel("random").members.append(stage.ws.bot.id)
    end = await stage.ends(stage.alice, "inference is running on gpu1")
    assert end.channel == core.state.channel("random").id


async def test_approvers_and_requester_are_reached_though_the_bot_is_not_there(
    one_stage: Stage,
) -> None:
    stage = one_stage
    for person in (stage.alice, stage.bob):
        await stage.gives_session(person, "gpu1")
    (stage.data / "policy.toml").write_text("[defaults]\n", encoding="utf-8")
    await stage.restart_bot()
    await stage.alice.types("/dbc vm delete inference", "random")
    await stage.quiet()
    assert INVITE in read_in(stage, "random")
    await stage.bob.presses("Approve", stage.bob.last("@dbc"))
    await stage.ends(stage.alice, "inference is deleted on gpu1")
    assert told(stage.alice, "is deleted on gpu1")


async def test_an_instant_change_is_shown_once_where_it_was_typed(one_stage: Stage) -> None:
    stage = one_stage
    await stage.gives_session(stage.alice, "gpu1")
    await stage.asks(stage.alice, "/dbc vm list")
    before = len(stage.alice.messages("@dbc"))
    await stage.alice.types("/dbc vm name inference prod", "random")
    await stage.quiet()
    assert "is now called prod" in read_in(stage, "random")
    assert INVITE in read_in(stage, "random")
    assert "its end" not in read_in(stage, "random")
    await stage.passes(20)
    await stage.passes(60)
    assert len(stage.alice.messages("@dbc")) == before


async def test_an_instant_change_that_could_not_be_shown_there_is_told_directly(
    one_stage: Stage,
) -> None:
    stage = one_stage
    await stage.gives_session(stage.alice, "gpu1")
    await stage.asks(stage.alice, "/dbc vm list")
    stage.ws.faults.error("expired_url", "response_url")
    stage.ws.faults.error("not_in_channel", "chat.postEphemeral")
    stage.ws.faults.error("fatal_error", "conversations.open", times=1)
    await stage.alice.types("/dbc vm name inference prod", "random")
    await stage.quiet()
    await stage.passes(20)
    await stage.passes(60)
    assert "is now called prod" in read_in(stage, "@dbc")


async def test_a_question_and_its_end_are_each_said_once(one_stage: Stage) -> None:
    stage = one_stage
    await stage.gives_session(stage.alice, "gpu1")
    before = len(stage.alice.messages("@dbc"))
    await stage.alice.types("/dbc vm shutdown inference", "random")
    await stage.quiet()
    await stage.passes(20)
    await stage.passes(60)
    assert len(stage.alice.messages("@dbc")) == before  # the question stands where it was typed
    await stage.alice.presses("Confirm", stage.alice.last("random"))
    await stage.quiet()
    await stage.ends(stage.alice, "inference is off on gpu1")
    [card] = [m for m in stage.alice.messages("@dbc") if is_card(m.plain)]
    assert "is off" in card.plain
    assert len(stage.endings(stage.alice)) == 1


async def test_a_change_that_goes_on_is_told_in_one_place_and_pointed_to_from_the_other(
    one_stage: Stage,
) -> None:
    stage = one_stage
    await stage.gives_session(stage.alice, "gpu1")
    off(stage)
    await stage.alice.types("/dbc vm start inference", "random")
    await stage.quiet()
    [shown] = [m for m in stage.alice.messages("random") if m.ephemeral]
    assert "The card of “Start a machine: *inference*” is in our direct messages" in shown.plain
    assert INVITE in shown.plain
    assert not is_card(shown.plain)
    assert "starting" not in shown.plain
