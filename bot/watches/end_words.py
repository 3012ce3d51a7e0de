"""The sentence that tells how something followed has ended: by which command, to what, and why."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from bot.messages import cards
from bot.messages.cards import Subject
from bot.model import Execution, ExecutionStatus, Watch
from bot.reply import Line, Note, code, line, mention, plain, time
from bot.services.words import Words
from bot.watches.machine_ends import Verdict
from bot.watches.observers.look import ANSWERED, TWICE


@dataclass(frozen=True, slots=True)
class EndWords:
    """An end in words: for people, for the ledger, which names nobody, and what else to show."""

    sentence: Line
    record: str
    below: tuple[Note, ...] = ()


def end_words(
    watch: Watch,
    execution: Execution,
    found: Verdict,
    end: ExecutionStatus,
    subject: Subject,
    took: timedelta | None,
    newer: Execution | None,
    words: Callable[[Execution], Words],
) -> EndWords:
    """How `execution` ended; `newer` is what was sent to the same machine after it, if anything.

    What is done says itself what was asked; whatever else an end is says of which command.
    """
    spoken = words(execution)
    more = cards.placed(f" {found.more}" if found.more else "", subject.node_label)
    if end is ExecutionStatus.DONE:
        if twice := watch.about.get(TWICE):
            more = line(more, f" {twice}")
        why = found.why or spoken.done
        record = plain(line(cards.result(subject, why), more))
        return EndWords(line(cards.result(subject, why, took), more), record)
    if end is ExecutionStatus.UNKNOWN and (answered := watch.about.get(ANSWERED)):
        more = line(more, f" {answered}")
    told = line(cards.unfinished(spoken.title, end, subject, found.why, took, found.by), more)
    record = plain(line(cards.unfinished("", end, subject, found.why), more))
    if newer is None:
        return EndWords(told, record)
    by = line(" ", mention(newer.actor), " sent ", code(words(newer).title), " after that, ")
    whose = Note(cards.by_whom(execution, "Requested by "))  # whoever sent the other did not
    return EndWords(
        line(told, by, time(newer.started_at or newer.created_at), "."), record, (whose,)
    )
