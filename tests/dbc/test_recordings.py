"""Every exchange recorded from a real daemon means the right value or the right error."""

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from aiohttp import web

from bot.dbc.client import DbcClient
from bot.dbc.endpoint import Auth, Endpoint
from bot.dbc.errors import DbcError, Mode, NotAuthorised, Unconfirmed
from bot.dbc.models import BootResult
from bot.dbc.reasons import Reason
from bot.dbc.transport import Transport
from bot.folding import sound
from bot.redaction import each_text
from tests.dbc.conftest import (
    QUICK,
    FakeDaemon,
    HandClock,
)
from tests.dbc.recorded import (
    RECORDINGS,
    RENTER,
    SOFT_FAILURES,
    operation_of,
    rows,
)

FILES = sorted(path.name for path in RECORDINGS.glob("*.jsonl"))

# (HTTP status, code, text) as recorded -> class, written down from docs/dbc-api.md §7.
EXPECTED = [
    (200, -3, r"check authority failed: query machine_status failed", "ChainUnavailable"),
    (200, -3, r"check authority failed: .*|verify sign failed", "NotAuthorised"),
    (200, -3, r"task_id not exist|task not exist", "TaskNotFound"),
    (200, -3, r"bare metal client not existed", "NoBackEnd"),
    (200, -3, r"Not supported|bare metal nodes are not supported", "WrongNodeKind"),
    (200, -3, r"bare metal node uuid .* already existed", "Clash"),
    (200, -3, r"network name not exist|/nosuch is not exist", "Missing"),
    (200, -3, r"additional bare_metal_nodes not existed", "Missing"),
    (200, -3, r"'(disk|size|snapshot_name)' is (empty|invalid)", "OperationRefused"),
    (200, -3, r"additional bare_metal_nodes is empty", "OperationRefused"),
    (200, -3, r"bare metal node info .* invalid", "OperationRefused"),
    (200, -3, r"invalid ip cidr|parse shell result error", "OperationRefused"),
    (200, -3, r"network name (can not be empty|requires a combination .*)", "OperationRefused"),
    (200, -3, r"Error: Unable to establish IPMI v2 / RMCP\+ session", "OperationRefused"),
    (200, 1, r"can not enter more than two servers|server not match format .*", "OperationRefused"),
    (200, -1, r"bare metal node id 00 not existed", "Missing"),
    (200, 1, r"task not exist", "TaskNotFound"),
    (200, 1, r"task is (running|shut_off)", "StateConflict"),
    (200, 1, r"please close task first and try again", "StateConflict"),
    (200, 1, r"Only the running task can change the password", "StateConflict"),
    (200, 1, r"port conflict, exist ssh_port = 5684", "Clash"),
    (200, 1, r"allocate (cpu|mem|gpu|disk) failed", "NoCapacity"),
    (200, 1, r"gpu_count exceeds number of leases", "NoCapacity"),
    (200, 1, r"'image_name' is not exist .*|image( file)?:nosuch.qcow2 (is )?not exist", "Missing"),
    (200, 1, r"can not find network info|data_file_name is not exist.*", "Missing"),
    (200, 1, r"(nosuch|snap1|snapshot_name) not exist|task have no disk:vd.", "Missing"),
    (200, 1, r"address is not a multicast address|invalid public ip", "OperationRefused"),
    (200, 1, r"can not allowed to delete disk:'vda'", "OperationRefused"),
    (200, 1, r"\w+ (\d )?is (empty|invalid).*|password can not be empty", "OperationRefused"),
    (200, 1, r"unsupported (bios mode|operation system): .*", "OperationRefused"),
    (400, -32701, r"broadcast request failed", "DaemonDisconnected"),
    (400, -32701, r"create node request failed", "NodeUnknown"),
    (400, -32600, r".*", "InvalidRequest"),
    (404, -32601, r".*", "InvalidRequest"),
    (400, -25, r"image_server not exist", "Missing"),
    (400, -25, r"wallet_sign and multisig_wallets all invalid", "NotAuthorised"),
    (400, -25, r"session_id and wallet all invalid|invalid wallet sign", "NotAuthorised"),
    (400, -25, r".*", "InvalidRequest"),
    (500, -32701, r"Unhandled request", "OutcomeUnknown"),
    (500, -1, r".* timeout", "NodeTimeout"),
    (500, -1, r"(http )?response parse error", "Unreadable"),
]


def expected(status: int, body: str) -> str:
    """The class of the error that an answer is, or `value`."""
    try:
        answer = json.loads(body)
    except ValueError:
        # libevent's own page says that a header is too long or a method unknown to it.
        return "TurnedAway" if status in {400, 501} else "Unreadable"
    code, message = answer["errcode"], answer["message"]
    if code == 0:
        return "value"
    found = [
        name
        for told_status, told_code, pattern, name in EXPECTED
        if (told_status, told_code) == (status, code) and re.fullmatch(pattern, message)
    ]
    return found[0]


