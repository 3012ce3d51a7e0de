"""The stage of a scenario: a Slack workspace, the real bot, a DBC daemon with nodes, one clock."""

import asyncio
import json
import re
import sqlite3
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from pydantic import BaseModel

from bot.app import Bot
from bot.config import Settings
from bot.dbc.guard import Limits
from bot.ids import NodeId, UserId
from bot.model import AuditEntry, AuditKind, DbcSession
from sandbox.dbc import Daemon, ManualClock, Node, World
from sandbox.dbc.demo import demo_renter, demo_world
from sandbox.dbc.task import Task
from sandbox.slack import Person, SeenMessage, Workspace
from storage.chain import Verification
from storage.tables import audit
from tests.clocks import MachineClock, hurry, unwaited
from tests.databases import begin

CHANNEL = "gpu-ops"
MANIFEST = json.loads((Path(__file__).parents[2] / "manifest.json").read_text())
# Silence costs real time: a dead node is given up soon, the bot's own limit comes after it.
DAEMON_PATIENCE = 0.03
QUIET = 30  # seconds that anything under way may take on a busy machine
# Slack's own patience of 3 s passes in real time, and a busy machine keeps both from their turns
# for longer. What comes too late is tested with less of it, or in processes of their own.
ACK_SECONDS = 30.0
_LOOKS_AROUND = ("inventory", "closer looks", "damaged rows")  # jobs of the clockwork
_TIDIES = ("damaged rows", "leftovers")  # these find nothing in what has just been made
# Most scenarios are about something else than approval: there the requester confirms.
CONFIRM_ONLY = "[defaults]\ndestroy = { confirm = true }\n"
NO_OUTAGES = "[outages]\nnodes = false\nmachines = false\n"
# A masked secret is no markup, and a sentence may begin with “None of …”.
_UNFINISHED = re.compile(r"\{\w*\}|(?<!\*)\*\*(?!\*)|\bSpan\(|\bNone\b(?! of your )|[“(]\s*[”)]")
_BAD_END = re.compile(r"^:(x|grey_question):")
_COMMAND = re.compile(r"“[A-Z][a-z-]+ ")
_COMMAND_FIRST = re.compile(r" “[^”]+”( failed| has an unknown end| was stopped| was refused)?: ")
# A card says below who requested it and when; a question in a field of its own.
_CARD = re.compile(r"Requested by(\n| <@\w+>, <!date)")
LIMITS = Limits(read=timedelta(seconds=5), connect=timedelta(seconds=5))


class _Given(Settings):
    """What a scenario sets; what its machine's environment has in store is no part of it."""

    def __init__(self, **given: object) -> None:
        """Only what is given; other sources are not even opened."""
        BaseModel.__init__(self, **given)


