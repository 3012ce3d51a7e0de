"""Any command, chosen from a list: its form opens then, or it runs where it needs nothing more."""

from collections.abc import Awaitable, Callable, Mapping

from bot.language.table import Command, Table
from bot.model import Press, Source, Submission
from bot.pipeline.dialog import CHECKING
from bot.pipeline.wish import Wish
from bot.pipeline.works import showing
from bot.ports import COMMAND_CHOICE, Accepted, Rejected, Work
from bot.reply import Choice, Form, FormField, say
from bot.reply.forms import FieldKind

_FIELD = "command"
_MOST = 100  # options that Slack takes


class Chooser:
    """Offers the commands; `ask` takes what was chosen like a line without arguments."""

    def __init__(
        self, table: Table, ask: Callable[[Wish, Mapping[str, str]], Awaitable[Work]]
    ) -> None:
        self._table = table
        self._ask = ask

    async def offer(self, _press: Press) -> Work:
        """Open the form that lists the commands."""
        return showing(self._form())

    async def submit(self, submission: Submission) -> Accepted | Rejected:
        """Take the choice."""
        command = self._table.get(submission.values.get(_FIELD, ""))
        if command is None:
            return Rejected({_FIELD: say("There is no such command any more.")})
        wish = Wish(submission.key, submission.actor, submission.place, Source.FORM, command, {})
        return Accepted(await self._ask(wish, {}), waiting=CHECKING)

    def _form(self) -> Form:
        choices = tuple(map(_choice, self._table))[:_MOST]
        field = FormField(_FIELD, say("Command"), FieldKind.CHOICE, choices=choices)
        return Form(COMMAND_CHOICE, say("Run a command"), say("Next"), (field,))


def _choice(command: Command) -> Choice:
    return Choice(command.title, command.id, command.help)
