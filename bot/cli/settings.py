"""Settings for the command line: read, or said in sentences what is wrong with them."""

import sys
from typing import TypeVar

import click
from pydantic import ValidationError
from pydantic_settings import BaseSettings

from bot.commands.rows import command_table
from bot.config import DatabaseSettings, PolicySettings, faults_of, places
from bot.errors import BotError
from bot.language.canonical import known_arguments
from bot.reply import line, plain
from bot.reviews.policy_file import read_policy
from bot.setting_names import strangers
from storage import check_address

S = TypeVar("S", bound=BaseSettings)

WRONG_SETTINGS = 2  # exit code


def load(kind: type[S]) -> S:
    """The settings of this kind. Where one is wrong, all that are wrong are said, and it ends."""
    faults = address_faults() if issubclass(kind, DatabaseSettings) else []
    try:
        settings = kind()
        if not faults:
            return settings
        faults += _faults_of_rules(kind)
    except ValidationError as error:
        faults = [*faults_of(error), *faults, *_faults_of_rules(kind)]
    except UnicodeDecodeError:
        faults = [".env: it is not a text file in UTF-8."]
    except OSError as error:
        faults = [f".env: it cannot be read: {error.strerror}."]
    where = "They come from the environment or .env: see .env.example and docs/operations.md."
    misspelt = [str(one.told) for one in strangers()]
    click.echo("\n".join(["Invalid configuration:", *faults, *misspelt, where]), err=True)
    sys.exit(WRONG_SETTINGS)


def address_faults() -> list[str]:
    """What is wrong with the database's address, whatever else is wrong with the settings.

    Nothing where it cannot be read, or is none: that is a fault of the setting itself.
    """
    try:
        check_address(DatabaseSettings().database_url)
    except BotError as error:
        said = plain(line(error.words, " ", error.hint))
        return [places().told(f"DATABASE_URL: it {said.removeprefix('DATABASE_URL ')}")]
    except (ValidationError, OSError, UnicodeDecodeError):  # told already
        pass
    return []


def _faults_of_rules(kind: type[BaseSettings]) -> list[str]:
    """What is wrong with the rules, where they are needed: said beside what else is."""
    if not issubclass(kind, PolicySettings):
        return []
    try:
        file = PolicySettings().policy_file
        read_policy(file, known_arguments(command_table()))
    except ValidationError:  # it is among the faults already
        return []
    except BotError as error:
        return [f"POLICY_FILE: {fault}" for fault in error.sentence.splitlines()]
    return []
