"""`python -m tests.mutation [MODULE]`: break modules piece by piece; print what no test notices."""

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import click
from mutmut.stats import status_by_exit_code

ROOT = Path(__file__).parents[2]
WORK = ROOT / ".mutation"
# Of each module its `tests`; `only`: the functions to break, where the others' tests take too long.
GUARDS: Mapping[str, Mapping[str, Sequence[str]]] = tomllib.loads(
    (Path(__file__).parent / "guards.toml").read_text(encoding="utf-8")
)
SOURCES = ["bot", "handlers", "storage"]
BESIDE = ["sandbox", "tests", "docs", "manifest.json", "policy.example.toml", "README.md"]
NOTICED = {"killed", "timeout", "caught by type check"}
BIN = Path(sys.executable).parent
# No test takes half as long: only a mutant waits for ever.
PYTEST = ["-n", "0", "--timeout", "30", "-p", "tests.mutation.order"]
MYPY = ["mypy", "--output", "json", "--no-warn-unused-ignores"]
_SPINNER = re.compile(r"^[\u2800-\u28ff] .*\n?", re.MULTILINE)


@click.command()
@click.argument("module", default="")
def main(module: str) -> None:
    """Break every module whose path begins with MODULE, and print the mutants that survive."""
    chosen = [path for path in GUARDS if path.startswith(module)]
    if not chosen:
        raise click.UsageError(f"tests/mutation/guards.toml names no module {module}.")
    for path in chosen:
        directory = prepare(path)
        mutmut(directory, "run", "--max-children", "1", *functions_of(path))
        for told in report(path, directory):
            click.echo(told)


def prepare(path: str) -> Path:
    """A copy of the tree to break, with mutmut's settings for this module in it."""
    directory = WORK / path.removesuffix(".py").replace("/", ".")
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    for name in (*SOURCES, *BESIDE):
        source = ROOT / name
        if source.is_dir():
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(source, directory / name, ignore=ignored)
        else:
            shutil.copy2(source, directory / name)
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    # mutmut adds comments and conditions that these would take for faults.
    project = re.sub(r"^enable_error_code = .*$", "", project, flags=re.MULTILINE)
    settings = "\n".join(f"{key} = {json.dumps(value)}" for key, value in settings_of(path))
    text = f"{project}\n[tool.mutmut]\n{settings}\n"
    (directory / "pyproject.toml").write_text(text, encoding="utf-8")
    return directory


def settings_of(path: str) -> Iterator[tuple[str, Any]]:
    """What mutmut is to break, and which tests it is to run."""
    yield "source_paths", SOURCES
    yield "only_mutate", [path]
    yield "also_copy", BESIDE
    yield "pytest_add_cli_args_test_selection", GUARDS[path]["tests"]
    yield "pytest_add_cli_args", PYTEST
    # `make check` finds these: no test has to.
    cache = str(ROOT / ".mypy_cache")
    yield "type_check_command", [*MYPY, path, "--cache-dir", cache]
    # A process that has run tests has threads, which a fork would not have.
    yield "process_isolation", "forkserver"
    yield "track_dependencies", False
    yield "use_git_change_detection", False


def functions_of(path: str) -> Iterator[str]:
    """mutmut's names for the functions to break; none means all."""
    module = path.removesuffix(".py").replace("/", ".")
    for function in GUARDS[path].get("only", ()):
        owner, _, name = function.rpartition(".")
        yield f"{module}.x{f'ǁ{owner}ǁ' if owner else '_'}{name}__mutmut_*"


def mutmut(directory: Path, *words: str) -> str:
    """What mutmut prints, once it has ended well."""
    where = f"{BIN}{os.pathsep}{os.environ['PATH']}"  # for mypy
    done = subprocess.run(
        [BIN / "mutmut", *words],
        cwd=directory,
        env={**os.environ, "PATH": where},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    told = _SPINNER.sub("", done.stdout)
    if done.returncode:
        raise click.ClickException(f"mutmut {' '.join(words)} failed:\n{told[-4000:]}")
    return told


def report(path: str, directory: Path) -> Iterator[str]:
    """How many mutants were noticed, and each that was not, as a difference."""
    meta = json.loads((directory / "mutants" / f"{path}.meta").read_text(encoding="utf-8"))
    # Those without a code are of functions that were not chosen.
    codes = {name: code for name, code in meta["exit_code_by_key"].items() if code is not None}
    ends = {name: status_by_exit_code[code] for name, code in codes.items()}
    for name, end in ends.items():
        if end == "no tests":
            yield f"# {name}: {end}"
        elif end not in NOTICED:
            yield mutmut(directory, "show", name)
    counts = ", ".join(f"{count} {end}" for end, count in Counter(ends.values()).most_common())
    yield f"{path}: {len(ends)} mutants: {counts}"


if __name__ == "__main__":
    main()
