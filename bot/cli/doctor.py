"""`python -m bot doctor`: looks at everything that the bot needs, and says what to do about it.

It works while a bot runs beside it. It sends no message and no command, and changes nothing.
"""

import asyncio
import json
import logging
import sys
from contextlib import suppress

import click
from pydantic import ValidationError

from bot import log
from bot.causes import cause
from bot.cli.setting_faults import address_faults
from bot.clock import SystemClock
from bot.config import PolicySettings, Settings, faults_of
from bot.doctor.checks import Checks, rules
from bot.doctor.env_file import unknown_names
from bot.monitoring.findings import Finding, Findings, Sight, fault

_HERE = Sight(is_local=True)


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print the findings as a JSON array.")
def doctor(*, as_json: bool) -> None:
    """Look at settings, Slack, the database, the rules and the DBC daemons.

    The exit code is 0 if all is well, 1 with warnings, 2 with a fault.
    """
    found = asyncio.run(_printed(as_json=as_json))
    sys.exit(max((one.level.code for one in found), default=0))


async def _printed(*, as_json: bool) -> list[Finding]:
    found, masked = list[Finding](), log.masking(())
    try:
        settings = Settings()
    except (ValidationError, OSError, UnicodeDecodeError) as error:
        findings = _unread(error)
    else:
        masked, findings = log.masking(settings.secrets), _findings(settings)
    async for one in findings:
        found.append(one)
        if not as_json:  # each as soon as it is known: some take seconds
            click.echo(masked(one.line()))
    if as_json:
        # The names and the levels are ours: a password that is one of these words is not in them.
        records = [
            {name: text if name == "level" else masked(text) for name, text in one.record().items()}
            for one in found
        ]
        click.echo(json.dumps(records, ensure_ascii=False, indent=2))
    return found


async def _unread(error: Exception) -> Findings:
    """What is wrong where the settings cannot be used."""
    if not isinstance(error, ValidationError):
        yield fault("settings", f".env cannot be read: {cause(error)}.")
        return
    for sentence in (*faults_of(error), *address_faults()):
        name, _, why = sentence.partition(": ")
        yield fault("settings", f"{name}: {why}", "See .env.example and docs/operations.md.")
    for one in unknown_names():
        yield one
    with suppress(ValidationError):  # told already
        for one in rules(PolicySettings(), _HERE)[1]:
            yield one


async def _findings(settings: Settings) -> Findings:
    # What others would log of the same faults is told here, in one line.
    log.configure("console", "error", settings.secrets)
    logging.disable(logging.CRITICAL)
    async for one in Checks(settings, SystemClock(), _HERE).findings():
        yield one
