"""What the rules say before it is known what a request is about. Pure."""

from collections.abc import Collection, Mapping
from fnmatch import fnmatchcase

from bot.ids import ChannelId, UserId
from bot.model import Effect
from bot.reviews import patterns
from bot.reviews.policy import (
    EFFECTS,
    DecisionKind,
    Match,
    Policy,
    Request,
    Review,
    Rule,
    decide,
    is_unruled,
)


def reasons(
    policy: Policy, person: UserId, channel: ChannelId, command: str, effects: Collection[Effect]
) -> Mapping[str, bool]:
    """The patterns that a reason may have to match; of each, whether it surely has to.

    A rule that goes by a node, an argument, a user group or a budget counts only perhaps: these are
    not known while a form is filled in.
    """
    possible = {effect for effect in effects if effect is not Effect.READ}
    if is_unruled(command) or not possible:
        return {}
    found: dict[str, bool] = {}
    standing: list[Review] = [getattr(policy.defaults, e.name.lower()) for e in sorted(possible)]
    for default in standing:
        if default.reason:
            found[default.reason] = len(possible) == 1
    for rule in policy.rule:
        if rule.reason and _may_count(rule, person, channel, command, possible):
            is_sure = _is_sure(rule.match, possible)
            found[rule.reason] = found.get(rule.reason, False) or is_sure
    return found


def surely_denied(policy: Policy, asked: Request) -> str:
    """Why the rules deny this, whoever is in which user group; empty where they may not.

    For what is only offered: nobody has to be asked.
    """
    decision = decide(policy, asked) if any(rule.deny for rule in policy.rule) else None
    return decision.why if decision and decision.kind is DecisionKind.DENY else ""


def unmet(asked: Mapping[str, bool], reason: str) -> Mapping[str, bool]:
    """Those patterns that a reason does not match."""
    return {one: sure for one, sure in asked.items() if not patterns.is_found(one, reason)}


def _may_count(
    rule: Rule, person: UserId, channel: ChannelId, command: str, possible: Collection[Effect]
) -> bool:
    match = rule.match
    return (
        (not match.command or any(fnmatchcase(command, one) for one in match.command))
        and (not match.effect or any(EFFECTS[one] in possible for one in match.effect))
        and (not match.channel or channel in match.channel)
        and (not match.person or person in match.person)
    )


def _is_sure(match: Match, possible: Collection[Effect]) -> bool:
    if match.node or match.group or match.arguments or match.over:
        return False
    return not match.effect or all(e in {EFFECTS[one] for one in match.effect} for e in possible)
