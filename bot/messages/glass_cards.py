"""The words of broken glass: what ran without approval, and who reviews it. Pure builders."""

from collections.abc import Collection, Sequence
from dataclasses import replace

from bot.ids import ExecutionId, UserId
from bot.messages.cards import people_line
from bot.messages.decisions import tally_of
from bot.messages.question import Question, shown_in
from bot.model import (
    Approval,
    ApprovalStatus,
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
    Text,
    channel,
    code,
    command,
    emoji,
    line,
    mention,
    say,
    sentences,
)

REVIEWED = "approval.reviewed"
REFUSED = "refused.glass"  # on a refusal; the value is the id of what was refused

_GLASS = emoji("rotating_light")


def for_review(asked: Question, people: Sequence[UserId] | None) -> Line:
    """Who can review what ran without approval; where nobody can, what to do about it."""
    if people is None:
        return ()
    if people:
        return line(say("For review by {people}.", people=people_line(people)))
    if asked.channel:
        where = channel(asked.channel)
        return line(say("Anyone in {channel} can review it.", channel=where))
    if asked.named or not asked.subject.node_label:
        told = say(
            "Nobody named by the rules can review it now. Add {field} to a rule.",
            field=code("approvers"),
        )
        return line(told)
    told = say(
        "Nobody else has a session for {node}, so nobody can review it yet. A teammate adds theirs "
        "with {add}, or you share yours with {share}; or a rule names {field}.",
        node=asked.subject.node_label,
        add=command("session add"),
        share=command("session share"),
        field=code("approvers"),
    )
    return line(told)


def broken_glass(asked: Question, people: Sequence[UserId] | None) -> Reply:
    """Loud: someone ran this without approval, and somebody else has to look at it.

    `people` are those who were told; None where it is only shown again.
    """
    execution = asked.execution
    told = say(
        "{user} broke the glass: “{request}” runs without approval.",
        user=mention(execution.actor),
        request=asked.title,
    )
    reason = execution.arguments.get("break_glass", "")
    pairs = [*shown_in(asked), *_why(asked)]
    parts: list[Part] = [Para(line(_GLASS, " ", told)), Fields(tuple(pairs))]
    who = for_review(asked, people)
    if who:
        parts.append(Para(who))
    parts.append(reviewed_button(asked))
    why = say("Reason: “{reason}”.", reason=reason) if reason else ""
    return Reply(sentences((told, why, who)), tuple(parts))


def _why(asked: Question) -> list[tuple[Text, Line]]:
    """Why it could not wait; who had requested it until then, and what others thought of that."""
    pairs: list[tuple[Text, Line]] = []
    if reason := asked.execution.arguments.get("break_glass", ""):
        pairs.append((say("Reason"), line(reason)))
    if asked.instead is None:
        return pairs
    first = asked.instead.execution
    by, wanted = mention(first.actor), first.arguments.get("reason", "")
    both = say("{user}: {reason}", user=by, reason=wanted) if wanted else by
    pairs.append((say("Requested by"), line(both)))
    if tally := sentences(tally_of(asked.instead)):
        pairs.append((say("Votes until then"), tally))
    return pairs


def reviewed_glass(asked: Question) -> Reply:
    """The same after somebody else has looked at it."""
    told = say(
        "{user} broke the glass: “{request}” ran without approval; reviewed by {reviewer}.",
        user=mention(asked.execution.actor),
        request=asked.title,
        reviewer=mention(asked.approval.decided_by),
    )
    parts: list[Part] = [Para(line(emoji("white_check_mark"), " ", told))]
    if why := _why(asked):
        parts.append(Fields(tuple(why)))
    return Reply(line(told), tuple(parts))


def glass_key(execution_id: ExecutionId) -> str:
    """The key of the message that announces broken glass."""
    return f"glass:{execution_id}"


def glass_note(approval: Approval, people: Sequence[UserId]) -> Note:
    """For the card of what runs without approval: who reviews it, or who has."""
    if approval.status is ApprovalStatus.APPROVED:
        by = mention(approval.decided_by)
        told = say("Ran without approval; reviewed by {user}.", user=by)
    elif people:
        told = say(
            "Ran without approval; still to be reviewed by {people}.", people=people_line(people)
        )
    else:
        told = say("Ran without approval; someone else still has to review it.")
    return Note(line(_GLASS, " ", told))


def is_glass_note(part: Part) -> bool:
    """Whether it is a former `glass_note`."""
    return isinstance(part, Note) and part.text[:1] == (_GLASS,)


def reviewed_button(asked: Question) -> Actions:
    """Offers somebody else to say that they have looked at it."""
    return Actions((Button(say("I have reviewed it"), REVIEWED, asked.approval.id, "primary"),))


def not_by(card: Reply, unfit: Collection[str]) -> Reply:
    """The card as somebody alone reads it, without buttons that are not theirs to press."""

    def shown(part: Part) -> Part:
        if not isinstance(part, Actions):
            return part
        return Actions(tuple(one for one in part.buttons if one.action not in unfit))

    parts = map(shown, card.parts)
    return replace(card, parts=tuple(part for part in parts if part != Actions(())))
