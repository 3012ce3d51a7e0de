"""The words of reviews: the question, its buttons, its tally, its reminders. Pure builders."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.model import (
    Approval,
    ApprovalStatus,
    Execution,
    ReviewKind,
    Verdict,
    Vote,
    VoteState,
)
from bot.reply import (
    Actions,
    Button,
    Fields,
    Line,
    Note,
    Para,
    Part,
    Reply,
    code,
    emoji,
    line,
    mention,
    plain,
    time,
)
from bot.services.cards import Subject, duration

APPROVE = "approval.approve"
CONFIRM = "approval.confirm"
DENY = "approval.deny"
CANCEL = "approval.cancel"
REVIEWED = "approval.reviewed"


@dataclass(frozen=True, slots=True)
class Question:
    """All that a review's card says."""

    execution: Execution
    approval: Approval
    subject: Subject
    asks: str
    loses: str
    votes: Sequence[Vote] = ()

    @property
    def title(self) -> Line:
        """`Delete train-01 on gpu1`."""
        return line(self.asks, " ", self.subject.named)


def question(asked: Question) -> Reply:
    """What will be done to what, its state, what is lost, who asks, why, until when."""
    approval, execution = asked.approval, asked.execution
    title = line(emoji("raised_hand"), " ", asked.title, "?")
    pairs: list[tuple[str, Line]] = []
    if asked.subject.task:
        pairs.append(("Machine", line(asked.subject.label, " · ", code(asked.subject.task))))
    pairs += [(name, line(value)) for name, value in approval.shown.items()]
    pairs.append(("Asked by", line(mention(execution.actor))))
    if reason := execution.arguments.get("reason"):
        pairs.append(("Reason", line(reason)))
    parts: list[Part] = [
        Para(title),
        Fields(tuple(pairs)),
        Para(line(emoji("warning"), " ", asked.loses)),
    ]
    if tally := _tally(asked.votes):
        parts.append(Para(tally))
    parts += [_buttons(approval), Note(_who(asked))]
    return Reply(plain(title), tuple(parts))


def _buttons(approval: Approval) -> Actions:
    if approval.kind is ReviewKind.CONFIRM:
        yes = (Button("Confirm", CONFIRM, approval.id, "danger"),)
    else:
        yes = (
            Button("Approve", APPROVE, approval.id, "primary"),
            Button("Deny", DENY, approval.id, "danger"),
        )
    return Actions((*yes, Button("Cancel", CANCEL, approval.id)))


def _who(asked: Question) -> Line:
    approval = asked.approval
    until = line("until ", time(approval.expires_at), ".")
    if approval.kind is ReviewKind.CONFIRM:
        return line("Only ", mention(approval.reviewer), " can confirm, ", until)
    needed = approval.needed
    count = "an approval" if needed == 1 else f"{needed} approvals"
    other = "someone" if approval.self_approval else "someone else"
    whom = f"{other} entitled to {asked.subject.node_label}"
    cancel = line("; ", mention(asked.execution.actor), " can cancel.")
    return line(f"Needs {count} by {whom}, ", "until ", time(approval.expires_at), cancel)


def _tally(votes: Sequence[Vote]) -> Line:
    counted = [vote for vote in votes if vote.state is VoteState.COUNTED]
    told: list[Line] = []
    for verdict, word in ((Verdict.APPROVE, "Approved"), (Verdict.DENY, "Denied")):
        people = [vote.user for vote in counted if vote.verdict is verdict]
        if people:
            told.append(line(f"{word} so far by ", people_line(people), ". "))
    return line(*told)


def people_line(people: Sequence[str]) -> Line:
    """Mentions, with commas."""
    pieces: list[Line] = []
    for position, user in enumerate(people):
        pieces.append(line(", ", mention(user)) if position else line(mention(user)))
    return line(*pieces)


def closed(asked: Question) -> Line:
    """Why nothing was done."""
    approval = asked.approval
    why: Mapping[ApprovalStatus, Line] = {
        ApprovalStatus.EXPIRED: line("nobody decided in time"),
        ApprovalStatus.CANCELLED: line("cancelled by ", mention(approval.decided_by)),
        ApprovalStatus.DENIED: line("denied by ", _deniers(asked.votes, approval)),
        ApprovalStatus.VOID: line("void"),
    }
    return line(
        asked.title, ": ", why.get(approval.status, line("not approved")), ". Nothing was done."
    )


def _deniers(votes: Sequence[Vote], approval: Approval) -> Line:
    denials = [v for v in votes if v.verdict is Verdict.DENY and v.state is VoteState.COUNTED]
    told = [line(mention(v.user), f" (“{v.reason}”)" if v.reason else "") for v in denials]
    joined: list[Line | str] = []
    for position, one in enumerate(told):
        joined.extend([", ", one] if position else [one])
    return line(*joined) if told else line(mention(approval.decided_by))


def reminder(asked: Question, people: Sequence[str], now: datetime) -> Reply:
    """In the card's thread: it still waits, for whom, how long."""
    left = duration(asked.approval.expires_at - now)
    head = line(emoji("bell"), " ", asked.title, " still waits for a decision")
    if asked.approval.kind is ReviewKind.AFTERWARDS:
        head = line(emoji("bell"), " Glass was broken: ", asked.title, " still waits for a review")
        return Reply(plain(head), (Para(line(head, ". ", people_line(people))), _reviewed(asked)))
    return Reply(plain(head), (Para(line(head, f", for {left} yet. ", people_line(people))),))


def broken_glass(asked: Question, people: Sequence[str]) -> Reply:
    """Loud: someone ran this without approval, and somebody else has to look at it."""
    execution = asked.execution
    head = line(
        emoji("rotating_light"), " ", mention(execution.actor), " broke the glass: ", asked.title,
        ", without approval.",
    )  # fmt: skip
    parts: list[Part] = [Para(head)]
    parts.append(Fields((("Reason", line(execution.arguments.get("break_glass", ""))),)))
    if people:
        parts.append(Para(line("For review by ", people_line(people), ".")))
    parts.append(_reviewed(asked))
    return Reply(plain(head), tuple(parts))


def reviewed_glass(asked: Question) -> Reply:
    """The same after somebody else has looked at it."""
    approval = asked.approval
    head = line(
        emoji("white_check_mark"), " ", mention(asked.execution.actor), " broke the glass: ",
        asked.title, "; reviewed by ", mention(approval.decided_by), ".",
    )  # fmt: skip
    why = line(asked.execution.arguments.get("break_glass", ""))
    return Reply(plain(head), (Para(head), Fields((("Reason", why),))))


def _reviewed(asked: Question) -> Actions:
    return Actions((Button("I have reviewed it", REVIEWED, asked.approval.id, "primary"),))
