"""What README and docs name is there: commands, targets of make, files and tests."""

import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from bot.__main__ import main

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "policy.example.toml"]
PAGES += sorted((ROOT / "docs").rglob("*.md"))
_COMMAND = re.compile(r"python -m bot((?: [a-z-]+)*)")
_TARGET = re.compile(r"(?:^ {4}|`|\$ )make ([a-z]+)", re.MULTILINE)
_TEST = re.compile(r"`(tests/[\w/]+\.(?:py|toml))`")
_LINK = re.compile(r"\]\((?!https?:)([^)#\s]+)(?:#[^)]*)?\)")


def text(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def missing(words: str) -> Iterator[str]:
    """The first word of a command line that is no command."""
    command: click.Command = main
    for word in words.split():
        if not isinstance(command, click.Group):
            return
        found = command.commands.get(word)
        if found is None:
            yield word
            return
        command = found


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_command_that_is_named_exists(page: Path) -> None:
    for found in _COMMAND.finditer(text(page)):
        assert list(missing(found[1])) == [], found[0]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_target_of_make_that_is_named_exists(page: Path) -> None:
    targets = set(re.findall(r"^([a-z]+):", text(ROOT / "Makefile"), re.MULTILINE))
    assert set(_TARGET.findall(text(page))) <= targets


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_file_that_is_named_exists(page: Path) -> None:
    named = [ROOT / path for path in _TEST.findall(text(page))]
    if page.suffix == ".md":
        named += [page.parent / path for path in _LINK.findall(text(page))]
    assert [str(path) for path in named if not path.exists()] == []


def test_every_command_line_is_named_somewhere() -> None:
    everything = "\n".join(map(text, PAGES))
    for name in main.commands:
        assert f"python -m bot {name}" in everything, name
