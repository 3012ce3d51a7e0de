"""What a review covers, and what may run without one. No I/O."""

from collections.abc import Mapping, Sequence

from bot.errors import ONCE_MORE, Passing, Refused
from bot.ids import UserId
from bot.language.table import Command
from bot.messages.cards import people_line
from bot.messages.facts import Differences, differences
from bot.model import Approval, Execution, Fact
from bot.reply import Words, apart, as_phrase, say, sentences
from bot.reviews.beginning import binding
from bot.reviews.policy import Decision, DecisionKind
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
        raise Passing(
            say("The record of what was shown for this approval is damaged."),
            hint=ONCE_MORE,
        )
    if refusal := against(approval, execution, decision):
        raise refusal
    changes = [say("what was requested")] if approval.binding != binding(execution) else []
    _require_same(differences(command.kinds, approval.shown, now), changes)


def require_shown(command: Command, approval: Approval, now: Mapping[str, Fact]) -> None:
    """Raise Refused unless these facts are as the approval has shown them."""
    shown = {key: fact for key, fact in approval.shown.items() if key in now}
    _require_same(differences(command.kinds, shown, now), ())


def _require_same(found: Differences, others: Sequence[Words]) -> None:
    changes = [*others, *found.changes]
    changed = say("Changed since it was shown: {changes}.", changes=apart(changes))
    if told := sentences((changed if changes else "", *found.unreadable)):
        raise Passing(as_phrase(told), hint=ONCE_MORE)


def may_be_broken(decision: Decision) -> bool:
    """Whether the rules name somebody who may break the glass."""
    glass = decision.glass
    return bool(glass) and all(people.persons or people.groups for people in glass)


def require_glass(decision: Decision) -> None:
    """Raise Refused where what nobody approved needs approval by the rules."""
    if decision.kind is DecisionKind.APPROVE and not decision.break_glass:
        raise no_glass(decision)


def no_glass(decision: Decision) -> Refused:
    """The refusal to who may not break the glass; it names who may."""
    if not may_be_broken(decision):
        return Refused(say("The rules let nobody break the glass for this."))
    sets = [frozenset(people.persons) for people in decision.glass]
    persons = [UserId(one) for one in sorted(frozenset.intersection(*sets))] if sets else []
    hint: Words = say("Some user groups may.")
    if persons:
        hint = say("{people} may.", people=people_line(persons))
    return Refused(say("The rules do not let you break the glass for this."), hint=hint)
