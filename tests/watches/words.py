"""What a verdict says, with the name of the node left open."""

from bot.ids import TaskId
from bot.messages.cards import Subject, under_way
from bot.reply import Phrase, plain
from bot.watches.machine_ends import Verdict

_ANY = Subject("{label}", TaskId(""), "{node}")


def seen_of(found: Verdict) -> str:
    """What was seen of it, without its name: `is off`; nothing where there is nothing to say."""
    told = plain(under_way(_ANY, found.why)) if found.why else ""
    return told.removeprefix("{label} ").removeprefix("on {node} ")


def more_of(found: Verdict) -> str:
    """What is said after it."""
    return plain(under_way(_ANY, found.more) if isinstance(found.more, Phrase) else found.more)
