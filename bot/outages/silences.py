"""Tells of nodes that fall silent, and that they answer again: by the requests made anyway.

A silence is a row, so it is told once, whoever notices it and however often the bot begins anew.
Where no daemon can be reached, nothing is known of nodes, and that alone is told.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from bot.chain.errors import ChainError
from bot.chain.reader import ChainReader, ChainView
from bot.clock import Clock
from bot.ids import NodeId, UserId, new_id
from bot.model import DAEMONS, NodeKind, Place, Silence
from bot.outages import words
from bot.outages.attendance import Attendance
from bot.outages.departures import Departures
from bot.outages.steadiness import Steadiness
from bot.outages.telling import People, tell
from bot.reply import Reply, Text, say
from bot.services.inventory import Inventory
from storage import Store

# So long after three missed answers; a node that restarts is back by then.
_LASTS = timedelta(minutes=3)
_TOGETHER = timedelta(minutes=1)  # what fell silent so long ago is told with it
# The daemons are asked for their nodes every minute.
_RECENT = timedelta(minutes=3)
# The clocks of replicas differ by less. What lies farther ahead was written before a clock was set.
CLOCKS_DIFFER = timedelta(minutes=10)
_MOST_ON_CHAIN = 20  # nodes that the chain is asked about for one message
_UNREAD = say("The chain could not be read.")


class Silences:
    """Looks at who answers. `is_told` says whether the rules want it told."""

    def __init__(
        self,
        store: Store,
        attendance: Attendance,
        inventory: Inventory,
        chain: ChainReader,
        people: People,
        clock: Clock,
        is_told: Callable[[], bool],
    ) -> None:
        self._store = store
        self._attendance = attendance
        self._inventory = inventory
        self._chain = chain
        self._people = people
        self._clock = clock
        self._steadiness = Steadiness(clock)
        self._departures = Departures(store, inventory, people, clock)
        self._is_told = is_told
        self._told: dict[NodeId, str] = {}  # to be silent at the last look, and in which episode
        self._noticed: dict[NodeId, datetime] = {}  # when their silence was, before it was told

    async def look(self) -> None:
        """Write down and tell what has changed."""
        async with self._store.read() as tx:
            rows = await tx.outages.silences()
        self._note_ends(rows)
        nodes = await self._nodes()
        if not self._is_told():
            await self._drop(list(rows.values()), words.switched_off())
            return
        ahead = {row.node for row in rows.values() if self._is_ahead(row) and not row.episode}
        if ahead:
            await self._forget(ahead)
        left = [row for node, row in rows.items() if node not in {*ahead, *nodes, DAEMONS}]
        await self._drop(left)
        gone = ahead | {row.node for row in left}
        rows = {node: row for node, row in rows.items() if node not in gone}
        self._note_beginnings(rows)
        self._steadiness.silent(node for node in rows if self._attendance.has_missed(node))
        await self._tell_answers([row for row in rows.values() if self._answers(row)])
        lasting = [row for row in rows.values() if row.episode and not self._answers(row)]
        await self._departures.look(lasting)
        silent = [row for row in self._silent(nodes, rows) if not row.episode]
        now = self._clock.now()
        due = [row for row in silent if now - row.since >= _LASTS]
        together = [row for row in silent if due and now - row.since >= _TOGETHER]
        if fresh := [row for row in silent if row.node not in rows]:
            async with self._store.write() as tx:
                for row in fresh:
                    await tx.outages.silent(row)
        if together:
            await self._tell(together)

    def _note_ends(self, rows: Mapping[NodeId, Silence]) -> None:
        """Note of what it was told since the last look that it is back, here or elsewhere."""
        told = {row.node: row.episode for row in rows.values() if row.episode}
        ended = {node for node, episode in self._told.items() if told.get(node) != episode}
        self._steadiness.told(ended)
        self._told = told

    def _note_beginnings(self, rows: Mapping[NodeId, Silence]) -> None:
        """Note when silence was noticed: what is told of it is the last answer before that."""
        kept = {node: at for node, at in self._noticed.items() if node in rows}
        self._noticed = kept | {row.node: row.since for row in rows.values() if not row.episode}

    async def _nodes(self) -> list[NodeId]:
        """The nodes that somebody has a session for."""
        known = await self._store.known()
        metals = {node.id for node in known.nodes(NodeKind.METAL, NodeKind.MANAGER)}
        return sorted({node for held in known.held.values() for node in held} - metals)

    async def _forget(self, nodes: Collection[NodeId]) -> None:
        async with self._store.write() as tx:
            await tx.outages.answers(nodes)

    async def _drop(self, rows: Sequence[Silence], why: Reply | None = None) -> None:
        """Watch these no longer, and say so where it was told that they are silent."""
        by_episode: dict[str, list[Silence]] = defaultdict(list)
        for row in rows:
            by_episode[row.episode].append(row)
        for episode, some in by_episode.items():
            await self._drop_together(episode, some, why)

    async def _drop_together(
        self, episode: str, rows: Sequence[Silence], why: Reply | None
    ) -> None:
        labels = {row.node: await self._inventory.label(row.node) for row in rows if row.node}
        async with self._store.read() as tx:
            channels = await tx.outages.places(_key(episode)) if episode else []
        seen: dict[Place, list[Silence]] = defaultdict(list)
        for row in rows:
            for place in await self._people.still(row.node, channels):
                seen[place].append(row)
        now, after, nodes = self._clock.now(), _key(episode), [row.node for row in rows]
        rest = await self._rest(episode, nodes)
        async with self._store.write() as tx:
            known = await tx.outages.silences()
            if any(known.get(row.node) != row for row in rows):
                return
            await tx.outages.answers(nodes)
            left = _nodes_of(episode, known) - {*nodes}
            for place, some in seen.items():
                told = why or words.unwatched([(labels[row.node], row.since) for row in some])
                key = f"{after}.{rows[0].node[:16]}.dropped"
                is_whole = left.isdisjoint(rest.get(place, ()))
                await tell(tx, key, place, told, now, after=after, is_whole=is_whole, is_over=False)

    async def _rest(
        self, episode: str, ended: Collection[NodeId]
    ) -> Mapping[Place, Sequence[NodeId]]:
        """Where more may be told of an episode once these have ended, and of which nodes."""
        async with self._store.read() as tx:
            left = _nodes_of(episode, await tx.outages.silences()) - {*ended}
        return await self._places(sorted(left)) if episode and left else {}

    def _silent(self, nodes: Collection[NodeId], rows: Mapping[NodeId, Silence]) -> list[Silence]:
        """What keeps silent now: the daemons, or else nodes."""
        now, at = self._clock.now(), self._attendance.answered_at(DAEMONS)
        if self._attendance.is_silent(DAEMONS):
            found: Collection[NodeId] = [DAEMONS]
        elif at is None or now - at >= _RECENT:
            return []
        else:
            found = [node for node in nodes if self._attendance.is_silent(node)]
        return [rows.get(node, Silence(node, now)) for node in found]

    def _answers(self, row: Silence) -> bool:
        at = self._attendance.answered_at(row.node)
        since = max(row.since, self._noticed.get(row.node, row.since))
        is_later = at is not None and (at > since or self._is_ahead(row))
        if not is_later or self._attendance.has_missed(row.node):
            return False
        return not row.episode or self._steadiness.is_back(row.node)

    def _is_ahead(self, row: Silence) -> bool:
        """Whether it began by a clock that was ahead, and has been set back since."""
        return row.since > self._clock.now() + CLOCKS_DIFFER

    # Telling

    async def _tell(self, rows: Sequence[Silence]) -> None:
        episode = new_id()
        nodes = [row.node for row in rows if row.node != DAEMONS]
        chain = await self._on_chain(nodes[:_MOST_ON_CHAIN])
        told = {
            row.node: await self._shown(row, chain.get(row.node, ""))
            for row in rows
            if row.node != DAEMONS
        }
        messages = [
            (place, self._reply(rows, [told[node] for node in seen if node in told]))
            for place, seen in (await self._places([row.node for row in rows])).items()
        ]
        now = self._clock.now()
        async with self._store.write() as tx:
            known = await tx.outages.silences()
            if any(known.get(row.node) != row for row in rows):
                return  # another process is telling it
            for row in rows:  # as it was told, since its end says so again
                since = told[row.node].since if row.node in told else row.since
                await tx.outages.told(replace(row, since=since, episode=episode))
            for place, reply in messages:
                await tell(tx, _key(episode), place, reply, now)

    def _reply(self, rows: Sequence[Silence], seen: Sequence[words.SilentNode]) -> Reply:
        if not seen:
            return words.daemons_silent(rows[0].since)
        return words.silent(seen, max(self._steadiness.lasts(one.node) for one in seen))

    async def _tell_answers(self, rows: Sequence[Silence]) -> None:
        by_episode: dict[str, list[Silence]] = defaultdict(list)
        for row in rows:
            by_episode[row.episode].append(row)
        for episode, some in by_episode.items():
            await self._tell_answer(episode, some)

    async def _tell_answer(self, episode: str, rows: Sequence[Silence]) -> None:
        now, labels = self._clock.now(), {}
        for row in rows:
            labels[row.node] = await self._inventory.label(row.node) if row.node else ""
        since = {row.node: row.since for row in rows}
        places = await self._places([*since]) if episode else {}
        rest = await self._rest(episode, since)
        async with self._store.write() as tx:
            known = await tx.outages.silences()
            if any(known.get(row.node) != row for row in rows):
                return
            await tx.outages.answers(since)
            left = _nodes_of(episode, known) - since.keys()
            for place, seen in places.items():
                back = words.daemons_answer_again(rows[0].since)
                if rows[0].node != DAEMONS:
                    back = words.answers_again([(labels[node], since[node]) for node in seen])
                key = f"{_key(episode)}.{rows[0].node[:16]}.back"
                is_whole = left.isdisjoint(rest.get(place, ()))
                await tell(tx, key, place, back, now, after=_key(episode), is_whole=is_whole)

    async def _places(self, nodes: Sequence[NodeId]) -> dict[Place, list[NodeId]]:
        """Where it is told, and of which nodes."""
        seen: dict[UserId, list[NodeId]] = defaultdict(list)
        for node in await self._nodes() if DAEMONS in nodes else nodes:
            for user in await self._people.of_node(node):
                seen[user].append(node)
        return {
            place: seen.get(UserId(place.channel), [*nodes])
            for place in self._people.places([*seen])
        }

    async def _shown(self, row: Silence, on_chain: Text) -> words.SilentNode:
        known = await self._store.known()
        answered = await self._inventory.last_answer(row.node)
        return words.SilentNode(
            row.node,
            await self._inventory.label(row.node),
            min(row.since, answered) if answered is not None else row.since,
            len({one.task for one in known.listed.get(row.node, ())}),
            on_chain,
        )

    async def _on_chain(self, nodes: Sequence[NodeId]) -> Mapping[NodeId, Text]:
        """What the chain says of them, all side by side: nobody waits long for a slow one."""
        if not self._chain.is_on:
            return {}
        try:
            view = await self._chain.view()
        except ChainError:
            return dict.fromkeys(nodes, _UNREAD)
        found = await asyncio.gather(*(_of_node(view, node) for node in nodes))
        return dict(zip(nodes, found, strict=True))


async def _of_node(view: ChainView, node: NodeId) -> Text:
    try:
        return words.of_chain(await view.machine(node))
    except ChainError:
        return _UNREAD


def _nodes_of(episode: str, rows: Mapping[NodeId, Silence]) -> set[NodeId]:
    return {row.node for row in rows.values() if row.episode == episode}


def _key(episode: str) -> str:
    return f"outage:{episode}"
