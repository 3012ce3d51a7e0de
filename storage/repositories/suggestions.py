"""What lines said that were not understood, for the buttons that their answers offer.

Sealed, since nobody knows what was typed. It is of use for an hour: with a key that was retired
meanwhile, as well as after that, it is gone.
"""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import delete, select

from bot.ids import UserId
from storage.connection import OpenConnection
from storage.errors import BadKey
from storage.repositories.repository import Repository, texts
from storage.tables import suggestions
from storage.vault import Vault


class Suggestions(Repository):
    """One row for each button; those that have expired go when another one comes."""

    def __init__(self, connection: OpenConnection, vault: Vault) -> None:
        super().__init__(connection)
        self._vault = vault

    async def put(
        self, ids: Mapping[str, Mapping[str, str]], actor: UserId, now: datetime, until: datetime
    ) -> None:
        """Keep what the buttons of these ids would fill in for `actor`."""
        await self._connection.execute(delete(suggestions).where(suggestions.c.expires_at <= now))
        for one, values in ids.items():
            sealed = self._vault.encrypt(values)
            await self._connection.execute(
                self._insert(suggestions).values(
                    id=one, actor=actor, sealed=sealed, expires_at=until
                )
            )

    async def find(self, one: str, actor: UserId, now: datetime) -> Mapping[str, str]:
        """What a button fills in; nothing for somebody else's, or one that has expired."""
        rows = await self._connection.execute(
            select(suggestions.c.sealed).where(
                suggestions.c.id == one,
                suggestions.c.actor == actor,
                suggestions.c.expires_at > now,
            )
        )
        sealed = rows.scalar_one_or_none()
        try:
            return texts(self._vault.decrypt(sealed)) if sealed else {}
        except BadKey:
            return {}
