"""Whose credentials are used where: a person acts on a node with the session they hold for it."""

from dataclasses import replace

from bot.clock import Clock
from bot.dbc.client import DbcClient
from bot.dbc.errors import Unreadable
from bot.dbc.identity import SessionPair, Target
from bot.errors import BotError, Refused
from bot.model import DbcSession, Node
from storage import Store

# The daemon's `response parse error`: the node did let the caller in, but a description in its
# list spoils the answer (docs/dbc-api.md §11.1).
_GARBLED = -1


class Sessions:
    """Keeps, tries and hands out sessions. The pair leaves this room only inside a `Target`."""

    def __init__(self, store: Store, dbc: DbcClient, clock: Clock) -> None:
        self._store = store
        self._dbc = dbc
        self._clock = clock

    async def target(self, user: str, node: Node) -> Target:
        """The node as `user` may address it. Raises Refused when they hold no session for it."""
        async with self._store.read() as tx:
            session = await tx.sessions.find(user, node.id)
        if session is None:
            raise Refused(
                f"You have no session for {node.label}.",
                hint="Add yours with: session add",
                field="node",
            )
        return target_of(session)

    async def of(self, user: str) -> list[DbcSession]:
        """The sessions that `user` holds."""
        async with self._store.read() as tx:
            return await tx.sessions.of(user)

    async def add(self, session: DbcSession) -> int | None:
        """Try the pair against its node, then keep it; gives the number of machines it sees.

        None where the node accepts the pair but its list cannot be read. Raises what the node
        answers otherwise, and then keeps nothing.
        """
        count = await self._count(session)
        now = self._clock.now()
        async with self._store.write() as tx:
            await tx.sessions.put(replace(session, added_at=now, checked_at=now))
        return count

    async def check(self, session: DbcSession) -> BotError | None:
        """Try a kept pair again and remember the result; gives what was wrong."""
        problem: BotError | None = None
        try:
            await self._count(session)
        except BotError as error:
            problem = error
        async with self._store.write() as tx:
            await tx.sessions.checked(
                session.user, session.node, self._clock.now(), problem.sentence if problem else ""
            )
        return problem

    async def _count(self, session: DbcSession) -> int | None:
        try:
            return len(await self._dbc.tasks.list(target_of(session)))
        except Unreadable as problem:
            if problem.errcode != _GARBLED:
                raise
            return None

    async def remove(self, user: str, node: Node) -> bool:
        """Erase the pair; False when there was none."""
        async with self._store.write() as tx:
            return await tx.sessions.remove(user, node.id)


def target_of(session: DbcSession) -> Target:
    """The session as the DBC client takes it. Raises InvalidField for a pair that cannot be one."""
    return Target(
        node_id=session.node,
        credentials=SessionPair.of(session.session_id, session.session_id_sign),
        rent_order=session.rent_order or None,
    )
