"""Settings for the command line: read, or said in sentences what is wrong with them."""

import sys
from typing import TypeVar

import click
from pydantic import ValidationError
from pydantic_settings import BaseSettings

from bot.config import DatabaseSettings, PolicySettings, faults_of
from bot.setting_names import strangers

S = TypeVar("S", bound=BaseSettings)

WRONG_SETTINGS = 2  # exit code


def load(kind: type[S], *, with_address: bool = True) -> S:
    """The settings of this kind. Where one is wrong, all that are wrong are said, and it ends.

    The look at the database's address takes a second: only who goes there needs it.
    """
    faults = _address_faults(kind) if with_address else []
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
    if misspelt:
        misspelt.insert(0, "Warnings, which would not keep the bot from its start:")
    click.echo("\n".join(["Invalid configuration:", *faults, where, *misspelt]), err=True)
    sys.exit(WRONG_SETTINGS)


def _address_faults(kind: type[BaseSettings]) -> list[str]:
    if not issubclass(kind, DatabaseSettings):
        return []
    from bot.cli.setting_faults import address_faults  # noqa: PLC0415 - as below

    return address_faults()


def _faults_of_rules(kind: type[BaseSettings]) -> list[str]:
    if not issubclass(kind, PolicySettings):
        return []
    # Takes a second to import; a container's check, every half a minute, needs none of it.
    from bot.cli.setting_faults import faults_of_rules  # noqa: PLC0415

    return faults_of_rules()
