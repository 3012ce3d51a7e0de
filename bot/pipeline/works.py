"""Work that only says or shows something, or nothing at all."""

from bot.errors import Refused, from_error
from bot.ports import Answer, Work
from bot.reply import Form, Reply


def saying(reply: Reply) -> Work:
    """Say it."""

    async def work(answer: Answer) -> None:
        await answer.say(reply)

    return work


def showing(form: Form) -> Work:
    """Open it."""

    async def work(answer: Answer) -> None:
        await answer.open(form)

    return work


def of_older_kind(what: str) -> Refused:
    """For what a former version of the bot has put there."""
    return Refused(f"This {what} is of an older kind.", hint="Type the command instead.")


def outdated() -> Work:
    """Say that of a button."""
    return saying(from_error(of_older_kind("button")))


async def nothing(_answer: Answer) -> None:
    """A repeated delivery."""
