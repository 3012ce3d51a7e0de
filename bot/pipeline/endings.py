"""Tell how a change ended that no watch follows: on its card, or to the requester alone.

What others have seen ends where they saw it. What nobody has seen yet only the requester is told:
the text is stored together with the end, then said. If a crash or Slack prevents that, the outbox
delivers it to their direct messages.
"""

from collections.abc import Sequence
from contextlib import suppress

from bot.messages import alone, board, cards, machine_buttons
from bot.messages.cards import people_line
from bot.model import Execution, ExecutionStatus, Place, WatchState
from bot.pipeline.aside import BEING_SAID, aside
from bot.pipeline.context import Services
from bot.pipeline.whisper import Whisper
from bot.ports import Answer
from bot.reply import (
    Button,
    Line,
    Note,
    Reply,
    Words,
    dump,
    line,
    say,
    time,
)
from storage import StorageFailed, UnitOfWork

_LATER = "later"  # in the key of the message that corrects an end


class Endings:
    """Stores ends and says them."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._store = services.store
        self._clock = services.clock

    async def is_public(self, tx: UnitOfWork, execution: Execution) -> bool:
        """Whether others have seen anything of it: a card, a question, broken glass."""
        if await tx.messages.find(cards.card_key(execution.id)) is not None:
            return True
        approval = await tx.approvals.for_execution(execution.id)
        return approval is not None and not alone.is_asked_alone(approval.kind, execution)

    async def set_end(
        self, tx: UnitOfWork, execution: Execution, end: ExecutionStatus, record: Words
    ) -> bool:
        """Store the end; says whether it is one that was not known yet.

        Another process that took the command up could only find that nobody knows, or look. What
        was seen here all the same is the truth, and overrules that.
        """
        expect = {ExecutionStatus.RUNNING}
        if end is not ExecutionStatus.UNKNOWN:
            expect |= {ExecutionStatus.FOLLOWING, ExecutionStatus.UNKNOWN}
        if not await tx.executions.set_status(
            execution.id, end, outcome=record, now=self._clock.now(), expect=expect
        ):
            return False
        if (watch := await tx.watches.for_execution(execution.id)) is not None:
            await tx.watches.settle(watch.id, WatchState.STOPPED, watch.status)
        return True

    async def is_told(self, tx: UnitOfWork, execution: Execution) -> bool:
        """Whether an end of it was told before."""
        return await tx.messages.find(cards.end_key(execution.id)) is not None

    async def show(
        self,
        tx: UnitOfWork,
        execution: Execution,
        end: ExecutionStatus,
        sentence: Line,
        hint: Line,
        *,
        announced: bool,
        offers: Sequence[Button] = (),
        refuses: bool = False,
    ) -> None:
        """End the card; if the requester may not be looking, also mention them in a new message."""
        now = self._clock.now()
        # Where the end stands on the card alone, so does what can be done about it.
        buttons = machine_buttons.follow_ups(execution, end, more=offers, refuses=refuses)
        detail, below = (hint, buttons)
        if announced:
            detail, below = (), ()
        await board.show_card(
            tx, execution, cards.ended(execution, end, sentence, *below, detail=detail), now
        )
        if announced:
            await self.announce(tx, execution, end, sentence, hint, offers=offers, refuses=refuses)

    async def announce(
        self,
        tx: UnitOfWork,
        execution: Execution,
        end: ExecutionStatus,
        sentence: Line,
        hint: Line = (),
        *,
        offers: Sequence[Button] = (),
        refuses: bool = False,
    ) -> None:
        """Tell the requester in a new message, also if an earlier one told less."""
        buttons = machine_buttons.follow_ups(execution, end, more=offers, refuses=refuses)
        below = (*cards.hint(hint), *buttons)
        told = cards.announcement(execution, end, sentence, *below)
        later = await self.is_told(tx, execution)
        key = cards.end_key(execution.id, _LATER if later else "")
        is_news = self._services.table.spoken_of(execution.command).deed.is_news
        await board.tell_end(tx, execution, key, told, self._clock.now(), is_news=is_news)

    async def keep(
        self, tx: UnitOfWork, execution: Execution, reply: Reply, *, said: bool = True
    ) -> None:
        """Store the reply for the requester; `say` follows, unless `said` is False."""
        now = self._clock.now()
        called = self._services.table.spoken_of(execution.command).called_with(execution.known)
        at = time(execution.created_at)
        asked = say("You requested “{command}”, {time}.", command=called, time=at)
        if execution.approved_by:
            asked = say(
                "You requested “{command}”, {time}, approved by {approvers}.",
                command=called,
                time=at,
                approvers=people_line(execution.approved_by),
            )
        about = Note(line(asked))
        if reply.sensitive:
            reply = Reply.of(say("What this answered holds a secret, so I have not kept it."))
        kept = dump(reply.also(about))
        due = now + BEING_SAID if said else now
        key, place = cards.private_key(execution.id), Place.direct(execution.actor)
        await tx.messages.put(key, place, kept, now, not_before=due)

    async def say(self, execution: Execution, answer: Answer, reply: Reply) -> None:
        """Say what is kept. Where that fails, or nobody sits and waits, the outbox delivers it.

        Slack keeps nothing that it says to one person alone: whoever is away would never read it.
        """
        key = cards.private_key(execution.id)
        if isinstance(answer, Whisper) and not reply.sensitive:
            with suppress(StorageFailed):  # then it comes a minute later
                async with self._store.write() as tx:
                    await tx.messages.put_off(key, self._clock.now())
            return
        await aside(self._store, self._clock, key, answer.say(reply))
