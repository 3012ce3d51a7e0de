"""The words of reviews: the question, its buttons, its tally, its reminders. Pure builders."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from bot.messages.cards import Subject, card_key, duration, running
from bot.messages.facts import ALIKE, DESCRIPTION, NODE, SESSION, Kinds, said
from bot.model import (
    Approval,
    ApprovalStatus,
    Count,
    Effect,
    Execution,
    ExecutionStatus,
    ReviewKind,
    Uncounted,
    Verdict,
    Vote,
    VoteState,
)
from bot.plural import counted
from bot.reply import (
    Actions,
    Button,
    Confirm,
    Fields,
    Line,
    Note,
    Para,
    Part,
    Reply,
    Text,
    Words,
    channel,
    code,
    command,
    emoji,
    line,
    mention,
    plain,
    say,
    time,
)

APPROVE = "approval.approve"
CONFIRM = "approval.confirm"
DENY = "approval.deny"
CANCEL = "approval.cancel"
WITHDRAW = "approval.withdraw"
REVIEWED = "approval.reviewed"

_GLASS = emoji("rotating_light")

_NAMED = 4  # people
_SHORT = 8  # characters of an id


_STANDS = {
    ExecutionStatus.RECORDED: "in progress",
    ExecutionStatus.WAITING: "pending approval",
    ExecutionStatus.RUNNING: "sent, no answer yet",
    ExecutionStatus.FOLLOWING: "in progress",
    ExecutionStatus.UNKNOWN: "sent, outcome unknown; it may still be carried out",
}


@dataclass(frozen=True, slots=True)
class Question:
    """All that a review's card says.

    `title` is what it asks: `Delete train-01 on gpu1`. `kinds`: how the facts read that it shows.
    `named`: the rules name who may approve. `people`: those who were asked to, and may. `channel`:
    where a shared session lets every member approve.
    """

    execution: Execution
    approval: Approval
    subject: Subject
    title: Line
    loses: Text
    kinds: Kinds = field(default_factory=dict)
    votes: Sequence[Vote] = ()
    named: bool = False
    people: Sequence[str] = ()
    channel: str = ""


def question(asked: Question) -> Reply:
    """What will be done to what, its state, what is lost, who asks, why, until when."""
    execution = asked.execution
    title = line(emoji("raised_hand"), " ", asked.title, "?")
    pairs = _shown(asked)
    pairs.append(("Requested by", line(mention(execution.actor))))
    if reason := execution.arguments.get("reason"):
        pairs.append(("Reason", line(reason)))
    parts: list[Part] = [Para(title), Fields(tuple(pairs))]
    if asked.loses:
        parts.append(Para(line(emoji("warning"), " ", asked.loses)))
    if asked.approval.changed:
        parts.append(Para(line(emoji("scales"), " ", told_changes(asked.approval.changed))))
    if tally := line(_tally(asked), *_no_longer(asked)):
        parts.append(Para(tally))
    parts += [_buttons(asked), Note(_who(asked))]
    return Reply(plain(title), tuple(parts))


def told_changes(changed: Mapping[str, str]) -> str:
    """What the rules demand more than when it was requested, in one sentence."""
    return f"The rules have changed since this was requested: {'; '.join(changed.values())}."


def desc_of(approval: Approval) -> str:
    """The machine's own description, as the question shows it."""
    return approval.shown[DESCRIPTION].text if DESCRIPTION in approval.shown else ""


def subject_of(approval: Approval, execution: Execution, node_label: str) -> Subject:
    """To what it is done, by the names people use and the machine's own."""
    return Subject(execution.label, execution.task, node_label, desc_of(approval))


def identifiers(approval: Approval, execution: Execution, node_label: str) -> Line:
    """` (machine 7a9Qx2Lk, node gpu1)`: what nobody can choose, beside what somebody has chosen."""
    told: list[Line] = []
    if execution.task not in {"", execution.id}:
        told.append(line("machine ", code(execution.task[:_SHORT])))
    _, _, own = (approval.shown[NODE].text if NODE in approval.shown else "").partition(" ")
    if execution.node and own != node_label:
        told.append(line("node ", own or code(execution.node[:_SHORT])))
    return line(" (", told[0], *(line(", ", one) for one in told[1:]), ")") if told else ()


def to_type(approval: Approval, execution: Execution) -> tuple[str, ...]:
    """The names by which an approver says what it is: a machine's description or id.

    Its nickname is what anybody may have made of it. Where no machine is meant, what is.
    """
    is_new = execution.task in {"", execution.id}
    if not is_new:
        return tuple(filter(None, (desc_of(approval), execution.task)))
    if named := execution.label or execution.arguments.get("name", ""):
        return (named,)
    identifier, _, own = (approval.shown[NODE].text if NODE in approval.shown else "").partition(
        " "
    )
    return tuple(filter(None, (own, identifier or execution.node)))


