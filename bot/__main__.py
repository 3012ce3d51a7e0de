"""The command line: `python -m bot`."""

import signal

if __name__ == "__main__":  # Ctrl-C while all the rest is loaded ends it without a traceback
    signal.signal(signal.SIGINT, signal.SIG_DFL)

import json
import logging
import sys
from contextlib import suppress
from functools import partial
from typing import NoReturn

import click
import structlog

from bot import app, log, loop
from bot.addresses import place_of
from bot.cli.audit import audit
from bot.cli.backup import backup, copy, restore
from bot.cli.credential_keys import keys
from bot.cli.doctor import doctor
from bot.cli.failures import Commands, barred, told
from bot.cli.forget import forget
from bot.cli.generated import docs
from bot.cli.health import health
from bot.cli.policy import policy
from bot.cli.settings import WRONG_SETTINGS, load
from bot.cli.sign import sign
from bot.config import Settings, places
from bot.errors import BotError, Taken
from bot.ports import LockedOut
from bot.redaction import Redactor
from bot.services.beginning import refuse_to_begin
from bot.setting_names import strangers
from bot.version import VERSION
from handlers.manifest import manifest

REFUSED_BY_SLACK = 3  # exit code: Slack takes a token or the app no more
TAKEN = 4  # exit code: another process has the port or the database, so a later start may work


@click.group(cls=Commands)
@click.version_option(VERSION, prog_name="dbc-bot", message="%(prog)s %(version)s")
def main() -> None:
    """Run DeepBrain Chain GPU machines from Slack."""
    # It tells of each line that it cannot read, each time; bot.setting_names tells once.
    logging.getLogger("dotenv").setLevel(logging.ERROR)
    # Whoever reads what a command prints, such as an export, wants nothing that is logged in it.
    structlog.configure(logger_factory=lambda *_names: structlog.PrintLogger(sys.stderr))


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
    except PermissionError as error:  # a directory on the way to what the settings name
        _give_up(barred(error))
    except LockedOut as error:
        _give_up(f"{error.sentence} Slack was asked at {place_of(settings.slack_api_url)}.")


def _give_up(sentence: str, code: int = WRONG_SETTINGS) -> NoReturn:
    with suppress(OSError):  # nowhere to say it
        click.echo(f"Error: {places().told(sentence)}", err=True)
    sys.exit(code)


@main.command(name="manifest")
@click.option("--http", is_flag=True, help="For HTTP mode; the default is Socket Mode.")
@click.option("--command", default="/dbc", show_default=True, help="The slash command's name.")
def manifest_command(*, http: bool, command: str) -> None:
    """Print the Slack app manifest to paste when creating the app."""
    click.echo(json.dumps(manifest(command, socket_mode=not http), indent=2))


for command in (docs, doctor, sign, audit, policy, backup, restore, copy, keys, forget, health):
    main.add_command(command)

if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)
    main()
