"""What an execution waits for, and the clicks that decide it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from bot.ids import ApprovalId, ExecutionId, UserId
from bot.model.asked import Place
from bot.reply import Words


class ApprovalStatus(StrEnum):
    """The life of a review. All but the first are ends."""

    PENDING = "pending"
    APPROVED = "approved"
    DENIED = "denied"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    VOID = "void"  # what was shown is no longer what would be done


class ReviewKind(StrEnum):
    """What a review is."""

    CONFIRM = "confirm"  # by the requester
    APPROVE = "approve"  # by others, before the run
    AFTERWARDS = "afterwards"  # by someone else, after glass was broken


@dataclass(frozen=True, slots=True)
class Fact:
    """What a review shows of its target under one key: `text`, as it was read.

    Where it could not be read, `unread` says why, and `text` is what was seen before, if anything.
    """

    text: str = ""
    unread: Words = ""


@dataclass(frozen=True, slots=True)
class Joined:
    """A second request for what a question waits for: whose, when, and why they want it.

    `is_apart`: it was made elsewhere than the first, whose readers do not read the reason.
    """

    user: UserId
    at: datetime
    reason: str = ""
    is_apart: bool = False


@dataclass(frozen=True, slots=True)
class Approval:
    """A review of an execution.

    `binding` is a hash of command, arguments and target as the card showed them; `shown` are the
    facts about the target that it showed, by stable key. Both are compared before the run.
    `reviewer` is the one person who may decide (empty: whoever the policy lets). `needed` approvals
    or `denials` denials end it. `remind_at` is when the next reminder is due. `changed` says in
    words, by key (`approvals`, `expires` …), what the rules demand since they were replaced.
    `joined` are those who have requested the same since, oldest first.
    """

    id: ApprovalId
    execution: ExecutionId
    binding: str
    reviewer: UserId
    created_at: datetime
    expires_at: datetime
    kind: ReviewKind = ReviewKind.CONFIRM
    shown: Mapping[str, Fact] = field(default_factory=dict)
    needed: int = 1
    denials: int = 1
    self_approval: bool = False
    type_name: bool = False
    changed: Mapping[str, Words] = field(default_factory=dict)
    joined: tuple[Joined, ...] = ()
    remind_at: datetime | None = None
    reminders: int = 0
    status: ApprovalStatus = ApprovalStatus.PENDING
    decided_by: UserId = UserId("")
    decided_at: datetime | None = None
    is_unreadable: bool = False


# For Slack to say who clicked, or for another process. What was wanted an hour ago would come as a
# surprise.
CLICK_WAITS = timedelta(hours=1)


class Verdict(StrEnum):
    """What a reviewer says."""

    APPROVE = "approve"
    DENY = "deny"


class VoteState(StrEnum):
    """Whether a click counts: on disk first, looked at then."""

    PENDING = "pending"
    COUNTED = "counted"
    REFUSED = "refused"
    FALLEN = "fallen"  # it counted, until whoever made it lost the right
    WITHDRAWN = "withdrawn"  # by whoever made it


class Uncounted(StrEnum):
    """Why a click does not count, where that is no sentence that its reviewer was told."""

    DECIDED = "decided"  # the review was over
    EXPIRED = "expired"  # it came after the time that the rules give, or gave
    VOTED = "voted"  # by somebody whose click counts already
    UNTYPED = "untyped"  # what it is about was not typed, which the rules demand since


@dataclass(frozen=True, slots=True)
class Vote:
    """One reviewer's click. `key` is the delivery's own id.

    `why` says why it does not count: `Uncounted`, or a sentence.
    """

    key: str
    approval: ApprovalId
    user: UserId
    verdict: Verdict
    at: datetime
    place: Place
    reason: str = ""
    state: VoteState = VoteState.PENDING
    why: str = ""

    def is_late(self, now: datetime) -> bool:
        """Whether it has waited too long to count without a surprise."""
        return now - self.at >= CLICK_WAITS


@dataclass(frozen=True, slots=True)
class Terms:
    """What the rules in force let an open review be, at the most.

    `needed` approvals and `type_name` are what they demand at the least. `changed` says in words,
    by key, what of it is stricter than the review was, `fallen` the keys of votes that count no
    longer, and why.
    """

    expires_at: datetime
    denials: int
    self_approval: bool
    needed: int = 0
    type_name: bool = False
    changed: Mapping[str, Words] = field(default_factory=dict)
    fallen: Mapping[str, str] = field(default_factory=dict)

    def stricter_than(self, approval: Approval) -> frozenset[str]:
        """What of them, by key, is stricter than the review is."""
        stricter = {
            "approvals": self.needed > approval.needed,
            "type_name": self.type_name > approval.type_name,
            "denials": self.denials < approval.denials,
            "self_approval": self.self_approval < approval.self_approval,
            "expires": self.expires_at < approval.expires_at,
        }
        return frozenset(key for key, is_stricter in stricter.items() if is_stricter)


@dataclass(frozen=True, slots=True)
class Count:
    """What a vote came to. `decided`: this very vote ended the review."""

    approval: Approval
    vote: Vote
    decided: bool
