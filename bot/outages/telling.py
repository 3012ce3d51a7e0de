"""Who is told of outages and of changes outside the bot, and how: as they chose to be told news."""

from collections.abc import Awaitable, Callable, Collection, Mapping, Set
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime

from bot.ids import ChannelId, NodeId, TaskId, UserId
from bot.messages import ways
from bot.messages.machine_buttons import May, anyone
from bot.messages.wishes import gets_all, quiet_until, wants_news
from bot.model import Audience, Message, Place
from bot.outages import words
from bot.reply import Actions, Note, Para, Part, Reply, Rows, dump, line, load, say, sentences
from storage import Store, UnitOfWork
from storage.handover import Urgency

Offers = Callable[[UserId], May]  # not what the rules surely deny
Hidden = Callable[[UserId], Awaitable[Set[str]]]
Barred = Callable[[UserId], Awaitable[bool]]  # who sees no machine at all, such as a guest


@dataclass(frozen=True, slots=True)
class Rest:
    """Who sees which of the machines that one message told of: some of them may still be so."""

    node: NodeId
    episode: str
    seeing: Mapping[TaskId, Set[UserId]]

    async def goes_on(self, tx: UnitOfWork, place: Place) -> bool:
        """Whether one is still as told that is seen in this place."""
        left = await tx.outages.going_on(self.node, self.episode)
        return any(
            place.is_channel or UserId(place.channel) in self.seeing.get(one.task, ())
            for one in left
        )


class People:
    """Finds those concerned: ids decide, and from whom the rules hide a node learns nothing of it.

    `channel` gives the one in which the rules let everybody be told.
    """

    def __init__(
        self, store: Store, hidden: Hidden, is_barred: Barred, channel: Callable[[], str],
        offers: Offers,
    ) -> None:  # fmt: skip
        self._store = store
        self._offers = offers
        self._hidden = hidden
        self._is_barred = is_barred
        self._channel = channel

    async def of_node(self, node: NodeId) -> set[UserId]:
        """Who holds a session for it, or has one shared with them in person."""
        known = await self._store.known()
        return await self._seeing(node, await self._with_shares(node, known.entitled(node)))

    async def of_machine(self, node: NodeId, task: TaskId, owner: UserId) -> set[UserId]:
        """Whose sessions show a machine, with whom those are shared, and who had it made."""
        known = await self._store.known()
        owners = {one.owner for one in known.listed.get(node, ()) if one.task == task}
        async with self._store.read() as tx:
            if not owners:  # it is gone
                owners = await tx.outages.owners((node, task)) | {owner}
            made = await tx.orders.makers([task])
        seeing = await self._with_shares(node, owners)
        for maker, channel in made.values():
            if known.usable(UserId(maker), ChannelId(channel), node):
                seeing.add(UserId(maker))
        return await self._seeing(node, seeing)

    async def rest(self, node: NodeId, episode: str) -> Rest:
        """Who sees the machines that are as the message of this episode told."""
        async with self._store.read() as tx:
            left = await tx.outages.going_on(node, episode)
        seeing = {one.task: await self.of_machine(node, one.task, one.owner) for one in left}
        return Rest(node, episode, seeing)

    def places(self, users: Collection[UserId]) -> list[Place]:
        """Where they are told, and everybody, if the rules name a channel."""
        found = [Place.direct(user) for user in sorted(users)]
        channel = self._channel()
        return [*found, Place(ChannelId(channel))] if channel else found

    async def still(self, node: NodeId, channels: Collection[str]) -> list[Place]:
        """Where something of a node was told and more of it may be, whoever has access now."""
        places = [Place(ChannelId(channel)) for channel in channels]
        people = {UserId(one.channel) for one in places if not one.is_channel}
        seeing = await self._seeing(node, people)
        return [one for one in places if one.is_channel or UserId(one.channel) in seeing]

    def may(self, place: Place) -> May:
        """What of machines is offered there; in a channel nobody knows yet to whom."""
        return anyone if place.is_channel else self._offers(UserId(place.channel))

    async def _with_shares(self, node: NodeId, owners: Collection[UserId]) -> set[UserId]:
        known = await self._store.known()
        held = {user for user in owners if node in known.held.get(user, {})}
        return held | {
            UserId(share.audience)
            for share in known.shares_on(node)
            if share.kind is Audience.PERSON and share.user in held
        }

    async def _seeing(self, node: NodeId, users: Collection[UserId]) -> set[UserId]:
        seeing = {user for user in users if node not in await self._hidden(user)}
        return {user for user in seeing if not await self._is_barred(user)}


