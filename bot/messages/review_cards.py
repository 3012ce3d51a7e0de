"""The words of reviews: the question, its buttons, its tally, its reminders. Pure builders."""

from collections.abc import Sequence
from dataclasses import replace

from bot.ids import UserId
from bot.messages import machine_buttons
from bot.messages.cards import card_key, people_line, running
from bot.messages.decisions import closed, no_longer, tally_of
from bot.messages.facts import ALIKE, CAUTIONS
from bot.messages.glass_cards import (
    REVIEWED,
    broken_glass,
    for_review,
    glass_key,
    not_by,
    reviewed_button,
    reviewed_glass,
)
from bot.messages.question import (
    Beside,
    Losses,
    Nothing,
    Question,
    lost_told,
    shown_in,
    told_changes,
)
from bot.model import (
    Approval,
    ApprovalStatus,
    Effect,
    Execution,
    Joined,
    ReviewKind,
    Vote,
    VoteState,
)
from bot.reply import (
    Actions,
    Button,
    Confirm,
    Fields,
    Line,
    Note,
    Para,
    Part,
    Phrase,
    Reply,
    Words,
    any_of,
    apart,
    channel,
    code,
    emoji,
    line,
    mention,
    say,
    say_number,
    sentences,
    time,
)

APPROVE = "approval.approve"
CONFIRM = "approval.confirm"
DENY = "approval.deny"
CANCEL = "approval.cancel"
WITHDRAW = "approval.withdraw"
BREAK = "approval.glass"

_NAMED = 4  # people, or requests
_SHORT = 8  # characters of an id
_REQUESTED = say("Requested by")


def question(asked: Question) -> Reply:
    """What will be done to what, its state, what is lost, who asks, why, until when."""
    execution = asked.execution
    title = line(emoji("raised_hand"), " ", say("{question}?", question=asked.title))
    pairs = shown_in(asked)
    pairs.append((_REQUESTED, line(mention(execution.actor))))
    here = [replace(one, reason="") if one.is_apart else one for one in asked.approval.joined]
    pairs += _why(execution, here)
    parts: list[Part] = [Para(title), Fields(tuple(pairs))]
    if asked.beside.titles or asked.beside.elsewhere:
        parts.append(Para(line(emoji("warning"), " ", _beside(asked.beside))))
    loses = lost_told(asked.loses)
    parts += loss(asked.loses)
    if asked.approval.changed:
        parts.append(Para(line(emoji("scales"), " ", told_changes(asked.approval.changed))))
    if tally := sentences((*tally_of(asked), *no_longer(asked))):
        parts.append(Para(tally))
    who = _who(asked)
    parts += [_buttons(asked), Note(who)]
    by = say("Requested by {user}.", user=mention(execution.actor))
    return Reply(sentences((title, by, loses, tally, who)), tuple(parts))


def loss(loses: Losses) -> tuple[Para, ...]:
    """What is lost, or why nothing is; none where nobody says."""
    told = lost_told(loses)
    sign = emoji("information_source" if isinstance(loses, Nothing) else "warning")
    return (Para(line(sign, " ", told)),) if told else ()


def _why(execution: Execution, joined: Sequence[Joined]) -> list[tuple[Phrase, Line]]:
    """Why it is wanted, and who else wants it."""
    pairs: list[tuple[Phrase, Line]] = []
    mine = [one for one in joined if one.user == execution.actor]
    reasons = (execution.arguments.get("reason", ""), *(one.reason for one in mine))
    if told := [line(one) for one in dict.fromkeys(reasons) if one]:
        pairs.append((say("Reason"), _below_each_other(told)))
    if others := [one for one in joined if one not in mine]:
        pairs.append((say("Also requested by"), _joined(others)))
    return pairs


def _with_all_reasons(card: Reply, execution: Execution, joined: Sequence[Joined]) -> Reply:
    """The card with the reasons that were given elsewhere, for one who decides."""
    parts = list[Part]()
    for part in card.parts:
        if isinstance(part, Fields) and _REQUESTED in (names := [name for name, _ in part.pairs]):
            before = part.pairs[: names.index(_REQUESTED) + 1]
            parts.append(replace(part, pairs=(*before, *_why(execution, joined))))
        else:
            parts.append(part)
    return replace(card, parts=tuple(parts))


