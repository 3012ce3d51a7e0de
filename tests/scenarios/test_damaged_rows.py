"""Rows that no key opens, or that hold what nobody can read: each of them stands alone."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from aiohttp import ClientSession
from click.testing import CliRunner
from cryptography.fernet import Fernet
from structlog.testing import capture_logs

from bot.cli import audit as audit_cli
from sandbox.dbc.worker import Durations
from sandbox.slack import SeenMessage
from storage.chain import hash_of
from tests.scenarios.machines import off
from tests.scenarios.site import DELETE, approves, asked, now, rules, site, told
from tests.scenarios.stage import CHANNEL, Stage, card
from tests.scenarios.stored import alter, has_rows_of_all_kinds
from tests.scenarios.test_sharing import shares

FOREIGN = Fernet(Fernet.generate_key()).encrypt(b'{"session_id": "x"}')


def locks(stage: Stage, name: str) -> None:
    """The key of somebody's session is lost."""
    user = stage.ws.member(name).id
    alter(stage, "UPDATE dbc_sessions SET sealed = ? WHERE user = ?", FOREIGN, user)


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    """Alice, Bob and Carol are entitled to gpu1; what destroys needs an approval."""
    async with site(tmp_path) as one:
        await one.asks(one.alice, "/dbc vm list")
        yield one


async def test_a_locked_session_stops_nobody_else(stage: Stage) -> None:
    locks(stage, "bob")
    await stage.restart_bot()
    seen = await stage.asks(stage.alice, "/dbc vm list")
    assert "inference" in seen.plain
    question = await asked(stage)
    await approves(stage, stage.carol, question)
    await stage.ends(stage.alice, "inference is deleted on gpu1")


async def test_the_breaker_counts_a_damaged_row_as_well(stage: Stage) -> None:
    rules(stage, "[breaker]\ndestroys = 2\n[defaults]\ndestroy = {}\n")
    await stage.asks(stage.alice, "/dbc vm shutdown inference")
    await stage.ends(stage.alice, "inference is off on gpu1")
    alter(stage, "UPDATE executions SET facts = 'no JSON'")
    await stage.asks(stage.alice, DELETE)
    await stage.ends(stage.alice, "inference is deleted on gpu1")
    other = await stage.asks(stage.alice, '/dbc vm delete "Ada\'s training run"')
    assert "2 destructive" in other.plain
    assert stage.changes() == ["tasks.shutdown", "tasks.delete"]


async def test_who_holds_a_locked_session_is_still_entitled(stage: Stage) -> None:
    question = await asked(stage)
    locks(stage, "bob")
    await approves(stage, stage.bob, question)
    await stage.ends(stage.alice, "inference is deleted on gpu1")


async def test_the_owner_of_a_locked_session_is_told_what_to_do_and_can_do_it(
    stage: Stage,
) -> None:
    locks(stage, "bob")
    for line in ("vm list", "vm delete inference", "session list", "session check"):
        seen = await stage.asks(stage.bob, f"/dbc {line}")
        assert "session for gpu1 can no longer be decrypted" in seen.plain.replace("*", ""), line
        assert "/dbc session remove" in seen.plain
        assert "/dbc session add" in seen.plain
    await stage.erases_session(stage.bob, "gpu1")
    assert "is erased" in stage.bob.screen()
    await stage.adds_session(stage.bob, "gpu1")
    seen = await stage.asks(stage.bob, "/dbc vm list")
    assert "inference" in seen.plain
    assert "decrypted" not in seen.plain


async def test_a_locked_session_can_be_replaced_by_the_form_alone(stage: Stage) -> None:
    locks(stage, "bob")
    await stage.adds_session(stage.bob, "gpu1")
    seen = await stage.asks(stage.bob, "/dbc vm show inference")
    assert "running" in seen.plain


async def test_those_who_share_a_locked_session_are_told_whose_it_is(stage: Stage) -> None:
    await shares(stage, "@bob")
    await stage.erases_session(stage.bob, "gpu1")
    locks(stage, "alice")
    seen = await stage.asks(stage.bob, "/dbc vm restart inference")
    assert "The session for gpu1 can no longer be decrypted" in seen.plain
    assert f"<@{stage.alice.id}> can remove it with" in seen.plain
    assert stage.changes() == []


