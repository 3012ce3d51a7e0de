"""`python -m bot forget U…`: erase what the bot keeps of a person for their own use."""

import asyncio
import re

import click

from bot.app import vault_of
from bot.cli.settings import load
from bot.clock import SystemClock
from bot.config import KeySettings
from bot.ids import UserId
from bot.model import AuditEntry, AuditKind
from storage import Store

_PERSON = re.compile(r"[UW][A-Z0-9]+")


@click.command()
@click.argument("person", metavar="U…")
def forget(person: UserId) -> None:
    """Erase a person's sessions, shares, aliases, defaults and language, also while the bot runs.

    The audit and the ledger keep their id, with what they did. What is in progress goes on as far
    as it needs no session of theirs.
    """
    if _PERSON.fullmatch(person) is None:
        raise click.UsageError(f"“{person}” is not a person's Slack id, like U0123ABCD.")
    settings = load(KeySettings)
    file = settings.sqlite_file
    if file is not None and not file.is_file():
        raise click.ClickException(f"There is no database {file}. Check DATABASE_URL.")
    erased = asyncio.run(_forgotten(Store(settings.database_url, vault_of(settings)), person))
    told = ", ".join(f"{count} {name}" for name, count in erased.items() if count)
    click.echo(f"Erased of {person}: {told or 'nothing, for nothing was kept'}.")
    if erased["aliases"] or erased["languages"]:
        click.echo("A running bot remembers aliases and languages until it is restarted.")


async def _forgotten(store: Store, person: UserId) -> dict[str, int]:
    now = SystemClock().now()
    try:
        async with store.write() as tx:
            nodes = [session.node for session in await tx.sessions.of(person)]
            erased = await tx.leavers.forget(person)
            for node in nodes:
                details = {"by": "the operator"}
                entry = AuditEntry(
                    AuditKind.SESSION_REMOVED, now, actor=person, node=node, details=details
                )
                tx.audit.append(entry)
            if any(erased.values()):
                tx.audit.append(AuditEntry(AuditKind.FORGOTTEN, now, details={"person": person}))
        await store.scrub()
        return erased
    finally:
        await store.close()