def _joined(joined: Sequence[Joined]) -> Line:
    """Who else has requested it, a line each, with their reasons."""
    rows: list[Line] = []
    for one in joined:
        user = mention(one.user)
        told = say("{user}: {reason}", user=user, reason=one.reason) if one.reason else user
        rows.append(line(told))
    return _below_each_other(rows)


def _beside(others: Beside) -> Phrase:
    """What else waits for the same machine; beyond a few, how many."""
    more = len(others.titles) - _NAMED
    told: list[Words] = list(others.titles[:_NAMED])
    if more > 0:
        told.append(say_number("{number} more", "{number} more", more))
    if others.elsewhere:
        told.append(
            say_number(
                "{number} request made elsewhere",
                "{number} requests made elsewhere",
                others.elsewhere,
            )
        )
    return say("Also pending approval for this machine: {requests}.", requests=apart(told))


def _below_each_other(rows: Sequence[Line]) -> Line:
    return line(*(piece for row in rows for piece in ("\n", *row)))[1:]


def shown_again(asked: Question) -> Reply:
    """The card for somebody who looks it up: private, and without buttons once it is over."""
    approval = asked.approval
    if approval.kind is ReviewKind.AFTERWARDS:
        is_open = approval.status is ApprovalStatus.PENDING
        card = broken_glass(asked, None) if is_open else reviewed_glass(asked)
    elif approval.status is ApprovalStatus.PENDING:
        card = question(asked)
    elif approval.status is ApprovalStatus.APPROVED:
        tally = sentences(tally_of(asked))
        card = Reply.of(say("{what}: {subject}", what=asked.title, subject=tally))
        card = card.also(Fields(tuple(shown_in(asked))))
    else:
        card = Reply.of(closed(asked))
    return replace(card, private=True)


def read_by(
    card: Reply,
    reader: str,
    execution: Execution,
    approval: Approval | None,
    votes: Sequence[Vote],
    *,
    decides: bool = True,
) -> Reply:
    """The card in a copy of one person's own: of its buttons, those that they may press.

    Whoever else `decides` reads all reasons.
    """
    if approval is not None and approval.kind is ReviewKind.AFTERWARDS:
        return not_by(card, {REVIEWED}) if reader == execution.actor else card
    if approval is None or approval.kind is not ReviewKind.APPROVE:
        return card
    unfit = {WITHDRAW}
    if any(vote.user == reader and vote.state is VoteState.COUNTED for vote in votes):
        unfit = set()
    if reader != execution.actor:
        unfit |= {CANCEL}
    elif not approval.self_approval:
        unfit |= {APPROVE, DENY}
    if decides and APPROVE not in unfit and any(one.is_apart for one in approval.joined):
        card = _with_all_reasons(card, execution, approval.joined)
    return not_by(card, unfit)


def _buttons(asked: Question) -> Actions:
    approval = asked.approval
    if approval.kind is ReviewKind.CONFIRM:
        is_doubtful = {ALIKE, *CAUTIONS} & approval.shown.keys()
        word = say("Run it anyway") if is_doubtful else say("Confirm")
        yes: tuple[Button, ...] = (Button(word, CONFIRM, approval.id, "danger"),)
    else:
        yes = (
            Button(say("Approve"), APPROVE, approval.id, "primary", confirm=_once_more(asked)),
            Button(say("Deny"), DENY, approval.id, "danger"),
        )
    if any(vote.state is VoteState.COUNTED for vote in asked.votes):
        yes = (*yes, Button(say("Withdraw vote"), WITHDRAW, approval.id))
    execution = asked.execution
    show: tuple[Button, ...] = ()
    if execution.node and execution.task not in {"", execution.id}:
        show = (machine_buttons.button("show", execution.node, execution.task),)
    glass: tuple[Button, ...] = ()
    if asked.glass and approval.kind is ReviewKind.APPROVE:
        glass = (Button(say("Break glass …"), BREAK, approval.id),)
    return Actions((*yes, Button(say("Withdraw"), CANCEL, approval.id), *show, *glass))