def as_recorded(row: dict[str, Any]) -> Callable[[web.Request], Any]:
    headers = {
        name: value
        for name, value in (row.get("headers") or {}).items()
        if name not in {"Content-Length", "Connection", "Date"}
    }

    async def answer(_request: web.Request) -> web.StreamResponse:
        return web.Response(status=row["status"], headers=headers, body=row["body"].encode())

    return answer


def plain(path: str) -> Endpoint[object]:
    return Endpoint(path, Mode.CHANGE, Auth.NONE, lambda message: message)


@pytest.mark.parametrize("name", FILES)
async def test_recorded_answer_is_what_it_means(
    name: str, daemon: FakeDaemon, clock: HandClock
) -> None:
    transport = Transport([daemon.url], clock, QUICK)
    wrong = []
    seen = 0
    spoken = True
    for number, row in rows(name):
        daemon.answer = as_recorded(row)
        clock.wind(minutes=10)
        try:
            value = await transport.call(plain("/replayed"))
            got = "value"
            assert value == each_text(json.loads(row["body"])["message"], sound)
        except DbcError as error:
            got = type(error).__name__
            spoken = spoken and bool(error.sentence)
        seen += 1
        if got != expected(row["status"], row["body"]):
            wrong.append((number, row["status"], row["body"], got))
    await transport.close()
    assert not wrong
    assert spoken
    assert seen > 10


def test_few_rows_have_no_answer_to_replay() -> None:
    total = sum(len((RECORDINGS / name).read_text("utf-8").splitlines()) for name in FILES)
    assert total - sum(1 for name in FILES for _ in rows(name)) == 3


REASONS = {
    "machine has already expired": Reason.RENT_EXPIRED,
    "machine is not be rented": Reason.NOT_RENTED,
    "nonce check failed": Reason.SIGNATURE_INVALID,
    "not in verify time": Reason.NOT_VERIFYING,
    "session_id is invalid": Reason.SESSION_INVALID,
    "wallet not rented": Reason.WALLET_NOT_RENTER,
}


async def test_each_recorded_refusal_of_a_caller_has_its_own_reason(
    daemon: FakeDaemon, clock: HandClock
) -> None:
    transport = Transport([daemon.url], clock, QUICK)
    sentences: dict[str, str] = {}
    for _, row in [pair for name in FILES for pair in rows(name)]:
        told = re.search(r"check authority failed: ([\w ]+)", row["body"])
        if told is None or told[1] in {*sentences, "query machine_status failed"}:
            continue
        daemon.answer = as_recorded(row)
        with pytest.raises(NotAuthorised) as caught:
            await transport.call(plain("/replayed"))
        assert caught.value.reason is REASONS[told[1]]
        sentences[told[1]] = caught.value.sentence
    await transport.close()
    assert set(sentences) == set(REASONS)
    assert len(set(sentences.values())) == len(REASONS)


async def test_every_recorded_success_becomes_the_value_of_its_operation(
    daemon: FakeDaemon, dbc: DbcClient
) -> None:
    replayed = set()
    left_out = set()
    softly = set()
    for _, row in [pair for name in FILES for pair in rows(name)]:
        if expected(row["status"], row["body"]) != "value" or row["method"] == "RAW":
            continue
        operation = operation_of(row)
        if operation is None:
            left_out.add(row["path"].split("?")[0])
            continue
        name, ask, check, rest = operation
        daemon.answer = as_recorded(row)
        if str(json.loads(row["body"])["message"]) in SOFT_FAILURES:
            with pytest.raises(Unconfirmed) as caught:
                await ask(dbc, rest)
            assert "Insufficient privilege level" in caught.value.said
            softly.add(caught.value.said)
            continue
        value = await ask(dbc, rest)
        assert check(value), (name, row["body"], value)
        replayed.add(name)
    assert len(replayed) >= 37
    assert softly == SOFT_FAILURES
    # Not offered: these serve no one here, and an upload from the daemon's own host does nothing.
    assert left_out == {
        "/api/v1/mining_nodes/free_memory",
        "/api/v1/images/upload",
        "/api/v1/monitor",
        "/api/v1/monitor/set",
    }


async def test_bootdev_is_sent_with_unknown_result_although_dbc_says_failure(
    daemon: FakeDaemon, dbc: DbcClient
) -> None:
    row = next(r for _, r in rows("bare-metal.jsonl") if r["path"].endswith("/bootdev"))
    daemon.answer = as_recorded(row)
    assert await dbc.metal.boot(RENTER, "pxe") is BootResult.SENT
    daemon.answer = as_recorded(row | {"body": '{"errcode":0, "message":"ok"}'})
    assert await dbc.metal.boot(RENTER, "pxe") is BootResult.DONE
