"""What a review covers, and what may run without one. No I/O."""

from collections.abc import Mapping

from bot.errors import Refused
from bot.language.table import Command
from bot.messages.facts import differences
from bot.model import Approval, Execution, Fact
from bot.reply import Words, apart, as_phrase, say, sentences
from bot.reviews.policy import Decision, DecisionKind
from bot.reviews.reviewers import binding
from bot.reviews.stricter import against


def require_covered(
    command: Command,
    approval: Approval,
    execution: Execution,
    decision: Decision,
    now: Mapping[str, Fact],
) -> None:
    """An approval covers exactly what was shown, by the rules that hold now. Raises Refused."""
    if approval.is_unreadable:
        raise Refused(
            say("The record of what was shown for this approval is damaged."),
            hint=say("Nothing was done. Request it again."),
        )
    if refusal := against(approval, execution, decision):
        raise refusal
    found = differences(command.kinds, approval.shown, now)
    changes: list[Words] = (
        [say("what was requested")] if approval.binding != binding(execution) else []
    )
    changes += found.changes
    changed = say("Changed since it was shown: {changes}.", changes=apart(changes))
    if told := sentences((changed if changes else "", *found.unreadable)):
        raise Refused(as_phrase(told), hint=say("Nothing was done. Request it again."))


def require_glass(decision: Decision) -> None:
    """Raise Refused where what nobody approved needs approval by the rules."""
    if decision.kind is DecisionKind.APPROVE and not decision.break_glass:
        raise Refused(say("The rules do not let you break the glass for this."))
