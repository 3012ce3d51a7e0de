"""The auditor's command line, on a database that others have written."""

import asyncio
import csv
import io
import json
import os
import sqlite3
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from cryptography.fernet import Fernet

from bot.__main__ import main
from bot.cli import audit as audit_cli
from bot.ids import NodeId, TaskId
from bot.model import AuditHead, ExecutionStatus
from bot.reviews.audit_stream import SCHEMA
from storage import Store, Vault
from tests import forked, janitor
from tests.databases import begin
from tests.storage.samples import LATER, NOW, SOON, execution

ROOT = Path(__file__).parents[2]


async def _fill(url: str) -> AuditHead:
    store = Store(url, Vault([Fernet.generate_key().decode()]))
    await store.migrate()
    for name in ("1", "2", "3"):
        asked = execution(name, actor=f"U00000{name}", arguments={"vm": "=SUM(1)", "note": "重启"})
        assert await store.record(asked, by="p", until=SOON)
        async with store.write() as tx:
            await tx.executions.set_target(
                asked.id, NodeId("node-1"), TaskId(f"task-{name}"), "train-01", {}
            )
            await tx.executions.set_status(
                asked.id,
                ExecutionStatus.DONE,
                outcome="=1+1",
                now=LATER,
                expect={ExecutionStatus.RECORDED},
            )
    async with store.read() as tx:
        head = await tx.audit.head()
    await store.close()
    assert head is not None
    return head


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "bot.db"


@pytest.fixture
def head(file: Path) -> AuditHead:
    """The head of an audit of six rows."""
    begin(file)
    return asyncio.run(_fill(f"sqlite+aiosqlite:///{file}"))


def audit(file: Path, *arguments: str) -> Result:
    """`audit …` with nothing set but the database."""
    settings = {"DATABASE_URL": f"sqlite+aiosqlite:///{file}"}
    return CliRunner().invoke(audit_cli.audit, arguments, env=settings)


def tamper(file: Path, *statements: str) -> None:
    with sqlite3.connect(file) as connection:
        for kind in ("update", "delete", "replace"):
            connection.execute(f"DROP TRIGGER audit_refuses_{kind}")
        for statement in statements:
            connection.execute(statement)
    connection.close()


@pytest.mark.slow
@pytest.mark.parametrize("touched", [False, True])
def test_the_exit_code_says_whether_the_audit_is_sound(
    file: Path, head: AuditHead, *, touched: bool
) -> None:
    if touched:
        tamper(file, "UPDATE audit SET actor = 'U9' WHERE seq = 4")
    done = forked.run(
        ["audit", "verify", "--database", f"sqlite:///{file}"],
        {"PATH": os.environ["PATH"]} | janitor.inherited(),
        file.parent,
    )
    assert done.returncode == int(touched)
    assert ("Row 4 was altered" in done.stderr) is touched
    assert (f"6 rows, all sound. Head: 6:{head.hash}" in done.stdout) is not touched


def test_another_database_is_named_by_its_path_or_url_and_told_of_as_it_was_given(
    file: Path, head: AuditHead, tmp_path: Path
) -> None:
    nowhere = tmp_path / "none.db"
    done = audit(nowhere, "verify", "--database", str(file))
    assert f"6 rows, all sound. Head: 6:{head.hash}" in done.output
    for given, told in (
        (str(nowhere), f"There is no database {nowhere}."),
        ("mysql://x", "--database is not an address that the bot can use."),
        ("postgresql://a:s3cret@127.0.0.1:9/x", "--database names cannot be used: connection re"),
    ):
        for command in ("verify", "export"):
            done = audit(file, command, "--database", given)
            assert (done.exit_code, told in done.output) == (1, True), done.output
            assert "DATABASE_URL" not in done.output
            assert "s3cret" not in done.output


def test_a_database_that_no_bot_has_used_is_named_and_no_traceback_shown(
    file: Path, postgres_url: str
) -> None:
    sqlite3.connect(file).execute("CREATE TABLE others (one TEXT)").connection.close()
    told = " has no audit: no bot has used it. Name the one that the bot uses."
    env = {"DATABASE_URL": postgres_url, "CREDENTIAL_KEYS": Fernet.generate_key().decode()}
    for command in ("verify", "export"):
        for database, name in ((str(file), "--database"), (postgres_url, "--database"), ("", "")):
            given = ["--database", database] if database else []
            done = CliRunner().invoke(main, ["audit", command, *given], env=env)
            assert f"The database that {name or 'DATABASE_URL'} names{told}" in done.output
            assert done.exit_code == 1
    listed = CliRunner().invoke(main, ["keys", "list"], env=env)
    assert (listed.exit_code, "  0 rows  (encrypts)" in listed.output) == (0, True)


