"""Finds rules under which nobody could do something at all, for whoever wrote them. Pure.

Such a file is taken, for it may be meant; but it is named at start, and people are told why.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial

from bot.ids import ChannelId, NodeId, TaskId, UserId
from bot.model import Effect
from bot.plural import counted
from bot.reviews.policy import (
    DEFAULTED,
    Decision,
    DecisionKind,
    Policy,
    Request,
    Review,
    Rule,
    decide,
    decide_by,
)
from bot.reviews.policy_values import People
from bot.reviews.rule_arguments import Guarded, Known, called
from bot.reviews.rule_sets import Condition, RuleSets, bits

_NOBODY = "people entitled to the node"


def lockouts(policy: Policy, known: Known) -> list[str]:
    """What nobody can do, with the rules that say so, in whole sentences.

    Looked at are a request that no condition holds for and, for each rule, one that it is about.
    """
    standing = [getattr(policy.defaults, effect) for effect in DEFAULTED]
    if not any(one.approvals for one in (*standing, *policy.rules)) and not any(
        rule.deny for rule in policy.rules
    ):
        return []
    search = _Search(policy)
    stuck: dict[str, list[str]] = {}
    for command, guarded in known.items():
        if not guarded.is_free:
            for why in dict.fromkeys(search.stuck(command, guarded)):
                stuck.setdefault(why, []).append(command.replace(".", " "))
    return [f"Nobody can do {_listed(some)}: {why}" for why, some in stuck.items()]


def unapproved(policy: Policy, known: Known) -> list[str]:
    """What destroys and needs nobody's approval, because the defaults were told so."""
    nothing, found = Request(UserId(""), ChannelId(""), "", Effect.READ, {}), []
    for command, guarded in known.items():
        if not guarded.is_free and Effect.DESTROY in guarded.effects({}):
            decision = decide(policy, asked(nothing, command, guarded, Effect.DESTROY))
            if decision.kind in {DecisionKind.RUN, DecisionKind.CONFIRM}:
                found.append(command.replace(".", " "))
    if not found or policy.defaults.destroy.approvals:
        return []
    return [
        f"Nobody has to approve {_listed(found)}: `destroy` in `[defaults]` has no `approvals`."
    ]


def _listed(commands: list[str]) -> str:
    return ", ".join(f"“{one}”" for one in commands)


def examples(policy: Policy) -> list[Request]:
    """What is looked at, each once: of no command yet, with the arguments as the rules call them.

    The first is the one that no condition holds for.
    """
    nothing = Request(UserId(""), ChannelId(""), "", Effect.READ, {})
    found = {_key(nothing): nothing}
    for rule in policy.rules:
        match = rule.match
        if not rule.deny:
            one = replace(
                nothing,
                node=NodeId(next(iter(match.node), "")),
                channel=ChannelId(next(iter(match.channel), "")),
                person=UserId(next(iter(match.person), "")),
                groups=frozenset(match.group),
                over=frozenset(match.over),
                arguments={name: str(value).lower() for name, value in match.arguments.items()},
            )
            found.setdefault(_key(one), one)
    return list(found.values())


def _key(one: Request) -> tuple[object, ...]:
    return one.node, one.channel, one.person, one.groups, one.over, tuple(one.arguments.items())


def asked(example: Request, command: str, guarded: Guarded, effect: Effect) -> Request:
    """The example, asked of one command: without the arguments that this one does not take."""
    given: dict[str, str] = {}
    task = ""
    for name, text in example.arguments.items():
        argument = called(name, guarded.arguments)
        if argument is not None and argument.is_machine:
            task = text
        elif argument is not None:
            given[argument.name] = text
    return replace(example, command=command, effect=effect, arguments=given, task=TaskId(task))


class _Search:
    """Goes through the examples for one command after the other."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._sets = sets = RuleSets(policy.rules)
        self._examples = [(one, sets.around(one)) for one in examples(policy)]
        self._denying = sets.where(bool(rule.deny) for rule in policy.rules)
        self._approvals = Approvals(policy.rules)

    def stuck(self, command: str, guarded: Guarded) -> Iterator[str]:
        """Why nobody can ever have a command done."""
        about = self._sets.about(command, guarded)
        for effect in sorted(guarded.effects({}) - {Effect.READ}):
            standing = getattr(self._policy.defaults, effect.name.lower())
            for number, (example, around) in enumerate(self._examples):
                asking = partial(asked, example, command, guarded, effect)
                counting = about.counting(effect, around, asking)
                if counting & self._denying:
                    if guarded.begins and not number:  # where no condition holds
                        decision = self._decided(asking(), counting)
                        yield f"it is denied to everybody ({_by(decision)})."
                elif not self._approvals.suffice(counting, standing, guarded, example.person):
                    decision = self._decided(asking(), counting)
                    why = no_approver(decision, guarded, example.person)
                    yield f"{why} ({_by(decision)})."

    def _decided(self, request: Request, counting: int) -> Decision:
        rules = self._policy.rules
        return decide_by(self._policy, [rules[number] for number in bits(counting)], request)


class Approvals:
    """What rules say of who may approve, as sets of them: whether enough people ever could."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        where = RuleSets.where
        self._people: list[People] = [rule.approvers or People() for rule in rules]
        self._wanting = [
            (most, where(rule.approvals == most for rule in rules))
            for most in sorted({rule.approvals for rule in rules}, reverse=True)
        ]
        self._naming = where(rule.approvers is not None for rule in rules)
        self._naming_groups = where(bool(people.groups) for people in self._people)
        self._letting = where(rule.self_approval is True for rule in rules)
        self._forbidding = where(rule.self_approval is False for rule in rules)
        self._naming_person = Condition([people.persons for people in self._people])

    def suffice(self, counting: int, standing: Review, guarded: Guarded, person: UserId) -> bool:
        """Whether those who may approve are enough, or none is needed: as `no_approver` says.

        `counting` are the rules that count beside the default, none of which denies.
        """
        needed = next((most for most, some in self._wanting if counting & some), 0)
        needed = max(needed, standing.approvals)
        people = standing.approvers
        naming = counting & self._naming
        if not needed or counting & self._naming_groups or (people and people.groups):
            return True
        if people is None and not naming:
            return guarded.has_node and not guarded.begins
        if people is None:
            people = self._people[next(bits(naming))]
        named = {one for one in people.persons if not naming & ~self._naming_person.named(one)}
        if not self._may_approve_own(counting, standing):
            named.discard(person)
        return len(named) >= needed

    def _may_approve_own(self, counting: int, standing: Review) -> bool:
        if standing.self_approval is False or counting & self._forbidding:
            return False
        return bool(standing.self_approval or counting & self._letting)


def _by(decision: Decision) -> str:
    return ", ".join(decision.rules)


def no_approver(decision: Decision, guarded: Guarded, person: UserId) -> str:
    """Why nobody can ever approve it for `person`, as far as the rules alone tell; else empty."""
    needed = counted(decision.approvals, "approval")
    if not decision.approvers:
        if guarded.begins:
            return (
                f"it needs {needed} by {_NOBODY}, and nobody is before the first session is added; "
                "name `approvers`"
            )
        if not guarded.has_node:
            return f"it needs {needed} by {_NOBODY}, and it is about no node; name `approvers`"
        return ""
    if any(some.groups for some in decision.approvers):
        return ""
    named = frozenset.intersection(*(frozenset(some.persons) for some in decision.approvers))
    if not decision.self_approval:
        named -= {person}
    if len(named) >= decision.approvals:
        return ""
    who = f"only {', '.join(sorted(named))} could give one" if named else "the rules name nobody"
    return f"it needs {needed}, and {who}"