async def tell(
    tx: UnitOfWork,
    key: str,
    place: Place,
    told: Reply,
    now: datetime,
    *,
    after: str = "",
    is_whole: bool = True,
    is_over: bool = True,
) -> None:
    """Say it in one place, once, unless nobody wants news there; later, during quiet hours.

    `after` is the key of what it ends: it stands in the thread of that, and nowhere where that
    was not told. From then on that begins with `told` and offers nothing; or it says that nobody
    looks any more, where it may still be so (not `is_over`). What quiet hours hold back, or what
    was not sent yet, is not told any more, but this in its place. All that only if it ends
    everything that was told there (`is_whole`); else that notes it as the end of a part.
    """
    key, reader = f"{key}.{place.channel}", place.channel
    held = await quiet_until(tx, reader, now)
    if not after:
        if await wants_news(tx, reader):
            if place.is_channel or not await gets_all(tx, reader):
                told = _without_less(told)
            await tx.messages.put(key, place, dump(told), now, held_until=held)
        return
    above = await tx.messages.find(f"{after}.{place.channel}")
    if above is None:
        return
    if above.ref is None and is_whole and (held is not None or above.attempts == 0):
        await tx.messages.put(above.key, place, dump(told), now, held_until=held)
        return
    await tx.messages.put(key, place, dump(told), now, under=above.key, held_until=held)
    await _edit(tx, above, told, now, held, is_whole=is_whole, is_over=is_over)


async def overtake(
    tx: UnitOfWork, after: str, place: Place, told: Reply, now: datetime, *, is_whole: bool
) -> None:
    """Let the alarm of the key `after` say what became of it, which a message of its own tells."""
    above = await tx.messages.find(f"{after}.{place.channel}")
    if above is not None:
        held = await quiet_until(tx, place.channel, now)
        await _edit(tx, above, told, now, held, is_whole=is_whole, is_over=True)


async def _edit(
    tx: UnitOfWork,
    above: Message,
    told: Reply,
    now: datetime,
    held: datetime | None,
    *,
    is_whole: bool,
    is_over: bool,
) -> None:
    with suppress(ValueError):  # of a version that says it otherwise
        alarm = load(above.content)
        if not words.is_alarm(alarm):  # it says so already
            return
        if not is_whole:
            now_is = words.with_end(alarm, told)
        elif is_over or words.ends_in(alarm):
            now_is = _over(alarm, told)
        else:
            now_is = _unwatched(alarm)
        beside = Urgency(can_wait=True)  # the news is in another message
        await tx.messages.put(
            above.key, above.place, dump(now_is), now, held_until=held, urgency=beside
        )


def _over(alarm: Reply, end: Reply) -> Reply:
    """The alarm as it reads once all of it has ended, by how each part did."""
    before = Para(line(say("Before: {told}", told=line(alarm.summary))))
    ends = words.ends_in(alarm)
    rest = [part for part in _without_buttons(alarm)[1:] if not isinstance(part, Note)]
    return replace(
        alarm,
        summary=sentences((end.summary, *ends)) if ends else end.summary,
        parts=(*end.parts[:1], *map(Para, ends), before, *rest),
    )


def _unwatched(alarm: Reply) -> Reply:
    """The alarm as it reads once nobody looks any more whether it is over."""
    said = line(say("No longer watched: {told}", told=line(alarm.summary)))
    rest = [part for part in _without_buttons(alarm)[1:] if not words.is_promise(part)]
    return replace(alarm, summary=said, parts=(Para(said), *rest))


def _without_buttons(alarm: Reply) -> list[Part]:
    return [
        replace(part, rows=tuple(replace(row, menu=()) for row in part.rows))
        if isinstance(part, Rows)
        else part
        for part in alarm.parts
        if not isinstance(part, Actions)
    ]


def _without_less(told: Reply) -> Reply:
    """Without the button by which a person hears less: it would silence no channel, and whoever
    chose a digest, or no mentions, would hear more.
    """
    parts: list[Part] = []
    for part in told.parts:
        if isinstance(part, Actions):
            left = tuple(button for button in part.buttons if button != ways.ENDS_ONLY)
            parts += [replace(part, buttons=left)] if left else []
        else:
            parts.append(part)
    return replace(told, parts=tuple(parts))
