"""Rows whose dates nobody can read: each of them stands alone."""

import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from storage.tables import UtcDateTime, freezes, metadata
from tests.scenarios.machines import off
from tests.scenarios.site import site
from tests.scenarios.stage import Stage
from tests.scenarios.stored import alter, has_rows_of_all_kinds


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    """Alice, Bob and Carol are entitled to gpu1; what destroys needs an approval."""
    async with site(tmp_path) as one:
        await one.asks(one.alice, "/dbc vm list")
        yield one


_QUICK = 3  # of so many turns a change is judged by
# Rows of these lead to one another: of two damaged ones, the one might hide the other.
_LINKED = frozenset({"executions", "approvals", "votes", "watches"})


def moments() -> list[list[str]]:
    """Every column that holds a moment; beside one of those that are linked, any others."""
    every = [
        (table.name, f"{table.name}.{column.name}")
        for table in metadata.sorted_tables
        for column in table.columns
        if isinstance(column.type, UtcDateTime) and table is not freezes  # it stops everybody
    ]
    linked = [column for table, column in every if table in _LINKED]
    others = [column for table, column in every if table not in _LINKED]
    turns = len(linked)
    found = [[column, *others[turn::turns]] for turn, column in enumerate(linked)]
    for columns in found:
        tables = [column.partition(".")[0] for column in columns]
        assert len(tables) == len(set(tables)), "no two of one table are damaged at once"
    return found


@pytest.mark.parametrize(
    "columns",
    [
        pytest.param(one, id=" ".join(one), marks=() if turn < _QUICK else pytest.mark.slow)
        for turn, one in enumerate(moments())
    ],
)
async def test_a_date_that_cannot_be_read_stops_nobody(stage: Stage, columns: list[str]) -> None:
    await has_rows_of_all_kinds(stage)
    for column in columns:
        table, _, name = column.partition(".")
        with closing(sqlite3.connect(f"{stage.data}/bot.db")) as database:
            (rows,) = database.execute(f"SELECT count(*) FROM {table}").fetchone()
        assert rows, table
        row = f"rowid = (SELECT max(rowid) FROM {table})"
        alter(stage, f"UPDATE {table} SET {name} = 'nonsense' WHERE {row}")
    with capture_logs() as logs:
        await stage.restart_bot()
        for _ in range(3):
            await stage.passes(30)
        for line in (
            "vm list", "session list", "approval list", "watch list", "node list", "audit list",
            "vm list --json", "watch list --json", "vm show Ada",
        ):  # fmt: skip
            seen = await stage.asks(stage.bob, f"/dbc {line}")
            assert "went wrong" not in seen.plain, line
        off(stage, "Ada's training run")
        await stage.asks(stage.bob, "/dbc vm start Ada")
        await stage.ends(stage.bob, "Ada's training run is running on rack-a", within=400)
    assert [entry for entry in logs if entry["log_level"] == "error"] == []
    for person in (stage.alice, stage.bob, stage.carol):
        assert [m.plain for m in person.messages() if "2000-01-01" in m.plain] == []


async def test_a_freeze_with_a_damaged_date_still_holds(stage: Stage) -> None:
    alter(
        stage,
        "INSERT INTO freezes (scope, person, why, since) VALUES ('everything', ?, 'Outage', 'x')",
        stage.bob.id,
    )
    with capture_logs() as logs:
        await stage.restart_bot()
        off(stage)
        seen = await stage.asks(stage.alice, "/dbc vm start inference")
    assert "frozen" in seen.plain
    assert stage.changes() == []
    assert [entry for entry in logs if entry["log_level"] == "error"] == []
