"""What a review shows of its target: how each fact reads, and what is no longer as it was shown.

Facts have stable keys; their labels and the way they are compared belong to the row. Pure.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import eq

from bot.dbc.models import rest_of, said_state, state_of
from bot.ids import UserId
from bot.messages.parts import other_disks, other_snapshots, said_parts
from bot.model import Fact, OrderPhase
from bot.reply import (
    Given,
    Line,
    Phrase,
    Text,
    Words,
    all_of,
    bold,
    code,
    emoji,
    kept,
    line,
    mention,
    say,
    sentences,
    time,
)

STATE, DISKS, SNAPSHOTS = "state", "disks", "snapshots"  # of a machine; any row may read them
# Who machine and node are, whatever they are called here, and with whose session it is sent.
DESCRIPTION, RENAMED, NODE, NODE_RENAMED = "description", "renamed", "node", "node_renamed"
SESSION = "session"
RENTAL = "rental"  # when the order ends that pays for it
LATE = "late"  # in place of the phase of one whose end must have come
DELETED = "deleted"  # the same of one whose machines must be deleted by now
_UNRENTED = "unrented"  # behind an order that is over: nobody rents its node, which says so
CAUTION = "caution"  # what nobody refuses, and whoever decides has to know: see `keep`
CAUTION_IN_PUBLIC = "caution in public"  # the same where others read it
ENDING = "ending"  # the same of the order's end, which is told anew once that has moved
ENDING_IN_PUBLIC = "ending in public"
CAUTIONS = (ENDING, CAUTION)
WHY = "why"  # it needs approval, where that is not plain: see `keep`
ALIKE = "alike"  # like requests whose end nobody knows: one a line, see `bot.pipeline.twins`
_SHORT = 12  # characters of a node's id
_NOT_ASKED = Fact(unread=say("This version does not read it."))  # a former version showed it
_UNREAD = " unread"  # behind a key among a command's facts: why that fact could not be read


@dataclass(frozen=True, slots=True)
class FactKind:
    """How a fact is shown and compared.

    `said` is the text as people read it. What is not `is_compared` only helps to read the question.
    `holds` tells whether the second text is still what the first one has shown. `called` is the
    label within a sentence, of what is named there with nothing but its value. `differs` says the
    difference of the two, as far as their values as people read them do not show it.
    """

    label: Text
    plural: bool = False
    said: Callable[[str], Words] = str
    holds: Callable[[str, str], bool] = eq
    is_compared: bool = True
    called: Text = ""
    differs: Callable[[str, str], Words] = lambda _shown, _now: ()


Kinds = Mapping[str, FactKind]


def _said_state(status: str) -> Words:
    """`restarting → running`: a state that passes is shown with the one that it leads to."""
    rest = rest_of(status)
    if rest == status.strip().lower():
        return said_state(status)
    return line(said_state(status), " → ", said_state(rest))


def _leads_to_the_same(shown: str, now: str) -> bool:
    """A passing state is over when the decision falls, so what counts is where it leads."""
    return state_of(rest_of(shown)) == state_of(rest_of(now))


def said_node(text: str) -> Words:
    """A node's id, behind which its name stands: `gpu1 · b1a9e7…`."""
    identifier, _, own = text.partition(" ")
    return line(f"{own} · " if own else "", code(identifier[:_SHORT]))


def _said_renamed(text: str) -> Words:
    by, since, name = text.split(" ", 2)
    nickname, at = bold(name), time(datetime.fromisoformat(since))
    told = say("{nickname} since {time}", nickname=nickname, time=at)
    if by != "-":
        told = say(
            "{nickname} since {time}, given by {user}",
            nickname=nickname,
            time=at,
            user=mention(UserId(by)),
        )
    return line(emoji("warning"), " ", told)


def session_told(user: UserId, rent_order: str, added_at: datetime | None) -> str:
    """A session as a fact: whose, for which rent order, and when it was added.

    The moment tells it from another one that took its place. It is for comparison, not shown.
    """
    whose = f"{user} {rent_order}".rstrip()
    return f"{whose}\t{added_at.isoformat()}" if added_at else whose


def whose_session(text: str) -> str:
    """The part of a session's fact that is shown: its owner and the rent order, if it has one."""
    return text.partition("\t")[0]


