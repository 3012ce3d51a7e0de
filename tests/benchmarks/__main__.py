"""`python -m tests.benchmarks`: measures and prints tables. What they mean: docs/benchmarks.md."""

import os
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

HEAD = "| {} | p50 ms | p99 ms | p50 ÷ Bolt, before | p50 ÷ Bolt, default |"
RULE = "| --- | ---: | ---: | ---: | ---: |"


@click.command()
@click.option("--rounds", default=8, show_default=True, help="How often all servers take turns.")
@click.option("--single", default=40, show_default=True, help="Requests one by one in a round.")
@click.option("--bursts", default=2, show_default=True, help="Times 64 at once in a round.")
@click.option("--repeat", default=5_000, show_default=True, help="Times what is quick is done.")
@click.option("--watches", default=1_000, show_default=True, help="Watches that are due.")
@click.option("--nodes", default=20, show_default=True, help="Nodes that the watches are on.")
def main(rounds: int, single: int, bursts: int, repeat: int, watches: int, nodes: int) -> None:
    """Measure acknowledgements side by side with bare servers, and a few plain figures."""
    log.configure("console", "warning")
    busy = f"{os.getloadavg()[0]:.1f}"
    click.echo(f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC · {os.cpu_count()} cores · load {busy}\n")
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
