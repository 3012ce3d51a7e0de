"""Why something needs approval, where that is not plain from what it is: for its card. Pure."""

from collections.abc import Mapping

from bot.messages.facts import WHY
from bot.model import Fact, ReviewKind
from bot.reply import bold, keep, line, say, sentences
from bot.reviews.policy import Decision


def explained(
    shown: Mapping[str, Fact], decision: Decision, kind: ReviewKind
) -> Mapping[str, Fact]:
    """What is shown, below why: a budget that is spent is named."""
    if not decision.spent or kind is not ReviewKind.APPROVE:
        return shown
    told = (
        line(say("Budget {name} is spent for this month.", name=bold(name)))
        for name in decision.spent
    )
    return {WHY: Fact(keep(sentences(told))), **shown}