async def test_the_operator_sees_a_locked_session_once_and_in_readiness(tmp_path: Path) -> None:
    async with site(tmp_path, http=True) as stage:
        locks(stage, "bob")
        with capture_logs() as logs:
            for _ in range(5):
                await stage.passes(60)
        damaged = [entry for entry in logs if entry["event"] == "row.damaged"]
        assert [entry["id"].split()[0] for entry in damaged] == [stage.bob.id]
        assert [entry for entry in logs if entry["log_level"] == "error"] == []
        url = f"http://127.0.0.1:{stage.bot.edge.port}/readyz"
        async with ClientSession() as http, http.get(url) as answer:
            assert answer.status == 200
            assert "1 stored row cannot be read: see row.damaged" in await answer.text()
        await stage.adds_session(stage.bob, "gpu1")
        await stage.passes(60)
        async with ClientSession() as http, http.get(url) as answer:
            assert await answer.text() == "ok\n"


@pytest.mark.parametrize(("more", "told"), [(1, "1 other row "), (3, "3 other rows ")])
async def test_operators_are_told_how_many_damaged_rows_are_not_named(
    stage: Stage, more: int, told: str
) -> None:
    with closing(sqlite3.connect(f"{stage.data}/bot.db")) as database, database:
        for number in range(5 + more):
            database.execute(
                "INSERT INTO dbc_sessions (user, node, sealed, problem) VALUES (?, 'n', 'x', '')",
                (f"U{number}",),
            )
    await stage.passes(60)
    *named, last = stage.bot.health.lessened
    assert len(named) == 5
    assert str(last) == f"{told}cannot be read either."
    (brief,) = stage.bot.health.impairments
    assert brief.startswith(f"{5 + more} stored rows cannot be read")


async def test_what_is_followed_with_a_locked_session_goes_on_when_the_key_is_back(
    stage: Stage,
) -> None:
    off(stage)
    await stage.asks(stage.alice, "/dbc vm start inference")
    with closing(sqlite3.connect(f"{stage.data}/bot.db")) as database:
        query = "SELECT sealed FROM dbc_sessions WHERE user = ?"
        (sealed,) = database.execute(query, (stage.alice.id,)).fetchone()
    locks(stage, "alice")
    await stage.passes(5)
    assert "can no longer be decrypted" in card(stage.bob, "inference is starting").plain
    alter(stage, "UPDATE dbc_sessions SET sealed = ? WHERE user = ?", sealed, stage.alice.id)
    await stage.ends(stage.alice, "inference is running on gpu1")


async def test_a_secret_that_no_key_opens_is_asked_for_again(stage: Stage) -> None:
    await stage.bot.stop()
    alter(
        stage,
        "INSERT INTO executions (id, key, actor, channel, thread, source, command, arguments, "
        "effect, secrets, status, node, task, label, facts, outcome, session_of, approved_by, "
        "created_at) VALUES ('lost', 'lost', ?, ?, '', 'form', 'session.add', '{}', 1, ?, "
        "'recorded', '', '', '', '{}', '', '', '', '2026-01-05 09:00:00')",
        stage.alice.id, card_channel(stage), FOREIGN,
    )  # fmt: skip
    await stage.restart_bot()
    await stage.passes(10)
    assert told(stage.alice, "What you typed can no longer be decrypted")
    assert told(stage.alice, "Fill in the form again")


def card_channel(stage: Stage) -> str:
    return stage.ws.core.state.channel(CHANNEL).id


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        ("command = 'vm.transmogrify'", "This version of the bot has no command “vm transmogrify”"),
        ("arguments = '{'", "The record of what you requested is damaged"),
        ("facts = '[]'", "The record of what you requested is damaged"),
        ("created_at = 'nonsense'", "The record of what you requested is damaged"),
    ],
)
async def test_an_approved_command_that_cannot_be_read_is_not_carried_out(
    stage: Stage, damage: str, said: str
) -> None:
    question = await asked(stage)
    alter(stage, f"UPDATE executions SET {damage} WHERE status = 'waiting'")
    await stage.asks(stage.carol, "/dbc approval list")
    await approves(stage, stage.bob, question)
    assert said in now(stage, question).plain
    assert stage.changes() == []


