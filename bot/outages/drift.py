"""Tells of machines that were changed outside the bot: their state, or that they are gone.

A machine is kept as it was left. What two looks in a row show to be otherwise is told, unless the
bot itself has changed it since, or its rental has ended. Looks are those that are made anyway; but
that a machine is gone, its node is asked once more.
"""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Protocol

import structlog

from bot.clock import Clock
from bot.dbc.client import DbcClient
from bot.dbc.errors import TaskNotFound
from bot.dbc.models import Phase, phase_of
from bot.errors import BotError
from bot.ids import NodeId, UserId, new_id
from bot.messages.machine_buttons import May
from bot.model import Kept, Machine, MachineKey, Nicknamed, OwnChange, Place
from bot.outages import words
from bot.outages.port_ends import Left, PortEnds
from bot.outages.silences import CLOCKS_DIFFER
from bot.outages.steadiness import lasts, to_last, turned
from bot.outages.telling import People, Rest, overtake, tell
from bot.outages.words import PortOver
from bot.reply import Reply
from bot.services.inventory import Inventory
from bot.services.left_out import machine_of
from bot.services.sessions import target_of
from storage import Store
from storage.repositories.outages import Rewritten

_SETTLED = frozenset({Phase.ON, Phase.OFF, Phase.ASLEEP, Phase.FAILED})
_MOST_LOOKS = 10  # at machines that are gone, in one round
# What got no answer may still be carried out.
_UNKNOWN_FOR = timedelta(hours=1)
_OFTEN = timedelta(days=1)  # so often it is written down that nothing has changed
_GONE = "gone"  # no state of a machine
_LATER = timedelta(seconds=30)

_LATELY = timedelta(minutes=10)  # as often, where a rental's end may change machines

log = structlog.get_logger()


class AfterEnd(Protocol):
    """What follows from the ends of rentals."""

    async def nodes(self) -> Collection[NodeId]:
        """The nodes where one may switch off or delete machines by now."""

    async def of(
        self, off: Sequence[Machine], missing: Sequence[Machine]
    ) -> Collection[MachineKey]:
        """Of machines that are off and of those that are missing, which may be so since one.

        `seen_at` of each is when it was still as it was left.
        """


@dataclass(frozen=True, slots=True)
class _Found:
    """A change of a machine outside the bot: as it was kept, and as it is; None: gone.

    `is_ours`: it was told to be otherwise, and the bot itself, or the end of its rental, has
    changed it since.
    """

    before: Kept
    now: Kept | None
    label: str
    is_ours: bool = False

    @property
    def is_back(self) -> bool:
        """Whether it is again what it was before a change that was told."""
        return (
            self.now is not None and bool(self.before.episode)
            and self.now.status == self.before.before
        )  # fmt: skip

    @property
    def is_end(self) -> bool:
        """Whether it ends what was told, and is no news of its own."""
        return self.is_back or self.is_ours

    @property
    def is_told_with(self) -> tuple[bool, bool]:
        """What those have in common that one message tells of."""
        return self.now is None, self.is_back


@dataclass(frozen=True, slots=True)
class _Stand:
    """What is known of machines at one moment, and of what the bot itself has done.

    `ahead` are those that a clock has seen later than now, `same` those to date anew.
    """

    ahead: Sequence[Kept]
    news: Sequence[Machine]
    missing: Sequence[Kept]
    same: Sequence[Rewritten]
    kept: Mapping[MachineKey, Kept]
    own: Mapping[MachineKey, Sequence[OwnChange]]
    has_new_owners: bool


