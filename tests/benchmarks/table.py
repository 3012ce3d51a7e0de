"""The measures that the product is held to: what each may be at most, and how it is measured."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.benchmarks.engine import changes, reads
from tests.benchmarks.figures import listed_in_ms
from tests.benchmarks.history import history
from tests.benchmarks.stage import ROOT
from tests.benchmarks.watching import watching

HEAD = "| measure | value | reach | verdict | alone |\n| --- | ---: | ---: | --- | --- |"


@dataclass(frozen=True, slots=True)
class Size:
    """How much is measured."""

    commands: int = 100
    rows: int = 1_000_000
    watches: int = 10_000
    seconds: float = 60.0


@dataclass(frozen=True, slots=True)
class Row:
    """One line: `of` takes its value out of what its run has found."""

    name: str
    title: str
    unit: str
    most: float
    of: Callable[[Any], float]


@dataclass(frozen=True, slots=True)
class Run:
    """What is measured together. `run` is given where it may write."""

    run: Callable[[Path, Size], Any]
    rows: tuple[Row, ...]


def _of(name: str) -> Callable[[Any], float]:
    return lambda found: float(getattr(found, name))


HISTORY = Run(
    lambda _data, size: history(size.rows),
    (
        Row("page", "audit list of somebody who is no auditor", "ms", 50, _of("page")),
        Row("verify", "audit verify", "s", 10, _of("verify")),
        Row("verify-memory", "the same, memory", "MiB", 110, _of("verify_memory")),
        Row("export-memory", "audit export: memory", "MiB", 30, _of("export_memory")),
        Row(
            "export-acks",
            "the same: acks of others, ÷ before",
            "×",
            1.5,
            lambda found: found.meanwhile / found.before,
        ),
    ),
)
FOLLOWING = Run(
    lambda data, size: watching(data, size.watches, max(size.watches // 50, 1), size.seconds),
    (
        Row("watches", "share of a core for 10,000 watches", "%", 40, lambda w: w.share * 100),
        Row("looks", "the same: longest between two looks", "s", 15, _of("longest")),
        Row("told", "the same: state change → end told, p99", "s", 17, _of("told")),
        Row(
            "memory",
            "the same: memory ÷ the given packages",
            "×",
            2.2,
            lambda w: w.memory / w.given,
        ),
        Row("node-list", "processor time per node list", "ms", 12, _of("per_list")),
    ),
)
RUNS = (
    Run(
        lambda _data, size: changes(size.commands),
        (
            Row("change", "processor time per change, 100 at once", "ms", 10, _of("processor")),
            Row("last-end", "the last of those ends told", "s", 3, _of("last")),
            Row("calls", "Slack calls per change", "", 4, _of("calls")),
            Row("start", "start to ready, imports apart", "s", 0.8, _of("start")),
        ),
    ),
    Run(
        lambda _data, size: reads(size.commands),
        (Row("read", "processor time per read, 100 at once", "ms", 3, _of("processor")),),
    ),
    Run(
        lambda _data, _size: listed_in_ms(200),
        (Row("list", "render a list of 100 machines", "ms", 0.5, float),),
    ),
    HISTORY,
    FOLLOWING,
)


def names() -> Iterator[str]:
    """What each line is called, to ask for it alone."""
    return (row.name for run in RUNS for row in run.rows)


def lines(data: Path, size: Size, only: Iterable[str] = ()) -> Iterator[str]:
    """The table in Markdown, each line when it is measured; with `only`, those lines."""
    wanted = set(only) or set(names())
    yield HEAD
    for number, run in enumerate(RUNS):
        rows = [row for row in run.rows if row.name in wanted]
        if rows:
            found = run.run(data / str(number), size)
            yield from (_line(row, row.of(found)) for row in rows)


def against(tree: Path, size: Size) -> Iterator[str]:
    """What a change and a read cost with the packages of another tree, and with these."""
    yield "| at | ms per change | last end, s | Slack calls | ms per read |"
    yield "| --- | ---: | ---: | ---: | ---: |"
    for name, packages in (("that commit", tree), ("here", ROOT)):
        change, read = changes(size.commands, packages), reads(size.commands, packages)
        yield (
            f"| {name} | {change.processor:.1f} | {change.last:.1f} | {change.calls:.1f} "
            f"| {read.processor:.1f} |"
        )


def _line(row: Row, value: float) -> str:
    verdict = "met" if value <= row.most else "**missed**"
    unit = f" {row.unit}" if row.unit else ""
    return (
        f"| {row.title} | {value:,.2f}{unit} | ≤ {row.most:g}{unit} | {verdict} "
        f"| `python -m tests.benchmarks --only {row.name}` |"
    )
