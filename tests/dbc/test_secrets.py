"""No secret shows up in any text: repr, exceptions, tracebacks with locals, logs."""

import json
import logging
import traceback
from collections.abc import Awaitable, Callable
from io import StringIO
from typing import Any

import pytest
import structlog
from aiohttp import web
from pydantic import SecretStr
from rich.console import Console
from rich.traceback import Traceback

from bot.dbc.client import DbcClient
from bot.dbc.errors import DbcError
from bot.dbc.identity import Multisig, NodeKeySignature, SessionPair, Target, WalletSignature
from bot.dbc.log_mask import mask_log
from bot.dbc.models import BareMetal, SessionId, TaskDetail
from bot.dbc.requests import BareMetalSpec
from bot.dbc.would_send import WouldSend
from bot.redaction import Redactor
from tests.dbc.conftest import (
    NODE,
    SESSION_ID,
    SESSION_SIGN,
    TASK,
    Connect,
    FakeDaemon,
    Handler,
    hang,
    in_turn,
    reply,
    reset,
    text,
)

WALLET = "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY"
NONCE = "NonceThatIsSecret"
SIGN = "beef" * 32
PASSWORD = "kT4b[9_QxZ/7m@aP"
SECRETS = (SESSION_ID, SESSION_SIGN, NONCE, SIGN, PASSWORD, "kT4b[9_Q")

DETAIL = (
    f'{{"errcode":0,"message":{{"task_id":"x","login_password":"{PASSWORD}",'
    f'"vnc_password":"{PASSWORD[:8]}"}}}}'
)

WALLET_SIGNATURE = WalletSignature(wallet=WALLET, nonce=SecretStr(NONCE), sign=SecretStr(SIGN))
MANAGER = NodeKeySignature(wallet=NODE, nonce=SecretStr(NONCE), sign=SecretStr(SIGN))
METAL = BareMetalSpec(
    uuid="u1",
    ip="192.0.2.1",
    ipmi_hostname="h",
    ipmi_username="admin",
    ipmi_password=SecretStr(PASSWORD),
)


def everything_shown(error: BaseException) -> str:
    """What the most talkative renderer makes of an exception, its causes and locals."""
    out = StringIO()
    told = traceback.TracebackException.from_exception(error, capture_locals=True)
    out.write("".join(told.format()))
    out.write(shown_by_our_frames(error))
    return out.getvalue()


def shown_by_our_frames(error: BaseException) -> str:
    """The locals of all frames of the client, along all causes."""
    out = []
    seen: BaseException | None = error
    while seen is not None:
        frame = seen.__traceback__
        while frame is not None:
            if "bot/dbc" in frame.tb_frame.f_code.co_filename:
                out.append(repr(frame.tb_frame.f_locals))
            frame = frame.tb_next
        out.append(f"{seen!r} {seen} {seen.args} {vars(seen)}")
        seen = seen.__context__
    return "\n".join(out)


def shown_by_rich(error: BaseException) -> str:
    """What structlog's default traceback renderer makes of an exception."""
    out = StringIO()
    trace = Traceback.from_exception(
        type(error), error, error.__traceback__, show_locals=True, width=400
    )
    Console(file=out, width=400, color_system=None).print(trace)
    return out.getvalue()


def shows_nothing(shown: str) -> bool:
    return not any(secret in shown for secret in SECRETS)


@pytest.mark.parametrize(
    "value",
    [
        SessionPair.of(SESSION_ID, SESSION_SIGN),
        WALLET_SIGNATURE,
        MANAGER,
        Multisig(wallets=(WALLET,), threshold=1, signs=(WALLET_SIGNATURE,)),
        Target(node_id=NODE, credentials=SessionPair.of(SESSION_ID, SESSION_SIGN)),
        METAL,
        TaskDetail(
            task_id="x", login_password=SecretStr(PASSWORD), vnc_password=SecretStr(PASSWORD[:8])
        ),
        SessionId(session_id=SecretStr(SESSION_ID)),
        BareMetal(ipmi_password=SecretStr(PASSWORD), deeplink_device_password=SecretStr(PASSWORD)),
    ],
)
def test_value_shows_no_secret(value: object) -> None:
    assert shows_nothing(f"{value!r} {value} {[value]}")


