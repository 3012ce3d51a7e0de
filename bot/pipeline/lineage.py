"""What buttons made of one request: "Request it again", and "Request it a second time"."""

from dataclasses import dataclass
from datetime import timedelta

from bot.clock import Clock
from bot.errors import NOTHING_DONE, Refused
from bot.ids import ExecutionId, TaskId, UserId, new_id
from bot.language.args import BREAK_GLASS
from bot.language.table import Command, Table
from bot.model import Execution, ExecutionStatus, Source
from bot.pipeline.context import Services
from bot.pipeline.joining import key_of_new, key_of_second
from bot.pipeline.readable import require_readable
from bot.pipeline.turns import is_removal
from bot.reply import mention, say
from storage import UnitOfWork

_WAITED = frozenset({ExecutionStatus.VOIDED, ExecutionStatus.EXPIRED})
_LONGEST_RUN = timedelta(days=1)  # between the request of a removal and its end
_NOT_DONE = _WAITED | {ExecutionStatus.REFUSED}


@dataclass(frozen=True, slots=True)
class Lineage:
    """A request, and those that were made of it one after the other, as its buttons were pressed.

    `asked` is the one whose button was pressed, `last` the latest that was made of it: `asked`
    itself where there is none yet. `has_waited`: one of them was pending, so the rules may be
    others by now. `knows_first`: whoever presses was told of the first request like it, and means
    a second one; what was made of it has not waited since.
    """

    asked: Execution
    last: Execution
    has_waited: bool
    knows_first: bool

    @classmethod
    def begun(cls, asked: Execution, *, knows_first: bool) -> "Lineage":
        """A request of which nothing was made yet."""
        return cls(asked, asked, asked.status in _WAITED, knows_first)

    def then(self, later: Execution) -> "Lineage":
        """The same with one more."""
        waited = later.status in _WAITED
        return Lineage(
            self.asked, later, self.has_waited or waited, self.knows_first and not waited
        )

    @property
    def came_to_nothing(self) -> bool:
        """Whether nothing was done of the last one, and nothing will be."""
        return self.last.status in _NOT_DONE

    @property
    def next_key(self) -> str:
        """The key of the next one: it joins one like it, unless its requester knows of that."""
        return key_of_second(self.last.id) if self.knows_first else key_of_new(self.last.id)


async def requested_again(
    services: Services, execution_id: ExecutionId, actor: UserId, *, knows_first: bool
) -> Execution | None:
    """The request that a button makes of one that was not done; None where it makes none.

    Pressed twice, it is one. Where that was refused, expired or was voided, pressing requests it
    anew: the reason may have passed by now. `knows_first`: it was refused since the same was open,
    and this one is meant as a second. Raises Refused where the record is damaged, and where its
    machine was deleted since.
    """
    async with services.store.read() as tx:
        asked = await tx.executions.find(execution_id)
        command = services.table.get(asked.command) if asked else None
        if asked is None or command is None or asked.actor != actor:
            return None
        # Nothing that was carried out is repeated, and no secret is kept.
        if asked.status not in _NOT_DONE or command.secrets:
            return None
        require_readable(services.table, asked)
        await _require_machine(services.table, tx, asked)
        line = await _followed(tx, Lineage.begun(asked, knows_first=knows_first))
    return _next(services.clock, command, line) if line.came_to_nothing else line.last


async def _require_machine(table: Table, tx: UnitOfWork, asked: Execution) -> None:
    """Raise Refused where the machine it was about was deleted since, with whose doing it was."""
    removing = [row.id for row in table if is_removal(row)]
    for removal in await tx.executions.done(removing, asked.created_at - _LONGEST_RUN):
        if asked.task and (removal.node, removal.task) == (asked.node, asked.task):
            told = say("The machine was deleted by {user}.", user=mention(removal.actor))
            raise Refused(told, hint=NOTHING_DONE)


async def _followed(tx: UnitOfWork, line: Lineage) -> Lineage:
    """The line as far as it goes, up to one that is open or came to something.

    From two buttons of one line the same request may have been made with either key.
    """
    while line.came_to_nothing:
        made = [await tx.executions.keyed(key(line.last.id)) for key in (key_of_second, key_of_new)]
        later = next((one for one in made if one is not None), None)
        if later is None:
            break
        line = line.then(later)
    return line


def _next(clock: Clock, command: Command, line: Lineage) -> Execution:
    asked = line.asked
    texts = asked.arguments
    if line.has_waited:  # the rules may be others by now: broken glass is not broken again
        texts = {name: text for name, text in texts.items() if name != BREAK_GLASS}
    return Execution(
        id=ExecutionId(new_id()),
        key=line.next_key,
        actor=asked.actor,
        place=asked.place,
        source=Source.BUTTON,
        command=asked.command,
        arguments=texts,
        effect=command.effect_of(texts),
        created_at=clock.now(),
        meant=asked.meant,
        node=asked.node,
        # Make another one where one was made.
        task=TaskId("") if asked.task == TaskId(asked.id) else asked.task,
    )
