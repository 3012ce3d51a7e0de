"""What can go wrong, as classes that own their sentence.

A failure is raised where it is known and becomes words in one place (`bot.reply.from_error`).
Nothing here knows Slack, SQL or HTTP.
"""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # it takes failures, too
    from bot.reply import Words


class Severity(StrEnum):
    """How a failure is shown and logged."""

    REFUSED = "refused"  # the person asked for something that cannot be: expected, logged as info
    FAILED = "failed"  # it was tried and did not happen
    UNKNOWN = "unknown"  # it was sent and nobody knows: settled by reading, never by sending again


NOTHING_LEARNT: Mapping[str, str] = MappingProxyType({})


class BotError(Exception):
    """A failure with a sentence for the person.

    `sentence` says what was wrong; `hint` what to do about it (may be empty, may name a command);
    `field` names the argument it belongs to, so that a form can show it there. None of them ever
    holds a secret.
    `said` are the other side's own words where they tell more than ours; they come from outside.
    `answer` is a sentence about an answer that left it open whether a change was carried out.
    `may_show_later`: where nobody knows what became of it, a later look may show it.
    `during` is what was being done, where whoever reads it may no longer see what they asked for.
    `learnt` are facts found out before it failed, for whoever settles what is unknown.
    """

    severity = Severity.FAILED
    said = ""
    answer = ""
    may_show_later = True
    during: "Words" = ""
    learnt = NOTHING_LEARNT

    def __init__(self, sentence: str, *, hint: "Words" = "", field: str = "") -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.hint = hint
        self.field = field


class Refused(BotError):
    """Bad input, a missing right, a wrong moment: nothing was sent and nothing has changed."""

    severity = Severity.REFUSED


class Denied(Refused):
    """The site's rules deny it, in their own words."""


class NotFound(Refused):
    """What was named does not exist."""


class Conflict(Refused):
    """What was asked clashes with what is there."""
