"""The words of the one message that each change has, from question to end. Pure builders."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from bot.model import Execution, ExecutionStatus, Watch
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
    code,
    emoji,
    line,
    mention,
    mentioned,
    plain,
    time,
)

CONNECT = "vm.connect"
KEEP_WATCHING = "watch.extend"

OWN_NAME = "own_name"  # of a watch: the description of its machine as it began

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
    task: str
    node_label: str
    desc: str = ""

    @property
    def named(self) -> Line:
        """`train-01 on gpu1`, with the names standing out."""
        if not self.label:
            return line(bold(self.node_label))
        return line(self.called, " on ", bold(self.node_label))

    @property
    def called(self) -> Line:
        """`train-01`, or `scratch-test (train-01)`: a nickname is whatever somebody has chosen."""
        own = f" ({self.desc})" if self.desc not in {"", self.label} else ""
        return line(bold(self.label), own)


def subject_of(watch: Watch, node_label: str) -> Subject:
    """What is followed, by the names people use and the machine's own."""
    return Subject(watch.label, watch.task, node_label, watch.about.get(OWN_NAME, ""))


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


def doing(title: str, subject: Subject) -> Line:
    """`vm show` train-01 on gpu1: what is being done, to what."""
    if not subject.label and not subject.node_label:
        return line(code(title))
    if not subject.node_label:
        return line(code(title), " ", bold(subject.label))
    return line(code(title), " " if subject.label else " on ", subject.named)


def card_key(execution_id: str) -> str:
    """The key of a change's one message."""
    return f"card:{execution_id}"


ENDS = "end:"  # how the keys of those messages begin


def end_key(execution_id: str, watch_id: str = "") -> str:
    """The key of the message that tells the end; a renewed watch tells another one."""
    renewed = watch_id not in {"", execution_id}
    return f"{ENDS}{execution_id}:{watch_id}" if renewed else f"{ENDS}{execution_id}"


def private_key(execution_id: str) -> str:
    """The key of the end that only who asked is told."""
    return f"told:{execution_id}"


def execution_of(key: str) -> str:
    """The change that a message is about, by the message's key."""
    return key.split(":")[1] if ":" in key else ""


def progress(
    execution: Execution, subject: Subject, doing: Text, detail: Line, *parts: Part
) -> Reply:
    """Something is under way: `train-01 is starting on gpu1`."""
    return running(execution, under_way(subject, doing), detail, *parts)


def running(execution: Execution, what: Line, detail: Line, *parts: Part) -> Reply:
    """The same in other words: `Delete the network team01 on gpu1`."""
    return Reply(
        plain(what),
        (
            Para(line(emoji("hourglass_flowing_sand"), " ", what, " …")),
            *parts,
            _footer(execution, detail),
        ),
    )


def ended(
    execution: Execution, status: ExecutionStatus, sentence: Line, *parts: Part, detail: Line = ()
) -> Reply:
    """The card's last face."""
    head = Para(line(emoji(_SIGNS[status]), " ", sentence))
    return Reply(plain(sentence), (head, *parts, _footer(execution, detail)))


def answered(execution: Execution, reply: Reply) -> Reply:
    """The card's last face where a command's own answer says it all."""
    return Reply(reply.summary, (*reply.parts, _footer(execution, ())))


def announcement(
    execution: Execution, status: ExecutionStatus, sentence: Line, *parts: Part
) -> Reply:
    """The new message that tells the requester how it ended."""
    text = line(emoji(_SIGNS[status]), " ", mention(execution.actor), " ", sentence)
    return Reply(plain(sentence), (Para(text), *parts), end=status)


def alone(status: ExecutionStatus, sentence: Line, *parts: Part) -> Reply:
    """The same for one person, where nobody else has seen anything of it."""
    head = Para(line(emoji(_SIGNS[status]), " ", sentence))
    return Reply(plain(sentence), (head, *parts), private=True)


def hint(text: Line) -> tuple[Part, ...]:
    """What to do about it, in small print; nothing for an empty text."""
    return (Note(text),) if text else ()


