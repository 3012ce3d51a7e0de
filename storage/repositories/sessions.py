"""People's credentials for DBC nodes: encrypted at rest, erased on removal."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    RowMapping,
    Select,
    and_,
    bindparam,
    delete,
    not_,
    or_,
    select,
    tuple_,
    update,
)

from bot.ids import ChannelId, NodeId, UserId
from bot.model import Audience, DbcSession, Share
from storage.connection import OpenConnection
from storage.errors import BadKey
from storage.repositories.mapper import Mapper
from storage.repositories.repository import Repository, is_word, renewing
from storage.tables import dbc_sessions, session_shares
from storage.vault import Vault

_NEWS = ("sealed", "added_at", "checked_at", "problem")
_SECRETS = ("session_id", "session_id_sign", "rent_order")
_LOCKED = {**dict.fromkeys(_SECRETS, ""), "is_locked": True}

_IN_ORDER = select(dbc_sessions).order_by(dbc_sessions.c.user, dbc_sessions.c.node)
_IS_OF = dbc_sessions.c.user == bindparam("its_user")
_OF = _IN_ORDER.where(_IS_OF)
_ON = _IN_ORDER.where(dbc_sessions.c.node == bindparam("its_node"))
_FIND = _ON.where(_IS_OF)
_THESE = _IN_ORDER.where(
    tuple_(dbc_sessions.c.user, dbc_sessions.c.node).in_(bindparam("its_pairs", expanding=True))
)
_OWN = select(dbc_sessions.c.user, dbc_sessions.c.node).where(_IS_OF)
_SHARES = select(session_shares).order_by(session_shares.c.node, session_shares.c.created_at)
_SHARED_BY = _SHARES.where(session_shares.c.user == bindparam("its_user"))
_SHARED_ON = _SHARES.where(session_shares.c.node == bindparam("its_node"))
_SHARED_WITH = _SHARES.where(
    session_shares.c.audience.in_(bindparam("its_audiences", expanding=True))
)


class Sessions(Repository):
    """One row for each person and node. What was shared until a moment authorizes nothing then."""

    def __init__(
        self, connection: OpenConnection, vault: Vault, now: Callable[[], datetime]
    ) -> None:
        super().__init__(connection)
        self._vault = vault
        self._now = now
        self.erased = False  # whether a session was removed or replaced in this unit of work

    async def put(self, session: DbcSession) -> None:
        """Store a session in place of the one that the person had for the node."""
        sealed = self._vault.encrypt({name: getattr(session, name) for name in _SECRETS})
        row = {**_ROWS.write(session), "sealed": sealed}
        await self._connection.execute(renewing(self._dialect, dbc_sessions, *_NEWS), row)
        self.erased = True

    async def find(self, user: UserId, node: NodeId) -> DbcSession | None:
        """The person's session for the node, if they gave one."""
        found = await self._read(_FIND, {"its_user": user, "its_node": node})
        return found[0] if found else None

    async def of(self, user: UserId) -> list[DbcSession]:
        """The person's sessions, ordered by node."""
        return await self._read(_OF, {"its_user": user})

    async def on(self, node: NodeId) -> list[DbcSession]:
        """Everybody's sessions for the node, ordered by person."""
        return await self._read(_ON, {"its_node": node})

    async def all(self) -> list[DbcSession]:
        """Everybody's sessions, ordered by person and node."""
        return await self._read(_IN_ORDER)

    async def usable(
        self, user: UserId, channel: ChannelId = ChannelId(""), node: NodeId = NodeId("")
    ) -> list[DbcSession]:
        """The sessions that `user` may act with in `channel`, one a node, ordered by node.

        Their own comes first, then one shared with them, then one shared with the channel; of
        several alike, the one shared longest.
        """
        rows = await self._connection.execute(_OWN, {"its_user": user})
        held = [(whose, at) for whose, at in rows]
        found = chosen(held, await self.shares_with(user, channel))
        wanted = [(whose, at) for at, whose in found.items() if node in {"", at}]
        sessions = await self._read(_THESE, {"its_pairs": wanted}) if wanted else []
        return sorted(sessions, key=lambda session: session.node)

    async def share(self, share: Share) -> None:
        """Let somebody use a session; sharing twice is sharing once, until the later one's end."""
        row = {**_SHARED.write(share), "warned": False}
        # Not updated: the database counts (`Versions`) what is there and what is not.
        keys = [column == row[column.name] for column in session_shares.primary_key]
        until_then = session_shares.c.ends_at.is_not_distinct_from(share.ends_at)
        await self._connection.execute(delete(session_shares).where(*keys, not_(until_then)))
        await self._connection.execute(
            self._insert(session_shares).values(row).on_conflict_do_nothing()
        )

    async def unshare(self, user: UserId, node: NodeId, audience: str = "") -> int:
        """Take a session back, from everybody or from one; says from how many."""
        conditions = [session_shares.c.user == user, session_shares.c.node == node]
        if audience:
            conditions.append(session_shares.c.audience == audience)
        rows = await self._connection.execute(delete(session_shares).where(*conditions))
        return rows.rowcount

    async def shares_of(self, user: UserId) -> list[Share]:
        """What `user` shares, ordered by node, then by time."""
        return await self._shares(_SHARED_BY, {"its_user": user})

    async def shares_on(self, node: NodeId) -> list[Share]:
        """The shared sessions for a node."""
        return await self._shares(_SHARED_ON, {"its_node": node})

    async def may_use(self, user: UserId, channel: ChannelId, owner: UserId, node: NodeId) -> bool:
        """Whether `user` may, in `channel`, act with the session of `owner` for a node."""
        if user == owner:
            return True
        shares = await self.shares_with(user, channel)
        return any((share.user, share.node) == (owner, node) for share in shares)

    async def shares_with(self, user: UserId, channel: ChannelId = ChannelId("")) -> list[Share]:
        """What is shared with a person, then what is shared with a channel; oldest first."""
        audiences = sorted({user, channel} - {""})
        return in_order(await self._shares(_SHARED_WITH, {"its_audiences": audiences}))

    async def shares(self) -> list[Share]:
        """Everything that is shared."""
        return await self._shares(_SHARES)

    async def is_due(self, now: datetime, soon: datetime) -> bool:
        """Whether `end_shares` or `warn_shares` finds something."""
        rows = await self._connection.execute(
            select(session_shares.c.user).where(or_(_is_ended(now), _is_near(soon))).limit(1)
        )
        return rows.first() is not None

    async def end_shares(self, now: datetime) -> list[Share]:
        """Take back what was shared until now, and give it: each is given once."""
        rows = await self._connection.execute(
            delete(session_shares).where(_is_ended(now)).returning(session_shares)
        )
        return _shares_in(rows.mappings().all())

    async def warn_shares(self, soon: datetime) -> list[Share]:
        """Those that end by `soon`, and note that they are told of it: each is given once."""
        rows = await self._connection.execute(
            update(session_shares)
            .where(_is_near(soon))
            .values(warned=True)
            .returning(session_shares)
        )
        return _shares_in(rows.mappings().all())

    async def checked(self, user: UserId, node: NodeId, now: datetime, problem: str) -> None:
        """Write down that a session was tried; `problem` is empty when it worked."""
        await self._connection.execute(
            update(dbc_sessions)
            .where(dbc_sessions.c.user == user, dbc_sessions.c.node == node)
            .values(checked_at=now, problem=problem)
        )

    async def remove(self, user: UserId, node: NodeId) -> bool:
        """Erase a session and all that was shared of it; says whether there was one."""
        await self.unshare(user, node)
        rows = await self._connection.execute(
            delete(dbc_sessions).where(dbc_sessions.c.user == user, dbc_sessions.c.node == node)
        )
        self.erased = self.erased or rows.rowcount > 0
        return rows.rowcount > 0

    async def everyone(self) -> list[tuple[str, str]]:
        """Who has a session for which node, as pairs of person and node. Nothing is decrypted."""
        rows = await self._connection.execute(
            select(dbc_sessions.c.user, dbc_sessions.c.node).order_by(
                dbc_sessions.c.user, dbc_sessions.c.node
            )
        )
        return [(user, node) for user, node in rows]

    async def entitlements(self) -> Mapping[str, frozenset[tuple[str, str]]]:
        """Who may act on which node, by node: persons and channels. Nothing is decrypted."""
        found: dict[str, set[tuple[str, str]]] = defaultdict(set)
        for user, node in await self.everyone():
            found[node].add((Audience.PERSON, user))
        for share in await self.shares():
            found[share.node].add((share.kind, share.audience))
        return {node: frozenset(entitled) for node, entitled in found.items()}

    async def reseal(self) -> int:
        """Encrypt every session anew under the first key, but for those that no key opens.

        Says how many there were.
        """
        rows = await self._connection.execute(select(dbc_sessions))
        stored = [row for row in rows.mappings() if self._vault.opens(row["sealed"])]
        for row in stored:
            await self._connection.execute(
                update(dbc_sessions)
                .where(
                    dbc_sessions.c.user == row["user"],
                    dbc_sessions.c.node == row["node"],
                )
                .values(sealed=self._vault.rotate(row["sealed"]))
            )
        self.erased = self.erased or bool(stored)
        return len(stored)

    async def _read(
        self, query: Select[*tuple[Any, ...]], given: Mapping[str, Any] | None = None
    ) -> list[DbcSession]:
        rows = await self._connection.execute(query, given)
        return [self._open(row) for row in rows.mappings()]

    async def _shares(
        self, query: Select[*tuple[Any, ...]], given: Mapping[str, Any] | None = None
    ) -> list[Share]:
        rows = await self._connection.execute(query, given)
        found = _shares_in(rows.mappings().all())
        if all(share.ends_at is None for share in found):
            return found
        now = self._now()
        return [share for share in found if not share.is_over(now)]

    def _open(self, row: RowMapping) -> DbcSession:
        """The session of a row, locked where no key opens it: the others stay usable."""
        try:
            plain = self._vault.decrypt(row["sealed"])
            opened = {name: plain[name] for name in _SECRETS}
        except (BadKey, KeyError, TypeError):
            return _ROWS.read({**row, **_LOCKED})
        return _ROWS.read({**row, **opened, "is_locked": False})


def _is_ended(now: datetime) -> ColumnElement[bool]:
    return session_shares.c.ends_at <= now


def _is_near(soon: datetime) -> ColumnElement[bool]:
    return and_(session_shares.c.ends_at <= soon, session_shares.c.warned.is_(False))


def _shares_in(rows: Sequence[RowMapping]) -> list[Share]:
    return [_SHARED.read(row) for row in rows if is_word(Audience, row["kind"])]


def in_order(shares: Iterable[Share]) -> list[Share]:
    """Those with a person before those with a channel; of several alike, the oldest first."""
    oldest = sorted(shares, key=lambda one: (one.node, one.created_at))
    return sorted(oldest, key=lambda one: (one.kind is Audience.CHANNEL, one.created_at))


def chosen(own: Iterable[tuple[UserId, NodeId]], shares: Iterable[Share]) -> dict[NodeId, UserId]:
    """Whose session somebody acts with, by node: their own, else one that is shared."""
    found = {node: user for user, node in own}
    for share in in_order(shares):
        found.setdefault(share.node, share.user)
    return found


_ROWS = Mapper(DbcSession, dbc_sessions)
_SHARED = Mapper(Share, session_shares, kind=lambda row: Audience(row["kind"]))
