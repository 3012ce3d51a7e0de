"""Follows things to the end of what was asked: polls, keeps the card true, tells the end.

A watch is a row. Each poll claims the due rows of one node, one session and one kind, has them
looked at (`bot.watches.observers`), and stores what that means together with the messages that
say it. What is asked, and what the answers mean, is not known here.
"""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import structlog

from bot.clock import Clock
from bot.correlation import part_of
from bot.dbc.errors import NotAuthorised
from bot.errors import BotError, Refused
from bot.ids import ChannelId, NodeId, UserId
from bot.messages import board, cards
from bot.messages.cards import subject_of
from bot.messages.outbox import Outbox, all_ended
from bot.model import (
    MACHINE_GOALS,
    Execution,
    ExecutionStatus,
    Goal,
    Leased,
    Noted,
    Watch,
    WatchState,
)
from bot.reply import (
    Part,
    Reply,
    Words,
    kept,
    line,
    mention,
    say,
    sentences,
    time,
)
from bot.services.inventory import Inventory
from bot.services.refusals import AGAIN_AFTER, Refusals, forgotten
from bot.services.sessions import SessionLocked
from bot.services.words import Words as Spoken
from bot.watches import late, on_cards, put_back, unseen
from bot.watches.group import Claimed, Group, glanced, lease
from bot.watches.late_looks import LateLooks
from bot.watches.machine_ends import Verdict
from bot.watches.observers.look import LookFailed, Observer, Seen, Sight, is_silence
from bot.watches.observers.stops import besides
from bot.watches.settling import Settling
from bot.watches.surprises import Surprises
from storage import Due, StorageFailed, Store, UnitOfWork
from storage.heartbeat import Leases

_LEASE = timedelta(minutes=2)  # renewed while a poll goes on
_GROUPS = 50  # looked at in one tick: the rest a second later, or by another replica
_SILENT_PAUSES = (15, 30, 60, 120, 300)  # each unanswered request costs the daemon a slot

_NOT_THEIRS = say("Only the requester or someone with a session for its node can continue this.")
_WITHOUT_SESSION = say(
    "The session with which it was followed was removed or is no longer shared, so I cannot look "
    "at it any more."
)

log = structlog.get_logger()


