"""Finds rules under which nobody could do something at all, for whoever wrote them. Pure.

Such a file is taken, for it may be meant; but it is named at start, and people are told why.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from bot.ids import ChannelId, NodeId, UserId
from bot.model import Effect
from bot.plural import counted
from bot.reviews.policy import DEFAULTED, Decision, DecisionKind, Policy, Request, decide
from bot.reviews.rule_arguments import Guarded, Known

_NOBODY = "people entitled to the node"


def lockouts(policy: Policy, known: Known) -> list[str]:
    """What nobody can do, with the rules that say so, in whole sentences."""
    standing = [getattr(policy.defaults, effect) for effect in DEFAULTED]
    if not any(one.approvals for one in (*standing, *policy.rules)) and not any(
        rule.deny for rule in policy.rules
    ):
        return []
    stuck: dict[str, list[str]] = {}
    for command, guarded in known.items():
        for why in dict.fromkeys(_stuck(policy, command, guarded)):
            stuck.setdefault(why, []).append(command.replace(".", " "))
    return [f"Nobody can do {_listed(some)}: {why}" for why, some in stuck.items()]


def _listed(commands: list[str]) -> str:
    return ", ".join(f"“{one}”" for one in commands)


def _stuck(policy: Policy, command: str, guarded: Guarded) -> Iterator[str]:
    for effect in sorted(guarded.effects({}) - {Effect.READ}):
        requests = _requests(policy, Request(UserId(""), ChannelId(""), command, effect, {}))
        decided = [(asked, decide(policy, asked)) for asked in requests]
        for asked, decision in decided:
            if decision.kind is DecisionKind.APPROVE and (
                why := no_approver(decision, guarded, asked.person)
            ):
                yield f"{why} ({_by(decision)})."
        _, decision = decided[0]  # where no condition holds
        if decision.kind is DecisionKind.DENY and guarded.begins:
            yield f"it is denied to everybody ({_by(decision)})."


def _requests(policy: Policy, asked: Request) -> Iterator[Request]:
    """One that no condition holds for, and for each rule one that it is about."""
    yield asked
    for rule in policy.rules:
        match = rule.match
        if not rule.deny:
            yield replace(
                asked,
                node=NodeId(next(iter(match.node), "")),
                channel=ChannelId(next(iter(match.channel), "")),
                person=UserId(next(iter(match.person), "")),
                groups=frozenset(match.group),
                over=frozenset(match.over),
                arguments=_given(match.arguments),
            )


def _given(wanted: Mapping[str, object]) -> dict[str, str]:
    return {name: str(value).lower() for name, value in wanted.items()}


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
