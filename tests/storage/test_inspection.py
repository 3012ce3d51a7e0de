"""What is told of a database to whoever looks at it from beside."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
from sqlalchemy import make_url

from bot.clock import SystemClock
from bot.config import Settings
from bot.doctor.kept import storage
from bot.monitoring.findings import Sight
from storage import Store


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
    found = [one.line() async for one in storage(settings, Sight(is_local=True), SystemClock())]
    [told] = [line for line in found if line.startswith("✔ database:")]
    if url.startswith("sqlite"):
        assert "no bot has it open" in told
        return
    assert "PostgreSQL 1" in told
    assert f" at a local socket, database {make_url(url).database}, schema public; " in told
    assert told.endswith("schema public; 0 other processes of the bot are connected.")
    async with connected(url, "dbc-bot 1", "dbc-bot 1", "dbc-bot 2", "psql"):
        found = [one.line() async for one in storage(settings, Sight(is_local=True), SystemClock())]
    [told] = [line for line in found if line.startswith("✔ database:")]
    assert told.endswith(
        "; 2 other processes of the bot are connected. Other programs use this account as well, "
        "by 1 connection."
    )
