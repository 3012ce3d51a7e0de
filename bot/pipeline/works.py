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


def outdated() -> Work:
    """For a button that a former version of the bot has put there."""
    return _of_older_kind(say("This button is of an older kind."))


def outdated_form() -> Work:
    """The same for a form."""
    return _of_older_kind(say("This form is of an older kind."))


def expired() -> Work:
    """For a button whose line is no longer kept: it is an hour old, or somebody else's."""
    told = say("This button has expired: what was typed for it is kept for an hour.")
    return saying(from_error(Refused(told, hint=say("Type the command instead."))))


def forgotten() -> Work:
    """For a button about a request of which nothing is known any more."""
    told = say("What this button is about is no longer kept.")
    return saying(from_error(Refused(told, hint=say("Type the command instead."))))


def _of_older_kind(sentence: Phrase) -> Work:
    return saying(from_error(Refused(sentence, hint=say("Type the command instead."))))


async def nothing(_answer: Answer) -> None:
    """A repeated delivery."""


async def over(_answer: Answer) -> None:
    """A repeated delivery of what has ended."""
