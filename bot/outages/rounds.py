"""Tells of running machines whose SSH port is dead, and of sizes that changed outside the bot.

A few machines each time, those first that wait longest. Sizes are compared as they were read last,
and nothing is asked for them: what a node left out has not changed, and two readings have to agree
on which disks there are. A port is tried only where the rules say so, and only a process that
has connected to it itself calls it dead: so a network that it cannot reach is no news.
"""

import asyncio
import ipaddress
import json
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from bot.clock import Clock
from bot.dbc.models import Phase, TaskDetail, phase_of
from bot.ids import NodeId, TaskId, UserId, new_id
from bot.messages.machine_buttons import May
from bot.model import DbcSession, Kept, MachineKey, Nicknamed, OwnChange, Place
from bot.outages import words
from bot.outages.port_ends import PortEnds
from bot.outages.telling import People, Rest, tell
from bot.reply import Line, Reply, line, listed
from bot.services.inventory import Inventory
from bot.services.last_known import Known, LastKnown
from storage import Store, UnitOfWork

_AT_ONCE = 20  # machines: three hundred take a quarter of an hour
_CONNECTS = timedelta(seconds=3)
_OPEN, _SHUT = "", "shut"
_TIMES = 2  # so often in a row it is dead
_STATE = timedelta(minutes=5)  # how old a machine's state may be
# What got no answer may still be carried out.
_UNKNOWN_FOR = timedelta(hours=1)

_FIRST = NodeId(""), TaskId("")  # before all machines

_Door = tuple[str, int]
_Eyes = Mapping[MachineKey, DbcSession | None]  # a session that shows the machine

