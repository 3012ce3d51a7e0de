"""Whether a request can be carried out, or requested again, as its record has it."""

from bot.errors import Passing, Refused
from bot.language.table import Table
from bot.messages.machine_buttons import request_again
from bot.model import LOCKED_SECRETS, Execution
from bot.reply import Button, say


def require_readable(table: Table, execution: Execution) -> None:
    """Raise Refused for what cannot be carried out as it was asked: a part of it is lost."""
    if refusal := _unread(table, execution):
        raise refusal


def offered_again(table: Table, execution: Execution) -> tuple[Button, ...]:
    """The way to request it again, as long as its record says what it was."""
    refusal = _unread(table, execution)
    return (request_again(execution),) if refusal is None or refusal.passes else ()


def _unread(table: Table, execution: Execution) -> Refused | None:
    if table.get(execution.command) is None:
        title = table.spoken_of(execution.command).title
        return Refused(
            say("This version of the bot has no command “{command}”.", command=title),
            hint=say("Nothing was done."),
        )
    if execution.unreadable == LOCKED_SECRETS:
        return Passing(
            say("What you typed can no longer be decrypted: the bot has lost the key."),
            hint=say("Nothing was done. Fill in the form again."),
        )
    if execution.unreadable:
        return Refused(
            say("The record of what you requested is damaged."),
            hint=say("Nothing was done. Type the command again."),
        )
    return None
