"""Messages that last and who people are: `SlackMessenger`, `SlackDirectory`, failures."""

import logging
from datetime import timedelta
from typing import Any

import pytest

from bot.ids import ChannelId, UserId
from bot.model import MessageRef, Place
from bot.ports import DeliveryFailed, LockedOut, RightsUnknown, Unanswered
from bot.reply import Reply
from handlers.connection import SlackConnection, sdk_logger
from handlers.slack import SlackDirectory, SlackMessenger
from tests.handlers.conftest import Office

HELLO = Reply.of("Restarting x.")


@pytest.fixture
def messenger(office: Office) -> SlackMessenger:
    return SlackMessenger(office.connection, office.clock)


@pytest.fixture
def place(office: Office) -> Place:
    return Place(ChannelId(office.ws.core.state.channel("gpu-ops").id))


async def test_a_posted_message_is_edited_in_place(
    office: Office, messenger: SlackMessenger, place: Place
) -> None:
    ref = await messenger.post(place, HELLO, "card:1")
    await messenger.edit(ref, Reply.of("Done."))
    seen = await office.bob.sees("Done.")
    assert (seen.ts, seen.channel, seen.edited) == (ref.ts, ref.channel, True)
    assert "Restarting" not in office.bob.screen()


@pytest.mark.parametrize("in_thread", [False, True])
async def test_a_message_is_found_by_its_key_even_after_it_was_edited(
    office: Office, messenger: SlackMessenger, place: Place, *, in_thread: bool
) -> None:
    since = office.clock.now()
    if in_thread:
        top = await messenger.post(place, HELLO, "top")
        place = Place(place.channel, top.ts)
    ref = await messenger.post(place, HELLO, "card:1")
    for number in range(120):
        await messenger.post(place, HELLO, f"other:{number}")
    await messenger.edit(ref, Reply.of("Done."))
    assert await messenger.find(place, "card:1", since) == ref
    assert await messenger.find(place, "card:2", since) is None


@pytest.mark.parametrize("late", [0, 30])
async def test_a_message_is_found_in_a_busy_channel(
    office: Office, messenger: SlackMessenger, place: Place, late: int
) -> None:
    since = office.clock.now()
    office.ws.wind(timedelta(minutes=late))
    ref = await messenger.post(place, HELLO, "card:1")
    state = office.ws.core.state
    for number in range(1_200):
        state.add_message(state.channel("gpu-ops"), office.bob.id, f"chatter {number}")
    assert await messenger.find(place, "card:1", since) == ref
    assert await messenger.find(place, "card:2", since) is None


async def test_a_message_of_long_ago_is_found_whatever_was_said_since(
    office: Office, messenger: SlackMessenger, place: Place
) -> None:
    since = office.clock.now()
    ref = await messenger.post(place, HELLO, "card:1")
    office.ws.wind(timedelta(days=1))
    state = office.ws.core.state
    for number in range(4_500):
        state.add_message(state.channel("gpu-ops"), office.bob.id, f"chatter {number}")
    assert await messenger.find(place, "card:1", since) == ref
    looks = len(office.ws.calls_of("conversations.history"))
    assert await messenger.find(place, "card:2", since) is None
    assert len(office.ws.calls_of("conversations.history")) - looks < 50


async def test_only_messages_since_then_are_found(
    office: Office, messenger: SlackMessenger, place: Place
) -> None:
    await messenger.post(place, HELLO, "card:1")
    office.ws.wind(timedelta(minutes=11))
    assert await messenger.find(place, "card:1", office.clock.now()) is None


async def test_a_message_is_found_though_our_clock_is_ahead_of_slacks(
    office: Office, messenger: SlackMessenger, place: Place
) -> None:
    ref = await messenger.post(place, HELLO, "card:1")
    ours = office.clock.now() + timedelta(minutes=5)
    assert await messenger.find(place, "card:1", ours) == ref


async def test_a_person_stands_for_the_direct_message_with_them(
    office: Office, messenger: SlackMessenger
) -> None:
    since = office.clock.now()
    ref = await messenger.post(Place(ChannelId(office.alice.id)), HELLO, "card:1")
    await office.alice.sees("Restarting x.", "@dbc")
    assert await messenger.direct(UserId(office.alice.id)) == Place(ref.channel)
    assert await messenger.find(Place(ChannelId(office.alice.id)), "card:1", since) == ref


@pytest.mark.parametrize("channel", ["gpu-ops", "random", "ops-secret"])
async def test_a_whisper_reaches_the_person_alone_wherever_the_bot_is(
    office: Office, messenger: SlackMessenger, channel: str
) -> None:
    place = Place(ChannelId(office.ws.core.state.channel(channel).id))
    await messenger.whisper(UserId(office.alice.id), place, HELLO)
    seen = await office.alice.sees("Restarting x.")
    assert seen.ephemeral == (channel == "gpu-ops")
    assert "Restarting" not in office.bob.screen()


