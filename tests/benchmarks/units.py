"""What SQLite costs through `Store`: a look-up by key, and units of work that do nothing."""

import sqlite3
from collections.abc import Awaitable, Callable
from contextlib import closing
from pathlib import Path
from statistics import median
from time import perf_counter

from cryptography.fernet import Fernet

from bot.ids import ExecutionId
from storage import Store, Vault
from storage.sqlite import PRAGMAS


async def times_of_units(data: Path, repeat: int) -> tuple[float, float, float]:
    """Seconds for a look-up in vain, a unit that reads nothing and one that writes nothing."""
    store = Store(
        f"sqlite+aiosqlite:///{data / 'units.db'}", Vault([Fernet.generate_key().decode()])
    )
    await store.migrate()

    async def reads() -> None:
        async with store.read():
            pass

    async def writes() -> None:
        async with store.write():
            pass

    async with store.read() as tx:

        async def looks_up() -> None:
            await tx.executions.find(ExecutionId("nothing"))

        found = await _median_of(repeat, looks_up)
    units = await _median_of(repeat, reads), await _median_of(repeat, writes)
    await store.close()
    return found, *units


def bare_times(data: Path, repeat: int) -> tuple[float, float]:
    """Seconds for the same look-up by sqlite3 alone, and for a BEGIN with its ROLLBACK."""
    with closing(sqlite3.connect(data / "units.db", isolation_level=None)) as database:
        for pragma in PRAGMAS:
            database.execute(pragma)
        finding, beginning = [], []
        for _ in range(repeat):
            begun = perf_counter()
            database.execute("SELECT * FROM executions WHERE id = ?", ("nothing",)).fetchall()
            finding.append(perf_counter() - begun)
            begun = perf_counter()
            database.execute("BEGIN IMMEDIATE")
            database.execute("ROLLBACK")
            beginning.append(perf_counter() - begun)
    return median(finding), median(beginning)


async def _median_of(times: int, call: Callable[[], Awaitable[None]]) -> float:
    taken = []
    for _ in range(times):
        begun = perf_counter()
        await call()
        taken.append(perf_counter() - begun)
    return median(taken)