class Watches:
    """Owns the rows. `words` of what was asked for; `comes_of` as `Settling` has it.

    `came_back` tells each node once that has answered after a silence.
    """

    def __init__(
        self,
        store: Store,
        observers: Mapping[Goal, Observer],
        inventory: Inventory,
        outbox: Outbox,
        leases: Leases,
        clock: Clock,
        by: str,
        words: Callable[[Execution], Spoken],
        comes_of: Callable[[Execution], Awaitable[Sequence[Part]]],
        came_back: Callable[[], Collection[NodeId]],
    ) -> None:
        self._store = store
        self._came_back = came_back
        self._observers = observers
        self._inventory = inventory
        self._outbox = outbox
        self._leases = leases
        self._clock = clock
        self._by = by
        self._words = words
        self.log_once = Surprises()
        self._leasing = set[Group]()  # they wait for their turn to write, and are due until then
        self._late = LateLooks(store, inventory, clock, by, words)
        self._ends = Settling(store, inventory, self._late, clock, by, words, comes_of)

    # Opening

    async def supersede(self, tx: UnitOfWork, coming: Execution, node_label: str) -> None:
        """Stop looking for what cannot be told any more from what `coming` will do."""
        await self._late.replaced(tx, coming, node_label)

    async def open(
        self, tx: UnitOfWork, execution: Execution, watch: Watch, node_label: str
    ) -> None:
        """Begin to follow, in the unit of work that stores the node's answer; tells the card."""
        await tx.watches.add(watch)
        detail: Words = say("accepted")
        if watch.unsure:
            detail = put_back.looking(execution)
            if answer := kept(watch.about.get(Noted.ANSWERED, "")):
                detail = sentences((say("{told}.", told=line(detail)), answer))
        card = on_cards.followed(execution, watch, self._words(execution), node_label, detail)
        await self._say_on_card(tx, execution, card, can_wait=not watch.unsure)

    async def keep_watching(self, watch_id: str, user: UserId, channel: ChannelId) -> Watch | None:
        """Go on after the deadline; None when it is being watched already, or gone for good.

        Raises Refused unless `user` asked for it, or may act on its node in `channel`; where what
        shows may come of a change that was sent later; and without the session that it looks with.
        """
        async with self._store.read() as tx:
            known = await tx.watches.find(watch_id)
            if known is None:
                return None
            asked = await tx.executions.get(known.execution)
            if asked.actor != user and not await tx.sessions.usable(user, channel, known.node):
                raise Refused(_NOT_THEIRS)
            whose = known.owner, known.node
            may_look = await tx.sessions.may_use(asked.actor, known.place.channel, *whose)
            if not may_look or await tx.sessions.find(*whose) is None:
                raise Refused(_WITHOUT_SESSION, hint=say("Check its present state."))
        label = await self._inventory.label(known.node)
        async with self._store.write() as tx:
            execution = await tx.executions.get(known.execution)
            return await self._late.resume(tx, execution, label)

    async def was_stopped(
        self, node: NodeId, concerns: Callable[[Watch], bool], user: UserId
    ) -> int:
        """Note that `user` had what these watches follow stopped; they find out what came of it.

        Gives how many there are.
        """
        now = self._clock.now()
        async with self._store.write() as tx:
            concerned = [
                watch
                for watch in await tx.watches.open(node=node)
                if concerns(watch) and not late.is_late(watch)
            ]
            for watch in concerned:
                await tx.watches.note_stop(watch.id, user, now)
        return len(concerned)

    async def stop(self, watch: Watch, user: UserId) -> bool:
        """Follow no longer; the machine goes its way. False when it had ended already."""
        if late.is_late(watch):
            stopped = line(say("{user} stopped following it.", user=mention(user)))
            told = await self._late.give_up(watch, stopped)
            await self._outbox.deliver_due()
            return told
        label = await self._inventory.label(watch.node)
        async with self._store.write() as tx:
            if not await tx.watches.settle(watch.id, WatchState.STOPPED, watch.status):
                return False
            execution = await tx.executions.get(watch.execution)
            followed = cards.doing(self._words(execution).called, subject_of(watch, label))
            sentence = line(say("“{request}” is no longer followed.", request=followed))
            await tx.executions.set_status(
                execution.id,
                ExecutionStatus.UNKNOWN,
                outcome=sentence,
                now=self._clock.now(),
                expect={ExecutionStatus.FOLLOWING},
            )
            card = cards.ended(execution, ExecutionStatus.UNKNOWN, sentence)
            await self._say_on_card(tx, execution, card)
        await self._outbox.deliver_due()
        return True

    async def look_once(self, watch: Watch) -> Sight | BotError | None:
        """What a look shows now; None without a session. Nothing of it is kept."""
        async with self._store.read() as tx:
            session = await tx.sessions.find(watch.owner, watch.node)
        if session is None or session.is_locked:
            return None
        return self._logged(await self._observers[watch.goal].look(session, [watch]))[watch.id]

    def _logged(self, seen: Seen) -> Seen:
        """What was seen, once what nobody expected of it is logged."""
        failed = {one: it.__cause__ for one, it in seen.items() if isinstance(it, LookFailed)}
        self.log_once.exceptions("watch.look_failed", failed)
        return seen

    # Polling

    async def poll_due(self) -> None:
        """Look at everything whose time has come, grouped by node, session and kind."""
        await self._look_again_at(self._came_back())
        async with self._store.read() as tx:
            due = await tx.watches.due(self._clock.now(), _GROUPS)
        groups: dict[Group, list[Due]] = defaultdict(list)
        for one in due:
            groups[Group(one.node, one.owner, self._observers[one.meant])].append(one)
        new = {group: due for group, due in groups.items() if group not in self._leasing}
        if not new:
            return
        self._leasing |= new.keys()
        try:
            await all_ended(*(self._poll_safely(group, due) for group, due in new.items()))
        finally:
            await self._outbox.deliver_due()

    async def _look_again_at(self, nodes: Collection[NodeId]) -> None:
        """Make due what could not be seen on nodes that answer again: its card says so still."""
        unseen_at = []
        for node in sorted(nodes):
            async with self._store.read() as tx:
                followed = await tx.watches.open(node=node)
            unseen_at += [node] if any(one.silent_since is not None for one in followed) else []
        if unseen_at:
            async with self._store.write() as tx:
                await tx.watches.look_again_at(unseen_at, self._clock.now())

    async def _poll_safely(self, group: Group, due: Sequence[Due]) -> None:
        """One group's surprise is no other's; it is tried again until the deadline."""
        try:
            async with self._store.write() as tx:
                await self._leases.renew(tx, Leased.WATCH)
                goals = MACHINE_GOALS if group.observer is self._observers[Goal.RUNNING] else ()
                leased = await lease(tx, group, due, goals, self._clock, self._by, _LEASE)
        finally:
            self._leasing.discard(group)
        with self._leases.holding(Leased.WATCH, leased.ids, _LEASE):
            claimed = await glanced(leased, self._store, self._clock, self._by, self.log_once)
            for watch in claimed.damaged:
                await self._settle_safely(watch, unseen.DAMAGED)
            if claimed.watches:
                await self._poll(claimed, claimed.watches)

    async def _poll(self, claimed: Claimed, watches: Sequence[Watch]) -> None:
        alone = watches[0].execution if len(watches) == 1 else ""  # a list serves several
        try:
            with part_of(alone):
                await self._poll_group(claimed, watches)
        except Exception as error:  # one's surprise is no other's
            if len(watches) > 1 and not isinstance(error, BotError):
                for watch in watches:
                    await self._poll(claimed, [watch])
                return
            self.log_once.exception("watch.poll_failed", ids=[one.id for one in watches])
            with suppress(StorageFailed):  # it is polled again once the lease runs out
                await self._keep(
                    claimed, watches, dict.fromkeys([w.id for w in watches], unseen.ours())
                )

    async def _settle_safely(self, watch: Watch, found: Verdict) -> None:
        """Settle one apart from its group. What fails is its own, and is tried again later."""
        try:
            if late.is_late(watch):
                subject = subject_of(watch, await self._inventory.label(watch.node))
                why = sentences((cards.result(subject, found.why), found.more))
                await self._late.give_up(watch, why, by=self._by)
            else:
                await self._ends.settle(watch, found, watch.status)
        except Exception:  # as the docstring says
            self.log_once.exception("watch.not_settled", ids=[watch.id])

    async def _poll_group(self, claimed: Claimed, watches: Sequence[Watch]) -> None:
        session = claimed.session
        barred = [watch for watch in watches if watch.id in claimed.barred]
        for watch in watches if session is None else barred:
            await self._settle_safely(
                watch, unseen.REMOVED if session is None else unseen.NOT_SHARED
            )
        watches = [watch for watch in watches if watch.id not in claimed.barred]
        if session is None or not watches:
            return
        if session.is_locked:  # the key may be put back
            label = await self._inventory.label(claimed.group.node)
            locked = SessionLocked(session, claimed.group.owner, label)
            seen: Seen = dict.fromkeys([watch.id for watch in watches], locked)
        else:
            seen = self._logged(await claimed.look(watches))
        await self._keep(claimed, watches, seen)

    async def _keep(self, claimed: Claimed, watches: Sequence[Watch], seen: Seen) -> None:
        """Store what a group's looks have shown; those that show nothing new are one statement."""
        now = self._clock.now()
        news, again = [], defaultdict[datetime, list[str]](list)
        for watch in watches:
            if (pause := claimed.nothing_new(watch, seen[watch.id])) is None:
                news.append(watch)
            else:
                again[now + pause].append(self.log_once.well(watch.id, watch.id))
        async with self._store.read() as tx:
            asked = await tx.executions.some([one.execution for one in news]) if news else {}
        found = [await self._looked_at(one, asked[one.execution], seen[one.id]) for one in news]
        kept = [one for one in found if one is not None]
        await self._store_looks(claimed.group.node, kept, again)

    async def _looked_at(
        self, watch: Watch, execution: Execution, found: Sight | BotError
    ) -> "_Kept | None":
        """What to keep of a look; None when it was the last one. One's surprise is no other's."""
        try:
            if isinstance(found, BotError):
                return await self._not_seen(watch, execution, found)
            return self.log_once.well(watch.id, await self._seen(watch, execution, found))
        except Exception:  # of ours, so that it is put off and not lost
            self.log_once.exception("watch.not_understood", ids=[watch.id])
        try:
            return await self._not_seen(watch, execution, unseen.ours())
        except Exception:  # it is polled again once the lease runs out
            self.log_once.exception("watch.not_kept", ids=[watch.id])
            return None

    async def _seen(self, watch: Watch, execution: Execution, sight: Sight) -> "_Kept | None":
        """What to keep of a look; None when it was the last one."""
        seen = replace(
            watch,
            status=sight.status,
            moved=watch.moved or sight.moved,
            about={**forgotten(watch.about), **sight.about},
            silent_since=None,
        )
        is_open = sight.verdict.state is WatchState.OPEN
        if late.is_late(watch) and sight.verdict.shows_nothing:
            if sight.moved:
                await self._late.arrived(seen, execution, sight)
                return None
            return _Kept.of(await self._late.again(seen, sight), execution)
        if not is_open:
            await self._ends.settle(seen, sight.verdict, sight.status, *sight.parts)
            return None
        now = self._clock.now()
        changed = sight.status != watch.status or watch.silent_since is not None
        limit = self._words(execution).limit
        kept = replace(
            seen,
            polls=watch.polls + 1,
            next_poll_at=now + sight.pause,
            deadline_at=now + limit if sight.advanced else watch.deadline_at,
        )
        return _Kept(kept, execution, sight.detail if changed else None, tuple(sight.parts))

    async def _not_seen(
        self, watch: Watch, execution: Execution, problem: BotError
    ) -> "_Kept | None":
        """What to keep of a look that showed nothing; None when it was the last one."""
        if late.is_late(watch):
            return _Kept.of(await self._late.again(watch, None, problem.words), execution)
        if isinstance(problem, NotAuthorised) and problem.says_access_is_gone:
            return await self._refused(watch, execution, problem)
        now = self._clock.now()
        silent = is_silence(problem)
        if now >= watch.deadline_at:
            await self._ends.settle(watch, unseen.not_in_time(problem, silent=silent), watch.status)
            return None
        since = watch.silent_since or now
        looks = sum(timedelta(seconds=s) <= now - since for s in _SILENT_PAUSES)
        pause = timedelta(seconds=_SILENT_PAUSES[min(looks, len(_SILENT_PAUSES) - 1)])
        answer = await self._inventory.last_answer(watch.node)
        told: Words = sentences((problem.words, say("I keep trying.")))
        if silent:
            told = say("the node has not answered; I keep trying")
            if answer:
                told = say(
                    "the node has not answered since {time}; I keep trying", time=time(answer)
                )
        detail = besides(watch, told)
        kept = replace(watch, silent_since=since, next_poll_at=now + pause)
        return _Kept(kept, execution, detail if watch.silent_since is None else None)

    async def _refused(
        self, watch: Watch, execution: Execution, problem: NotAuthorised
    ) -> "_Kept | None":
        """What to keep of a look that the node refused; None once that is believed."""
        now = self._clock.now()
        refusals = Refusals.after_one_more(watch.about, now)
        if refusals.is_believed(now) or now >= watch.deadline_at:
            is_gone = refusals.is_believed(now)
            lost = unseen.refused(problem) if is_gone else unseen.not_in_time(problem, silent=False)
            await self._ends.settle(watch, lost, watch.status)
            return None
        again = say("I check again until {time}.", time=time(refusals.believed_at))
        detail = besides(watch, sentences((problem.words, again)))
        kept = replace(
            watch,
            silent_since=watch.silent_since or now,
            next_poll_at=now + AGAIN_AFTER,
            about={**watch.about, **refusals.about()},
        )
        return _Kept(kept, execution, detail if refusals.times == 1 else None)

    async def _store_looks(
        self, node: NodeId, kept: Sequence["_Kept"], again: Mapping[datetime, Sequence[str]]
    ) -> None:
        """Store looks and what their cards say now, in one unit of work.

        Where that fails, each by itself: what is odd about one must not undo the others' looks.
        """
        label = await self._inventory.label(node) if kept else ""
        try:
            async for attempt in self._store.attempts():
                async with attempt as tx:
                    for at, ids in again.items():
                        await tx.watches.look_again(ids, at, self._by, looks=1)
                    for one in kept:
                        await self._store_look(tx, label, one)
        except StorageFailed:
            raise
        except Exception:  # of one of them: each is stored by itself then
            log.exception("watch.looks_not_stored", node=node)
            if len(kept) + len(again) > 1:
                for at, ids in again.items():
                    await self._store_looks(node, [], {at: ids})
                for one in kept:
                    await self._store_looks(node, [one], {})

    async def _store_look(self, tx: UnitOfWork, label: str, one: "_Kept") -> None:
        if not await tx.watches.save(one.watch, self._by) or one.detail is None:
            return
        spoken, execution = self._words(one.execution), one.execution
        card = on_cards.looked_at(execution, one.watch, spoken, label, one.detail, *one.parts)
        await self._say_on_card(tx, execution, card, can_wait=True)

    async def _say_on_card(
        self, tx: UnitOfWork, execution: Execution, card: Reply, *, can_wait: bool = False
    ) -> None:
        await board.show_card(tx, execution, card, self._clock.now(), can_wait=can_wait)


@dataclass(frozen=True, slots=True)
class _Kept:
    """A watch after a look, and what its card should say of it, if anything new."""

    watch: Watch
    execution: Execution
    detail: Words | None
    parts: tuple[Part, ...] = ()

    @classmethod
    def of(cls, watch: Watch | None, execution: Execution) -> "_Kept | None":
        """The watch, with nothing new to say; None without one."""
        return None if watch is None else cls(watch, execution, None)
