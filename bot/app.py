"""Wires every room together: the only file that knows them all."""

import asyncio
import gc
import os
import signal
from collections.abc import Awaitable, Callable, Coroutine
from datetime import timedelta
from functools import partial
from typing import Any

import structlog

from bot.chain.reader import ChainReader
from bot.clock import Clock, SteadyClock, SystemClock, shown, time_limit
from bot.commands.home import home
from bot.commands.order_notes import comes_of
from bot.commands.rows import command_table
from bot.config import Settings
from bot.dbc.client import DbcClient
from bot.dbc.guard import Limits
from bot.dbc.transport import Call
from bot.dbc.would_send import WouldSend
from bot.doctor.checks import OwnCheckup
from bot.errors import BotError
from bot.health import Health
from bot.ids import ChannelId, new_id
from bot.jobs import jobs_of
from bot.language.canonical import known_arguments
from bot.language.row_parts import Listing
from bot.messages.copies import Copies
from bot.messages.outbox import Outbox
from bot.monitoring.figures import Gauges
from bot.monitoring.port import HealthPort, bound
from bot.monitoring.sinks import sink_of
from bot.monitoring.systemd import Systemd
from bot.monitoring.traces import metrics_of, traces_of
from bot.orders.aftermath import Aftermath
from bot.orders.budgets import Budgets
from bot.orders.concerned import Concerned
from bot.orders.finding import Searched
from bot.orders.orders import Orders
from bot.outages.attendance import Attendance
from bot.outages.outages import Outages
from bot.pipeline.clicks import Clicks
from bot.pipeline.context import Services
from bot.pipeline.desk import Desk
from bot.pipeline.dry_runs import Rehearsals
from bot.pipeline.followed import words_of
from bot.pipeline.pipeline import Pipeline
from bot.pipeline.rehearsal import SilentMessenger, SilentOutbox, UndoneStore
from bot.pipeline.reviews import Reviews
from bot.pipeline.rights import may_press
from bot.ports import Messenger
from bot.redaction import Redactor
from bot.reviews.audit import AuditLog
from bot.reviews.audit_stream import AuditStream
from bot.reviews.policy_book import PolicyBook
from bot.reviews.reviewers import Reviewers
from bot.services.access import AccessRequests
from bot.services.agenda import Agenda
from bot.services.aliases import Aliases
from bot.services.catalogue import Sightings
from bot.services.command_log import CommandLog
from bot.services.credential_keys import vault_of
from bot.services.damage import Damage
from bot.services.database import Database, once_it_works
from bot.services.frozen import Frozen
from bot.services.inventory import Inventory
from bot.services.languages import Languages
from bot.services.last_known import LastKnown
from bot.services.machine_search import MachineSearch
from bot.services.people import RecentPeople
from bot.services.renters import Renters
from bot.services.retention import Leftovers
from bot.services.sessions import Sessions
from bot.services.ticker import Job, Ticker
from bot.services.user_groups import UserGroups
from bot.watches.observers import observers
from bot.watches.watches import Watches
from handlers.connection import SlackConnection
from handlers.edge import SlackEdge
from handlers.render import holds
from handlers.slack import SlackDirectory, SlackMessenger
from handlers.tries import Tries
from storage import Store, Vault, prepare
from storage.heartbeat import Leases

# Refused by Slack, the bot goes on for so long: it may be a passing fault of Slack's, and what
# needs no token (answers to slash commands, watches) still works.
GRACE = timedelta(minutes=1)
_FREEING = timedelta(seconds=2)

log = structlog.get_logger()


