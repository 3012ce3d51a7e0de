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
from bot.reviews.rule_sets import RuleSets

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

    def pairs(self) -> Iterator[tuple[str, Effect]]:
        """Each command with each of its effects."""
        return ((command, one) for command, some in self.effects.items() for one in some)

    def changing(self) -> "_Reach":
        """The same without what only reads."""
        rest = {command: effects - {Effect.READ} for command, effects in self.effects.items()}
        return _Reach({command: effects for command, effects in rest.items() if effects})


class Reaches:
    """What rules can ever be about, among all commands there are; found once for rules alike."""

    def __init__(self, known: Known) -> None:
        self.known = known
        self._found: dict[tuple[object, ...], tuple[_Reach, _Reach]] = {}

    def of(self, rule: Rule) -> tuple[_Reach, _Reach]:
        """All of it, and what of it changes something."""
        match = rule.match
        arguments = frozenset((name, type(one), one) for name, one in match.arguments.items())
        key = match.command, match.effect, bool(match.node), arguments
        if key not in self._found:
            reach = _Reach(dict(self._reached(rule)))
            self._found[key] = reach, reach.changing()
        return self._found[key]

    def _reached(self, rule: Rule) -> Iterator[tuple[str, frozenset[Effect]]]:
        wanted = {EFFECTS[name] for name in rule.match.effect} or set(Effect)
        for command, guarded in self.known.items():
            if guarded.is_free or not _is_named(rule, command):
                continue
            if rule.match.node and not guarded.has_node and not guarded.lists_nodes:
                continue
            if effects := guarded.effects_with(rule.match.arguments) & wanted:
                yield command, effects


def _is_invisible(text: str) -> bool:
    return all(unicodedata.category(char)[0] in "ZC" for char in text)


def _speaks(review: Review, name: str) -> bool:
    """Whether a review says something by this key; to forbid what another one allows is much."""
    said = getattr(review, name)
    return said is not None and (said is not False or name == "self_approval")


def _is_named(rule: Rule, command: str) -> bool:
    return not rule.match.command or any(fnmatchcase(command, one) for one in rule.match.command)


def alone(number: int, rule: Rule, reaches: Reaches) -> Iterator[Fault]:
    """What guards nothing in one rule, whatever the others say."""
    found = list(_of_rule(rule))
    if reaches.known:
        found += _of_match(rule, reaches)
    for key, told in found:
        yield ("rule", number, key), told


def together(policy: Policy, reaches: Reaches) -> Iterator[Fault]:
    """What counts for nothing beside all the others, in the rules and in the defaults."""
    company = _Company(policy, reaches)
    for number, rule in enumerate(policy.rule):
        _, reach = reaches.of(rule)
        if reach.effects and not rule.deny:
            for key, told in _moot(rule, company.of_rule(rule, reach)):
                yield ("rule", number, key), told
    yield from _of_budgets(policy)
    for name in DEFAULTED:
        review: Review = getattr(policy.defaults, name)
        reach = _Reach(dict.fromkeys(reaches.known, frozenset({EFFECTS[name]})))
        if reaches.known:
            for key, told in _moot(review, company.of_default(review, reach)):
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


def _of_match(rule: Rule, reaches: Reaches) -> Iterator[tuple[str, str]]:
    """What of `match` can never hold, or holds only where the rest of the rule means nothing."""
    (reach, changing), known = reaches.of(rule), reaches.known
    counts = reach if rule.deny else changing
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


@dataclass(frozen=True, slots=True)
class _Beside:
    """What a review counts together with: the defaults, and whether any of all these says so."""

    standing: Sequence[Review]
    approvals: bool
    confirm: bool
    reason: bool
    self_approval: bool
    break_glass: bool  # whether somebody may


