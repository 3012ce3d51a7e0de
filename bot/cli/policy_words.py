"""What the rules decide, in words for whoever writes them. No Slack, no database."""

from collections.abc import Iterator
from datetime import timedelta

from bot.errors import Refused
from bot.language.args import BREAK_GLASS, REASON
from bot.messages.cards import duration
from bot.plural import counted
from bot.reviews.beginning import APPROVE_EXPIRES, CONFIRM_EXPIRES
from bot.reviews.policy import Decision, DecisionKind, Defaults, Policy, Request, Review
from bot.reviews.policy_values import Budget, People, Strict


def reason_fault(decision: Decision, request: Request) -> str:
    """Why the line as it stands is refused, where it gives no reason or another one."""
    if decision.break_glass and request.arguments.get(BREAK_GLASS):
        return ""
    try:
        decision.check_reason(request.arguments.get(REASON, ""))
    except Refused as refusal:
        return f"{refusal.sentence} With it: {decided(decision)}"
    return ""


def row(name: str, text: str) -> str:
    """One line of an answer."""
    return f"{name:<12}{text}"


def decided(decision: Decision) -> str:
    """What comes of it, in a few words."""
    return {
        DecisionKind.RUN: "runs at once",
        DecisionKind.CONFIRM: "the requester confirms",
        DecisionKind.APPROVE: f"needs {counted(decision.approvals, 'approval')}",
        DecisionKind.DENY: f"denied: {decision.why}",
    }[decision.kind]


def approvers(decision: Decision) -> list[str]:
    """Who may approve; with several, an approver is one of each."""
    own = "the requester counts" if decision.self_approval else "not the requester"
    if not decision.approvers:
        return [f"people entitled to the node; {own}"]
    return [f"{people(some)}; {own}" for some in decision.approvers]


def people(some: People) -> str:
    """Some people by their ids."""
    named = [*some.persons, *(f"members of {group}" for group in some.groups)]
    return ", ".join(named) or "nobody"


def by_table(table: str, some: People) -> str:
    """Who may use what a table of its own is for: no rule counts for that."""
    return f"{people(some)}\n    by [{table}]; nothing else counts, and no approval is needed"


def needs(review: Review) -> str:
    """All that a rule or a default asks for."""
    needed = [counted(review.approvals, "approval")] if review.approvals else []
    if review.confirm and not review.approvals:
        needed.append("the requester confirms")
    if review.approvers is not None:
        needed.append(f"approved by {people(review.approvers)}")
    if review.denials is not None:
        needed.append(f"ended by {counted(review.denials, 'denial')}")
    if review.self_approval is not None:
        needed.append("the requester " + ("counts" if review.self_approval else "does not count"))
    if review.reason:
        needed.append(f"a reason that matches {review.reason}")
    if review.expires:
        needed.append(f"within {duration(review.expires)}")
    if review.remind:
        needed.append(f"reminded after {duration(review.remind)}")
    if review.type_name:
        needed.append("the machine's description or id typed")
    if review.break_glass is not None:
        needed.append(f"glass broken by {people(review.break_glass)}")
    return ", ".join(needed) or "nothing"


def told_budget(budget: Budget) -> str:
    """What a budget allows, of what, and what it asks for once it is spent."""
    amount = f"{budget.usd} USD" if budget.usd is not None else f"{budget.dbc} DBC"
    made = [f"by {' or '.join(budget.person)}"] if budget.person else []
    made += [f"in {' or '.join(budget.channel)}"] if budget.channel else []
    return (
        f"Budget “{budget.name}”\n  {amount} a month for machines made {' '.join(made)}\n"
        f"  told at {budget.warn} %; once it is spent, what makes cost grow needs "
        f"{counted(budget.approvals, 'approval')}."
    )


def told_tables(rules: Policy) -> Iterator[str]:
    """Each table of the file that is neither a rule nor a default, with all that it can hold."""
    for table, values in rules:
        if isinstance(values, Strict) and not isinstance(values, Defaults):
            yield "\n".join([f"[{table}]", *(f"  {name}: {held(value)}" for name, value in values)])


def held(value: object) -> str:
    """A value of a table."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, timedelta):
        return str(duration(value))
    if isinstance(value, People):
        return people(value)
    return "none" if value in {None, ""} else str(value)


def joined(value: object) -> str:
    """A condition's value."""
    if isinstance(value, dict):
        return ", ".join(f"{name}={given}" for name, given in value.items())
    if isinstance(value, list | tuple):
        return " or ".join(map(str, value))
    return str(value)


def in_full(decision: Decision) -> str:
    """What comes of it, with all that a question would ask for."""
    parts = [decided(decision)]
    if decision.kind is DecisionKind.DENY:
        return parts[0]
    if decision.kind is DecisionKind.APPROVE:
        parts += [f"by {one}" for one in approvers(decision)]
        if decision.denials > 1:
            parts.append(f"ended by {counted(decision.denials, 'denial')}")
        if decision.type_name:
            parts.append("an approver types the machine's description or id")
    parts += [f"a reason that matches {pattern}" for pattern in decision.reasons]
    if decision.kind is not DecisionKind.RUN:
        usual = APPROVE_EXPIRES if decision.kind is DecisionKind.APPROVE else CONFIRM_EXPIRES
        parts.append(f"within {duration(decision.expires or usual)}")
    if decision.kind is DecisionKind.APPROVE and decision.remind:
        parts.append(f"reminded after {duration(decision.remind)}")
    return "; ".join(parts)
