"""Every line that the README and the operator's docs show: run, parsed, or known why not.

Lines for a shell run in a clean copy of the repository; those for Slack go to the bot's parser.
"""

import asyncio
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from bot.commands.rows import command_table
from bot.language.parse import HelpWanted, Parsed, parse
from tests import janitor
from tests.databases import made

ROOT = Path(__file__).parents[1]
PAGES = ("README.md", "README.zh-CN.md", "docs/operations.md", "docs/deployment.md")
# By the words that a line has: what it needs that a test has not, or which test runs it.
NOT_RUN = {
    r"\bdocker\b": "needs Docker; tests/test_deployment.py reads the Dockerfile and compose files",
    r"^kubectl\b|^helm\b": "needs a cluster; tests/test_deployment.py reads the chart",
    r"^systemd-run\b|\bsystemctl\b": "needs systemd; tests/test_deployment.py reads the unit",
    r"^sudo\b": "needs root",
    r"/etc/dbc-bot|/opt/dbc-bot": "writes into the system's directories",
    r"^python3 -m venv\b": "installs packages from a registry",
    r"^make demo$": "serves until it is stopped; tests/scenarios/test_demo.py runs it",
    r"^make test$": "runs this test",
    r"^make run$": "installs packages and needs a workspace; tests/test_makefile.py reads it",
    r"^python -m bot doctor$": "tests/scenarios/test_doctor.py runs it between the sandbox servers",
    r"^python -m bot copy\b": "needs PostgreSQL; tests/storage/test_moving.py does it",
    r"^pg_restore\b|^python -m bot restore$": "tests/storage/test_dumps.py does it",
    r"\btar\b": "tests/cli/test_moving.py runs it, with what is carried",
    r"^curl\b": "asks a bot that runs; tests/scenarios/test_health_port.py does",
}
_INDENTED = re.compile(r"(?: {4}| {6,})(\S.*)")


def blocks(text: str) -> Iterator[list[str]]:
    """The blocks of code of a page."""
    block: list[str] = []
    is_fenced = False
    for line in [*text.splitlines(), ""]:
        found = _INDENTED.fullmatch(line)
        if line.lstrip().startswith("```"):
            is_fenced = not is_fenced
        elif is_fenced or (found and not re.match(r"\s+(?:[*|-]|\d\.) ", line)):
            block.append(line if is_fenced else line.strip())
            continue
        if block:
            yield "\n".join(block).replace("\\\n", " ").splitlines()
        block = []


def typed(page: str) -> list[str]:
    """The lines of a page that somebody types, without remarks and what they print."""
    found = []
    for block in blocks((ROOT / page).read_text(encoding="utf-8")):
        if any(line.startswith("$ ") for line in block):
            found += [line[2:] for line in block if line.startswith("$ ")]
        elif not block[0].startswith("{"):
            found += block
    return [re.split(r"\s+# |(?<=\S)  +(?=[^-\s])", line)[0].strip() for line in found]


EVERYTHING = [(page, line) for page in PAGES for line in typed(page)]
SLACK = [line for _, line in EVERYTHING if line.startswith("/")]
SHELL = [line for _, line in EVERYTHING if not line.startswith("/")]


def why_not(line: str) -> str:
    """Why a line is not run here."""
    return next((why for words, why in NOT_RUN.items() if re.search(words, line)), "")


@pytest.mark.parametrize("line", SLACK)
def test_a_line_for_slack_is_understood(line: str) -> None:
    found = parse(command_table(), line.removeprefix("/dbc").strip())
    assert isinstance(found, Parsed | HelpWanted), found


@pytest.mark.slow
def test_a_line_for_the_shell_runs_in_a_clean_copy_or_it_is_known_why_not(tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    leave = shutil.ignore_patterns(".*", "data", "*.db", "tests", "images")
    shutil.copytree(ROOT, copy, ignore=leave)
    asyncio.run(made(f"sqlite+aiosqlite:///{copy}/data/dbc-bot.db"))
    (copy / "data" / "credential.key").write_text(Fernet.generate_key().decode())
    (copy / "bin").mkdir()
    (copy / "bin" / "python").symlink_to(sys.executable)
    env = {
        **{name: os.environ[name] for name in ("HOME", "LANG") if name in os.environ},
        **janitor.inherited(),
        "PATH": f"{copy}/bin:{os.environ['PATH']}",
        "PYTHONPATH": os.pathsep.join([str(copy), *sys.path[1:]]),
    }  # fmt: skip
    ran = []
    for line in dict.fromkeys(SHELL):
        if why_not(line):
            continue
        if "FINGERPRINT" in line:  # the last one of those that the command before it names
            listed = _run("python -m bot keys list", copy, env).stdout
            line = line.replace("FINGERPRINT", listed.splitlines()[-1].split()[0])  # noqa: PLW2901
        done = _run(line, copy, env)
        assert done.returncode == 0, (line, done.stdout + done.stderr)
        ran.append(line)
    assert len(ran) >= 5
    assert {word for word in NOT_RUN if not any(re.search(word, line) for line in SHELL)} == set()


def _run(line: str, directory: Path, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", "-c", line], cwd=directory, env=env, capture_output=True, text=True,
        timeout=60, check=False,
    )  # fmt: skip


def test_the_reasons_name_tests_that_are_there() -> None:
    named = re.findall(r"tests/[\w/]+\.py", " ".join(NOT_RUN.values()))
    assert [path for path in named if not (ROOT / path).exists()] == []
