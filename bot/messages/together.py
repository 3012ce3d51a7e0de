"""The words of one reminder about several requests that wait for the same person. Pure."""

from collections.abc import Sequence

from bot.messages import ways
from bot.messages.question import Question, identifiers
from bot.model import Approval
from bot.reply import (
    Line,
    Note,
    Para,
    Part,
    Reply,
    Row,
    Rows,
    code,
    command,
    emoji,
    line,
    mention,
    say,
    say_number,
    time,
)

_SHORT = 8  # characters of an id
_MOST_LISTED = 20  # in one reminder


def reminder_row(one: Question) -> Line:
    """One request that waits, in the list of several."""
    return line(
        "• ", code(one.approval.id[:_SHORT]), " ", one.title,
        identifiers(one.approval, one.execution, one.subject.node_label),
        " · ", say("requested by {user}", user=mention(one.execution.actor)),
        " · ", say("expires {time}", time=time(one.approval.expires_at)),
    )  # fmt: skip


def reminder_of_several(found: Sequence[tuple[Approval, Line]]) -> Reply:
    """To one person: what still waits for them, each with the way to its card, in one message."""
    rows = [told for _, told in found]
    waiting = say_number(
        "{number} request still waits for your decision.",
        "{number} requests still wait for your decision.",
        len(rows),
    )
    where = line(say("See all: {command}", command=command("approval list")))
    head = line(emoji("bell"), " ", waiting)
    listed = [Row(told, {}, (ways.to_approval(one),)) for one, told in found[:_MOST_LISTED]]
    parts: list[Part] = [Para(head), Rows(tuple(listed))]
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
