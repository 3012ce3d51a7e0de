"""What is carried out often: it gives and raises from the first time on what it does later."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Executable, bindparam, func, insert, select, update
from sqlalchemy.dialects.sqlite.base import SQLiteCompiler
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.exc import IntegrityError, StatementError

from storage import Store, Vault
from storage.connection import InlineConnection
from storage.prepared import Statements
from storage.tables import aliases, nodes

TIMES = 6
NOW = datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=UTC)
LATER = NOW.replace(year=2027)
NODE = {"id": "n1", "kind": "gpu", "name": "gpu1", "version": "1", "desc": "", "uuid": ""}
ADD = insert(nodes)
ALL = select(nodes).order_by(nodes.c.id)
SOME = select(nodes.c.name).where(nodes.c.id.in_(bindparam("its_ids", expanding=True)))
KINDS = select(nodes.c.name).where(
    nodes.c.kind.in_(["gpu", "metal"]), nodes.c.id == bindparam("one")
)
BOTH = select(nodes.c.name).where(
    nodes.c.id.in_(bindparam("its_ids", expanding=True)),
    nodes.c.seen_at.in_(bindparam("its_moments", expanding=True)),
)
SEEN = update(nodes).where(nodes.c.id == bindparam("its_id"))
NEWEST = select(func.max(nodes.c.seen_at), func.min(nodes.c.name).label("first"), nodes.c.kind)
COUNT = select(func.count()).select_from(nodes).where(nodes.c.kind == "gpu")


@pytest.fixture
async def store(tmp_path: Path, vault: Vault) -> Store:
    store = Store(f"sqlite+aiosqlite:///{tmp_path}/bot.db", vault)
    await store.migrate()
    return store


async def test_rows_numbers_and_moments_stay_the_same(store: Store) -> None:
    async with store._engines.writing() as connection:
        assert isinstance(connection, InlineConnection)
        await connection.execute(ADD, {**NODE, "manager": "", "seen_at": NOW})
        for _ in range(TIMES):
            found = (await connection.execute(ALL)).mappings().all()
            assert [(row["id"], row["seen_at"], row[nodes.c.name]) for row in found] == [
                ("n1", NOW, "gpu1")
            ]
            assert (await connection.execute(SEEN, {"its_id": "n1", "seen_at": NOW})).rowcount == 1
            assert (await connection.execute(SEEN, {"its_id": "n2", "seen_at": NOW})).rowcount == 0
            assert (await connection.execute(SEEN, {"its_id": "n1", "name": "gpu1"})).rowcount == 1
            assert await connection.scalar(COUNT) == 1
            for ids in (["n1"], ["n1", "n2"], []):
                names = (await connection.execute(SOME, {"its_ids": ids})).scalars().all()
                assert names == (["gpu1"] if ids else [])
            for one, name in (("n1", ["gpu1"]), ("n2", [])):
                assert (await connection.execute(KINDS, {"one": one})).scalars().all() == name
            for ids, moments in ((["n1"], [NOW]), (["n2", "n1"], [NOW]), (["n1"], [LATER, NOW])):
                given = {"its_ids": ids, "its_moments": moments}
                assert (await connection.execute(BOTH, given)).scalars().all() == ["gpu1"]
    await store.close()


async def test_columns_are_found_by_the_same_names(store: Store) -> None:
    async with store._engines.writing() as connection:
        await connection.execute(ADD, {**NODE, "manager": "", "seen_at": NOW})
        for _ in range(TIMES):
            row = (await connection.execute(NEWEST)).one()
            assert row._fields == ("max_1", "first", "kind")
            found = row._mapping
            assert (row.max_1, found["first"], found[nodes.c.kind]) == (NOW, "gpu1", "gpu")
    await store.close()


class _Renamed(SQLiteCompiler):
    """One of another version of SQLAlchemy, which keeps its result's columns elsewhere."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        del self._result_columns


class _Newer(SQLiteDialect_pysqlite):
    statement_compiler = _Renamed


@pytest.mark.parametrize("statement", [ALL, COUNT, NEWEST])
def test_what_is_known_of_one_dialect_is_not_taken_for_another(statement: Executable) -> None:
    known, dialect, newer = Statements(), SQLiteDialect_pysqlite(paramstyle="qmark"), _Newer()
    found = [known.find(statement, {}, dialect) is not None for _ in range(TIMES)]
    assert found == [False, False, False, True, True, True]
    assert not any(known.find(statement, {}, newer) for _ in range(TIMES))


def test_lists_are_prepared_by_how_long_they_are() -> None:
    known, dialect = Statements(), SQLiteDialect_pysqlite(paramstyle="qmark")

    def texts(*ids: str) -> str | None:
        found = known.find(SOME, {"its_ids": list(ids)}, dialect)
        return None if found is None else found.sql.partition("IN ")[2]

    assert [texts("a"), texts("b"), texts("c")] == [None, None, None]
    assert [texts("a"), texts("a", "b"), texts("c")] == ["(?)", "(?, ?)", "(?)"]
    assert texts() is None
    assert texts(*map(str, range(100))) is None
    assert known.find(SOME, {"its_ids": {"a"}}, dialect) is None


async def test_what_is_wrong_is_told_alike_and_without_values(store: Store) -> None:
    row = {"user": "U1", "name": "one", "body": "secret-value"}
    add, naive = insert(aliases), NOW.replace(tzinfo=None)
    async with store._engines.writing() as connection:
        await connection.execute(add, row)
        for _ in range(TIMES):
            with pytest.raises(IntegrityError, match="hidden") as caught:
                await connection.execute(add, row)
            assert "secret-value" not in str(caught.value)
            with pytest.raises(StatementError, match="naive"):
                await connection.execute(SEEN, {"its_id": "n1", "seen_at": naive})
            with pytest.raises(StatementError, match="its_id"):
                await connection.execute(SEEN, {"name": "gpu1"})
    await store.close()
