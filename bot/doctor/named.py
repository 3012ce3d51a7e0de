"""Whom and what the rules name: people, user groups, channels and nodes, wherever they stand."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from pydantic import BaseModel

from bot.reviews.policy import Policy

_FIELDS = {
    "person": "persons",
    "persons": "persons",
    "group": "groups",
    "groups": "groups",
    "channel": "channels",
    "node": "nodes",
}


@dataclass(frozen=True, slots=True)
class Named:
    """All ids in a file of rules."""

    persons: set[str] = field(default_factory=set)
    groups: set[str] = field(default_factory=set)
    channels: set[str] = field(default_factory=set)
    nodes: set[str] = field(default_factory=set)
    # By the rule's name: who alone may approve, and how many of them have to.
    approvers: dict[str, tuple[frozenset[str], int]] = field(default_factory=dict)


def named_in(policy: Policy) -> Named:
    """What `policy` names."""
    found = Named()
    _gather(policy.model_copy(update={"test": ()}), found)  # a test asks of whom it likes
    for rule in policy.rule:
        some = rule.approvers
        if some is not None and not some.groups:
            found.approvers[rule.name] = (frozenset(some.persons), rule.approvals)
    return found


def _gather(model: BaseModel, found: Named) -> None:
    for name, value in model:
        if isinstance(value, BaseModel):
            _gather(value, found)
        elif isinstance(value, tuple):
            for one in value:
                if isinstance(one, BaseModel):
                    _gather(one, found)
        if name in _FIELDS:
            kept: set[str] = getattr(found, _FIELDS[name])
            kept.update(_texts(value))


def _texts(value: object) -> Iterable[str]:
    if isinstance(value, str):
        return (value,) if value else ()
    return [one for one in value if isinstance(one, str)] if isinstance(value, tuple) else ()
