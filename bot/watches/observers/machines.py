"""Machines: one request per node and session serves all that are followed there."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import datetime

from bot.clock import Clock
from bot.dbc.client import DbcClient
from bot.dbc.errors import TaskNotFound, Unreadable
from bot.dbc.identity import Target
from bot.errors import BotError
from bot.messages import cards
from bot.model import DbcSession, Deed, Logged, Noted, Watch, WatchState
from bot.reply import Note, Part, Phrase, code, line, say, sentences
from bot.services.inventory import Inventory
from bot.services.left_out import machine_of
from bot.services.listing import NodeListing
from bot.services.sessions import target_of
from bot.watches.late import LOOKED_FOR
from bot.watches.machine_ends import ABSENT, Verdict, has_moved, verdict
from bot.watches.observers.look import Deeds, Seen, Sight, growing_pause, one_by_one
from bot.watches.observers.node_log import LINES, Proof, proof, sought
from bot.watches.observers.others import Others
from storage import Store, UnitOfWork

_SHOWN_LOG_LINES = 6
_ERROR = " error"
_CREATE_ERROR = "create error"
_SET_BACK = say(
    "The times in the node's log go back: its clock was set back, so its entries cannot be put in "
    "order, and none of them shows whether this was carried out."
)
# What can be done about a failed creation: docs/dbc-api.md §4.4.
_NEVER_DEFINED = say(
    "The node could not define the machine: most often a network filter, or an image that it "
    "cannot use. Correct that and create it again. This one can be neither started nor deleted, "
    "and its GPUs count as in use until whoever runs the node restarts its daemon."
)
_DEFINED = say(
    "The machine is there, and off: starting it may succeed later, and it can be deleted."
)


class Machines:
    """Looks at machines by the node's list; what a state means is in `settle`."""

    def __init__(
        self, store: Store, dbc: DbcClient, inventory: Inventory, clock: Clock, deeds: Deeds
    ) -> None:
        self._store = store
        self._dbc = dbc
        self._inventory = inventory
        self._clock = clock
        self._deeds = deeds
        self._others = Others(store, deeds)

    async def look(self, session: DbcSession, watches: Sequence[Watch]) -> Seen:
        """What the node says of each machine."""
        return await self.shown(await self._inventory.list_node(session), session, watches)

    async def glance(
        self, session: DbcSession, put_back: Callable[[UnitOfWork, datetime], Awaitable[None]]
    ) -> NodeListing | None:
        """Ask the node; None where it says nothing new. `put_back` is stored with its answer."""
        node = await self._inventory.node_by_id(session.node)
        return await self._inventory.lists.glance(node, session, put_back)

    async def still(self, session: DbcSession) -> NodeListing:
        """What the node says where it says nothing new."""
        node = await self._inventory.node_by_id(session.node)
        return await self._inventory.lists.known(node, session)

    async def shown(
        self, listing: NodeListing, session: DbcSession, watches: Sequence[Watch]
    ) -> Seen:
        """What a list says of each machine."""
        is_readable = not isinstance(listing.problem, Unreadable)
        if is_readable and listing.problem is not None:
            return {watch.id: listing.problem for watch in watches}
        states = {m.task: m for m in listing.machines if listing.is_fresh(m)}
        unread = {w.id: why for w in watches if (why := listing.unlisted.get(w.task)) is not None}
        listed = [watch for watch in watches if watch.task in states]
        missing = [w for w in watches if w.task not in states and w.id not in unread]

        async def each(_target: Target, watch: Watch) -> Sight:
            if watch.task in states:
                machine = states[watch.task]
                return await self._sight(session, watch, machine.status, machine.seen_at)
            return await self._alone(session, watch)

        return {**await one_by_one(session, [*listed, *missing], each), **unread}

    async def _alone(self, session: DbcSession, watch: Watch) -> Sight:
        """What a machine's own details say of it, where the list does not say.

        One odd description makes a list unreadable, and a list can be short for a moment: that a
        machine is gone is believed only where the node says so of this very one.
        """
        now = self._clock.now()
        try:
            detail = await self._dbc.tasks.get(target_of(session), watch.task)
        except TaskNotFound:
            return await self._sight(session, watch, ABSENT, now)
        await self._inventory.saw(machine_of(session, watch.task, detail, now))
        return await self._sight(session, watch, str(detail.status), now)

    async def _sight(
        self, session: DbcSession, watch: Watch, status: str, seen_at: datetime
    ) -> Sight:
        """What a machine that was asked for at `seen_at` shows by its status."""
        deed = self._deeds(watch.command)
        others = await self._others.of(watch, status, seen_at)
        found = verdict(watch, deed, status, self._clock.now(), is_contested=others.is_contested)
        evidence = await self._proof(session, watch, deed) if status == "running" else None
        if evidence is not None and evidence.is_about_it:
            found = Verdict(WatchState.DONE, _proved(watch, deed, evidence))
        ended = found.state is not WatchState.OPEN
        parts = await self._why(session, watch, status) if ended and status.endswith(_ERROR) else ()
        if evidence is not None and found.state is WatchState.UNKNOWN:
            parts = (*parts, *_shown(evidence))
        return Sight(
            found,
            status,
            growing_pause(watch.polls),
            line(say("the node says: {status}", status=code(status))) if status != ABSENT else None,
            parts,
            about={**others.about, **(evidence.about if evidence is not None else {})},
            moved=has_moved(status) and not others.is_contested,
        )

    async def _proof(self, session: DbcSession, watch: Watch, deed: Deed) -> Proof | None:
        """What the log says of a command whose end shows nowhere else."""
        verb = sought(watch, deed)
        if verb is None:
            return None
        try:
            page = await self._dbc.tasks.logs(target_of(session), watch.task, "tail", LINES)
        except BotError:
            return None
        found = proof(watch, verb, page.lines, whole=not page.may_lack_some)
        if found.is_about_it and await self._has_rival(watch):
            return replace(found, is_about_it=False, may_be_another=True)
        return found

    async def _has_rival(self, watch: Watch) -> bool:
        """Whether another command of the bot may have left the entry since the log was read."""
        async with self._store.read() as tx:
            execution = await tx.executions.get(watch.execution)
            began = execution.started_at or watch.started_at
            read_at = watch.about.get(Noted.LOOKED_AT)
            since = min(began, datetime.fromisoformat(read_at)) if read_at else began
            return await tx.executions.has_rival(
                execution, since=since, unknown_since=began - LOOKED_FOR
            )

    async def _why(self, session: DbcSession, watch: Watch, status: str) -> tuple[Part, ...]:
        """A failed command tells its reason only in its log (docs/dbc-api.md §4.3).

        Where not even the log is there, no domain was ever defined (§4.4).
        """
        try:
            page = await self._dbc.tasks.logs(target_of(session), watch.task, "tail", LINES)
        except TaskNotFound:
            return (Note(line(_NEVER_DEFINED)),) if status == _CREATE_ERROR else ()
        except BotError:
            return ()
        shown: tuple[Part, ...] = ()
        if page.lines:
            shown = (cards.log_excerpt(page.lines[-_SHOWN_LOG_LINES:]),)
        return (*shown, Note(line(_DEFINED))) if status == _CREATE_ERROR else shown


