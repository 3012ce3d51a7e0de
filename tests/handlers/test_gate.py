"""HTTP mode under load from nobody: Slack is heard, and the log stays short."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from urllib.parse import quote

import pytest
from slack_bolt import BoltResponse
from structlog.testing import capture_logs

from handlers.gate import ARRIVAL, MOST
from handlers.server import LARGEST
from tests.clocks import hurry
from tests.handlers.conftest import Office
from tests.handlers.test_server import SLASH, post, signed

HEAD = b"POST /slack/events HTTP/1.1\r\nHost: bot\r\n"
SOON = ARRIVAL.total_seconds() - 1  # the machine may be busy, but no other end is due by then


async def comes_last(office: Office) -> None:
    """Whatever was sent to the bot before, or is due, has come to its end once this is answered."""
    reader, writer = await asyncio.open_connection("127.0.0.1", office.edge.port)
    writer.write(b"GET /healthz HTTP/1.1\r\nHost: bot\r\nConnection: close\r\n\r\n")
    assert await reader.read()
    writer.transport.abort()


async def late(office: Office, by: timedelta = ARRIVAL) -> None:
    """So much time passes for all connections that are open by now."""
    await comes_last(office)
    hurry(by)


async def stays_silent(office: Office, reader: asyncio.StreamReader) -> None:
    """Nothing comes, and the connection stays open."""
    reading = asyncio.create_task(reader.read(1))
    await comes_last(office)
    assert not reading.done()
    reading.cancel()
    await asyncio.wait([reading])


@asynccontextmanager
async def connected(
    office: Office, number: int, begun: bytes
) -> AsyncIterator[list[asyncio.StreamReader]]:
    """So many connections, each with the beginning of a request."""
    opened = []
    for _ in range(number):
        opened.append(await asyncio.open_connection("127.0.0.1", office.edge.port))
        opened[-1][1].write(begun)
    try:
        yield [reader for reader, _ in opened]
    finally:
        for _, writer in opened:
            writer.transport.abort()


@pytest.mark.parametrize(
    "begun",
    [
        HEAD + b"Content-Length: 500\r\n\r\nabc",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
        HEAD + b"X-Slow: ",
        b"",
    ],
)
async def test_what_does_not_arrive_in_time_is_ended(http_office: Office, begun: bytes) -> None:
    async with connected(http_office, 1, begun) as [reader]:
        await late(http_office)
        async with asyncio.timeout(SOON):
            answer = await reader.read()
    assert answer.split(b"\r\n")[0] in {b"HTTP/1.1 408 Request Timeout", b""}


async def test_a_client_that_keeps_sending_a_little_has_no_longer(http_office: Office) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", http_office.edge.port)
    writer.write(HEAD + b"Content-Length: 4000\r\n\r\n")
    for _ in range(10):
        writer.write(b"x")
        await late(http_office, ARRIVAL / 10)
    async with asyncio.timeout(SOON):
        with suppress(ConnectionResetError):
            await reader.read()
    writer.transport.abort()


async def test_slack_is_heard_while_more_connections_hang_than_there_may_be(
    http_office: Office,
) -> None:
    with capture_logs() as logs:
        async with connected(
            http_office, MOST + 50, HEAD + b"Content-Length: 500\r\n\r\nabc"
        ) as readers:
            assert await post(http_office, SLASH, signed(http_office, SLASH)) == 200
            await late(http_office)
            async with asyncio.timeout(SOON):
                for reader in readers:
                    with suppress(ConnectionResetError):
                        await reader.read()
        assert await post(http_office, SLASH, signed(http_office, SLASH)) == 200
    refused = [entry for entry in logs if entry["event"] == "http.refused"]
    assert 1 <= len(refused) <= 4
    assert not any(entry.get("exc_info") for entry in logs)


async def test_a_burst_leaves_no_more_connections_than_there_may_be(http_office: Office) -> None:
    opened = []
    for _ in range(MOST // 25):  # so many as the system lets wait are taken at once
        burst = (asyncio.open_connection("127.0.0.1", http_office.edge.port) for _ in range(50))
        opened += await asyncio.gather(*burst)
    await late(http_office)
    # Who is dropped at once is told nothing; who has a place and sends nothing is told in the end.
    ends = await asyncio.gather(*(reader.read() for reader, _ in opened), return_exceptions=True)
    for _, writer in opened:
        writer.transport.abort()
    assert sum(isinstance(end, bytes) and b"408" in end for end in ends) <= MOST


async def test_a_check_of_its_health_is_followed_by_no_refusal(http_office: Office) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", http_office.edge.port)
    writer.write(b"GET /healthz HTTP/1.1\r\nHost: bot\r\n\r\n")
    await reader.readuntil(b"ok\n")
    await late(http_office, ARRIVAL + timedelta(seconds=2))
    await stays_silent(http_office, reader)
    writer.write(b"GET /healthz HTTP/1.1\r\nHost: bot\r\n\r\n")
    async with asyncio.timeout(SOON):
        await reader.readuntil(b"ok\n")
    writer.transport.abort()


async def test_a_request_has_its_time_from_its_first_byte(http_office: Office) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", http_office.edge.port)
    for begun in (b"GET /healthz HTTP/1.1\r\n", b"Host: bot\r\n\r\n"):
        await late(http_office, ARRIVAL * 0.7)
        await stays_silent(http_office, reader)
        writer.write(begun)
    async with asyncio.timeout(SOON):
        assert (await reader.readuntil(b"ok\n")).startswith(b"HTTP/1.1 200")
    writer.transport.abort()


async def test_a_fault_of_ours_is_told_with_its_traceback(http_office: Office) -> None:
    async def broken() -> BoltResponse:
        return BoltResponse(status="no number")  # type: ignore[arg-type]

    http_office.edge.app.use(broken)
    with capture_logs() as logs:
        assert await post(http_office, SLASH, signed(http_office, SLASH)) == 500
    assert [entry["event"] for entry in logs if entry.get("exc_info")] == ["http.surprise"]


@pytest.mark.parametrize("fault", [KeyError("ours"), TypeError("ours"), ValueError("ours")])
async def test_a_fault_of_ours_is_not_taken_for_an_odd_payload(
    http_office: Office, fault: Exception
) -> None:
    async def broken() -> BoltResponse:
        raise fault

    http_office.edge.app.use(broken)
    with capture_logs() as logs:
        assert await post(http_office, SLASH, signed(http_office, SLASH)) == 500
    [told] = [entry for entry in logs if entry["log_level"] == "error"]
    assert told["error_id"]
    assert told["exc_info"]


async def test_a_client_that_leaves_is_no_error(
    http_office: Office, caplog: pytest.LogCaptureFixture
) -> None:
    with capture_logs() as logs:
        for _ in range(20):
            async with connected(http_office, 1, HEAD + b"Content-Length: 500\r\n\r\nabc"):
                await asyncio.sleep(0)
            async with connected(http_office, 1, b"\x16\x03\x01 no HTTP at all\r\n\r\n") as [
                reader
            ]:
                with suppress(ConnectionResetError):
                    await reader.read()
        assert await post(http_office, SLASH, signed(http_office, SLASH)) == 200
    assert [r for r in caplog.records if r.exc_info or r.levelno >= logging.ERROR] == []
    assert len([entry for entry in logs if entry["event"] == "http.refused"]) <= 3


async def test_nobody_unsigned_may_send_much(http_office: Office) -> None:
    assert await post(http_office, b"x" * 100_000, {}) == 401
    reader, writer = await asyncio.open_connection("127.0.0.1", http_office.edge.port)
    writer.write(HEAD + b"Transfer-Encoding: chunked\r\n\r\n")
    for _ in range(100):
        writer.write(b"400\r\n" + b"x" * 1024 + b"\r\n")
    assert (await reader.readline()).split()[1] == b"401"
    writer.transport.abort()


async def test_bodies_that_never_end_hold_little_and_keep_nobody_else_out(
    http_office: Office,
) -> None:
    claimed = "".join(f"{k}: {v}\r\n" for k, v in signed(http_office, b"").items()).encode()
    begun = HEAD + claimed + f"Content-Length: {LARGEST}\r\n\r\n".encode() + b"x" * (LARGEST - 1)
    async with connected(http_office, 17, begun) as readers:  # one more than there is room for
        first = [asyncio.create_task(reader.readline()) for reader in readers]
        done, waiting = await asyncio.wait(first, return_when=asyncio.FIRST_COMPLETED)
        assert {one.result().split()[1] for one in done} == {b"503"}
        assert await post(http_office, SLASH, signed(http_office, SLASH)) == 200
        for one in waiting:
            one.cancel()


async def test_a_signed_body_may_come_in_chunks(http_office: Office) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", http_office.edge.port)
    headers = "".join(f"{k}: {v}\r\n" for k, v in signed(http_office, SLASH).items()).encode()
    kind = b"Content-Type: application/x-www-form-urlencoded\r\n"
    writer.write(HEAD + headers + kind + b"Transfer-Encoding: chunked\r\n\r\n")
    for byte in SLASH:
        writer.write(b"1\r\n" + bytes([byte]) + b"\r\n")
    writer.write(b"0\r\n\r\n")
    assert (await reader.readline()).split()[1] == b"200"
    writer.transport.abort()


async def test_one_connection_carries_several_requests(http_office: Office) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", http_office.edge.port)
    for _ in range(3):
        writer.write(b"GET /healthz HTTP/1.1\r\nHost: bot\r\n\r\n")
        assert (await reader.readline()).split()[1] == b"200"
        async with asyncio.timeout(5):
            await reader.readuntil(b"ok\n")
    writer.transport.abort()


def deep(levels: int) -> bytes:
    return b'{"type":' + b"[" * levels + b"]" * levels + b"}"


@pytest.mark.parametrize(
    "body",
    [
        deep(100),
        deep(900),
        deep(100_000),
        b"payload=" + quote(deep(900)).encode(),
        b"payload=" + quote(deep(100_000)).encode(),
        b'{"type":' + b'{"a":' * 500 + b"1" + b"}" * 500 + b"}",
        b'{"authorizations":' * 400 + b"1" + b"}" * 400,
        b"[" * 200_000,
        b'{"type":"event_callback","event":{"type":"app_mention","user":"U1"}}',
        b'{"type":"event_callback","event":7}',
        b'{"type":{"a":1}}',
        b"payload=" + quote('{"type":"block_actions","actions":[{}]}').encode(),
        b"payload=" + quote('{"type":"block_actions","actions":7}').encode(),
        b"payload=" + quote('{"type":"view_submission","view":{"callback_id":"form"}}').encode(),
        b"command=%2Fdbc&text=vm+list",
        b'{"type":' + b"9" * 5000 + b"}",
    ],
)
async def test_what_is_signed_and_malformed_is_a_bad_request_and_no_traceback(
    http_office: Office, body: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    with capture_logs() as logs:
        assert len(body) <= LARGEST
        status = await post(http_office, body, signed(http_office, body))
    assert 400 <= status < 500
    assert not any(entry.get("exc_info") for entry in logs)
    assert [record for record in caplog.records if record.exc_info] == []
    assert await post(http_office, SLASH, signed(http_office, SLASH)) == 200


@pytest.mark.parametrize("half", [b"\\ud83d", b"\\ude00", b"\xed\xa0\x80"])
async def test_a_message_with_half_a_character_is_understood(
    http_office: Office, half: bytes
) -> None:
    body = (
        b'{"type":"event_callback","event_id":"Ev1","team_id":"T0SANDBOX","event":{'
        b'"type":"message","channel_type":"im","user":"U0ALICE","channel":"D1","ts":"1.2",'
        b'"text":"vm show prod' + half + b'"}}'
    )
    assert await post(http_office, body, signed(http_office, body)) == 200
    (line,) = http_office.core.lines
    assert line.text.startswith("vm show prod\ufffd")


@pytest.mark.parametrize("is_signed", [True, False])
@pytest.mark.parametrize("more", [b"", b"&command=%2Fdbc&text=vm+list&user_id=U1&trigger_id=7"])
async def test_a_look_at_the_certificate_is_confirmed_and_runs_nothing(
    http_office: Office, is_signed: bool, more: bytes
) -> None:
    body = b"ssl_check=1&token=abc" + more
    headers = signed(http_office, body) if is_signed else {}
    assert await post(http_office, body, headers) == 200
    assert http_office.core.lines == []


async def test_a_look_at_the_certificate_may_be_a_get(http_office: Office) -> None:
    for path, status in (("/slack/events?ssl_check=1", b"200"), ("/slack/events", b"405")):
        reader, writer = await asyncio.open_connection("127.0.0.1", http_office.edge.port)
        writer.write(f"GET {path} HTTP/1.1\r\nHost: bot\r\n\r\n".encode())
        assert (await reader.readline()).split()[1] == status
        writer.transport.abort()


@pytest.mark.parametrize("value", [b"0", b"true", b"", b"11", b"1&ssl_check=0"])
async def test_only_that_parameter_confirms_without_a_signature(
    http_office: Office, value: bytes
) -> None:
    assert await post(http_office, b"ssl_check=" + value, {}) == 401
    assert await post(http_office, b"text=ssl_check%3D1&command=x", {}) == 401
    assert await post(http_office, json.dumps({"ssl_check": "1"}).encode(), {}) == 401