# What a round has found: the machine as it was kept and as it will be kept.
_News = list[tuple[Kept, Kept]]
_Said = Callable[[str, _News, May], Reply]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the rules want told."""

    sizes: bool
    ports: bool


class Rounds:
    """Goes round the machines that are kept."""

    def __init__(
        self,
        store: Store,
        last_known: LastKnown,
        inventory: Inventory,
        people: People,
        clock: Clock,
        wanted: Callable[[], Wanted],
    ) -> None:
        self._store = store
        self._last_known = last_known
        self._inventory = inventory
        self._people = people
        self._clock = clock
        self._wanted = wanted
        self._port_ends = PortEnds(store, inventory, people, clock)
        self._is_off = False  # by the rules
        self._after = _FIRST  # the machine that was looked at last
        self._seen: set[MachineKey] = set()  # those that were looked at since the first one
        self._shut: Counter[MachineKey] = Counter()  # how often in a row
        self._reached: dict[MachineKey, _Door] = {}  # what this process has connected to
        self._doubts: dict[
            MachineKey, Kept
        ] = {}  # other disks, as one reading alone has shown them

    async def look(self) -> None:
        """Look at the next few, and tell what has changed."""
        wanted = self._wanted()
        if not (wanted.sizes or wanted.ports):
            return
        async with self._store.read() as tx:
            kept = await tx.outages.some_after(self._after, _AT_ONCE)
            long_ago = self._clock.now() - _UNKNOWN_FOR
            since = min([long_ago, *(one.size_at or one.seen_at for one in kept)])
            own = await tx.outages.own_changes([one.task for one in kept], since)
            eyes = {one.identity: await _session(tx, one) for one in kept}
            known = await self._known(tx, eyes)
            phases = await self._phases(tx, eyes) if wanted.ports else {}
        self._pass_by(kept)
        if wanted.sizes:
            await self._compare([one for one in kept if not one.suspect], known, own)
        if wanted.ports:
            await self._try(kept, known, own, phases)
            await self._leave([one for one in kept if one.port == _SHUT and not eyes[one.identity]])

    def _pass_by(self, kept: Sequence[Kept]) -> None:
        """Go on behind these; once round, nothing is remembered of machines that are gone."""
        self._after = kept[-1].identity if len(kept) == _AT_ONCE else _FIRST
        self._seen |= {one.identity for one in kept}
        if self._after != _FIRST:
            return
        remembered: tuple[dict[MachineKey, Any], ...] = (self._shut, self._reached, self._doubts)
        for some in remembered:
            for gone in some.keys() - self._seen:
                del some[gone]
        self._seen = set()

    async def _known(self, tx: UnitOfWork, eyes: _Eyes) -> Mapping[MachineKey, Known | None]:
        return {
            key: None if session is None else await self._last_known.find_in(tx, session, key[1])
            for key, session in eyes.items()
        }

    async def _phases(self, tx: UnitOfWork, eyes: _Eyes) -> Mapping[MachineKey, Phase | None]:
        """What their nodes have just said of them; None where they have not."""
        now = self._clock.now()
        told: dict[DbcSession, dict[MachineKey, Phase]] = {}
        for session in {one for one in eyes.values() if one is not None}:
            seen = await tx.inventory.machines(session.user, session.node)
            told[session] = {
                (one.node, one.task): phase_of(one.status)
                for one in seen
                if now - one.seen_at < _STATE
            }
        return {
            key: None if session is None else told[session].get(key)
            for key, session in eyes.items()
        }

    async def look_at_rules(self) -> None:
        """Give dead ports their last word where the rules no longer have any checked."""
        if self._wanted().ports:
            self._is_off = False
            return
        if self._is_off:
            return
        async with self._store.read() as tx:
            shut = [one for one in (await tx.outages.kept()).values() if one.port == _SHUT]
            told = {
                one.port_episode: (one.node, await tx.outages.places(_key(one.port_episode)))
                for one in shut
            }
        places = {
            episode: await self._people.still(*where) for episode, where in sorted(told.items())
        }
        if shut:
            now = self._clock.now()
            async with self._store.write() as tx:
                known = await tx.outages.kept([one.task for one in shut])
                if any(known.get(one.identity) != one for one in shut):
                    return  # another process is telling it
                await tx.outages.keep([(one, replace(one, port=_OPEN)) for one in shut])
                for episode, where in places.items():
                    for place in where:
                        after, over = _key(episode), words.ports_switched_off()
                        key = f"{after}.off"
                        await tell(tx, key, place, over, now, after=after, is_over=False)
        self._is_off = True

    # Sizes

    async def _compare(
        self,
        kept: Sequence[Kept],
        known: Mapping[MachineKey, Known | None],
        own: Sequence[OwnChange],
    ) -> None:
        keep: _News = []
        found: _News = []
        for one in kept:
            seen = known[one.identity]
            changes = [each for each in own if each.identity == one.identity]
            if seen is None or (one.size_at is not None and seen.seen_at <= one.size_at):
                continue
            ends = [each.ended_at for each in changes if each.ended_at is not None]
            if len(ends) < len(changes) or any(end >= seen.seen_at for end in ends):
                continue  # it is changing, or was changed since
            size = _size(seen.detail, json.loads(one.size or "{}"))
            now = replace(one, size=json.dumps(size, sort_keys=True), size_at=seen.seen_at)
            unknown = [each.ended_at for each in changes if each.ended_at and each.is_unknown]
            is_own = any(one.size_at is None or end > one.size_at for end in ends) or any(
                seen.seen_at - end < _UNKNOWN_FOR for end in unknown
            )
            if not one.size or is_own:
                self._doubts.pop(one.identity, None)
                keep.append((one, now))
            elif not _changed(one.size, now.size):
                self._doubts.pop(one.identity, None)
                keep += [(one, now)] if one.size != now.size else []  # it tells more than before
            elif not self._is_doubtful(one, now):
                found.append((one, now))
        await self._write(keep, found, _of_sizes)

    def _is_doubtful(self, before: Kept, now: Kept) -> bool:
        """Whether other disks than before are shown by this reading alone: a list may be short."""
        if json.loads(before.size).keys() == json.loads(now.size).keys():
            return False
        doubted = self._doubts.get(now.identity)
        if doubted is not None and doubted.size == now.size and doubted.size_at != now.size_at:
            del self._doubts[now.identity]
            return False
        if doubted is None or doubted.size != now.size:
            self._doubts[now.identity] = now
        return True

    # Ports

    async def _leave(self, unseen: Sequence[Kept]) -> None:
        """Give dead ports their last word that no session shows any more."""
        last_words = await self._port_ends.of([(one, words.PortOver.UNSEEN) for one in unseen])
        if not unseen:
            return
        async with self._store.write() as tx:
            known = await tx.outages.kept([one.task for one in unseen])
            if any(known.get(one.identity) != one for one in unseen):
                return  # another process is telling it
            await tx.outages.keep([(one, replace(one, port=_OPEN)) for one in unseen])
            await self._port_ends.tell(tx, last_words)

    async def _try(
        self,
        kept: Sequence[Kept],
        known: Mapping[MachineKey, Known | None],
        own: Sequence[OwnChange],
        phases: Mapping[MachineKey, Phase | None],
    ) -> None:
        busy = {one.identity for one in own if one.ended_at is None}
        for key in busy | {key for key, phase in phases.items() if phase is Phase.OFF}:
            self._shut.pop(key, None)  # while it starts, nothing answers
            self._reached.pop(key, None)
        idle = [one for one in kept if one.identity not in busy]
        running = [one for one in idle if phases[one.identity] is Phase.ON]
        doors = [(one, door) for one in running if (door := _door(known[one.identity])) is not None]
        opened = await asyncio.gather(*(_opens(*door) for _, door in doors))
        shut: _News = []
        back: _News = []
        for (one, door), is_open in zip(doors, opened, strict=True):
            key = one.identity
            self._shut[key] = 0 if is_open else self._shut[key] + 1
            if is_open:
                self._reached[key] = door
                if one.port == _SHUT:
                    back.append((one, replace(one, port=_OPEN)))
            elif one.port == _SHUT:  # another process may reach it: this one has to, anew
                self._reached.pop(key, None)
            elif self._shut[key] >= _TIMES and self._reached.get(key) == door:
                shut.append((one, replace(one, port=_SHUT)))
        # Off, it has no port: what follows is a start, and no recovery.
        off = [
            (one, replace(one, port=_OPEN))
            for one in kept
            if one.port == _SHUT and phases[one.identity] is Phase.OFF
        ]
        await self._write([], shut, _of_shut)
        await self._write([], back, _of_open)
        await self._write([], off, _of_off)

    # Writing down and telling

    async def _write(
        self, keep: _News, found: _News, said: Callable[[str, _News, May], Reply]
    ) -> None:
        if not keep and not found:
            return
        is_port, is_end = said in {_of_shut, _of_open, _of_off}, said in {_of_open, _of_off}
        kind = "port" if is_port else "size"
        messages: list[tuple[str, Place, Reply, Rest | None]] = []
        fresh: _News = []
        people = await self._store.known()
        for (node, episode), some in _apart(found, is_end=is_end).items():
            told = new_id()
            key = f"drift:{told}.{kind}"
            rest = await self._people.rest(node, episode) if episode else None
            named = [
                (
                    before,
                    replace(now, label=people.nickname(Nicknamed.MACHINE, now.task) or now.label),
                )
                for before, now in some
            ]
            for place, seen in (await self._places(node, named)).items():
                reply = said(await self._inventory.label(node), seen, self._people.may(place))
                messages.append((key, place, reply, rest))
            fresh += [
                (before, replace(now, port_episode=told) if is_port else now)
                for before, now in some
            ]
        at = self._clock.now()
        async with self._store.write() as tx:
            known = await tx.outages.kept([before.task for before, _ in found])
            if any(known.get(before.identity) != before for before, _ in found):
                return  # another process is telling it
            await tx.outages.keep([*keep, *fresh])
            for key, place, reply, rest in messages:
                after = _key(rest.episode) if rest else ""
                is_whole = not (rest and await rest.goes_on(tx, place))
                await tell(tx, key, place, reply, at, after=after, is_whole=is_whole)

    async def _places(self, node: NodeId, found: _News) -> Mapping[Place, _News]:
        seen: dict[UserId, _News] = defaultdict(list)
        for one in found:
            for user in await self._people.of_machine(node, one[0].task, one[0].owner):
                seen[user].append(one)
        places = self._people.places([*seen])
        return {place: seen.get(UserId(place.channel), found) for place in places}


async def _session(tx: UnitOfWork, kept: Kept) -> DbcSession | None:
    """A session that shows a machine; None where there is none any more."""
    if found := await tx.sessions.find(kept.owner, kept.node):
        return found
    for owner in sorted(await tx.outages.owners(kept.identity)):
        if found := await tx.sessions.find(owner, kept.node):
            return found
    return None


def _key(episode: str) -> str:
    """The key of the message that told of dead ports, without its place."""
    return f"drift:{episode}.port"


def _apart(found: _News, *, is_end: bool) -> Mapping[tuple[NodeId, str], _News]:
    """By node, and what has ended by the message that told of it."""
    apart: dict[tuple[NodeId, str], _News] = defaultdict(list)
    for one in found:
        apart[one[0].node, one[0].port_episode if is_end else ""].append(one)
    return apart


def _of_sizes(node: str, found: _News, may: May) -> Reply:
    changes = [
        words.Changed(
            words.at(now),
            now.label,
            before.size,
            now.size,
            sizes=_difference(before.size, now.size),
        )
        for before, now in found
    ]
    return words.changed(node, changes, may)


def _of_shut(node: str, found: _News, may: May) -> Reply:
    return words.ports_shut(node, [(now.label, words.at(now)) for _, now in found], may)


def _of_open(node: str, found: _News, _may: May) -> Reply:
    return words.ports_open(node, [now.label for _, now in found])


def _of_off(node: str, found: _News, _may: May) -> Reply:
    return words.port_over(node, [now.label for _, now in found], words.PortOver.OFF)


def _size(detail: TaskDetail, before: Mapping[str, Any]) -> dict[str, Any]:
    """What a machine is made of; what is not told is as it was before."""
    disks = {disk.name: disk.size.text for disk in detail.disks}
    parts = {"GPU": detail.gpu_count, "CPU": detail.cpu_cores, "RAM": detail.mem_size.text}
    told = {**parts, **disks}
    return {name: before.get(name) if told[name] in {None, ""} else told[name] for name in told}


def _changed(before: str, now: str) -> list[str]:
    """What of a size is another one; what was not told before may have been so."""
    old, new = json.loads(before), json.loads(now)
    return [
        name
        for name in {**old, **new}
        if old.get(name) != new.get(name) and old.get(name, True) not in {None, ""}
    ]


def _difference(before: str, now: str) -> tuple[Line, Line]:
    """What differs of two sizes."""
    old, new, names = json.loads(before), json.loads(now), _changed(before, now)
    return tuple(
        listed(f"{name} {some[name]}" for name in names if some.get(name) is not None) or line("–")
        for some in (old, new)
    )  # type: ignore[return-value]


def _door(known: Known | None) -> _Door | None:
    """Where its SSH listens; None where that is not known, or no address that a machine has."""
    if known is None or not known.detail.ssh_port:
        return None
    try:
        address = ipaddress.ip_address(known.detail.ssh_ip.strip())
    except ValueError:  # a name would be looked up anywhere
        return None
    if address.is_link_local or address.is_multicast or address.is_unspecified:
        return None
    return str(address), known.detail.ssh_port


async def _opens(host: str, port: int) -> bool:
    """Whether somebody takes a connection there. Nothing is said to them."""
    with suppress(OSError, TimeoutError):
        async with asyncio.timeout(_CONNECTS.total_seconds()):
            _, writer = await asyncio.open_connection(host, port)
            writer.close()
            return True
    return False