def _shown(asked: Question) -> list[tuple[Text, Line]]:
    """To what it is done, and what was read of it."""
    pairs: list[tuple[Text, Line]] = []
    if asked.subject.task:
        pairs.append(("Machine", line(asked.subject.label, " · ", code(asked.subject.task))))
    for key, fact in asked.approval.shown.items():
        if key == DESCRIPTION and fact.text in {"", asked.subject.label}:
            continue
        if key == SESSION and fact.text == asked.execution.actor:  # their own, as one expects
            continue
        label, text = said(asked.kinds, key, fact)
        if key == ALIKE:
            pairs.append((label, line(emoji("warning"), " ", _alike(fact.text))))
            continue
        pairs.append((label, line(emoji("warning"), " ", text) if fact.unread else text))
    return pairs


_MOST_ALIKE = 3  # the newest; a decision goes by all of them


def _alike(text: str) -> Line:
    """Who made the same request, when, and what has become of it."""
    told: list[Line] = []
    for one in text.splitlines()[:_MOST_ALIKE]:
        actor, at, status = one.split(" ")
        since = time(datetime.fromisoformat(at))
        stands = _STANDS[ExecutionStatus(status)]
        told.append(line("requested by ", mention(actor), ", ", since, ": ", stands))
    return line(*(piece for one in told for piece in (*one, "\n")))


def shown_again(asked: Question) -> Reply:
    """The card for somebody who looks it up: private, and without buttons once it is over."""
    approval = asked.approval
    if approval.kind is ReviewKind.AFTERWARDS:
        is_open = approval.status is ApprovalStatus.PENDING
        card = broken_glass(asked, None) if is_open else reviewed_glass(asked)
    elif approval.status is ApprovalStatus.PENDING:
        card = question(asked)
    elif approval.status is ApprovalStatus.APPROVED:
        card = Reply.of(asked.title, ": ", _tally(asked))
    else:
        card = Reply.of(closed(asked))
    return replace(card, private=True)


def _buttons(asked: Question) -> Actions:
    approval = asked.approval
    if approval.kind is ReviewKind.CONFIRM:
        word = "Run it anyway" if ALIKE in approval.shown else "Confirm"
        yes: tuple[Button, ...] = (Button(word, CONFIRM, approval.id, "danger"),)
    else:
        yes = (
            Button("Approve", APPROVE, approval.id, "primary", confirm=_once_more(asked)),
            Button("Deny", DENY, approval.id, "danger"),
        )
    if any(vote.state is VoteState.COUNTED for vote in asked.votes):
        yes = (*yes, Button("Withdraw vote", WITHDRAW, approval.id))
    return Actions((*yes, Button("Cancel", CANCEL, approval.id)))


def _once_more(asked: Question) -> Confirm | None:
    """What Slack asks of an approver where something is lost; where they type its name, that does.

    A finger slips, and an approval cannot be taken back once it runs.
    """
    if asked.execution.effect is not Effect.DESTROY or asked.approval.type_name:
        return None
    text = line(asked.title, ". ", asked.loses) if asked.loses else line(asked.title, ".")
    return Confirm(say("Approve this?"), text, say("Approve"))


def _who(asked: Question) -> Line:
    approval = asked.approval
    expires = line(". Expires ", time(approval.expires_at), ".")
    if approval.kind is ReviewKind.CONFIRM:
        return line("Only ", mention(approval.reviewer), " can confirm", expires)
    needed = approval.needed
    other = "someone" if needed == 1 else "people"
    if not approval.self_approval:
        other = "someone else" if needed == 1 else "others"
    whom = f"{other} with a session for {asked.subject.node_label}"
    if asked.named or not asked.subject.node_label:
        whom = f"{other} whom the rules name"
    typing = ", who must type its description or id" if approval.type_name else ""
    needs = line(f"Needs {counted(needed, 'approval')} from ", _named(asked) or whom, typing)
    return line(needs, expires, " ", mention(asked.execution.actor), " can cancel.")


def _named(asked: Question) -> Line:
    """`@bob or members of #gpu-ops`: those who may approve, where they can be named."""
    named = people_line(asked.people) if _are_few(asked.people) else ()
    if asked.channel:
        members = line("members of ", channel(asked.channel))
        named = line(named, " or ", members) if named else members
    return named


def _are_few(people: Sequence[str]) -> bool:
    """Whether a card can name them all: more would be called for nothing."""
    return 0 < len(people) <= _NAMED


