"""How the command line tells of failures: in one place, to whoever runs the bot."""

from typing import Any

import click

from bot.config import places
from bot.errors import BotError
from bot.reply import line, plain, sentences
from bot.services.database import advice, cause
from storage import StorageFailed


class Commands(click.Group):
    """A group whose commands may raise what the bot raises: it is told as a sentence."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command. Raises click's errors alone."""
        try:
            return super().invoke(ctx)
        except click.UsageError:
            raise
        except click.ClickException as error:
            raise click.ClickException(places().told(error.message)) from None
        except BotError as error:
            raise click.ClickException(told(error)) from None
        except PermissionError as error:
            raise click.ClickException(barred(error)) from None


def barred(error: PermissionError) -> str:
    """What is wrong where the operator's account may not use what is there, and what to do."""
    told = f"This account may not use {error.filename}. Run this as the account that the bot"
    return places().told(f"{told} runs as.")


def told(error: BotError) -> str:
    """What is wrong and what to do, for the operator: nobody else is there to be told."""
    return places().told(said(error))


def said(error: BotError) -> str:
    """The same without where the settings are that it names."""
    if isinstance(error, StorageFailed):
        told = f"The database that DATABASE_URL names cannot be used: {cause(error)}."
        return plain(sentences((told, advice(error))))
    return plain(line(error.words, " ", error.hint))
