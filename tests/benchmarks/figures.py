"""Plain figures beside something familiar: reading a line, showing a list, a look at watches."""

import asyncio
import json
import shlex
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from statistics import median
from time import perf_counter, process_time

from bot.commands.rows import command_table
from bot.ids import NodeId, TaskId, UserId
from bot.language.parse import parse
from bot.model import Machine, Node
from bot.pipeline.formatting import node_part
from bot.reply import Reply
from bot.services.listing import NodeListing
from handlers.render import message
from handlers.rendered import Rendered
from storage.sqlite import PRAGMAS
from tests.benchmarks.ticks import time_of_tick
from tests.benchmarks.units import bare_times, times_of_units

LINE = "vm logs “train-01” tail lines=20 on gpu1"
STATUSES = ("running", "closed", "creating", "create error")


@dataclass(frozen=True, slots=True)
class Figure:
    """One measurement beside what it can be compared with."""

    title: str
    value: float
    beside: str
    other: float
    unit: str


def figures(data: Path, *, repeat: int, watches: int, nodes: int) -> list[Figure]:
    """All plain figures; `repeat` times what is quick, the median of them."""
    table, machines = command_table(), _listing(100)
    rendered = _render(machines).blocks
    return [
        *_units(data, repeat),
        Figure(
            "parse one line",
            _median_of(repeat, partial(parse, table, LINE)) * 1e6,
            "shlex.split of it",
            _median_of(repeat, partial(shlex.split, LINE)) * 1e6,
            "µs",
        ),
        Figure(
            "render a list of 100 machines",
            _median_of(max(repeat // 100, 1), partial(_render, machines)) * 1e3,
            "json.dumps of its blocks",
            _median_of(max(repeat // 100, 1), partial(json.dumps, rendered)) * 1e3,
            "ms",
        ),
        Figure(
            f"look at {watches:,} due watches on {nodes} nodes",
            asyncio.run(time_of_tick(data, watches, nodes)) * 1e3,
            f"{watches:,} × SELECT and UPDATE in one transaction",
            _bare_statements(data / "bare.db", watches) * 1e3,
            "ms",
        ),
    ]


def listed_in_ms(repeat: int) -> float:
    """Milliseconds of processor time to render a list of 100 machines once more, the median of so
    many times.
    """
    return _median_of(repeat, partial(_render, _listing(100)), process_time) * 1e3


def _units(data: Path, repeat: int) -> list[Figure]:
    found, reading, writing = asyncio.run(times_of_units(data, repeat))
    finding, beginning = bare_times(data, repeat)
    return [
        Figure("look a command up", found * 1e6, "sqlite3 alone", finding * 1e6, "µs"),
        Figure("read nothing", reading * 1e6, "BEGIN and ROLLBACK", beginning * 1e6, "µs"),
        Figure("write nothing", writing * 1e6, "BEGIN and ROLLBACK", beginning * 1e6, "µs"),
    ]


def _median_of(
    times: int, call: Callable[[], object], now: Callable[[], float] = perf_counter
) -> float:
    def once() -> float:
        begun = now()
        call()
        return now() - begun

    call()
    return median(once() for _ in range(times))


def _listing(count: int) -> NodeListing:
    now = datetime.now(UTC)
    machines = tuple(
        Machine(
            NodeId("node"),
            TaskId(f"{n:04}{'a7Bx' * 4}z9"),
            UserId("U1"),
            f"job {n}",
            STATUSES[n % 4],
            "2026-01-05",
            now,
            f"train-{n:02}",
        )
        for n in range(count)
    )
    return NodeListing(Node(NodeId("node"), "gpu1", "0.4.1", now), machines)


def _render(listing: NodeListing) -> Rendered:
    return message(Reply("100 machines on 1 node", (node_part(listing),)))


def _bare_statements(file: Path, count: int) -> float:
    """Seconds for as many bare SELECTs and UPDATEs by primary key, durable at the end."""
    with closing(sqlite3.connect(file, isolation_level=None)) as database:
        for pragma in PRAGMAS:
            database.execute(pragma)
        database.execute("CREATE TABLE watches (id INTEGER PRIMARY KEY, polls INTEGER)")
        database.executemany("INSERT INTO watches VALUES (?, 0)", [(n,) for n in range(count)])
        begun = perf_counter()
        database.execute("BEGIN IMMEDIATE")
        for number in range(count):
            database.execute("SELECT polls FROM watches WHERE id = ?", (number,)).fetchone()
            database.execute("UPDATE watches SET polls = 1 WHERE id = ?", (number,))
        database.execute("COMMIT")
        return perf_counter() - begun
