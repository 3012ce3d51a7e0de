"""What is requested once more by who knows of a first request like it."""

from bot.ids import ExecutionId, TaskId, UserId, new_id
from bot.language.args import BREAK_GLASS
from bot.language.table import Command
from bot.model import Execution, ExecutionStatus, Source
from bot.pipeline.context import Services
from bot.pipeline.joining import key_of_new, key_of_second

_NOT_DONE = frozenset({ExecutionStatus.REFUSED, ExecutionStatus.VOIDED, ExecutionStatus.EXPIRED})


def _key_after(last: Execution) -> str:
    """Who was refused knows of the first one; of what came to nothing there may be another."""
    is_known = last.status is ExecutionStatus.REFUSED
    return key_of_second(last.id) if is_known else key_of_new(last.id)


async def second_of(
    services: Services, execution_id: ExecutionId, actor: UserId
) -> Execution | None:
    """The second request of what was not added; None where there is nothing to request again.

    Pressed twice, it is one. Where the second one was refused, nothing came of it, and pressing
    requests it anew: the reason may have passed by now.
    """
    async with services.store.read() as tx:
        asked = await tx.executions.find(execution_id)
        command = services.table.get(asked.command) if asked else None
        if asked is None or command is None or asked.actor != actor:
            return None
        # Nothing that was carried out is repeated, and no secret is kept.
        if asked.status not in _NOT_DONE or command.secrets:
            return None
        last = asked
        while (later := await tx.executions.keyed(_key_after(last))) is not None:
            if later.status not in _NOT_DONE:
                return later
            last = later
    return _second(services, command, asked, after=last)


def _second(services: Services, command: Command, asked: Execution, after: Execution) -> Execution:
    texts = asked.arguments
    if any(one.status is not ExecutionStatus.REFUSED for one in (asked, after)):
        # It waited, and the rules may be others by now: broken glass is not broken again.
        texts = {name: text for name, text in texts.items() if name != BREAK_GLASS}
    return Execution(
        id=ExecutionId(new_id()),
        key=_key_after(after),
        actor=asked.actor,
        place=asked.place,
        source=Source.BUTTON,
        command=asked.command,
        arguments=texts,
        effect=command.effect_of(texts),
        created_at=services.clock.now(),
        meant=asked.meant,
        node=asked.node,
        # Make another one where one was made.
        task=TaskId("") if asked.task == TaskId(asked.id) else asked.task,
    )
