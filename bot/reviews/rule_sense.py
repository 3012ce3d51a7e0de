"""Finds rules that look as if they guarded something and do not. Pure.

What is found stops the start: nobody looks at a rule again that seems to be in force.
"""

import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from bot.folding import fold
from bot.model import Effect
from bot.reviews import patterns
from bot.reviews.policy import DEFAULTED, EFFECTS, OF_BUDGETS, Policy, Review, Rule
from bot.reviews.policy_values import People
from bot.reviews.rule_arguments import Known

Fault = tuple[tuple[int | str, ...], str]  # where it stands, and a whole sentence

_SAYS = tuple(name for name in Review.model_fields if name != "approvals")
# What counts only where somebody else approves.
_OF_APPROVALS = (
    "approvers", "denials", "self_approval", "remind", "type_name",
)  # fmt: skip
_OF_QUESTIONS = ("expires",)


@dataclass(frozen=True, slots=True)
class _Reach:
    """What a rule can ever be about: commands, each with the effects that it then has."""

    effects: Mapping[str, frozenset[Effect]]

    @classmethod
    def of(cls, rule: Rule, known: Known) -> "_Reach":
        wanted = {EFFECTS[name] for name in rule.match.effect} or set(Effect)
        return cls(
            {
                command: effects
                for command, guarded in known.items()
                if _is_named(rule, command)
                and not guarded.is_free
                and (guarded.has_node or not rule.match.node or guarded.lists_nodes)
                and (effects := guarded.effects_with(rule.match.arguments) & wanted)
            }
        )

    def changing(self) -> "_Reach":
        """The same without what only reads."""
        rest = {command: effects - {Effect.READ} for command, effects in self.effects.items()}
        return _Reach({command: effects for command, effects in rest.items() if effects})

    def meets(self, other: "_Reach") -> bool:
        """Whether something is in both."""
        return any(
            effects & other.effects.get(command, frozenset())
            for command, effects in self.effects.items()
        )


def _is_invisible(text: str) -> bool:
    return all(unicodedata.category(char)[0] in "ZC" for char in text)


def _speaks(review: Review, name: str) -> bool:
    """Whether a review says something by this key; to forbid what another one allows is much."""
    said = getattr(review, name)
    return said is not None and (said is not False or name == "self_approval")


def _is_named(rule: Rule, command: str) -> bool:
    return not rule.match.command or any(fnmatchcase(command, one) for one in rule.match.command)


def alone(number: int, rule: Rule, known: Known) -> Iterator[Fault]:
    """What guards nothing in one rule, whatever the others say."""
    found = list(_of_rule(rule))
    if known:
        found += _of_match(rule, _Reach.of(rule, known), known)
    for key, told in found:
        yield ("rule", number, key), told


def together(policy: Policy, known: Known) -> Iterator[Fault]:
    """What counts for nothing beside all the others, in the rules and in the defaults."""
    reaches = [(rule, _Reach.of(rule, known).changing()) for rule in policy.rule if not rule.deny]
    for number, rule in enumerate(policy.rule):
        others = [(one, reach) for one, reach in reaches if _may_coincide(rule, one)]
        reach = _Reach.of(rule, known).changing()
        if reach.effects and not rule.deny:
            for key, told in _moot(rule, reach, others, policy):
                yield ("rule", number, key), told
    yield from _of_budgets(policy)
    for name in DEFAULTED:
        review: Review = getattr(policy.defaults, name)
        reach = _Reach({command: frozenset({EFFECTS[name]}) for command in known})
        if known:
            for key, told in _moot(review, reach, reaches, policy):
                yield ("defaults", name, key), told
        for key, told in _of_review(review):
            yield ("defaults", name, key), told


def _of_budgets(policy: Policy) -> Iterator[Fault]:
    """Budgets of nobody, of no amount, of one name; and rules about budgets that there are not."""
    seen: set[str] = set()
    for number, budget in enumerate(policy.budget):
        place: tuple[int | str, ...] = ("budget", number, "name")
        if not budget.person and not budget.channel:
            yield place, f"the budget “{budget.name}” needs a `person` or a `channel`."
        if (budget.usd is None) == (budget.dbc is None):
            yield place, f"the budget “{budget.name}” needs either `usd` or `dbc`."
        if _is_invisible(budget.name):
            yield place, "`name` must not be empty."
        if fold(budget.name) in seen:
            yield place, f"two budgets are called “{budget.name}”."
        seen.add(fold(budget.name))
    known = {budget.name for budget in policy.budget}
    for number, rule in enumerate(policy.rule):
        for one in rule.match.over:
            if one not in known:
                yield ("rule", number, "over"), f"there is no budget “{one}”."


