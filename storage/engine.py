"""Opens the database that an address names."""

from collections.abc import Iterable, Set

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from bot.addresses import is_host
from bot.errors import BotError
from storage.postgres import PostgresEngines
from storage.sqlite import SqliteEngines
from storage.ways import Engines

DRIVERS = {
    "sqlite": "sqlite+aiosqlite",
    "sqlite+aiosqlite": "sqlite+aiosqlite",
    "postgres": "postgresql+asyncpg",
    "postgresql": "postgresql+asyncpg",
    "postgresql+asyncpg": "postgresql+asyncpg",
}

# What may stand behind the `?` of PostgreSQL's address.
_OPTIONS = frozenset({"host", "port", "ssl", "passfile", "target_session_attrs"})
_SSL = frozenset({"disable", "allow", "prefer", "require", "verify-ca", "verify-full"})


def open_engines(url: str) -> Engines:
    """Engines for `DATABASE_URL`, without connecting; `BotError` if it cannot be used."""
    parsed = address(url)
    if parsed.get_backend_name() == "sqlite":
        return SqliteEngines(parsed)
    return PostgresEngines(parsed)


def check_address(url: str) -> None:
    """Raise BotError where an address cannot be used. Nothing is opened."""
    address(url)


def address(url: str) -> URL:
    """What an address says, in the driver's words. Raises BotError."""
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise _unusable() from None  # the text may hold a password
    if parsed.drivername not in DRIVERS:
        raise _unusable()
    parsed = parsed.set(drivername=DRIVERS[parsed.drivername])
    if parsed.get_backend_name() == "sqlite":
        if parsed.database in {None, "", ":memory:"}:
            raise BotError(
                "DATABASE_URL names no file.",
                hint="A SQLite address looks like sqlite+aiosqlite:///data/dbc-bot.db.",
            )
        _refuse_options(parsed.query, frozenset())
        return parsed
    query = dict(parsed.query)
    if "sslmode" in query:  # libpq's word, as hosting providers print it; asyncpg calls it ssl
        query["ssl"] = query.pop("sslmode")
    _refuse_options(query, _OPTIONS)
    if query.get("ssl", "prefer") not in _SSL:
        raise BotError(
            "DATABASE_URL has a value of sslmode that PostgreSQL does not know.",
            hint=f"Give one of {', '.join(sorted(_SSL))}.",
        )
    named = query.get("host", ())
    hosts = [parsed.host, *([named] if isinstance(named, str) else named)]
    if not all(is_host(host) for host in hosts if host):
        raise _unusable()
    return parsed.set(query=query)


def _refuse_options(given: Iterable[str], known: Set[str]) -> None:
    """Raise BotError for an option behind the `?` that the driver would stumble over."""
    if unknown := sorted(set(given) - known):
        taken = ", ".join(sorted(known - {"ssl"} | {"sslmode"})) if known else "none"
        raise BotError(
            f"DATABASE_URL has an option that the bot cannot use: {', '.join(unknown)}.",
            hint=f"Leave it out. Options that it can use: {taken}.",
        )


def _unusable() -> BotError:
    return BotError(
        "DATABASE_URL is not an address that the bot can use.",
        hint="Give sqlite+aiosqlite:///data/dbc-bot.db or postgresql+asyncpg://user@host/name.",
    )
