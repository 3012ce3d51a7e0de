"""One node's machines as one session sees them: asked for, compared, remembered."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from bot.clock import Clock
from bot.dbc.client import DbcClient
from bot.dbc.errors import Unreadable
from bot.errors import BotError
from bot.model import DbcSession, Machine, Node
from bot.services.left_out import look_for, read_each
from bot.services.sessions import SessionLocked, target_of
from storage import Store, UnitOfWork


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


async def list_machines(
    node: Node, session: DbcSession, store: Store, dbc: DbcClient, clock: Clock
) -> NodeListing:
    """Ask a node for the machines of one session, and remember them."""
    try:
        listed = await dbc.tasks.list(target_of(session))
    except BotError as problem:
        return await _not_listed(node, session, problem, store, dbc, clock)
    now = clock.now()
    machines = [
        Machine(session.node, t.task_id, session.user, t.desc, t.status, t.create_time or "", now)
        for t in listed
    ]
    async with store.write() as tx:
        known = await tx.inventory.machines(session.user, session.node)
        missing = _missing(known, machines)
        stored = () if missing else await _replaced(tx, session, machines, known, now)
    if not missing:
        return NodeListing(node, stored)
    found, unlisted = await look_for(missing, session, dbc, clock)
    async with store.write() as tx:
        await tx.inventory.replace_machines(
            session.node, session.user, [*machines, *found], now, keep=unlisted
        )
        left = await tx.inventory.machines(session.user, session.node)
    return NodeListing(node, tuple(left), unlisted=unlisted)


async def _not_listed(
    node: Node,
    session: DbcSession,
    problem: BotError,
    store: Store,
    dbc: DbcClient,
    clock: Clock,
) -> NodeListing:
    """The machines as they were known before, or as each by itself shows them."""
    async with store.read() as tx:
        known = await tx.inventory.machines(session.user, session.node)
    if isinstance(problem, Unreadable):
        # One odd description makes a list unreadable; the details may still be readable.
        each = await read_each(known, session, dbc, clock)
        async with store.write() as tx:
            for machine in each.seen:
                if machine.task in each.fresh:
                    await tx.inventory.put_machine(machine)
        return NodeListing(node, each.seen, problem, each.odd, each.fresh)
    if session.is_locked:
        problem = SessionLocked(session, label=node.label)
    return NodeListing(node, tuple(known), problem)


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
    fresh = (replace(new[one.task], nickname=one.nickname) for one in known)
    return tuple(sorted(fresh, key=lambda machine: machine.label.casefold()))
