"""`python -m bot backup` and `restore`, on a database that a bot has left or is writing."""

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from cryptography.fernet import Fernet

from bot.__main__ import main
from bot.ids import ApprovalId, ExecutionId, UserId
from bot.model import (
    Approval,
    ApprovalStatus,
    AuditHead,
    AuditKind,
    ExecutionStatus,
    ReviewKind,
    Verdict,
    Vote,
    VoteState,
)
from storage import Archive, Inspection, Store, Vault
from storage.migrations import HEAD, REVISIONS
from tests.databases import begin
from tests.release import HERE as RELEASES
from tests.release import load
from tests.storage.samples import HERE, NOW, approval, execution, session

KEY = Fernet.generate_key().decode()
HOUR = timedelta(hours=1)
FAR = datetime(2099, 1, 1, tzinfo=UTC)  # the commands go by the true time


class Written:
    """A store that is open, with a journal that holds what the file lacks."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.url = f"sqlite+aiosqlite:///{file}"
        begin(file)
        self.runner = asyncio.Runner()
        self.store = Store(self.url, Vault([KEY]))
        self.runner.run(self._fill())

    async def _fill(self) -> None:
        await self.store.own()
        await self.store.migrate()
        for name in ("1", "2", "3"):
            assert await self.store.record(execution(name), by="p", until=NOW + HOUR)

    def close(self) -> None:
        self.runner.run(self.store.close())

    async def opened(self) -> Store:
        store = Store(self.url, Vault([KEY]))
        await store.migrate()
        return store


@pytest.fixture
def written(tmp_path: Path) -> Iterator[Written]:
    one = Written(tmp_path / "data" / "bot.db")
    yield one
    one.close()
    one.runner.close()


def run(file: Path, *arguments: str) -> Result:
    settings = {"DATABASE_URL": f"sqlite+aiosqlite:///{file}"}
    return CliRunner().invoke(main, arguments, env=settings)


def head_of(file: Path) -> AuditHead:
    async def verify() -> AuditHead:
        archive = Archive(f"sqlite+aiosqlite:///{file}")
        fault, head = await archive.verify()
        await archive.close()
        assert fault is None
        return head

    return asyncio.run(verify())


def test_a_backup_beside_the_running_bot_holds_what_stands_only_in_the_journal(
    written: Written, tmp_path: Path
) -> None:
    copy = tmp_path / "backup.db"
    done = run(written.file, "backup", str(copy))
    assert done.exit_code == 0, done.output
    head = head_of(copy)
    assert head.seq == 3
    assert f"Audit head: 3:{head.hash}" in done.output
    assert copy.stat().st_mode & 0o777 == 0o600
    assert not list(tmp_path.glob(".backup*"))


def test_a_backup_never_replaces_a_file(written: Written, tmp_path: Path) -> None:
    copy = tmp_path / "backup.db"
    copy.write_text("precious")
    done = run(written.file, "backup", str(copy))
    assert (done.exit_code, "exists already" in done.output) == (1, True)
    assert copy.read_text() == "precious"
    assert not list(tmp_path.glob(".*"))


@pytest.mark.parametrize(
    "words",
    [("backup",), ("restore",), ("copy",), ("audit", "export", "--output"), ("policy", "test")],
)
def test_an_empty_text_is_no_path(written: Written, words: tuple[str, ...]) -> None:
    done = run(written.file, *words, "")
    assert (done.exit_code, "an empty text names no file" in done.output) == (2, True)


def test_a_backup_of_an_altered_audit_is_made_and_says_so(written: Written, tmp_path: Path) -> None:
    with closing(sqlite3.connect(written.file)) as raw, raw:
        raw.execute("DROP TRIGGER audit_refuses_update")
        raw.execute("UPDATE audit SET actor = 'U9' WHERE seq = 2")
    done = run(written.file, "backup", str(tmp_path / "backup.db"))
    assert (done.exit_code, "Row 2 was altered" in done.output) == (0, True)


def test_nothing_is_restored_under_a_running_bot(written: Written, tmp_path: Path) -> None:
    copy = tmp_path / "backup.db"
    run(written.file, "backup", str(copy))
    done = run(written.file, "restore", str(copy))
    assert done.exit_code == 1
    assert "Another process of the bot is using" in done.output


@pytest.mark.parametrize("content", [b"", b"no database", b"SQLite format 3\0" + b"x" * 4096])
def test_a_file_that_is_no_backup_leaves_the_database_alone(
    written: Written, tmp_path: Path, content: bytes
) -> None:
    written.close()
    before = written.file.read_bytes()
    copy = tmp_path / "backup.db"
    copy.write_bytes(content)
    done = run(written.file, "restore", str(copy))
    assert (done.exit_code, "no database of the bot" in done.output) == (1, True)
    assert "Traceback" not in done.output
    assert written.file.read_bytes() == before


def test_restored_is_what_was_backed_up_and_the_former_database_is_kept(
    written: Written, tmp_path: Path
) -> None:
    copy = tmp_path / "backup.db"
    run(written.file, "backup", str(copy))
    written.runner.run(written.store.record(execution("4"), by="p", until=NOW + HOUR))
    written.close()
    done = run(written.file, "restore", str(copy))
    assert done.exit_code == 0, done.output
    assert head_of(written.file).seq == 4  # the three of the backup, and that it was restored
    (former,) = written.file.parent.glob("bot.db.before-*[0-9Z]")
    assert head_of(former).seq == 4
    assert str(former) in done.output
    assert written.file.stat().st_mode & 0o777 == 0o600


def test_a_head_from_before_a_restore_is_told_of_the_backup_that_was_put_back(
    written: Written, tmp_path: Path
) -> None:
    copy = tmp_path / "backup.db"
    run(written.file, "backup", str(copy))
    backed_up = head_of(copy)
    for name in ("4", "5"):
        written.runner.run(written.store.record(execution(name), by="p", until=NOW + HOUR))
    written.close()
    later = head_of(written.file)
    run(written.file, "restore", str(copy))
    told_of = (
        f"Row 4 says that the backup backup.db was put back, whose head was 3:{backed_up.hash}"
    )
    cut_off = run(written.file, "audit", "verify", "--head", f"5:{later.hash}").output
    assert "or that head is of another audit" in cut_off
    assert told_of in cut_off
    assert "Sound up to row 4." in cut_off
    other = run(written.file, "audit", "verify", "--head", f"4:{later.hash}").output
    assert "Row 4 is not the one of the given head" in other
    assert told_of in other
    assert "Sound up to row 4" not in other


def test_the_journal_of_a_database_that_was_deleted_gets_into_no_restored_one(
    written: Written, tmp_path: Path
) -> None:
    copy, journal = tmp_path / "backup.db", written.file.with_name("bot.db-wal")
    run(written.file, "backup", str(copy))
    written.runner.run(written.store.record(execution("4"), by="p", until=NOW + HOUR))
    left = journal.read_bytes()
    written.close()
    written.file.unlink()
    journal.write_bytes(left)  # as a bot that was killed leaves it
    done = run(written.file, "restore", str(copy))
    assert done.exit_code == 0, done.output
    with closing(sqlite3.connect(written.file)) as raw:
        kinds = [kind for (kind,) in raw.execute("SELECT kind FROM audit ORDER BY seq")]
    assert kinds == ["requested"] * 3 + ["restored"]
    assert not journal.exists()
    (aside,) = written.file.parent.glob("bot.db.before-*-wal")
    assert aside.read_bytes() == left


def test_a_backup_is_restored_where_there_is_no_database_yet(
    written: Written, tmp_path: Path
) -> None:
    copy, elsewhere = tmp_path / "backup.db", tmp_path / "new" / "bot.db"
    run(written.file, "backup", str(copy))
    assert run(elsewhere, "restore", str(copy)).exit_code == 0
    assert head_of(elsewhere).seq == 4


def test_with_postgresql_its_own_tools_are_named(tmp_path: Path) -> None:
    settings = {"DATABASE_URL": "postgresql+asyncpg://me:s3cret@db/bot"}
    done = CliRunner().invoke(main, ["backup", str(tmp_path / "b")], env=settings)
    assert (done.exit_code, "pg_dump" in done.output, "s3cret" in done.output) == (1, True, False)


def test_a_backup_that_no_key_opens_is_refused_before_anything_is_moved(
    written: Written, tmp_path: Path
) -> None:
    async def keeps() -> None:
        async with written.store.write() as tx:
            await tx.sessions.put(session("U1"))

    written.runner.run(keeps())
    copy, elsewhere = tmp_path / "backup.db", tmp_path / "new" / "bot.db"
    run(written.file, "backup", str(copy))
    done = run(elsewhere, "restore", str(copy))
    key_file = elsewhere.parent / "credential.key"
    assert done.exit_code == 1
    assert f"{copy} was not restored. No key opens 1 of 1 encrypted row in it." in done.output
    assert f"Put the key of the time of the backup into {key_file}, then" in done.output
    assert not elsewhere.exists()
    assert not key_file.exists()  # a fresh one would hide what is missing
    key_file.write_text(KEY)
    assert run(elsewhere, "restore", str(copy)).exit_code == 0
    before = elsewhere.read_bytes()
    key_file.write_text(Fernet.generate_key().decode())
    (key_file.parent / "credential.key.retired-12345678").write_text(KEY)
    refused = run(elsewhere, "restore", str(copy))
    assert (refused.exit_code, "credential.key.retired-12345678" in refused.output) == (1, True)
    assert elsewhere.read_bytes() == before
    assert not list(elsewhere.parent.glob("bot.db.before-*"))
    lost = run(elsewhere, "restore", "--without-key", str(copy))
    assert lost.exit_code == 0, lost.output
    assert "Warning: no key opens 1 of 1 encrypted row." in lost.output


@pytest.mark.parametrize("release", sorted(RELEASES.glob("*.sql")), ids=lambda path: path.stem)
def test_a_restore_of_an_older_version_s_backup_says_how_to_go_back(
    release: Path, tmp_path: Path
) -> None:
    load(release, tmp_path / "data")
    file, copy = tmp_path / "data" / "bot.db", tmp_path / "backup.db"
    assert run(file, "backup", str(copy)).exit_code == 0
    with closing(sqlite3.connect(copy)) as raw:
        [(former,)] = raw.execute(REVISIONS)
    done = run(file, "restore", str(copy))
    assert done.exit_code == 0, done.output
    assert f"The backup was of an older version (schema {former})" in done.output
    assert "install it first and restore the backup with it" in done.output
    with closing(sqlite3.connect(copy)) as raw:  # for the older version to restore
        assert raw.execute(REVISIONS).fetchall() == [(former,)]


@pytest.mark.parametrize("command", [("backup", "copy.db"), ("audit", "verify")])
def test_a_file_that_was_deleted_under_the_bot_is_told_as_that(
    written: Written, command: tuple[str, ...], tmp_path: Path
) -> None:
    written.file.rename(tmp_path / "elsewhere.db")
    done = run(written.file, *command)
    told = f"{written.file} was deleted under the bot that runs. Put it back or restore a backup"
    assert (done.exit_code, told in done.output) == (1, True), done.output
    (tmp_path / "elsewhere.db").rename(written.file)


def test_the_older_version_goes_back_by_restoring_what_was_backed_up_before(
    written: Written, tmp_path: Path
) -> None:
    copy = tmp_path / "backup.db"
    run(written.file, "backup", str(copy))
    written.close()
    with closing(sqlite3.connect(written.file)) as raw, raw:  # as a newer version leaves it
        raw.execute("UPDATE alembic_version SET version_num = 'of_tomorrow'")
    newer = written.file.rename(tmp_path / "newer.db")
    refused = run(written.file, "restore", str(newer))
    told = f"{newer} was not restored: it is of a newer version of the bot (schema of_tomorrow)."
    assert (refused.exit_code, told in refused.output) == (1, True)
    assert run(written.file, "restore", str(copy)).exit_code == 0
    assert asyncio.run(_schema(written.url)) == HEAD


async def _schema(url: str) -> str:
    inspection = Inspection(url)
    try:
        return (await inspection.schema()).current
    finally:
        await inspection.close()


async def _open_ends(store: Store) -> None:
    async with store.write() as tx:
        for name, kind in (("2", ReviewKind.APPROVE), ("3", ReviewKind.AFTERWARDS)):
            asked = approval(name, execution=f"execution-{name}", kind=kind, expires_at=FAR)
            await tx.approvals.add(asked)
        await tx.votes.cast(
            Vote("click", ApprovalId("approval-2"), UserId("U2"), Verdict.APPROVE, NOW, HERE)
        )
        await tx.messages.put("card:1", HERE, "{}", NOW)


def test_nothing_that_was_open_in_a_backup_is_sent_decided_or_posted_as_if_it_were_new(
    written: Written, tmp_path: Path
) -> None:
    copy = tmp_path / "backup.db"
    written.runner.run(_open_ends(written.store))
    run(written.file, "backup", str(copy))
    written.close()
    assert run(written.file, "restore", str(copy)).exit_code == 0

    async def look() -> tuple[ExecutionStatus, list[Approval], VoteState, int]:
        store = await written.opened()
        async with store.read() as tx:
            status = (await tx.executions.get(ExecutionId("execution-1"))).status
            reviews = [await tx.approvals.get(ApprovalId(f"approval-{name}")) for name in (2, 3)]
            state = (await tx.votes.get("click")).state
        async with store.write() as tx:
            (message,) = await tx.messages.claim_due("p", NOW + HOUR, NOW + 2 * HOUR, 9)
        await store.close()
        return status, reviews, state, message.attempts

    status, (asked, glass), state, attempts = asyncio.run(look())
    assert status is ExecutionStatus.RUNNING
    assert asked.status is ApprovalStatus.VOID
    assert glass.status is ApprovalStatus.PENDING
    assert state is VoteState.REFUSED
    assert attempts == 2  # so it is looked for in Slack before it is posted
    with closing(sqlite3.connect(written.file)) as raw:
        (kind,) = raw.execute("SELECT kind FROM audit ORDER BY seq DESC").fetchone()
    assert kind == AuditKind.RESTORED
