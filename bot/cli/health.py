"""`python -m bot health`: asks the bot on this machine how it is, as a container's check does.

Reads the settings as the bot does. As a module of its own it starts in a fraction of the time.
"""

import http.client
import logging
import sys

import click

from bot.addresses import reached_at
from bot.causes import cause
from bot.cli.settings import load
from bot.config import DatabaseSettings, HealthSettings
from bot.health import DATABASE
from bot.version import NAME

_PATIENCE = 4  # seconds


class CheckSettings(HealthSettings, DatabaseSettings):
    """Where the bot answers, and by what it is known."""


@click.command()
@click.option("--ready", is_flag=True, help="Ask /readyz: can it work?")
def health(*, ready: bool) -> None:
    """Ask the bot at HEALTH_PORT how it is (exit code 0: well, or no port is set; 1: not).

    A bot on another database than DATABASE_URL names, where that is set, is not the one that is
    asked.
    """
    settings = load(CheckSettings, with_address=False)
    if not settings.health_port:
        click.echo("HEALTH_PORT is not set: there is nothing to ask.")
        return
    host = reached_at(settings.health_host)
    connection = http.client.HTTPConnection(host, settings.health_port, timeout=_PATIENCE)
    try:
        connection.request("GET", "/readyz" if ready else "/healthz")
        answer = connection.getresponse()
        text = answer.read().decode(errors="replace").strip()
        if answer.getheader("Server") != NAME:
            raise click.ClickException(
                f"Something that is not the bot answers at {host}:{settings.health_port}."
            )
        # Where it is set for the bot alone, as in its unit, the default names another database;
        # and a bot of before the last update does not say on which it is.
        is_set = "database_url" in settings.model_fields_set
        if is_set and answer.getheader(DATABASE, settings.database_id) != settings.database_id:
            raise click.ClickException(
                f"Another bot answers at {host}:{settings.health_port}, not one on this database."
            )
    except (OSError, http.client.HTTPException) as error:
        raise click.ClickException(
            f"The bot does not answer at {host}:{settings.health_port}: {cause(error)}."
        ) from None
    finally:
        connection.close()
    click.echo(text)
    sys.exit(0 if answer.status == http.client.OK else 1)


if __name__ == "__main__":
    logging.getLogger("dotenv").setLevel(logging.ERROR)  # as bot.__main__ does
    health()
