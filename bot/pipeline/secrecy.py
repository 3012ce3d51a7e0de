"""Keeps known secrets out of what people type where others can read it.

A secret belongs in the fields that ask for one; anywhere else it would be recorded and shown.
"""

from collections.abc import Collection, Mapping

from bot.errors import Refused
from bot.folding import narrow
from bot.language.secret_like import masked
from bot.language.text import clean
from bot.model import Source
from bot.redaction import Redactor
from bot.reply import Note, Words, line, say

_MESSAGE = say(
    "What is typed stays readable in Slack: delete the message, and change the password, or have a "
    "new session made."
)
_NO_MESSAGE = say(
    "A slash command leaves no message in the channel. Enter secrets only in the form fields that "
    "ask for them."
)
_READABLE = say(
    "What is typed stays readable in Slack: delete the message and change the password or key."
)
_AT_FIELD = say("This contains a password or a session that I know. Leave it out.")


def refuse_known_secret(redactor: Redactor, line: str, source: Source) -> None:
    """Raise Refused for a line that holds a known secret, as typed or as it would be read."""
    cleaned = clean(line)
    if any(redactor.finds(text) for text in {line, cleaned, narrow(cleaned)}):
        raise Refused(
            say("That line contains a password or a session that I know, so I did not record it."),
            hint=_NO_MESSAGE if source is Source.SLASH else _MESSAGE,
        )


def caution(text: str, source: Source) -> tuple[Note, ...]:
    """What to do about a line that looks as if it held a secret that nobody knows here."""
    if masked(text) == text:
        return ()
    told = say("That looks like a password or a key.")
    return (Note(line(told, " ", _NO_MESSAGE if source is Source.SLASH else _READABLE)),)


def faults(
    redactor: Redactor, values: Mapping[str, str], secret: Collection[str] = ()
) -> dict[str, Words]:
    """What is wrong with a form that repeats a known secret in a field that others can read.

    The fields named `secret` are for secrets; what stands there is known from now on.
    """
    redactor.learn(text.strip() for name, text in values.items() if name in secret)
    return {
        name: _AT_FIELD
        for name, text in values.items()
        if name not in secret and redactor.finds(text)
    }
