"""What a decision comes to for those whom it concerns, so that two can be compared. Pure."""

from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum

from bot.reviews.beginning import APPROVE_EXPIRES, CONFIRM_EXPIRES
from bot.reviews.policy import Decision, DecisionKind
from bot.reviews.policy_values import People

_RANKS = (DecisionKind.RUN, DecisionKind.CONFIRM, DecisionKind.APPROVE, DecisionKind.DENY)


class Change(StrEnum):
    """Which way a decision changed, for whoever requests."""

    ALLOWED = "becomes allowed"
    DENIED = "becomes denied"
    LESS = "needs less"
    MORE = "needs more"
    OTHER = "changes"


@dataclass(frozen=True, slots=True)
class Outcome:
    """A decision without what cannot matter: its rules, and what no question is asked for."""

    kind: DecisionKind
    why: str = ""
    approvals: int = 0
    denials: int = 1
    self_approval: bool = False
    approvers: frozenset[People] = frozenset()
    reasons: frozenset[str] = frozenset()
    expires: timedelta | None = None
    remind: timedelta | None = None
    type_name: bool = False
    break_glass: bool = False

    @classmethod
    def of(cls, decision: Decision) -> "Outcome":
        """What comes of a decision."""
        kind = decision.kind
        if kind is DecisionKind.DENY:
            return cls(kind, decision.why)
        reasons = frozenset(decision.reasons)
        glass = decision.break_glass and (kind is not DecisionKind.RUN or bool(reasons))
        if kind is DecisionKind.RUN:
            return cls(kind, reasons=reasons, break_glass=glass)
        if kind is DecisionKind.CONFIRM:
            expires = decision.expires or CONFIRM_EXPIRES
            return cls(kind, reasons=reasons, expires=expires, break_glass=glass)
        return cls(
            kind,
            approvals=decision.approvals,
            denials=decision.denials,
            self_approval=decision.self_approval,
            approvers=_narrowest(decision.approvers),
            reasons=reasons,
            expires=decision.expires or APPROVE_EXPIRES,
            remind=decision.remind,
            type_name=decision.type_name,
            break_glass=glass,
        )

    def without_glass(self) -> "Outcome":
        """The same, whether or not the glass may be broken."""
        return replace(self, break_glass=False)

    def is_as_strict_as(self, other: "Outcome") -> bool:
        """Whether nothing is easier for the requester than with the other."""
        if DecisionKind.DENY in {self.kind, other.kind}:
            return self.kind is DecisionKind.DENY
        mine, its = (self.expires or timedelta.max), (other.expires or timedelta.max)
        return (
            _RANKS.index(self.kind) >= _RANKS.index(other.kind)
            and self.approvals >= other.approvals
            and self.reasons >= other.reasons
            and self.type_name >= other.type_name
            and self.break_glass <= other.break_glass
            and (
                other.kind is not DecisionKind.APPROVE
                or (
                    self.denials <= other.denials
                    and self.self_approval <= other.self_approval
                    and _is_narrower(self.approvers, other.approvers)
                )
            )
            and (self.kind is not other.kind or mine <= its)
        )


def change(before: Outcome, after: Outcome) -> Change:
    """Which way it changed. The two differ."""
    was_denied, is_denied = (one.kind is DecisionKind.DENY for one in (before, after))
    if was_denied != is_denied:
        return Change.DENIED if is_denied else Change.ALLOWED
    more, less = after.is_as_strict_as(before), before.is_as_strict_as(after)
    if more == less:
        return Change.OTHER
    return Change.MORE if more else Change.LESS


def _narrowest(approvers: tuple[People, ...]) -> frozenset[People]:
    """The people of whom an approver must be, without whom a narrower one says already."""
    some = {
        People(persons=tuple(sorted(set(p.persons))), groups=tuple(sorted(set(p.groups))))
        for p in approvers
    }
    return frozenset(one for one in some if not any(_holds(one, o) for o in some - {one}))


def _holds(wide: People, narrow: People) -> bool:
    return set(narrow.persons) <= set(wide.persons) and set(narrow.groups) <= set(wide.groups)


def _is_narrower(mine: frozenset[People], its: frozenset[People]) -> bool:
    """Whether whoever fits mine fits its: each of its is as wide as one of mine."""
    return all(any(_holds(wide, narrow) for narrow in mine) for wide in its)
