"""`python -m bot forget U…`: what is kept of a person for their own use goes, the audit stays."""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from bot.__main__ import main
from storage import Archive, Store, Vault
from tests.release import HERE, load

RELEASE = sorted(HERE.glob("*.sql"))[-1]
ALICE, BOB = "U0ALICE", "U0BOB"


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    load(RELEASE, tmp_path)
    told = forget(tmp_path / "bot.db", ALICE)
    assert (told.exit_code, "start the bot once" in told.output) == (1, True)
    asyncio.run(migrated(tmp_path / "bot.db"))
    with closing(sqlite3.connect(tmp_path / "bot.db")) as made:
        node = made.execute("SELECT node FROM dbc_sessions").fetchone()[0]
        shares = [(ALICE, node, BOB), (BOB, node, ALICE), (BOB, node, "C0GPUOPS")]
        made.executemany(
            "INSERT INTO session_shares (user, node, audience, kind, created_at) "
            "VALUES (?, ?, ?, 'person', '2026-01-05 09:00:00')",
            shares,
        )
        hours = "22:00-07:00 Europe/Amsterdam"
        known = [("person", ALICE, "zh"), ("locale", ALICE, "zh"), ("direct", "D0ALICE", ALICE),
                 ("notify", ALICE, "digest"), ("quiet", ALICE, hours),
                 ("quiet", "C0GPUOPS", hours)]  # fmt: skip
        made.executemany("INSERT INTO readers VALUES (?, ?, ?)", known)
        asked = [(name, asker, node, "[]", "[]", "open", "2026-01-05 09:00:00", None)
                 for name, asker in (("1", ALICE), ("2", BOB))]  # fmt: skip
        made.executemany("INSERT INTO access_requests VALUES (?,?,?,?,?,?,?,?)", asked)
        made.commit()
    return tmp_path / "bot.db"


async def migrated(file: Path) -> None:
    store = Store(f"sqlite:///{file}", Vault.from_file(file.with_name("credential.key")))
    await store.migrate()
    await store.close()


def forget(file: Path, person: str) -> Result:
    settings = {"DATABASE_URL": f"sqlite:///{file}"}
    return CliRunner().invoke(main, ["forget", person], env=settings)


def counted(file: Path, query: str, *values: str) -> int:
    with closing(sqlite3.connect(file)) as made:
        found: int = made.execute(f"SELECT count(*) FROM {query}", values).fetchone()[0]
    return found


def test_what_is_theirs_is_erased_and_nothing_of_others(file: Path) -> None:
    done = forget(file, ALICE)
    assert done.exit_code == 0, done.output
    for what in (
        "2 shares",
        "1 session,",
        "1 access request,",
        "1 alias,",
        "1 default,",
        "default, language and settings.",
    ):
        assert what in done.output
    for table in ("dbc_sessions", "aliases"):
        assert counted(file, f'{table} WHERE "user" = ?', ALICE) == 0
    assert counted(file, "dbc_sessions") == 2
    assert counted(file, "session_shares") == counted(file, "access_requests") == 1
    assert counted(file, "defaults") == 0
    assert counted(file, "readers") == counted(file, "readers WHERE id = 'C0GPUOPS'") == 1


def test_a_database_of_a_newer_version_is_left_alone(file: Path) -> None:
    with closing(sqlite3.connect(file)) as made, made:
        made.execute("UPDATE alembic_version SET version_num = 'of_tomorrow'")
    done = forget(file, ALICE)
    told = "A newer version of the bot has used this database (schema of_tomorrow). Run that"
    assert (done.exit_code, told in done.output, "once" in done.output) == (1, True, False)


def test_the_audit_keeps_who_did_what_and_that_it_was_erased(file: Path) -> None:
    before = counted(file, "audit WHERE actor = ?", ALICE)
    assert forget(file, ALICE).exit_code == 0
    assert (
        counted(
            file,
            "audit WHERE actor = ? AND kind NOT IN ('session_removed', 'session_unshared')",
            ALICE,
        )
        == before
    )
    assert counted(file, "audit WHERE kind = 'forgotten' AND details LIKE ?", f"%{ALICE}%") == 1
    assert counted(file, "audit WHERE kind = 'session_removed' AND actor = ?", ALICE) == 1
    with_bob = f"%{BOB}%"
    unshared = "audit WHERE kind = 'session_unshared' AND details LIKE ? AND actor = ?"
    assert counted(file, unshared, with_bob, ALICE) == 1

    async def fault() -> object:
        archive = Archive(f"sqlite+aiosqlite:///{file}")
        found, _ = await archive.verify()
        await archive.close()
        return found

    assert asyncio.run(fault()) is None


def test_somebody_of_whom_nothing_is_kept_is_told_so(file: Path) -> None:
    rows = counted(file, "audit")
    assert "nothing, for nothing was kept" in forget(file, "U0NOBODY").output
    assert counted(file, "audit") == rows
    assert "is not a person's Slack id" in forget(file, "alice").output
