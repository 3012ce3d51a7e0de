"""Follows machines to the end of what was asked: polls, keeps the card true, tells the end.

A watch is a row. Each poll claims the due rows of one node and one session, asks once, and
stores what it means together with the messages that say it.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

import structlog

from bot.clock import Clock
from bot.dbc.client import DbcClient
from bot.dbc.errors import NotAuthorised, TaskNotFound, Unreadable
from bot.errors import BotError
from bot.ids import new_id
from bot.model import DbcSession, Execution, ExecutionStatus, Machine, Watch, WatchState
from bot.reply import Line, Part, Reply, code, dump, line, time
from bot.services import cards
from bot.services.cards import Subject
from bot.services.inventory import Inventory
from bot.services.outbox import Outbox
from bot.services.sessions import target_of
from bot.services.settle import ABSENT, Verdict, has_moved, verdict
from storage import Store, UnitOfWork

_LEASE = timedelta(minutes=2)  # a poll waits at most 40 s for an answer, then tells
_PAUSES = (2, 3, 3, 5, 5, 8, 10, 15)  # seconds after the nth look; then every 15 s
_SILENT_PAUSES = (15, 30, 60, 120, 300)  # each unanswered request costs the daemon a slot
_LOG_LINES = 20
_SHOWN_LOG_LINES = 6

_END: dict[WatchState, ExecutionStatus] = {
    WatchState.DONE: ExecutionStatus.DONE,
    WatchState.FAILED: ExecutionStatus.FAILED,
    WatchState.UNKNOWN: ExecutionStatus.UNKNOWN,
}

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Words:
    """How a followed command is spoken of: "train-01 *is starting*", "train-01 *has started*".

    `limit` is how long it is followed without a move.
    """

    doing: str
    done: str
    limit: timedelta = timedelta(minutes=60)


class Watches:
    """Owns the watch rows. `words` gives the words of what was asked for."""

    def __init__(
        self,
        store: Store,
        dbc: DbcClient,
        inventory: Inventory,
        outbox: Outbox,
        clock: Clock,
        by: str,
        words: Callable[[Execution], Words],
    ) -> None:
        self._store = store
        self._dbc = dbc
        self._inventory = inventory
        self._outbox = outbox
        self._clock = clock
        self._by = by
        self._words = words

    # Opening

    async def open(
        self, tx: UnitOfWork, execution: Execution, watch: Watch, node_label: str
    ) -> None:
        """Begin to follow, in the unit of work that stores the node's answer; tells the card."""
        await tx.watches.add(watch)
        words = self._words(execution)
        subject = Subject(watch.label, watch.task, node_label)
        doubt = "it is unknown whether the command arrived; I keep looking"
        detail = line(doubt if watch.unsure else "accepted")
        card = cards.progress(execution, subject, words.doing, detail)
        await self._say_on_card(tx, execution, card)

    async def keep_watching(self, watch_id: str) -> Watch | None:
        """Go on after the deadline; None when it is being watched already, or gone for good."""
        now = self._clock.now()
        async with self._store.read() as tx:
            known = await tx.watches.find(watch_id)
        label = await self._inventory.label(known.node) if known is not None else ""
        async with self._store.write() as tx:
            old = await tx.watches.find(watch_id)
            if old is None or old.state is not WatchState.UNKNOWN:
                return None
            execution = await tx.executions.get(old.execution)
            if not await tx.executions.set_status(
                execution.id, ExecutionStatus.FOLLOWING, now=now, expect={ExecutionStatus.UNKNOWN}
            ):
                return None
            limit = old.deadline_at - old.started_at
            again = replace(
                old, id=new_id(), started_at=now, deadline_at=now + limit, next_poll_at=now,
                polls=0, silent_since=None, state=WatchState.OPEN,
            )  # fmt: skip
            await tx.watches.add(again)
            words = self._words(execution)
            subject = Subject(old.label, old.task, label)
            card = cards.progress(execution, subject, words.doing, line("being looked at again"))
            await self._say_on_card(tx, execution, card)
            return again

    async def stop(self, watch: Watch, user: str) -> bool:
        """Follow no longer; the machine goes its way. False when it had ended already."""
        label = await self._inventory.label(watch.node)
        async with self._store.write() as tx:
            if not await tx.watches.settle(watch.id, WatchState.STOPPED, watch.status):
                return False
            execution = await tx.executions.get(watch.execution)
            sentence = line(
                Subject(watch.label, watch.task, label).named, " is no longer followed."
            )
            await tx.executions.set_status(
                execution.id,
                ExecutionStatus.UNKNOWN,
                outcome=f"following was stopped by {user}",
                now=self._clock.now(),
                expect={ExecutionStatus.FOLLOWING},
            )
            card = cards.ended(execution, ExecutionStatus.UNKNOWN, sentence)
            await self._say_on_card(tx, execution, card)
        await self._outbox.deliver_due()
        return True

    # Polling

    async def poll_due(self) -> None:
        """Look at every machine whose time has come: one request per node and session."""
        now = self._clock.now()
        async with self._store.write() as tx:
            due = list(await tx.watches.claim_due(self._by, now, now + _LEASE, 200))
            groups: dict[tuple[str, str], list[Watch]] = defaultdict(list)
            for watch in due:
                groups[watch.node, watch.owner].append(watch)
            for (node, owner), watches in groups.items():
                watches.extend(
                    await tx.watches.due_in_group(node, owner, self._by, now, now + _LEASE)
                )
        if groups:
            await asyncio.gather(*(self._poll_safely(*key, rows) for key, rows in groups.items()))
            await self._outbox.deliver_due()

    async def _poll_safely(self, node: str, owner: str, watches: Sequence[Watch]) -> None:
        """One group's surprise is no other group's; its leases run out and it is tried again."""
        try:
            await self._poll_group(node, owner, watches)
        except Exception:
            log.exception("watch.poll_failed", node=node)

    async def _poll_group(self, node: str, owner: str, watches: Sequence[Watch]) -> None:
        async with self._store.read() as tx:
            session = await tx.sessions.find(owner, node)
        if session is None:
            gone = Verdict(
                WatchState.UNKNOWN, "can no longer be looked at: the session was removed"
            )
            for watch in watches:
                await self._settle(watch, gone, watch.status)
            return
        watches = [watch for watch in watches if await self._is_allowed(watch)]
        if not watches:
            return
        listing = await self._inventory.list_node(session)
        if listing.problem is None:
            seen = {machine.task: machine for machine in listing.machines}
            for watch in watches:
                await self._observe(session, watch, _status(seen.get(watch.task)))
        elif isinstance(listing.problem, Unreadable):
            for watch in watches:
                await self._observe_alone(session, watch)
        else:
            for watch in watches:
                await self._not_seen(watch, listing.problem)

    async def _is_allowed(self, watch: Watch) -> bool:
        """Whether its session may still be used for who asked; else the watch ends here."""
        async with self._store.read() as tx:
            asked = await tx.executions.get(watch.execution)
            channel = asked.place.channel
            if await tx.sessions.may_use(asked.actor, channel, watch.owner, watch.node):
                return True
        lost = "can no longer be looked at: the session is not shared with you any more"
        await self._settle(watch, Verdict(WatchState.UNKNOWN, lost), watch.status)
        return False

    async def _observe_alone(self, session: DbcSession, watch: Watch) -> None:
        """One odd description makes a list unreadable; a single machine's details may be fine."""
        try:
            detail = await self._dbc.tasks.get(target_of(session), watch.task)
        except TaskNotFound:
            await self._observe(session, watch, ABSENT)
        except BotError as problem:
            await self._not_seen(watch, problem)
        else:
            await self._observe(session, watch, str(detail.status))

    async def _observe(self, session: DbcSession, watch: Watch, status: str) -> None:
        now = self._clock.now()
        seen = replace(watch, moved=watch.moved or has_moved(status), silent_since=None)
        async with self._store.read() as tx:
            execution = await tx.executions.get(watch.execution)
        found = verdict(seen, execution.command, status, now)
        if found.state is not WatchState.OPEN:
            excerpt = await self._why(session, watch) if status.endswith(" error") else ()
            await self._settle(seen, found, status, *excerpt)
            return
        pause = _PAUSES[min(watch.polls, len(_PAUSES) - 1)]
        changed = status != watch.status or watch.silent_since is not None
        await self._keep(
            replace(
                seen,
                status=status,
                polls=watch.polls + 1,
                next_poll_at=now + timedelta(seconds=pause),
            ),
            execution,
            line("the node says: ", code(status)) if changed and status != ABSENT else None,
        )

    async def _not_seen(self, watch: Watch, problem: BotError) -> None:
        now = self._clock.now()
        if isinstance(problem, NotAuthorised):
            lost = f"can no longer be looked at: {problem.sentence}"
            await self._settle(watch, Verdict(WatchState.UNKNOWN, lost), watch.status)
            return
        if now >= watch.deadline_at:
            silent = "could not be looked at in time: the node does not answer"
            await self._settle(watch, Verdict(WatchState.UNKNOWN, silent), watch.status)
            return
        since = watch.silent_since or now
        looks = sum(timedelta(seconds=s) <= now - since for s in _SILENT_PAUSES)
        pause = _SILENT_PAUSES[min(looks, len(_SILENT_PAUSES) - 1)]
        async with self._store.read() as tx:
            execution = await tx.executions.get(watch.execution)
        detail = line("the node has not answered since ", time(since), "; I keep trying")
        await self._keep(
            replace(watch, silent_since=since, next_poll_at=now + timedelta(seconds=pause)),
            execution,
            detail if watch.silent_since is None else None,
        )

    async def _keep(self, watch: Watch, execution: Execution, detail: Line | None) -> None:
        label = await self._inventory.label(watch.node)
        async with self._store.write() as tx:
            if await tx.watches.save(watch, self._by) and detail is not None:
                words = self._words(execution)
                subject = Subject(watch.label, watch.task, label)
                card = cards.progress(execution, subject, words.doing, detail)
                await self._say_on_card(tx, execution, card)

    async def _settle(self, watch: Watch, found: Verdict, status: str, *parts: Part) -> None:
        """The end: the watch, the ledger, the card and the announcement, in one unit of work."""
        label = await self._inventory.label(watch.node)
        subject = Subject(watch.label, watch.task, label)
        now = self._clock.now()
        end = _END[found.state]
        async with self._store.write() as tx:
            if not await tx.watches.settle(watch.id, found.state, status):
                return
            execution = await tx.executions.get(watch.execution)
            words = self._words(execution)
            took = now - (execution.started_at or watch.started_at)
            if end is ExecutionStatus.DONE:
                sentence = cards.result(subject, words.done, took)
            else:
                sentence = cards.unfinished(subject, found.why, took)
            await tx.executions.set_status(
                execution.id,
                end,
                outcome=found.why or words.done,
                now=now,
                expect={ExecutionStatus.FOLLOWING},
            )
            card_parts, end_parts = _extras(execution, watch, found, parts)
            await self._say_on_card(
                tx, execution, cards.ended(execution, end, sentence, *card_parts)
            )
            told = cards.announcement(execution, end, sentence, *end_parts)
            key = cards.end_key(execution.id, watch.id)
            await tx.messages.put(key, execution.place, dump(told), now)
        log.info("watch.settled", execution=execution.id, state=found.state, status=status)

    async def _say_on_card(self, tx: UnitOfWork, execution: Execution, card: Reply) -> None:
        await tx.messages.put(
            cards.card_key(execution.id), execution.place, dump(card), self._clock.now()
        )

    async def _why(self, session: DbcSession, watch: Watch) -> tuple[Part, ...]:
        """A failed creation tells its reason only in its log (docs/dbc-api.md §4.3)."""
        try:
            page = await self._dbc.tasks.logs(target_of(session), watch.task, "tail", _LOG_LINES)
        except BotError:
            return ()
        return (cards.log_excerpt(page.lines[-_SHOWN_LOG_LINES:]),) if page.lines else ()


def _status(machine: Machine | None) -> str:
    return machine.status if machine is not None else ABSENT


def _extras(
    execution: Execution, watch: Watch, found: Verdict, parts: Sequence[Part]
) -> tuple[Sequence[Part], Sequence[Part]]:
    """What stands under the sentence on the card and in the announcement."""
    if found.state is WatchState.DONE and execution.command in {"vm.create", "vm.start"}:
        return (), (cards.connect_button(execution),)
    if found.state is WatchState.UNKNOWN:
        return parts, (cards.keep_watching_button(watch.id),)
    return parts, parts
