"""What tables are made of: their catalogue, moments in UTC and the columns of a lease."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Column, DateTime, Dialect, Index, MetaData, Table, Text, TypeDecorator

from bot.clock import UNTOLD


class UtcDateTime(TypeDecorator[datetime]):
    """An aware datetime in UTC, also where the database keeps no zone (SQLite).

    SQLite keeps whatever text is written to it. One that is no moment reads as `UNTOLD`: raised
    here it would keep all the other rows from being read, too.
    """

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse a naive datetime: it would silently mean another moment."""
        if value is None:
            return None
        value = _in_utc(value)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def bind_processor(self, dialect: Dialect) -> Callable[[Any], Any] | None:
        """Write it; to SQLite as SQLAlchemy would, in one step."""
        return _as_text if dialect.name == "sqlite" else super().bind_processor(dialect)

    def process_result_value(self, value: datetime | None, _dialect: Dialect) -> datetime | None:
        """Give the moment its zone back."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], Any] | None:
        """Read what is stored, whatever it is."""
        if dialect.name == "sqlite":
            return _of_text
        read = super().result_processor(dialect, coltype)
        return None if read is None else _leniently(read)


def _leniently(read: Callable[[Any], datetime | None]) -> Callable[[Any], datetime | None]:
    def readable(stored: Any) -> datetime | None:
        try:
            return read(stored)
        except (ValueError, TypeError, OverflowError):
            return UNTOLD

    return readable


def _in_utc(value: datetime) -> datetime:
    if value.tzinfo is None:
        raise ValueError("a naive datetime cannot be stored")
    return value.astimezone(UTC)


def _as_text(value: datetime | None) -> str | None:
    if value is None:
        return None
    return _in_utc(value).replace(tzinfo=None).isoformat(" ", "microseconds")


@_leniently
def _of_text(stored: Any) -> datetime | None:
    if stored is None:
        return None
    value = datetime.fromisoformat(stored)
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def lease() -> tuple[Column[str], Column[datetime]]:
    """The columns of what is claimed by a process: see the package."""
    return Column("leased_by", Text), Column("leased_until", UtcDateTime)


def index_leased(table: Table) -> None:
    """Index what is leased: few rows are, and a start frees those that a former process held."""
    Index(
        f"ix_{table.name}_leased_by",
        table.c.leased_by,
        sqlite_where=table.c.leased_by.is_not(None),
        postgresql_where=table.c.leased_by.is_not(None),
    )