@dataclass
class Stage:
    """Everything a scenario acts on and looks at."""

    ws: Workspace
    world: World
    daemon: Daemon
    clock: ManualClock
    bot: Bot
    data: Path
    machine: MachineClock  # what the bot's own machine shows

    @property
    def alice(self) -> Person:
        """The requester."""
        return self.ws.member("alice")

    @property
    def bob(self) -> Person:
        """A colleague."""
        return self.ws.member("bob")

    @property
    def carol(self) -> Person:
        """Someone on call."""
        return self.ws.member("carol")

    async def passes(self, seconds: float = 0, *, times: int = 1) -> None:
        """Let time pass and the clockwork do what is due then; so many `times`, one by one.

        All there is on every node is looked at the last time only: one such look costs as much as
        ten other ticks.
        """
        ran, at = self.bot._ticker._ran, self.bot._clock
        looked = {name: ran[name] for name in _LOOKS_AROUND if name in ran}
        for left in reversed(range(times)):
            self.clock.advance(timedelta(seconds=seconds))
            if times > 1:
                ran.update(dict.fromkeys(_LOOKS_AROUND, at.monotonic()) if left else looked)
            await self.bot.tick()

    async def quiet(self) -> None:
        """Wait until the bot has nothing under way. What waits for the clock has to be woken."""
        await self.ws.idle()
        while tasks := set(self.bot.edge._supervisor._tasks):
            done, _ = await asyncio.wait(tasks, timeout=QUIET)
            assert done, f"they wait for the clock, or for ever: {tasks}"

    async def waits(self, seconds: float) -> None:
        """Let so much time pass for people, once a silent node was asked something."""
        await self.clock.until(lambda: self.daemon.forwarder.pending > 0)
        self.clock.advance(timedelta(seconds=seconds))

    async def goes_unanswered(self, op: str) -> None:
        """Once DBC was asked this, the time is over that the bot waits for an answer."""
        await self.world.calls.wait(op)
        hurry(LIMITS.read)

    async def asks(
        self, person: Person, line: str, channel: str = CHANNEL, thread: SeenMessage | None = None
    ) -> SeenMessage:
        """`person` types a line; gives the newest message once the bot has nothing more to say."""
        await person.types(line, channel, thread)
        await self.quiet()
        return person.last(channel)

    def question(self, person: Person) -> SeenMessage:
        """What asks in the channel: `person` alone, or everybody by the card."""
        mine = [m for m in person.messages(CHANNEL) if m.ephemeral and "Confirm" in m.buttons]
        return mine[-1] if mine else card(person)

    def shown_to_all(self, question: SeenMessage) -> SeenMessage:
        """The question as a former version of the bot put it up: all in the channel saw it."""
        question.message.only_for = None
        return question

    async def confirms(self, person: Person, question: str) -> None:
        """`person` waits for the card that asks this and presses its button."""
        seen = await person.sees(question)
        await person.presses("Confirm", seen)
        await self.quiet()

    async def reads(self, person: Person, sentence: str) -> None:
        """`person` reads the answer in the form that they sent in, and closes it."""
        await person.sees_modal(sentence)
        await self.quiet()
        await person.closes()

    async def ends(self, person: Person, sentence: str, *, within: float = 120) -> SeenMessage:
        """Let time pass until a message that mentions `person` says how it ended."""
        wanted = f"<@{person.id}>: {sentence}"
        passed = 0.0
        while passed < within:
            step = 3 if passed < 18 else 15  # as the bot itself looks: often, then seldom
            await self.passes(step)
            passed += step
            if found := [m for m in person.messages() if wanted in without_command(m)]:
                return found[-1]
        raise AssertionError(f"nobody said {wanted!r}:\n{person.screen()}")

    def endings(self, person: Person) -> list[str]:
        """The messages that tell `person` how something ended, oldest first."""
        marks = f"<@{person.id}>", f"'user_id': '{person.id}'"
        said = [m for m in person.messages() if any(mark in str(m.blocks) for mark in marks)]
        plain = [m.plain.replace("*", "") for m in said]
        return [text for text in plain if not is_card(text) and "still waits" not in text]

    def changes(self) -> list[str]:
        """The changing operations that DBC has received, in order."""
        return [call.op for call in self.world.changing_calls()]

    def task(self, desc: str) -> Task:
        """The machine of that description in the machine room."""
        found = [t for n in self.world.nodes.values() for t in n.tasks.values() if t.desc == desc]
        assert len(found) == 1, desc
        return found[0]

    async def gives_session(self, person: Person, *nodes: str) -> None:
        """`person` has a session for these nodes, as the form leaves it.

        For scenarios that only need one; the form itself is `adds_session`, and costs thirty times
        as much.
        """
        await self.gives_sessions((person, name) for name in nodes)

    async def gives_sessions(self, pairs: Iterable[tuple[Person, str]]) -> None:
        """These people have sessions for these nodes: kept at once, none of them tried."""
        inventory, now = self.bot._services.inventory, self.bot._clock.now()
        kept = [
            DbcSession(
                UserId(person.id), NodeId(self.node(name).node_id), *self.pair(name),
                added_at=now, checked_at=now,
            )
            for person, name in pairs
        ]  # fmt: skip
        if not {one.node for one in kept} <= {one.id for one in await inventory.known_nodes()}:
            await inventory.refresh_nodes()
        async with self.bot.store.write() as tx:
            for one in kept:
                await tx.sessions.put(one)
                added = AuditEntry(AuditKind.SESSION_ADDED, now, actor=one.user, node=one.node)
                tx.audit.append(added)

    async def adds_session(self, person: Person, *nodes: str) -> None:
        """`person` adds their session for these nodes, by the form."""
        for name in nodes:
            await person.types(f"/dbc session add {name}", channel=CHANNEL)
            await person.sees_modal("Add a session")
            pair = self.pair(name)
            await person.submits({"Session id": pair[0], "Session signature": pair[1]})
            await self.reads(person, f"session for *{name}* works")

    async def erases_session(self, person: Person, node: str) -> None:
        """`person` has their session for a node erased, and confirms it."""
        await self.asks(person, f"/dbc session remove {node}")
        await self.confirms(person, "Erase the requester's session")

    def pair(self, name: str) -> tuple[str, str]:
        """A node's session pair."""
        return self.world.node(name).session_for(demo_renter())

    def node(self, name: str) -> Node:
        """A node of the machine room."""
        return self.world.node(name)

    def settings(self, *, http: bool = False) -> Settings:
        """What an operator would have set."""
        return settings_for(self.ws, self.daemon, self.data, http=http)

    async def restart_bot(self, *, http: bool = False) -> None:
        """Stop the bot and start it again on the same database."""
        await unwaited(self.bot.stop())
        self.bot = Bot(self.settings(http=http), self.machine, LIMITS)
        await self.bot.start(ticking=False)
        if http:
            assert await self.ws.use_http(f"http://127.0.0.1:{self.bot.edge.port}/slack/events")
        await self.bot.edge.connected()