class Drift:
    """Compares machines with how they were left. `is_told`: whether the rules want it told."""

    def __init__(
        self,
        store: Store,
        dbc: DbcClient,
        inventory: Inventory,
        people: People,
        clock: Clock,
        is_told: Callable[[], bool],
        deletions: Collection[str],
        after_end: AfterEnd,
    ) -> None:
        self._store = store
        self._dbc = dbc
        self._inventory = inventory
        self._people = people
        self._clock = clock
        self._is_told = is_told
        self._port_ends = PortEnds(store, inventory, people, clock)
        self._deletions = deletions  # the commands after which a machine is gone
        self._after_end = after_end
        self._is_off = False
        self._asked: Counter[MachineKey] = Counter()  # about which, while they are missing

    async def look(self) -> None:
        """Write down and tell what has changed since the last look."""
        if not self._is_told():
            if not self._is_off:  # what changes meanwhile is not news once it is told again
                async with self._store.write() as tx:
                    await tx.outages.forget()
            self._is_off = True
            return
        self._is_off = False
        now = self._clock.now()
        stand = await self._stand(now)
        if stand.ahead:
            await self._date_back(stand.ahead, now)
            stand = await self._stand(now)
        over = await self._over(stand)
        keep, found = self._compared(stand.news, stand.kept, stand.own, over, now)
        gone, left, first = await self._gone(stand.missing, stand.own, over, now)
        found, keep = [*found, *gone], [*keep, *first]
        if keep or found or stand.same or left or stand.has_new_owners:
            await self._write([*stand.same, *keep], found, left)

    async def _stand(self, now: datetime) -> _Stand:
        """How everything stands, as of one moment."""
        doubtful = await self._after_end.nodes()
        async with self._store.read() as tx:
            ahead = await tx.outages.ahead_of(now + CLOCKS_DIFFER)
            news, missing = await tx.outages.news(), await tx.outages.missing()
            same = await tx.outages.touched(now - _OFTEN, doubtful, now - _LATELY)
            kept = await tx.outages.kept([one.task for one in news])
            tasks = {one.task for one in (*kept.values(), *missing)}
            since = min((one.seen_at for one in [*kept.values(), *missing]), default=now)
            own = _by_machine(await tx.outages.own_changes(tasks, min(since, now - _UNKNOWN_FOR)))
            has_new_owners = await tx.outages.has_new_owners()
        return _Stand(ahead, news, missing, same, kept, own, has_new_owners)

    async def _date_back(self, ahead: Sequence[Kept], now: datetime) -> None:
        """Let what was seen by a clock that was ahead have been seen an hour ago.

        Else what the bot does from now on would seem to be older than that, and not its own.
        """
        then = now - _UNKNOWN_FOR
        back = [
            replace(
                one, seen_at=min(one.seen_at, then), suspect="", suspect_at=None,
                size_at=min(one.size_at, then) if one.size_at else None,
            )
            for one in ahead
        ]  # fmt: skip
        async with self._store.write() as tx:
            await tx.outages.keep(list(zip(ahead, back, strict=True)))

    async def _over(self, stand: _Stand) -> Collection[MachineKey]:
        """Those that are off or missing since their rental has ended."""
        off = [
            replace(one, seen_at=stand.kept[one.node, one.task].seen_at)
            for one in stand.news
            if (one.node, one.task) in stand.kept and phase_of(one.status) is Phase.OFF
        ]
        missing = [
            Machine(one.node, one.task, one.owner, one.label, one.status, "", one.seen_at)
            for one in stand.missing
        ]
        return await self._after_end.of(off, missing) if off or missing else ()

    # Comparing

    def _compared(
        self,
        news: Sequence[Machine],
        kept: Mapping[MachineKey, Kept],
        own: Mapping[MachineKey, Sequence[OwnChange]],
        over: Collection[MachineKey],
        now: datetime,
    ) -> tuple[list[Rewritten], list[_Found]]:
        keep: list[Rewritten] = []
        found: list[_Found] = []
        for machine in news:
            status, phase = machine.status.strip().lower(), phase_of(machine.status)
            if phase not in _SETTLED:
                continue
            known = kept.get((machine.node, machine.task))
            if known is None:
                keep.append((None, _new(machine, status)))
                continue
            changes = own.get((machine.node, machine.task), ())
            if any(one.ended_at is None for one in changes):
                continue
            seen = replace(
                known, status=status, seen_at=machine.seen_at, suspect="", suspect_at=None,
                label=machine.label, owner=machine.owner,
            )  # fmt: skip
            if status == known.status:
                keep.append((known, replace(known, suspect="", suspect_at=None)))
            elif _is_own(known, changes, now) or (phase is Phase.OFF and known.identity in over):
                if known.episode:
                    found.append(_Found(known, seen, machine.label, is_ours=True))
                else:
                    keep.append((known, seen))
            elif known.suspect != status or known.suspect_at is None:
                doubted = replace(known, suspect=status, suspect_at=machine.seen_at)
                keep.append((known, doubted))
            elif _lasts(known, machine.seen_at, now):
                found.append(_Found(known, seen, machine.label))
        return keep, found

    async def _gone(
        self,
        missing: Sequence[Kept],
        own: Mapping[MachineKey, Sequence[OwnChange]],
        over: Collection[MachineKey],
        now: datetime,
    ) -> tuple[list[_Found], list[Left], list[Rewritten]]:
        """Those whose node says so in the next round as well; those to keep no longer, without a
        word; and those that are missing for the first time.
        """
        self._asked = Counter({one.identity: self._asked[one.identity] for one in missing})
        found: list[_Found] = []
        left: list[Left] = []
        first: list[Rewritten] = []
        asked: list[Kept] = []
        for known in sorted(missing, key=lambda one: self._asked[one.identity]):
            changes = own.get(known.identity, ())
            deletes = [one for one in changes if one.command in self._deletions]
            if any(one.ended_at is None for one in deletes):
                continue
            is_deleted = _is_deleted(known, deletes, now)
            if is_deleted or known.identity in over:
                left.append((known, PortOver.DELETED if is_deleted else PortOver.RENTAL))
                if known.episode:
                    found.append(_Found(known, None, known.label, is_ours=True))
            elif known.suspect != _GONE or known.suspect_at is None:
                first.append((known, replace(known, suspect=_GONE, suspect_at=now)))
            elif len(asked) < _MOST_LOOKS and now - known.suspect_at >= _LATER:
                asked.append(known)
                self._asked[known.identity] += 1  # next time, those come first that had no turn
        # Side by side: nodes that keep silent are waited for once.
        told = await asyncio.gather(*(self._is_gone(one) for one in asked))
        for known, is_gone in zip(asked, told, strict=True):
            if is_gone:
                found.append(_Found(known, None, known.label))
            elif is_gone is False:
                left.append((known, PortOver.UNSEEN))
        return found, left, first

    async def _is_gone(self, known: Kept) -> bool | None:
        """Whether the node itself says so, to the session that has seen it; None: nobody knows.

        False where there is no such session any more: whatever another one does not show is not
        gone.
        """
        async with self._store.read() as tx:
            owners = await tx.outages.owners(known.identity) | {known.owner}
            held = [await tx.sessions.find(owner, known.node) for owner in sorted(owners)]
        shown = [
            one
            for one in held
            if one is not None and (one.added_at or known.seen_at) <= known.seen_at
        ]
        if not shown:
            return False
        session = next((one for one in shown if not one.is_locked), None)
        if session is None:
            return None
        now = self._clock.now()
        try:
            detail = await self._dbc.tasks.get(target_of(session), known.task)
        except TaskNotFound:
            return True
        except BotError as problem:
            if self._asked[known.identity] == 1:  # it is asked again and again
                node = known.node[:8]
                log.info("outages.not_looked_for", node=node, problem=problem.sentence)
            return None
        seen = machine_of(session, known.task, detail, now)
        await self._inventory.saw(seen)
        return None

    # Writing down and telling

    async def _write(
        self, keep: Sequence[Rewritten], found: Sequence[_Found], left: Sequence[Left]
    ) -> None:
        episode, now = new_id(), self._clock.now()
        messages = [one for some in _apart(found) for one in await self._messages(some, episode)]
        gone = [(one.before, PortOver.DELETED) for one in found if not (one.now or one.is_ours)]
        overtaken = await self._overtaken(found)
        last_words = await self._port_ends.of([*left, *gone])
        async with self._store.write() as tx:
            known = await tx.outages.kept([one.before.task for one in found])
            if any(known.get(one.before.identity) != one.before for one in found):
                return  # another process is telling it
            told = [(one.before, _as_told(one, episode, now)) for one in found if one.now]
            await tx.outages.keep([*keep, *told])
            await tx.outages.note_owners()
            await tx.outages.forget([one for one, _ in (*left, *gone)])
            await self._port_ends.tell(tx, last_words)
            for key, place, reply, after, rest in messages:
                is_whole = not (rest and await rest.goes_on(tx, place))
                await tell(tx, key, place, reply, now, after=after, is_whole=is_whole)
            for after, place, reply, rest in overtaken:
                is_whole = not await rest.goes_on(tx, place)
                await overtake(tx, after, place, reply, now, is_whole=is_whole)
        for one in found:
            if not one.is_ours:
                log.info("machine.changed_outside", node=one.before.node[:8], task=one.before.task)

    async def _messages(
        self, found: Sequence[_Found], episode: str
    ) -> list[tuple[str, Place, Reply, str, Rest | None]]:
        """What is told of machines on one node of one kind: key, place, words, and what it ends."""
        node, first = found[0].before.node, found[0]
        label, known = await self._inventory.label(node), await self._store.known()
        seen = await self._seen(found)
        after = _key(first.before) if first.is_end else ""
        rest = await self._people.rest(node, first.before.episode) if after else None
        key = f"drift:{episode}.{node[:16]}"
        key += f".{first.before.episode}" if after else ""
        key += ".gone" if first.now is None else "" if first.is_back or not after else ".ours"
        messages = []
        for place in self._people.places([*seen]):
            told = seen.get(UserId(place.channel), [*found])
            named = [
                (known.nickname(Nicknamed.MACHINE, one.before.task) or one.label, one)
                for one in told
            ]
            may = self._people.may(place)
            said = _said(label, named, may, self._clock.now())
            messages.append((key, place, said, after, rest))
        return messages

    async def _seen(self, found: Sequence[_Found]) -> Mapping[UserId, list[_Found]]:
        """Who is told of which of these."""
        seen: dict[UserId, list[_Found]] = defaultdict(list)
        for one in found:
            before = one.before
            for user in await self._people.of_machine(before.node, before.task, before.owner):
                seen[user].append(one)
        return seen

    async def _overtaken(self, found: Sequence[_Found]) -> list[tuple[str, Place, Reply, Rest]]:
        """Which alarms are over, of machines that are otherwise once more, or gone: what they say.

        Each by its key without its place, with what else of it may go on.
        """
        apart: dict[str, list[_Found]] = defaultdict(list)
        for one in found:
            if one.before.episode and not one.is_end:
                apart[_key(one.before)].append(one)
        alarms, known = [], await self._store.known()
        for after, some in apart.items():
            node, seen = some[0].before.node, await self._seen(some)
            label = await self._inventory.label(node)
            rest = await self._people.rest(node, some[0].before.episode)
            for place in self._people.places([*seen]):
                states = [
                    (
                        known.nickname(Nicknamed.MACHINE, one.before.task) or one.label,
                        one.now.status if one.now else "",
                    )
                    for one in seen.get(UserId(place.channel), some)
                ]
                alarms.append((after, place, words.otherwise_since(label, states), rest))
        return alarms


