"""The words of one reminder about several requests that wait for the same person. Pure."""

from collections.abc import Sequence
from datetime import datetime

from bot.messages.cards import duration
from bot.messages.review_cards import Question, identifiers
from bot.reply import Line, Note, Para, Part, Reply, code, command, emoji, line, mention, plain

_SHORT = 8  # characters of an id
_MOST_LISTED = 20  # in one reminder


def reminder_row(one: Question, now: datetime) -> Line:
    """One request that waits, in the list of several."""
    return line(
        "• ", code(one.approval.id[:_SHORT]), " ", one.title,
        identifiers(one.approval, one.execution, one.subject.node_label),
        " · requested by ", mention(one.execution.actor),
        f" · expires in {duration(one.approval.expires_at - now)}",
    )  # fmt: skip


def reminder_of_several(rows: Sequence[Line]) -> Reply:
    """To one person: what still waits for them, each on a line, in one message."""
    head = line(emoji("bell"), f" {len(rows)} requests still wait for your decision")
    parts: list[Part] = [Para(line(head, "."))]
    parts += [Para(row) for row in rows[:_MOST_LISTED]]
    if len(rows) > _MOST_LISTED:
        parts.append(Note(line(f"{len(rows) - _MOST_LISTED} more are not listed here.")))
    parts.append(Note(line("All of them: ", command("approval list"))))
    return Reply(plain(head), tuple(parts))
