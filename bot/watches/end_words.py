"""The sentence that tells how something followed has ended: by which command, to what, and why."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from bot.messages import cards, machine_buttons
from bot.messages.cards import Subject
from bot.model import Execution, ExecutionStatus, Goal, Noted, Watch, WatchState
from bot.reply import (
    Button,
    Line,
    Note,
    Part,
    Phrase,
    Words,
    kept,
    mention,
    say,
    sentences,
    time,
)
from bot.services.words import Words as Spoken
from bot.watches import put_back
from bot.watches.machine_ends import GONE, Verdict


@dataclass(frozen=True, slots=True)
class EndWords:
    """An end in words: for people, for the ledger, which names nobody, and what else to show."""

    sentence: Line
    record: Words
    below: tuple[Note, ...] = ()


def end_words(
    watch: Watch,
    execution: Execution,
    found: Verdict,
    end: ExecutionStatus,
    subject: Subject,
    took: timedelta | None,
    newer: Execution | None,
    words: Callable[[Execution], Spoken],
) -> EndWords:
    """How `execution` ended; `newer` is what was sent to the same machine after it, if anything.

    What is done says itself what was asked; whatever else an end is says of which command. Where
    that got no answer, it may have been done long after it was sent: after `newer`.
    """
    spoken = words(execution)
    more: tuple[Words, ...] = (_placed(found.more, subject), put_back.remark(found, execution))
    if end is ExecutionStatus.DONE:
        why = found.why or spoken.done
        told, bare = cards.result(subject, why, took), cards.result(subject, why)
        more = (*more, kept(watch.about.get(Noted.TWICE, "")))
    else:
        told = cards.unfinished(
            spoken.called, end, subject, found.why, took, by=found.by, only_looks=spoken.only_looks
        )
        bare = cards.unfinished("", end, subject, found.why)
        if end is ExecutionStatus.UNKNOWN:
            more = (*more, kept(watch.about.get(Noted.ANSWERED, "")))
    record = sentences((bare, *more))
    is_done = end is ExecutionStatus.DONE
    if newer is None or (is_done and not watch.unsure):
        return EndWords(sentences((told, *more)), record)
    user, command = mention(newer.actor), words(newer).called
    at = time(newer.started_at or newer.created_at)
    after = say("{user} sent “{command}” after that, {time}.", user=user, command=command, time=at)
    if is_done:  # it may have taken effect before that or later
        after = say(
            "Meanwhile {user} sent “{command}”, {time}.", user=user, command=command, time=at
        )
    whose = Note(cards.requested_by(execution))  # whoever sent the other did not
    return EndWords(sentences((told, *more, after)), record, (whose,))


def _placed(more: Words, subject: Subject) -> Words:
    return cards.under_way(subject, more) if isinstance(more, Phrase) else more


def extras(
    execution: Execution,
    end: ExecutionStatus,
    watch: Watch,
    found: Verdict,
    parts: Sequence[Part],
    spoken: Spoken,
    *,
    unrented: bool,
) -> Sequence[Part]:
    """What stands under the sentence in the announcement: the one message people look for."""
    more = tuple[Button, ...]()
    if found.why == GONE or (watch.goal is Goal.GONE and found.state is WatchState.DONE):
        return parts  # nothing can be shown any more
    if found.state is WatchState.DONE and spoken.brings_up:
        parts, more = (), (cards.connect_button(execution),)
    if found.state is WatchState.UNKNOWN and found.resumable:
        more = (cards.keep_watching_button(watch.id),)
    refuses = unrented and end is not ExecutionStatus.DONE
    buttons = machine_buttons.follow_ups(
        execution, end, more=more, is_made=spoken.makes_machine, refuses=refuses
    )
    return (*parts, *buttons)
