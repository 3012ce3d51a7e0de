"""The words of the one message that each change has, from question to end. Pure builders."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from bot.ids import ExecutionId, TaskId, UserId
from bot.messages.log_lines import excerpt
from bot.model import Execution, ExecutionStatus, MessageRef, Noted, Watch
from bot.reply import (
    Button,
    CodeBlock,
    Line,
    Note,
    Para,
    Part,
    Phrase,
    Reply,
    Span,
    Text,
    Words,
    bold,
    emoji,
    line,
    listed,
    mention,
    mentioned,
    say,
    sentences,
    time,
)

CONNECT = "vm.connect"
KEEP_WATCHING = "watch.extend"

# Behind whoever is told something: a sentence may begin with whose doing it was.
ADDRESSED = say(": ")


_SIGNS = {
    ExecutionStatus.DONE: "white_check_mark",
    ExecutionStatus.FAILED: "x",
    ExecutionStatus.UNKNOWN: "grey_question",
    ExecutionStatus.REFUSED: "no_entry_sign",
    ExecutionStatus.DENIED: "no_entry_sign",
    ExecutionStatus.CANCELLED: "no_entry_sign",
    ExecutionStatus.VOIDED: "no_entry_sign",
    ExecutionStatus.EXPIRED: "hourglass",
}


@dataclass(frozen=True, slots=True)
class Subject:
    """What a card is about: a machine (or a node alone), by the names people use.

    `desc` is the machine's own description: a nickname is not the last word on what it is.
    """

    label: str
    task: TaskId
    node_label: str
    desc: str = ""

    @property
    def named(self) -> Line:
        """`train-01 on gpu1`, with the names standing out."""
        if not self.label:
            return line(bold(self.node_label))
        if not self.node_label:
            return self.called
        return line(say("{machine} on {node}", machine=self.called, node=bold(self.node_label)))

    @property
    def called(self) -> Line:
        """`train-01`, or `scratch-test (train-01)`: a nickname is whatever somebody has chosen."""
        if self.desc in {"", self.label}:
            return line(bold(self.label))
        return line(bold(self.label), say(" ({what})", what=self.desc))


def subject_of(watch: Watch, node_label: str) -> Subject:
    """What is followed, by the names people use and the machine's own."""
    return Subject(watch.label, watch.task, node_label, watch.about.get(Noted.OWN_NAME, ""))


def asked(question: Text, said: Callable[[str], Words], subject: Subject) -> Line:
    """A question without its mark, where `{target}`, `{label}` and `{node}` name the subject.

    Any other `{name}` that the phrase leaves open is what `said` says of it. A mere title is
    followed by the target.
    """
    if isinstance(question, str):
        is_of_something = subject.label or subject.node_label
        return line(question, " ", subject.named) if is_of_something else line(question)
    names = {
        "target": subject.named,
        "label": line(bold(subject.label)),
        "node": line(bold(subject.node_label)),
    }
    return line(question.filled(lambda name: names[name] if name in names else line(said(name))))


def doing(called: Text, subject: Subject) -> Line:
    """`Show a machine: train-01 on gpu1`: what is done and to what, as the name of a request."""
    if not subject.label and not subject.node_label:
        return line(called)
    return line(say("{what}: {subject}", what=called, subject=subject.named))


def card_key(execution_id: ExecutionId) -> str:
    """The key of a change's one message."""
    return f"{CARD}{execution_id}"


CARD = "card:"  # how the key of a change's card begins
_ANSWERED = "answered."


def answered_key(key: str, ref: MessageRef) -> str:
    """The key of an answer that shows the card `key`: no person's id is like it."""
    return f"{key}:{_ANSWERED}{ref.channel}.{ref.ts}"


def owner_of(key: str, copy: str) -> str:
    """Whose copy of the card `key` it is, or its channel; nothing for the card and for answers."""
    owner = copy.removeprefix(key).removeprefix(":")
    return "" if owner.startswith(_ANSWERED) else owner


ENDS = "end:"  # how the keys of those messages begin


DIGESTS = "digest:"  # how the keys of what a digest tells begin


