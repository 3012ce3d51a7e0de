"""What is known after a failure, what is sent again, and to whom."""

import socket
from dataclasses import replace
from datetime import timedelta

import pytest
from aiohttp import web
from pydantic import SecretStr

from bot.dbc.client import DbcClient
from bot.dbc.endpoint import LastAnswer
from bot.dbc.errors import (
    ChainUnavailable,
    ConnectionLost,
    CutOff,
    DaemonDisconnected,
    DaemonFull,
    DbcError,
    Delivery,
    GatewayFailed,
    NodeSilent,
    NodeTimeout,
    NodeUnknown,
    NotAuthorised,
    NotDaemon,
    OperationRefused,
    OutcomeUnknown,
    Redirected,
    StateConflict,
    TaskExists,
    TooLong,
    TurnedAway,
    Unreachable,
    Unreadable,
)
from bot.dbc.identity import Target
from bot.dbc.models import Modified
from bot.dbc.requests import TaskChange
from bot.dbc.transport import Call
from bot.dbc.would_send import WouldSend
from bot.errors import Conflict, NotFound, Refused
from bot.reply import Severity
from tests.dbc.conftest import (
    DISCONNECTED,
    EMPTY,
    NODE,
    PATIENT,
    SESSION_ID,
    TASK,
    TIMED_OUT,
    UNKNOWN_NODE,
    Connect,
    FakeDaemon,
    HandClock,
    Handler,
    hang,
    in_turn,
    ok,
    reply,
    reset,
    text,
)


async def half(request: web.Request) -> web.StreamResponse:
    """Begin an answer, then break the connection."""
    response = web.StreamResponse(headers={"Content-Length": "100"})
    await response.prepare(request)
    await response.write(b'{"errcode":0')
    assert request.transport is not None
    request.transport.abort()
    return response


async def redirect(_request: web.Request) -> web.StreamResponse:
    raise web.HTTPTemporaryRedirect("/elsewhere")


CHAIN_DOWN = "check authority failed: query machine_status failed"
ANSWERS: list[tuple[Handler, type[DbcError], Delivery]] = [
    (hang, NodeTimeout, Delivery.UNKNOWN),
    (TIMED_OUT, NodeTimeout, Delivery.UNKNOWN),
    (reset, ConnectionLost, Delivery.UNKNOWN),
    (half, ConnectionLost, Delivery.UNKNOWN),
    (redirect, Redirected, Delivery.UNKNOWN),
    (reply(-1, "response parse error", 500), Unreadable, Delivery.UNKNOWN),
    (text("<html><h1>Bad Gateway</h1></html>", 502), GatewayFailed, Delivery.UNKNOWN),
    (text("<html>" * 50_000, 504, "text/html"), GatewayFailed, Delivery.UNKNOWN),
    (text('{"status":503,"error":"x"}', 503), GatewayFailed, Delivery.UNKNOWN),
    (text("<h1>Welcome</h1>", 200, "text/html"), NotDaemon, Delivery.UNKNOWN),
    (text('{"status":"UP"}'), NotDaemon, Delivery.UNKNOWN),
    (text('{"status":404,"error":"Not Found"}', 404), TurnedAway, Delivery.NOT_SENT),
    (text("<h1>Forbidden</h1>", 403, "text/html"), TurnedAway, Delivery.NOT_SENT),
    (text("", 407), TurnedAway, Delivery.NOT_SENT),
    (text('{"errcode":0, "mess'), CutOff, Delivery.UNKNOWN),
    (text(""), CutOff, Delivery.UNKNOWN),
    (text('{"errcode":0, "message":[{"desc":"a"b"}]}'), Unreadable, Delivery.UNKNOWN),
    (text("[" * 100_000), Unreadable, Delivery.UNKNOWN),
    (text("x" * 70_000), Unreadable, Delivery.UNKNOWN),
    (text('{"errcode":0,"message":"ok"}' + " " * 70_000), Unreadable, Delivery.UNKNOWN),
    (text("[]"), NotDaemon, Delivery.UNKNOWN),
    (text('{"message":"ok"}'), NotDaemon, Delivery.UNKNOWN),
    (reply(-1, "rsp decrypt error1", 500), DbcError, Delivery.UNKNOWN),
    (reply(7, "gateway trouble", 503), DbcError, Delivery.UNKNOWN),
    (text('{"status":504,"message":"upstream not found"}', 504), GatewayFailed, Delivery.UNKNOWN),
    (text('{"status":408,"message":"Request Timeout"}', 408), GatewayFailed, Delivery.UNKNOWN),
    (text('{"status":408,"message":"Request Timeout"}'), GatewayFailed, Delivery.UNKNOWN),
    (reply(429, "Too Many Requests", 429), GatewayFailed, Delivery.UNKNOWN),
    (reply(499, "client closed", 499), GatewayFailed, Delivery.UNKNOWN),
    (reply(503, "service not found", 503), GatewayFailed, Delivery.UNKNOWN),
    (reply(1, "service does not exist", 502), GatewayFailed, Delivery.UNKNOWN),
    (reply(302, "moved", 302), Redirected, Delivery.UNKNOWN),
    (reply(1, "task not exist", 202), OutcomeUnknown, Delivery.UNKNOWN),
    (reply(1, "not found", 500), OutcomeUnknown, Delivery.UNKNOWN),
    (reply(-32701, "receive response timeout", 400), NodeTimeout, Delivery.UNKNOWN),
    (UNKNOWN_NODE, NodeUnknown, Delivery.NOT_SENT),
    (reply(-32701, "create request session failed", 400), DaemonFull, Delivery.NOT_SENT),
    (DISCONNECTED, DaemonDisconnected, Delivery.NOT_SENT),
    (reply(1, "task is running"), StateConflict, Delivery.REFUSED),
    (reply(1, "something new"), OperationRefused, Delivery.REFUSED),
    (reply(-3, "check authority failed: "), NotAuthorised, Delivery.REFUSED),
    (reply(-3, CHAIN_DOWN), ChainUnavailable, Delivery.REFUSED),
    (
        reply(-3, "check authority failed: unknown machine status"),
        ChainUnavailable,
        Delivery.REFUSED,
    ),
]


