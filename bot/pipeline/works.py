"""Work that only says or shows something, or nothing at all."""

from bot.errors import Refused, from_error
from bot.ports import Answer, Work
from bot.reply import Form, Phrase, Reply, say


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


def of_older_kind(sentence: Phrase) -> Refused:
    """For what a former version of the bot has put there."""
    return Refused(sentence, hint=say("Type the command instead."))


def outdated() -> Work:
    """Say that of a button."""
    return saying(from_error(of_older_kind(say("This button is of an older kind."))))


async def nothing(_answer: Answer) -> None:
    """A repeated delivery."""
