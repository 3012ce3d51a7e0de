"""What is told of a database to whoever looks at it from beside."""

import errno
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from sqlalchemy import make_url

from bot.clock import SystemClock
from bot.config import Settings
from bot.doctor.checks import Checks
from bot.doctor.kept import storage
from bot.monitoring.findings import Findings, Sight
from storage import Store
from tests import forked, janitor


async def test_whoever_may_not_look_is_told_who_may(sqlite_url: str, key: str) -> None:
    async def barred() -> Findings:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        yield

    settings = Settings(
        _env_file=None, slack_bot_token="xoxb-1", slack_app_token="xapp-1",
        database_url=sqlite_url, credential_keys=key,
    )  # fmt: skip
    checks = Checks(settings, SystemClock(), Sight(is_local=True))
    (told,) = [one.line() async for one in checks._guarded("database", barred())]
    assert told.endswith("permission denied. Run it as the account that the bot runs as.")


@asynccontextmanager
async def connected(url: str, *names: str) -> AsyncIterator[None]:
    """Connections of others, by the names that they give."""
    plain = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    others = [
        await asyncpg.connect(plain, server_settings={"application_name": name}) for name in names
    ]
    try:
        yield
    finally:
        for one in others:
            await one.close()


async def test_the_doctor_says_which_postgresql_it_is_and_who_else_is_connected(
    store: Store, url: str, key: str
) -> None:
    settings = Settings(
        _env_file=None, slack_bot_token="xoxb-1", slack_app_token="xapp-1",
        database_url=url, credential_keys=key,
    )  # fmt: skip
    await store.ping()
    found = [
        one.line() async for one in storage(settings, None, Sight(is_local=True), SystemClock())
    ]
    [told] = [line for line in found if line.startswith("✔ database:")]
    if url.startswith("sqlite"):
        assert "no bot has it open" in told
        return
    assert "PostgreSQL 1" in told
    assert f" at a local socket, database {make_url(url).database}, schema public; " in told
    assert told.endswith("schema public; 0 other processes of the bot are connected.")
    async with connected(url, "dbc-bot 1", "dbc-bot 1", "dbc-bot 2", "psql"):
        found = [
            one.line() async for one in storage(settings, None, Sight(is_local=True), SystemClock())
        ]
    [told] = [line for line in found if line.startswith("✔ database:")]
    assert told.endswith(
        "; 2 other processes of the bot are connected. Other programs use this account as well, "
        "over 1 connection."
    )


@pytest.mark.parametrize(
    ("address", "cause"),
    [
        ("postgresql://postgres@/none?host={host}", "it has no database of this name"),
        ("postgresql://nobody@/postgres?host={host}", "it refuses the account"),
        ("postgresql://postgres@/postgres?host={host}/none", "no server has a socket there"),
    ],
)
def test_what_postgresql_refuses_is_said(
    tmp_path: Path, postgres: Any, key: str, address: str, cause: str
) -> None:
    host = make_url(postgres.get_uri()).query["host"]
    env = {"DATABASE_URL": address.format(host=host), "CREDENTIAL_KEYS": key}
    clean = {k: os.environ[k] for k in ("PATH", "HOME") if k in os.environ}
    done = forked.run(["keys", "list"], clean | janitor.inherited() | env, tmp_path)
    assert f"The database that DATABASE_URL names cannot be used: {cause}." in done.stderr
    assert "nobody" not in done.stderr