@pytest.mark.parametrize(("answer", "error", "delivery"), ANSWERS)
async def test_change_ends_not_sent_refused_or_unknown_and_is_sent_once(
    answer: Handler,
    error: type[DbcError],
    delivery: Delivery,
    daemon: FakeDaemon,
    second: FakeDaemon,
    connect: Connect,
    target: Target,
) -> None:
    daemon.answer = answer
    with pytest.raises(error) as caught:
        await connect(daemon, second).tasks.restart(target, TASK, force=True)
    assert caught.value.delivery is delivery
    assert caught.value.outcome_unknown == (delivery is Delivery.UNKNOWN)
    assert (caught.value.severity is Severity.UNKNOWN) == (delivery is Delivery.UNKNOWN)
    assert daemon.paths == [f"/api/v1/tasks/restart/{TASK}?force_reboot=true"]
    assert second.requests == []


@pytest.mark.parametrize("answer", [hang, half, reset, text("nonsense")])
async def test_read_without_answer_is_never_unknown(
    answer: Handler, daemon: FakeDaemon, dbc: DbcClient, target: Target
) -> None:
    daemon.answer = answer
    with pytest.raises(DbcError) as caught:
        await dbc.tasks.list(target)
    assert caught.value.surely_not_done
    assert caught.value.severity is Severity.FAILED


async def test_change_to_a_daemon_that_is_down_is_surely_not_sent(
    closed: str, second: FakeDaemon, connect: Connect, target: Target
) -> None:
    dbc = connect(closed, second)
    with pytest.raises(Unreachable) as caught:
        await dbc.tasks.start(target, TASK)
    assert caught.value.delivery is Delivery.NOT_SENT
    assert second.requests == []
    await dbc.tasks.start(target, TASK)  # asked for again, it goes to the one that is up
    assert second.paths == [f"/api/v1/tasks/start/{TASK}"]


async def test_connection_that_is_not_made_in_time_is_surely_not_sent(
    connect: Connect, target: Target
) -> None:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(0)
        address = listening.getsockname()
        fillers = [socket.socket() for _ in range(4)]  # a full backlog drops what comes
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(address)
        limits = replace(PATIENT, connect=timedelta(seconds=0.3))
        dbc = connect(f"http://127.0.0.1:{address[1]}", limits=limits)
        with pytest.raises(Unreachable) as caught:
            await dbc.tasks.start(target, TASK)
        for filler in fillers:
            filler.close()
    assert caught.value.delivery is Delivery.NOT_SENT


async def test_kinds_of_refusal_are_those_of_the_bot(
    daemon: FakeDaemon, dbc: DbcClient, target: Target
) -> None:
    for message, kind in [
        ("task not exist", NotFound),
        ("task is paused", Conflict),
        ("check authority failed: wallet not rented", Refused),
    ]:
        daemon.answer = reply(-3 if "authority" in message else 1, message)
        with pytest.raises(kind) as caught:
            await dbc.tasks.start(target, TASK)
        assert caught.value.severity is Severity.REFUSED


async def test_taken_task_id_is_recognised_as_proof_of_existence(
    daemon: FakeDaemon, dbc: DbcClient, target: Target
) -> None:
    daemon.answer = reply(1, "task id already existed")
    with pytest.raises(TaskExists) as caught:
        await dbc.tasks.start(target, TASK)
    assert caught.value.outcome_unknown
    assert caught.value.said


