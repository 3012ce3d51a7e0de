"""Which messages a look makes, under which names, and where. Pure."""

from collections.abc import Sequence, Set
from dataclasses import dataclass
from datetime import datetime

from bot.ids import ChannelId, UserId
from bot.model import OrderPhase, Place, RentalOrder
from bot.orders import words
from bot.orders.changes import Event, Looked
from bot.orders.facts import Facts
from bot.orders.handled import fitting
from bot.orders.schedule import DAY, PASSED
from bot.reply import Reply

LAST_CALL = "confirm-last"  # a message of its own: the countdown is edited without a sound
_LAST = "confirm:2"
_SHARED = "shared-"


@dataclass(frozen=True, slots=True)
class Told:
    """A message by its name; whoever `calls` names alone gets it, or all where it is empty."""

    name: str
    reply: Reply
    calls: str = ""


def key_of(order: RentalOrder, name: str, place: Place) -> str:
    """The key of a message: the same thing is told in one place once, for ever."""
    about = order.began if name.startswith("confirm") else order.ends
    return f"order:{order.id}.{about}.{name.replace(':', '-')}.{place.channel}"


def key_of_shared(order: RentalOrder, user: UserId, now: datetime) -> str:
    """The key of what somebody is told of an order who gets a session for its node now."""
    place, at = Place.direct(user), int(now.timestamp())
    name = f"{_SHARED}{at}"
    about = order.began if order.phase is OrderPhase.WAITING else order.ends
    return f"order:{order.id}.{about}.{name}.{place.channel}"


def is_of_share(key: str) -> bool:
    """Whether a message has told it to whoever got a session."""
    return f".{_SHARED}" in key


def is_warning(key: str) -> bool:
    """Whether a message warns of an end or a deletion."""
    return _name_in(key).startswith(("end-", "deletion-"))


def is_of_end(key: str) -> bool:
    """Whether a message tells that an order has ended."""
    return _name_in(key) == Event.ENDED


def _name_in(key: str) -> str:
    return key.split(".")[-2]


def beginnings(order: RentalOrder) -> list[str]:
    """How the keys of all begin that was told of an order as it is, wherever it was told."""
    return [f"order:{order.id}.{about}." for about in (order.began, order.ends)]


def _anew(order: RentalOrder, name: str) -> str:
    """A name that was not told yet, also where the chain had stood still, or an end came back.

    What was told before is long read, and an edit of it is heard by nobody.
    """
    return f"{name}-{order.halts}" if order.halts else name


def messages(
    before: RentalOrder, found: Looked, facts: Facts, places: Sequence[tuple[Place, bool]]
) -> list[tuple[str, Place, Reply]]:
    """The messages of a look, each with its key and place."""
    order = found.order
    there = {place.channel for place, _ in places}
    return [
        (key_of(order, told.name, place), place, fitting(told.reply, order, place))
        for place, sees in places
        for told in _said(before, found, facts, sees=sees)
        if _is_meant(told.calls, place, there)
    ]


def _is_meant(called: str, place: Place, there: Set[ChannelId]) -> bool:
    """Whether it is said in a place: with whoever took it, or everywhere where that is nobody."""
    taker = Place.direct(UserId(called)).channel if called else ""
    return taker not in there or place.channel == taker


def _said(before: RentalOrder, found: Looked, all_facts: Facts, *, sees: bool) -> list[Told]:
    """The messages by name. The countdown is one message, which also says how it ended.

    Its last warning is a second one, so that it is heard. What is told anew is no more than a line
    there.
    """
    facts = all_facts.to(sees=sees)
    if found.stage is not None:
        is_deletion = found.stage.name.startswith("deletion")
        if is_deletion and all_facts.machines is not None and not all_facts.machines:
            return []  # none of its machines is left
        told = words.warning(facts)
        if found.order.phase is not OrderPhase.WAITING:
            return [Told(_anew(found.order, found.stage.name), told)]
        is_last = found.stage.name == _LAST and before.told and not facts.is_past(facts.goal)
        calls = _anew(found.order, LAST_CALL)
        last = [Told(calls, told, before.renewer)] if is_last else []
        if found.stage.name in PASSED:
            last = [Told(calls, told)]
        return [Told("confirm", told), *last]
    if found.event is None:
        return []
    told = words.event(facts, found.event)
    if found.event is Event.RENEWED:  # to an end that it may have had before a fork undid that
        return [Told(_anew(found.order, str(found.event)), told)]
    if before.phase is not OrderPhase.WAITING:
        return [Told(str(found.event), told)]
    short = words.short(facts, found.event)
    last = [Told(_anew(before, LAST_CALL), short)] if before.told in {_LAST, *PASSED} else []
    if found.event is Event.CONFIRMED:
        return [Told("confirm", told), *last]
    counted = [Told("confirm", short)] if before.told else []
    return [Told(str(found.event), told), *counted, *last]


def instead(
    before: RentalOrder, facts: Facts, places: Sequence[tuple[Place, bool]]
) -> list[tuple[str, Place, Reply]]:
    """What the messages say from now on that told an order to be lost."""
    names = [str(before.phase)]
    if before.told.startswith("confirm"):
        names.append("confirm")
    if before.told in {_LAST, *PASSED}:
        names.append(_anew(before, LAST_CALL))
    return [
        (key_of(before, name, place), place, words.event(facts.to(sees=sees), Event.RETURNED))
        for place, sees in places
        for name in names
    ]


def is_only_edited(key: str, found: Looked | None) -> bool:
    """Whether a message says something else from now on, but is not posted for that."""
    if f".{LAST_CALL}" not in key:
        return False
    if found is None or found.event is not None or found.is_again:
        return True
    return found.stage is not None and found.stage.name in PASSED


def can_wait(found: Looked) -> bool:
    """Whether it waits for the end of quiet hours: nobody has to do anything within a day.

    A renewal by less says in place of the warnings when it ends.
    """
    if found.event is Event.RENEWED:
        return found.order.ends - found.order.seen_block > DAY
    return found.stage is not None and found.stage.left >= 3 * DAY
