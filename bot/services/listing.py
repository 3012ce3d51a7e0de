"""One node's machines as one session sees them: asked for, compared, remembered."""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from bot.clock import UNTOLD, Clock
from bot.dbc.client import DbcClient
from bot.dbc.endpoint import LastAnswer
from bot.dbc.errors import (
    NodeSilent,
    NodeTimeout,
    NotAuthorised,
    Unreadable,
    says_unrented,
)
from bot.dbc.models import TaskSummary
from bot.errors import BotError
from bot.ids import NodeId, TaskId
from bot.model import DbcSession, Machine, Node
from bot.reply import say, time
from bot.services.database import not_remembered
from bot.services.left_out import look_for, read_each
from bot.services.remembering import remember
from bot.services.sessions import SessionLocked, target_of
from storage import StorageFailed, Store, UnitOfWork

# Machines are listed once a minute: what was told longer ago may be otherwise by now.
_RECENT = timedelta(minutes=3)


@dataclass(frozen=True, slots=True)
class NodeListing:
    """One node's machines as one person sees them, or why they could not be listed.

    With a `problem`, `machines` are the ones known from before; those whose ids are in `odd` cannot
    be read one by one either, and may be what spoils the list; those in `fresh` were read so.
    Without one, those in `unlisted` are as last seen: the list left them out, and the node has not
    said of them that they are gone; why not, if it was asked.
    """

    node: Node
    machines: tuple[Machine, ...]
    problem: BotError | None = None
    odd: frozenset[str] = frozenset()
    fresh: frozenset[str] = frozenset()
    unlisted: Mapping[str, BotError | None] = field(default_factory=dict)

    def is_fresh(self, machine: Machine) -> bool:
        """Whether a machine was told like this just now, in the list or by itself."""
        if self.problem is None:
            return machine.task not in self.unlisted
        return machine.task in self.fresh


class NotListed(BotError):
    """Nobody has asked for a list for longer than people would think, or not at all so far."""

    def __init__(self, at: datetime | None) -> None:
        self.is_first = at is None
        told = say("reading …") if at is None else say("Last read {time}.", time=time(at))
        super().__init__(told)


