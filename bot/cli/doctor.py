"""`python -m bot doctor`: looks at everything that the bot needs, and says what to do about it.

It works while a bot runs beside it. It sends no message and no command, and changes nothing.
"""

import asyncio
import json
import logging
import sys
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import click
import structlog
from pydantic import ValidationError

from bot import log
from bot.cli.doctor_slack import SlackCheck
from bot.cli.doctor_storage import storage
from bot.cli.findings import Finding, fault, ok, warning
from bot.cli.named import Named, named_in
from bot.clock import SystemClock
from bot.commands.rows import command_table
from bot.config import PolicySettings, Settings, faults_of
from bot.dbc.client import DbcClient
from bot.dbc.errors import DaemonDisconnected, DaemonFull, DbcError
from bot.dbc.guard import Limits
from bot.errors import BotError
from bot.language.canonical import known_arguments
from bot.log import CREDENTIALS
from bot.plural import counted
from bot.ports import DeliveryFailed
from bot.reviews.lockouts import lockouts
from bot.reviews.policy import Policy
from bot.reviews.policy_file import FaultyPolicy, read_policy
from bot.version import VERSION
from handlers.tries import cause

_PATIENCE = Limits(connect=timedelta(seconds=5), read=timedelta(seconds=10))


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print the findings as a JSON array.")
def doctor(*, as_json: bool) -> None:
    """Look at settings, Slack, the database, the rules and the DBC daemons.

    The exit code is 0 if all is well, 1 with warnings, 2 with a fault.
    """
    found = asyncio.run(_printed(as_json=as_json))
    sys.exit(max((one.level.code for one in found), default=0))


async def _printed(*, as_json: bool) -> list[Finding]:
    found = []
    async for one in _findings():
        found.append(one)
        if not as_json:  # each as soon as it is known: some take seconds
            click.echo(CREDENTIALS.sub("…", one.line()))
    if as_json:
        text = json.dumps([one.record() for one in found], ensure_ascii=False, indent=2)
        click.echo(CREDENTIALS.sub("…", text))
    return found


async def _findings() -> AsyncIterator[Finding]:
    try:
        settings = Settings()
    except ValidationError as error:
        for sentence in faults_of(error):
            name, _, why = sentence.partition(": ")
            yield fault("settings", f"{name}: {why}", "See .env.example and docs/operations.md.")
        with suppress(ValidationError):  # told already
            for one in _policy(PolicySettings().policy_file)[1]:
                yield one
        return
    except (OSError, UnicodeDecodeError) as error:
        yield fault("settings", f".env cannot be read: {type(error).__name__}.")
        return
    # What others would log of the same faults is told here, in one line.
    log.configure("console", "error", settings.secrets)
    logging.disable(logging.CRITICAL)
    mode = "Socket Mode" if settings.uses_socket_mode else "HTTP mode"
    yield ok("settings", f"They are valid. Version {VERSION}, {mode}.")
    policy, told = _policy(settings.policy_file)
    for one in told:
        yield one
    named = named_in(policy) if policy is not None else Named()
    looks = {
        "Slack": SlackCheck(settings, named).findings(),
        "database": storage(settings),
        "DBC": _daemons(settings, named),
    }
    for about, findings in looks.items():
        try:
            async for one in findings:
                yield one
        except (OSError, DeliveryFailed) as error:
            said = cause(error) if isinstance(error, DeliveryFailed) else error.strerror
            yield fault(about, f"It could not be looked at: {said or type(error).__name__}.",
                        "See above, or run the doctor again in a minute.")  # fmt: skip
        except Exception:  # noqa: BLE001 - the rest is still worth to be looked at
            structlog.get_logger().exception("doctor.crashed", about=about)
            yield fault(about, "It could not be looked at: a fault of this program.",
                        "Report it with the traceback on standard error.")  # fmt: skip


def _policy(file: Path | None) -> tuple[Policy | None, list[Finding]]:
    commands = known_arguments(command_table())
    if file is None:
        return None, [ok("rules", "There is no POLICY_FILE: the defaults are in force.")]
    try:
        policy = read_policy(file, commands)
    except FaultyPolicy as faulty:
        return None, [fault("rules", one) for one in faulty.faults]
    except BotError as error:
        return None, [fault("rules", error.sentence)]
    found = [ok("rules", f"{counted(len(policy.rule), 'rule')} in {file}.")]
    found += [warning("rules", one) for one in lockouts(policy, commands)]
    return policy, found


async def _daemons(settings: Settings, named: Named) -> AsyncIterator[Finding]:
    known: set[str] = set()
    is_complete = True
    for url in settings.dbc_client_urls:
        about = f"DBC {url.partition('://')[2]}".rpartition("@")[2]
        async with DbcClient([url], SystemClock(), _PATIENCE) as dbc:
            try:
                version = await dbc.nodes.version()
                nodes = await dbc.nodes.list()
            except DbcError as error:
                yield _unanswered(about, error)
                is_complete = False
                continue
        known |= {node.node_id for node in nodes}
        is_complete = is_complete and bool(nodes)
        told = f"Version {version}; it knows {counted(len(nodes), 'GPU node')}."
        if nodes:
            yield ok(about, told)
        else:
            yield warning(about, told, "After its start it needs some minutes to find them.")
    # A daemon that does not answer may be the one that knows the others.
    if is_complete and (strange := sorted(named.nodes - known)):
        listed = ", ".join(f"{one[:8]}…" for one in strange)
        yield warning("rules", f"No daemon sees these nodes of the rules at present: {listed}.",
                      "Either they are offline (a daemon drops a node that is silent for 5 min) or "
                      "their ids are wrong.")  # fmt: skip


def _unanswered(about: str, error: DbcError) -> Finding:
    if isinstance(error, DaemonFull):
        return fault(about, "All of its slots are taken.", "Restart the daemon.")
    if isinstance(error, DaemonDisconnected):
        return fault(about, "It has lost the DBC network.",
                     "It recovers, or crashes and restarts; wait a minute.")  # fmt: skip
    return fault(about, error.sentence, "Check DBC_CLIENT_URLS and the daemon.")
