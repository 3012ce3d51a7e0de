"""Any command, chosen from a list: its form opens; what only reads runs where nothing is missing.

What changes something always has its form before it: *Next* alone is no request.
"""

from collections.abc import Awaitable, Callable, Mapping

from bot.ids import UserId
from bot.language.table import Command, Table
from bot.model import Effect, Place, Press, Source, Submission
from bot.pipeline.dialog import CHECKING, tried
from bot.pipeline.wish import Wish
from bot.pipeline.works import showing
from bot.ports import COMMAND_CHOICE, Accepted, Rejected, Work
from bot.reply import Choice, Form, FormField, Words, as_phrase, line, say, title
from bot.reply.forms import FieldKind

_FIELD = "command"
_MOST = 100  # options that Slack takes


class Chooser:
    """Offers the commands; `ask` takes what was chosen like a line without arguments.

    `show` opens a command's form.
    """

    def __init__(
        self,
        table: Table,
        ask: Callable[[Wish, Mapping[str, str]], Awaitable[Work]],
        show: Callable[[Command, Mapping[str, str], UserId, Place], Awaitable[Work]],
    ) -> None:
        self._table = table
        self._ask = ask
        self._show = show

    async def offer(self, _press: Press) -> Work:
        """Open the form that lists the commands."""
        return showing(self._form())

    async def submit(self, submission: Submission) -> Accepted | Rejected:
        """Take the choice."""
        command = self._table.get(submission.values.get(_FIELD, ""))
        if command is None:
            return Rejected({_FIELD: say("There is no such command any more.")})
        actor, place = submission.actor, submission.place
        if command.effect_of({}) is not Effect.READ:
            return Accepted(await self._show(command, {}, actor, place), waiting=CHECKING)
        wish = Wish(submission.key, actor, place, Source.FORM, command, {})
        work = await self._ask(wish, {})
        return Accepted(tried(work, command, self._again, held=True), waiting=CHECKING)

    async def _again(self, errors: Mapping[str, Words]) -> Form:
        return self._form(errors)

    def _form(self, errors: Mapping[str, Words] | None = None) -> Form:
        choices = tuple(map(_choice, self._table))[:_MOST]
        field = FormField(_FIELD, say("Command"), FieldKind.CHOICE, choices=choices)
        return Form(
            COMMAND_CHOICE, say("Run a command"), say("Next"), (field,), errors=errors or {}
        )


def _choice(command: Command) -> Choice:
    return Choice(as_phrase(line(title(command.id))), command.id, command.help)
