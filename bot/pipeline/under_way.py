"""How what is under way is listed: what was asked, to what, and how that was last seen."""

from collections.abc import Sequence
from datetime import datetime

from bot.dbc.models import said_state
from bot.ids import NodeId
from bot.language.table import Table
from bot.messages import cards
from bot.messages.cards import subject_of
from bot.model import MACHINE_GOALS, Machine, Watch
from bot.pipeline.context import Services
from bot.reply import (
    Line,
    Phrase,
    Text,
    apart,
    kept_text,
    line,
    plain,
    say,
    time,
)


async def under_way(
    services: Services, watch: Watch, machines: Sequence[Machine]
) -> tuple[Line, str]:
    """``vm delete` inference on gpu1: running (as last seen, 8:10)`, and the bare status.

    Of a machine goes what is known of `machines`: so it reads here as in their list.
    """
    label = await services.inventory.label(watch.node)
    seen = [one for one in machines if (one.node, one.task) == (watch.node, watch.task)]
    is_machine = watch.goal in MACHINE_GOALS and bool(seen)
    shown = said_state(seen[0].status) if is_machine else _said(watch.status)
    is_unseen = watch.unsure and not watch.polls
    if is_unseen and not is_machine:
        shown = said_state("")  # what it was before says nothing
    aside: list[Phrase] = []
    since = watch.silent_since
    if is_machine and (is_unseen or (since is not None and seen[0].seen_at <= since)):
        aside.append(say("as last seen, {time}", time=time(seen[0].seen_at)))
    answer = await services.inventory.last_answer(watch.node) if since is not None else None
    if since is not None and not _answers_again(services, watch.node, answer, since):
        silent = say("{node} has not answered", node=label)
        if answer:
            silent = say("{node} has not answered since {time}", node=label, time=time(answer))
        aside.append(silent)
    if watch.unsure and not watch.moved:
        aside.append(say("whether the command was carried out is not known"))
    told = line(say("{what}: {shown}", what=called(services.table, watch, label), shown=shown))
    if aside:
        told = line(say("{told} ({aside})", told=told, aside=apart(aside)))
    return told, plain(shown)


def _answers_again(
    services: Services, node: NodeId, answer: datetime | None, silent_since: datetime
) -> bool:
    """Whether a node has answered something since it could not be looked at, and goes on to."""
    is_silent = services.dbc.silence(node) is not None
    return answer is not None and answer > silent_since and not is_silent


def called(table: Table, watch: Watch, label: str) -> Line:
    """`Create a machine: train-01 on gpu1`, by what the node is called."""
    does = table.spoken_of(watch.command).called_with(watch.about)
    subject = subject_of(watch, label)
    return cards.doing(does, subject) if does else subject.named


def title_of(table: Table, watch: Watch) -> str:
    """By which command it was asked for; nothing where its record does not say."""
    return table.spoken_of(watch.command).title


def _said(status: str) -> Text:
    if not status:
        return say("queued")
    shown = kept_text(status)
    return said_state(shown) if isinstance(shown, str) else shown