@pytest.mark.parametrize("damage", ["shown = '{'", "created_at = 'x'", "kind = 'y'"])
async def test_an_approval_whose_content_is_damaged_approves_nothing(
    stage: Stage, damage: str
) -> None:
    question = await asked(stage)
    alter(stage, f"UPDATE approvals SET {damage}")
    await approves(stage, stage.bob, question)
    assert "what was shown for this approval is damaged" in now(stage, question).plain
    assert stage.changes() == []


@pytest.mark.parametrize(
    "damage", ["about = '{'", "goal = 'beauty'", "about = '7'", "deadline_at = ''"]
)
async def test_a_watch_that_cannot_be_read_ends_and_the_others_go_on(
    stage: Stage, damage: str
) -> None:
    off(stage)
    await stage.asks(stage.alice, "/dbc vm start inference")
    await stage.asks(stage.bob, "/dbc disk add inference 50")
    await stage.asks(stage.alice, "/dbc snapshot create inference s1 to=hub")
    alter(stage, f"UPDATE watches SET {damage} WHERE goal = 'running'")
    end = await stage.ends(stage.alice, "inference on gpu1 can no longer be looked at")
    assert "damaged" in end.plain


@pytest.mark.parametrize(
    "damage",
    ["""about = json_set(about, '$.refused_since', 'x')""", "status = x'ff', polls = 'many'"],
)
async def test_a_watch_with_a_damaged_value_holds_up_no_other(stage: Stage, damage: str) -> None:
    off(stage)
    off(stage, "Ada's training run")
    await stage.asks(stage.alice, "/dbc vm start inference")
    await stage.asks(stage.alice, "/dbc vm start Ada")
    alter(stage, f"UPDATE watches SET {damage} WHERE label = 'inference'")
    await stage.ends(stage.alice, "Ada's training run is running on gpu1")
    for _ in range(3):
        await stage.passes(150)
    ended = [told for told in stage.endings(stage.alice) if "inference" in told]
    assert len(ended) == 1


async def test_a_watch_whose_end_cannot_be_stored_holds_up_no_other(stage: Stage) -> None:
    off(stage)
    off(stage, "Ada's training run")
    await stage.asks(stage.alice, "/dbc vm start inference")
    await stage.asks(stage.alice, "/dbc vm start Ada")
    alter(
        stage,
        "CREATE TRIGGER odd BEFORE UPDATE ON watches WHEN new.label = 'inference' "
        "AND new.state <> 'open' BEGIN SELECT RAISE(ABORT, 'odd'); END",
    )
    await stage.ends(stage.alice, "Ada's training run is running on gpu1")
    alter(stage, "DROP TRIGGER odd")
    await stage.ends(stage.alice, "inference is running on gpu1", within=300)


async def test_a_watch_whose_look_cannot_be_stored_undoes_no_others_look(stage: Stage) -> None:
    off(stage)
    off(stage, "Ada's training run")
    stage.node("gpu1").durations = Durations(start=timedelta(seconds=100))
    await stage.asks(stage.alice, "/dbc vm start inference")
    await stage.asks(stage.alice, "/dbc vm start Ada")
    alter(
        stage,
        "CREATE TRIGGER odd BEFORE UPDATE ON watches WHEN new.label = 'inference' "
        "AND new.polls > old.polls BEGIN SELECT RAISE(ABORT, 'odd'); END",
    )
    await stage.passes(5)
    async with stage.bot.store.read() as tx:
        polls = {watch.label: watch.polls for watch in await tx.watches.open()}
    assert polls == {"inference": 0, "Ada's training run": 1}
    alter(stage, "DROP TRIGGER odd")
    await stage.ends(stage.alice, "inference is running on gpu1", within=400)


async def test_a_watch_without_its_arguments_still_comes_to_an_end(stage: Stage) -> None:
    off(stage)
    await stage.asks(stage.alice, "/dbc snapshot create inference s1 to=hub")
    alter(stage, "UPDATE executions SET arguments = '{}', facts = '{}' WHERE status = 'following'")
    await stage.ends(stage.alice, "inference on gpu1: snapshot s1 is on hub", within=300)


async def test_a_watch_of_a_command_that_is_gone_is_followed_to_its_end(stage: Stage) -> None:
    off(stage)
    await stage.asks(stage.alice, "/dbc vm start inference")
    alter(stage, "UPDATE executions SET command = 'vm.ignite' WHERE status = 'following'")
    await stage.ends(stage.alice, "inference has changed on gpu1")


