"""Tells the end of what was followed: the watch, the ledger, the card and the announcement."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace

import structlog

from bot.clock import Clock, measured
from bot.messages import board, cards
from bot.messages.cards import subject_of
from bot.model import Execution, ExecutionStatus, Watch, WatchState
from bot.reply import Line, Part, kept, line, plain, say, time
from bot.services.inventory import Inventory
from bot.services.words import Words as Spoken
from bot.watches import late, put_back
from bot.watches.end_words import end_words, extras
from bot.watches.late_looks import LateLooks
from bot.watches.machine_ends import Verdict
from storage import StorageFailed, Store

_END: dict[WatchState, ExecutionStatus] = {
    WatchState.DONE: ExecutionStatus.DONE,
    WatchState.FAILED: ExecutionStatus.FAILED,
    WatchState.UNKNOWN: ExecutionStatus.UNKNOWN,
    WatchState.CANCELLED: ExecutionStatus.CANCELLED,
}

log = structlog.get_logger()


class Settling:
    """Settles watches. `comes_of` what was brought up, as far as its order tells that, in notes."""

    def __init__(
        self,
        store: Store,
        inventory: Inventory,
        late_looks: LateLooks,
        clock: Clock,
        by: str,
        words: Callable[[Execution], Spoken],
        comes_of: Callable[[Execution], Awaitable[Sequence[Part]]],
    ) -> None:
        self._store = store
        self._inventory = inventory
        self._late = late_looks
        self._clock = clock
        self._by = by
        self._words = words
        self._comes_of = comes_of

    async def settle(self, watch: Watch, found: Verdict, status: str, *parts: Part) -> None:
        """The end: the watch, the ledger, the card and the announcement, in one unit of work."""
        label = await self._inventory.label(watch.node)
        subject = subject_of(watch, label)
        now = self._clock.now()
        end, notes = _END[found.state], await self._notes(watch, found)
        unrented = self._inventory.lists.is_unrented(watch.node)
        async for attempt in self._store.attempts():
            async with attempt as tx:
                if not await tx.watches.settle(watch.id, found.state, status, by=self._by):
                    return  # it has ended, or another process looks at it now
                execution = await tx.executions.get(watch.execution)
                found = put_back.told(found, execution)
                took = measured(self._clock, execution.started_at or watch.started_at)
                after = await tx.executions.sent_after(execution)
                newer = after[0] if after else None
                told_of = end_words(watch, execution, found, end, subject, took, newer, self._words)
                await tx.executions.set_status(
                    execution.id,
                    end,
                    outcome=told_of.record,
                    now=now,
                    expect={ExecutionStatus.FOLLOWING, ExecutionStatus.UNKNOWN},
                )
                key = cards.end_key(execution.id, watch.id)
                lookout: Line = ()
                if found.in_doubt:
                    later = late.begun(watch, key, found.why, found.more, now)
                    await tx.watches.add(later)
                    lookout = line(
                        say(
                            "It may still be carried out. I look for it until {time} and report it "
                            "here if I see it.",
                            time=time(later.deadline_at),
                        )
                    )
                card = cards.ended(execution, end, told_of.sentence, detail=lookout)
                await board.show_card(tx, execution, card, now)
                spoken, below = self._words(execution), (*told_of.below, *cards.hint(lookout))
                can_go_on = found.in_doubt or not await self._late.rival(tx, execution, watch)
                found = replace(found, resumable=found.resumable and can_go_on)
                more = extras(execution, end, watch, found, parts, spoken, unrented=unrented)
                below = (*below, *notes, *more)
                told = cards.announcement(execution, end, told_of.sentence, *below)
                await board.tell_end(tx, execution, key, told, now, is_news=spoken.is_news)
        ended_as = plain(kept(status))
        log.info("watch.settled", execution=execution.id, state=found.state, status=ended_as)

    async def _notes(self, watch: Watch, found: Verdict) -> Sequence[Part]:
        """What becomes of a machine that was brought up, as far as its order tells that."""
        async with self._store.read() as tx:
            execution = await tx.executions.get(watch.execution)
        try:
            is_up = found.state is WatchState.DONE and self._words(execution).brings_up
            return await self._comes_of(execution) if is_up else ()
        except StorageFailed:
            raise
        except Exception:  # the end is told all the same
            log.exception("watch.not_noted", execution=execution.id)
            return ()
