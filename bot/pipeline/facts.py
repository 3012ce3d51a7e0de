"""Reads what a review shows of its target, each fact by itself, also why one cannot be read."""

from collections.abc import Awaitable, Mapping
from contextlib import suppress
from datetime import timedelta

from bot.clock import time_limit
from bot.dbc.errors import DbcError, TaskNotFound, WrongNodeKind
from bot.dbc.identity import Target
from bot.dbc.models import TaskDetail
from bot.errors import BotError
from bot.ids import NodeId
from bot.language.table import Command
from bot.language.terms import terms_for
from bot.messages.facts import DISKS, SESSION, SNAPSHOTS, STATE, found_by_look
from bot.messages.parts import disks_told, snapshots_told
from bot.model import Fact, Machine
from bot.pipeline.context import Context
from bot.pipeline.identity import identity_of
from bot.pipeline.machine_looks import look_at
from bot.pipeline.rental_facts import rental_of
from bot.pipeline.sent_with import session_fact
from bot.pipeline.targets import Bound
from bot.reply import Phrase, Text, say
from bot.watches.observers.look import is_silence

_NONE = timedelta()


async def facts_of(
    command: Command, bound: Bound, context: Context, patience: timedelta
) -> Mapping[str, Fact]:
    """The facts that the row shows, by key; what takes over `patience` is unread.

    Raises TaskNotFound where the node answers that there is no such machine.
    """
    found = {
        **await identity_of(context.services, bound),
        **await _session(command, bound, context),
        **await _rental(command, bound, context),
        **terms_for(command, context.entry),
        **found_by_look(command.facts, context.facts),
        **await _shown(command, bound, context, patience),
    }
    if bound.machine is None:
        return found
    node = bound.node.label if bound.node else ""
    reading = _Reading(context, bound.machine, NodeId(node), patience)
    return {**found, **await reading.read(command.reads)}


async def _session(command: Command, bound: Bound, context: Context) -> Mapping[str, Fact]:
    """Whose session it is sent with, and for which rent order."""
    services, node = context.services, bound.node
    if node is None or not services.table.needs_session(command):
        return {}
    try:
        session = await services.sessions.require(context.actor, node, context.place.channel)
    except BotError:
        return {}  # it is refused, or sends nothing
    return {SESSION: session_fact(session)}


async def _rental(command: Command, bound: Bound, context: Context) -> Mapping[str, Fact]:
    """When the rental ends, of what is sent to a node."""
    if not context.services.table.needs_session(command):
        return {}
    return await rental_of(bound, context)


async def _shown(
    command: Command, bound: Bound, context: Context, patience: timedelta
) -> Mapping[str, Fact]:
    """What the row reads for a review alone; why not, where it cannot."""
    if command.shows is None:
        return {}
    try:
        async with time_limit(context.services.clock, patience):
            found = await command.shows(context, **bound.arguments)
    except BotError as problem:
        if isinstance(problem, DbcError):
            problem.named(bound.node.label if bound.node else "")
        why: Text = problem.words
    except TimeoutError:
        why = _no_answer(patience)
    else:
        return found_by_look(command.kinds, found)
    return {key: Fact(unread=why) for key in command.facts if key not in context.facts}


def _no_answer(patience: timedelta) -> Phrase:
    seconds = f"{patience.total_seconds():g}"
    return say("No answer within {seconds} s.", seconds=seconds)


class _Reading:
    """One look at a machine. A node that was silent once is asked nothing more (§1.6)."""

    def __init__(
        self, context: Context, machine: Machine, node: NodeId, patience: timedelta
    ) -> None:
        self._context = context
        self._node = node
        self._machine = machine
        self._patience = patience
        self._until = context.services.clock.monotonic() + patience
        self._silence: Text = ""
        self._detail: TaskDetail | None = None

    async def read(self, keys: tuple[str, ...]) -> dict[str, Fact]:
        """These facts of the machine."""
        try:
            target = await self._context.use_session(self._machine)
        except BotError as problem:
            self._silence = problem.words
            return {key: self._unread(key, problem.words) for key in keys}
        looks = {STATE: self._state, DISKS: self._disks, SNAPSHOTS: self._snapshots}
        return {key: await self._one(key, looks[key](target)) for key in keys}

    async def _one(self, key: str, look: Awaitable[str]) -> Fact:
        clock = self._context.services.clock
        try:
            async with time_limit(clock, max(self._until - clock.monotonic(), _NONE)):
                return Fact(await look)
        except BotError as problem:
            if isinstance(problem, DbcError):
                problem.named(self._node)
            if key == STATE and isinstance(problem, TaskNotFound):
                raise
            if is_silence(problem):
                self._silence = problem.words
            return self._unread(key, problem.words)
        except TimeoutError:
            self._silence = _no_answer(self._patience)
            return self._unread(key, self._silence)

    def _unread(self, key: str, why: Text) -> Fact:
        return Fact(self._machine.status if key == STATE else "", unread=why)

    async def _state(self, _target: Target) -> str:
        return (await self._details()).status

    async def _disks(self, target: Target) -> str:
        # As `disks_of` takes them: details are more exact, but an older node leaves them out.
        disks = (await self._details()).disks
        if not disks:
            with suppress(
                TaskNotFound, WrongNodeKind
            ):  # nothing is defined yet, or it boots by pxe
                disks = tuple(await self._context.dbc.disks.list(target, self._machine.task))
        return disks_told(disks)

    async def _snapshots(self, target: Target) -> str:
        self._must_answer()
        return snapshots_told(await self._context.dbc.snapshots.list(target, self._machine.task))

    async def _details(self) -> TaskDetail:
        self._must_answer()
        if self._detail is None:
            self._detail = await look_at(self._context, self._machine)
        return self._detail

    def _must_answer(self) -> None:
        if self._silence:
            raise BotError(self._silence)
