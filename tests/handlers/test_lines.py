"""Typed lines: the slash command, mentions and direct messages, from key to answer."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from slack_bolt.request.async_request import AsyncBoltRequest
from structlog.testing import capture_logs

from bot.errors import Refused
from bot.ids import ChannelId, UserId
from bot.model import Invocation, Place, Source
from bot.ports import Accepted, Answer
from bot.reply import Reply
from handlers.edge import SlackEdge
from handlers.payloads import is_from_person, without_mention
from sandbox.slack.conversations import Message
from sandbox.slack.delivery import Ack
from tests.handlers.conftest import Office
from tests.handlers.scripted import say


async def test_a_slash_command_is_acknowledged_and_answered_privately(any_office: Office) -> None:
    any_office.core.work = say(Reply.of("Two machines."))
    ack = await any_office.alice.types("/dbc vm list")
    assert isinstance(ack, Ack)
    assert ack.ok
    assert ack.body in (None, "")
    seen = await any_office.alice.sees("Two machines.")
    assert seen.ephemeral
    (line,) = any_office.core.lines
    assert (line.actor, line.text, line.source) == (any_office.alice.id, "vm list", Source.SLASH)
    assert line.place == Place(ChannelId(seen.channel))


async def test_a_second_answer_to_a_slash_command_is_seen_too(office: Office) -> None:
    office.core.work = say(Reply.of("Looking."), Reply.of("Two machines."))
    await office.alice.types("/dbc vm list")
    assert (await office.alice.sees("Two machines.")).ephemeral


async def test_a_slash_command_works_where_the_bot_is_no_member(office: Office) -> None:
    office.core.work = say(Reply.of("Two machines."))
    await office.alice.types("/dbc vm list", "random")
    assert (await office.alice.sees("Two machines.", "random")).ephemeral


async def test_after_five_answers_a_slash_command_is_answered_by_a_whisper(office: Office) -> None:
    office.core.work = say(*(Reply.of(f"answer {n}") for n in range(6)))
    await office.alice.types("/dbc vm list")
    assert (await office.alice.sees("answer 5", "gpu-ops")).ephemeral
    assert len(office.ws.calls_of("chat.postEphemeral")) == 1


async def test_half_an_hour_later_a_slash_command_is_answered_by_a_direct_message(
    office: Office,
) -> None:
    async def late(answer: Answer) -> None:
        office.ws.wind(timedelta(minutes=31))
        await answer.say(Reply.of("Done at last."))

    office.core.work = late
    await office.alice.types("/dbc vm list", "random")
    await office.alice.sees("Done at last.", "@dbc")


async def test_a_mention_in_a_thread_is_answered_in_it_and_the_second_answer_replaces_the_first(
    any_office: Office,
) -> None:
    any_office.core.work = say(Reply.of("Looking."), Reply.of("Two machines."))
    top = await any_office.alice.types("Something is down")
    assert isinstance(top, Message)
    await any_office.bob.types("@dbc vm list", thread_ts=top.ts)
    seen = await any_office.alice.sees("Two machines.")
    assert (seen.thread_ts, seen.edited, seen.ephemeral) == (top.ts, True, False)
    assert not any("Looking." in message.plain for message in any_office.alice.messages())
    (line,) = any_office.core.lines
    assert (line.text, line.source) == ("vm list", Source.MENTION)
    assert line.place == Place(ChannelId(seen.channel), top.ts)


async def test_a_mention_in_a_channel_is_answered_in_the_channel(office: Office) -> None:
    office.core.work = say(Reply.of("Two machines."))
    await office.alice.types("hey @dbc vm list")
    seen = await office.bob.sees("Two machines.", "gpu-ops")
    assert seen.thread_ts is None
    assert office.core.lines[0].text == "vm list"


async def test_a_private_reply_to_a_mention_is_seen_by_its_author_alone(office: Office) -> None:
    office.core.work = say(Reply.of("Not yours.", private=True))
    top = await office.alice.types("Something is down")
    assert isinstance(top, Message)
    await office.alice.types("@dbc vm delete x", thread_ts=top.ts)
    seen = await office.alice.sees("Not yours.")
    assert (seen.ephemeral, seen.thread_ts) == (True, top.ts)
    assert not any("Not yours." in message.plain for message in office.bob.messages())


async def test_a_direct_message_is_answered_there(any_office: Office) -> None:
    any_office.core.work = say(Reply.of("Two machines.", private=True))
    await any_office.alice.types("vm list", "@dbc")
    seen = await any_office.alice.sees("Two machines.", "@dbc")
    assert not seen.ephemeral
    assert any_office.core.lines[0].source == Source.DIRECT


async def test_messages_in_channels_without_a_mention_are_none_of_the_bots_business(
    office: Office,
) -> None:
    await office.alice.types("vm list")
    await office.ws.idle()
    assert office.core.lines == []


@pytest.mark.parametrize(
    "change",
    [
        {"bot_id": "B1"},
        {"subtype": "message_changed"},
        {"subtype": "channel_join"},
        {"edited": {"user": "U1", "ts": "1.2"}},
        {"hidden": True},
        {"user": None},
    ],
)
def test_only_new_messages_of_people_are_lines(change: dict[str, Any]) -> None:
    event = {"type": "message", "channel": "D1", "user": "U1", "text": "vm list"}
    assert is_from_person(event)
    assert not is_from_person(event | change)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("<@UBOT> vm list", "vm list"),
        ("<@UBOT|dbc> vm list", "vm list"),
        ("hey <@UBOT>", "hey"),
        ("please <@UBOT> session share n1 with <@U2>", "session share n1 with <@U2>"),
        ("vm list", "vm list"),
        ("<@UBOT>", ""),
        ("<@UBOTTLE> vm list", "<@UBOTTLE> vm list"),
    ],
)
def test_a_line_is_what_is_said_to_the_bot(text: str, line: str) -> None:
    assert without_mention(text, UserId("UBOT")) == line


async def test_an_account_of_another_workspace_is_refused(office: Office) -> None:
    event = {
        "type": "app_mention",
        "channel": office.ws.core.state.channel("gpu-ops").id,
        "user": office.alice.id,
        "team": office.connection.identity.team,
        "user_team": "T0OTHER",
        "text": "@dbc vm list",
        "ts": "1.000001",
    }
    body = {
        "type": "event_callback",
        "team_id": office.connection.identity.team,
        "event_id": "Ev1",
        "event": event,
    }
    request = AsyncBoltRequest(body=body, mode="socket_mode")
    assert (await office.edge.app.async_dispatch(request)).status == 200
    assert (await office.alice.sees("only work for members")).ephemeral
    assert office.core.lines == []


@pytest.mark.parametrize("line", ["/dbc vm restart x", "@dbc vm restart x"])
async def test_a_line_delivered_twice_at_once_is_taken_once(any_office: Office, line: str) -> None:
    any_office.core.work = say(Reply.of("Restarting."))
    any_office.ws.deliver_twice()
    await any_office.alice.types(line)
    await any_office.alice.sees("Restarting.")
    await any_office.ws.idle()
    assert all(ack.ok for ack in any_office.ws.deliveries[-1].acks)
    assert len(any_office.core.lines) == 1
    assert sum("Restarting." in m.plain for m in any_office.alice.messages()) == 1


async def test_a_line_delivered_again_after_a_restart_has_the_same_key(office: Office) -> None:
    await office.alice.types("/dbc vm restart x")
    edge = SlackEdge(office.settings, office.core, office.clock, office.connection)
    await office.edge.stop()
    await edge.start()
    await edge.connected()
    try:
        assert (await office.ws.deliver_again("/dbc")).ok
    finally:
        await edge.stop()
    first, again = office.core.lines
    assert first.key == again.key


async def test_two_commands_alike_have_two_keys(office: Office) -> None:
    await office.alice.types("/dbc vm restart x")
    await office.alice.types("/dbc vm restart x")
    first, second = office.core.lines
    assert first.key != second.key


async def test_what_was_not_recorded_is_not_acknowledged_and_the_person_is_told_why(
    any_office: Office,
) -> None:
    any_office.core.error = OSError("disk full")
    ack = await any_office.alice.types("/dbc vm restart x")
    assert isinstance(ack, Ack)
    assert not ack.ok
    assert any_office.alice.notices
    seen = await any_office.alice.sees("Something went wrong on my side")
    assert seen.ephemeral
    assert "disk full" not in seen.plain


async def test_an_event_that_was_not_recorded_is_taken_when_slack_repeats_it(
    any_office: Office,
) -> None:
    async def only_the_second_time(_: Invocation) -> Accepted:
        if len(any_office.core.lines) == 1:
            raise OSError("disk full")
        return Accepted(say(Reply.of("Restarting.")))

    any_office.core.on_line = only_the_second_time
    await any_office.alice.types("@dbc vm restart x")
    await any_office.alice.sees("Restarting.", timeout=8)
    assert len({line.key for line in any_office.core.lines}) == 1
    assert sum("went wrong" in m.plain for m in any_office.alice.messages()) == 1


async def test_a_known_failure_of_the_work_is_said_in_its_own_words(office: Office) -> None:
    async def refuse(_: Answer) -> None:
        raise Refused("There is no machine x.", hint="Try `vm list`.")

    office.core.work = refuse
    await office.alice.types("@dbc vm show x")
    seen = await office.alice.sees("There is no machine x.")
    assert seen.ephemeral
    assert "Try `vm list`." in seen.plain.replace("\u2060", "")


async def test_a_surprise_in_the_work_is_answered_with_an_id_that_is_in_the_log(
    office: Office,
) -> None:
    async def fail(_: Answer) -> None:
        raise ZeroDivisionError("xoxb-secret")

    office.core.work = fail
    with capture_logs() as logs:
        await office.alice.types("/dbc vm list")
        seen = await office.alice.sees("Something went wrong")
    (entry,) = [entry for entry in logs if entry["event"] == "surprise"]
    assert entry["error_id"] in seen.plain
    assert (entry["actor"], entry["channel"]) == (office.alice.id, seen.message.channel)
    assert "xoxb-secret" not in seen.plain


async def test_what_could_not_be_taken_says_in_the_log_who_asked_for_it(office: Office) -> None:
    async def fail(_: Invocation) -> Accepted:
        raise ZeroDivisionError

    office.core.on_line = fail
    with capture_logs() as logs:
        await office.alice.types("/dbc vm list")
        seen = await office.alice.sees("Something went wrong")
    (entry,) = [entry for entry in logs if entry["event"] == "surprise"]
    assert entry["error_id"] in seen.plain
    assert (entry["actor"], entry["channel"]) == (office.alice.id, seen.message.channel)


async def test_work_under_way_is_answered_before_the_edge_stops(any_office: Office) -> None:
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def slow(answer: Answer) -> None:
        begun.set()
        await go_on.wait()
        await answer.say(Reply.of("Still here."))

    any_office.core.work = slow
    await any_office.alice.types("/dbc vm list")
    await begun.wait()
    stopping = asyncio.create_task(any_office.edge.stop())
    go_on.set()
    await stopping
    assert "Still here." in any_office.alice.last().plain
    assert not await any_office.edge.is_ready()


async def test_a_rate_limited_answer_arrives_when_slack_lets_it(office: Office) -> None:
    office.ws.faults.ratelimit("chat.postMessage", retry_after=1)
    office.core.work = say(Reply.of("Two machines."))
    await office.alice.types("@dbc vm list")
    await office.alice.sees("Two machines.")


async def test_a_lost_answer_is_not_posted_twice(office: Office) -> None:
    office.ws.faults.add("http_500", "chat.postMessage", after_effect=True)
    office.core.work = say(Reply.of("Two machines."))
    with capture_logs() as logs:
        await office.alice.types("@dbc vm list")
        await office.alice.sees("Two machines.")
        await office.edge.stop()
    assert len(office.ws.calls_of("chat.postMessage")) == 1
    warnings = [entry["event"] for entry in logs if entry["log_level"] == "warning"]
    assert warnings == ["slack_unanswered"]
