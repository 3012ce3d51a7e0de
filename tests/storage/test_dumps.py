"""`python -m bot restore FILE` with PostgreSQL: what cannot be restored leaves what is there."""

import asyncio
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import pytest
from click.testing import CliRunner, Result
from cryptography.fernet import Fernet
from sqlalchemy import make_url

from bot.__main__ import main
from bot.model import ApprovalStatus, AuditKind, ExecutionStatus
from storage import Store, Vault, put_back_dump
from storage.migrations import HEAD
from tests import forked, janitor
from tests.cli.test_run import ENOUGH
from tests.storage.samples import session
from tests.storage.test_put_back import stands, waits

KEY = Fernet.generate_key().decode()
UNFINISHED = (
    "This database is being restored from a backup, or its restore was broken off. No bot uses it "
    "before that is through. Where it was broken off, repeat it: python -m bot restore FILE"
)
TABLES = ("executions", "approvals", "audit", "dbc_sessions", "alembic_version")


class Site:
    """A database of the bot's in which something waits, and the dump of it."""

    def __init__(self, url: str, programs: Path, directory: Path) -> None:
        self.url = url
        self.dump = directory / "backup.dump"
        self._path = f"{programs}{os.pathsep}{os.environ['PATH']}"

    def fill(self) -> None:
        asyncio.run(waits(self.url, Vault([KEY])))
        asyncio.run(_keep_session(self.url))
        self.dumped("--format=custom", f"--file={self.dump}")

    def dumped(self, *arguments: str) -> bytes:
        return self.program("pg_dump", *arguments, f"--dbname={self.url}")

    def program(self, name: str, *arguments: str) -> bytes:
        words = [str(self.program_named(name)), *arguments]
        return subprocess.run(words, check=True, capture_output=True).stdout

    def program_named(self, name: str) -> Path:
        return Path(self._path.partition(os.pathsep)[0]) / name

    def env(self, url: str = "", key: str = KEY) -> dict[str, str]:
        return {"DATABASE_URL": url or self.url, "CREDENTIAL_KEYS": key, "PATH": self._path}

    def restore(self, *arguments: str, key: str = KEY, url: str = "", typed: str = "") -> Result:
        env = self.env(url, key)
        return CliRunner().invoke(main, ["restore", *arguments], env=env, input=typed)

    def content(self, url: str = "") -> str:
        return asyncio.run(_content(url or self.url))

    def run(self, statement: str) -> None:
        asyncio.run(_run(self.url, statement))


async def _keep_session(url: str) -> None:
    store = Store(url, Vault([KEY]))
    async with store.write() as tx:
        await tx.sessions.put(session("U1"))
    await store.close()


async def _content(url: str) -> str:
    connection = await asyncpg.connect(url)
    try:
        return str([await connection.fetch(f"SELECT * FROM {one} ORDER BY 1") for one in TABLES])
    finally:
        await connection.close()