def end_key(execution_id: ExecutionId, watch_id: str = "") -> str:
    """The key of the message that tells the end; a renewed watch tells another one."""
    renewed = watch_id not in {"", execution_id}
    return f"{ENDS}{execution_id}:{watch_id}" if renewed else f"{ENDS}{execution_id}"


def private_key(execution_id: ExecutionId) -> str:
    """The key of the end that only the requester is told."""
    return f"told:{execution_id}"


def execution_of(key: str) -> ExecutionId:
    """The change that a message is about, by the message's key."""
    return ExecutionId(key.split(":")[1] if ":" in key else "")


def progress(
    execution: Execution, subject: Subject, doing: Text, detail: Words, *parts: Part
) -> Reply:
    """Something is in progress: `train-01 is starting on gpu1`."""
    return running(execution, under_way(subject, doing), detail, *parts)


def running(execution: Execution, what: Line, detail: Words, *parts: Part) -> Reply:
    """The same in other words: `Delete the network team01 on gpu1`."""
    return Reply(
        line(what, " … ", detail),
        (
            Para(line(emoji("hourglass_flowing_sand"), " ", what, " …")),
            *parts,
            _footer(execution, detail),
        ),
    )


def ended(
    execution: Execution, status: ExecutionStatus, sentence: Line, *parts: Part, detail: Words = ()
) -> Reply:
    """The card's last face."""
    head = Para(line(emoji(_SIGNS[status]), " ", sentence))
    return Reply(sentences((sentence, detail)), (head, *parts, _footer(execution, detail)))


def answered(execution: Execution, reply: Reply) -> Reply:
    """The card's last face where a command's own answer says it all."""
    return Reply(reply.summary, (*reply.parts, _footer(execution, ())))


def announcement(
    execution: Execution, status: ExecutionStatus, sentence: Line, *parts: Part
) -> Reply:
    """The new message that tells the requester how it ended."""
    text = line(emoji(_SIGNS[status]), " ", mention(execution.actor), ADDRESSED, sentence)
    return Reply(_in_full(sentence, parts), (Para(text), *parts), end=status)


def unmentioned(told: Reply) -> Reply:
    """An announcement that calls nobody: its card says who requested it."""
    first, *below = told.parts
    if not isinstance(first, Para) or not _calls_someone(first.text):
        return replace(told, quiet=True)
    sign, gap, _, _, *sentence = first.text
    head = Para((sign, gap, *sentence))
    return replace(told, parts=(head, *below), quiet=True)


def _calls_someone(head: Line) -> bool:
    return len(head) > 4 and isinstance(head[2], Span) and head[2].style == "mention"


def alone(status: ExecutionStatus, sentence: Line, *parts: Part) -> Reply:
    """The same for one person, where nobody else has seen anything of it."""
    head = Para(line(emoji(_SIGNS[status]), " ", sentence))
    return Reply(_in_full(sentence, parts), (head, *parts), private=True)


def _in_full(sentence: Line, parts: Sequence[Part]) -> Line:
    """What a notification says: also what to do, which stands in small print."""
    return sentences((sentence, *(part.text for part in parts if isinstance(part, Note))))


def hint(text: Words) -> tuple[Part, ...]:
    """What to do about it, in small print; nothing for an empty text."""
    return (Note(line(text)),) if text else ()


def connect_button(execution: Execution) -> Button:
    """Offers the connection lines, shown privately to whoever presses."""
    return Button(say("How to connect"), CONNECT, execution.id, "primary")


def keep_watching_button(watch_id: str) -> Button:
    """Offers to go on after the deadline."""
    return Button(say("Keep watching"), KEEP_WATCHING, watch_id)


def log_excerpt(lines: tuple[str, ...]) -> CodeBlock:
    """The last lines of a machine's log; the DBC client has masked the passwords in them."""
    return CodeBlock(excerpt(lines).text)


