"""What a review is about: its question, to what it is done, and what was read of that. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from bot.ids import ChannelId, UserId
from bot.messages.cards import Subject
from bot.messages.facts import (
    ALIKE,
    CAUTIONS,
    DESCRIPTION,
    NODE,
    SESSION,
    Kinds,
    said,
    whose_session,
)
from bot.model import (
    Approval,
    Execution,
    ExecutionStatus,
    Vote,
)
from bot.reply import (
    Line,
    Phrase,
    Text,
    Words,
    apart,
    code,
    emoji,
    line,
    listed,
    mention,
    say,
    time,
)

DONE_TWICE = say("DBC carries out both requests.")
PERHAPS_TWICE = say("DBC may carry out both requests.")

_SHORT = 8  # characters of an id

_STANDS = {
    ExecutionStatus.RECORDED: say("in progress"),
    ExecutionStatus.WAITING: say("pending approval"),
    ExecutionStatus.RUNNING: say("sent, no answer yet"),
    ExecutionStatus.FOLLOWING: say("in progress"),
    ExecutionStatus.UNKNOWN: say("sent, outcome unknown; it may still be carried out"),
}


@dataclass(frozen=True, slots=True)
class Nothing:
    """That nothing is lost, and why."""

    told: Text


Losses = Text | Nothing


@dataclass(frozen=True, slots=True)
class Beside:
    """What else waits to be approved for the same machine.

    `titles`: what was requested where the card stands, and by whom. `elsewhere`: how many were
    requested in other conversations, which whoever reads the card may not read.
    """

    titles: Sequence[Line] = ()
    elsewhere: int = 0


@dataclass(frozen=True, slots=True)
class Question:
    """All that a review's card says.

    `title` is what it asks: `Delete train-01 on gpu1`. `kinds`: how the facts read that it shows.
    `named`: the rules name who may approve. `people`: those who were asked to, and may. `channel`:
    where a shared session lets every member approve. `glass`: there are people who may break it.
    `beside`: what else waits to be approved for the same machine.
    `instead`: the one that waited for approval until somebody broke the glass on its card.
    """

    execution: Execution
    approval: Approval
    subject: Subject
    title: Line
    loses: Losses
    kinds: Kinds = field(default_factory=dict)
    votes: Sequence[Vote] = ()
    named: bool = False
    people: Sequence[UserId] = ()
    channel: ChannelId = ChannelId("")
    glass: bool = False
    beside: Beside = Beside()
    instead: "Question | None" = None


def lost_told(losses: Losses) -> Text:
    """What is lost, or why that is nothing."""
    return losses.told if isinstance(losses, Nothing) else losses


def with_requester(asked: Question) -> Line:
    """`Delete train-01 on gpu1, requested by @bob`."""
    return requested_by(asked.title, asked.execution)


def requested_by(title: Line, execution: Execution) -> Line:
    """The same of what has this title."""
    user = mention(execution.actor)
    return line(say("{question}, requested by {user}", question=title, user=user))


def second_time(what: Line) -> Line:
    """What is asked where the same request is in progress."""
    return line(say("Run “{request}” a second time", request=what))


def told_changes(changed: Mapping[str, Words]) -> Phrase:
    """What the rules demand more than when it was requested, in one sentence."""
    return say(
        "What the rules require has changed since this was requested: {changes}.",
        changes=apart(changed.values()),
    )


def desc_of(approval: Approval) -> str:
    """The machine's own description, as the question shows it."""
    return approval.shown[DESCRIPTION].text if DESCRIPTION in approval.shown else ""


def subject_of(approval: Approval, execution: Execution, node_label: str) -> Subject:
    """To what it is done, by the names people use and the machine's own."""
    return Subject(execution.label, execution.task, node_label, desc_of(approval))


def identifiers(approval: Approval, execution: Execution, node_label: str) -> Line:
    """` (machine 7a9Qx2Lk, node gpu1)`: what nobody can choose, beside what somebody has chosen."""
    told: list[Words] = []
    if execution.task not in {"", execution.id}:
        told.append(say("machine {machine}", machine=code(execution.task[:_SHORT])))
    _, _, own = (approval.shown[NODE].text if NODE in approval.shown else "").partition(" ")
    if execution.node and own != node_label:
        told.append(say("node {node}", node=own or code(execution.node[:_SHORT])))
    return line(say(" ({what})", what=listed(told))) if told else ()


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


def shown_in(asked: Question) -> list[tuple[Text, Line]]:
    """To what it is done, and what was read of it."""
    pairs: list[tuple[Text, Line]] = []
    if asked.subject.task:
        pairs.append((say("Machine"), line(asked.subject.label, " · ", code(asked.subject.task))))
    for key, fact in asked.approval.shown.items():
        if key == DESCRIPTION and fact.text in {"", asked.subject.label}:
            continue
        if key == SESSION and whose_session(fact.text) == asked.execution.actor:
            continue  # their own, as one expects
        label, text = said(asked.kinds, key, fact)
        if key in CAUTIONS:  # it is read before anything else
            pairs.insert(0, (label, line(emoji("warning"), " ", text)))
            continue
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
        told.append(
            line(
                say(
                    "requested by {user}, {time}: {state}",
                    user=mention(UserId(actor)),
                    time=time(datetime.fromisoformat(at)),
                    state=_STANDS[ExecutionStatus(status)],
                )
            )
        )
    return line(*(piece for one in told for piece in (*one, "\n")))
