"""The one door to the database: units of work, intake, and the care of the file itself."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import (
    AbstractAsyncContextManager,
    AbstractContextManager,
    asynccontextmanager,
    suppress,
)
from datetime import datetime
from types import TracebackType
from typing import IO, Any, TypeVar

from sqlalchemy import BindParameter, Connection, bindparam, func, or_, select, text, update

from bot.clock import SystemClock
from bot.ids import new_id
from bot.model import AuditEntry, AuditKind, Execution
from storage.archive import sealed_there
from storage.busy import PAUSES
from storage.connection import OpenConnection
from storage.engine import open_engines
from storage.errors import StorageBusy, StorageUnsure
from storage.file import prepare
from storage.handover import Courier, Handover
from storage.intake import GroupCommit, Seal
from storage.journal import claim_own, note_identity
from storage.known import Known, Projection
from storage.migrations import REVISIONS, is_known, is_newest, upgrade
from storage.presence import Presence
from storage.repositories.execution_rows import insert_new, to_row
from storage.repositories.leases import LEASED
from storage.tables import (
    SEALED,
    approvals,
    audit,
    executions,
)
from storage.transaction import deciding, is_deciding, to_its_end
from storage.uow import UnitOfWork
from storage.vault import Vault

Result = TypeVar("Result")
# Is told how many seconds a transaction that writes took, and what became of it.
Observe = Callable[[float, str], None]

_NOW = SystemClock().now

_RESTORED = select(func.max(audit.c.seq)).where(audit.c.kind == AuditKind.RESTORED)
_NEWEST = tuple(
    select(func.max(column))
    for column in (
        executions.c.created_at, executions.c.started_at, executions.c.finished_at,
        approvals.c.created_at, approvals.c.decided_at,
    )
)  # fmt: skip
_HOLDER: BindParameter[str] = bindparam("its_holder")
_RELEASES = tuple(
    update(table)
    .where(or_(table.c.leased_by < _HOLDER, table.c.leased_by > _HOLDER))
    .values(leased_by=None, leased_until=None)
    for table in LEASED.values()
)


class Store:
    """Everything the bot keeps, in a SQLite file or a PostgreSQL database.

    Every method raises `StorageFailed` when the database does not do its work. `shown` gives a
    moment as the audit tells it: people read it beside other records of the machine. `now`
    tells which shares of sessions have ended.
    """

    def __init__(
        self,
        url: str,
        vault: Vault,
        shown: Callable[[datetime], datetime] = lambda at: at,
        observe: Observe = lambda _seconds, _outcome: None,
        now: Callable[[], datetime] = _NOW,
    ) -> None:
        self._engines = open_engines(url)
        self._vault = vault
        self._shown = shown
        self._observe = observe
        self._now = now
        # A person waits: with SQLite, no second busy timeout.
        pauses = PAUSES if self._engines.file is None else ()
        self._intake: GroupCommit[dict[str, Any], bool] = GroupCommit(self._commit, pauses)
        self._lock: IO[bytes] | None = None
        self._restored = 0
        self.ended = 0  # units of work that could write, whatever they have written
        self.courier: Courier | None = None
        # Is told of each command whose end has been stored.
        self.witness: Callable[[Execution], None] | None = None
        self._projection = Projection(self._engines, vault, now)

    async def own(self) -> None:
        """Refuse to share a SQLite file with another process: `InUse` if there is one.

        Raises BotError too, where the file cannot be used, or another one's journal is beside it.

        The claim ends with `close`, or with the process. PostgreSQL is made to be shared.
        """
        file = self._engines.file
        if file is None or self._lock is not None:
            return
        await asyncio.to_thread(prepare, file)
        self._lock = await asyncio.to_thread(claim_own, file)

    async def migrate(self) -> str:
        """Bring the schema to its newest revision; several may start at once.

        Which one it had before; empty where the database was new, or lacked nothing.
        """
        before = ""
        if self._engines.file is not None:
            await asyncio.to_thread(prepare, self._engines.file)
            self._engines.presence = Presence(self._engines.file)
            if self._lock is not None:
                note_identity(self._lock, self._engines.file)
        async with self._engines.reading() as connection:
            has_all = await connection.run_sync(is_newest)
        if not has_all:
            async with self._engines.migrating() as connection:
                before = await connection.run_sync(_upgrade_alone)
        async with self._engines.reading() as connection:
            self._restored = await connection.scalar(_RESTORED) or 0
        return before

    async def newer_schema(self) -> str:
        """The revision to which a newer version has brought the schema meanwhile; empty: none has.

        Nobody else can do so with a SQLite file that is owned.
        """
        if self._engines.file is not None:
            return ""
        async with self._engines.reading() as connection:
            heads = (await connection.execute(text(REVISIONS))).scalars().all()
        return ", ".join(head for head in heads if not is_known(head))

    @asynccontextmanager
    async def write(self) -> AsyncIterator[UnitOfWork]:
        """A unit of work that commits at its end and is undone by an exception.

        With SQLite it is the only one: keep it short. It waits for others to begin, and no more;
        what must not fail because they are in the way later is for `attempts` or `transact`.
        Who is `deciding` and cancelled during the commit goes on all the same, since it is stored.
        """
        decisive = is_deciding()
        handover, is_committing, was_cancelled = None, False, False
        with _Timed(self._over):
            try:
                async with self._engines.writing(decisive=decisive) as connection:
                    if self.courier is not None:
                        handover = self.courier.handover()
                    tx = self._unit(connection, handover)
                    yield tx
                    await tx.flush()
                    is_committing = True
            except asyncio.CancelledError:
                if not is_committing:
                    raise
                was_cancelled = True  # it is stored all the same
            except StorageUnsure:
                if self.courier is not None and handover is not None and handover.messages:
                    self.courier.doubt(handover)
                raise
            if self.courier is not None and handover is not None and handover.messages:
                self.courier.take(tuple(handover.messages.values()))
            self._witness(tx.ended)
            if tx.erased:
                _, is_late = await to_its_end(self._engines.scrub())
                was_cancelled = was_cancelled or (is_late and not decisive)
            if was_cancelled:
                raise asyncio.CancelledError

    def _unit(self, connection: OpenConnection, handover: Handover | None = None) -> UnitOfWork:
        return UnitOfWork(connection, self._vault, self._restored, self._shown, handover, self._now)

    def _over(self, seconds: float, outcome: str) -> None:
        self.ended += 1
        self._observe(seconds, outcome)

    def _witness(self, ended: Sequence[Execution]) -> None:
        if (witness := self.witness) is not None:
            for execution in ended:
                witness(execution)

    async def attempts(self) -> AsyncIterator[AbstractAsyncContextManager[UnitOfWork]]:
        """`write` for what must not fail because others were in the way, a few times if need be.

            async for attempt in store.attempts():
                async with attempt as tx:

        All of it is done again from the start, also where only the commit failed, so it must do
        nothing outside of the database. Return from inside only where nothing was written:
        nothing is done again after that.
        """
        for pause in PAUSES:
            attempt = _Attempt(self)
            yield attempt
            if not attempt.is_undone:
                return
            await asyncio.sleep(pause())
        yield self.write()

    async def transact(self, work: Callable[[UnitOfWork], Awaitable[Result]]) -> Result:
        """Like `attempts`, for somebody who may stop waiting; gives what `work` gives.

        Whoever is cancelled leaves nothing behind. Where the commit is under way by then, what is
        stored decides, and the result is given all the same.
        """
        for pause in PAUSES:
            with suppress(StorageBusy):
                return await self._transacted(work)
            await asyncio.sleep(pause())
        return await self._transacted(work)

    async def _transacted(self, work: Callable[[UnitOfWork], Awaitable[Result]]) -> Result:
        with deciding():
            async with self.write() as tx:
                return await work(tx)

    @asynccontextmanager
    async def read(self) -> AsyncIterator[UnitOfWork]:
        """A unit of work that only reads and waits for no writer."""
        async with self._engines.reading() as connection:
            tx = self._unit(connection)
            yield tx
            if tx.has_news:
                raise RuntimeError("a unit of work that only reads cannot append to the audit")

    async def known(self) -> Known:
        """What is read at every step, as it is now: nodes, names, sessions, machines.

        It is in memory, and only looked up whether it has changed. What an open unit of work of
        one's own has changed is not in it yet.
        """
        return await self._projection.now()

    @asynccontextmanager
    async def browse(self, *, many_rows: bool = False) -> AsyncIterator[UnitOfWork]:
        """Like `read`, for what may go through a whole table that grows.

        `many_rows`: it gives hundreds of rows, which take long also where the table is small.
        """
        async with self._engines.browsing(many_rows=many_rows) as connection:
            yield self._unit(connection)

    async def record(self, execution: Execution, *, by: str, until: datetime) -> bool:
        """Put a new execution on disk, leased to `by`; False if its key is already there.

        Returns after the commit is durable: only then may the delivery be acknowledged. Calls
        at the same time share one commit, and its failure. A caller who is cancelled leaves
        nothing behind; where its commit is under way by then, it is told how that ends.
        """
        return await self._intake.submit(to_row(execution, self._vault, by=by, until=until))

    @property
    def is_shared(self) -> bool:
        """Whether other processes may be at work on the same database."""
        return self._engines.file is None

    async def release_leases_of_others(self, by: str) -> None:
        """Free what a former process held; call it after `own`.

        Does nothing with PostgreSQL: others may be alive there, and dead ones' leases run out.
        """
        if self.is_shared:
            return
        async with self._engines.writing() as connection:
            for release in _RELEASES:
                await connection.execute(release, {"its_holder": by})

    async def reseal(self, now: datetime) -> int:
        """Encrypt everything secret anew under the first key; says how many rows there were.

        Afterwards the other keys can be retired. It is in the audit.
        """
        async with self.write() as tx:
            sessions = await tx.sessions.reseal() + await tx.renters.reseal()
            count = sessions + await tx.executions.reseal() + await tx.details.reseal()
            tx.audit.append(AuditEntry(AuditKind.KEYS_ROTATED, now, details={"rows": count}))
            return count

    async def sealed_under(self) -> Counter[str | None]:
        """How many rows are sealed under which key, by its fingerprint; None: no key opens them."""
        async with self._engines.reading() as connection:
            found = [
                sealed
                for column in await connection.run_sync(sealed_there)
                for (sealed,) in await connection.execute(select(column).where(column.is_not(None)))
            ]
        # Thousands of rows take seconds, in which the loop has to answer Slack.
        return Counter(await asyncio.to_thread(list, map(self._vault.key_of, found)))

    async def unopened(self) -> Counter[str]:
        """How many rows no key opens, by their tables."""
        lost = Counter[str]()
        async with self._engines.reading() as connection:
            for column in SEALED:
                rows = await connection.execute(select(column).where(column.is_not(None)))
                found = [sealed for (sealed,) in rows]
                lost[column.table.name] += await asyncio.to_thread(self._locked, found)
        return +lost

    def _locked(self, sealed: Sequence[bytes]) -> int:
        return sum(self._vault.key_of(one) is None for one in sealed)

    async def newest_moment(self) -> datetime | None:
        """The latest moment at which something is said to have happened; None for nothing yet."""
        async with self._engines.reading() as connection:
            found = [await connection.scalar(newest) for newest in _NEWEST]
        return max((at for at in found if at is not None), default=None)

    async def try_writing(self) -> None:
        """Write a page in place of the one before, to see whether the database takes it.

        In a SQLite file it is a mark as well, by which a file that was overwritten is told. It is
        moved out of the journal: what stands there hides what is in the file.
        """
        mark, presence = new_id(), self._engines.presence
        if presence is not None:
            presence.doubt()
        async with self.write() as tx:
            if presence is not None:
                presence.marks(mark)
            await tx.probe.write(mark)
        if presence is not None:
            presence.marked()
        await self._engines.scrub()

    async def scrub(self) -> None:
        """Leave nothing that was erased in SQLite's journal; to be done again and again.

        Somebody else's long read can keep it there: the journal is emptied once that is over.
        """
        if not self._engines.is_scrubbed:
            await self._engines.scrub()

    async def ping(self) -> None:
        """Return if the database answers."""
        async with self._engines.reading() as connection:
            await connection.execute(select(1))

    async def close(self) -> None:
        """Commit what was taken in, close every connection, let go of the file."""
        await self._intake.close()
        await self._engines.dispose()
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    async def _commit(
        self, rows: Sequence[dict[str, Any]], seal: Seal, *, again: bool
    ) -> list[bool]:
        def work(connection: Connection) -> list[bool]:
            first = insert_new(connection, rows, self._shown, again=again)
            seal()
            return first

        with _Timed(self._over):
            return await self._engines.run(work)


class _Timed(AbstractContextManager[None]):
    """Tells how long a transaction took, and whether it came to its end."""

    def __init__(self, observe: Observe) -> None:
        self._observe = observe
        self._began = time.perf_counter()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._observe(time.perf_counter() - self._began, "committed" if kind is None else "undone")


class _Attempt(AbstractAsyncContextManager[UnitOfWork]):
    """A unit of work that says, instead of raising, that others were in its way."""

    def __init__(self, store: Store) -> None:
        self._unit = store.write()
        self.is_undone = False

    async def __aenter__(self) -> UnitOfWork:
        return await self._unit.__aenter__()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool:
        try:
            await self._unit.__aexit__(kind, error, trace)
        except StorageBusy:
            self.is_undone = True
            return True
        return False


def _upgrade_alone(connection: Connection) -> str:
    # SQLite's transaction already has the write lock; PostgreSQL's waits for its turn here.
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(hashtext('dbc-bot migrations'))"))
    return upgrade(connection)