def _once_more(asked: Question) -> Confirm | None:
    """What Slack asks of an approver where something is lost; where they type its name, that does.

    A finger slips, and an approval cannot be taken back once it runs.
    """
    if asked.execution.effect is not Effect.DESTROY or asked.approval.type_name:
        return None
    execution = asked.execution
    is_machine = execution.task not in {"", execution.id}
    told = say("Machine {id}.", id=code(execution.task[:_SHORT])) if is_machine else ""
    # Names can be long, and Slack takes few characters here: what must be read comes before them.
    text = sentences((lost_told(asked.loses), told, say("{what}.", what=asked.title)))
    return Confirm(say("Approve this?"), text, say("Approve"))


def _who(asked: Question) -> Line:
    approval = asked.approval
    expires = say("Expires {time}.", time=time(approval.expires_at))
    if approval.kind is ReviewKind.CONFIRM:
        only = say("Only {user} can confirm.", user=mention(approval.reviewer))
        return sentences((only, expires))
    typing = say("Approvers must type its description or id.") if approval.type_name else ""
    cancel = say("{user} can withdraw it.", user=mention(asked.execution.actor))
    return sentences((_needs(asked), typing, expires, cancel))


def _needs(asked: Question) -> Phrase:
    """How many have to approve, and who they are."""
    approval, node = asked.approval, asked.subject.node_label
    if people := _named(asked):
        if approval.needed == len(asked.people) == 1 and not asked.channel:
            return say("Needs 1 approval from {people}.", people=people)
        return say_number(
            "Needs {number} approval from {people}.",
            "Needs {number} approvals from {people}.",
            approval.needed,
            people=people,
        )
    if asked.named or not node:
        if approval.self_approval:
            return say_number(
                "Needs {number} approval from someone whom the rules name.",
                "Needs {number} approvals from people whom the rules name.",
                approval.needed,
            )
        return say_number(
            "Needs {number} approval from someone else whom the rules name.",
            "Needs {number} approvals from others whom the rules name.",
            approval.needed,
        )
    if approval.self_approval:
        return say_number(
            "Needs {number} approval from someone with a session for {node}.",
            "Needs {number} approvals from people with a session for {node}.",
            approval.needed,
            node=node,
        )
    return say_number(
        "Needs {number} approval from someone else with a session for {node}.",
        "Needs {number} approvals from others with a session for {node}.",
        approval.needed,
        node=node,
    )


def _named(asked: Question) -> Line:
    """`@bob or members of #gpu-ops`: those who may approve, where they can be named."""
    named = people_line(asked.people) if _are_few(asked.people) else ()
    if not asked.channel:
        return named
    members = line(say("members of {channel}", channel=channel(asked.channel)))
    return any_of((named, members)) if named else members


def _are_few(people: Sequence[UserId]) -> bool:
    """Whether a card can name them all: more would be called for nothing."""
    return 0 < len(people) <= _NAMED


def comparing(asked: Question) -> Reply:
    """Approved or confirmed; what was shown is read again before anything runs."""
    by = [vote.user for vote in asked.votes if vote.state is VoteState.COUNTED]
    detail = say(
        "approved by {people}; checking that nothing has changed since", people=people_line(by)
    )
    if asked.approval.kind is ReviewKind.CONFIRM:
        detail = say(
            "confirmed by {people}; checking that nothing has changed since", people=people_line(by)
        )
    return running(asked.execution, asked.title, detail, Fields(tuple(shown_in(asked))))


def reminder(asked: Question, people: Sequence[UserId] | None) -> Reply:
    """In the card's thread: it still waits, for whom (None: that is not known now), until when."""
    if asked.approval.kind is ReviewKind.AFTERWARDS:
        waits = say(
            "{user} broke the glass: “{request}” still waits for a review.",
            user=mention(asked.execution.actor),
            request=asked.title,
        )
        told = sentences((waits, for_review(asked, people)))
        return Reply(told, (Para(line(emoji("bell"), " ", told)), reviewed_button(asked)))
    waits = say(
        "{request} still waits for a decision. It expires {time}.",
        request=asked.title,
        time=time(asked.approval.expires_at),
    )
    told = sentences((waits, people_line(people or ())))
    return Reply(told, (Para(line(emoji("bell"), " ", told)),))


def reminders_key(approval: Approval) -> str:
    """How the keys of all reminders of a review begin."""
    return f"remind:{approval.id}"


def key_of(approval: Approval) -> str:
    """The key of the message that asks, or announces broken glass."""
    if approval.kind is ReviewKind.AFTERWARDS:
        return glass_key(approval.execution)
    return card_key(approval.execution)
