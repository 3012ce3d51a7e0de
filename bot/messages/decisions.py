"""How votes are told: the tally, whose no longer count, and how a review ended. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from bot.ids import UserId
from bot.messages.cards import duration
from bot.messages.question import Question
from bot.model import (
    Approval,
    ApprovalStatus,
    Count,
    ExecutionStatus,
    ReviewKind,
    Uncounted,
    Verdict,
    Vote,
    VoteState,
)
from bot.reply import (
    Fault,
    Given,
    Line,
    Phrase,
    Reply,
    Severity,
    Words,
    apart,
    as_phrase,
    emoji,
    line,
    listed,
    mention,
    say,
    say_number,
    sentences,
)

ENDS = {
    ApprovalStatus.DENIED: ExecutionStatus.DENIED,
    ApprovalStatus.CANCELLED: ExecutionStatus.CANCELLED,
    ApprovalStatus.EXPIRED: ExecutionStatus.EXPIRED,
    ApprovalStatus.VOID: ExecutionStatus.VOIDED,
}

UNKNOWN = say("This question is not known any more.")
UNKNOWN_HINT = say("It may be newer than the backup that was restored: request it again.")


def tally_of(asked: Question) -> list[Line]:
    """`1 of 2 approvals: @bob.`, `1 of 2 denials: @carol (“not now”).`"""
    approval = asked.approval
    valid = [vote for vote in asked.votes if vote.state is VoteState.COUNTED]
    told: list[Line] = []
    if votes := [vote for vote in valid if vote.verdict is Verdict.APPROVE]:
        approvals = say_number(
            "{given} of {number} approval: {people}.",
            "{given} of {number} approvals: {people}.",
            approval.needed,
            given=len(votes),
            people=_with_reasons(votes),
        )
        told.append(line(approvals))
    if votes := [vote for vote in valid if vote.verdict is Verdict.DENY]:
        denials = say_number(
            "{given} of {number} denial: {people}.",
            "{given} of {number} denials: {people}.",
            approval.denials,
            given=len(votes),
            people=_with_reasons(votes),
        )
        told.append(line(denials))
    return told


# Why a vote no longer counts, of an approval and of a denial; `None`: its voter took it back.
_FELL: Mapping[tuple[str | None, Verdict], Phrase] = {
    (None, Verdict.APPROVE): say("{user} withdrew their approval."),
    (None, Verdict.DENY): say("{user} withdrew their denial."),
    (Uncounted.EXPIRED, Verdict.APPROVE): say(
        "{user} decided after the time that the rules give now: their approval no longer counts."
    ),
    (Uncounted.EXPIRED, Verdict.DENY): say(
        "{user} decided after the time that the rules give now: their denial no longer counts."
    ),
    (Uncounted.UNTYPED, Verdict.APPROVE): say(
        "{user} approved without typing what it is about: their approval no longer counts."
    ),
    ("", Verdict.APPROVE): say(
        "{user} may not decide on this any more: their approval no longer counts."
    ),
    ("", Verdict.DENY): say(
        "{user} may not decide on this any more: their denial no longer counts."
    ),
}


def no_longer(asked: Question) -> list[Phrase]:
    """`@dave may not decide on this any more: their approval no longer counts.`"""
    voted = {vote.user for vote in asked.votes if vote.state is VoteState.COUNTED}
    # The last of each person; who has voted again since is in the tally.
    last = {vote.user: vote for vote in asked.votes if vote.state is not VoteState.REFUSED}
    told: list[Phrase] = []
    for user, vote in last.items():
        if user in voted or vote.state not in {VoteState.WITHDRAWN, VoteState.FALLEN}:
            continue
        why = None if vote.state is VoteState.WITHDRAWN else vote.why
        known = _FELL.get((why, vote.verdict)) or _FELL["", vote.verdict]
        told.append(_of(known, user))
    return told


def _of(told: Phrase, user: UserId) -> Phrase:
    return told.filled(lambda _name: mention(user))


def closed(asked: Question) -> Line:
    """What was not done, and why: `@bob denied “Delete inference on gpu1”.`"""
    approval, request = asked.approval, asked.title
    if approval.status is ApprovalStatus.EXPIRED:
        expired = say("“{request}” expired: nobody decided in time.", request=request)
        if approval.kind is ReviewKind.CONFIRM:
            expired = say("“{request}” expired: it was not confirmed in time.", request=request)
        if tally := tally_of(asked):
            expired = say("“{request}” expired: too few decided in time.", request=request)
        return sentences((expired, *tally))
    if approval.status is ApprovalStatus.CANCELLED:
        user = mention(approval.decided_by)
        return line(say("{user} withdrew “{request}”.", user=user, request=request))
    if approval.status is ApprovalStatus.DENIED:
        deniers = _deniers(asked)
        if len(deniers) == 1 and deniers[0].reason:
            told = say(
                "{user} denied “{request}”: “{reason}”.",
                user=mention(deniers[0].user),
                request=request,
                reason=deniers[0].reason,
            )
            return line(told)
        people = _with_reasons(deniers)
        return line(say("{people} denied “{request}”.", people=people, request=request))
    why = say("what it showed is no longer true")
    return line(say("“{request}” was not carried out: {why}.", request=request, why=why))


def not_done(asked: Question, why: Words) -> Line:
    """The same for what was stopped after all, and what stopped it."""
    stopped = say("“{request}” was not carried out.", request=asked.title)
    return sentences((stopped, why))


def glass_broken(asked: Question, user: UserId) -> Phrase:
    """That `user` had done at once what was asked for."""
    return say(
        "{user} broke the glass for “{request}”: it runs without approval, and this request is "
        "closed.",
        user=mention(user),
        request=asked.title,
    )


def why_closed(asked: Question) -> Words:
    """For the ledger: the reasons that people gave, or the bot's; it names nobody."""
    if asked.approval.status is ApprovalStatus.EXPIRED:
        if tally_of(asked):
            return say("Too few decided in time.")
        if asked.approval.kind is ReviewKind.CONFIRM:
            return say("It was not confirmed in time.")
        return say("Nobody decided in time.")
    return apart(vote.reason for vote in _deniers(asked) if vote.reason)


