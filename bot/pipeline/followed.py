"""What a change that is followed starts with: its watch, and the machine that it makes."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from bot.errors import BotError
from bot.ids import UserId
from bot.language.row_parts import Follow, said
from bot.language.table import Table
from bot.model import Execution, Machine, Noted, Watch
from bot.pipeline.targets import Bound
from bot.reply import keep, say
from bot.services.words import Words
from bot.watches import put_back

_FIRST_LOOK = timedelta(seconds=2)
_CHANGING = say("{label} is changing on {node}")
_CHANGED = say("{label} has changed on {node}")


def watch_of(
    execution: Execution,
    bound: Bound | None,
    follow: Follow,
    now: datetime,
    *,
    unsure: bool,
    learnt: Mapping[str, str],
) -> Watch:
    """The watch that follows a change to its end."""
    return Watch(
        id=execution.id,
        execution=execution.id,
        node=execution.node,
        task=execution.task,
        label=execution.label,
        goal=follow.goal_of(execution.known),
        owner=execution.actor,
        place=execution.place,
        started_at=now,
        deadline_at=now + follow.limit,
        next_poll_at=now + _FIRST_LOOK,
        status=bound.machine.status if bound and bound.machine else "",
        unsure=unsure,
        stopped_by=UserId(execution.actor if follow.stops is not None else ""),
        about={
            **execution.known,
            **learnt,
            Noted.OWN_NAME: bound.own_name if bound else "",
            Noted.COMMAND: execution.command,
        },
    )


def created(watch: Watch, now: datetime) -> Machine:
    """A machine that the node has accepted: known by its name from then on, whatever its list."""
    return Machine(watch.node, watch.task, watch.owner, watch.label, "creating", "", now)


def learnt_from(error: BotError) -> Mapping[str, str]:
    """What a watch goes by: what was found out before, and an answer that confirms nothing."""
    if not error.answer:
        return error.learnt
    return {**error.learnt, Noted.ANSWERED: keep(error.answer)}


def words_of(table: Table, execution: Execution) -> Words:
    """How what an execution does is told while it is followed, and at its end."""
    command = table.spoken_of(execution.command)
    called = command.called_with(execution.known)
    follow, deed = command.follow or command.unanswered, table.deed(execution.command)
    if follow is None:
        return Words(_CHANGING, _CHANGED, called=called, moves=deed.moves)
    try:
        doing, done = follow.told(execution.known), said(follow.done, execution.known)
    except KeyError:  # a damaged record lacks what the words are made of
        doing, done = _CHANGING, _CHANGED
    return Words(
        put_back.doing(execution, doing), done, follow.limit, called,
        deed.brings_up, deed.only_looks, deed.is_news, deed.moves, deed.makes_machine,
    )  # fmt: skip