# What else is stored with a list, in its unit of work, at that moment.
Also = Callable[[UnitOfWork, datetime], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class _Kept:
    """What one session was told of one node, and how that was stored; made once it is."""

    digest: bytes = b""
    count: int = 0
    seen_at: datetime = UNTOLD


class Lists:
    """Asks nodes for their machines, and remembers what they tell."""

    def __init__(self, store: Store, dbc: DbcClient, clock: Clock) -> None:
        self._store = store
        self._dbc = dbc
        self._clock = clock
        self._kept: dict[tuple[str, str], _Kept] = {}
        self._listed: dict[tuple[str, str], datetime] = {}
        self._told: dict[tuple[str, str], NodeListing] = {}  # what came last, without machines

    def listed_at(self, session: DbcSession) -> datetime | None:
        """When this process last asked for a list of a session's machines and got it whole."""
        return self._listed.get((session.node, session.user))

    def has_asked(self, session: DbcSession) -> bool:
        """Whether this process has asked for a list of a session's machines, whatever came."""
        return (session.node, session.user) in self._told

    def is_refused(self, session: DbcSession) -> bool:
        """Whether the node takes no command with a session, as asking for a list said last."""
        told = self._told.get((session.node, session.user))
        problem = told.problem if told is not None else None
        if isinstance(problem, NotAuthorised):
            return problem.says_access_is_gone
        return isinstance(problem, SessionLocked)

    def is_unrented(self, node: NodeId) -> bool:
        """Whether a node refuses everybody, as asking for a list said last, by whatever session.

        Of a session that is gone the last answer stays; a list for another one disproves it.
        """
        told = [one.problem for (at, _), one in self._told.items() if at == node]
        return None not in told and any(one is not None and says_unrented(one) for one in told)

    def as_told(self, node: Node, session: DbcSession, machines: Sequence[Machine]) -> NodeListing:
        """What asking said last, of the machines as they are known now; nothing is asked."""
        key = (session.node, session.user)
        last, silence = self._told.get(key, NodeListing(node, ())), self._dbc.silence(node.id)
        problem = last.problem
        if silence is not None and silence.until is not None:
            problem = NodeSilent(until=silence.until)
        elif silence is None and isinstance(problem, NodeTimeout | NodeSilent):
            problem = None  # it has answered something else since
        if problem is None:
            told = [one.seen_at for one in machines if one.task not in last.unlisted]
            at = min(told, default=self._listed.get(key))
            if at is None or self._clock.now() - at > _RECENT:
                problem = NotListed(at)
        return replace(last, node=node, machines=tuple(machines), problem=problem)

    async def list(self, node: Node, session: DbcSession) -> NodeListing:
        """Ask a node for the machines of one session."""
        listing = await self._list(node, session)
        self._told[session.node, session.user] = replace(listing, machines=())
        return listing

    async def _list(self, node: Node, session: DbcSession) -> NodeListing:
        now = self._clock.now()  # what ends while the answer is under way may not be in it
        try:
            listed = await self._dbc.tasks.list(target_of(session))
        except BotError as problem:
            return await self._not_listed(node, session, problem)
        try:
            return await self._stored(node, session, listed, now, _nothing_else)
        except StorageFailed as error:
            not_remembered(self._store, error)
            return await self._unstored(node, session, listed, now)

    async def glance(self, node: Node, session: DbcSession, also: Also) -> NodeListing | None:
        """The same, but None where the node answers word for word what it did and that is stored.

        `also` is done in the unit of work that stores a list which lacks no machine known before.
        """
        listing = await self._glance(node, session, also)
        told = replace(listing, machines=()) if listing else NodeListing(node, ())
        self._told[session.node, session.user] = told
        return listing

    async def _glance(self, node: Node, session: DbcSession, also: Also) -> NodeListing | None:
        key = (session.node, session.user)
        kept = self._kept.get(key, _Kept())
        async with self._store.read() as tx:
            last = LastAnswer(kept.digest if await _is_stored(tx, session, kept) else b"")
        now = self._clock.now()
        try:
            listed = await self._dbc.tasks.list(target_of(session), last)
        except BotError as problem:
            return await self._not_listed(node, session, problem)
        if not last.is_repeated:
            return await self._stored(node, session, listed, now, also, last.answered)
        async with self._store.write() as tx:
            is_stored = await _is_stored(tx, session, kept)
            if is_stored:
                await tx.inventory.seen_again(session.node, now)
                await also(tx, self._clock.now())
        if not is_stored:  # somebody has just written something else
            return await self._list(node, session)
        self._kept[key] = replace(kept, seen_at=now)
        self._listed[key] = now
        return None

    async def known(self, node: Node, session: DbcSession) -> NodeListing:
        """The machines as a glance has just found them to be still."""
        async with self._store.read() as tx:
            machines = await tx.inventory.machines(session.user, session.node)
        return NodeListing(node, tuple(machines))

    async def _stored(
        self,
        node: Node,
        session: DbcSession,
        listed: Sequence[TaskSummary],
        now: datetime,
        also: Also,
        digest: bytes = b"",
    ) -> NodeListing:
        """Store a list asked for at `now`; only then its `digest` is one to compare with later."""
        machines = _machines(session, listed, now)
        async with self._store.write() as tx:
            known = await tx.inventory.machines(session.user, session.node)
            missing = _missing(known, machines)
            stored = () if missing else await _replaced(tx, session, machines, known, now)
            if not missing:
                await also(tx, self._clock.now())
        if not missing:
            self._listed[session.node, session.user] = now
            if digest:
                self._kept[session.node, session.user] = _Kept(digest, len(stored), now)
            return NodeListing(node, stored)
        found, unlisted = await look_for(missing, session, self._dbc, self._clock)
        async with self._store.write() as tx:
            await tx.inventory.replace_machines(
                session.node, session.user, [*machines, *found], now, keep=unlisted
            )
            left = await tx.inventory.machines(session.user, session.node)
        if not unlisted:
            self._listed[session.node, session.user] = now
        return NodeListing(node, tuple(left), unlisted=unlisted)

    async def _unstored(
        self, node: Node, session: DbcSession, listed: Sequence[TaskSummary], now: datetime
    ) -> NodeListing:
        """A list that the database did not take, for whoever asked."""
        async with self._store.read() as tx:
            known = await tx.inventory.machines(session.user, session.node)
        machines = _machines(session, listed, now)
        missing = _missing(known, machines)
        found, unlisted = await look_for(missing, session, self._dbc, self._clock)
        left = [one for one in missing if one.task in unlisted]
        told = {one.task: one for one in (*machines, *found, *left)}
        return NodeListing(node, _named(told.values(), known), unlisted=unlisted)

    async def _not_listed(self, node: Node, session: DbcSession, problem: BotError) -> NodeListing:
        """The machines as they were known before, or as each by itself shows them."""
        async with self._store.read() as tx:
            known = await tx.inventory.machines(session.user, session.node)
        if isinstance(problem, Unreadable):
            # One odd description makes a list unreadable; the details may still be readable.
            each = await read_each(known, session, self._dbc, self._clock)

            async def keep(tx: UnitOfWork) -> None:
                for machine in each.seen:
                    if machine.task in each.fresh:
                        await tx.inventory.put_machine(machine)

            await remember(self._store, keep)
            return NodeListing(node, each.seen, problem, each.odd, each.fresh)
        if session.is_locked:
            problem = SessionLocked(session, label=node.label)
        return NodeListing(node, tuple(known), problem)


async def _nothing_else(_tx: UnitOfWork, _now: datetime) -> None:
    """Store nothing besides the list."""


async def _is_stored(tx: UnitOfWork, session: DbcSession, kept: _Kept) -> bool:
    """Whether what a session was told of a node is all that is stored of it."""
    return await tx.inventory.is_kept(session.node, session.user, kept.count, kept.seen_at)


def _missing(known: Iterable[Machine], listed: Iterable[Machine]) -> list[Machine]:
    tasks = {machine.task for machine in listed}
    return [machine for machine in known if machine.task not in tasks]


async def _replaced(
    tx: UnitOfWork,
    session: DbcSession,
    listed: Sequence[Machine],
    known: Sequence[Machine],
    now: datetime,
) -> tuple[Machine, ...]:
    """Remember a list that lacks nothing known before; the machines as they are stored then."""
    await tx.inventory.replace_machines(session.node, session.user, listed, now)
    new = {machine.task: machine for machine in listed}
    if len(new) > len(known):  # one of them may have a nickname already
        return tuple(await tx.inventory.machines(session.user, session.node))
    return _named(new.values(), known)


def _named(seen: Iterable[Machine], known: Iterable[Machine]) -> tuple[Machine, ...]:
    """Machines with the nicknames that they are known by, ordered by label."""
    nicknames = {one.task: one.nickname for one in known}
    fresh = (replace(one, nickname=nicknames.get(one.task, one.nickname)) for one in seen)
    return tuple(sorted(fresh, key=lambda machine: machine.label.casefold()))


def _machines(
    session: DbcSession, listed: Iterable[TaskSummary], now: datetime
) -> tuple[Machine, ...]:
    return tuple(
        Machine(
            session.node, TaskId(one.task_id), session.user, one.desc, one.status,
            one.create_time or "", now,
        )
        for one in listed
    )  # fmt: skip
