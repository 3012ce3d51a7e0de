"""The benchmarks run and say what they should. Nothing about how long anything took."""

from pathlib import Path

import pytest

from tests.benchmarks.__main__ import plain, tables
from tests.benchmarks.acknowledgements import CASES, Measurement, Size
from tests.benchmarks.figures import figures
from tests.benchmarks.growth import GROWTHS, head, line, picture
from tests.benchmarks.stage import staged
from tests.benchmarks.watching import row, watching


@pytest.mark.slow
def test_everything_sent_is_acknowledged_recorded_and_carried_out(tmp_path: Path) -> None:
    said: list[str] = []
    size = Size(rounds=1, single=2, bursts=1, at_once=3)
    with staged(tmp_path) as stage:
        measurement = Measurement(stage, size, said.append)
        times = measurement.run()
        assert stage.recorded() == measurement.sent == 2 * (2 + 3 + 2 * 3)
        # Its like may be under way still: then it is asked whether to do it all the same.
        assert stage.ends().keys() <= {"refused", "waiting"}
    text = "\n".join(tables(times, size))
    assert said == ["round 1 of 1"]
    assert all(text.count(case.title) == 2 for case in CASES)


def test_plain_figures_are_measured(tmp_path: Path) -> None:
    found = figures(tmp_path, repeat=1, watches=4, nodes=2)
    assert [one.unit for one in found] == ["µs", "µs", "µs", "µs", "ms", "ms"]
    assert all(one.value > 0 and one.other > 0 for one in found)
    assert len(list(plain(found))) == 2 + len(found)


@pytest.mark.slow
def test_machines_that_are_followed_are_looked_at(tmp_path: Path) -> None:
    found = watching(tmp_path, watches=4, nodes=2, seconds=0.1, lead=3.0, rest=0.0)
    assert found.memory > found.given > 0
    assert row(found).startswith("| 4 | 2 |")


def test_curves_of_growth_are_drawn_beside_what_they_may_be() -> None:
    growth = GROWTHS["watches"]
    rows = growth.run.rows
    found = {10: [0.0, *(row.most / 2 for row in rows[1:])], 100: [row.most for row in rows]}
    drawn = picture(growth, found)
    assert drawn.startswith("<svg")
    assert "src=" not in drawn  # nothing is loaded from elsewhere
    assert all(row.name in drawn for row in rows)
    assert line(100, found[100]).count("|") == head(growth).splitlines()[0].count("|")
