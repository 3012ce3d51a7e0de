"""One change of a machine at a time: the next one waits its turn on its card, or is withdrawn.

What is first is decided in the unit of work that claims the run; what waits is a row that is
RECORDED, so `recover` takes it up after a crash, and looks again whether its turn has come.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from bot.errors import ONCE_MORE, Passing, Refused
from bot.ids import ExecutionId, TaskId, UserId
from bot.language.args import BREAK_GLASS, REASON
from bot.language.table import Command
from bot.language.terms import in_full
from bot.messages import board, cards, turn_cards
from bot.messages.cards import Subject
from bot.model import Approval, AuditKind, Execution, ExecutionStatus, Goal, ReviewKind
from bot.pipeline.context import Services
from bot.pipeline.holding import require_way
from bot.pipeline.joined import wanted
from bot.pipeline.joining import can_be_twice, is_same, require_first
from bot.pipeline.limits import Crowded, crowd_of, is_limited, require_few_waiting
from bot.pipeline.targets import Bound
from bot.pipeline.twins import twins_of
from bot.reply import mention, say
from bot.reviews.policy import DecisionKind
from storage import UnitOfWork

# What nobody could carry out for so long would come as a surprise, approved or not.
TOO_LATE = timedelta(hours=1)
# Between looks of whoever takes it up, where the process that put it off has died.
_PAUSE = timedelta(seconds=30)


class Behind(Exception):
    """Others are ahead of `execution` at its machine: it is not its turn."""

    def __init__(self, execution: Execution, ahead: Sequence[Execution]) -> None:
        super().__init__(execution.id)
        self.execution = execution
        self.ahead = tuple(ahead)


async def require_turn(
    tx: UnitOfWork,
    command: Command,
    execution: Execution,
    reviewed: Approval | None,
    now: datetime,
) -> None:
    """Raise Behind while others are ahead of it. No other is sent before `tx` ends."""
    if is_broken(reviewed):
        return
    if ahead := await ahead_of(tx, command, execution, now):
        raise Behind(execution, ahead)


def is_broken(reviewed: Approval | None) -> bool:
    """Whether glass was broken for it: that gets past what is ahead."""
    return reviewed is not None and reviewed.kind is ReviewKind.AFTERWARDS


async def ahead_of(
    tx: UnitOfWork, command: Command, execution: Execution, now: datetime
) -> list[Execution]:
    """What has to end before it may be sent, in the order in which that goes on."""
    if not _takes_turns(command, execution):
        return []
    others = await tx.turns.others(execution)
    if not others:
        return []
    at_work = [one for one in others if one.status is not ExecutionStatus.RECORDED]
    if is_removal(command) and any(_creates(one) for one in at_work):
        # A creation may hang for as long as it likes, and what waits for it as well.
        return [one for one in at_work if not _creates(one)]
    sent = await tx.turns.sent_since(execution, now - TOO_LATE)
    waiting = [one for one in others if one.status is ExecutionStatus.RECORDED]
    queue = in_turn([*waiting, execution], sent)
    return [*at_work, *queue[: queue.index(execution)]]


def in_turn(waiting: Sequence[Execution], sent: Mapping[str, int]) -> list[Execution]:
    """In which order they are carried out: next is whoever has had the fewest turns lately.

    So one who requests many keeps nobody waiting for all of them. Each person's own stay in order.
    """
    turns, order = Counter(sent), []
    for one in sorted(waiting, key=lambda it: (it.created_at, it.id)):
        order.append((turns[one.actor], one.created_at, one.id, one))
        turns[one.actor] += 1
    return [one for *_, one in sorted(order, key=lambda it: it[:3])]


def _takes_turns(command: Command, execution: Execution) -> bool:
    """Whether it has to wait: it is for a machine that exists, and nothing for emergencies."""
    if command.skips_queue(execution.arguments):
        return False
    is_of_machine = bool(execution.task) and not _creates(execution)
    return is_of_machine or (not execution.task and is_of_metal(command))


def _creates(execution: Execution) -> bool:
    """Whether its machine comes to be by it."""
    return execution.task == TaskId(execution.id)


def is_removal(command: Command) -> bool:
    """Whether its machine is gone afterwards."""
    return command.removes and command.follow is not None and command.follow.goal is Goal.GONE


def is_of_metal(command: Command) -> bool:
    """Whether it is about a bare-metal machine."""
    return any(p.arg.kind.is_metal for p in command.parameters)


def wanted_since(execution: Execution, approval: Approval | None) -> datetime:
    """When it was last said that it should be done: asked for, or approved."""
    if approval is None or approval.kind is ReviewKind.AFTERWARDS:
        return execution.created_at
    return approval.decided_at or execution.created_at


class Turns:
    """Lets changes wait, and finds out whether it makes sense that they do."""

    def __init__(self, services: Services, by: str) -> None:
        self._services = services
        self._store = services.store
        self._clock = services.clock
        self._by = by

    async def before_look(
        self, command: Command, approval: Approval | None, execution: Execution, bound: Bound
    ) -> None:
        """Called once its machine is known, before its node is asked anything for it.

        Raises Behind where it would run but for what is ahead of it: what needs a review is asked
        at once. Raises Refused for who requests too much.
        """
        takes_no_turn = is_broken(approval) or not _takes_turns(command, execution)
        is_new = approval is None and not execution.behind and is_limited(command, execution)
        if takes_no_turn and not is_new:
            return
        now = self._clock.now()
        async with self._store.read() as tx:
            ahead = await ahead_of(tx, command, execution, now)
            crowd = await self._crowd(tx, execution, now) if is_new else None
        if approval is not None and ahead:
            raise Behind(execution, ahead)
        if (ahead or crowd) and not await self._breaks_through(execution):
            if crowd is not None:
                raise crowd
            if await self._runs(command, execution, bound):
                await self._require_way(command, execution)
                raise Behind(execution, ahead)

    async def _require_way(self, command: Command, execution: Execution) -> None:
        """Raise Held at once while changes are held back: waiting would only end so."""
        who, now = self._services.reviews.reviewers, self._clock.now()
        async with self._store.read() as tx:
            await require_way(tx, command, execution, None, who.rules, who.has_left, now)

    async def is_kept_back(self, command: Command, execution: Execution) -> bool:
        """Whether something is ahead of it now, or a limit is reached."""
        now, is_new = self._clock.now(), is_limited(command, execution)
        async with self._store.read() as tx:
            if await ahead_of(tx, command, execution, now):
                return True
            return is_new and await self._crowd(tx, execution, now) is not None

    async def _crowd(self, tx: UnitOfWork, execution: Execution, now: datetime) -> Crowded | None:
        limits = self._services.reviews.reviewers.rules.limits
        return await crowd_of(tx, execution, limits, now, self._services.table)

    async def _breaks_through(self, execution: Execution) -> bool:
        """Whether its requester breaks the glass, as far as the rules have any."""
        if not execution.arguments.get(BREAK_GLASS):
            return False
        decision = await self._services.reviews.decision(execution)
        return decision.break_glass or decision.kind is DecisionKind.APPROVE

    async def _runs(self, command: Command, execution: Execution, bound: Bound) -> bool:
        """Whether nothing is asked before it runs. Raises Refused where it may not."""
        decision = await self._services.reviews.decision(execution)
        twins = await twins_of(self._services, command, execution, bound)
        doubts = command.doubts
        if doubts is not None and await doubts(self._services, execution.arguments):
            return False
        return decision.runs(execution.arguments.get(REASON, ""), alike=bool(twins))

    async def take(self, command: Command, execution: Execution, approval: Approval | None) -> None:
        """Look at one that waits: raise Behind while it still has to.

        Raises Refused where it makes no sense any more: what it waited for did not end well, did
        the same, or took too long.
        """
        if not execution.behind:
            return
        now = self._clock.now()
        async with self._store.read() as tx:
            before = await tx.turns.ahead_no_more(execution)
            ahead = await ahead_of(tx, command, execution, now)
        for one in before:
            self._require_done(command, execution, one, is_reviewed=approval is not None)
        since = wanted_since(execution, approval)
        if now - since > TOO_LATE:
            raise Passing(
                turn_cards.too_long(execution.label),
                hint=ONCE_MORE,
            )
        if ahead and not execution.arguments.get(BREAK_GLASS):
            raise Behind(execution, ahead)

    def _require_done(
        self, command: Command, execution: Execution, one: Execution, *, is_reviewed: bool
    ) -> None:
        """Raise Refused where one that was ahead was sent and is not done, or did the same.

        Whoever let it through a review was shown that the same is in progress.
        """
        row = self._services.table.spoken_of(one.command)
        if one.status is not ExecutionStatus.DONE:
            raise Passing(
                turn_cards.not_done(one.status, row.called_with(one.known)),
                hint=say("Nothing was done. Look at the machine, then request it again."),
            )
        if is_removal(row):
            raise Refused(say("The machine was deleted."), hint=say("Nothing was done."))
        is_alike = one.command == command.id and can_be_twice(command, execution)
        if not is_reviewed and is_alike and is_same(command, one, execution):
            raise Refused(
                say("{user} had the same done meanwhile.", user=mention(one.actor)),
                hint=say("Nothing was done a second time."),
            )

    async def wait(self, command: Command, behind: Behind) -> None:
        """Let it wait, and say on its card for what. Raises SameRequest, Refused for too many."""
        execution, now = behind.execution, self._clock.now()
        rules = self._services.reviews.reviewers.rules
        label = await self._services.inventory.label(execution.node)
        subject = Subject(execution.label, execution.task, label)
        what = wanted(command, execution, subject)
        table = self._services.table
        async for attempt in self._store.attempts():
            async with attempt as tx:
                approval = await tx.approvals.for_execution(execution.id)
                if not execution.behind:
                    if approval is None:
                        await require_first(tx, command, execution, None, now)
                    await require_few_waiting(tx, execution, rules.limits)
                ahead = await ahead_of(tx, command, execution, now) or list(behind.ahead)
                ids = list(dict.fromkeys([*execution.behind, *(one.id for one in ahead)]))
                if not await tx.turns.put_off(execution.id, self._by, now, now + _PAUSE, ids):
                    return  # withdrawn, or somebody else is at it
                card = turn_cards.waiting(
                    execution, what, in_full(command, execution),
                    [(one, table.spoken_of(one.command).called_with(one.known)) for one in ahead],
                    wanted_since(execution, approval) + TOO_LATE, has_way_past=bool(execution.task),
                )  # fmt: skip
                await board.show_card(tx, execution, card, now)

    async def whose_turn(self) -> list[Execution]:
        """Those that wait no longer: it is their turn, or they make no sense any more."""
        now, table = self._clock.now(), self._services.table
        found = []
        async with self._store.read() as tx:
            for one in await tx.turns.waiting():
                before = await tx.turns.ahead_no_more(one)
                is_over = any(it.status is not ExecutionStatus.DONE for it in before)
                if is_over or not await ahead_of(tx, table.spoken_of(one.command), one, now):
                    found.append(one)
        return found

    async def withdraw(self, execution_id: ExecutionId, user: UserId) -> None:
        """Its requester takes back one that waits. Raises Refused for others, or where it is over.

        At the same moment as the claim, the database lets one of both happen.
        """
        now = self._clock.now()
        async with self._store.read() as tx:
            execution = await tx.executions.find(execution_id)
        if execution is None:
            raise Refused(say("This request is not known any more."))
        if execution.actor != user:
            refusal = Refused(say("Only the requester can withdraw this."))
            async with self._store.write() as tx:
                await tx.executions.note(
                    execution.id, AuditKind.CLICK_REFUSED, now, actor=user,
                    details={"why": refusal.sentence},
                )  # fmt: skip
            raise refusal
        label = await self._services.inventory.label(execution.node)
        command = self._services.table.spoken_of(execution.command)
        subject = Subject(execution.label, execution.task, label)
        sentence = turn_cards.withdrawn(execution, wanted(command, execution, subject))
        async with self._store.write() as tx:
            end = ExecutionStatus.CANCELLED
            if not execution.behind or not await tx.executions.set_status(
                execution.id, end, outcome=sentence, decided_by=[user], now=now,
                expect={ExecutionStatus.RECORDED},
            ):  # fmt: skip
                raise Refused(say("Too late: this no longer waits."))
            await board.show_card(tx, execution, cards.ended(execution, end, sentence), now)
