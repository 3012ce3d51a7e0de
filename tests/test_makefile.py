"""What `make` would do in a fresh clone, and what its check measures."""

import os
import re
import subprocess
import tomllib
from pathlib import Path

import pytest

from tests.sizes import sizes_of

ROOT = Path(__file__).parents[1]


def planned(tmp_path: Path, *target: str) -> str:
    """The commands of a target, where nothing is installed; whatever make runs the tests."""
    done = subprocess.run(
        ["make", "--dry-run", *target, f"VENV={tmp_path}"],
        cwd=ROOT, capture_output=True, text=True, timeout=60, check=True,
        env={name: text for name, text in os.environ.items() if not name.startswith("MAKE")},
    )  # fmt: skip
    return done.stdout


def test_running_installs_only_what_running_needs(tmp_path: Path) -> None:
    told = planned(tmp_path, "run")
    assert "--require-hashes -r requirements.txt" in told
    assert "requirements-dev.txt" not in told


@pytest.mark.parametrize("target", ["demo", "test"])
def test_everything_else_installs_what_developing_needs(target: str, tmp_path: Path) -> None:
    assert "--require-hashes -r requirements-dev.txt" in planned(tmp_path, target)


def test_the_checks_of_a_command_ask_which_one(tmp_path: Path) -> None:
    assert '-k "vm.restart" tests/scenarios' in planned(tmp_path, "command", "NAME=vm.restart")
    assert "Say which command" in planned(tmp_path, "command")


def test_nothing_is_installed_twice(tmp_path: Path) -> None:
    (tmp_path / ".runs").touch()
    assert "pip install" not in planned(tmp_path, "run")


def test_ci_runs_every_test_and_a_change_is_judged_by_the_quick_ones(tmp_path: Path) -> None:
    quick, every = (_pytest(planned(tmp_path, target)) for target in ("test", "check"))
    assert quick == '-m pytest -m "not slow"'
    assert every == "-m pytest"
    options = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["pytest"]
    assert "slow" not in options["ini_options"]["addopts"]  # `pytest PATH` runs what it names


def _pytest(told: str) -> str:
    """What is given to pytest."""
    (line,) = (line for line in told.splitlines() if " -m pytest" in line)
    return "".join(line.partition("-m pytest")[1:]).rstrip()


def test_few_tests_are_left_to_ci(request: pytest.FixtureRequest) -> None:
    known = [sizes_of(file) for file in (ROOT / "tests").rglob("test_*.py")]
    every, slow = (
        sum(map(len, some)) for some in zip(*((k.all, k.slow) for k in known), strict=True)
    )
    assert 0 < slow < every * 0.09, f"{slow} of {every}; those with many values count as one here"
    items = request.session.items
    if len({item.path for item in items}) == len(known):  # with all their values, where all run
        marked = sum(item.get_closest_marker("slow") is not None for item in items)
        assert marked < len(items) * 0.06


_OF_THIS_RUN = ("SLIPCOVER", "PYTEST")  # settings of the run that this test is part of


@pytest.mark.slow
def test_the_table_of_coverage_has_what_the_workers_reached(tmp_path: Path) -> None:
    lines = subprocess.run(
        ["make", "--dry-run", "check", f"REACHED={tmp_path}/reached.json"],
        cwd=ROOT, capture_output=True, text=True, timeout=60, check=True,
    ).stdout.splitlines()  # fmt: skip
    measured = next(line for line in lines if line.rstrip().endswith("-m pytest"))
    done = subprocess.run(
        " && ".join([f"{measured} -n 1 -p no:cacheprovider tests/test_clock.py", lines[-1]]),
        shell=True, cwd=ROOT, capture_output=True, text=True, timeout=200, check=False,
        env={n: text for n, text in os.environ.items() if not n.startswith(_OF_THIS_RUN)},
    )  # fmt: skip
    row = re.search(r"^bot/clock\.py +\d+ +\d+ +(\d+)", done.stdout, re.MULTILINE)
    assert row
    assert int(row[1]) > 60  # percent
    assert done.returncode == 2, done.stderr  # that one file reaches less than is wanted