def _proved(watch: Watch, deed: Deed, proof: Proof) -> Phrase:
    """What its log proves; a soft restart only that the guest was told (§3.2.8)."""
    entry, at = proof.entry, _moment(proof)
    if deed.logged is Logged.RESET:
        return say(
            "{label} has been reset on {node}: the node's log says “{entry}” at {time} (node's "
            "time)",
            entry=entry,
            time=at,
        )
    if watch.about.get(Noted.FORCE):
        return say(
            "{label} has restarted on {node}: the node's log says “{entry}” at {time} (node's "
            "time)",
            entry=entry,
            time=at,
        )
    return say(
        "{label} was told to reboot on {node}: the node's log says “{entry}” at {time} (node's "
        "time)",
        entry=entry,
        time=at,
    )


def _shown(proof: Proof) -> tuple[Part, ...]:
    """What the log says of a command that it does not prove, and why it does not."""
    if proof.is_unordered:
        return (Note(line(_SET_BACK)),)
    if not proof.at:
        return ()
    entry, at = proof.entry, _moment(proof)
    if proof.is_older:
        told = say(
            "The node's log last says “{entry}” at {time} (node's time), from before this command.",
            entry=entry,
            time=at,
        )
        return (Note(line(told)),)
    last = say("The node's log last says “{entry}” at {time} (node's time).", entry=entry, time=at)
    why = say("It may be an earlier one: I could not read the log before sending.")
    if proof.may_be_another:
        why = say("It may be about another command: more than one was sent.")
    return (Note(sentences((last, why))),)


def _moment(proof: Proof) -> str:
    return proof.at.partition(".")[0]
