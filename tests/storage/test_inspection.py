"""What is told of a database to whoever looks at it from beside."""

from sqlalchemy import make_url

from bot.clock import SystemClock
from bot.config import Settings
from bot.doctor.kept import storage
from bot.monitoring.findings import Sight
from storage import Store


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
    assert "0 other" not in told
