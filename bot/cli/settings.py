"""Settings for the command line: read, or said in sentences what is wrong with them."""

import sys
from typing import TypeVar

import click
from pydantic import ValidationError
from pydantic_settings import BaseSettings

from bot.config import faults_of

S = TypeVar("S", bound=BaseSettings)

WRONG_SETTINGS = 2  # exit code


def load(kind: type[S]) -> S:
    """The settings of this kind. Where one is wrong, all that are wrong are said, and it ends."""
    try:
        return kind()
    except ValidationError as error:
        faults = faults_of(error)
    except UnicodeDecodeError:
        faults = [".env: it is not a text file in UTF-8."]
    except OSError as error:
        faults = [f".env: it cannot be read: {error.strerror}."]
    where = "They come from the environment or .env: see .env.example and docs/operations.md."
    click.echo("\n".join(["The settings will not do:", *faults, where]), err=True)
    sys.exit(WRONG_SETTINGS)