def under_way(subject: Subject, told: Text) -> Line:
    """`train-01 is starting on gpu1`, of a phrase with `{label}` or `{target}`, and `{node}`.

    A former version kept what stands behind the name.
    """
    if isinstance(told, str):
        return line(subject.named, " ", told)
    node = line(bold(subject.node_label))
    label = subject.called if subject.label else node
    names = {"label": label, "target": subject.named, "node": node}
    return line(told.filled(lambda name: names[name]))


def result(subject: Subject, done: Text, took: timedelta | None = None) -> Line:
    """`train-01 has started on gpu1 (2 min 10 s).`"""
    return line(say("{told}.", told=_timed(under_way(subject, done), took)))


def unfinished(
    called: Text,
    end: ExecutionStatus,
    subject: Subject,
    why: Text,
    took: timedelta | None = None,
    *,
    by: UserId = UserId(""),
    only_looks: bool = False,
) -> Line:
    """`“Create a machine” failed: train-01 on gpu1 is in state “create error” (2 min 10 s).`

    What is seen of a machine does not tell what was asked of it: the command does.
    """
    told = under_way(subject, why)
    if by:
        told = line(say("{told} by {user}", told=told, user=mention(by)))
    told = line(say("{told}.", told=_timed(told, took)))
    return of_request(called, end, told, only_looks=only_looks) if called else told


def _timed(told: Line, took: timedelta | None) -> Line:
    if took is None:
        return told
    return line(say("{told} ({duration})", told=told, duration=duration(took)))


def of_request(what: Words, end: ExecutionStatus, told: Words, *, only_looks: bool = False) -> Line:
    """`“Create a machine” failed: …`: the one shape of what says that something was not done.

    What `only_looks` ends well by telling whatever it saw. Of any other end `told` alone says it.
    """
    names = {"what": line(what), "told": line(told)}
    if only_looks:
        return line(say("“{what}”: {told}", **names))
    if end is ExecutionStatus.REFUSED:
        return line(say("“{what}” was refused: {told}", **names))
    if end is ExecutionStatus.FAILED:
        return line(say("“{what}” failed: {told}", **names))
    if end is ExecutionStatus.CANCELLED:
        return line(say("“{what}” was stopped: {told}", **names))
    if end is ExecutionStatus.UNKNOWN:
        return line(say("“{what}” has an unknown end: {told}", **names))
    return line(say("“{what}”: {told}", **names))


def signed(execution: Execution, reply: Reply) -> Reply:
    """What others see of a change says who requested and who approved it, if it does not yet."""
    if mentioned(reply) >= {execution.actor, *execution.approved_by}:
        return reply
    return reply.also(Note(requested_by(execution)))


def requested_by(execution: Execution) -> Line:
    """`Requested by @alice, approved by @bob`."""
    user = mention(execution.actor)
    if not execution.approved_by:
        return line(say("Requested by {user}", user=user))
    return line(
        say(
            "Requested by {user}, approved by {approvers}",
            user=user,
            approvers=people_line(execution.approved_by),
        )
    )


def people_line(people: Sequence[UserId]) -> Line:
    """Mentions, with commas."""
    return listed(line(mention(user)) for user in people)


def _footer(execution: Execution, detail: Words) -> Note:
    user, at = mention(execution.actor), time(execution.created_at)
    asked = say("Requested by {user}, {time}", user=user, time=at)
    if execution.approved_by:
        asked = say(
            "Requested by {user}, {time}, approved by {approvers}",
            user=user,
            time=at,
            approvers=people_line(execution.approved_by),
        )
    return Note(line(asked, " · ", detail) if detail else line(asked))


def duration(span: timedelta) -> Phrase:
    """`45 s`, `2 min 10 s`, `1 h 05 min`."""
    seconds = max(0, round(span.total_seconds()))
    if seconds < 60:
        return say("{seconds} s", seconds=seconds)
    minutes, seconds = divmod(seconds, 60)
    if minutes < 60:
        if not seconds:
            return say("{minutes} min", minutes=minutes)
        rest = f"{seconds:02}"
        return say("{minutes} min {seconds} s", minutes=minutes, seconds=rest)
    hours, rest = minutes // 60, f"{minutes % 60:02}"
    return say("{hours} h {minutes} min", hours=hours, minutes=rest)
