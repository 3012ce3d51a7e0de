"""Sessions: added by form, tried, kept encrypted, removed; never typed, never shown."""

import json
from typing import Any

import pytest

from sandbox.dbc.demo import demo_renter
from tests.scenarios.in_chinese import assert_chinese
from tests.scenarios.stage import CHANNEL, Stage

SIGNATURE = "a" * 128


async def opens_form(stage: Stage, node: str = "gpu1") -> None:
    await stage.alice.types(f"/dbc session add {node}", channel=CHANNEL)
    await stage.alice.sees_modal("Add a session")


async def test_a_session_is_added_listed_checked_and_removed(stage: Stage) -> None:
    alice = stage.alice
    await stage.adds_session(alice, "gpu1")
    assert alice.modal is None

    await alice.types("/dbc session list")
    listed = await alice.sees("Your sessions")
    assert "gpu1" in listed.plain
    assert "checked" in listed.plain
    assert listed.ephemeral

    await alice.types("/dbc session check gpu1")
    await alice.sees(r"Your session for \*gpu1\* works\.")

    await stage.erases_session(alice, "gpu1")
    await alice.sees(r"Your session for \*gpu1\* is erased")
    await alice.types("/dbc session list")
    await alice.sees("You have no session yet")
    await alice.types("/dbc vm list")
    await alice.sees("You have no node access yet")
    assert stage.changes() == []


@pytest.mark.parametrize(
    ("session_id", "sign"),
    [("own", SIGNATURE), ("gpu2's", "gpu2's")],
    ids=["wrong signature", "another node's session"],
)
async def test_what_the_node_does_not_accept_is_not_kept(
    stage: Stage, session_id: str, sign: str
) -> None:
    alice = stage.alice
    own, other = stage.pair("gpu1"), stage.pair("gpu2")
    await opens_form(stage)
    await alice.submits(
        {
            "Session id": own[0] if session_id == "own" else other[0],
            "Session signature": SIGNATURE if sign == SIGNATURE else other[1],
        }
    )
    told = await alice.sees_modal("The node does not accept this session.")
    assert "The session was not kept" in told.plain
    assert told.value("Session id") == (own[0] if session_id == "own" else other[0])
    assert told.private_metadata.count(told.value("Session id")) == 0
    await alice.closes()
    await alice.types("/dbc session list")
    await alice.sees("You have no session yet")


@pytest.mark.parametrize(
    ("values", "field", "fault"),
    [
        ({"Session signature": "nope"}, "Session signature", "128 hexadecimal digits"),
        ({"Session id": "two words"}, "Session id", "Session id"),
        ({"Rent order": "12a"}, "Rent order", "Rent order is a number"),
    ],
)
async def test_a_malformed_pair_is_faulted_at_its_field(
    stage: Stage, values: dict[str, str], field: str, fault: str
) -> None:
    await opens_form(stage)
    pair = stage.pair("gpu1")
    await stage.alice.submits({"Session id": pair[0], "Session signature": pair[1], **values})
    modal = stage.alice.modal
    assert modal is not None
    assert list(modal.errors) == [field]
    assert fault in modal.errors[field]
    assert stage.world.calls.of("tasks.list") == []


async def test_a_session_for_an_unknown_node_is_refused(stage: Stage) -> None:
    await opens_form(stage, "gpu9")
    pair = stage.pair("gpu1")
    await stage.alice.submits({"Session id": pair[0], "Session signature": pair[1]})
    told = await stage.alice.sees_modal("There is no node called “gpu9”")
    assert told.value("Session id") == pair[0]
    assert stage.world.calls.of("tasks.list") == []


async def test_a_session_for_a_dead_node_is_not_kept(one_stage: Stage) -> None:
    await opens_form(one_stage, "gpu3")
    pair = one_stage.pair("gpu3")
    await one_stage.alice.submits({"Session id": pair[0], "Session signature": pair[1]})
    told = await one_stage.alice.sees_modal("gpu3 did not answer in time")
    assert "The session was not kept" in told.plain
    await one_stage.alice.closes()
    await one_stage.alice.types("/dbc session list")
    await one_stage.alice.sees("You have no session yet")


async def test_a_session_is_kept_where_only_the_list_is_unreadable(one_stage: Stage) -> None:
    one_stage.node("gpu1").running_task(demo_renter(), desc='say "hi"', vnc_port=5999)
    await opens_form(one_stage)
    pair = one_stage.pair("gpu1")
    await one_stage.alice.submits({"Session id": pair[0], "Session signature": pair[1]})
    told = await one_stage.alice.sees_modal("works and is kept")
    assert "cannot be read" in told.plain
    await one_stage.alice.closes()
    await one_stage.alice.types("/dbc session check gpu1")
    await one_stage.alice.sees(r"\*gpu1\* works\.")