async def test_a_lasting_refusal_says_that_trying_again_is_of_no_use(
    office: Office, messenger: SlackMessenger
) -> None:
    random = Place(ChannelId(office.ws.core.state.channel("random").id))
    with pytest.raises(DeliveryFailed) as failed:
        await messenger.post(random, HELLO, "card:1")
    assert (failed.value.reason, failed.value.retry_after) == ("not_in_channel", None)
    with pytest.raises(DeliveryFailed) as failed:
        await messenger.edit(MessageRef(ChannelId("C0GPUOPS"), "1.000001"), HELLO)
    assert (failed.value.reason, failed.value.retry_after) == ("message_not_found", None)


async def test_a_long_rate_limit_is_left_to_whoever_can_wait(
    office: Office, messenger: SlackMessenger, place: Place
) -> None:
    office.ws.faults.ratelimit("chat.postMessage", retry_after=37)
    with pytest.raises(DeliveryFailed) as failed:
        await messenger.post(place, HELLO, "card:1")
    assert failed.value.retry_after == timedelta(seconds=37)


@pytest.mark.parametrize("kind", ["http_500", "reset"])
async def test_a_post_without_an_answer_is_not_repeated_and_can_be_found(
    office: Office, messenger: SlackMessenger, place: Place, kind: Any
) -> None:
    since = office.clock.now()
    office.ws.faults.add(kind, "chat.postMessage", after_effect=True)
    with pytest.raises(DeliveryFailed) as failed:
        await messenger.post(place, HELLO, "card:1")
    assert failed.value.retry_after is not None
    assert len(office.ws.calls_of("chat.postMessage")) == 1
    assert await messenger.find(place, "card:1", since) is not None


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "http", "status": 200},
        {"kind": "http", "status": 403},
        {"kind": "http", "status": 503},
        {"kind": "malformed"},
        {"kind": "body", "body": "{}"},
        {"kind": "body", "body": '{"error": "not_in_channel"}'},
        {"kind": "body", "body": '{"ok": true}'},
        {"kind": "body", "body": '{"ok": true, "channel": null, "ts": 5}'},
        {"kind": "reset"},
    ],
)
async def test_a_post_may_come_for_long_where_slack_itself_has_not_answered(
    office: Office, messenger: SlackMessenger, place: Place, fault: dict[str, Any]
) -> None:
    office.ws.faults.add(**fault, method="chat.postMessage")
    with pytest.raises(Unanswered) as failed:
        await messenger.post(place, HELLO, "card:1")
    assert failed.value.settles_within >= timedelta(minutes=1)


ODD = [
    "{}",
    "[]",
    '{"ok": true}',
    '{"ok": true, "user": null, "users": null}',
    '{"ok": true, "user": {}, "users": {}}',
    '{"ok": true, "user": [], "users": "U1"}',
    '{"ok": true, "user": {"id": "U1"}, "users": [1]}',
    '{"ok": true, "user": {"id": "U1", "team_id": "T1", "profile": "x"}, "users": [null]}',
    '{"ok": true, "user": {"id": "U1", "team_id": "T1", "deleted": "no"}, "users": 7}',
    '{"ok": true, "usergroups": [{"id": "S1"}]}',
    '{"ok": true, "usergroups": [{"id": "S1", "users": [null]}]}',
]


@pytest.mark.parametrize("body", ODD)
async def test_an_odd_answer_decides_nobodys_rights(office: Office, body: str) -> None:
    directory = SlackDirectory(office.connection, office.clock)
    office.ws.faults.add("body", times=None, body=body)
    with pytest.raises(RightsUnknown):
        await directory.person(UserId(office.alice.id))
    with pytest.raises(RightsUnknown):
        await directory.groups()


@pytest.mark.parametrize("body", ['{"ok": true}', '{"ok": true, "messages": 7}', "[]"])
async def test_what_was_posted_is_not_given_up_for_an_odd_history(
    office: Office, messenger: SlackMessenger, place: Place, body: str
) -> None:
    office.ws.faults.add("body", "conversations.history", times=None, body=body)
    with pytest.raises(DeliveryFailed) as failed:
        await messenger.find(place, "card:1", office.clock.now())
    assert failed.value.retry_after is not None


@pytest.mark.parametrize("kind", ["http_500", "reset"])
async def test_an_edit_without_an_answer_is_repeated(
    office: Office, messenger: SlackMessenger, place: Place, kind: Any
) -> None:
    ref = await messenger.post(place, HELLO, "card:1")
    office.ws.faults.add(kind, "chat.update")
    await messenger.edit(ref, Reply.of("Done."))
    await office.bob.sees("Done.")


