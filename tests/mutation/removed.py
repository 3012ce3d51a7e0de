"""`python -m tests.mutation.removed [WORD]`: take guards out, one at a time; name who notices."""

import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from tests.mutation.__main__ import BESIDE, ROOT, SOURCES, WORK

GUARDS = Path(__file__).parent / "removed.toml"
# The first failure says it; a bot that waits for ever has lost its guard as well.
PYTEST = ["-n", "0", "-x", "-q", "--timeout", "60", "-k", "not postgresql"]
_FAILED = re.compile(r"^(?:FAILED|ERROR) (\S+)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Guard:
    """A rule, the lines of a file that keep it, what stands there without it, and its tests."""

    rule: str
    file: str
    kept_by: str
    without: str
    tests: Sequence[str]


def guards() -> Sequence[Guard]:
    """All rules of the list."""
    return [Guard(**one) for one in tomllib.loads(GUARDS.read_text(encoding="utf-8"))["guard"]]


@click.command()
@click.argument("word", default="")
def main(word: str) -> None:
    """Take out each guard whose rule or file holds WORD, and fail where no test notices one."""
    chosen = [guard for guard in guards() if word in guard.rule + guard.file]
    directory = _copy()
    survived = [guard for guard in chosen if not _is_noticed(guard, directory)]
    if survived:
        raise click.ClickException(f"{len(survived)} of {len(chosen)} rules have no guard.")
    click.echo(f"Each of {len(chosen)} rules is guarded.")


def _copy() -> Path:
    directory = WORK / "removed"
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    for name in (*SOURCES, *BESIDE, "pyproject.toml"):
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, directory / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(source, directory / name)
    return directory


def _is_noticed(guard: Guard, directory: Path) -> bool:
    file = directory / guard.file
    text = file.read_text(encoding="utf-8")
    if text.count(guard.kept_by) != 1:
        click.echo(f"{guard.rule}: OTHER LINES OF {guard.file} KEEP IT NOW")
        return False
    file.write_text(text.replace(guard.kept_by, guard.without), encoding="utf-8")
    try:
        done = subprocess.run(
            [sys.executable, "-m", "pytest", *PYTEST, *guard.tests],
            cwd=directory,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
    finally:
        file.write_text(text, encoding="utf-8")
    found = _FAILED.search(done.stdout)
    if done.returncode > 1 or (done.returncode and found is None):
        raise click.ClickException(f"“{guard.rule}” could not be tried:\n{done.stdout[-3000:]}")
    click.echo(f"{guard.rule}: {found[1] if found else 'NOTICED BY NO TEST'}")
    return found is not None


if __name__ == "__main__":
    main()
