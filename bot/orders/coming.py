"""What comes of an order next, in a few words behind its name. Pure."""

from bot.model import OrderPhase
from bot.orders.facts import Facts, span
from bot.orders.handled import taker_of
from bot.orders.schedule import goal_of
from bot.reply import Line, Text, line, say, world_time

OVER = {
    OrderPhase.LAPSED: say("has lapsed (nobody confirmed it in time)"),
    OrderPhase.VANISHED: say("is no longer on the chain"),
    OrderPhase.GONE: say("has ended more than 72 hours ago"),
}

_BARE = say("has ended; no machine of it is known here")


def when(facts: Facts, *, is_kept: bool = False) -> Line:
    """`ends …, in 3 days`, or what else is to come of it next.

    How long that is stands in no text that `is_kept`: whoever reads it later would be misled.
    """
    coming = _kept(facts) if is_kept else _coming(facts)
    if not facts.is_final:
        coming = line(coming, " ", say("(by the newest block, which is not final yet)"))
    return line(coming, *(() if facts.is_read else (" ", _as_read(facts))))


def with_taker(told: Text, facts: Facts) -> Line:
    """A sentence, and after it who has said to confirm or renew the order."""
    taker = taker_of(facts.order)
    return line(told, " ", taker) if taker else line(told)


def _as_read(facts: Facts) -> Text:
    if facts.order.missing_since is not None:
        return say("(not found on the chain just now, which is being checked)")
    return say(
        "(as read {time}: the chain cannot be read)", time=line(world_time(facts.order.seen_at))
    )


def _coming(facts: Facts) -> Line:
    goal = goal_of(facts.order)
    if facts.order.phase is OrderPhase.ENDED and not facts.has_machines:
        return line(_BARE)
    if facts.is_past(goal) and not facts.order.phase.is_over:
        return line(_late(facts.order.phase, facts.earliest(goal)))
    at, left = facts.at(goal), span(goal - facts.head)
    if facts.order.phase is OrderPhase.WAITING:
        return line(say("must be confirmed by {time}, {left} left", time=at, left=left))
    if facts.order.phase is OrderPhase.RENTING:
        return line(say("ends {time}, in {left}", time=at, left=left))
    if facts.order.phase is OrderPhase.ENDED:
        at = facts.earliest(goal)
        told = say("has ended; machines are deleted after {time}, in {left}", time=at, left=left)
        return line(told)
    return line(OVER[facts.order.phase])


def _kept(facts: Facts) -> Line:
    """What is to come of it, by its moment alone."""
    phase, goal = facts.order.phase, facts.goal
    is_bare = phase is OrderPhase.ENDED and not facts.has_machines
    if phase.is_over or is_bare or facts.is_past(goal):
        return _coming(facts)
    if phase is OrderPhase.WAITING:
        return line(say("must be confirmed by {time}", time=facts.at(goal)))
    if phase is OrderPhase.RENTING:
        return line(say("ends {time}", time=facts.at(goal)))
    told = say("has ended; machines are deleted after {time}", time=facts.earliest(goal))
    return line(told)


def _late(phase: OrderPhase, at: Line) -> Text:
    """What nobody has read yet, though it must have come."""
    if phase is OrderPhase.WAITING:
        return say("had to be confirmed by {time}, which has passed", time=at)
    if phase is OrderPhase.RENTING:
        return say("was to end {time}", time=at)
    return say("has ended; machines were to be deleted after {time}", time=at)


def briefly(facts: Facts) -> Text:
    """The same in a few words without a moment, for a menu: `ends in 3 days`."""
    goal = goal_of(facts.order)
    left = span(goal - facts.head)
    if facts.order.phase.is_over:
        return OVER[facts.order.phase]
    if facts.is_past(goal):
        return say("its time has passed")
    if facts.order.phase is OrderPhase.WAITING:
        return say("to be confirmed, {left} left", left=left)
    if facts.order.phase is OrderPhase.RENTING:
        return say("ends in {left}", left=left)
    return say("has ended; machines are deleted in {left}", left=left)