def settings_for(
    ws: Workspace, daemon: Daemon, data: Path, *, http: bool, health_port: int = 0
) -> Settings:
    """The settings of a bot between this workspace and this daemon."""
    common: dict[str, object] = {
        "slack_bot_token": ws.bot_token,
        "slack_api_url": ws.api_url,
        "dbc_client_urls": daemon.url,
        "database_url": f"sqlite+aiosqlite:///{data}/bot.db",
        "http_port": 0,
        "health_port": health_port,
    }
    if (data / "policy.toml").exists():
        common["policy_file"] = str(data / "policy.toml")
    if http:
        return _Given(**common, slack_signing_secret=ws.signing_secret)
    return _Given(**common, slack_app_token=ws.app_token)


@asynccontextmanager
async def staged(
    data: Path,
    *,
    http: bool = False,
    daemon_patience: float | None = DAEMON_PATIENCE,
    limits: Limits = LIMITS,
    policy: str = CONFIRM_ONLY,
    health_port: int = 0,
) -> AsyncIterator[Stage]:
    """A fresh stage with these rules (none: the bot's own), torn down at the end."""
    if policy:
        # Scenes are set and changed behind the bot's back, which is no news but where it is meant.
        quiet = "" if "[outages]" in policy else NO_OUTAGES
        (data / "policy.toml").write_text(f"{policy}\n{quiet}", encoding="utf-8")
    begin(data / "bot.db")
    clock = ManualClock()
    world = demo_world(clock)
    async with (
        Workspace(clock=clock, manifest=MANIFEST, ack_seconds=ACK_SECONDS) as ws,
        Daemon(world, timeout=daemon_patience) as daemon,
    ):
        machine = MachineClock(clock)
        settings = settings_for(ws, daemon, data, http=http, health_port=health_port)
        bot = Bot(settings, machine, limits)
        stage = Stage(ws, world, daemon, clock, bot, data, machine)
        await bot.start(ticking=False)
        if http:
            assert await ws.use_http(f"http://127.0.0.1:{bot.edge.port}/slack/events")
        await bot.edge.connected()
        bot._ticker._ran |= dict.fromkeys(_TIDIES, bot._clock.monotonic())
        clock.advance(timedelta(seconds=30))  # the daemon has learnt of its nodes
        try:
            yield stage
        finally:
            await unwaited(stage.bot.stop())
        _audit_is_sound(stage)


def _audit_is_sound(stage: Stage) -> None:
    """Whatever a scenario did: the chain holds, no secret has come into it, and it reads well."""
    names = [column.name for column in audit.columns]
    with closing(sqlite3.connect(stage.data / "bot.db")) as database:
        found = database.execute(f"SELECT {', '.join(names)} FROM audit ORDER BY seq")
        rows = [dict(zip(names, row, strict=True)) for row in found]
        known = database.execute("SELECT node, task, label FROM executions").fetchall()
    verification = Verification()
    fault = verification.go_on(rows) or verification.finish()
    assert fault is None, fault.sentence
    ends = [row["reason"] for row in rows if row["kind"] == AuditKind.ENDED]
    assert [told for told in ends if is_unfinished(told)] == []
    # As it was written, and as it reads: JSON has spellings of its own.
    mappings = [row[name] for row in rows for name in ("arguments", "details")]
    written = repr([rows, known, [json.loads(one) for one in mappings]])
    nodes = stage.world.nodes.values()
    tasks = [task for node in nodes for task in node.tasks.values()]
    secrets = [part for node in nodes for part in node.session_for(demo_renter())]
    secrets += [word for task in tasks for word in (task.login_password, task.vnc_password)]
    assert [secret for secret in secrets if secret and secret in written] == []


def is_unfinished(text: str) -> bool:
    """Whether a text has places that nothing was put into, or markup that nothing has rendered."""
    return _UNFINISHED.search(text) is not None


def names_command(text: str) -> bool:
    """Whether an end that is not a good one says of which command it is."""
    return _BAD_END.search(text) is None or _COMMAND.search(text.replace("*", "")) is not None


def without_command(message: SeenMessage) -> str:
    """What a message says behind the command that it is about; one that has to name it does."""
    assert names_command(message.plain), message.plain
    return _COMMAND_FIRST.sub(" ", message.plain.replace("*", ""))


def is_card(text: str) -> bool:
    """Whether a message is a change's card, and not one that tells its end."""
    return _CARD.search(text.replace("*", "")) is not None


def card(person: Person, what: str = "") -> SeenMessage:
    """The one public message that has these words; without any, the one card of a change."""
    found = [
        m
        for m in person.messages(CHANNEL)
        if (what in m.plain.replace("*", "") if what else is_card(m.plain)) and not m.ephemeral
    ]
    assert len(found) == 1, person.screen()
    return found[0]
