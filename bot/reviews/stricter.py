"""What the rules in force demand more than those under which something was requested. Pure."""

from collections.abc import Callable, Mapping

from bot.errors import ONCE_MORE, Passing, Refused
from bot.messages.cards import duration
from bot.model import Approval, Execution, ReviewKind, Terms
from bot.reply import Phrase, Words, as_phrase, listed, say, say_number
from bot.reviews.policy import OF_BUDGETS, Decision, DecisionKind
from bot.reviews.reviewers import since_requested


def against(approval: Approval, execution: Execution, decision: Decision) -> Refused | None:
    """Why nothing can come of a review by the rules in force; None where something still can."""
    try:
        require_allowed(execution, decision)
    except Refused as refusal:
        return since_requested(refusal)
    if approval.kind is ReviewKind.CONFIRM and decision.kind is DecisionKind.APPROVE:
        return Passing(
            say_number(
                "What the rules require has changed since this was requested: it now needs "
                "{number} approval ({by}).",
                "What the rules require has changed since this was requested: it now needs "
                "{number} approvals ({by}).",
                decision.approvals,
                by=_by(decision, "approvals"),
            ),
            hint=ONCE_MORE,
        )
    return None


def require_allowed(execution: Execution, decision: Decision) -> None:
    """Raise Refused for a denial, or a reason that does not do."""
    if decision.kind is DecisionKind.DENY:
        raise Refused(decision.why)
    # What breaks the glass is a reason itself; at night nobody opens a ticket first.
    if not (decision.break_glass and execution.arguments.get("break_glass")):
        decision.check_reason(execution.arguments.get("reason", ""))


def changed(approval: Approval, decision: Decision, terms: Terms) -> dict[str, Words]:
    """What of the terms is stricter than the review was, by key, and which rules say so."""
    stricter = terms.stricter_than(approval)
    told: Mapping[str, Callable[[Phrase], Phrase]] = {
        "approvals": lambda by: say_number(
            "it now needs {number} approval ({by})",
            "it now needs {number} approvals ({by})",
            terms.needed,
            by=by,
        ),
        "type_name": lambda by: say("approvers must now type what it is about ({by})", by=by),
        "denials": lambda by: say_number(
            "{number} denial now ends it ({by})",
            "{number} denials now end it ({by})",
            terms.denials,
            by=by,
        ),
        "self_approval": lambda by: say("the requester can no longer approve it ({by})", by=by),
        "expires": lambda by: say(
            "it now expires {duration} after the request ({by})",
            duration=duration(terms.expires_at - approval.created_at),
            by=by,
        ),
    }
    return {key: words(_by(decision, key)) for key, words in told.items() if key in stricter}


def untyped() -> Refused:
    """Why an approval does not count whose form the rules have demanded only since."""
    return Refused(
        say("Approvers must now type what this is about."),
        hint=say("Press Approve on the card again."),
    )


def _by(decision: Decision, key: str) -> Phrase:
    """`rule “two”`: which rules say it; a budget's own rule is told as that budget."""
    names = [name for name in decision.says.get(key, ()) if name != "(default)"]
    budgets = [name for name in names if name.startswith(OF_BUDGETS)]
    rules = [name for name in names if name not in budgets]
    told: list[Phrase] = []
    if rules:
        quoted = listed(say("“{name}”", name=name) for name in rules)
        told.append(say_number("rule {rules}", "rules {rules}", len(rules), rules=quoted))
    told += [
        say("budget {name} is spent", name=name.removeprefix(OF_BUDGETS).strip())
        for name in budgets
    ]
    return as_phrase(listed(told)) if told else say("by default")