class _Company:
    """The rules and defaults that may count for one request together with one of them, as sets."""

    def __init__(self, policy: Policy, reaches: Reaches) -> None:
        self._policy = policy
        rules = [rule for rule in policy.rule if not rule.deny]
        self._sets = RuleSets(rules)
        self._met: dict[int, tuple[_Reach, int]] = {}
        self._about: dict[tuple[str, Effect], int] = {}
        alike: dict[int, tuple[_Reach, int]] = {}
        for number, rule in enumerate(rules):
            _, reach = reaches.of(rule)
            alike[id(reach)] = reach, alike.get(id(reach), (reach, 0))[1] | 1 << number
        for reach, some in alike.values():
            for pair in reach.pairs():
                self._about[pair] = self._about.get(pair, 0) | some
        where = RuleSets.where
        self._approvals = where(bool(rule.approvals) for rule in rules)
        self._confirm = where(rule.confirm for rule in rules)
        self._reason = where(bool(rule.reason) for rule in rules)
        self._self_approval = where(bool(rule.self_approval) for rule in rules)
        self._break_glass = where(_lets_somebody(rule) for rule in rules)

    def of_rule(self, rule: Rule, reach: _Reach) -> _Beside:
        """What counts beside a rule that is about this, as far as ids tell."""
        return self._beside(rule, reach, self._sets.beside(rule) & self._meeting(reach))

    def of_default(self, review: Review, reach: _Reach) -> _Beside:
        """What counts beside a default for this."""
        return self._beside(review, reach, self._meeting(reach))

    def _meeting(self, reach: _Reach) -> int:
        """The rules that something of it is about."""
        if id(reach) not in self._met:
            found = 0
            for pair in reach.pairs():
                found |= self._about.get(pair, 0)
            self._met[id(reach)] = reach, found  # kept, so that no other one gets its id
        return self._met[id(reach)][1]

    def _beside(self, review: Review, reach: _Reach, others: int) -> _Beside:
        some = {effect for _, effect in reach.pairs()}
        standing = [
            getattr(self._policy.defaults, name) for name in DEFAULTED if EFFECTS[name] in some
        ]
        own = [review, *standing]
        return _Beside(
            standing,
            approvals=bool(others & self._approvals) or any(one.approvals for one in own),
            confirm=bool(others & self._confirm) or any(one.confirm for one in own),
            reason=bool(others & self._reason) or any(one.reason for one in own),
            self_approval=bool(others & self._self_approval) or any(o.self_approval for o in own),
            break_glass=bool(others & self._break_glass) or any(map(_lets_somebody, own)),
        )


def _lets_somebody(review: Review) -> bool:
    return review.break_glass is not None and review.break_glass.is_anybody


def _moot(review: Review, beside: _Beside) -> Iterator[tuple[str, str]]:
    """What a review says about approvals or questions where none is ever needed."""
    yield from _against_nothing(review, beside)
    if not beside.approvals:
        for name in _OF_APPROVALS:
            if _speaks(review, name):
                yield name, f"`{name}` counts only where approvals are needed: say `approvals`."
        if not beside.confirm:
            for name in _OF_QUESTIONS:
                if getattr(review, name) is not None:
                    yield name, f"`{name}` counts only where something is asked: say `approvals`."
    if review.break_glass is not None and not (beside.approvals or beside.confirm or beside.reason):
        yield "break_glass", "`break_glass` counts only where something stands in the way."


def _against_nothing(review: Review, beside: _Beside) -> Iterator[tuple[str, str]]:
    """What a review forbids that nobody allows, or asks for where more is asked for anyway."""
    is_approved = bool(beside.standing) and all(one.approvals for one in beside.standing)
    if review.confirm and not review.approvals and is_approved:
        yield "confirm", "`confirm` counts for nothing: approvals are needed by default."
    if review.self_approval is False and not beside.self_approval:
        yield "self_approval", "`self_approval = false` counts for nothing: no rule allows it."
    if review.break_glass == People() and not beside.break_glass:
        yield "break_glass", "`break_glass = {}` counts for nothing: no rule lets anybody."