def _tally(asked: Question) -> Line:
    """`1 of 2 approvals: @bob. 1 of 2 denials: @carol (“not now”).`"""
    approval = asked.approval
    valid = [vote for vote in asked.votes if vote.state is VoteState.COUNTED]
    told: list[Line] = []
    for verdict, word, needed in (
        (Verdict.APPROVE, "approval", approval.needed),
        (Verdict.DENY, "denial", approval.denials),
    ):
        votes = [vote for vote in valid if vote.verdict is verdict]
        if votes:
            how_many = f"{len(votes)} of {counted(needed, word)}: "
            told.append(line(how_many, _with_reasons(votes), ". "))
    return line(*told)


_GIVEN = {Verdict.APPROVE: "approval", Verdict.DENY: "denial"}


def _no_longer(asked: Question) -> list[Line]:
    """`@dave may not decide on this any more: their approval no longer counts.`"""
    voted = {vote.user for vote in asked.votes if vote.state is VoteState.COUNTED}
    # The last of each person; who has voted again since is in the tally.
    last = {vote.user: vote for vote in asked.votes if vote.state is not VoteState.REFUSED}
    told: list[Line] = []
    for user, vote in last.items():
        given = _GIVEN[vote.verdict]
        if user in voted:
            continue
        if vote.state is VoteState.WITHDRAWN:
            told.append(line(mention(user), f" withdrew their {given}. "))
        elif vote.state is VoteState.FALLEN:
            why = " may not decide on this any more: their "
            if vote.why == Uncounted.EXPIRED:
                why = " decided after the time that the rules give now: their "
            elif vote.why == Uncounted.UNTYPED:
                why = " approved without typing what it is about: their "
            told.append(line(mention(user), why, f"{given} no longer counts. "))
    return told


def comparing(asked: Question) -> Reply:
    """Approved or confirmed; what was shown is read again before anything runs."""
    by = [vote.user for vote in asked.votes if vote.state is VoteState.COUNTED]
    verb = "confirmed by " if asked.approval.kind is ReviewKind.CONFIRM else "approved by "
    detail = line(verb, people_line(by), "; checking that nothing has changed since")
    return running(asked.execution, asked.title, detail)


def people_line(people: Sequence[str]) -> Line:
    """Mentions, with commas."""
    pieces: list[Line] = []
    for position, user in enumerate(people):
        pieces.append(line(", ", mention(user)) if position else line(mention(user)))
    return line(*pieces)


def closed(asked: Question) -> Line:
    """What was not done, and why: `Delete inference on gpu1: not done, denied by @bob.`"""
    approval = asked.approval
    why: Mapping[ApprovalStatus, Line] = {
        ApprovalStatus.EXPIRED: _too_few(asked),
        ApprovalStatus.CANCELLED: line("cancelled by ", mention(approval.decided_by)),
        ApprovalStatus.DENIED: line("denied by ", _with_reasons(_deniers(asked))),
        ApprovalStatus.VOID: line("what was shown did not hold any more"),
    }
    return line(asked.title, ": not done, ", why[approval.status], ".")


def _too_few(asked: Question) -> Line:
    tally = _tally(asked)
    return line("only ", tally[:-1], " in time") if tally else line("nobody decided in time")


def not_done(asked: Question, why: Words) -> Line:
    """The same for what was stopped after all, and what stopped it."""
    return line(asked.title, ": not done. ", why)


def why_closed(asked: Question) -> str:
    """For the ledger: the reasons that people gave, or the bot's; it names nobody."""
    if asked.approval.status is ApprovalStatus.EXPIRED:
        return "Too few decided in time." if _tally(asked) else "Nobody decided in time."
    return "; ".join(vote.reason for vote in _deniers(asked) if vote.reason)


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
    told: list[Line] = []
    for position, vote in enumerate(votes):
        why = f" (“{vote.reason}”)" if vote.reason else ""
        told.append(line(", " if position else "", mention(vote.user), why))
    return line(*told)


def noted(count: Count) -> Reply:
    """To a reviewer whose click counts."""
    approval = count.approval
    if not count.decided:
        return Reply.of("Noted; more are needed.", private=True)
    if approval.kind is ReviewKind.AFTERWARDS:
        return Reply.of("Thank you: it is noted that you have reviewed it.", private=True)
    if approval.status is ApprovalStatus.DENIED:
        return Reply.of("Denied: nothing is done.", private=True)
    return Reply.of("Approved. It runs, if nothing has changed since it was shown.", private=True)


def withdrawn() -> Reply:
    """To a reviewer who has taken their vote back."""
    return Reply.of("Withdrawn: your vote no longer counts.", private=True)