async def echo(request: web.Request) -> web.StreamResponse:
    """Answer with all that was asked, as a badly made error text."""
    asked = json.dumps({"errcode": 1, "message": "odd: " + await request.text()})
    return web.Response(text=asked)


async def with_broken_answer(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Length": "5000"})
    await response.prepare(request)
    await response.write(DETAIL.encode())
    assert request.transport is not None
    request.transport.abort()
    return response


ANSWERS: list[Handler] = [
    hang,
    reset,
    with_broken_answer,
    text(DETAIL[:-1]),
    text(f"<html>{PASSWORD}" * 5000),
    text(DETAIL.replace('"task_id":"x"', '"task_id":{}')),
    text(f'["{PASSWORD}"]'),
    text(f'{{"message":"{PASSWORD}"}}'),
    echo,
    reply(-3, "check authority failed: nonce check failed"),
]

CALLS: list[Callable[[DbcClient, Target], Awaitable[Any]]] = [
    lambda d, t: d.tasks.get(t, TASK),
    lambda d, t: d.tasks.passwd(t, TASK, "dbc", SecretStr(PASSWORD)),
    lambda d, _: d.nodes.session_id(NODE, WALLET_SIGNATURE),
    lambda d, _: d.metal.add(Target(node_id=NODE, credentials=MANAGER), METAL),
]


@pytest.mark.parametrize("answer", ANSWERS)
@pytest.mark.parametrize("call", CALLS)
async def test_failure_shows_no_secret(
    call: Callable[[DbcClient, Target], Awaitable[Any]],
    answer: Handler,
    daemon: FakeDaemon,
    dbc: DbcClient,
    target: Target,
) -> None:
    daemon.answer = answer
    try:
        shown = repr(await call(dbc, target))
    except DbcError as error:
        shown = everything_shown(error)
    assert shows_nothing(shown)


@pytest.mark.parametrize("answer", [text(DETAIL[:-1]), echo, reset])
async def test_failure_shows_no_secret_in_a_rich_traceback(
    answer: Handler, daemon: FakeDaemon, dbc: DbcClient, target: Target
) -> None:
    daemon.answer = answer
    with pytest.raises(DbcError) as caught:
        await CALLS[3](dbc, target)
    assert shows_nothing(shown_by_rich(caught.value))


@pytest.mark.parametrize("call", CALLS)
async def test_daemon_that_is_down_shows_no_secret(
    call: Callable[[DbcClient, Target], Awaitable[Any]], connect: Connect, target: Target
) -> None:
    with pytest.raises(DbcError) as caught:
        await call(connect("http://127.0.0.1:1"), target)
    assert shows_nothing(everything_shown(caught.value))


@pytest.mark.parametrize(
    "make",
    [
        lambda: SessionPair.of(SESSION_ID + '"', SESSION_SIGN),
        lambda: SessionPair.of(SESSION_ID, SESSION_SIGN + "0"),
        lambda: WalletSignature(wallet="x", nonce=SecretStr(NONCE), sign=SecretStr(SIGN)),
        lambda: WalletSignature(wallet=WALLET, nonce=SecretStr(NONCE + " "), sign=SecretStr(SIGN)),
        lambda: WalletSignature(wallet=WALLET, nonce=SecretStr(NONCE), sign=SecretStr(SIGN * 2)),
        lambda: Multisig(
            wallets=(WALLET,), threshold=1, signs=(WALLET_SIGNATURE, WALLET_SIGNATURE)
        ),
        lambda: BareMetalSpec(
            uuid="u",
            ip="192.0.2.1",
            ipmi_hostname="h",
            ipmi_username="u",
            ipmi_password=SecretStr(PASSWORD + '"'),
        ),
    ],
)
def test_malformed_secret_is_not_shown(make: Callable[[], object]) -> None:
    with pytest.raises(DbcError) as caught:
        make()
    # The frames of this file know the secrets by name, those of the client must not.
    assert shows_nothing(shown_by_our_frames(caught.value))


async def test_malformed_password_is_not_shown(dbc: DbcClient, target: Target) -> None:
    with pytest.raises(DbcError) as caught:
        await dbc.tasks.passwd(target, TASK, "dbc", SecretStr(PASSWORD + '"'))
    assert shows_nothing(everything_shown(caught.value))


async def test_dry_run_shows_no_secret(dbc: DbcClient) -> None:
    with pytest.raises(WouldSend) as caught:
        await dbc.dry_run().metal.add(Target(node_id=NODE, credentials=MANAGER), METAL)
    assert shows_nothing(everything_shown(caught.value))
    assert caught.value.additional["bare_metal_nodes"][0]["ipmi_password"] == "******"  # type: ignore[index]


async def test_logs_show_no_secret(
    daemon: FakeDaemon, dbc: DbcClient, target: Target, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    daemon.answer = in_turn(text(DETAIL), reset)
    with structlog.testing.capture_logs() as entries:
        await dbc.tasks.get(target, TASK)
        with pytest.raises(DbcError):
            await dbc.tasks.passwd(target, TASK, "dbc", SecretStr(PASSWORD))
    assert len(entries) == 2
    assert shows_nothing(f"{entries} {caplog.text}")


# A machine's log

LOG = [
    (
        "vm_client.cpp | 931 | CreateDomain | vnc port: 5904, password: LSX9QK@f",
        "vm_client.cpp | 931 | CreateDomain | vnc port: 5904, password: ******",
    ),
    (
        "set vm user password successful, user:dbc, pwd:LSX9QK@frQEMH@@c",
        "set vm user password successful, user:dbc, pwd:******",
    ),
    (
        "set vm user password failed, user:dbc, pwd:a, b: c d, error:agent is not connected",
        "set vm user password failed, user:dbc, pwd:******, error:agent is not connected",
    ),
    (
        "set vm user password failed, user:dbc, pwd:x, error:y, error:agent",
        "set vm user password failed, user:dbc, pwd:******, error:agent",
    ),
    ("<graphics type='vnc' passwd='LSX9QK@f'/>", "<graphics type='vnc' passwd=******"),
    ("Password = hunter2 and more", "Password = ******"),
    ("vcpus: 4, sockets: 1, cores: 2", "vcpus: 4, sockets: 1, cores: 2"),
    ("password:\nnext line", "password:\nnext line"),
    ("a\npwd:x\nb", "a\npwd:******\nb"),
    ("", ""),
]


@pytest.mark.parametrize(("line", "masked"), LOG)
def test_passwords_in_a_log_are_masked(line: str, masked: str) -> None:
    assert mask_log(line, Redactor().redact) == masked


def test_known_secrets_are_masked_wherever_they_stand() -> None:
    known = Redactor(["LSX9QK@f", "LSX9QK@frQEMH@@c", "abc", ""])
    log = "at LSX9QK@frQEMH@@c and LSX9QK@f, abc"
    assert mask_log(log, known.redact) == "at ****** and ******, abc"


async def test_log_leaves_the_client_masked(
    daemon: FakeDaemon, dbc: DbcClient, target: Target
) -> None:
    lines = [line for line, _ in LOG if "\n" not in line]
    daemon.answer = reply(0, {"task_id": TASK, "log_content": lines})
    log = await dbc.tasks.logs(target, TASK, "tail", 100)
    assert list(log.lines) == [masked for line, masked in LOG if "\n" not in line]