@pytest.mark.parametrize(
    "line",
    [
        "session add gpu1 session_id=hunter2",
        "session add gpu1 --session-id hunter2",
        "session add gpu1 hunter2",
        "session add gpu1 sesion_id=hunter2",
        "session add gpu1 hunter2 swordfish",
        "vm passwd inference password=hunter2",
        "vm passwd inference hunter2",
        "vm passwd inference --pass=hunter2",
    ],
)
async def test_a_typed_secret_is_refused_and_not_repeated(one_stage: Stage, line: str) -> None:
    alice = one_stage.alice
    await alice.types(f"/dbc {line}")
    told = await alice.sees("never typed|no such option")
    await one_stage.quiet()
    assert alice.modal is None
    assert one_stage.changes() == []
    assert told.ephemeral
    assert "hunter2" not in json.dumps([call.args for call in one_stage.ws.calls])
    assert b"hunter2" not in stored(one_stage)


async def test_the_end_of_the_rental_is_said(stage: Stage) -> None:
    alice = stage.alice
    await stage.adds_session(alice, "gpu1")
    stage.node("gpu1").end_rental(online=False)
    await alice.types("/dbc session check gpu1")
    await alice.sees("The rental behind this session has expired")
    await alice.types("/dbc session list")
    await alice.sees(r"gpu1.*:warning: The rental behind this session has expired")
    told = await stage.asks(alice, "/dbc session list --json")
    assert "The rental behind this session has expired" in told.plain
    alice.speaks("zh-CN")
    await stage.quiet()
    assert_chinese((await stage.asks(alice, "/dbc session list")).plain)
    alice.speaks("en-US")
    await stage.quiet()
    await alice.types("/dbc vm show inference")
    await alice.sees("The rental behind this session has expired")


def stored(stage: Stage) -> bytes:
    """Every byte of the database's files."""
    return b"".join(path.read_bytes() for path in stage.data.glob("bot.db*"))


async def test_secrets_are_nowhere_but_before_who_asked(
    stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    alice = stage.alice
    await stage.adds_session(alice, "gpu1", "gpu2")
    await alice.types("/dbc session list")
    await alice.types("/dbc vm passwd inference")
    await alice.sees_modal("Set a password")
    await alice.submits({"New password": "N3w-Passw0rd"})
    await alice.sees_modal("The password of `dbc` in *inference* is set")
    await alice.closes()
    await alice.types("/dbc vm logs inference tail 100")
    await alice.sees("process_passwd|set vm user password|last")
    await alice.types("/dbc vm restart inference force")
    await stage.confirms(alice, "Force-restart")
    await stage.ends(alice, "inference has restarted")
    await stage.restart_bot(http=stage.bot.edge.port is not None)
    await alice.types("/dbc vm list")
    await alice.sees("Ada's training run")

    secrets = [*stage.pair("gpu1"), *stage.pair("gpu2"), "N3w-Passw0rd"]
    secrets += [t.login_password for t in stage.node("gpu1").tasks.values()]
    secrets += [t.vnc_password for t in stage.node("gpu1").tasks.values()]
    told = json.dumps([(c.method, c.args) for c in stage.ws.calls])
    screens = "".join(p.screen() for p in (alice, stage.bob, stage.carol))
    seen = capsys.readouterr()
    database = stored(stage)
    for secret in secrets:
        assert secret not in told
        assert secret not in screens
        assert secret not in seen.out + seen.err
        assert secret.encode() not in database


async def test_secrets_of_a_machine_stand_only_before_who_asked(stage: Stage) -> None:
    alice = stage.alice
    await stage.adds_session(alice, "gpu1")
    password = stage.task("inference").login_password
    await alice.types("/dbc vm show inference")
    shown = await alice.sees("Connect")
    assert shown.ephemeral
    assert password not in shown.plain
    await alice.presses("Reveal passwords", shown)
    await stage.quiet()
    assert alice.modal is not None
    assert password in alice.modal.plain
    assert password not in stage.bob.screen()
    assert password.encode() not in stored(stage)
    assert password not in json.dumps([_posted(c.args) for c in stage.ws.calls])


def _posted(args: dict[str, Any]) -> dict[str, Any]:
    """What others than one person could see: neither their messages nor their views."""
    return {k: v for k, v in args.items() if k != "view" and (k != "blocks" or "user" not in args)}
