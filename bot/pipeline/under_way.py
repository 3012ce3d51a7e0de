"""How what is under way is listed: what was asked, to what, and how that was last seen."""

from collections.abc import Sequence
from datetime import datetime

from bot.dbc.models import said_state, state_of
from bot.messages import cards
from bot.messages.cards import subject_of
from bot.model import MACHINE_GOALS, Machine, Watch
from bot.pipeline.context import Services
from bot.reply import Line, Phrase, line, say, time


async def under_way(
    services: Services, watch: Watch, machines: Sequence[Machine]
) -> tuple[Line, str]:
    """``vm delete` inference on gpu1: running (as last seen, 8:10)`, and the bare status.

    Of a machine goes what is known of `machines`: so it reads here as in their list.
    """
    label = await services.inventory.label(watch.node)
    seen = [one for one in machines if (one.node, one.task) == (watch.node, watch.task)]
    is_machine = watch.goal in MACHINE_GOALS and bool(seen)
    status = state_of(seen[0].status if is_machine else watch.status) or "queued"
    shown: str | Phrase = said_state(status) if status != "queued" else say("queued")
    is_unseen = watch.unsure and not watch.polls
    if is_unseen and not is_machine:
        status, shown = "unknown", say("unknown")  # what it was before says nothing
    aside: list[Line] = []
    if is_machine and (is_unseen or watch.silent_since is not None):
        aside.append(line(say("as last seen, {time}", time=time(seen[0].seen_at))))
    if watch.silent_since is not None:
        answer = await services.inventory.last_answer(watch.node)
        aside.append(line(_silent(label, answer)))
    if watch.unsure and not watch.moved:
        aside.append(line(say("whether the command arrived is not known")))
    told = line(*(piece for one in aside for piece in (say("; "), *one)))[1:]
    title = title_of(services, watch)
    subject = subject_of(watch, label)
    what = cards.doing(title, subject) if title else subject.named
    if told:
        shown = say("{state} ({why})", state=shown, why=told)
    return line(say("{what}: {state}", what=what, state=shown)), status


def title_of(services: Services, watch: Watch) -> str:
    """By which command it was asked for; nothing where its record does not say."""
    return services.table.spoken_of(watch.command).title


def _silent(node: str, answer: datetime | None) -> Phrase:
    if answer is None:
        return say("{node} has not answered", node=node)
    return say("{node} has not answered since {time}", node=node, time=time(answer))
