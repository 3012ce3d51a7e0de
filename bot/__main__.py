"""The command line: `python -m bot`."""

import signal

if __name__ == "__main__":  # Ctrl-C while all the rest is loaded ends it without a traceback
    signal.signal(signal.SIGINT, signal.SIG_DFL)

import json
import sys
from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import NoReturn
from urllib.parse import urlsplit

import click
import structlog

from bot import app, log, loop
from bot.cli.audit import audit
from bot.cli.backup import backup, copy, restore
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
from bot.cli.credential_keys import keys
from bot.cli.doctor import doctor
from bot.cli.failures import Commands, told
from bot.cli.forget import forget
from bot.cli.health import health
from bot.cli.policy import policy
from bot.cli.settings import WRONG_SETTINGS, load
from bot.cli.sign import sign
from bot.commands.rows import command_table
from bot.config import Settings, places
from bot.errors import BotError, Taken
from bot.language.reference import reference
from bot.ports import LockedOut
from bot.redaction import Redactor
from bot.reply import CATALOGUES, DIRECTORIES
from bot.reply import catalogue as words_of
from bot.services.beginning import refuse_to_begin
from bot.setting_names import strangers
from bot.version import VERSION
from handlers.manifest import manifest

REFUSED_BY_SLACK = 3  # exit code: Slack takes a token or the app no more
TAKEN = 4  # exit code: another process has the port or the database, so a later start may work

ROOT = Path(__file__).resolve().parent.parent
_TEMPLATES = Path("bot") / "locale" / "bot.pot"


@click.group(cls=Commands)
@click.version_option(VERSION, prog_name="dbc-bot", message="%(prog)s %(version)s")
def main() -> None:
    """Run DeepBrain Chain GPU machines from Slack."""


@main.command()
@click.option("--new-database", is_flag=True, help="Begin an empty one, though there is another.")
def run(*, new_database: bool) -> None:
    """Run the bot, with settings from the environment or .env."""
    settings = load(Settings)
    redactor = Redactor()
    log.configure(
        settings.log_format, settings.log_level, settings.secrets, redactor, settings.places.told
    )
    structlog.get_logger().info("starting", version=VERSION, **settings.described)
    for one in strangers():
        structlog.get_logger().warning("setting.unknown", name=one.name, sentence=str(one.told))
    try:
        first = partial(refuse_to_begin, settings, anew=new_database)
        if not loop.run(app.run(settings, redactor=redactor, first=first)):
            sys.exit(REFUSED_BY_SLACK)
    except Taken as error:
        _give_up(told(error), TAKEN)
    except BotError as error:
        _give_up(told(error))
    except LockedOut as error:
        _give_up(
            f"{error.sentence} Slack was asked at {urlsplit(settings.slack_api_url).hostname}."
        )


def _give_up(sentence: str, code: int = WRONG_SETTINGS) -> NoReturn:
    with suppress(OSError):  # nowhere to say it
        click.echo(f"Error: {places().told(sentence)}", err=True)
    sys.exit(code)


@main.command()
@click.option("--check", is_flag=True, help="Write nothing; fail if a file is not current.")
def docs(*, check: bool) -> None:
    """Write the generated files: docs/commands.md, manifest.json, the catalogues' templates."""
    if (found := catalogue(ROOT)) is None:
        click.echo(f"left {_TEMPLATES} as it is: Babel is not installed", err=True)
    else:
        _write({ROOT / _TEMPLATES: found}, check=check)
        _translations(check=check)
        words_of.cache_clear()  # the pages are in the words that were just compiled
    slash = Settings.model_fields["slash_command"].default
    pages = {
        ROOT / "docs" / "commands.md": reference(command_table(), slash),
        ROOT / "docs" / "zh" / "commands.md": reference(command_table(), slash, words_of("zh")),
        ROOT / "manifest.json": json.dumps(manifest(slash, socket_mode=True), indent=2) + "\n",
    }
    _write(pages, check=check)


def _write(generated: Mapping[Path, str], *, check: bool) -> None:
    for path, text in generated.items():
        current = path.read_text(encoding="utf-8") if path.exists() else ""
        if current == text:
            continue
        if check:
            raise click.ClickException(f"{path.relative_to(ROOT)} is not current: make docs")
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
        click.echo(f"wrote {path.relative_to(ROOT)}")


def _translations(*, check: bool) -> None:
    """Compile the translations, or say what is wrong with them."""
    wanted = templates(ROOT)
    for language, directory in DIRECTORIES.items():
        source = CATALOGUES / directory / "LC_MESSAGES" / "bot.po"
        target, found = source.with_suffix(".mo"), translated(source, directory)
        if wrong := faults(found):
            raise click.ClickException("\n".join([f"{source.relative_to(ROOT)}:", *wrong]))
        if language in COMPLETE and not check:
            settle(wanted, found)
        lacking, left = missing(wanted, found), stale(wanted, found)
        if not check:
            source.write_text(source_of(found), encoding="utf-8")
            if not is_current(target, found):
                target.write_bytes(compiled(found))
                click.echo(f"wrote {target.relative_to(ROOT)}")
        if language in COMPLETE and (lacking or left):
            raise click.ClickException(what_to_do(str(source.relative_to(ROOT)), lacking, left))
        if check and source.read_text(encoding="utf-8") != source_of(found):
            raise click.ClickException(f"{source.relative_to(ROOT)} is not in order: make docs")
        if check and not is_current(target, found):
            raise click.ClickException(f"{target.relative_to(ROOT)} is not current: make docs")
        if lacking or left:
            click.echo(f"{directory}: {len(lacking)} to translate, {len(left)} of no use any more")


@main.command(name="manifest")
@click.option("--http", is_flag=True, help="For HTTP mode; the default is Socket Mode.")
@click.option("--command", default="/dbc", show_default=True, help="The slash command's name.")
def manifest_command(*, http: bool, command: str) -> None:
    """Print the Slack app manifest to paste when creating the app."""
    click.echo(json.dumps(manifest(command, socket_mode=not http), indent=2))


for command in (doctor, sign, audit, policy, backup, restore, copy, keys, forget, health):
    main.add_command(command)

if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)
    main()