def closed_by(asked: Question) -> list[str]:
    """Whose decision it was that nothing is done, by id."""
    if asked.approval.status is ApprovalStatus.DENIED:
        return [vote.user for vote in _deniers(asked)]
    return [asked.approval.decided_by] if asked.approval.decided_by else []


def _deniers(asked: Question) -> list[Vote]:
    return [
        vote
        for vote in asked.votes
        if vote.verdict is Verdict.DENY and vote.state is VoteState.COUNTED
    ]


def _with_reasons(votes: Sequence[Vote]) -> Line:
    return listed(
        say("{user} (“{reason}”)", user=mention(vote.user), reason=vote.reason)
        if vote.reason
        else line(mention(vote.user))
        for vote in votes
    )


def noted(count: Count, request: Line) -> Reply:
    """To a reviewer whose click counts."""
    approval = count.approval
    if not count.decided:
        counted = say("Your vote on “{request}” counts. More are needed.", request=request)
        return Reply.of(counted, private=True)
    if approval.kind is ReviewKind.AFTERWARDS:
        return Reply.of(say("Thank you. You are recorded as the reviewer."), private=True)
    if approval.status is ApprovalStatus.DENIED:
        denied = say("You denied “{request}”. Nothing was done.", request=request)
        return Reply.of(denied, private=True)
    told = say(
        "You approved “{request}”. It runs once I have checked that nothing has changed.",
        request=request,
    )
    return Reply.of(told, private=True)


def confirmed(request: Line) -> Reply:
    """To a requester, in place of the question that only they have seen."""
    told = say(
        "You confirmed “{request}”. It runs once I have checked that nothing has changed.",
        request=request,
    )
    return Reply.of(line(emoji("hourglass_flowing_sand"), " ", told), private=True)


def taken_back(request: Line) -> Reply:
    """The same where they withdrew it."""
    told = say("You withdrew “{request}”. Nothing was done.", request=request)
    return Reply.of(line(emoji("no_entry_sign"), " ", told), private=True)


def withdrawn() -> Reply:
    """To a reviewer who has taken their vote back."""
    return Reply.of(say("You withdrew your vote. It no longer counts."), private=True)