def _said(node: str, found: Sequence[tuple[str, _Found]], may: May, now: datetime) -> Reply:
    first = found[0][1]
    if first.is_back:
        return words.as_before(node, [(label, one.before.before) for label, one in found])
    if first.is_ours:
        states = [(label, one.now.status if one.now else "") for label, one in found]
        return words.otherwise_since(node, states)
    changes = [
        words.Changed(
            words.at(one.now or one.before), label, one.before.status,
            one.now.status if one.now else "",
        )
        for label, one in found
    ]  # fmt: skip
    turns = [turned(one.before, now) for _, one in found if one.now]
    return words.changed(node, changes, may, max(map(to_last, turns), default=timedelta()))


def _apart(found: Sequence[_Found]) -> list[list[_Found]]:
    """By node, and those that are back, or changed by the bot, by the message that told of them.

    What is gone has no end, and stands in no message that another end may take the place of.
    """
    apart: dict[tuple[str, str, tuple[bool, bool]], list[_Found]] = defaultdict(list)
    for one in found:
        told = one.before.episode if one.is_end else ""
        apart[one.before.node, told, one.is_told_with].append(one)
    return list(apart.values())


def _key(told: Kept) -> str:
    """The key of the message that told how a machine was changed, without its place."""
    return f"drift:{told.episode}.{told.node[:16]}"


