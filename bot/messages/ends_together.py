"""The words of several ends that are told together, in one place. Pure."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from bot.messages.cards import ADDRESSED
from bot.model import Execution, ExecutionStatus, Message
from bot.reply import (
    Line,
    Para,
    Part,
    Phrase,
    Reply,
    code,
    dump,
    in_language,
    line,
    listed,
    load,
    mention,
    plain,
    say,
    say_number,
)

# Of one message, well within what Slack takes: 50 blocks, and as much text as is shown in full.
_PARTS = 40
_CHARACTERS = 3_000

# How many ended in each way, what needs attention first. Nobody is told the end of a request that
# was cancelled: what is told with that status was stopped in progress.
_WORST_FIRST: Mapping[ExecutionStatus, Callable[[int], Phrase]] = {
    ExecutionStatus.FAILED: lambda many: say("{number} failed", number=many),
    ExecutionStatus.UNKNOWN: lambda many: say("{number} with an unknown end", number=many),
    ExecutionStatus.REFUSED: lambda many: say("{number} refused", number=many),
    ExecutionStatus.DENIED: lambda many: say("{number} denied", number=many),
    ExecutionStatus.EXPIRED: lambda many: say("{number} expired", number=many),
    ExecutionStatus.VOIDED: lambda many: say("{number} no longer valid", number=many),
    ExecutionStatus.CANCELLED: lambda many: say("{number} stopped", number=many),
    ExecutionStatus.DONE: lambda many: say("{number} done", number=many),
}
_RANKS = {end: rank for rank, end in enumerate(_WORST_FIRST)}


@dataclass(frozen=True, slots=True)
class End:
    """One end, as it would be told by itself: how it ended, what it says first, and the rest.

    It is told as it was put: what was requested may have gone on since, or ended otherwise.
    """

    message: Message
    status: ExecutionStatus
    head: Line
    below: tuple[Part, ...]

    @classmethod
    def of(cls, message: Message, execution: Execution | None) -> "End | None":
        """The end that a message tells; None where it has to be told by itself."""
        if execution is None:
            return None
        try:
            told = load(message.content)
            status = ExecutionStatus(told.end)
        except ValueError:  # damaged, or of a version that did not keep how it ended
            return None
        if status not in _RANKS or told.private or not told.parts:
            return None
        first, *below = told.parts
        if not isinstance(first, Para):
            return None
        head = _named(first.text, execution, quiet=told.quiet)
        end = cls(message, status, head, tuple(below))
        return end if end.fits else None

    @property
    def parts(self) -> tuple[Part, ...]:
        """All that it says."""
        return (Para(self.head), *self.below)

    @property
    def fits(self) -> bool:
        """Whether there is room for others beside it."""
        return len(self.parts) <= _PARTS // 2 and self.size <= _CHARACTERS // 2

    @property
    def size(self) -> int:
        """How much of a message it takes."""
        return max(len(plain(self.head)), len(dump(Reply("", self.parts))) // 3)


def told_together(
    ends: Sequence[End], *, daily: bool = False
) -> Iterator[tuple[Reply, Sequence[End]]]:
    """The messages that tell these ends, what went wrong first, and which ends each tells.

    `daily`: they are a digest.
    """
    for some in _portions(sorted(ends, key=lambda end: _RANKS[end.status])):
        yield _together(some, daily=daily), some


def told_again(ends: Sequence[End], *, daily: bool = False) -> Reply:
    """One message that tells these ends: without what is below them where that is too much."""
    ranked = sorted(ends, key=lambda end: _RANKS[end.status])
    if len(list(_portions(ranked))) > 1:
        ranked = [replace(end, below=()) for end in ranked]
    return _together(ranked, daily=daily)


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


def _together(ends: Sequence[End], *, daily: bool) -> Reply:
    head = say_number(
        "{number} command ended: {how}.",
        "{number} commands ended: {how}.",
        len(ends),
        how=_how(ends),
    )
    if daily:
        head = say("Daily digest: {ended}", ended=head)
    summary = line(head, *(line("\n", end.head) for end in ends))
    return Reply(summary, (Para(line(head)), *(part for end in ends for part in end.parts)))


def _how(ends: Sequence[End]) -> Line:
    """`2 failed, 18 done`."""
    numbers = Counter(end.status for end in ends)
    told = [words(numbers[end]) for end, words in _WORST_FIRST.items() if numbers[end]]
    return listed(told)


def _begun(rest: Line) -> Line:
    """The rest of a line, without the blank that it begins with."""
    first, *more = rest or ("",)
    return line(first.lstrip(" ") if isinstance(first, str) else first, *more)


def _named(head: Line, execution: Execution, *, quiet: bool) -> Line:
    """The first line, with who requested it and the command where it does not say them.

    One that is `quiet` goes on calling nobody.
    """
    command, user = code(execution.command.replace(".", " ")), mention(execution.actor)
    text = head if quiet or user in in_language(head) else line(user, ADDRESSED, head)
    if command in in_language(text):
        return text
    if user not in text:
        return line(command, ADDRESSED, text)
    behind = text.index(user) + 1
    rest = text[behind:]
    if rest[:1] == (ADDRESSED,):
        return line(text[:behind], " ", command, *rest)
    return line(text[:behind], " ", command, ADDRESSED, _begun(rest))