# What became of it, by whom and how long ago, as far as that is known.
_OVER: Mapping[ApprovalStatus, tuple[Phrase, Phrase, Phrase, Phrase]] = {
    ApprovalStatus.APPROVED: (
        say("Too late: this was approved."),
        say("Too late: this was approved {duration} ago."),
        say("Too late: {user} approved this."),
        say("Too late: {user} approved this {duration} ago."),
    ),
    ApprovalStatus.DENIED: (
        say("Too late: this was denied."),
        say("Too late: this was denied {duration} ago."),
        say("Too late: {user} denied this."),
        say("Too late: {user} denied this {duration} ago."),
    ),
    ApprovalStatus.CANCELLED: (
        say("Too late: this was withdrawn."),
        say("Too late: this was withdrawn {duration} ago."),
        say("Too late: {user} withdrew this."),
        say("Too late: {user} withdrew this {duration} ago."),
    ),
    ApprovalStatus.VOID: (
        say("Too late: this was closed."),
        say("Too late: this was closed {duration} ago."),
        say("Too late: {user} closed this."),
        say("Too late: {user} closed this {duration} ago."),
    ),
    ApprovalStatus.EXPIRED: (
        say("This expired. Nothing was done."),
        say("This expired {duration} ago. Nothing was done."),
        say("This expired. Nothing was done."),
        say("This expired {duration} ago. Nothing was done."),
    ),
}

_CONFIRMED = (
    say("Too late: this was confirmed."),
    say("Too late: this was confirmed {duration} ago."),
    say("Too late: {user} confirmed this."),
    say("Too late: {user} confirmed this {duration} ago."),
)

_REVIEWED = (
    say("Too late: this was reviewed."),
    say("Too late: this was reviewed {duration} ago."),
    say("Too late: {user} reviewed this."),
    say("Too late: {user} reviewed this {duration} ago."),
)

# What one vote that suffices is called where it approves nothing.
_ENDS = {Verdict.APPROVE: ApprovalStatus.APPROVED, Verdict.DENY: ApprovalStatus.DENIED}
_DOUBLE_CLICK = timedelta(seconds=2)
_VOTED: Mapping[ReviewKind, tuple[Phrase, Phrase, Phrase, Phrase]] = {
    ReviewKind.CONFIRM: _CONFIRMED,
    ReviewKind.AFTERWARDS: _REVIEWED,
}


def over(
    approval: Approval,
    status: ApprovalStatus,
    ago: timedelta | None = None,
    by: UserId = UserId(""),
    *,
    is_own: bool = False,
) -> Phrase:
    """That a review is over: how it ended, whose doing that was, and how long ago."""
    if ago is not None and ago < timedelta(seconds=1):
        ago = None  # nobody was late by nothing
    who: Given = say("you") if is_own else mention(by)
    given: Mapping[str, Given] = {
        "user": who,
        "duration": "" if ago is None else duration(ago),
    }
    templates = _OVER[status]
    if status is ApprovalStatus.APPROVED:
        templates = _VOTED.get(approval.kind, templates)
    template = templates[2 * bool(by) + (ago is not None)]
    return template.filled(lambda name: given[name])


def too_late(count: Count, ago: timedelta | None, why: Words = "") -> Reply:
    """To a reviewer whose click does not count any more: who was faster and when, or why.

    `ago`: how long since `over_at`, where that was measured.
    """
    approval, vote = count.approval, count.vote
    if vote.why == Uncounted.VOTED:
        told = say("You have already decided on this. Each person counts once.")
        return _too_late(told)
    if _has_expired(count):
        return _too_late(over(approval, ApprovalStatus.EXPIRED, ago))
    if approval.status is ApprovalStatus.VOID:
        return _too_late(sentences((over(approval, approval.status, ago), why)))
    is_own = approval.decided_by == vote.user
    told = over(approval, approval.status, ago, approval.decided_by, is_own=is_own)
    return _too_late(told)


def _too_late(told: Words) -> Reply:
    """As a refusal: on the Home tab it would else not be seen."""
    fault = Fault(as_phrase(told), line(), "", Severity.REFUSED)
    return replace(Reply.of(told, private=True), fault=fault)


def is_pressed_twice(count: Count, ago: timedelta | None) -> bool:
    """Whether it is the second press of one double click, which the first one has answered."""
    approval, vote = count.approval, count.vote
    is_same = approval.status is _ENDS.get(vote.verdict) and approval.decided_by == vote.user
    return is_same and ago is not None and ago < _DOUBLE_CLICK


def over_at(count: Count) -> datetime | None:
    """When a review ended that a click came too late for."""
    approval = count.approval
    return approval.decided_at or (approval.expires_at if _has_expired(count) else None)


def _has_expired(count: Count) -> bool:
    return count.vote.why == Uncounted.EXPIRED or count.approval.status is ApprovalStatus.EXPIRED
