"""What becomes of requests when one file of rules takes the place of another. Pure and complete.

Each case that either of them can tell apart is decided by both.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from bot.reviews.outcomes import Change, Outcome, change
from bot.reviews.policy import DEFAULTED, Decision, Policy, Request, decide
from bot.reviews.policy_values import Budget
from bot.reviews.rule_arguments import Known
from bot.reviews.worlds import ANY_NODE, ANYBODY, ANYWHERE, Given, requests_about

_DEFAULT = "(default)"


@dataclass(frozen=True, slots=True)
class Difference:
    """One way in which requests are decided otherwise: a request that shows it, and the commands.

    `because` are the rules that are new, gone or other than before.
    """

    change: Change
    example: Request
    before: Decision
    after: Decision
    because: tuple[str, ...]
    commands: tuple[str, ...]

    def beside(self, other: "Difference | None") -> "Difference":
        """Both as one, with the example that says the least."""
        if other is None:
            return self
        plain = min(other, self, key=lambda one: _length(one.example))
        return replace(plain, commands=tuple(dict.fromkeys((*other.commands, *self.commands))))


def _length(asked: Request) -> int:
    named = (asked.person != ANYBODY, asked.channel != ANYWHERE, asked.node not in {"", ANY_NODE})
    return (
        sum(named) + len(asked.over) + len(asked.groups) + len(asked.arguments) + bool(asked.task)
    )


def differences(old: Policy, new: Policy, known: Known) -> list[Difference]:
    """All of them, what becomes allowed first. Raises TooManyGroups."""
    changed = _changed(old, new)

    def can_differ(left: Sequence[Policy]) -> bool:
        """Whether anything that is not the same in both can count."""
        return _DEFAULT in changed or any(r.name in changed for one in left for r in one.rules)

    found: dict[object, Difference] = {}
    for command, guarded in known.items():
        if guarded.is_free:
            continue
        about = requests_about((old, new), command, guarded, Given(), matters=can_differ)
        for asked, (of_old, of_new) in about:
            before, after = decide(of_old, asked), decide(of_new, asked)
            ends = Outcome.of(before), Outcome.of(after)
            if ends[0] == ends[1]:
                continue
            because = tuple(n for n in dict.fromkeys((*before.rules, *after.rules)) if n in changed)
            one = Difference(change(*ends), asked, before, after, because, (command,))
            found[ends, because] = one.beside(found.get((ends, because)))
    order = list(Change)
    return sorted(found.values(), key=lambda one: order.index(one.change))


def _changed(old: Policy, new: Policy) -> set[str]:
    """The names of the rules that are not the same in both, the defaults among them."""
    former, present = ({rule.name: rule for rule in one.rules} for one in (old, new))
    names = {n for n in {*former, *present} if former.get(n) != present.get(n)}
    if any(getattr(old.defaults, name) != getattr(new.defaults, name) for name in DEFAULTED):
        names.add(_DEFAULT)
    return names


def other_settings(old: Policy, new: Policy) -> Iterator[tuple[str, object, object]]:
    """What is set otherwise beside rules and defaults: its name, before, after."""
    for section in Policy.model_fields:
        if section == "budget":
            former, present = ({one.name: one for one in some} for some in (old.budget, new.budget))
            for name in dict.fromkeys((*former, *present)):
                if former.get(name) != present.get(name):
                    yield f"budget {name}", _limit(former.get(name)), _limit(present.get(name))
            continue
        if section in {"rule", "defaults", "test"}:
            continue
        before, after = getattr(old, section), getattr(new, section)
        for name in type(before).model_fields:
            if (was := getattr(before, name)) != (now := getattr(after, name)):
                yield f"{section}.{name}", was, now


def _limit(budget: Budget | None) -> str:
    if budget is None:
        return "none"
    amount = f"{budget.usd} USD" if budget.usd is not None else f"{budget.dbc} DBC"
    return f"{amount} a month, told at {budget.warn} %"