def _as_told(found: _Found, episode: str, at: datetime) -> Kept:
    """A machine as it is kept once its change is told."""
    now = found.now or found.before
    if found.is_ours:
        return replace(now, before="", episode="")
    now = replace(now, turns=turned(found.before, at))
    if found.is_back:
        return replace(now, before="", episode="")
    return replace(now, before=found.before.status, episode=episode)


def _lasts(known: Kept, seen_at: datetime, now: datetime) -> bool:
    """Whether another look shows a machine still otherwise, after so long as it has to last."""
    since = known.suspect_at
    return since is not None and seen_at > since and seen_at - since >= lasts(known, now)


def _new(machine: Machine, status: str) -> Kept:
    return Kept(machine.node, machine.task, machine.owner, machine.label, status, machine.seen_at)


def _by_machine(changes: Sequence[OwnChange]) -> Mapping[MachineKey, list[OwnChange]]:
    found: dict[MachineKey, list[OwnChange]] = defaultdict(list)
    for one in changes:
        found[one.identity].append(one)
    return found


def _is_deleted(known: Kept, deletes: Sequence[OwnChange], now: datetime) -> bool:
    """Whether the bot has deleted it since it was seen, or may have."""
    return any(
        one.ended_at is not None
        and (
            (one.is_done and one.ended_at > known.seen_at)
            or (one.is_unknown and now - one.ended_at < _UNKNOWN_FOR)
        )
        for one in deletes
    )


def _is_own(known: Kept, changes: Sequence[OwnChange], now: datetime) -> bool:
    """Whether a change that the bot has sent since it was seen so may have brought it about."""
    return any(
        one.ended_at is None
        or one.ended_at > known.seen_at
        or (one.is_unknown and now - one.ended_at < _UNKNOWN_FOR)
        for one in changes
    )
