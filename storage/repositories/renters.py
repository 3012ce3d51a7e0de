"""What renters have under way: session ids waiting for a signature, and the nonces used up."""

import hashlib
import json
from datetime import datetime

from sqlalchemy import RowMapping, delete, select, update

from bot.ids import NodeId, UserId
from bot.model import SessionRequest
from storage.connection import OpenConnection
from storage.errors import BadKey
from storage.repositories.repository import Repository
from storage.tables import session_requests, used_nonces
from storage.vault import Vault

_ALL = select(session_requests)


class Renters(Repository):
    """One request for each person and node; one row for each nonce."""

    def __init__(self, connection: OpenConnection, vault: Vault) -> None:
        super().__init__(connection)
        self._vault = vault
        self.erased = False  # whether a request was dropped or replaced in this unit of work

    async def use_nonce(self, nonce: str, now: datetime) -> bool:
        """Use a nonce up; False when it was used before."""
        rows = await self._connection.execute(
            self._insert(used_nonces)
            .values(digest=_digest(nonce), used_at=now)
            .on_conflict_do_nothing()
        )
        return rows.rowcount > 0

    async def is_used(self, nonce: str) -> bool:
        """Whether a nonce was used before."""
        rows = await self._connection.execute(
            select(used_nonces.c.digest).where(used_nonces.c.digest == _digest(nonce))
        )
        return rows.first() is not None

    async def release_nonce(self, nonce: str) -> None:
        """Make a nonce usable again that surely reached no node."""
        await self._connection.execute(
            delete(used_nonces).where(used_nonces.c.digest == _digest(nonce))
        )

    async def put(self, request: SessionRequest) -> None:
        """Keep a request in place of the one that the person had for the node."""
        sealed = self._vault.encrypt(
            {
                "session_id": request.session_id,
                "wallets": json.dumps(request.wallets),
                "rent_order": request.rent_order,
            }
        )
        upsert = self._insert(session_requests).values(
            user=request.user, node=request.node, sealed=sealed, expires_at=request.expires_at
        )
        await self._connection.execute(
            upsert.on_conflict_do_update(
                index_elements=[session_requests.c.user, session_requests.c.node],
                set_={name: upsert.excluded[name] for name in ("sealed", "expires_at")},
            )
        )
        self.erased = True

    async def of(self, user: UserId, now: datetime) -> list[SessionRequest]:
        """The person's requests that have not expired, the newest first."""
        rows = await self._connection.execute(
            select(session_requests)
            .where(session_requests.c.user == user, session_requests.c.expires_at > now)
            .order_by(session_requests.c.expires_at.desc())
        )
        return [self._open(row) for row in rows.mappings()]

    async def all(self) -> list[SessionRequest]:
        """Everybody's requests."""
        rows = await self._connection.execute(_ALL)
        return [self._open(row) for row in rows.mappings()]

    def _open(self, row: RowMapping) -> SessionRequest:
        user, node, expires_at = row["user"], row["node"], row["expires_at"]
        try:
            plain = self._vault.decrypt(row["sealed"])
            wallets = tuple(json.loads(plain["wallets"]))
            return SessionRequest(
                user, node, plain["session_id"], wallets, plain["rent_order"], expires_at
            )
        except (BadKey, KeyError, TypeError, ValueError):
            return SessionRequest(user, node, "", (), "", expires_at, is_locked=True)

    async def drop(self, user: UserId, node: NodeId) -> None:
        """Erase a request."""
        rows = await self._connection.execute(
            delete(session_requests).where(
                session_requests.c.user == user, session_requests.c.node == node
            )
        )
        self.erased = self.erased or rows.rowcount > 0

    async def drop_expired(self, now: datetime) -> None:
        """Erase the requests that nobody finished in time."""
        rows = await self._connection.execute(
            delete(session_requests).where(session_requests.c.expires_at <= now)
        )
        self.erased = self.erased or rows.rowcount > 0

    async def reseal(self) -> int:
        """Encrypt every request anew under the first key, but for those that no key opens.

        Says how many there were.
        """
        rows = await self._connection.execute(_ALL)
        stored = [row for row in rows.mappings() if self._vault.opens(row["sealed"])]
        for row in stored:
            await self._connection.execute(
                update(session_requests)
                .where(
                    session_requests.c.user == row["user"],
                    session_requests.c.node == row["node"],
                )
                .values(sealed=self._vault.rotate(row["sealed"]))
            )
        self.erased = self.erased or bool(stored)
        return len(stored)


def _digest(nonce: str) -> str:
    return hashlib.sha256(nonce.encode()).hexdigest()
