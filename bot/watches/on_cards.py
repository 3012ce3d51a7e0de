"""The card of what is followed: what goes on, or that nobody knows whether anything does. Pure."""

from bot.messages import cards
from bot.messages.cards import subject_of
from bot.model import Execution, Watch
from bot.reply import Part, Reply, Words, apart
from bot.services.words import Words as Spoken
from bot.watches import put_back


def followed(
    execution: Execution, watch: Watch, spoken: Spoken, node_label: str, detail: Words, *parts: Part
) -> Reply:
    """What goes on. In doubt, what was requested, not as if it went on."""
    subject = subject_of(watch, node_label)
    if execution.put_back or not is_in_doubt(watch, spoken):
        return cards.progress(execution, subject, spoken.doing, detail, *parts)
    return cards.running(execution, cards.doing(spoken.called, subject), detail, *parts)


def looked_at(
    execution: Execution, watch: Watch, spoken: Spoken, node_label: str, seen: Words, *parts: Part
) -> Reply:
    """The same after a look that has shown `seen`, which proves nothing of what is in doubt."""
    if is_in_doubt(watch, spoken):
        seen = apart((put_back.in_doubt(execution), seen))
    return followed(execution, watch, spoken, node_label, seen, *parts)


def is_in_doubt(watch: Watch, spoken: Spoken) -> bool:
    """Whether nothing has shown so far that the command was ever carried out."""
    return watch.unsure and not watch.moved and not spoken.only_looks