def too_late(count: Count, ago: timedelta | None, why: str = "") -> Reply:
    """To a reviewer whose click does not count any more: who was faster and when, or why.

    `ago`: how long since `over_at`, where that was measured.
    """
    approval, vote = count.approval, count.vote
    when = "" if ago is None else f" {duration(ago)} ago"
    if vote.why == Uncounted.VOTED:
        return Reply.of("You have decided on this already; each person counts once.", private=True)
    if _has_expired(count):
        return Reply.of(f"This expired{when}. Nothing was done.", private=True)
    if approval.status is ApprovalStatus.VOID:
        return Reply.of(f"Too late: this was closed{when}. {why}".strip(), private=True)
    by: Line = ()
    if approval.decided_by:
        mine = approval.decided_by == vote.user
        by = line(" by ", "you" if mine else mention(approval.decided_by))
    return Reply.of(f"Too late: this was {approval.status}", by, f"{when}.", private=True)


def over_at(count: Count) -> datetime | None:
    """When a review ended that a click came too late for."""
    approval = count.approval
    return approval.decided_at or (approval.expires_at if _has_expired(count) else None)


def _has_expired(count: Count) -> bool:
    return count.vote.why == Uncounted.EXPIRED or count.approval.status is ApprovalStatus.EXPIRED


def reminder(asked: Question, people: Sequence[str] | None, now: datetime) -> Reply:
    """In the card's thread: it still waits, for whom (None: that is not known now), how long."""
    left = duration(asked.approval.expires_at - now)
    head = line(emoji("bell"), " ", asked.title, " still waits for a decision")
    if asked.approval.kind is ReviewKind.AFTERWARDS:
        head = line(emoji("bell"), " Glass was broken: ", asked.title, " still waits for a review")
        told = line(head, ". ", _for_review(asked, people))
        return Reply(plain(head), (Para(told), _reviewed(asked)))
    told = line(head, f"; it expires in {left}. ", people_line(people or ()))
    return Reply(plain(head), (Para(told),))


def _for_review(asked: Question, people: Sequence[str] | None) -> Line:
    """Who can review what ran without approval; where nobody can, what is to be done about it."""
    if people is None:
        return ()
    if people:
        return line("For review by ", people_line(people), ".")
    if asked.channel:
        return line("Anyone in ", channel(asked.channel), " can review it.")
    if asked.named or not asked.subject.node_label:
        return line("Nobody whom the rules name can review it now: a rule has to name more ",
                    code("approvers"), ".")  # fmt: skip
    return line(
        f"Nobody else has a session for {asked.subject.node_label}, so nobody can review it yet. "
        "A teammate adds theirs with ", command("session add"), ", or you share yours with ",
        command("session share"), "; or a rule names ", code("approvers"), ".",
    )  # fmt: skip


def broken_glass(asked: Question, people: Sequence[str] | None) -> Reply:
    """Loud: someone ran this without approval, and somebody else has to look at it.

    `people` are those who were told; None where it is only shown again.
    """
    execution = asked.execution
    head = line(
        _GLASS, " ", mention(execution.actor), " broke the glass: ", asked.title,
        ", without approval.",
    )  # fmt: skip
    pairs = _shown(asked)
    pairs.append(("Reason", line(execution.arguments.get("break_glass", ""))))
    parts: list[Part] = [Para(head), Fields(tuple(pairs))]
    if who := _for_review(asked, people):
        parts.append(Para(who))
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


def glass_key(execution_id: str) -> str:
    """The key of the message that announces broken glass."""
    return f"glass:{execution_id}"


def key_of(approval: Approval) -> str:
    """The key of the message that asks, or announces broken glass."""
    if approval.kind is ReviewKind.AFTERWARDS:
        return glass_key(approval.execution)
    return card_key(approval.execution)


def glass_note(approval: Approval, people: Sequence[str]) -> Note:
    """For the card of what runs without approval: who reviews it, or who has."""
    if approval.status is ApprovalStatus.APPROVED:
        by: Line = line("; reviewed by ", mention(approval.decided_by), ".")
    else:
        waits = people_line(people) if people else line("somebody else")
        by = line("; still to be reviewed by ", waits, ".")
    return Note(line(_GLASS, " Ran without approval", by))


def is_glass_note(part: Part) -> bool:
    """Whether it is a former `glass_note`."""
    return isinstance(part, Note) and part.text[:1] == (_GLASS,)


def _reviewed(asked: Question) -> Actions:
    return Actions((Button("I have reviewed it", REVIEWED, asked.approval.id, "primary"),))
