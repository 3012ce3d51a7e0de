"""Work that only says or shows something, or nothing at all."""

from collections.abc import Awaitable, Callable, Mapping

from bot.errors import Refused, from_error
from bot.ids import UserId
from bot.language.table import Command
from bot.model import Place
from bot.pipeline.wish import Wish
from bot.ports import Answer, Work
from bot.reply import Form, Phrase, Reply, say

# What becomes of a request, as the line would be that says the same (with words as spelled in it).
Ask = Callable[[Wish, Mapping[str, str]], Awaitable[Work]]
# What becomes of one that says too little: its form opens with what it says.
Open = Callable[[Command, Mapping[str, str], UserId, Place], Awaitable[Work]]


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
