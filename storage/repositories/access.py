"""Requests for access. Who may ask or answer is not known here."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, and_, delete, select, update

from bot.ids import UserId
from bot.model import AccessRequest, AccessState
from storage.repositories.mapper import Mapper, one_of
from storage.repositories.repository import Repository
from storage.tables import access_requests

_IS_OPEN = access_requests.c.state == AccessState.OPEN


class Access(Repository):
    """Requests by id; one a person and node is open at most."""

    async def begin(self, request: AccessRequest) -> bool:
        """Store a new request; False where that person's last one for the node is open."""
        rows = await self._connection.execute(
            self._insert(access_requests).values(_ROWS.write(request)).on_conflict_do_nothing()
        )
        return rows.rowcount == 1

    async def find(self, request_id: str) -> AccessRequest | None:
        """The request of that id."""
        return next(iter(await self._where(access_requests.c.id == request_id)), None)

    async def open_of(self, asker: str) -> list[AccessRequest]:
        """The requests of a person that wait for an answer, the oldest first."""
        return await self._where(and_(access_requests.c.asker == asker, _IS_OPEN))

    async def since(self, asker: str, moment: datetime) -> list[AccessRequest]:
        """All that a person has asked for since then, the oldest first."""
        about = and_(access_requests.c.asker == asker, access_requests.c.created_at > moment)
        return await self._where(about)

    async def open(self) -> list[AccessRequest]:
        """All requests that wait for an answer, the oldest first."""
        return await self._where(_IS_OPEN)

    async def refuse(self, request_id: str, holder: UserId) -> AccessRequest | None:
        """Note that one of those who were asked said no; gives the request as it is then.

        Conditions: it is open, they were asked, and have not said so before. Else None.
        """
        asked = select(access_requests).where(access_requests.c.id == request_id, _IS_OPEN)
        rows = await self._connection.execute(asked.with_for_update())
        row = rows.mappings().one_or_none()
        if row is None or holder not in row["holders"] or holder in row["refused"]:
            return None
        refused = [*row["refused"], holder]
        await self._connection.execute(
            update(access_requests)
            .where(access_requests.c.id == request_id)
            .values(refused=refused)
        )
        return _ROWS.read({**row, "refused": refused})

    async def end(self, request_id: str, state: AccessState, now: datetime) -> bool:
        """Close a request that is open; says whether this did."""
        rows = await self._connection.execute(
            update(access_requests)
            .where(access_requests.c.id == request_id, _IS_OPEN)
            .values(state=state, ended_at=now)
        )
        return rows.rowcount == 1

    async def forget(self, before: datetime, limit: int) -> int:
        """Remove up to `limit` requests that ended before that moment; says how many."""
        over = select(access_requests.c.id).where(access_requests.c.ended_at < before).limit(limit)
        rows = await self._connection.execute(
            delete(access_requests).where(access_requests.c.id.in_(over))
        )
        return rows.rowcount

    async def _where(self, condition: ColumnElement[bool]) -> list[AccessRequest]:
        rows = await self._connection.execute(
            select(access_requests).where(condition).order_by(access_requests.c.created_at)
        )
        return [_ROWS.read(row) for row in rows.mappings()]


def _ids(stored: object) -> tuple[UserId, ...]:
    return tuple(UserId(str(one)) for one in stored) if isinstance(stored, Sequence) else ()


_ROWS = Mapper(
    AccessRequest,
    access_requests,
    holders=lambda row: _ids(row["holders"]),
    refused=lambda row: _ids(row["refused"]),
    state=one_of("state", AccessState, AccessState.EXPIRED),
)
