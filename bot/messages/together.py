"""The words of one reminder about several requests that wait for the same person. Pure."""

from collections.abc import Sequence
from datetime import datetime

from bot.messages.cards import duration
from bot.messages.question import Question, identifiers
from bot.reply import (
    Line,
    Note,
    Para,
    Part,
    Reply,
    code,
    command,
    emoji,
    line,
    mention,
    say,
    say_number,
)

_SHORT = 8  # characters of an id
_MOST_LISTED = 20  # in one reminder


def reminder_row(one: Question, now: datetime) -> Line:
    """One request that waits, in the list of several."""
    return line(
        "• ", code(one.approval.id[:_SHORT]), " ", one.title,
        identifiers(one.approval, one.execution, one.subject.node_label),
        " · ", say("requested by {user}", user=mention(one.execution.actor)),
        " · ", say("expires in {duration}", duration=duration(one.approval.expires_at - now)),
    )  # fmt: skip


def reminder_of_several(rows: Sequence[Line]) -> Reply:
    """To one person: what still waits for them, each on a line, in one message."""
    waiting = say_number(
        "{number} request still waits for your decision.",
        "{number} requests still wait for your decision.",
        len(rows),
    )
    where = line(say("See all: {command}", command=command("approval list")))
    head = line(emoji("bell"), " ", waiting)
    parts: list[Part] = [Para(head)]
    parts += [Para(row) for row in rows[:_MOST_LISTED]]
    if len(rows) > _MOST_LISTED:
        more = say_number(
            "{number} more is not listed here.",
            "{number} more are not listed here.",
            len(rows) - _MOST_LISTED,
        )
        parts.append(Note(line(more)))
    parts.append(Note(where))
    summary = line(head, *(line("\n", row) for row in rows[:_MOST_LISTED]), "\n", where)
    return Reply(summary, tuple(parts))
