"""What a click on the button below a failure means: the form of what failed, filled in again."""

from collections.abc import Mapping
from functools import partial

from bot.errors import Refused, from_error
from bot.ids import ExecutionId
from bot.language.args import BREAK_GLASS, NODE_OPTION
from bot.language.table import Command
from bot.messages.machine_buttons import RETRY
from bot.model import Execution, ExecutionStatus, Press
from bot.pipeline.as_meant import by_ids
from bot.pipeline.context import Services
from bot.pipeline.rights import no_such_machine, visible_to
from bot.pipeline.works import Open, forgotten, outdated, saying
from bot.ports import Answer, Work
from bot.reply import Phrase, as_phrase, say, sentences

_NOT_DONE = frozenset({ExecutionStatus.FAILED, ExecutionStatus.VOIDED, ExecutionStatus.EXPIRED})
_BECAME = {
    ExecutionStatus.DONE: say("This is done by now."),
    ExecutionStatus.FAILED: say("This failed."),
    ExecutionStatus.UNKNOWN: say("Whether this was done is not known."),
    ExecutionStatus.CANCELLED: say("This was withdrawn."),
    ExecutionStatus.DENIED: say("This was denied."),
    ExecutionStatus.REFUSED: say("This was refused."),
}


class RetryPresses:
    """Opens forms. What is sent in is a request of its own, by whoever sends it in."""

    def __init__(self, services: Services, opening: Open) -> None:
        self._services = services
        self._opening = opening
        self.actions = {RETRY: self.retry}

    async def retry(self, press: Press) -> Work:
        """Open the form; for a colleague with the machine alone."""
        async with self._services.store.read() as tx:
            failed = await tx.executions.find(ExecutionId(press.value))
        command = self._services.table.get(failed.command) if failed else None
        if failed is None:
            return forgotten()
        if command is None:
            return outdated()
        is_mine = press.actor == failed.actor
        if not is_mine and press.place.channel != failed.place.channel:
            return saying(from_error(Refused(say("This can be retried only where it was told."))))
        if failed.status not in _NOT_DONE:
            return saying(from_error(_nothing_to_retry(failed)))
        if is_mine:
            given = _given(command, failed)
            return await self._opening(command, given, press.actor, press.place)
        return partial(self._retry_of_other, press, command, failed)

    async def _retry_of_other(
        self, press: Press, command: Command, failed: Execution, answer: Answer
    ) -> None:
        """Open the form for a colleague: with the machine alone, where they may see it.

        The texts are its requester's: their message names few of them. Raises Refused.
        """
        machine = _machine(command, failed)
        seen = await visible_to(self._services, press.actor, press.place)
        if machine and (failed.node, failed.task) not in {(one.node, one.task) for one in seen}:
            raise no_such_machine()
        work = await self._opening(command, machine, press.actor, press.place)
        await work(answer)


def became(execution: Execution) -> Phrase:
    """What has become of a request, in a sentence."""
    return _BECAME.get(execution.status, say("This is in progress."))


def _nothing_to_retry(execution: Execution) -> Refused:
    """What has become of it, since the button was put there."""
    return Refused(as_phrase(sentences((became(execution), say("There is nothing to retry.")))))


def _given(command: Command, failed: Execution) -> Mapping[str, str]:
    """What was requested, of the same machine and node; broken glass is not broken again."""
    texts = by_ids(command, failed)
    return {name: text for name, text in texts.items() if name != BREAK_GLASS}


def _machine(command: Command, failed: Execution) -> dict[str, str]:
    """The machine that it was about, by its id; empty where it was about none."""
    target = command.target
    if target is None or not target.arg.kind.is_machine or not failed.task:
        return {}
    return {target.name: failed.task, NODE_OPTION: failed.node}
