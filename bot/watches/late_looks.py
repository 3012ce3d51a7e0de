"""What is done with looks at what may still arrive: see `bot.watches.late`.

The change has been told to be unknown, and stays so on its card until something is seen of it.
"""

from collections.abc import Callable
from dataclasses import replace

from bot.clock import Clock, measured
from bot.errors import Refused
from bot.ids import TaskId
from bot.messages import board, cards, machine_buttons
from bot.messages.cards import subject_of
from bot.model import MACHINE_GOALS, Execution, ExecutionStatus, Watch, WatchState
from bot.reply import Line, Note, Text, kept, line, mention, say, sentences, time
from bot.services.inventory import Inventory
from bot.services.words import Words
from bot.watches import late, on_cards
from bot.watches.observers.look import Sight
from storage import Store, UnitOfWork

_UNANSWERED = say(
    "{target}: the node gave no clear answer, so it is unknown whether the command was carried out."
)
_REPLACED = line(say("A newer command was sent, so I no longer look for this one."))


class LateLooks:
    """Owns the watches that are `late`."""

    def __init__(
        self,
        store: Store,
        inventory: Inventory,
        clock: Clock,
        by: str,
        words: Callable[[Execution], Words],
    ) -> None:
        self._store = store
        self._inventory = inventory
        self._clock = clock
        self._by = by
        self._words = words

    async def again(self, watch: Watch, sight: Sight | None, why: Text = "") -> Watch | None:
        """What to keep of a look that showed nothing of it; None when it was the last one.

        `sight` is None where nothing could be seen at all.
        """
        now = self._clock.now()
        if now < watch.deadline_at:
            pause = late.pause(watch, now)
            silent = None if sight is not None else watch.silent_since or now
            return replace(watch, next_poll_at=now + pause, silent_since=silent)
        last = say("Last problem: {problem}", problem=why) if why else ""
        until = sentences((say("I looked for it until {time}.", time=time(now)), last))
        await self.give_up(watch, until, by=self._by)
        return None

    async def arrived(self, watch: Watch, execution: Execution, sight: Sight) -> None:
        """It is under way after all: follow it like any other change."""
        now = self._clock.now()
        words = self._words(execution)
        subject = subject_of(watch, await self._inventory.label(watch.node))
        normal = replace(
            late.woken(watch),
            status=sight.status,
            deadline_at=now + words.limit,
            next_poll_at=now + sight.pause,
        )
        async for attempt in self._store.attempts():
            async with attempt as tx:
                # The watch first: a command that is followed again must have one that is open.
                if not await tx.watches.save(normal, self._by):
                    return
                if not await tx.executions.set_status(
                    execution.id,
                    ExecutionStatus.FOLLOWING,
                    now=now,
                    expect={ExecutionStatus.UNKNOWN},
                ):
                    await tx.watches.settle(watch.id, WatchState.STOPPED, sight.status)
                    continue
                seen = line(sight.detail or kept(sight.status))
                detail = line(say("seen late: {seen}", seen=seen)) if watch.unsure else seen
                card = cards.progress(execution, subject, words.doing, detail, *sight.parts)
                await board.show_card(tx, execution, card, now)

    async def give_up(self, watch: Watch, why: Line, by: str | None = None) -> bool:
        """Stop looking, and say so where it was told that it is unknown.

        False if it was over, or if `by`, who looks, no longer holds it.
        """
        label = await self._inventory.label(watch.node)
        async for attempt in self._store.attempts():
            async with attempt as tx:
                if not await tx.watches.settle(
                    watch.id, WatchState.UNKNOWN, watch.status, by=by or None
                ):
                    return False
                execution = await tx.executions.get(watch.execution)
                can_go_on = await self.rival(tx, execution, watch) is None
                await self._tell(tx, watch, label, why, can_go_on=can_go_on)
        return True

    async def resume(self, tx: UnitOfWork, execution: Execution, label: str) -> Watch | None:
        """Look for it once more; None where somebody does so already, or it is not unknown.

        It stays unknown, and keeps nothing waiting, until something is seen of it. Raises Refused
        where what shows may come of a change that was sent later.
        """
        newest = await tx.watches.for_execution(execution.id)
        if newest is None or execution.status is not ExecutionStatus.UNKNOWN:
            return None
        if newest.state is WatchState.OPEN:
            if late.is_resumed(newest):
                return None
            await tx.watches.settle(newest.id, WatchState.STOPPED, newest.status)
        elif (newer := await self.rival(tx, execution, newest)) is not None:
            raise Refused(
                say(
                    "{user} sent “{command}” after that, {time}, so I cannot tell any more what "
                    "comes of this one.",
                    user=mention(newer.actor),
                    command=self._words(newer).called,
                    time=time(newer.started_at or newer.created_at),
                ),
                hint=say("Check its present state."),
            )
        now = self._clock.now()
        again = late.resumed(newest, cards.end_key(execution.id, newest.id), now)
        await tx.watches.add(again)
        spoken, detail = self._words(execution), say("being looked at again")
        card = on_cards.followed(execution, again, spoken, label, detail)
        await board.show_card(tx, execution, card, now)
        return again

    async def rival(self, tx: UnitOfWork, execution: Execution, watch: Watch) -> Execution | None:
        """The newest change, sent after this one, that leads to what `watch` looks for."""
        if watch.goal not in MACHINE_GOALS:
            sent = await tx.executions.sent_again(execution)
            return next((one for one in sent if late.replaces(one, watch)), None)
        if watch.task == TaskId(execution.id):
            return None  # what it makes has its id
        sent = await tx.executions.sent_after(execution)
        return next((one for one in sent if self._words(one).moves), None)

    async def replaced(self, tx: UnitOfWork, newer: Execution, label: str) -> None:
        """Stop looking for what can no longer be told from what `newer` does.

        One that got no answer and has not ended yet ends as unknown: one effect would be told of
        both.
        """
        for watch in await tx.watches.open(node=newer.node, task=newer.task):
            if not late.replaces(newer, watch):
                continue
            if late.is_late(watch):
                await tx.watches.settle(watch.id, WatchState.STOPPED, watch.status)
                await self._tell(tx, watch, label, _REPLACED, can_go_on=False)
            elif watch.unsure:
                await self._overtaken(tx, watch, label)

    async def _overtaken(self, tx: UnitOfWork, watch: Watch, label: str) -> None:
        """End what got no answer where a newer one of the same command is sent."""
        execution = await tx.executions.get(watch.execution)
        subject = subject_of(watch, label)
        now, end = self._clock.now(), ExecutionStatus.UNKNOWN
        called = self._words(execution).called
        sentence = cards.of_request(called, end, cards.under_way(subject, _UNANSWERED))
        await tx.watches.settle(watch.id, WatchState.STOPPED, watch.status)
        if await tx.executions.set_status(
            execution.id,
            end,
            outcome=sentence,
            now=now,
            expect={ExecutionStatus.FOLLOWING},
        ):
            card = cards.ended(execution, end, sentence, detail=_REPLACED)
            await board.show_card(tx, execution, card, now)
            told = cards.announcement(execution, end, sentence, Note(_REPLACED))
            key = cards.end_key(execution.id, watch.id)
            await board.tell_end(tx, execution, key, told, now, is_news=False)

    async def _tell(
        self, tx: UnitOfWork, watch: Watch, label: str, why: Line, *, can_go_on: bool
    ) -> None:
        execution = await tx.executions.get(watch.execution)
        if execution.status is not ExecutionStatus.UNKNOWN:
            return
        now, end = self._clock.now(), ExecutionStatus.UNKNOWN
        sentence = self._told(execution, watch, label)
        card = cards.ended(execution, end, sentence, detail=why)
        await board.show_card(tx, execution, card, now)
        more = (cards.keep_watching_button(watch.id),) if can_go_on else ()
        refuses = self._inventory.lists.is_unrented(watch.node)
        buttons = machine_buttons.follow_ups(execution, end, more=more, refuses=refuses)
        told = cards.announcement(execution, end, sentence, Note(why), *buttons)
        await board.tell_end(tx, execution, late.told_as(watch), told, now, is_news=False)

    def _told(self, execution: Execution, watch: Watch, label: str) -> Line:
        """In which words it was told to be unknown."""
        spoken, end = self._words(execution), ExecutionStatus.UNKNOWN
        called, only_looks = spoken.called, spoken.only_looks
        if not late.why(watch):
            return cards.of_request(called, end, execution.outcome, only_looks=only_looks)
        started = execution.started_at or watch.started_at
        ended = execution.finished_at or self._clock.now()
        took = ended - started if measured(self._clock, started) else None
        subject, why = subject_of(watch, label), late.why(watch)
        seen = cards.unfinished(called, end, subject, why, took, only_looks=only_looks)
        return sentences((seen, late.more(watch)))
