"""What `make` would do in a fresh clone, without doing it."""

import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def planned(tmp_path: Path, *target: str) -> str:
    """The commands of a target, where nothing is installed."""
    done = subprocess.run(
        ["make", "--dry-run", *target, f"VENV={tmp_path}"],
        cwd=ROOT, capture_output=True, text=True, timeout=60, check=True,
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
