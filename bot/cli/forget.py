"""`python -m bot forget U…`: erase what the bot keeps of a person for their own use."""

import asyncio
import re

import click
from cryptography.fernet import Fernet

from bot.cli.schemas import require_newest
from bot.cli.settings import load
from bot.clock import SystemClock
from bot.config import DatabaseSettings
from bot.ids import UserId
from bot.model import AuditEntry, AuditKind
from bot.plural import counted
from bot.services.access import end_with_session
from storage import Store, Vault, require_there

_LANGUAGE = "language and settings"
_PERSON = re.compile(r"[UW][A-Z0-9]+")
_ONE = {
    "aliases": "alias",
    "machine details read with their sessions": "machine detail read with their sessions",
}


@click.command()
@click.argument("person", metavar="U…")
def forget(person: UserId) -> None:
    """Erase a person's sessions, shares, requests, aliases, defaults, language and settings.

    Also while the bot runs.

    The audit and the ledger keep their id, with what they did. What is in progress goes on as far
    as it needs no session of theirs.
    """
    if _PERSON.fullmatch(person) is None:
        raise click.UsageError(f"“{person}” is not a person's Slack id, like U0123ABCD.")
    settings = load(DatabaseSettings)
    file = settings.sqlite_file
    if file is not None:
        require_there(file)
    require_newest(settings.database_url)
    # Nothing is decrypted to be erased, so a lost key does not stand in the way.
    nobodys = Vault([Fernet.generate_key().decode()])
    erased = asyncio.run(_forgotten(Store(settings.database_url, nobodys), person))
    told = ", ".join(_counted(count, name) for name, count in erased.items() if count)
    click.echo(f"Erased of {person}: {told or 'nothing, for nothing was kept'}.")
    if erased["aliases"] or erased[_LANGUAGE]:
        click.echo("A running bot remembers aliases and languages until it is restarted.")


def _counted(count: int, several: str) -> str:
    if several == _LANGUAGE:  # of one person, in however many rows it is kept
        return several
    return counted(count, _ONE.get(several, several.removesuffix("s")), several)


async def _forgotten(store: Store, person: UserId) -> dict[str, int]:
    now, by = SystemClock().now(), "the operator"
    try:
        labels = {node.id: node.label for node in (await store.known()).nodes()}
        async with store.write() as tx:
            for share in await tx.sessions.shares_of(person):
                node_label = labels.get(share.node, share.node[:8])
                await end_with_session(tx, [share], node_label, now, by=by)
            nodes = [session.node for session in await tx.sessions.of(person)]
            erased = await tx.leavers.forget(person)
            for node in nodes:
                details = {"by": by}
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
