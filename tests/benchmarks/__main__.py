"""`python -m tests.benchmarks`: measures and prints tables. What they mean: docs/benchmarks.md."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import click

from bot import log
from tests.benchmarks.acknowledgements import (
    BEFORE,
    BOLT,
    CASES,
    Measurement,
    Size,
    Times,
    p50,
    p99,
)
from tests.benchmarks.figures import Figure, figures
from tests.benchmarks.stage import staged
from tests.benchmarks.table import Size as Wanted
from tests.benchmarks.table import against, lines, names

HEAD = "| {} | p50 ms | p99 ms | p50 ÷ Bolt, before | p50 ÷ Bolt, default |"
RULE = "| --- | ---: | ---: | ---: | ---: |"


@click.command()
@click.option("--only", multiple=True, type=click.Choice(list(names())), help="These lines alone.")
@click.option("--against", "commit", metavar="COMMIT", help="What a change cost at that commit.")
@click.option("--size", default=1.0, show_default=True, help="Less is quicker, and rougher.")
@click.option("--rounds", default=8, show_default=True, help="How often all servers take turns.")
def main(only: tuple[str, ...], commit: str | None, size: float, rounds: int) -> None:
    """Measure what the product is held to, and acknowledgements beside those of bare servers."""
    log.configure("console", "warning")
    busy = f"{os.getloadavg()[0]:.1f}"
    click.echo(f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC · {os.cpu_count()} cores · load {busy}\n")
    wanted = Wanted(max(int(100 * size), 1), int(1e6 * size), int(1e4 * size), max(60 * size, 5.0))
    with tempfile.TemporaryDirectory() as directory:
        if commit is not None:
            for row in _compared(commit, Path(directory), wanted):
                click.echo(row)
            return
        for row in lines(Path(directory), wanted, only):
            click.echo(row)
    if not only:
        click.echo()
        _acknowledgements(rounds, size)


def _compared(commit: str, directory: Path, wanted: Wanted) -> Iterator[str]:
    tree = directory / "tree"
    subprocess.run(["git", "worktree", "add", "--quiet", "--detach", tree, commit], check=True)
    try:
        yield from against(tree, wanted)
    finally:
        subprocess.run(["git", "worktree", "remove", "--force", tree], check=True)


def _acknowledgements(rounds: int, scale: float) -> None:
    single, bursts = max(int(40 * scale), 2), 2
    repeat, watches, nodes = max(int(5_000 * scale), 1), max(int(1_000 * scale), 20), 20
    with tempfile.TemporaryDirectory() as directory:
        data = Path(directory)
        with staged(data) as stage:
            size = Size(rounds, single, bursts)
            measurement = Measurement(stage, size, _progress)
            times = measurement.run()
            recorded = stage.recorded()
        for row in tables(times, size):
            click.echo(row)
        click.echo(f"\nRecorded in the ledger: {recorded} of {measurement.sent} commands sent.\n")
        for row in plain(figures(data, repeat=repeat, watches=watches, nodes=nodes)):
            click.echo(row)
    if recorded != measurement.sent:
        raise click.ClickException("what was acknowledged is not what was recorded")


def _progress(text: str) -> None:
    click.echo(text, file=sys.stderr)


def tables(times: Times, size: Size) -> Iterator[str]:
    """The acknowledgements in Markdown."""
    for title, measured in (
        ("one at a time", times.one_by_one),
        (f"{size.at_once} at once", times.at_once),
    ):
        yield from (HEAD.format(title), RULE)
        before, default = p50(measured[BEFORE]), p50(measured[BOLT])
        for case in CASES:
            yield _row(case.title, measured[case], before, default)
        yield ""
    before, default = p50(times.at_once[BEFORE]), p50(times.at_once[BOLT])
    yield from (HEAD.format(f"behind the work of {size.at_once} commands"), RULE)
    yield _row(f"bot: {size.at_once} more vm start at once", times.start_busy, before, default)
    before, default = p50(times.one_by_one[BEFORE]), p50(times.one_by_one[BOLT])
    yield _row("bot: then /dbc help, one at a time", times.help_busy, before, default)
    work = sum(times.work) / len(times.work)
    yield f"\nCarrying out {2 * size.at_once} commands to their end took {work:.1f} s on average."


def plain(found: Iterable[Figure]) -> Iterator[str]:
    """The plain figures in Markdown."""
    yield from ("| | | beside | |", "| --- | ---: | --- | ---: |")
    for one in found:
        yield (
            f"| {one.title} | {_short(one.value)} {one.unit} "
            f"| {one.beside} | {_short(one.other)} {one.unit} |"
        )


def _short(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.2g}"


def _row(title: str, times: Sequence[float], before: float, default: float) -> str:
    middle = p50(times)
    return (
        f"| {title} | {middle:.2f} | {p99(times):.2f} "
        f"| {middle / before:.2f} | {middle / default:.2f} |"
    )


if __name__ == "__main__":
    main()