async def test_text_of_dbc_is_kept_short_and_on_one_line(
    daemon: FakeDaemon, dbc: DbcClient, target: Target
) -> None:
    daemon.answer = reply(1, "libvirt\n\x1b[31m says\t" + "x" * 1000)
    with pytest.raises(OperationRefused) as caught:
        await dbc.tasks.start(target, TASK)
    assert caught.value.dbc_text.startswith("libvirt says x")
    assert len(caught.value.dbc_text) == 300


async def test_conflicting_port_names_its_field(
    daemon: FakeDaemon, dbc: DbcClient, target: Target
) -> None:
    daemon.answer = reply(1, "port conflict, exist ssh_port = 5684")
    with pytest.raises(Conflict) as caught:
        await dbc.tasks.start(target, TASK)
    assert caught.value.field == "ssh_port"


@pytest.mark.parametrize(
    "body",
    [
        '{"errcode":"0","message":[]}',
        '{"error_code":0,"data":[]}',
        '{"status":0,"message":[]}',
        '{"mainnet":{"errcode":0,"message":[]},"netcongtu":{"errcode":1,"message":"no"}}',
        '  {"errcode":0,"message":[]}\r\n',
    ],
)
async def test_older_and_wrapped_answers_are_understood(
    body: str, daemon: FakeDaemon, dbc: DbcClient, target: Target
) -> None:
    daemon.answer = text(body)
    assert await dbc.tasks.list(target) == ()


async def test_broken_utf8_is_read_with_replacement(
    daemon: FakeDaemon, dbc: DbcClient, target: Target
) -> None:
    async def answer(_request: web.Request) -> web.StreamResponse:
        return web.Response(body=b'{"errcode":0,"message":[{"task_id":"a","desc":"\xff"}]}')

    daemon.answer = answer
    assert (await dbc.tasks.list(target))[0].desc == "\ufffd"


async def test_a_list_beyond_any_node_is_left_unread(
    daemon: FakeDaemon, dbc: DbcClient, target: Target
) -> None:
    rows = [{"task_id": str(number)} for number in range(1_001)]
    daemon.answer = reply(0, rows)
    with pytest.raises(TooLong, match="too long"):
        await dbc.tasks.list(target)
    daemon.answer = reply(0, {"task_id": "a", "disks": [{"name": "vda"}] * 1_001})
    with pytest.raises(TooLong):
        await dbc.tasks.get(target, TASK)
    daemon.answer = reply(0, rows[:-1])
    assert len(await dbc.tasks.list(target)) == 1_000


async def test_a_daemon_may_know_thousands_of_nodes(daemon: FakeDaemon, dbc: DbcClient) -> None:
    known = [{"node_id": str(number)} for number in range(2_500)]
    daemon.answer = reply(0, {"mining_nodes": known})
    assert len(await dbc.nodes.list()) == 2_500
    daemon.answer = reply(0, {"mining_nodes": known * 3})
    with pytest.raises(Unreadable):
        await dbc.nodes.list()


async def test_a_long_answer_is_read_while_others_go_on_and_repeats_no_secret(
    daemon: FakeDaemon, dbc: DbcClient, target: Target
) -> None:
    rows = [{"task_id": str(number), "desc": SESSION_ID + "x" * 30} for number in range(600)]
    daemon.answer = reply(0, rows)
    found = await dbc.tasks.list(target)
    assert len(found) == 600
    assert SESSION_ID not in str(found)


async def test_modification_says_when_it_counts(
    daemon: FakeDaemon, dbc: DbcClient, target: Target
) -> None:
    daemon.answer = reply(0, "some changes will take effect on the next boot")
    wanted = TaskChange(new_public_ip=None, new_cpu_cores=8)
    assert await dbc.tasks.modify(target, TASK, wanted) is Modified.NEXT_BOOT


# Dry runs and observers


async def test_dry_run_reads_but_sends_no_change(
    daemon: FakeDaemon, dbc: DbcClient, target: Target
) -> None:
    daemon.answer = EMPTY
    dry = dbc.dry_run()
    assert await dry.tasks.list(target) == ()
    with pytest.raises(WouldSend) as caught:
        await dry.tasks.restart(target, TASK, force=True)
    assert caught.value.method == "POST"
    assert caught.value.path == f"/api/v1/tasks/restart/{TASK}?force_reboot=true"
    assert caught.value.node_id == NODE
    assert daemon.paths == ["/api/v1/tasks"]


async def test_dry_run_masks_secrets(dbc: DbcClient, target: Target) -> None:
    with pytest.raises(WouldSend) as caught:
        await dbc.dry_run().tasks.passwd(target, TASK, "dbc", SecretStr("a password"))
    assert caught.value.additional == {"username": "dbc", "password": "******"}