async def test_a_watch_that_lacks_what_it_compares_with_holds_up_no_other(stage: Stage) -> None:
    off(stage)
    off(stage, "Ada's training run")
    await stage.asks(stage.alice, "/dbc disk add inference 50")
    alter(stage, "UPDATE watches SET about = '{}' WHERE goal = 'added'")
    await stage.asks(stage.alice, "/dbc disk add Ada 60")
    await stage.ends(stage.alice, "Ada's training run on gpu1 has a new disk")


async def test_a_message_that_cannot_be_read_holds_up_no_other(stage: Stage) -> None:
    off(stage)
    await stage.asks(stage.alice, "/dbc vm start inference")
    alter(stage, "UPDATE messages SET content = 'nonsense', version = version + 1")
    with capture_logs() as logs:
        await stage.ends(stage.alice, "inference is running on gpu1")
        for _ in range(3):
            await stage.passes(60)
    lost = [entry for entry in logs if entry.get("reason") == "its record is damaged"]
    keys = [entry["key"] for entry in lost]
    assert len(keys) == len(set(keys))


async def test_a_click_that_cannot_be_counted_holds_up_no_other(stage: Stage) -> None:
    question: SeenMessage = await asked(stage, DELETE)
    alter(
        stage,
        "INSERT INTO votes (key, approval, user, verdict, at, channel, thread, reason, state, why) "
        "SELECT 'odd', id, ?, 'shrug', '2026-01-05 08:00:00', 'C', '', '', 'pending', '' "
        "FROM approvals",
        stage.carol.id,
    )  # fmt: skip
    alter(
        stage,
        "INSERT INTO votes (key, approval, user, verdict, at, channel, thread, reason, state, why) "
        "SELECT 'good', id, ?, 'approve', '2026-01-05 08:00:01', ?, '', '', 'pending', '' "
        "FROM approvals",
        stage.bob.id, question.channel,
    )  # fmt: skip
    await stage.passes(30)
    await stage.ends(stage.alice, "inference is deleted on gpu1")


async def test_an_audit_row_with_a_damaged_date_is_shown_without_it(stage: Stage) -> None:
    await stage.asks(stage.alice, "/dbc vm name inference i1")
    newest = "seq = (SELECT max(seq) FROM audit)"
    with closing(sqlite3.connect(f"{stage.data}/bot.db")) as database:
        ((at,),) = database.execute(f"SELECT at FROM audit WHERE {newest}").fetchall()
    alter(stage, "DROP TRIGGER audit_refuses_update")
    alter(stage, f"UPDATE audit SET at = 'nonsense' WHERE {newest}")
    for line in ("audit list", "audit list --json"):
        seen = await stage.asks(stage.alice, f"/dbc {line}")
        assert "went wrong" not in seen.plain
        assert "2000-01-01" not in seen.plain
    assert "time not known" in (await stage.asks(stage.alice, "/dbc audit list")).plain
    alter(stage, "UPDATE audit SET at = ? WHERE at = 'nonsense'", at)


async def test_an_audit_row_of_a_newer_version_hides_no_other(stage: Stage) -> None:
    await stage.asks(stage.alice, "/dbc vm name inference i1")
    with closing(sqlite3.connect(f"{stage.data}/bot.db")) as database, database:
        database.row_factory = sqlite3.Row
        last = dict(database.execute("SELECT * FROM audit ORDER BY seq DESC").fetchone())
        newer = {**last, "seq": last["seq"] + 1, "kind": "was_moved", "outcome": ""}
        newer["prev_hash"] = last["hash"]
        newer["hash"] = hash_of(newer)
        values = ", ".join(f":{name}" for name in newer)
        database.execute(f"INSERT INTO audit ({', '.join(newer)}) VALUES ({values})", newer)
    for line in ("audit list", "audit list --json", "audit export"):
        seen = await stage.asks(stage.alice, f"/dbc {line}")
        assert "went wrong" not in seen.plain, line
    shown = (await stage.asks(stage.alice, "/dbc audit list")).plain
    assert "was moved" in shown
    assert "vm name" in shown
    url = f"sqlite+aiosqlite:///{stage.data}/bot.db"
    for command in ("verify", "export"):
        run = await asyncio.to_thread(
            CliRunner().invoke, audit_cli.audit, [command, "--database", url]
        )
        assert run.exit_code == 0, run.output
    assert "was_moved" in run.output


