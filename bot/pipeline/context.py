"""What a command's function is given: who asks, where, and the services."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Self

from bot.clock import Clock
from bot.dbc.client import DbcClient
from bot.dbc.identity import Target
from bot.errors import certain
from bot.ids import UserId
from bot.language.row_parts import Listing
from bot.language.table import Table
from bot.model import DbcSession, Execution, ExecutionStatus, Machine, Node, Place, Source
from bot.monitoring.findings import Checkup
from bot.orders.budgets import Budgets
from bot.orders.orders import Orders
from bot.pipeline.reviews import Reviews
from bot.ports import Directory, Messenger
from bot.reply import Reply
from bot.reviews.audit import AuditLog
from bot.reviews.reviewers import request_of
from bot.services.access import AccessRequests
from bot.services.aliases import Aliases
from bot.services.catalogue import Sightings
from bot.services.command_log import CommandLog
from bot.services.inventory import Inventory
from bot.services.languages import Languages
from bot.services.last_known import LastKnown
from bot.services.machine_search import MachineSearch
from bot.services.renters import Renters
from bot.services.sessions import Sessions, target_of
from bot.watches.watches import Watches
from storage import Store, UnitOfWork
from storage.heartbeat import Leases

Ends = Callable[[UnitOfWork, Reply], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Services:
    """Everything that commands may use; made once by `bot.app`."""

    store: Store
    dbc: DbcClient
    sessions: Sessions
    access: AccessRequests
    renters: Renters
    inventory: Inventory
    machine_search: MachineSearch
    sightings: Sightings
    last_known: LastKnown
    aliases: Aliases
    languages: Languages
    watches: Watches
    orders: Orders
    budgets: Budgets
    reviews: Reviews
    audit: AuditLog
    directory: Directory
    people_now: Directory  # who people are at this very moment: for what shows secrets
    messenger: Messenger
    leases: Leases
    clock: Clock
    table: Table
    slash_command: str
    commands: CommandLog
    checkup: Checkup  # the bot's look at itself


async def unsaid(_reply: Reply) -> None:
    """Say nothing in between: a followed command speaks through its card, a form for itself."""


@dataclass(frozen=True, slots=True)
class Context:
    """One command's circumstances. `execution` is its ledger entry, for those that change things.

    `meanwhile` shows something to the person before the function ends. `session` is the one with
    which it was claimed. `ends` stores a reply as the end, in the unit of work that makes the
    change (`Command.ends_itself`); it raises LeaseLost where another process has ended it.
    """

    services: Services
    command: str
    actor: UserId
    place: Place
    source: Source
    meanwhile: Callable[[Reply], Awaitable[object]]
    execution: Execution | None = None
    session: DbcSession | None = None
    ends: Ends | None = None

    @classmethod
    def of(
        cls,
        services: Services,
        execution: Execution,
        meanwhile: Callable[[Reply], Awaitable[object]] = unsaid,
        session: DbcSession | None = None,
        ends: Ends | None = None,
    ) -> Self:
        """The circumstances of a change, as the ledger has them."""
        return cls(
            services,
            execution.command,
            execution.actor,
            execution.place,
            execution.source,
            meanwhile,
            execution,
            session,
            ends,
        )

    @property
    def dbc(self) -> DbcClient:
        """The DBC client."""
        return self.services.dbc

    @property
    def now(self) -> datetime:
        """The present moment."""
        return self.services.clock.now()

    @property
    def entry(self) -> Execution:
        """Its ledger entry. Raises LookupError for what only reads: nothing is recorded of it."""
        return certain(self.execution, "only what changes something is recorded")

    @property
    def task(self) -> str:
        """The machine's id that the ledger has fixed for this command."""
        return self.entry.task

    @property
    def facts(self) -> Mapping[str, str]:
        """What the command's `look` has found."""
        return self.execution.facts if self.execution is not None else {}

    async def allow(self, **found: str) -> None:
        """Let a `look` go on only if the rules do not deny it with what it has `found` so far.

        Called as soon as a left-out argument is known: a person who is denied it learns no more.
        Raises Denied, or RightsUnknown while Slack does not say who it is.
        """
        asked = request_of(replace(self.entry, facts=found))
        await self.services.reviews.reviewers.allow(asked)

    async def hidden(self, listing: Listing | None = None) -> frozenset[str]:
        """The nodes that are left out here, since the rules deny to read them with this command.

        With a `listing`: those that this one leaves out.
        """
        command = self.services.table.listing(listing) if listing else self.command
        reviewers = self.services.reviews.reviewers
        return await reviewers.hidden(self.actor, self.place.channel, command)

    async def use_session(self, on: Machine | Node) -> Target:
        """The node of `on` with a session that the actor may use here. Raises Refused without one.

        See `session_on`.
        """
        return target_of(await self.session_on(on))

    async def session_on(self, on: Machine | Node) -> DbcSession:
        """A session for the node of `on` that the actor may use here. Raises Refused without one.

        While a change runs, it writes into the ledger whose session that is, before it is sent.
        """
        services = self.services
        if self.session is not None and self.session.node == (
            on.id if isinstance(on, Node) else on.node
        ):
            return self.session
        node = on if isinstance(on, Node) else await services.inventory.node_by_id(on.node)
        session = await services.sessions.use(self.actor, node, self.place.channel)
        if self.execution is not None and self.execution.status is ExecutionStatus.RUNNING:
            async with services.store.write() as tx:
                await tx.executions.set_session_of(self.execution.id, session.user)
        return session