async def test_dry_run_checks_as_the_real_run_does(dbc: DbcClient, target: Target) -> None:
    with pytest.raises(DbcError):
        await dbc.dry_run().tasks.start(target, "")
    with pytest.raises(NotAuthorised):
        await dbc.dry_run().tasks.start(Target(node_id=NODE), TASK)


async def test_observer_learns_path_and_outcome(
    daemon: FakeDaemon, connect: Connect, target: Target
) -> None:
    seen: list[Call] = []
    dbc = connect(daemon, observe=seen.append)
    daemon.answer = in_turn(ok, reply(1, "task is running"))
    await dbc.tasks.start(target, TASK)
    with pytest.raises(StateConflict):
        await dbc.tasks.start(target, TASK)
    assert [(call.path, call.outcome) for call in seen] == [
        ("/tasks/start/{task_id}", "ok"),
        ("/tasks/start/{task_id}", "StateConflict"),
    ]


@pytest.mark.parametrize("urls", [[], ["127.0.0.1:5050"], ["ftp://host"], [""]])
async def test_unusable_daemon_addresses_are_refused(urls: list[str], clock: HandClock) -> None:
    with pytest.raises(ValueError, match="daemon"):
        DbcClient(urls, clock)


@pytest.mark.parametrize(
    "answer",
    [
        text("<h1>Bad Gateway</h1>", 502, "text/html"),
        text("<h1>Welcome</h1>", 200, "text/html"),
        text("<h1>Forbidden</h1>", 403, "text/html"),
        redirect,
    ],
)
async def test_a_read_goes_to_another_daemon_where_something_else_answers(
    daemon: FakeDaemon, second: FakeDaemon, connect: Connect, target: Target, answer: Handler
) -> None:
    daemon.answer, second.answer = answer, EMPTY
    assert await connect(daemon, second).tasks.list(target) == ()
    assert len(second.requests) == 1


async def test_a_redirect_says_no_more_of_its_target_than_the_host(
    daemon: FakeDaemon, dbc: DbcClient, target: Target
) -> None:
    async def elsewhere(_request: web.Request) -> web.StreamResponse:
        raise web.HTTPFound("https://user:secret@sso.test/login?token=secret")

    daemon.answer = elsewhere
    with pytest.raises(Redirected) as caught:
        await dbc.tasks.list(target)
    assert "https://sso.test (" in caught.value.sentence
    assert "secret" not in caught.value.sentence


async def test_a_gateway_that_gives_up_waiting_counts_as_silence_of_the_node(
    daemon: FakeDaemon, dbc: DbcClient, target: Target
) -> None:
    daemon.answer = text("<h1>Gateway Timeout</h1>", 504, "text/html")
    for _ in range(4):
        with pytest.raises((GatewayFailed, NodeSilent)):
            await dbc.tasks.list(target)
    with pytest.raises(NodeSilent):
        await dbc.tasks.list(target)


async def test_a_closed_client_announces_and_sends_nothing(
    daemon: FakeDaemon, dbc: DbcClient, target: Target
) -> None:
    daemon.answer = EMPTY
    await dbc.tasks.list(target)
    await dbc.close()
    announced: list[str] = []

    async def announce() -> None:
        announced.append("sent")

    for attempt in (
        dbc.tasks.list(target), dbc.announcing(announce).tasks.start(target, TASK)
    ):  # fmt: skip
        with pytest.raises(RuntimeError, match="is closed"):
            await attempt
    assert announced == []
    assert len(daemon.paths) == 1


async def test_an_answer_that_is_the_same_as_before_is_not_read_again(
    dbc: DbcClient, daemon: FakeDaemon, target: Target
) -> None:
    machine = {"task_id": TASK, "status": "creating"}
    refused = reply(-3, "check authority failed: session_id is invalid")
    one, other = reply(0, [machine]), reply(0, [{**machine, "status": "running"}])
    daemon.answer = in_turn(one, one, other, refused, refused, other)
    stored, told = b"", []
    for is_stored in (True, True, False):
        last = LastAnswer(stored)
        found = await dbc.tasks.list(target, last)
        told.append(([machine.status for machine in found], last.is_repeated))
        stored = last.answered if is_stored else stored
    for _ in range(2):  # a refusal is one, however often it comes
        with pytest.raises(DbcError):
            await dbc.tasks.list(target, LastAnswer(stored))
    last = LastAnswer(stored)
    found = await dbc.tasks.list(target, last)
    told.append(([machine.status for machine in found], last.is_repeated))
    assert told == [
        (["creating"], False),
        ([], True),
        (["running"], False),
        (["running"], False),
    ]
