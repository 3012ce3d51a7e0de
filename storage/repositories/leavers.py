"""Somebody who has left: what is kept of them for their own use, in every table that has some."""

from sqlalchemy import ColumnElement, Table, and_, delete, or_

from bot.ids import UserId
from storage.repositories.repository import Repository
from storage.tables import (
    access_requests,
    aliases,
    dbc_sessions,
    defaults,
    machine_details,
    readers,
    session_requests,
    session_shares,
    suggestions,
    watched_wallets,
)

# What is theirs, in the words of whoever is told; the ledger, the audit and names stay.
_THEIRS: tuple[tuple[str, Table], ...] = (
    ("shares", session_shares),
    ("sessions", dbc_sessions),
    ("session requests", session_requests),
    ("access requests", access_requests),
    ("machine details read with their sessions", machine_details),
    ("aliases", aliases),
    ("defaults", defaults),
    ("language and settings", readers),
    ("suggestions", suggestions),
    ("watched wallets", watched_wallets),
)


class Leavers(Repository):
    """Erases a person, whatever table they are in."""

    async def forget(self, user: UserId) -> dict[str, int]:
        """Erase what is theirs; says how many rows of what that were."""
        found: dict[str, int] = {}
        for name, table in _THEIRS:
            rows = await self._connection.execute(delete(table).where(_is_of(table, user)))
            found[name] = rows.rowcount
        return found


def _is_of(table: Table, user: UserId) -> ColumnElement[bool]:
    if table is session_shares:  # also what others share with them
        return or_(table.c.user == user, table.c.audience == user)
    if table is defaults:
        return and_(table.c.scope == "person", table.c.id == user)
    if table is readers:
        in_direct = and_(table.c.about == "direct", table.c.value == user)
        return or_(table.c.id == user, in_direct)
    if table is machine_details:
        return table.c.owner == user
    if table is access_requests:
        return table.c.asker == user
    if table is suggestions:
        return table.c.actor == user
    return table.c.user == user