class Bot:
    """The whole bot: build it, `start`, `stop`. Tests give it a clock and `tick` themselves."""

    def __init__(
        self,
        settings: Settings,
        clock: Clock | None = None,
        limits: Limits | None = None,
        redactor: Redactor | None = None,
    ) -> None:
        self._settings = settings
        self._clock = clock = SteadyClock(clock or SystemClock())
        self._by = by = new_id()
        self._redactor = redactor = redactor or Redactor()
        self._traces = traces_of(settings, clock)
        self.metrics = metrics = metrics_of(self._traces)
        self._commands = CommandLog(metrics, self._traces)
        self._table = command_table()
        # Before the first key is made: a start that fails leaves nothing behind.
        self._book = PolicyBook(settings.policy_file, known_arguments(self._table))
        vault = _vault_beside_its_file(settings)
        self.store = Store(
            settings.database_url, vault, partial(shown, clock), metrics.transacted, clock.now
        )
        self._attendance = Attendance(clock)
        self.dbc = DbcClient(settings.dbc_client_urls, clock, limits, self._called, redactor)
        self.chain, self._searched = ChainReader(settings.chain_rpc_urls, clock), Searched()
        self.health = Health(settings.places.told, settings.database_id, settings.database_kind)
        self._checkup = OwnCheckup(settings, clock, self.health)
        self._languages = Languages(self.store, settings.language)
        self._connection = SlackConnection(
            settings, self.health, redactor, clock, self._languages, metrics, self._table
        )
        directory = SlackDirectory(self._connection, clock)
        self._people = RecentPeople(directory, clock)
        self._groups = UserGroups(directory, clock)
        self._messenger = messenger = SlackMessenger(self._connection, clock)
        leases = Leases(self.store, clock, by, metrics)
        # Nobody waits for the outbox: what Slack puts off is due again then.
        unhurried = SlackMessenger(self._connection, clock, timedelta())
        outbox = Outbox(self.store, unhurried, leases, clock, by)
        self._outbox = self.store.courier = outbox
        self.store.witness = self._commands.ended
        self._services = self._services_over(self.store, self.dbc, outbox, messenger, leases)
        pipeline = Pipeline(self._services, outbox, by)
        desk = self._desk_before(pipeline)
        self.edge = SlackEdge(settings, desk, clock, self._connection)
        self._retiring: asyncio.Task[None] | None = None
        self._database = Database(self.store, self.health, clock)
        copies = Copies(self.store, unhurried, outbox, leases, clock, by)
        self._ticker = self._clockwork(desk, pipeline, outbox, copies, vault)
        self._port, self._systemd = self._monitored(self._ticker, vault)

    def _desk_before(self, pipeline: Pipeline) -> Desk:
        services, rehearsals = self._services, self._rehearsals()
        clicks = Clicks(self.store, services.reviews, pipeline, self._clock)
        return Desk(
            services, pipeline, clicks, rehearsals, home, self._messenger, self._by,
            self._redactor, holds,
        )  # fmt: skip

    def _clockwork(
        self, desk: Desk, pipeline: Pipeline, outbox: Outbox, copies: Copies, vault: Vault
    ) -> Ticker:
        """What does everything that is done over and over."""
        damage = Damage(self.store, self.health, self._table.get, vault)
        leftovers = Leftovers(self.store, self._clock, self._settings.keep_days)
        outages = self._outages(self._services)
        jobs = jobs_of(self._services, desk, pipeline, outbox, copies, leftovers, damage, outages)
        looking = (
            Job("database", timedelta(seconds=5), self._database.look),
            Job("freeze", timedelta(seconds=5), self._frozen().look),
            Job("daemons", timedelta(minutes=1), self.dbc.look_at_daemons),
            Job("homes", timedelta(seconds=5), self.edge.homes.refresh),
        )
        due = (*jobs, *looking, *(self._streaming() if self._settings.audit_stream else ()))
        agenda = Agenda(self.store)
        return Ticker(due, SystemClock(), self.metrics, database=self._database, agenda=agenda)

    def _monitored(self, ticker: Ticker, vault: Vault) -> tuple[HealthPort, Systemd]:
        """What tells others how the bot is, which goes by what each part says of itself."""
        health, orders, presence = self.health, self._services.orders, self.dbc.presence
        health.watch(ticker.fault)
        health.watch_impairments(orders.impairments, orders.impairments_in_brief)
        for one in (ticker, presence, self._services.budgets, vault, self._book):
            health.watch_impairments(one.impairments)
        gauges = Gauges(self.metrics, self.store, health, self._clock, lambda: ticker.age, presence)
        port = HealthPort(health, self.metrics, gauges.refresh)
        return port, Systemd(health, lambda: not ticker.fault(), os.environ)

    def _called(self, call: Call) -> None:
        self.metrics.called_dbc(call.path, call.outcome, call.took)
        self._attendance.note(call)

    def _services_over(
        self, store: Store, dbc: DbcClient, outbox: Outbox, messenger: Messenger, leases: Leases
    ) -> Services:
        clock, table = self._clock, self._table
        sessions = Sessions(store, dbc, clock)
        inventory = Inventory(store, dbc, sessions, clock)
        last_known = LastKnown(store)
        kept = self._languages  # a dry run chooses none
        languages = kept if store is self.store else Languages(store, kept.default)
        looking = observers(store, dbc, inventory, clock, table.deed)
        words = partial(words_of, table)
        orders = self._orders_over(store, inventory, last_known, outbox, lambda: reviewers)
        budgets = Budgets(store, orders, clock, lambda: self._book.current.budget)
        reviewers = Reviewers(
            self._book, sessions, self._people, self._groups, clock, over=budgets.over
        )
        watches = Watches(
            store, looking, inventory, outbox, leases, clock, self._by, words,
            lambda brought_up: comes_of(services, brought_up), dbc.came_back,
        )  # fmt: skip
        services = Services(
            store=store,
            dbc=dbc,
            sessions=sessions,
            access=AccessRequests(store, inventory.label, clock),
            renters=Renters(store, dbc, clock),
            inventory=inventory,
            machine_search=MachineSearch(store, dbc, sessions, inventory, clock),
            sightings=Sightings(store, dbc, last_known, clock),
            last_known=last_known,
            aliases=Aliases(store),
            languages=languages,
            watches=watches,
            orders=orders,
            budgets=budgets,
            reviews=Reviews(store, table, inventory, reviewers, outbox, clock, self._by),
            audit=self._audit_over(store),
            directory=self._people,
            people_now=self._people.now,
            messenger=messenger,
            leases=leases,
            clock=clock,
            table=table,
            slash_command=self._settings.slash_command,
            commands=self._commands,
            checkup=self._checkup,
        )
        return services

    def _orders_over(
        self,
        store: Store,
        inventory: Inventory,
        last_known: LastKnown,
        outbox: Outbox,
        reviewers: Callable[[], Reviewers],
    ) -> Orders:
        """The orders. Who is told of them follows from the rules, whose budgets need the orders."""
        shows = self._table.details(Listing.ORDERS).id
        concerned = Concerned(
            store, last_known, inventory.lists.listed_at,
            lambda user: reviewers().hidden_as_known(user, shows), self._people.is_barred,
        )  # fmt: skip
        return Orders(
            store, self.chain, concerned, inventory, outbox, self._clock, self._by,
            lambda: self._book.current.orders.channel, self._searched,
        )  # fmt: skip

    def _audit_over(self, store: Store) -> AuditLog:
        book = self._book
        return AuditLog(
            store, self._groups, self._clock, lambda: book.current, lambda: book.faults,
            self._redactor.redact,
        )  # fmt: skip

    def _outages(self, services: Services) -> Outages:
        shows = self._table.details(Listing.MACHINES).id
        return Outages(
            services.store, self.dbc, self.chain, services.inventory, services.last_known,
            self._attendance,
            lambda user: services.reviews.reviewers.hidden_as_known(user, shows),
            self._people.is_barred,
            lambda user: may_press(services, user, ChannelId("")),
            self._clock, lambda: self._book.current.outages, self._table.deletions,
            Aftermath(services.store, services.orders, services.last_known, self._clock),
        )  # fmt: skip

    def _rehearsals(self) -> Rehearsals:
        """Dry runs: the same services over what undoes, sends no change and says nothing."""
        undone, silent = UndoneStore(self.store), SilentMessenger()
        leases = Leases(undone, self._clock, self._by, self.metrics)
        unsent = SilentOutbox(undone, silent, leases, self._clock, self._by)

        def stage(sent: list[WouldSend]) -> Services:
            return self._services_over(undone, self.dbc.dry_run(sent), unsent, silent, leases)

        return Rehearsals(stage, self._clock)

    async def start(self, *, ticking: bool = True) -> None:
        """Take possession of the database, finish what was left behind, then listen to Slack.

        Waits for a database or a Slack that is in trouble. Raises LockedOut where Slack refuses a
        token, StorageUnfit where the database refuses us.
        """
        await self.store.own()
        self._systemd.start()
        await self._listen()
        await once_it_works(self._clock, self.health, self._take_up)
        await self._book.name_lockouts()
        tries = Tries(self._clock, self._settings.slack_api_url, "SLACK_BOT_TOKEN")
        await tries.until_answered(self._connection.open)
        await self.edge.start()
        self._retiring = asyncio.create_task(self._retire(), name="retire")
        if ticking:
            self._ticker.start()
        self._systemd.started()

    async def _retire(self) -> None:
        """Take nothing more once a newer version has migrated the database: it takes that up.

        The process goes on, so that nothing starts it again and again, and whoever looks can read
        why it is not ready.
        """
        why = await self._database.superseded()
        # Both at once, the edge first: a job that hangs lets no delivery in.
        retiring = self.edge.retire(why), self._ticker.stop()
        for error in filter(None, await asyncio.gather(*retiring, return_exceptions=True)):
            log.error("retire.failed", exc_info=error, then="Stop this process.")

    async def _take_up(self) -> None:
        """Read what a former process has left; broken off, it can be done again."""
        if await self._database.migrate():
            self._services.reviews.measuring.again_without_older()
        await self.store.release_leases_of_others(self._by)
        if (known := await self.store.newest_moment()) is not None:
            self._clock.doubt(known)
        self._redactor.learn(self._settings.address_secrets)
        self._redactor.learn(await self._services.sessions.secrets())
        self._redactor.learn(await self._services.last_known.secrets())
        await self._services.audit.record_policy()
        await self._services.aliases.refresh()
        await self._languages.refresh()

    def _streaming(self) -> tuple[Job, ...]:
        """What passes the audit on, where it is wanted."""
        sink = sink_of(self._settings.audit_stream)
        stream = AuditStream(self.store, sink, self._clock, self._by, self._redactor.redact)
        self.health.watch_impairments(stream.impairments)
        return (Job("audit stream", timedelta(seconds=2), stream.pass_on),)

    async def _listen(self) -> None:
        """Before anything that may take long: else a probe ends a bot that waits for Slack."""
        settings = self._settings
        if settings.health_port:
            listening = self._port.listen(settings.health_host, settings.health_port)
            await bound(listening, settings.health_host, settings.health_port, "HEALTH")
        await bound(self.edge.listen(), settings.http_host, settings.http_port, "HTTP")

    def reload_policy(self) -> None:
        """Read the policy file again; a faulty one is logged and the old one stays in force."""
        self._book.reload()

    def reload_policy_aside(self) -> asyncio.Task[None]:
        """The same in a thread; see `PolicyBook.reload_aside`."""
        return self._book.reload_aside()

    def _frozen(self) -> Frozen:
        return Frozen(
            self.store,
            self.health,
            lambda: self._book.current.freeze.people,
            self._people.is_barred,
        )

    async def tick(self) -> None:
        """Do what the clock would have done by now."""
        await self._ticker.run_due(self._clock.monotonic())

    async def locked_out(self, grace: timedelta) -> str:
        """Return once Slack has refused the bot, and refuses it again after that long: why.

        Raises nothing: what it has to tell is held, and told once by the next process.
        """
        while True:
            await self.health.until_faulty()
            await asyncio.sleep(grace.total_seconds())
            if await self._connection.is_refused_still():
                return self.health.fatal_fault

    async def stop(self) -> None:
        """Take nothing more, let what is under way be answered, let go of everything."""
        await self._systemd.stop()
        if self._retiring is not None:
            self._retiring.cancel()
            await asyncio.gather(self._retiring, return_exceptions=True)
        await self._book.close()
        # Both at once: nothing is taken while jobs that are under way may end.
        await asyncio.gather(self._ticker.stop(), self.edge.close())
        await self.edge.stop()
        await self._checkup.close()
        await self._outbox.close()
        await self._free()
        await self._messenger.close()
        await self._connection.close()
        await self.dbc.close()
        await self.chain.close()
        await self.store.close()
        await self._port.close()
        if self._traces is not None:
            await self._traces.close()

    async def _free(self) -> None:
        """Leave to other replicas what was broken off; with SQLite the next start does it."""
        if not self.store.is_shared:
            return
        try:
            async with time_limit(self._clock, _FREEING):
                await self._services.leases.end()
        except (BotError, TimeoutError) as error:
            log.warning("leases.not_freed", error=str(error), then="They end within minutes.")
        except Exception:  # whatever it is, all the rest is closed
            log.exception("leases.not_freed", then="They end within minutes.")


