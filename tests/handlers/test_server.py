"""HTTP mode: what is not signed by Slack goes no further, and never ends in a traceback."""

import asyncio
import hashlib
import hmac
import json
from urllib.parse import urlsplit

import pytest
from structlog.testing import capture_logs

from bot.reply import Reply
from tests.handlers.conftest import Office
from tests.handlers.scripted import say
from tests.scenarios.nameless import nameless

SLASH = b"command=%2Fdbc&text=vm+list&user_id=U1&channel_id=C1&team_id=T1&trigger_id=1.2"


def signed(office: Office, body: bytes, *, age: int = 0) -> dict[str, str]:
    timestamp = str(int(office.clock.now().timestamp()) - age)
    base = b"v0:" + timestamp.encode() + b":" + body
    digest = hmac.new(office.ws.signing_secret.encode(), base, hashlib.sha256).hexdigest()
    return {"X-Slack-Request-Timestamp": timestamp, "X-Slack-Signature": f"v0={digest}"}


async def post(
    office: Office, body: bytes, headers: dict[str, str], path: str = "/slack/events"
) -> int:
    """POST as bare bytes, since HTTP clients refuse to send what an attacker would."""
    reader, writer = await asyncio.open_connection("127.0.0.1", office.edge.port)
    head = {
        "Host": "bot",
        "Content-Type": "application/x-www-form-urlencoded",
        "Content-Length": str(len(body)),
        "Connection": "close",
    } | headers
    lines = "".join(f"{name}: {value}\r\n" for name, value in head.items())
    writer.write(f"POST {path} HTTP/1.1\r\n{lines}\r\n".encode("utf-8", "surrogateescape") + body)
    status = (await reader.readline()).split()[1]
    await reader.read()
    writer.close()
    await writer.wait_closed()
    return int(status)


async def test_what_slack_signed_is_taken(http_office: Office) -> None:
    assert await post(http_office, SLASH, signed(http_office, SLASH)) == 200


@pytest.mark.parametrize(
    "spoiled",
    [
        {"X-Slack-Request-Timestamp": "soon"},
        {"X-Slack-Request-Timestamp": "١٢٣"},
        {"X-Slack-Request-Timestamp": "9" * 5000},
        {"X-Slack-Request-Timestamp": "-1"},
        {"X-Slack-Request-Timestamp": ""},
        {"X-Slack-Signature": "v0=ünïcödé"},
        {"X-Slack-Signature": "v0=\udcff\udcfe"},
        {"X-Slack-Signature": ""},
        {"X-Slack-Signature": "v0=" + "0" * 64},
    ],
)
async def test_a_spoiled_signature_is_unauthorized(
    http_office: Office, spoiled: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    assert await post(http_office, SLASH, signed(http_office, SLASH) | spoiled) == 401
    assert http_office.core.lines == []
    assert "Traceback" not in caplog.text


async def test_the_operator_is_told_what_to_set_where_the_signing_secret_is_another_one(
    http_office: Office,
) -> None:
    with capture_logs() as logs:
        spoiled = {"X-Slack-Signature": "v0=" + "0" * 64}
        assert await post(http_office, SLASH, signed(http_office, SLASH) | spoiled) == 401
        assert await post(http_office, SLASH, {}) == 401
    advice = [one.get("advice", "") for one in logs if one["event"] == "http.refused"]
    assert ["set SLACK_SIGNING_SECRET" in one for one in advice] == [True, False]


@pytest.mark.parametrize("body", [b"\xff\xfe", b"", b"{", b"payload={"])
async def test_an_unsigned_body_of_any_kind_is_unauthorized(
    http_office: Office, body: bytes
) -> None:
    assert await post(http_office, body, {}) == 401


async def test_a_changed_body_is_unauthorized(http_office: Office) -> None:
    assert await post(http_office, SLASH + b"+x", signed(http_office, SLASH)) == 401


@pytest.mark.parametrize("age", [301, -301])
async def test_a_signature_from_another_time_is_unauthorized(http_office: Office, age: int) -> None:
    assert await post(http_office, SLASH, signed(http_office, SLASH, age=age)) == 401


@pytest.mark.parametrize("body", [b"\xff\xfe", b"{", b"payload={", b"payload=[]"])
async def test_a_signed_body_that_is_no_delivery_is_a_bad_request(
    http_office: Office, body: bytes
) -> None:
    assert await post(http_office, body, signed(http_office, body)) == 400


async def test_a_body_beyond_all_measure_is_refused(http_office: Office) -> None:
    body = b"x" * (1024**2 + 1)
    assert await post(http_office, body, signed(http_office, body)) == 413


async def test_other_paths_do_not_exist(http_office: Office) -> None:
    assert await post(http_office, SLASH, signed(http_office, SLASH), "/slack") == 404
    assert await post(http_office, SLASH, signed(http_office, SLASH), "/healthz") == 405


async def test_slacks_challenge_is_answered(http_office: Office) -> None:
    body = json.dumps({"type": "url_verification", "challenge": "abc"}).encode()
    headers = signed(http_office, body) | {"Content-Type": "application/json"}
    assert await post(http_office, body, headers) == 200


async def test_it_says_that_it_is_alive(http_office: Office) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", http_office.edge.port)
    writer.write(b"GET /healthz HTTP/1.1\r\nHost: bot\r\nConnection: close\r\n\r\n")
    assert (await reader.readline()).split()[1] == b"200"
    writer.close()
    await writer.wait_closed()
    assert await http_office.edge.is_ready()


async def test_socket_mode_goes_to_the_configured_web_api(office: Office) -> None:
    assert office.ws.calls_of("apps.connections.open")
    assert urlsplit(office.settings.slack_api_url).hostname == "127.0.0.1"
    assert office.edge.port == 0
    assert await office.edge.is_ready()


async def test_a_reconnect_loses_nothing(office: Office) -> None:
    office.core.work = say(Reply.of("Two machines."))
    await office.ws.sockets.disconnect()
    await office.ws.until(lambda: office.ws.connected)
    await office.alice.types("/dbc vm list")
    await office.alice.sees("Two machines.")


async def test_slack_refused_again_and_again_is_told_until_one_is_accepted(
    http_office: Office,
) -> None:
    health, good = http_office.connection.health, signed(http_office, SLASH)
    wrong = good | {"X-Slack-Signature": "v0=" + "0" * 64}
    for _ in range(5):
        assert await post(http_office, SLASH, {}) == 401  # anybody's
    for _ in range(2):
        assert await post(http_office, SLASH, wrong) == 401
    assert not health.impairments
    assert await post(http_office, SLASH, wrong) == 401
    told = " ".join(health.impairments)
    nameless(told)
    assert told.startswith("3 signed deliveries have been refused since ")
    assert "and none accepted. Check SLACK_SIGNING_SECRET" in told
    counted = http_office.connection.metrics.text().decode()
    assert 'dbc_bot_signed_refused_total{why="secret"} 3.0' in counted
    assert await post(http_office, SLASH, good) == 200
    assert not health.impairments
    for _ in range(3):
        assert await post(http_office, SLASH, signed(http_office, SLASH, age=900)) == 401
    told = " ".join(health.impairments)
    assert told.endswith("Set this machine's clock.")