async def _run(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


@pytest.fixture
def site(postgres: Any, postgres_url: str, tmp_path: Path) -> Site:
    made = Site(postgres_url, postgres.bin_path, tmp_path)
    made.fill()
    return made


@pytest.fixture
def empty_url(site: Site) -> Iterator[str]:
    name = f"empty_{uuid4().hex}"
    asyncio.run(_run(site.url, f"CREATE DATABASE {name}"))
    yield make_url(site.url).set(database=name).render_as_string(hide_password=False)
    asyncio.run(_run(site.url, f"DROP DATABASE {name} WITH (FORCE)"))


def test_a_dump_that_no_key_opens_leaves_the_database_untouched(site: Site) -> None:
    site.run("DELETE FROM approvals")  # what has happened since the backup
    before = site.content()
    done = site.restore(str(site.dump), "--yes", key=Fernet.generate_key().decode())
    assert done.exit_code == 1
    assert "was not restored. No key opens 1 of 1 encrypted row in it." in done.output
    assert "at the end of CREDENTIAL_KEYS, then restore it." in done.output
    assert site.content() == before


def test_a_dump_is_put_back_and_nothing_that_waited_in_it_is_sent(site: Site) -> None:
    site.run("DELETE FROM approvals")
    refused = site.restore(str(site.dump), typed="n\n")
    assert "replaces all that the database" in refused.output
    assert "No bot uses it before this is through" in refused.output
    assert refused.exit_code == 1
    done = site.restore(str(site.dump), typed="y\n")
    assert done.exit_code == 0, done.output
    running, asked, kinds = asyncio.run(stands(site.url, Vault([KEY])))
    assert running == [ExecutionStatus.RUNNING]
    assert asked == [ApprovalStatus.VOID]
    assert AuditKind.RESTORED in kinds
    assert "backup.dump" in site.content()


# pg_restore, and a restore that is killed just before or just after it has put the dump back.
_KILLS = """#!/bin/sh
case "$*" in *--single-transaction*) ;; *) exec "{program}" "$@" ;; esac
[ "{when}" = after ] && "{program}" "$@"
kill -9 $PPID
"""


@pytest.mark.parametrize(("when", "is_empty"), [("before", True), ("after", False)])
def test_no_bot_uses_a_database_whose_restore_was_killed(
    when: str, is_empty: bool, site: Site, empty_url: str, tmp_path: Path
) -> None:
    url = empty_url if is_empty else site.url
    site.run("DELETE FROM approvals")
    killer, program = tmp_path / "bin" / "pg_restore", site.program_named("pg_restore")
    killer.parent.mkdir()
    killer.write_text(_KILLS.format(program=program, when=when))
    killer.chmod(0o700)
    nowhere = {"SLACK_API_URL": "http://127.0.0.1:9/", "DBC_CLIENT_URLS": "http://127.0.0.1:9"}
    env = {**ENOUGH, **nowhere, **site.env(url), **janitor.inherited()}
    path = f"{killer.parent}{os.pathsep}{env['PATH']}"
    words = ["restore", str(site.dump), "--yes"]
    assert forked.run(words, {**env, "PATH": path}, tmp_path).returncode == -signal.SIGKILL
    started = forked.run(["run"], env, tmp_path)
    assert (started.returncode, started.stderr.splitlines()[-1]) == (4, f"Error: {UNFINISHED}")
    rotated = forked.run(["keys", "rotate", "--yes"], env, tmp_path)
    assert (rotated.returncode, rotated.stderr) == (1, f"Error: {UNFINISHED}\n")
    assert "its restore was broken off." in forked.run(["doctor"], env, tmp_path).stdout
    done = site.restore(*words[1:], url=url)
    assert done.exit_code == 0, done.output
    running, asked, _ = asyncio.run(stands(url, Vault([KEY])))
    assert (running, asked) == ([ExecutionStatus.RUNNING], [ApprovalStatus.VOID])
    assert f"version_num='{HEAD}'" in site.content(url)


def test_a_restore_that_is_refused_ends_no_other_that_was_broken_off(site: Site) -> None:
    site.run("INSERT INTO alembic_version VALUES ('being_restored')")
    site.run("CREATE VIEW in_the_way AS SELECT * FROM executions")
    done = site.restore(str(site.dump), "--yes")
    assert (done.exit_code, "nothing was changed" in done.output) == (1, True)
    assert "being_restored" in site.content()


def test_a_dump_is_put_into_an_empty_database_also_where_the_key_is_lost(
    site: Site, empty_url: str
) -> None:
    other = Fernet.generate_key().decode()
    done = site.restore(str(site.dump), "--without-key", key=other, url=empty_url)
    assert done.exit_code == 0, done.output
    assert "Warning: no key opens 1 of 1 encrypted row." in done.output
    assert HEAD in site.content(empty_url)


def test_what_pg_restore_refuses_changes_nothing(site: Site, empty_url: str) -> None:
    asyncio.run(_run(empty_url, "CREATE TABLE messages (of_another_program text)"))
    done = site.restore(str(site.dump), url=empty_url)
    assert (done.exit_code, "nothing was changed" in done.output) == (1, True)
    assert 'relation "messages" already exists' in done.output
    asyncio.run(_run(empty_url, "SELECT of_another_program FROM messages"))
    with pytest.raises(asyncpg.UndefinedTableError):
        asyncio.run(_run(empty_url, "SELECT 1 FROM alembic_version"))


def test_a_dump_of_another_version_is_not_put_over_the_database(site: Site) -> None:
    site.run("UPDATE alembic_version SET version_num = 'of_tomorrow'")
    before = site.content()
    over = site.restore(str(site.dump), "--yes")
    assert "is of another version than the database" in over.output
    assert "a new, empty database" in over.output
    newer = site.dump.with_name("newer.dump")
    site.dumped("--format=custom", f"--file={newer}")
    refused = site.restore(str(newer), "--yes")
    assert (
        "was not restored: it is of a newer version of the bot (schema of_tomorrow)"
        in refused.output
    )
    assert (over.exit_code, refused.exit_code, site.content() == before) == (1, 1, True)


@pytest.mark.slow
def test_a_dump_that_has_tables_of_other_programs_is_not_put_over_them(
    site: Site, empty_url: str
) -> None:
    site.run(
        "CREATE TABLE invoices (paid int); INSERT INTO invoices VALUES (1); "
        "CREATE SCHEMA jobs; CREATE TABLE jobs.messages (sent int)"
    )
    site.dumped("--format=custom", f"--file={site.dump}")
    site.run("UPDATE invoices SET paid = 2")
    before = site.content()
    refused = site.restore(str(site.dump), "--yes")
    assert "tables of other programs" in refused.output
    assert "since the backup: jobs.messages, public.invoices." in refused.output
    assert "a new, empty database" in refused.output
    site.run("SELECT 1 / (paid - 1) FROM invoices")  # fails where it is 1 again
    assert (refused.exit_code, site.content() == before) == (1, True)
    done = site.restore(str(site.dump), url=empty_url)
    assert done.exit_code == 0, done.output


@pytest.mark.parametrize(
    ("format_", "told"), [("tar", "Nothing was changed"), ("inserts", "with --inserts")]
)
def test_other_kinds_of_dumps_are_looked_at_or_said_to_be_unreadable(
    site: Site, format_: str, told: str
) -> None:
    made = site.dump.with_name("other.dump")
    kind = "--inserts" if format_ == "inserts" else f"--format={format_}"
    site.dumped(kind, f"--file={made}")
    assert told in site.restore("--check", str(made)).output


def test_where_pg_restore_is_elsewhere_its_output_is_looked_at(site: Site) -> None:
    script = site.program("pg_restore", "--data-only", "--file=-", str(site.dump)).decode()
    opened = site.restore("--check", "-", typed=script)
    assert (opened.exit_code, "The keys open 1 encrypted row" in opened.output) == (0, True)
    lost = site.restore("--check", "-", typed=script, key=Fernet.generate_key().decode())
    assert (lost.exit_code, "No key opens 1 of 1 encrypted row" in lost.output) == (1, True)
    for nothing in ("", "--\n-- PostgreSQL database dump complete\n--\n"):
        assert (
            "is no dump of a database of the bot"
            in site.restore("--check", "-", typed=nothing).output
        )


def test_a_look_at_a_dump_warns_of_a_bot_that_is_connected(site: Site) -> None:
    async def looked() -> Result:
        named = {"application_name": "dbc-bot another"}
        running = await asyncpg.connect(site.url, server_settings=named)
        try:
            return await asyncio.to_thread(site.restore, "--check", str(site.dump))
        finally:
            await running.close()

    warning = "Warning: the database is in use by 1 process of the bot. Stop every bot before"
    beside = asyncio.run(looked())
    assert (beside.exit_code, warning in beside.output) == (0, True)
    assert "Warning" not in site.restore("--check", str(site.dump)).output
    unseen = site.restore("--check", str(site.dump), url="postgresql://127.0.0.1:9/x")
    assert (unseen.exit_code, "could not be looked at: " in unseen.output) == (0, True)


def test_input_that_is_cut_short_is_said_to_be_that(site: Site) -> None:
    script = site.program("pg_restore", "--data-only", "--file=-", str(site.dump)).decode()
    row = script.index("\n", script.index("COPY public.dbc_sessions")) + 1
    for cut in (script[: row + 2], script[: row + 2] + "\n\\.\n", script[:row]):
        done = site.restore("--check", "-", typed=cut)
        assert done.exit_code == 1
        assert "The input is cut short or damaged" in done.output


def test_what_other_roles_may_do_does_not_have_to_be_there(site: Site, empty_url: str) -> None:
    role = f"reader_{uuid4().hex}"
    site.run(f"CREATE ROLE {role}; GRANT SELECT ON executions TO {role}")
    site.dumped("--format=custom", f"--file={site.dump}")
    site.run(f"DROP OWNED BY {role}; DROP ROLE {role}")
    done = site.restore(str(site.dump), url=empty_url)
    assert done.exit_code == 0, done.output


def test_without_postgresql_s_tools_it_says_where_they_are_needed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dump = tmp_path / "backup.dump"
    dump.write_bytes(b"PGDMP")
    env = {"DATABASE_URL": "postgresql+asyncpg://db/bot", "CREDENTIAL_KEYS": KEY, "PATH": "/none"}
    done = CliRunner().invoke(main, ["restore", str(dump)], env=env)
    assert (done.exit_code, "pg_restore is not installed here." in done.output) == (1, True)


@pytest.mark.parametrize(
    ("where", "given"),
    [
        ("me:p%40ss@db:6432/bot?sslmode=require", "me p@ss db 6432 require"),
        ("me@[::1]:5432/bot", "me  ::1 5432 "),
        ("me@/bot?host=/tmp/x", "me  /tmp/x  "),
        ("me:x@/bot?host=a:1&host=b:2", "me x a,b 1,2 "),
        ("me:x@/bot?host=a,b&port=1,2", "me x a,b 1,2 "),
    ],
)
def test_pg_restore_goes_where_the_bot_would_go(
    where: str, given: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "pg_restore"
    names = ("PGUSER", "PGPASSWORD", "PGHOST", "PGPORT", "PGSSLMODE")
    for name in names:
        monkeypatch.delenv(name, raising=False)
    led_astray = ("PGSERVICE", "PGSERVICEFILE", "PGSYSCONFDIR", "PGHOSTADDR", "PGOPTIONS")
    for name in led_astray:
        monkeypatch.setenv(name, "elsewhere")
    told = " ".join(f"${name}" for name in names) + "".join(f"${name}" for name in led_astray)
    program.write_text(f'#!/bin/sh\necho "{told}|$*" > {tmp_path}/told\n')
    program.chmod(0o700)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    put_back_dump(tmp_path / "backup.dump", f"postgresql://{where}", replacing=False, marked_in="")
    env, _, words = (tmp_path / "told").read_text().strip("\n").partition("|")
    assert env == given
    assert "--dbname=bot" in words
    assert "ss" not in words.replace("--single-transaction", "")