def _is_the_session(shown: str, now: str) -> bool:
    """A former version did not note when a session was added."""
    if whose_session(shown) != whose_session(now):
        return False
    then, present = shown.partition("\t")[2], now.partition("\t")[2]
    return not then or then == present


def _another_session(shown: str, now: str) -> Words:
    """Nothing where owner or rent order differ: those say it themselves."""
    added = now.partition("\t")[2]
    if whose_session(shown) != whose_session(now) or not added:
        return ()
    return say("another session was added {time}", time=time(datetime.fromisoformat(added)))


def _said_session(text: str) -> Words:
    user, _, rent_order = whose_session(text).partition(" ")
    if not rent_order:
        return say("of {user}", user=mention(UserId(user)))
    return say("of {user}, rent order {order}", user=mention(UserId(user)), order=rent_order)


def rental_told(
    phase: str, order: int, at: datetime, block: int, *, is_unrented: bool = False
) -> str:
    """An order as a fact: its phase, `LATE` or `DELETED`, its number, when its next block is made.

    The block itself is not shown: it tells whether the end has moved. `is_unrented`: it is over,
    and its node refuses every command since nobody rents it.
    """
    told = f"{phase} {order} {at.isoformat(timespec='seconds')} {block}"
    return f"{told} {_UNRENTED}" if is_unrented else told


def rental_number(text: str) -> str:
    """The number of the order that such a fact is about."""
    return text.split(" ")[1]


def may_be_deleted(shown: Mapping[str, Fact]) -> bool:
    """Whether the order that is shown is over for so long that its node deletes its machines."""
    fact = shown.get(RENTAL)
    return fact is not None and fact.text.split(" ")[0] in {DELETED, OrderPhase.GONE}


def is_same_rental(shown: str, now: str) -> bool:
    """Whether order, phase and end are as they were shown; a former version noted no block."""
    then, present = ((*parts[:2], *parts[3:]) for parts in (shown.split(" "), now.split(" ")))
    return then == present


def _said_rental(text: str) -> Words:
    told = _said_order(text)
    if not text.endswith(f" {_UNRENTED}"):
        return told
    return say(
        "{rental}; its node refuses every command until it is rented again", rental=line(told)
    )


def _said_order(text: str) -> Words:
    phase, order, moment, *_ = text.split(" ")
    at = time(datetime.fromisoformat(moment))
    if phase == OrderPhase.LAPSED:
        return say("order {order} has lapsed", order=order)
    if phase == OrderPhase.VANISHED:
        return say("order {order} is no longer on the chain", order=order)
    if phase == OrderPhase.GONE:
        return say("order {order} ended more than 72 hours ago", order=order)
    if phase == OrderPhase.WAITING:
        return say("order {order}, to be confirmed by {time}", order=order, time=at)
    if phase == OrderPhase.ENDED:
        return say(
            "order {order} has ended; machines are deleted after {time}", order=order, time=at
        )
    if phase == DELETED:
        return say(
            "order {order} has ended; machines were to be deleted after {time}",
            order=order, time=at,
        )  # fmt: skip
    if phase == LATE:
        return say("order {order}, was to end {time}; it may have ended", order=order, time=at)
    return say("order {order}, ends {time}", order=order, time=at)


IDENTITY: Kinds = {
    DESCRIPTION: FactKind(say("Description"), is_compared=False),
    RENAMED: FactKind(say("Nickname"), said=_said_renamed, is_compared=False),
    NODE: FactKind(say("Node"), said=said_node, is_compared=False),
    NODE_RENAMED: FactKind(say("Node's nickname"), said=_said_renamed, is_compared=False),
    RENTAL: FactKind(say("Rental"), said=_said_rental, is_compared=False),
    SESSION: FactKind(
        say("Session"), said=_said_session, called=say("the session"),
        holds=_is_the_session, differs=_another_session,
    ),
}  # fmt: skip
OF_MACHINES: Kinds = {
    STATE: FactKind(say("Present state"), said=_said_state, holds=_leads_to_the_same),
    DISKS: FactKind(say("Disks"), plural=True, said=said_parts, differs=other_disks),
    SNAPSHOTS: FactKind(say("Snapshots"), plural=True, said=said_parts, differs=other_snapshots),
    ENDING: FactKind(say("Before you go on"), said=kept, is_compared=False),
    CAUTION: FactKind(say("Before you go on"), said=kept, is_compared=False),
    WHY: FactKind(say("Why this needs approval"), said=kept, is_compared=False),
    ALIKE: FactKind(say("Same request"), holds=lambda _shown, _now: True),
    **IDENTITY,
}


