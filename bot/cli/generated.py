"""The generated files: the pages of commands, the manifest, the catalogues' templates.

All of them are written, whatever is wrong with one of them; what is wrong is told together.
"""

import json
from dataclasses import dataclass, field
from pathlib import Path

import click

from bot.cli.catalogue import (
    COMPLETE,
    catalogue,
    compiled,
    faults,
    is_current,
    missing,
    settle,
    source_of,
    stale,
    templates,
    translated,
    what_to_do,
)
from bot.commands.rows import command_table
from bot.config import Settings
from bot.language.reference import reference
from bot.language.table import Table
from bot.reply import DIRECTORIES, Language
from bot.reply import catalogue as words_of
from handlers.manifest import manifest

ROOT = Path(__file__).resolve().parents[2]
_TEMPLATES = Path("bot") / "locale" / "bot.pot"


@click.command()
@click.option("--check", is_flag=True, help="Write nothing; fail if a file is not current.")
def docs(*, check: bool) -> None:
    """Write the generated files: docs/commands.md, manifest.json, the catalogues' templates."""
    if wrong := Generated(ROOT, command_table(), is_check=check).brought_up_to_date():
        raise click.ClickException("\n".join(wrong))


@dataclass
class Generated:
    """The generated files below `root`; with `is_check` nothing is written."""

    root: Path
    table: Table
    is_check: bool = False
    _wrong: list[str] = field(default_factory=list)

    def brought_up_to_date(self) -> list[str]:
        """Write what is not current; what is wrong, which is nothing where all is well."""
        if (found := catalogue(self.root)) is None:
            click.echo(f"left {_TEMPLATES} as it is: Babel is not installed", err=True)
        else:
            self._write(_TEMPLATES, found)
            for language, directory in DIRECTORIES.items():
                self._translate(language, directory)
            words_of.cache_clear()  # the pages are in the words that were just compiled
        if nameless := [row.id for row in self.table if not row.chinese]:
            told = 'give each a `chinese="…"` in its row (several words: the usual one first)'
            self._wrong.append(f"There is no Chinese word for {', '.join(nameless)}: {told}.")
        slash = Settings.model_fields["slash_command"].default
        self._write(Path("docs") / "commands.md", reference(self.table, slash))
        in_chinese = reference(self.table, slash, words_of("zh"), "zh")
        self._write(Path("docs") / "zh" / "commands.md", in_chinese)
        told = json.dumps(manifest(slash, socket_mode=True), indent=2)
        self._write(Path("manifest.json"), f"{told}\n")
        return self._wrong

    def _write(self, path: Path, content: str) -> None:
        file = self.root / path
        if file.exists() and file.read_text(encoding="utf-8") == content:
            return
        if self.is_check:
            self._wrong.append(f"{path} is not current: make docs")
            return
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content, encoding="utf-8")
        click.echo(f"wrote {path}")

    def _translate(self, language: Language, directory: str) -> None:
        """Compile the translations, or say what is wrong with them."""
        wanted = templates(self.root)
        path = Path("bot") / "locale" / directory / "LC_MESSAGES" / "bot.po"
        source = self.root / path
        found = translated(source, directory)
        if wrong := faults(found):
            self._wrong.append("\n".join([f"{path}:", *wrong]))
        if language in COMPLETE and not self.is_check:
            settle(wanted, found)
        lacking, left = missing(wanted, found), stale(wanted, found)
        self._write(path, source_of(found))
        target = source.with_suffix(".mo")
        if not wrong and not is_current(target, found):
            if self.is_check:
                self._wrong.append(f"{path.with_suffix('.mo')} is not current: make docs")
            else:
                target.write_bytes(compiled(found))
                click.echo(f"wrote {path.with_suffix('.mo')}")
        if language in COMPLETE and (lacking or left):
            told = what_to_do(str(path), lacking, left, is_check=self.is_check)
            self._wrong.append(told)
        elif lacking or left:
            click.echo(f"{directory}: {len(lacking)} to translate, {len(left)} of no use any more")