def _of_rule(rule: Rule) -> Iterator[tuple[str, str]]:
    """What contradicts itself, or says nothing."""
    if _is_invisible(rule.name):
        yield "name", "`name` must not be empty."
    if fold(rule.name).strip().startswith(OF_BUDGETS):
        yield "name", f"`name` must not begin with “{OF_BUDGETS}”, like the rules of budgets."
    says = [name for name in _SAYS if _speaks(rule, name)]
    says += ["approvals"] * (rule.approvals > 0)
    if "deny" in rule.model_fields_set and _is_invisible(rule.deny):
        yield "deny", "`deny` must not be empty: it is the sentence that people are told."
    elif rule.deny and says:
        listed = ", ".join(f"`{name}`" for name in sorted(says))
        yield "deny", f"beside `deny` nothing else counts: leave out {listed}, or make two rules."
    elif not rule.deny and not says:
        yield "match", "the rule demands nothing: it has neither `deny` nor what a review needs."
    if not rule.deny:
        yield from _of_review(rule)
    for name in rule.match.model_fields_set:
        if getattr(rule.match, name) in ((), {}):
            yield name, f"`{name}` must not be empty: leave it out where it does not matter."


def _of_review(review: Review) -> Iterator[tuple[str, str]]:
    some = review.approvers
    if review.approvals and review.confirm:
        yield "confirm", "`confirm` counts for nothing beside `approvals`."
    if some is not None and not some.persons and not some.groups:
        yield "approvers", "`approvers` names nobody, so nothing could be approved: say `deny`."
    if review.remind and review.expires and review.remind >= review.expires:
        yield "remind", "`remind` comes only after `expires`, so nobody would be reminded."
    if review.reason == "":
        yield "reason", '`reason` must not be empty: say "." for any reason.'
    elif review.reason and patterns.is_found(review.reason, ""):
        yield "reason", '`reason` is content with an empty text: say "." for any reason.'


def _of_match(rule: Rule, reach: _Reach, known: Known) -> Iterator[tuple[str, str]]:
    """What of `match` can never hold, or holds only where the rest of the rule means nothing."""
    counts = reach if rule.deny else reach.changing()
    for pattern in rule.match.command:
        fitting = [command for command in known if fnmatchcase(command, pattern)]
        if not any(command in counts.effects for command in fitting):
            yield "command", f"“{pattern}” {_why_not(rule, fitting, reach, known)}"
    for name in rule.match.effect:
        if any(EFFECTS[name] in effects for effects in counts.effects.values()):
            continue
        if name == "read" and not rule.deny:
            yield "effect", "what only reads can be denied, not reviewed."
        else:
            yield "effect", f"nothing that this rule is about is ever to {name}."
    if not rule.match.command and not rule.match.effect and not counts.effects:
        yield "match", f"`match` {_why_not(rule, list(known), reach, known)}"


def _why_not(rule: Rule, fitting: Sequence[str], reach: _Reach, known: Known) -> str:
    if all(known[command].is_free for command in fitting):
        return "needs nobody's leave, so the rule would guard nothing."
    if any(command in reach.effects for command in fitting):
        return "only reads, which can be denied, not reviewed."
    if rule.match.node and not any(
        known[command].has_node or known[command].lists_nodes for command in fitting
    ):
        return "is about no node, so the rule would guard nothing."
    if not any(known[command].effects_with(rule.match.arguments) for command in fitting):
        return "can never have these `arguments`, so the rule would guard nothing."
    return f"is never to {' or '.join(rule.match.effect)}, so the rule would guard nothing."


def _may_coincide(one: Rule, other: Rule) -> bool:
    """Whether both may count for one request, as far as ids tell."""
    for name in ("node", "channel", "person"):
        mine, its = getattr(one.match, name), getattr(other.match, name)
        if mine and its and not set(mine) & set(its):
            return False
    return not other.deny


def _moot(
    review: Review, reach: _Reach, others: Sequence[tuple[Rule, _Reach]], policy: Policy
) -> Iterator[tuple[str, str]]:
    """What a review says about approvals or questions where none is ever needed."""
    standing = [
        getattr(policy.defaults, name)
        for name in DEFAULTED
        if any(EFFECTS[name] in effects for effects in reach.effects.values())
    ]
    reviews = [review, *standing, *(rule for rule, its in others if reach.meets(its))]
    yield from _against_nothing(review, standing, reviews)
    if not any(one.approvals for one in reviews):
        for name in _OF_APPROVALS:
            if _speaks(review, name):
                yield name, f"`{name}` counts only where approvals are needed: say `approvals`."
        if not any(one.confirm for one in reviews):
            for name in _OF_QUESTIONS:
                if getattr(review, name) is not None:
                    yield name, f"`{name}` counts only where something is asked: say `approvals`."
    if review.break_glass is not None and not any(
        one.approvals or one.confirm or one.reason for one in reviews
    ):
        yield "break_glass", "`break_glass` counts only where something stands in the way."


def _against_nothing(
    review: Review, standing: Sequence[Review], reviews: Sequence[Review]
) -> Iterator[tuple[str, str]]:
    """What a review forbids that nobody allows, or asks for where more is asked for anyway."""
    if review.confirm and not review.approvals and standing and all(s.approvals for s in standing):
        yield "confirm", "`confirm` counts for nothing: approvals are needed by default."
    if review.self_approval is False and not any(one.self_approval for one in reviews):
        yield "self_approval", "`self_approval = false` counts for nothing: no rule allows it."
    glass = [one.break_glass for one in reviews if one.break_glass is not None]
    if review.break_glass == People() and not any(some != People() for some in glass):
        yield "break_glass", "`break_glass = {}` counts for nothing: no rule lets anybody."
