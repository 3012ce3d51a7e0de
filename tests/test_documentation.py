"""What README and docs name is there: commands, targets of make, files and tests."""

import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from bot.__main__ import main
from storage.migrations import HEAD

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


def test_each_stop_of_the_threat_model_and_each_chapter_names_its_tests_or_says_why_not() -> None:
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in text(ROOT / "docs" / "security.md").splitlines()
        if line.startswith("| ") and not line.startswith("| ---")
    ]
    stops = [row for row in rows if row[0] not in {"Who may try what", "Chapter"}]
    assert {f"V{number}" for number in range(1, 18)} <= {row[0].split()[0] for row in stops}
    bare = [row[0] for row in stops if not _TEST.search(row[2])]
    known = [row[0] for row in stops if re.search("not applicable", row[1]) or "gap:" in row[2]]
    assert [name for name in bare if name not in known] == []


def test_what_the_operations_quote_is_what_the_bot_says() -> None:
    page = text(ROOT / "docs" / "operations.md").partition("## When something is off")[2]
    said = "\n".join(
        text(path)
        for room in ("bot", "handlers", "storage")
        for path in (ROOT / room).rglob("*.py")
    )
    said = re.sub(r'"\s*\n\s*f?"', "", said) + text(ROOT / "bot" / "locale" / "bot.pot")
    said = re.sub(r"\{[^{}]*\}", "…", re.sub(r'"\n"', "", said))
    quoted = {
        piece.strip(" .,:;()“”")
        for row in re.findall(r"^\| (.*?) \|", page, re.MULTILINE)
        for quote in re.findall(r"(?<!\*)\*([^*]+)\*", row)
        for piece in re.split("…|502 / 503 / 504", quote)
    }
    assert sorted(piece for piece in quoted if piece and piece not in said) == []


def test_the_sample_of_the_doctor_shows_the_newest_schema() -> None:
    assert f"{HEAD}, up to date." in text(ROOT / "docs/operations.md")
