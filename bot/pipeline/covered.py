"""What a review covers, and what may run without one. No I/O."""

from collections.abc import Mapping

from bot.errors import Refused
from bot.language.table import Command
from bot.messages.facts import differences
from bot.model import Approval, Execution, Fact
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
            "The record of what was shown for this approval is damaged.",
            hint="Nothing was done. Request it again.",
        )
    if refusal := against(approval, execution, decision):
        raise refusal
    changed = ["what was asked"] if approval.binding != binding(execution) else []
    changed += differences(command.kinds, approval.shown, now)
    if changed:
        raise Refused(
            f"Changed since it was shown: {'; '.join(changed)}.",
            hint="Nothing was done. Ask again.",
        )


def require_glass(decision: Decision) -> None:
    """Raise Refused where what nobody approved needs approval by the rules."""
    if decision.kind is DecisionKind.APPROVE and not decision.break_glass:
        raise Refused("The rules do not let you break the glass for this.")
