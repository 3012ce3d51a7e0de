"""Everything that the doctor looks at, in order: settings, rules, Slack, the database, DBC.

It works beside a bot that runs, and in it. It sends no message and no command, and changes nothing.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import structlog

from bot import causes
from bot.addresses import places_of
from bot.clock import Clock, time_limit
from bot.commands.rows import command_table
from bot.config import PolicySettings, Settings, places
from bot.dbc.client import DbcClient
from bot.dbc.errors import DaemonDisconnected, DaemonFull, DbcError, Unreachable
from bot.dbc.guard import Limits
from bot.doctor.chain import chain
from bot.doctor.env_file import env_file, unknown_names
from bot.doctor.kept import storage
from bot.doctor.listening import listening
from bot.doctor.named import Named, named_in
from bot.doctor.private import Private
from bot.doctor.slack import SlackCheck
from bot.doctor.traces import traces
from bot.errors import BotError
from bot.health import Health
from bot.language.canonical import known_arguments
from bot.monitoring.findings import Finding, Findings, Level, Sight, fault, ok, warning
from bot.ports import DeliveryFailed
from bot.reply import Text, listed, plain, say, say_number, sentences
from bot.reviews.lockouts import lockouts
from bot.reviews.policy import Policy
from bot.reviews.policy_file import FaultyPolicy, read_policy
from bot.version import VERSION
from handlers.tries import cause

_PATIENCE = Limits(connect=timedelta(seconds=5), read=timedelta(seconds=10))
_WHOLE_LOOK = timedelta(minutes=5)  # many people and channels are asked for one by one
_IN_CHAT = timedelta(seconds=30)  # somebody waits for the answer

log = structlog.get_logger()


class Checks:
    """What is looked at with these settings, for whom `sight` is."""

    def __init__(
        self, settings: Settings, clock: Clock, sight: Sight, limit: timedelta = _WHOLE_LOOK
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._sight = sight
        self._limit = limit

    async def findings(self) -> Findings:
        """All that there is to tell, each as soon as it is known."""
        before, looks = self._begun()
        for one in before:
            yield one
        for look in looks:
            async for one in look:
                yield one

    async def at_once(self) -> list[Finding]:
        """The same, with all looks at the same time."""
        before, looks = self._begun()

        async def all_of(look: Findings) -> list[Finding]:
            return [one async for one in look]

        found = await asyncio.gather(*(all_of(look) for look in looks))
        return [*before, *(one for some in found for one in some)]

    def _begun(self) -> tuple[Sequence[Finding], Sequence[Findings]]:
        mode = "Socket Mode" if self._settings.uses_socket_mode else "HTTP mode"
        valid = say("They are valid. Version {version}, {mode}.", version=VERSION, mode=mode)
        policy, told = rules(self._settings, self._sight)
        in_force = policy if self._settings.policy_file is not None else Policy()
        named = named_in(policy) if policy is not None else Named()
        looks: dict[Text, Findings] = {
            "Slack": SlackCheck(self._settings, named, self._sight).findings(),
            say("database"): storage(self._settings, in_force, self._sight, self._clock),
            "DBC": self._daemons(named),
        }
        if self._settings.chain_rpc_urls:
            looks[say("chain")] = chain(self._settings, self._sight)
        if self._settings.otel_exporter_otlp_endpoint:
            looks[say("traces")] = traces(self._settings)
        if self._sight.is_local:  # in the bot itself they are its own
            looks[say("health port")] = listening(self._settings)
        guarded = [self._guarded(about, look) for about, look in looks.items()]
        told += [*env_file(), *unknown_names()]
        return [ok(say("settings"), valid), *told], guarded

    async def _guarded(self, about: Text, look: Findings) -> Findings:
        """What a look finds, up to where it fails or takes too long: the others go on."""
        ends = self._clock.monotonic() + self._limit
        while True:
            try:
                async with time_limit(self._clock, ends - self._clock.monotonic()):
                    one = await anext(look)
            except StopAsyncIteration:
                return
            except TimeoutError:
                yield fault(about, say("It could not be looked at in time."), _AGAIN)
                return
            except (OSError, DeliveryFailed) as error:
                why = cause(error) if isinstance(error, DeliveryFailed) else causes.cause(error)
                told = say("It could not be looked at: {why}.", why=why)
                is_barred = isinstance(error, PermissionError) and self._sight.is_local
                yield fault(about, told, _AS_THE_BOT if is_barred else _AGAIN)
                return
            except Exception:  # the rest is still worth to be looked at
                log.exception("doctor.crashed", about=str(about))
                yield fault(
                    about, say("It could not be looked at: a fault of this program."),
                    say("Report it with the traceback in the log."),
                )  # fmt: skip
                return
            yield self._placed(one)

    def _placed(self, found: Finding) -> Finding:
        """The same finding, with where the settings are that have to be mended."""
        if found.level is Level.OK:
            return found
        where = places().named_in(f"{plain(found.says)} {plain(found.do)}")
        return replace(found, do=sentences((found.do, *where)))

    async def _daemons(self, named: Named) -> Findings:
        known: set[str] = set()
        is_complete = True
        urls = self._settings.dbc_client_urls
        for number, (url, place) in enumerate(zip(urls, places_of(urls), strict=True), start=1):
            about = self._sight.daemon(place, number)
            async with DbcClient([url], self._clock, _PATIENCE) as dbc:
                try:
                    version = await dbc.nodes.version()
                    nodes = await dbc.nodes.list()
                except DbcError as error:
                    yield _unanswered(about, error)
                    is_complete = False
                    continue
            known |= {node.node_id for node in nodes}
            is_complete = is_complete and bool(nodes)
            told = say_number(
                "Version {version}; it knows {number} GPU node.",
                "Version {version}; it knows {number} GPU nodes.",
                len(nodes), version=version,
            )  # fmt: skip
            if nodes:
                yield ok(about, told)
            else:
                wait = say("After its start it needs some minutes to find them.")
                yield warning(about, told, wait)
        # A daemon that does not answer may be the one that knows the others.
        if is_complete and (strange := sorted(named.nodes - known)):
            ids = listed([f"{one[:8]}…" for one in strange])
            yield warning(
                say("rules"),
                say("No daemon sees these nodes of the rules at present: {nodes}.", nodes=ids),
                say(
                    "Either they are offline (a daemon drops a node that is silent for 5 min) or "
                    "their ids are wrong."
                ),
            )


_AGAIN = say("Run the doctor again in a minute.")
_AS_THE_BOT = say("Run it as the account that the bot runs as.")


class OwnCheckup:
    """bot.monitoring.findings.Checkup: the bot looks at itself, as far as people in Slack are told.

    One look at a time, shared by all who ask meanwhile: nobody makes it ask for everything many
    times at once, and nobody waits for two.
    """

    def __init__(self, settings: Settings, clock: Clock, health: Health) -> None:
        self._checks = Checks(settings, clock, Sight(is_local=False), _IN_CHAT)
        self._health = health
        self._private = Private(settings)
        self._looking: asyncio.Task[list[Finding]] | None = None

    async def looked(self) -> list[Finding]:
        """How this process is, then what the doctor finds."""
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._look(), name="doctor")
        return await asyncio.shield(self._looking)

    async def _look(self) -> list[Finding]:
        found = [*self._own(), *await self._checks.at_once()]
        return [self._private.hidden_in(one) for one in found]

    async def close(self) -> None:
        """Break off a look that is under way: what it reads is closed next."""
        if self._looking is not None:
            self._looking.cancel()
            await asyncio.wait({self._looking})

    def _own(self) -> Sequence[Finding]:
        about = say("this process")
        found = [fault(about, one) for one in self._health.faults]
        found += [warning(about, one) for one in self._health.lessened]
        return found or [ok(about, say("It is ready."))]


def rules(settings: PolicySettings, sight: Sight) -> tuple[Policy | None, list[Finding]]:
    """The rules as they stand in their file, and what there is to say of them."""
    about, file = say("rules"), settings.policy_file
    commands = known_arguments(command_table())
    if file is None:
        return None, [ok(about, say("There is no POLICY_FILE: the defaults are in force."))]
    try:
        policy = read_policy(file, commands)
    except FaultyPolicy as faulty:
        return None, [fault(about, one) for one in faulty.faults]
    except BotError as error:
        return None, [fault(about, sentences((error.words, error.hint)))]
    told = say_number(
        "{number} rule in {file}.", "{number} rules in {file}.", len(policy.rule),
        file=sight.path(file),
    )  # fmt: skip
    stuck = [warning(about, one) for one in lockouts(policy, commands)]
    return policy, [ok(about, told), *stuck]


def _unanswered(about: Text, error: DbcError) -> Finding:
    if isinstance(error, DaemonFull):
        return fault(about, say("All of its slots are taken."), say("Restart the daemon."))
    if isinstance(error, DaemonDisconnected):
        return fault(
            about, say("It has lost the DBC network."),
            say("It recovers, or crashes and restarts; wait a minute."),
        )  # fmt: skip
    told = error.words
    if isinstance(error, Unreachable):
        told = say("The DBC daemon cannot be reached: {why}.", why=error.why)
    return fault(about, told, say("Check DBC_CLIENT_URLS and the daemon."))