def test_a_sound_audit_fits_its_head(file: Path, head: AuditHead) -> None:
    assert "shows only against a head" in audit(file, "verify").stdout
    done = audit(file, "verify", "--head", f"6:{head.hash}")
    assert (done.exit_code, "shows only against" in done.stdout) == (0, False)


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        ("UPDATE audit SET actor = 'U9' WHERE seq = 4", "Row 4 was altered"),
        ("DELETE FROM audit WHERE seq = 2", "Row 2 was removed: after row 1 comes 3"),
        ("DELETE FROM audit WHERE seq = 1", "Row 1 was removed: the first is 2"),
        ("DELETE FROM audit WHERE seq > 4", "Row 5 and all after it were cut off"),
    ],
)
def test_what_was_tampered_with_is_named(
    file: Path, head: AuditHead, statement: str, told: str
) -> None:
    tamper(file, statement)
    done = audit(file, "verify", "--head", f"6:{head.hash}")
    assert done.exit_code == 1
    assert told in done.stderr


def test_an_audit_without_any_row_is_not_called_sound(file: Path, head: AuditHead) -> None:
    tamper(file, "DELETE FROM audit")
    done = audit(file, "verify")
    assert done.exit_code == 1
    assert "There is no row" in done.stderr


@pytest.mark.slow
def test_a_reader_that_has_enough_ends_an_export(file: Path, head: AuditHead) -> None:
    done = subprocess.run(
        f"{sys.executable} -m bot audit export --database sqlite:///{file} | true",
        shell=True,
        cwd=file.parent,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stderr == ""


def test_another_database_can_be_verified(file: Path, head: AuditHead, tmp_path: Path) -> None:
    copy = tmp_path / "copy.db"
    with sqlite3.connect(file) as source, sqlite3.connect(copy) as target:
        source.backup(target)
    source.close()
    target.close()
    done = audit(tmp_path / "none.db", "verify", "--database", f"sqlite:///{copy}")
    assert (done.exit_code, head.hash in done.stdout) == (0, True)


@pytest.mark.parametrize("text", ["6", "6:abc", "0:" + "a" * 64])
def test_a_head_that_is_none_is_refused(file: Path, head: AuditHead, text: str) -> None:
    assert audit(file, "verify", "--head", text).exit_code == 2


def test_a_database_that_is_not_there_is_said(file: Path) -> None:
    done = audit(file, "verify")
    assert done.exit_code == 1
    assert "There is no database" in done.stderr
    assert not file.exists()


def recipe() -> str:
    """How the documentation says that anybody can verify an export."""
    text = (ROOT / "docs" / "audit.md").read_text(encoding="utf-8")
    return text.partition("```python\n")[2].partition("```")[0]


def test_json_lines_can_be_verified_as_documented(
    file: Path, head: AuditHead, monkeypatch: pytest.MonkeyPatch
) -> None:
    output = file.parent / "audit.jsonl"
    assert audit(file, "export", "--output", str(output)).exit_code == 0
    found: list[dict[str, Any]] = [
        json.loads(line) for line in output.read_text(encoding="utf-8").splitlines()
    ]
    assert [row["seq"] for row in found] == [1, 2, 3, 4, 5, 6]
    assert found[0]["arguments"] == {"vm": "=SUM(1)", "note": "重启"}
    assert found[-1]["hash"] == head.hash
    monkeypatch.chdir(file.parent)
    checked = compile(recipe(), "docs/audit.md", "exec")
    exec(checked, {})
    found[3]["reason"] = "forged"
    output.write_text("".join(json.dumps(row) + "\n" for row in found), encoding="utf-8")
    with pytest.raises(AssertionError, match="4"):
        exec(checked, {})


def test_an_export_is_a_new_file_that_nobody_else_reads(file: Path, head: AuditHead) -> None:
    output = file.parent / "audit.jsonl"
    assert audit(file, "export", "--output", str(output)).exit_code == 0
    assert stat.S_IMODE(output.stat().st_mode) == 0o600
    before = output.read_bytes()
    done = audit(file, "export", "--since", "1h", "--output", str(output))
    assert (done.exit_code, output.read_bytes()) == (1, before)
    assert f"{output} exists already. Name a new file." in done.stderr
    done = audit(file, "export", "--output", str(file.parent / "missing" / "a.jsonl"))
    assert (done.exit_code, "cannot be written: No such file" in done.stderr) == (1, True)
    gone = audit(file.parent / "gone.db", "export", "--output", str(file.parent / "b.jsonl"))
    assert gone.exit_code == 1
    assert not (file.parent / "b.jsonl").exists()
    assert audit(file, "export", "--output", "/dev/null").exit_code == 0


def test_a_stream_can_be_verified_as_documented(
    file: Path,
    head: AuditHead,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    whole = [json.loads(line) for line in audit(file, "export").stdout.splitlines()]
    rows = [{"schema": SCHEMA, **row} for row in whole]
    cut = {**rows[2], "arguments": {}, "details": {}, "truncated": True}
    stream = file.parent / "audit.jsonl"
    monkeypatch.chdir(file.parent)
    checked = compile(recipe(), "docs/audit.md", "exec")

    def check(rows: list[dict[str, Any]]) -> None:
        stream.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        exec(checked, {})

    check(rows)
    check([*rows[:2], cut, *rows[1:]])  # a batch came twice
    check([*rows[:2], cut, *rows[3:]])
    capsys.readouterr()
    check(rows[3:])  # it was rotated, or goes on elsewhere
    assert capsys.readouterr().out.startswith("Sound, from row 4 on.")
    for wrong in ([*rows[:3], {**rows[3], "reason": "forged"}], [*rows[:2], *rows[3:]]):
        with pytest.raises(AssertionError, match="4"):
            check(wrong)


def test_csv_runs_no_formula(file: Path, head: AuditHead, tmp_path: Path) -> None:
    output = tmp_path / "audit.csv"
    done = audit(file, "export", "--format", "csv", "--output", str(output))
    assert (done.exit_code, done.stdout) == (0, f"Exported 6 rows to {output}.\n")
    found = list(csv.DictReader(io.StringIO(output.read_text(encoding="utf-8"))))
    assert [row["kind"] for row in found] == ["requested", "ended"] * 3
    assert found[1]["reason"] == "'=1+1"
    assert json.loads(found[0]["arguments"])["note"] == "重启"


@pytest.mark.parametrize(
    ("options", "seqs"),
    [
        (["--person", "U000002"], [3, 4]),
        (["--person", "<@U000002>"], [3, 4]),
        (["--machine", "task-3"], [5, 6]),
        (["--machine", "TRAIN"], [1, 2, 3, 4, 5, 6]),
        (["--machine", "nothere"], []),
        (["--command", "Restart", "--outcome", "Done"], [2, 4, 6]),
        (["--command", "delete"], []),
        (["--command", "vm restart", "--outcome", "done"], [2, 4, 6]),
        (["--since", LATER.isoformat()], [2, 4, 6]),
        (["--until", NOW.date().isoformat()], [1, 2, 3, 4, 5, 6]),
        (["--since", "1h"], []),
    ],
)
def test_an_export_is_narrowed(
    file: Path, head: AuditHead, options: list[str], seqs: list[int]
) -> None:
    done = audit(file, "export", *options)
    assert done.exit_code == 0, done.stderr
    assert [json.loads(line)["seq"] for line in done.stdout.splitlines()] == seqs
    assert done.stderr == ("" if seqs else "0 rows: no row of the audit fits.\n")


@pytest.mark.parametrize(
    ("option", "value", "told"),
    [
        ("--person", "bob", "“bob” is no Slack id, like U0123ABCD."),
        ("--outcome", "zzz", "There is no outcome “zzz”"),
        ("--command", "zzz", "There is no command “zzz”"),
        ("--command", "vm zzz", "There is no command “vm zzz”"),
    ],
)
def test_what_cannot_be_in_the_audit_is_refused(
    file: Path, head: AuditHead, option: str, value: str, told: str
) -> None:
    output = file.parent / "audit.jsonl"
    for more in ((), ("--output", str(output))):
        done = audit(file, "export", option, value, *more)
        assert (done.exit_code, done.stdout, told in done.stderr) == (2, "", True)
    assert not output.exists()


def test_what_a_former_version_has_written_can_be_searched_for(file: Path, head: AuditHead) -> None:
    with sqlite3.connect(file) as connection:
        for (name,) in connection.execute(
            "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'audit'"
        ).fetchall():
            connection.execute(f"DROP TRIGGER {name}")
        connection.execute("UPDATE audit SET command = 'vm.former', outcome = 'went' WHERE seq = 2")
    for option, value in (("--command", "former"), ("--outcome", "went")):
        done = audit(file, "export", option, value)
        assert [json.loads(line)["seq"] for line in done.stdout.splitlines()] == [2]


def test_a_time_that_is_none_is_refused(file: Path, head: AuditHead) -> None:
    done = audit(file, "export", "--since", "someday")
    assert (done.exit_code, "I don't understand the time" in done.stderr) == (2, True)


@pytest.mark.parametrize("column", ["kind", "at", "actor", "arguments", "details", "hash"])
@pytest.mark.parametrize("value", ["'x'", "x'ff'", "'7'"])
def test_an_export_has_every_row_also_what_cannot_be_read(
    file: Path, head: AuditHead, column: str, value: str
) -> None:
    tamper(file, f"UPDATE audit SET {column} = {value} WHERE seq = 4")
    for form in ("jsonl", "csv"):
        done = audit(file, "export", "--format", form)
        assert (done.exit_code, done.stderr) == (0, "")
        assert len(done.stdout.splitlines()) == 6 + (form == "csv")
