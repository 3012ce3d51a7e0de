"""How costs grow with what there is to follow and to remember: a table of each, and a picture.

`python -m tests.benchmarks.growth` measures both. What they mean: docs/benchmarks.md.
"""

import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import click
import pygal
from pygal.style import Style

from tests.benchmarks.stage import ROOT
from tests.benchmarks.table import FOLLOWING, HISTORY, Row, Run, Size

# pygal leaves something there that Python warns of at every import of what there is not.
sys.meta_path = [finder for finder in sys.meta_path if hasattr(finder, "find_spec")]

IMAGES = ROOT / "docs" / "images"
_STYLE = Style(
    background="white",
    plot_background="white",
    font_family="sans-serif",
    stroke_width="2",
    opacity=".9",
    colors=("#1264a3", "#c2571a", "#2b7a4b", "#7c3085", "#b3261e", "#707070"),
)


@dataclass(frozen=True, slots=True)
class Growth:
    """A run that is repeated with more and more of what `of` names, a field of `Size`."""

    title: str
    of: str
    counts: tuple[int, ...]
    run: Run


GROWTHS = {
    "watches": Growth("Machines that are followed", "watches", (10, 100, 1_000, 10_000), FOLLOWING),
    "rows": Growth(
        "Rows of the audit, and as many messages",
        "rows",
        (1_000, 10_000, 100_000, 1_000_000),
        HISTORY,
    ),
}
Found = Mapping[int, Sequence[float]]  # by how many, a value for each row of the run


def measured(
    growth: Growth, counts: Sequence[int], seconds: float
) -> Iterator[tuple[int, list[float]]]:
    """What each row of the run is with so many, each when it is measured."""
    for count in counts:
        with tempfile.TemporaryDirectory() as data:
            found = growth.run.run(Path(data) / "run", Size(seconds=seconds, **{growth.of: count}))
        yield count, [row.of(found) for row in growth.run.rows]


def line(count: int, values: Sequence[float]) -> str:
    """One measurement as a row in Markdown."""
    return "| " + " | ".join([f"{count:,}", *(f"{value:,.2f}" for value in values)]) + " |"


def head(growth: Growth) -> str:
    """What stands above those rows."""
    titles = [f"{row.name}, {row.unit} (≤ {row.most:g})" for row in growth.run.rows]
    return f"| {growth.of} | " + " | ".join(titles) + " |\n|" + " ---: |" * (len(titles) + 1)


def picture(growth: Growth, found: Found) -> str:
    """The curves as SVG: each value as a share of what it may be at most, both axes logarithmic."""
    chart = pygal.Line(
        logarithmic=True,
        title=growth.title,
        y_title="share of the limit",
        style=_STYLE,
        js=(),  # nothing is loaded from elsewhere where the picture is looked at
        explicit_size=True,
        range=(0.001, 10),
        width=800,
        height=420,
        legend_at_bottom=True,
        disable_xml_declaration=True,
    )
    chart.y_labels = (0.001, 0.01, 0.1, 1, 10)
    chart.x_labels = [f"{count:,}" for count in found]
    for place, row in enumerate(growth.run.rows):
        chart.add(_named(row), [values[place] / row.most or None for values in found.values()])
    chart.add("at most", [1.0] * len(found), show_dots=False)
    drawn: str = chart.render()
    return drawn


def _named(row: Row) -> str:
    return f"{row.name} (1 is {row.most:g} {row.unit})"


@click.command()
@click.option("--only", type=click.Choice(list(GROWTHS)), help="This one alone.")
@click.option("--most", default=10**9, help="No more than so many of it.")
@click.option("--seconds", default=60.0, show_default=True, help="How long watches are measured.")
@click.option(
    "--images", type=click.Path(path_type=Path), default=IMAGES, help="Where pictures go."
)
def main(only: str | None, most: int, seconds: float, images: Path) -> None:
    """Measure with more and more, and draw what was found."""
    for name in (only,) if only else GROWTHS:
        growth = GROWTHS[name]
        click.echo(head(growth))
        found = {}
        counts = [count for count in growth.counts if count <= most]
        for count, values in measured(growth, counts, seconds):
            found[count] = values
            click.echo(line(count, values))
        click.echo()
        (images / f"growth-{name}.svg").write_text(picture(growth, found))


if __name__ == "__main__":
    main()
