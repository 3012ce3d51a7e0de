"""The words of several ends that are told together, in one place. Pure."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bot.model import Execution, ExecutionStatus, Message
from bot.reply import (
    Line,
    Para,
    Part,
    Reply,
    code,
    dump,
    in_language,
    line,
    load,
    mention,
    plain,
    say,
    say_number,
)

# Of one message, well within what Slack takes: 50 blocks, and as much text as is shown in full.
_PARTS = 40
_CHARACTERS = 3_000

_WORST_FIRST = (ExecutionStatus.FAILED, ExecutionStatus.UNKNOWN, ExecutionStatus.REFUSED)


@dataclass(frozen=True, slots=True)
class End:
    """One end, as it would be told by itself."""

    message: Message
    execution: Execution
    parts: tuple[Part, ...]

    @classmethod
    def of(cls, message: Message, execution: Execution | None) -> "End | None":
        """The end that a message tells; None where it has to be told by itself."""
        if execution is None:
            return None
        try:
            told = load(message.content)
        except ValueError:  # damaged: that is found out by whoever delivers it
            return None
        if not told.parts or not isinstance(told.parts[0], Para) or told.private:
            return None
        end = cls(message, execution, (_named(told.parts[0], execution), *told.parts[1:]))
        return end if end.fits else None

    @property
    def fits(self) -> bool:
        """Whether there is room for others beside it."""
        return len(self.parts) <= _PARTS // 2 and self.size <= _CHARACTERS // 2

    @property
    def head(self) -> Line:
        """What it says first."""
        first = self.parts[0]
        assert isinstance(first, Para), "as it was made"  # noqa: S101
        return first.text

    @property
    def size(self) -> int:
        """How much of a message it takes."""
        return max(len(plain(self.head)), len(dump(Reply("", self.parts))) // 3)


def told_together(ends: Sequence[End]) -> Iterator[tuple[Reply, Sequence[End]]]:
    """The messages that tell these ends, what went wrong first, and which ends each tells."""
    order = {status: rank for rank, status in enumerate(_WORST_FIRST)}
    ranked = sorted(ends, key=lambda end: order.get(end.execution.status, len(order)))
    for some in _portions(ranked):
        yield _together(some), some


def _portions(ends: Sequence[End]) -> Iterator[list[End]]:
    some: list[End] = []
    parts = size = 1
    for end in ends:
        if some and (parts + len(end.parts) > _PARTS or size + end.size > _CHARACTERS):
            yield some
            some, parts, size = [], 1, 1
        some.append(end)
        parts += len(end.parts)
        size += end.size
    if some:
        yield some


def _together(ends: Sequence[End]) -> Reply:
    head = say_number(
        "{number} command ended: {how}.",
        "{number} commands ended: {how}.",
        len(ends),
        how=_how(ends),
    )
    summary = line(head, *(line("\n", end.head) for end in ends))
    return Reply(summary, (Para(line(head)), *(part for end in ends for part in end.parts)))


def _how(ends: Sequence[End]) -> Line:
    """`2 failed, 18 done`."""
    numbers = Counter(end.execution.status for end in ends)
    failed = numbers.pop(ExecutionStatus.FAILED, 0)
    unknown = numbers.pop(ExecutionStatus.UNKNOWN, 0)
    done = numbers.pop(ExecutionStatus.DONE, 0)
    others = numbers.total()
    told = [
        say("{number} failed", number=failed) if failed else None,
        say("{number} with an unknown end", number=unknown) if unknown else None,
        say("{number} not carried out", number=others) if others else None,
        say("{number} done", number=done) if done else None,
    ]
    phrases = [phrase for phrase in told if phrase is not None]
    commas = [line(", ", phrase) for phrase in phrases[1:]]
    return line(*phrases[:1], *commas)


def _named(head: Para, execution: Execution) -> Para:
    """The first line, with who requested it and the command where it does not say them."""
    command, user = code(execution.command.replace(".", " ")), mention(execution.actor)
    text = head.text if user in in_language(head.text) else line(user, " ", head.text)
    if command in in_language(text):
        return Para(text)
    if user not in text:
        return Para(line(command, ": ", text))
    behind = text.index(user) + 1
    return Para(line(text[:behind], " ", command, ":", text[behind:]))