def connect_button(execution: Execution) -> Button:
    """Offers the connection lines, shown privately to whoever presses."""
    return Button("How to connect", CONNECT, execution.id, "primary")


def keep_watching_button(watch_id: str) -> Button:
    """Offers to go on after the deadline."""
    return Button("Keep watching", KEEP_WATCHING, watch_id)


def log_excerpt(lines: tuple[str, ...]) -> CodeBlock:
    """The last lines of a machine's log; the DBC client has masked the passwords in them."""
    return CodeBlock("\n".join(lines))


def under_way(subject: Subject, doing: Text) -> Line:
    """`train-01 is starting on gpu1`, of a phrase with `{label}` or `{target}`, and `{node}`."""
    if isinstance(doing, Phrase):
        node = line(bold(subject.node_label))
        label = subject.called if subject.label else node
        names = {"label": label, "target": subject.named, "node": node}
        return line(doing.filled(lambda name: names[name]))
    if not subject.label:
        return line(bold(subject.node_label), " ", doing)
    if "{node}" in doing:
        before, _, after = doing.partition("{node}")
        return line(subject.called, " ", before, bold(subject.node_label), after)
    return line(subject.called, f" {doing} on ", bold(subject.node_label))


def placed(text: str, node_label: str) -> Line:
    """The text with the node's name where it says `{node}`."""
    before, mark, after = text.partition("{node}")
    return line(before, bold(node_label) if mark else "", after)


def result(subject: Subject, done: Text, took: timedelta | None = None) -> Line:
    """`train-01 has started on gpu1 (2 min 10 s)`."""
    return line(under_way(subject, done), f" ({duration(took)})" if took else "", ".")


_OF_COMMAND = {
    ExecutionStatus.FAILED: " failed",
    ExecutionStatus.UNKNOWN: " has an unknown end",
    ExecutionStatus.CANCELLED: " was stopped",
}
_ONLY_LOOKS = "watch "  # how such a command is called: it ends well by telling whatever it saw


def of_command(title: str, end: ExecutionStatus) -> Line:
    """`vm create failed: `."""
    stands = "" if title.startswith(_ONLY_LOOKS) else _OF_COMMAND[end]
    return line(code(title), f"{stands}: ")


def unfinished(
    title: str,
    end: ExecutionStatus,
    subject: Subject,
    why: str,
    took: timedelta | None = None,
    by: str = "",
) -> Line:
    """`vm create failed: train-01 on gpu1 is in state “create error” (2 min 10 s).`

    What is seen of a machine does not tell what was asked of it: the command does.
    """
    lead = of_command(title, end) if title else ()
    who = line(" by ", mention(by)) if by else ()
    told = placed(why.rstrip("."), subject.node_label)
    after = "" if took is None else f" ({duration(took)})"
    return line(lead, subject.named, " ", told, who, after, ".")


def signed(execution: Execution, reply: Reply) -> Reply:
    """What others see of a change says who requested and who approved it, if it does not yet."""
    if mentioned(reply) >= {execution.actor, *execution.approved_by}:
        return reply
    return reply.also(Note(by_whom(execution, "Requested by ")))


def by_whom(execution: Execution, verb: str, *more: str | Span | Line) -> Line:
    """`Requested by @alice, approved by @bob`; `more` stands behind the first."""
    told = line(verb, mention(execution.actor), *more)
    for position, user in enumerate(execution.approved_by):
        told = line(told, ", " if position else ", approved by ", mention(user))
    return told


def _footer(execution: Execution, detail: Line) -> Note:
    asked = by_whom(execution, "Requested by ", ", ", time(execution.created_at))
    return Note(line(asked, " · ", detail) if detail else asked)


def duration(span: timedelta) -> str:
    """`45 s`, `2 min 10 s`, `1 h 05 min`."""
    seconds = max(0, round(span.total_seconds()))
    if seconds < 60:
        return f"{seconds} s"
    minutes, seconds = divmod(seconds, 60)
    if minutes < 60:
        return f"{minutes} min {seconds:02} s" if seconds else f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60:02} min"
