"""What can go wrong between us and the chain, as classes that own their sentence."""

from typing import ClassVar

from bot.causes import known
from bot.errors import BotError
from bot.reply import Severity, Text, say


class ChainError(BotError):
    """The chain could not be read. Nothing is known by it, good or bad."""

    default_sentence: ClassVar[Text] = say("The chain could not be read.")
    severity = Severity.REFUSED

    def __init__(self, sentence: Text = "", *, why: str = "") -> None:
        super().__init__(
            sentence or self.default_sentence,
            hint=say("What is shown of the chain is as last read."),
        )
        self.why = why  # for the log


class ChainUnreachable(ChainError):
    """No node of the chain answers."""

    default_sentence = say("No node of the chain is responding.")


class ChainUnreadable(ChainError):
    """An answer is not what the chain says."""

    default_sentence = say("A node of the chain gave an answer that cannot be read.")


class Impossible(ChainUnreadable):
    """An answer is none that the chain can give; to ask again changes nothing."""


class MethodUnknown(ChainError):
    """This chain has no such pallet."""


class BlockUnknown(ChainError):
    """A node does not know the block that it is asked about: then it tells nothing of it."""


class ChainStale(ChainError):
    """Every node stands still, is behind, or names blocks that cannot be: none can be trusted."""

    default_sentence = say("The nodes of the chain are behind or stand still.")


class ChainDisagrees(ChainError):
    """Two nodes say different things, and nobody can tell which one is right."""

    default_sentence = say("The nodes of the chain contradict each other.")


class BlockDisputed(ChainDisagrees):
    """Some nodes answer for a block that others do not know."""


# Why a node is not believed, as it is logged; what is not among these comes from outside.
_FAULTS = {
    str(one): one
    for one in (
        say("its final block is newer than its newest"),
        say("its blocks come faster than blocks can"),
        say("its newest block is not of this hour"),
        say("its newest block is of the future"),
        say("its head does not move"),
        say("its finality stands still"),
        say("it is apart from the others"),
        say("the nodes are apart"),
        say("it is too slow"),
        say("it does not know the first block"),
        say("it knows no block yet"),
        say("it names a block that it does not have"),
        say("a stored value is not as expected"),
        say("no header"),
        say("no answer to this request"),
        say("neither result nor error"),
        say("too long"),
    )
}


def said_fault(why: str) -> Text:
    """The reason in the reader's language."""
    return _FAULTS.get(why) or known(why)
