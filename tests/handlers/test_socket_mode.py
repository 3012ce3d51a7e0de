"""Socket Mode in a bad world: whatever becomes of a connection, the bot is soon reachable again."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from structlog.testing import capture_logs

from bot.addresses import place_of
from bot.model import Invocation
from bot.ports import Accepted, Work
from bot.reply import Reply
from handlers.tries import PAUSES
from sandbox.slack.socket_mode import Connection
from tests.handlers.conftest import Office
from tests.handlers.scripted import say

SOON = 30  # seconds after the end of any outage
SECOND = timedelta(seconds=1)


async def waits_or(office: Office, event: asyncio.Task[Any]) -> bool:
    """Whether the bot waits for the clock; False once `event` is done."""
    pausing = asyncio.create_task(office.clock.sleeping())
    await asyncio.wait({event, pausing}, timeout=20, return_when=asyncio.FIRST_COMPLETED)
    assert event.done() or pausing.done()
    pausing.cancel()
    return not event.done()


async def is_back(office: Office) -> int:
    """Wind the clock until Slack reaches the bot; the seconds it took."""
    passed = 0
    connected = asyncio.create_task(office.ws.until(lambda: office.ws.connected, 20))
    while await waits_or(office, connected):
        office.clock.wind(SECOND)
        passed += 1
        assert passed <= SOON
        await asyncio.sleep(0)
    await connected
    return passed


async def is_answered(office: Office) -> None:
    """A command gets through, and its answer back."""
    await office.edge.connected()
    office.core.work = say(Reply.of("Two machines."))
    await office.alice.types("/dbc vm list")
    await office.alice.sees("Two machines.")
    assert office.alice.notices == []


TROUBLES: dict[str, dict[str, Any]] = {
    "403": {"kind": "refused", "status": 403},
    "500": {"kind": "refused", "status": 500},
    "502": {"kind": "refused", "status": 502},
    "reset": {"kind": "reset"},
    "unanswered": {"kind": "unanswered"},
    "no hello": {"kind": "no_hello"},
    "silent after the hello": {"kind": "half_open"},
    "closed at once": {"kind": "closing"},
    "too many": {"kind": "closing", "reason": "too_many_websockets"},
    "link disabled": {"kind": "closing", "reason": "link_disabled"},
    "refreshed at once": {"kind": "closing", "reason": "refresh_requested"},
    "an unknown reason": {"kind": "closing", "reason": "solar_flare"},
}


@pytest.mark.parametrize("times", [1, 4])
@pytest.mark.parametrize("trouble", TROUBLES)
async def test_every_failed_handshake_is_followed_by_one_with_a_new_ticket(
    hasty_office: Office, trouble: str, times: int
) -> None:
    office = hasty_office
    office.ws.sockets.faults.add(**TROUBLES[trouble], times=times)
    office.ws.sockets.drop()
    await office.ws.until(lambda: not office.ws.connected)
    await is_back(office)
    assert office.ws.sockets.handshakes <= len(office.ws.calls_of("apps.connections.open"))
    assert not office.ws.sockets.faults.pending
    await is_answered(office)


@pytest.mark.parametrize("trouble", ["502", "reset", "closed at once", "too many"])
async def test_the_bot_is_back_soon_after_a_long_outage(office: Office, trouble: str) -> None:
    office.ws.sockets.faults.add(**TROUBLES[trouble], times=None)
    office.ws.sockets.drop()
    for _ in range(600):
        await office.clock.sleeping()
        office.clock.wind(SECOND)
    handshakes = office.ws.sockets.handshakes
    assert handshakes < 600 / 4 + 10
    office.ws.sockets.faults.clear()
    assert await is_back(office) <= PAUSES[-1].total_seconds()
    await is_answered(office)


async def test_a_server_that_closes_at_once_is_not_besieged(office: Office) -> None:
    office.ws.sockets.faults.add("closing", times=None)
    before = office.ws.sockets.handshakes
    with capture_logs() as logs:
        office.ws.sockets.drop()
        await office.clock.sleeping()
    assert office.ws.sockets.handshakes == before + 1
    told = [entry for entry in logs if entry["event"] == "slack.unreachable"]
    assert len(told) == 1


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "http", "status": 503},
        {"kind": "http", "status": 200},
        {"kind": "http", "status": 403},
        {"kind": "text", "status": 200},
        {"kind": "text", "status": 502},
        {"kind": "malformed"},
        {"kind": "body", "body": "[]"},
        {"kind": "body", "body": "[1]"},
        {"kind": "body", "body": "null"},
        {"kind": "body", "body": "7"},
        {"kind": "body", "body": "[" * 5000},
        {"kind": "body", "body": '{"ok": true}'},
        {"kind": "body", "body": '{"ok": true, "url": 7}'},
        {"kind": "body", "body": '{"ok": true, "url": "http://127.0.0.1:9/"}'},
        {"kind": "body", "body": '{"ok": true, "url": "wss://[/"}'},
        {"kind": "body", "body": '{"ok": true, "url": "ws://127.0.0.1:9/"}'},
        {"kind": "error", "error": "internal_error"},
        {"kind": "error", "error": "fatal_error"},
        {"kind": "reset"},
    ],
    ids=str,
)
async def test_whatever_slack_answers_instead_of_a_ticket_is_asked_for_again_quietly(
    office: Office, fault: dict[str, Any]
) -> None:
    office.ws.faults.add(method="apps.connections.open", times=3, **fault)
    with capture_logs() as logs:
        office.ws.sockets.drop()
        await office.ws.until(lambda: not office.ws.connected)
        await is_back(office)
    assert not [entry for entry in logs if "exc_info" in entry]
    told = [entry for entry in logs if entry["event"] == "slack.unreachable"]
    assert len(told) == 1
    assert (
        f"Cannot reach Slack ({place_of(office.ws.api_url)}) with SLACK_APP_TOKEN"
        in told[0]["sentence"]
    )
    await is_answered(office)


async def test_the_end_of_an_outage_is_said_once_too(office: Office) -> None:
    office.ws.sockets.faults.add("refused", times=3)
    with capture_logs() as logs:
        office.ws.sockets.drop()
        await office.ws.until(lambda: not office.ws.connected)
        await is_back(office)
        await is_answered(office)
    told = [entry["event"] for entry in logs if entry["event"].startswith("slack.")]
    assert told == ["slack.unreachable", "slack.reached"]


async def test_a_refused_app_token_is_reported_and_taken_again_once_it_is_good(
    office: Office,
) -> None:
    office.ws.revoke("app")
    with capture_logs() as logs:
        office.ws.sockets.drop()
        for _ in range(20):
            await office.clock.sleeping()
            office.clock.wind(SECOND)
    assert len([entry for entry in logs if entry["event"] == "slack.refuses_the_bot"]) == 1
    assert "Set SLACK_APP_TOKEN to" in office.connection.health.fault
    office.ws.restore("app")
    await is_back(office)
    await is_answered(office)
    assert not office.connection.health.fault
    assert await office.edge.is_ready()


async def test_slacks_wish_to_wait_is_heeded(office: Office) -> None:
    office.ws.faults.ratelimit("apps.connections.open", retry_after=20)
    office.ws.sockets.drop()
    await office.clock.sleeping()  # nothing under a second: the wish came with the first answer
    for _ in range(19):
        office.clock.wind(SECOND)
        await office.clock.sleeping()
    assert not office.ws.connected
    office.clock.wind(SECOND)
    await office.ws.until(lambda: office.ws.connected)
    await is_answered(office)


async def test_a_half_open_connection_is_found_out_and_replaced(hasty_office: Office) -> None:
    office = hasty_office
    office.clock.wind(timedelta(hours=1))
    office.ws.sockets.freeze()
    assert await is_back(office) == 0
    await office.ws.until(lambda: len(office.ws.sockets.connections) == 1)
    await is_answered(office)


async def test_a_frame_that_never_ends_is_no_sign_of_life(hasty_office: Office) -> None:
    office = hasty_office
    office.ws.sockets.faults.add("endless")
    office.ws.sockets.drop()
    await office.ws.until(lambda: any(one.half_open for one in office.ws.sockets.connections))
    await is_back(office)
    await is_answered(office)


@pytest.mark.parametrize(
    "odd",
    [
        {"payload": "x"},
        {"payload": None},
        {"payload": 5, "type": ["x"]},
        {"payload": [], "type": "events_api"},
        {"envelope_id": {"a": 1}},
        {"type": None},
        {"type": {"x": 1}},
        {"payload": {"command": {"a": 1}, "text": []}},
        {"payload": {"text": "\ud800"}},
        {"payload": {"type": {"a": 1}}, "type": "events_api"},
        {"payload": {"type": "event_callback", "event": 7}, "type": "events_api"},
        {"payload": {"type": "block_actions", "actions": [7]}, "type": "interactive"},
    ],
)
async def test_an_envelope_of_another_shape_is_one_line_in_the_log(
    office: Office, odd: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    ws = office.ws.sockets.connections[0].ws
    with capture_logs() as logs:
        await ws.send_json({"envelope_id": "e", "type": "slash_commands", "payload": {}} | odd)
        await is_answered(office)
    assert [entry for entry in logs if entry.get("exc_info")] == []
    assert [record for record in caplog.records if record.exc_info] == []
    assert len([e for e in logs if e["log_level"] == "error"]) <= 1


async def test_the_next_connection_stands_before_the_announced_end_of_the_last(
    office: Office,
) -> None:
    office.clock.wind(timedelta(hours=1))
    reached_since = office.edge.reach.since
    await office.ws.sockets.disconnect("warning")
    await office.ws.until(lambda: len(office.ws.sockets.connections) == 2)
    for _ in range(4):  # both are served
        await is_answered(office)
    last, _ = office.ws.sockets.connections
    await last.ws.close()
    await is_answered(office)
    assert office.edge.reach.since == reached_since


async def test_a_connection_announced_to_end_that_never_does_is_closed(
    hasty_office: Office,
) -> None:
    office = hasty_office
    await office.ws.sockets.disconnect("warning")
    last = office.ws.sockets.connections[0]
    await office.ws.until(lambda: last not in office.ws.sockets.connections)
    await office.ws.until(lambda: office.ws.connected)
    await is_answered(office)


async def test_an_acknowledgement_finds_its_way_over_the_next_connection(office: Office) -> None:
    asked, goes_on = asyncio.Event(), asyncio.Event()

    async def take(_: Invocation) -> Accepted:
        asked.set()
        await goes_on.wait()
        work: Work = say(Reply.of("Two machines."))
        return Accepted(work)

    office.core.on_line = take
    typing = asyncio.create_task(office.alice.types("/dbc vm list"))
    await asked.wait()
    before = office.ws.sockets.connections[0]
    office.ws.sockets.drop()
    await office.ws.until(
        lambda: office.ws.connected and before not in office.ws.sockets.connections
    )
    await office.edge.connected()
    goes_on.set()
    await typing
    await office.alice.sees("Two machines.")
    assert office.alice.notices == []


async def test_a_closed_pool_of_connections_does_not_matter(office: Office) -> None:
    assert office.connection.client.session is not None
    await office.connection.client.session.close()
    office.ws.sockets.drop()
    await office.ws.until(lambda: not office.ws.connected)
    await is_back(office)
    await is_answered(office)


async def test_frames_that_nobody_can_read_are_passed_over(office: Office) -> None:
    ws = office.ws.sockets.connections[0].ws
    with capture_logs() as logs:
        for text in ("Ping from applink", "[]", "7", "[" * 9999, "{", '{"type": "news"}'):
            await ws.send_str(text)
        await ws.send_bytes(b"\xff")
        await is_answered(office)
    assert not [entry for entry in logs if "exc_info" in entry]
    assert office.ws.sockets.handshakes == 1


async def test_a_socket_that_does_not_let_itself_be_closed_does_not_hold_up_the_next(
    office: Office,
) -> None:
    last = office.ws.sockets.connections[0]
    last.freeze()  # it reads no farewell
    talking = asyncio.create_task(_talk_on(last))
    await is_back(office)
    await is_answered(office)
    talking.cancel()
    await asyncio.gather(talking, return_exceptions=True)


async def _talk_on(connection: Connection) -> None:
    await connection.ws.send_json({"type": "disconnect", "reason": "link_disabled"})
    while True:
        await connection.ws.send_json({"type": "news"})
        await asyncio.sleep(0)


async def test_it_is_known_since_when_slack_can_and_cannot_reach_the_bot(office: Office) -> None:
    up = office.edge.reach
    assert up.is_up
    office.clock.wind(timedelta(hours=1))
    office.ws.sockets.faults.add("refused", times=2)
    office.ws.sockets.drop()
    await office.clock.sleeping()
    down = office.edge.reach
    assert (down.is_up, down.since) == (False, office.clock.now())
    await is_back(office)
    await office.edge.connected()
    assert office.edge.reach.is_up
    assert office.edge.reach.since > down.since > up.since


@pytest.mark.parametrize("trouble", TROUBLES)
async def test_it_can_be_stopped_in_any_trouble(office: Office, trouble: str) -> None:
    office.ws.sockets.faults.add(**TROUBLES[trouble], times=None)
    before = office.ws.sockets.handshakes
    office.ws.sockets.drop()
    await office.ws.until(lambda: office.ws.sockets.handshakes > before)
    async with asyncio.timeout(10):
        await office.edge.stop()
    handshakes = office.ws.sockets.handshakes
    office.clock.wind(timedelta(minutes=1))
    await asyncio.sleep(0)
    assert office.ws.sockets.handshakes == handshakes