def _vault_beside_its_file(settings: Settings) -> Vault:
    if settings.sqlite_file is not None:
        prepare(settings.sqlite_file)  # a key without its file means that one was lost
    return vault_of(settings, may_make=True)


async def run(
    settings: Settings,
    grace: timedelta = GRACE,
    redactor: Redactor | None = None,
    first: Callable[[], Awaitable[None]] | None = None,
) -> bool:
    """Run until told to stop (SIGINT, SIGTERM), or until Slack refuses the bot for good.

    `first` is done before anything is made, and again where the database is in trouble. Says
    whether it was told to stop.
    """
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped.set)
    if first is not None and not await _unless(
        stopped, once_it_works(SystemClock(), Health(), first)
    ):
        return True
    bot = Bot(settings, redactor=redactor)
    loop.add_signal_handler(signal.SIGHUP, bot.reload_policy_aside)
    try:
        if await _unless(stopped, bot.start()):
            # What is here now stays: without this every full collection walks through all of it,
            # and acknowledgements wait meanwhile, a tenth of a second and more (benchmarks.md).
            gc.collect()
            gc.freeze()
            await _unless(stopped, bot.locked_out(grace))
        if fault := bot.health.fatal_fault:
            log.error("stopping", because=fault)
        else:
            log.info("stopping", because="told to")
    finally:
        await bot.stop()
    return stopped.is_set()


async def _unless(stopped: asyncio.Event, work: Coroutine[Any, Any, object]) -> bool:
    """Do `work`, but break it off once `stopped`; says whether it came to its end."""
    working, stopping = asyncio.create_task(work), asyncio.create_task(stopped.wait())
    try:
        await asyncio.wait({working, stopping}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in (working, stopping):
            task.cancel()
        await asyncio.gather(working, stopping, return_exceptions=True)
    if working.cancelled():
        return False
    await working
    return True
