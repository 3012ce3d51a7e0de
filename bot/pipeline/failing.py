"""The sentence that tells what a command failed at, or that it was refused."""

from collections.abc import Mapping

from bot.errors import AGAIN, BotError, Passing
from bot.language.table import Command
from bot.messages import cards
from bot.messages.cards import Subject
from bot.model import AuditKind, AuditQuery, Execution, ExecutionStatus
from bot.reply import Line, Phrase, Severity, line, say
from bot.watches import put_back
from storage import Store

ENDS = {
    Severity.REFUSED: ExecutionStatus.REFUSED,
    Severity.FAILED: ExecutionStatus.FAILED,
    Severity.UNKNOWN: ExecutionStatus.UNKNOWN,
}

_KEPT = frozenset({AuditKind.FROZEN, AuditKind.UNFROZEN})
_LOOKED_THROUGH = 500  # entries of one command: a former version has left few since


class Overtaken(Passing):
    """Another change was sent at the same moment: what was looked at before it may be untrue."""

    def __init__(self, subject: Subject) -> None:
        super().__init__(
            say("Another change of {machine} was sent at the same moment.", machine=subject.label),
            hint=say("Nothing was done. Look at the machine, then request it once more."),
        )


async def is_kept(store: Store, execution: Execution) -> bool:
    """Whether what it changes was stored without its end, as a former version did it."""
    query = AuditQuery(command=execution.command, since=execution.started_at)
    async with store.read() as tx:
        rows = await tx.audit.page(query, before=None, limit=_LOOKED_THROUGH)
    return any(row.entry.execution == execution.id and row.entry.kind in _KEPT for row in rows)


def interrupted(
    command: Command, execution: Execution, subject: Subject, *, is_done: bool
) -> tuple[ExecutionStatus, Phrase, Line]:
    """How a command ended whose process died in between: its end, in words, and what to do.

    `is_done`: what it changes was stored.
    """
    what = command.brief(execution.known, subject)
    if is_done:
        return ExecutionStatus.DONE, say("“{request}” is done.", request=what), ()
    look = line(say("Look at the present state before doing it again."))
    # Of what a backup held open, nothing is known: also what ends itself may have, after it.
    if told := put_back.of_request(execution.put_back, what):
        return ExecutionStatus.UNKNOWN, told, look
    if command.ends_itself:
        told = say("I was interrupted before “{request}”: nothing was done.", request=what)
        return ExecutionStatus.FAILED, told, line(AGAIN)
    told = say(
        "I was interrupted during “{request}”; whether it was done is not known.", request=what
    )
    return ExecutionStatus.UNKNOWN, told, look


def failure(command: Command, known: Mapping[str, str], subject: Subject, error: BotError) -> Line:
    """`“Restart train-01 on gpu1” failed: …`"""
    what, told = command.brief(known, subject), command.spoken(error.words)
    return cards.of_request(what, ENDS[error.severity], told)
