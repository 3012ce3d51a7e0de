"""The card of a change that waits for others of the same machine. Pure builders."""

from collections.abc import Sequence
from datetime import datetime

from bot.messages import cards
from bot.model import Execution, ExecutionStatus
from bot.reply import (
    Actions,
    Button,
    Line,
    Note,
    Part,
    Phrase,
    Reply,
    Text,
    bold,
    command,
    line,
    mention,
    say,
    say_number,
    time,
)

WITHDRAW = "request.withdraw"  # the button's value is the id of the change that waits
_SHOWN = 3  # of what is ahead; the rest is counted

_ENDED = {
    ExecutionStatus.FAILED: say("{command}, which this waited for, failed."),
    ExecutionStatus.CANCELLED: say("{command}, which this waited for, was stopped."),
    ExecutionStatus.REFUSED: say("{command}, which this waited for, was refused by the node."),
}
_UNKNOWN = say("{command}, which this waited for, has an unknown end.")


def in_short(execution: Execution, what: Line, ahead: Sequence[tuple[Execution, Text]]) -> Line:
    """What waits, who requested it, and what is ahead of it. `ahead`: each with its title."""
    by = say("requested by {user}", user=mention(execution.actor))
    return line(what, " · ", by, *(piece for one in queue(ahead) for piece in ("\n", one)))


def queue(ahead: Sequence[tuple[Execution, Text]]) -> list[Line]:
    """What has to end before: a line each, the last ones counted."""
    if not ahead:
        return [line(say("Nothing is ahead of it any more: it is about to run."))]
    lines = [_ahead(one, title) for one, title in ahead[:_SHOWN]]
    if len(ahead) > _SHOWN:
        lines.append(line(say_number("{number} more", "{number} more", len(ahead) - _SHOWN)))
    return lines


def waiting(
    execution: Execution,
    what: Line,
    terms: Sequence[Part],
    ahead: Sequence[tuple[Execution, Text]],
    until: datetime,
    *,
    has_way_past: bool,
) -> Reply:
    """It waits: for what, until when, and what does not have to.

    `terms` are all that it is going to send, `ahead` the others, each with its title.
    """
    number = len(ahead)
    detail = say_number(
        "{number} change is ahead of it", "{number} changes are ahead of it", number
    )
    lines = [Note(one) for one in queue(ahead)]
    late = say("Withdrawn automatically at {time}, or if what is ahead of it is not done.",
        time=time(until))  # fmt: skip
    notes = [*lines, Note(line(late))]
    if has_way_past:
        urgent = say(
            "In an emergency {poweroff} and {restart} do not wait.",
            poweroff=command("vm poweroff"),
            restart=command("vm restart … force"),
        )
        notes.append(Note(line(urgent)))
    button = Button(say("Withdraw"), WITHDRAW, execution.id)
    return cards.running(execution, what, detail, *terms, *notes, Actions((button,)))


def _ahead(one: Execution, title: Text) -> Line:
    waits = one.status is ExecutionStatus.RECORDED
    told = say("Ahead: {command}, requested by {user}, {time}; in progress")
    if waits:
        told = say("Ahead: {command}, requested by {user}, {time}; waiting as well")
    names = {
        "command": bold(title), "user": mention(one.actor),
        "time": time(one.created_at if waits else one.started_at or one.created_at),
    }  # fmt: skip
    return line(told.filled(lambda name: names[name]))


def not_done(status: ExecutionStatus, title: Text) -> Phrase:
    """Why it is not carried out any more: what was ahead of it did not end well."""
    return _ENDED.get(status, _UNKNOWN).filled(lambda _name: bold(title))


def withdrawn(execution: Execution, what: Line) -> Line:
    """`@alice withdrew “Resize vdb of train-01 on gpu1” before it was sent.`"""
    return line(
        say(
            "{user} withdrew “{request}” before it was sent.",
            user=mention(execution.actor),
            request=what,
        )
    )


def too_long(label: str) -> Phrase:
    """Why it is not carried out late."""
    return say("{machine} was busy with other changes for too long.", machine=bold(label))