@pytest.mark.parametrize("error", ["internal_error", "fatal_error", "service_unavailable"])
async def test_slacks_own_trouble_passes(
    office: Office, messenger: SlackMessenger, place: Place, error: str
) -> None:
    office.ws.faults.error(error, "chat.postMessage")
    with pytest.raises(DeliveryFailed) as failed:
        await messenger.post(place, HELLO, "card:1")
    assert failed.value.retry_after is not None


async def test_slack_out_of_reach_is_worth_another_try(office: Office, place: Place) -> None:
    nowhere = office.settings.model_copy(update={"slack_api_url": "http://127.0.0.1:9/api/"})
    with pytest.raises(DeliveryFailed) as failed:
        await SlackConnection(nowhere).open()
    assert failed.value.retry_after is not None
    assert failed.value.reason == "connection refused"


async def test_a_wrong_token_is_said_at_the_start(office: Office) -> None:
    office.ws.revoke("bot", error="invalid_auth")
    with pytest.raises(LockedOut) as failed:
        await SlackConnection(office.settings).open()
    assert "SLACK_BOT_TOKEN" in str(failed.value.sentence)


async def test_a_person_is_described_as_slack_knows_them(office: Office) -> None:
    person = await SlackDirectory(office.connection, office.clock).person(UserId(office.alice.id))
    assert (person.id, person.name, person.locale) == (office.alice.id, "alice", "en-US")
    assert person.is_full_member


@pytest.mark.parametrize(
    "traits",
    [
        {"is_restricted": True},
        {"is_ultra_restricted": True},
        {"deleted": True},
        {"is_bot": True},
        {"is_stranger": True},
        {"is_invited_user": True},
        {"team_id": "T0OTHER"},
    ],
)
async def test_guests_bots_leavers_and_strangers_are_no_full_members(
    office: Office, traits: dict[str, Any]
) -> None:
    other = office.ws.add_member("eve", **traits)
    directory = SlackDirectory(office.connection, office.clock)
    assert not (await directory.person(UserId(other.id))).is_full_member


async def test_a_person_is_looked_up_anew_every_time(office: Office) -> None:
    directory = SlackDirectory(office.connection, office.clock)
    assert (await directory.person(UserId(office.bob.id))).is_full_member
    office.bob.member.deleted = True
    assert not (await directory.person(UserId(office.bob.id))).is_full_member


async def test_a_person_nobody_knows(office: Office) -> None:
    with pytest.raises(DeliveryFailed, match="user_not_found"):
        await SlackDirectory(office.connection, office.clock).person(UserId("U0NOBODY"))


async def test_a_file_is_shared_in_a_thread_and_in_a_direct_message(
    office: Office, messenger: SlackMessenger, place: Place
) -> None:
    top = await messenger.post(place, HELLO, "top")
    await messenger.upload(Place(place.channel, top.ts), "audit.csv", "seq,at\n1,重启\n")
    await messenger.upload(await messenger.direct(UserId(office.bob.id)), "mine.csv", "seq\n")
    shared = [file for seen in office.bob.messages() for file in seen.files]
    assert [(file.name, file.content) for file in shared] == [
        ("audit.csv", "seq,at\n1,重启\n".encode()),
        ("mine.csv", b"seq\n"),
    ]


async def test_a_file_for_a_channel_without_the_bot_is_not_delivered(
    messenger: SlackMessenger,
) -> None:
    with pytest.raises(DeliveryFailed) as failed:
        await messenger.upload(Place(ChannelId("C0NOWHERE")), "audit.csv", "seq\n")
    assert failed.value.retry_after is None


def test_the_sdk_logs_no_credential_and_all_else() -> None:
    logger = sdk_logger()
    told = (
        "to 'https://hooks.slack.com/services/s3cret', with xoxb-s3cret: 'wss://x/?ticket=s3cret'"
    )
    record = logger.makeRecord(logger.name, logging.WARNING, "", 0, "%s", (told,), None)
    assert logger.filter(record)
    assert record.getMessage() == "to 'https://…', with …: 'wss://x/?ticket=…'"


async def test_a_closed_connection_sends_nothing_and_can_be_told_so(office: Office) -> None:
    office.ws.core.calls.clear()
    await office.connection.close()
    for attempt in (
        office.connection.open(),
        office.connection.call("chat.postMessage", channel="C1", text="late"),
        office.connection.read("users.info", user="U1"),
        office.connection.upload(ChannelId("C1"), "", "late.txt", "late"),
        office.connection.respond(f"{office.ws.url}commands/T/1/x", {"text": "late"}),
        office.connection.open_socket(),
    ):
        with pytest.raises(DeliveryFailed, match="closed") as failed:
            await attempt
        assert failed.value.retry_after is not None  # whoever keeps it sends it another time
    assert office.ws.core.calls == []