@pytest.mark.slow
@pytest.mark.parametrize(
    ("table", "column", "row"),
    [
        ("executions", "status", "command"),
        ("approvals", "status", "review"),
        ("votes", "state", "vote"),
        ("votes", "verdict", "vote"),
        ("watches", "state", "watch"),
        ("session_shares", "kind", "share of"),
        ("access_requests", "state", "request for access"),
    ],
)
async def test_a_row_with_a_word_of_a_newer_version_stands_alone_and_is_told_once(
    stage: Stage, table: str, column: str, row: str
) -> None:
    await has_rows_of_all_kinds(stage)
    newest = f"rowid = (SELECT max(rowid) FROM {table})"
    alter(stage, f"UPDATE {table} SET {column} = 'of_later' WHERE {newest}")
    with capture_logs() as logs:
        for _ in range(3):
            await stage.passes(60)
        for line in ("vm list", "approval list", "watch list", "session list", "audit list"):
            seen = await stage.asks(stage.bob, f"/dbc {line}")
            assert "went wrong" not in seen.plain, line
        off(stage, "Ada's training run")
        await stage.asks(stage.bob, "/dbc vm start Ada")
        await stage.ends(stage.bob, "Ada's training run is running on rack-a", within=400)
    assert [entry for entry in logs if entry["log_level"] == "error"] == []
    damaged = [entry["row"] for entry in logs if entry["event"] == "row.damaged"]
    assert damaged == [row]
    assert any(
        f"this version does not know its {column}" in str(t) for t in stage.bot.health.lessened
    )


async def test_a_date_that_cannot_be_read_is_null_in_json(stage: Stage) -> None:
    alter(stage, "UPDATE dbc_sessions SET added_at = 'x', checked_at = 'x'")
    await asked(stage)
    alter(stage, "UPDATE executions SET created_at = 'x' WHERE status = 'waiting'")
    for line in ("session list", "approval list", "audit list", "node list"):
        seen = await stage.asks(stage.alice, f"/dbc {line} --json")
        assert "2000-01-01" not in seen.plain, line


async def test_a_name_of_a_newer_version_stops_nothing_and_is_told(stage: Stage) -> None:
    alter(stage, "INSERT INTO names (kind, target, name, folded) VALUES ('lan', 'x', 'y', 'y')")
    assert "inference" in (await stage.asks(stage.alice, "/dbc vm list")).plain
    await approves(stage, stage.carol, await asked(stage))
    assert stage.changes() == ["tasks.delete"]
    with capture_logs() as logs:
        await stage.passes(120)
    found = {(one["row"], one["id"]) for one in logs if one["event"] == "row.damaged"}
    assert found == {("nickname of", "x")}


async def test_a_damaged_note_of_an_open_home_keeps_no_other_from_being_shown_anew(
    stage: Stage,
) -> None:
    await stage.alice.opens_home()
    await stage.alice.sees_home("inference")
    for user, value in (("U0BOB", "whenever 1"), ("U0CAROL", "2026-01-05 1")):
        alter(stage, "INSERT INTO readers (about, id, value) VALUES ('home', ?, ?)", user, value)
    await stage.restart_bot()
    await stage.asks(stage.alice, "/dbc vm name inference train-01")
    await stage.passes(5)
    await stage.alice.sees_home("train-01")


@pytest.mark.parametrize("content", ["{", '{"from": "a newer version"}'])
async def test_a_share_whose_message_cannot_be_read_is_given_anew_and_taken_back(
    stage: Stage, content: str
) -> None:
    await stage.erases_session(stage.bob, "gpu1")
    await shares(stage, "@bob")
    await stage.passes(60)
    alter(stage, "UPDATE messages SET content = ? WHERE key LIKE 'share:%'", content)
    await shares(stage, "@bob for 3 hours")
    alter(stage, "UPDATE messages SET content = ? WHERE key LIKE 'share:%'", content)
    seen = await stage.asks(stage.alice, "/dbc session unshare gpu1 with @bob")
    assert "went wrong" not in seen.plain
    assert "inference" not in (await stage.asks(stage.bob, "/dbc vm list")).plain
