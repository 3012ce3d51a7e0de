"""What a click on the button below a failure means: the form of what failed, filled in again."""

from collections.abc import Awaitable, Callable, Mapping

from bot.ids import ExecutionId, UserId
from bot.language.args import BREAK_GLASS, NODE_OPTION
from bot.language.table import Command
from bot.messages.machine_buttons import RETRY
from bot.model import Execution, ExecutionStatus, Place, Press
from bot.pipeline.context import Services
from bot.pipeline.works import outdated
from bot.ports import Work

Opening = Callable[[Command, Mapping[str, str], UserId, Place], Awaitable[Work]]


class RetryPresses:
    """Opens forms. What is sent in is a request of its own, by whoever sends it in."""

    def __init__(self, services: Services, opening: Opening) -> None:
        self._services = services
        self._opening = opening
        self.actions = {RETRY: self._retry}

    async def _retry(self, press: Press) -> Work:
        async with self._services.store.read() as tx:
            failed = await tx.executions.find(ExecutionId(press.value))
        command = self._services.table.get(failed.command) if failed else None
        if failed is None or command is None or failed.status is not ExecutionStatus.FAILED:
            return outdated()
        # What was requested is shown to those who could read it.
        if press.actor != failed.actor and press.place.channel != failed.place.channel:
            return outdated()
        return await self._opening(command, _given(command, failed), press.actor, press.place)


def _given(command: Command, failed: Execution) -> Mapping[str, str]:
    """What was requested, the machine by its id; glass that was broken is not broken again."""
    given = {name: text for name, text in failed.arguments.items() if name != BREAK_GLASS}
    target = command.target
    if target is not None and target.arg.kind.is_machine and failed.task:
        given |= {target.name: failed.task, NODE_OPTION: failed.node}
    return given
