"""A form that was sent in and is being tried: what cannot be is said at its field, nothing is lost.

Stands between a command and the edge's answer. Knows no Slack.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace

import structlog

from bot.errors import BotError, Faults, Refused, from_error
from bot.language import forms
from bot.language.args import REASON
from bot.language.table import Command
from bot.model import MessageRef
from bot.pipeline.handed_on import HandedOn
from bot.pipeline.works import over
from bot.ports import Answer, Work
from bot.reply import (
    Fault,
    Form,
    Note,
    Part,
    Phrase,
    Reply,
    Severity,
    Text,
    Words,
    emoji,
    line,
    say,
)

Again = Callable[[Mapping[str, Words]], Awaitable[Form]]

log = structlog.get_logger()

_CHECKING = say("Checking …")
ANEW = say(
    "That list has expired, or someone else requested it. This one is new, without its filters."
)
_OVER = say("This form was taken when you sent it first. See what became of it.")
_ADD_REASON, CHANGE = say("Add a reason"), say("Change it…")
CHECKING = Reply(_CHECKING, (Note(line(emoji("hourglass_flowing_sand"), " ", _CHECKING)),))


class Dialog(HandedOn):
    """`ports.Answer` to a form: a refusal puts the form back, with what was typed.

    `again` gives the form with what was typed, for `errors`. `held` says whether the form stands
    open until then. A closed one is offered again only for what another try can mend.
    """

    def __init__(self, answer: Answer, command: Command, again: Again, *, held: bool) -> None:
        super().__init__(answer)
        self._command = command
        self._again = again
        self._held = held
        self.has_answered = False

    async def say(self, reply: Reply) -> MessageRef | None:
        """Answer; a fault that another try can mend puts the form back."""
        self.has_answered = True
        fault = reply.fault
        if fault is None or not self._can_mend(fault):
            return await self._answer.say(reply)
        each = [Refused(one.sentence, hint=one.hint, field=one.field) for one in fault.each]
        refusal = Refused(fault.sentence, hint=fault.hint, field=fault.field)
        errors = forms.fault_of(self._command, Faults(each) if each else refusal)
        await self._answer.open(await self._again(errors))
        return None

    def _can_mend(self, fault: Fault) -> bool:
        if fault.field == REASON or forms.field_of(self._command, fault.field) is not None:
            return True
        if fault.severity is Severity.UNKNOWN:
            return False  # it may have happened: not to be sent again just so
        return self._held or fault.severity is Severity.FAILED

    async def open(self, form: Form) -> None:
        """Show a form."""
        self.has_answered = True
        await self._answer.open(form)


class Typed(HandedOn):
    """`ports.Answer` to a typed line: what is missing or faulty can be mended in a form.

    `offer` gives the button that opens it, filled in with what was typed, by the button's label.
    """

    def __init__(
        self, answer: Answer, command: Command, offer: Callable[[Text], Awaitable[Part]]
    ) -> None:
        super().__init__(answer)
        self._command = command
        self._offer = offer

    async def say(self, reply: Reply) -> MessageRef | None:
        """Answer."""
        field = reply.fault.field if reply.fault is not None else ""
        if field == REASON:
            reply = reply.also(await self._offer(_ADD_REASON))
        elif self._command.form and forms.field_of(self._command, field) is not None:
            reply = reply.also(await self._offer(CHANGE))
        return await self._answer.say(reply)


class Noted(HandedOn):
    """`ports.Answer` that says something else before every answer."""

    def __init__(self, answer: Answer, told: Phrase) -> None:
        super().__init__(answer)
        self._told = told

    async def say(self, reply: Reply) -> MessageRef | None:
        """Answer."""
        parts = reply.parts or Reply.of(reply.summary).parts
        return await self._answer.say(replace(reply, parts=(Note(line(self._told)), *parts)))


def tried(work: Work, command: Command, again: Again, *, held: bool) -> Work:
    """The work of a form that was sent in; a fault puts that back."""

    async def to_the_end(answer: Answer) -> None:
        dialog = Dialog(answer, command, again, held=held)
        try:
            await work(dialog)
        except BotError as error:  # a read's, or a dry run's
            log.info("form.refused", command=command.id, why=error.sentence)
            await dialog.say(from_error(error))
        if held and work is over and not dialog.has_answered:
            await answer.say(Reply.of(line(emoji("information_source"), " ", _OVER)))

    return to_the_end