def unread(key: str) -> str:
    """Where a command's `look` says why it could not read the fact of that key."""
    return f"{key}{_UNREAD}"


def found_by_look(kinds: Kinds, facts: Mapping[str, str]) -> dict[str, Fact]:
    """Those of a command's facts that its row shows."""
    return {
        key: Fact(facts.get(key, ""), unread=kept(facts.get(unread(key), "")))
        for key in kinds
        if key in facts or unread(key) in facts
    }


def in_public(facts: Mapping[str, str]) -> Mapping[str, str]:
    """A command's facts as others may read them."""
    public = {ENDING: ENDING_IN_PUBLIC, CAUTION: CAUTION_IN_PUBLIC}
    return {**facts, **{own: facts[key] for own, key in public.items() if key in facts}}


def said(kinds: Kinds, key: str, fact: Fact) -> tuple[Text, Line]:
    """A fact's label and what the card says of it."""
    kind = kinds.get(key, FactKind(key))
    text = kind.said(fact.text)
    if not fact.unread:
        return kind.label, line(text or say("none"))
    told = say("could not be read. {why}", why=line(fact.unread))
    if not fact.text:
        return kind.label, line(told)
    return kind.label, sentences((told, say("Last seen: {value}.", value=line(text))))


@dataclass(frozen=True, slots=True)
class Differences:
    """What is no longer as it was shown.

    `changes` are clauses, `unreadable` whole sentences about what cannot be read any more.
    """

    changes: Sequence[Words] = ()
    unreadable: Sequence[Words] = ()


def differences(kinds: Kinds, shown: Mapping[str, Fact], now: Mapping[str, Fact]) -> Differences:
    """What is no longer as it was shown, in words. Nobody has approved what was not shown.

    What could not be read either time is as it was shown. What was shown as last seen has to hold
    once it can be read.
    """
    found: list[Words] = []
    unreadable: dict[Words, list[Text]] = defaultdict(list)
    for key in [*shown, *(key for key in now if key not in shown)]:
        kind, then, present = (
            kinds.get(key, FactKind(key)),
            shown.get(key),
            now.get(key, _NOT_ASKED),
        )
        if not kind.is_compared:
            continue
        if then is None:
            found.append(_told(kind, _NOT_SHOWN))
        elif present.unread and not then.unread:
            unreadable[present.unread].append(kind.label)
        elif told := _difference(kind, then, present):
            found.append(told)
    return Differences(
        found,
        [
            say("{facts} cannot be read now: {why}", facts=all_of(labels), why=line(why))
            for why, labels in unreadable.items()
        ],
    )


# Of one thing, and of several.
_NOT_SHOWN = (say("{fact} was not shown"), say("{fact} were not shown"))
_NOT_IN_FULL = (say("{fact} was not shown in full"), say("{fact} were not shown in full"))
_UNREAD_THEN = (
    say("{fact} could not be read and is now “{value}”"),
    say("{fact} could not be read and are now “{value}”"),
)
_OTHER = (
    say("{fact} was “{before}” and is now “{value}”"),
    say("{fact} were “{before}” and are now “{value}”"),
)
_OTHER_ONE = (
    say("{fact} is now {value}, not {before}"),
    say("{fact} are now {value}, not {before}"),
)


def _told(kind: FactKind, templates: tuple[Phrase, Phrase], **given: Given) -> Phrase:
    values: Mapping[str, Given] = {"fact": kind.label, **given}
    return templates[kind.plural].filled(lambda name: values[name])


def _difference(kind: FactKind, shown: Fact, now: Fact) -> Words:
    value, before = _bare(kind, now), _bare(kind, shown)
    if shown.unread and not shown.text:
        return "" if now.unread else _told(kind, _UNREAD_THEN, value=value)
    if kind.holds(shown.text, now.text) or (now.unread and not now.text):
        return ""
    if told := kind.differs(shown.text, now.text):
        return told
    if before == value:
        return _told(kind, _NOT_IN_FULL)
    if kind.called:
        return _told(kind, _OTHER_ONE, fact=kind.called, value=value, before=before)
    return _told(kind, _OTHER, value=value, before=before)


def _bare(kind: FactKind, fact: Fact) -> Line:
    return line(kind.said(fact.text) or say("none"))
