"""What a review shows of its target: how each fact reads, and what is no longer as it was shown.

Facts have stable keys; their labels and the way they are compared belong to the row. Pure.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import eq

from bot.dbc.models import rest_of, state_of
from bot.messages.parts import other_disks, other_snapshots, said_parts
from bot.model import Fact
from bot.reply import Line, Text, Words, bold, code, emoji, line, mention, plain, time

STATE, DISKS, SNAPSHOTS = "state", "disks", "snapshots"  # of a machine; any row may read them
# Who machine and node are, whatever they are called here, and with whose session it is sent.
DESCRIPTION, RENAMED, NODE, NODE_RENAMED = "description", "renamed", "node", "node_renamed"
SESSION = "session"
ALIKE = "alike"  # like requests whose end nobody knows: one a line, see `bot.pipeline.twins`
_SHORT = 12  # characters of a node's id
_NOT_ASKED = Fact(unread="This version does not read it.")  # a former version showed it
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
    differs: Callable[[str, str], Text] = lambda _shown, _now: ""


Kinds = Mapping[str, FactKind]


def _said_state(status: str) -> str:
    """`restarting → running`: a state that passes is shown with the one that it leads to."""
    now, then = state_of(status), state_of(rest_of(status))
    return now if now == then else f"{now} → {then}"


def _leads_to_the_same(shown: str, now: str) -> bool:
    """A passing state is over when the decision falls, so what counts is where it leads."""
    return state_of(rest_of(shown)) == state_of(rest_of(now))


def said_node(text: str) -> Words:
    """A node's id, behind which its name stands: `gpu1 · b1a9e7…`."""
    identifier, _, own = text.partition(" ")
    return line(f"{own} · " if own else "", code(identifier[:_SHORT]))


def _said_renamed(text: str) -> Words:
    by, since, name = text.split(" ", 2)
    who = line(", given by ", mention(by)) if by != "-" else ()
    return line(
        emoji("warning"), " ", bold(name), " since ", time(datetime.fromisoformat(since)), who
    )


def _said_session(text: str) -> Words:
    user, _, rent_order = text.partition(" ")
    return line("of ", mention(user), f", rent order {rent_order}" if rent_order else "")


IDENTITY: Kinds = {
    DESCRIPTION: FactKind("Description", is_compared=False),
    RENAMED: FactKind("Nickname", said=_said_renamed, is_compared=False),
    NODE: FactKind("Node", said=said_node, is_compared=False),
    NODE_RENAMED: FactKind("Node's nickname", said=_said_renamed, is_compared=False),
    SESSION: FactKind("Session", said=_said_session, called="the session"),
}
OF_MACHINES: Kinds = {
    STATE: FactKind("Present state", said=_said_state, holds=_leads_to_the_same),
    DISKS: FactKind("Disks", plural=True, said=said_parts, differs=other_disks),
    SNAPSHOTS: FactKind("Snapshots", plural=True, said=said_parts, differs=other_snapshots),
    ALIKE: FactKind("Same request", holds=lambda _shown, _now: True),
    **IDENTITY,
}


def unread(key: str) -> str:
    """Where a command's `look` says why it could not read the fact of that key."""
    return f"{key}{_UNREAD}"


def found_by_look(kinds: Kinds, facts: Mapping[str, str]) -> dict[str, Fact]:
    """Those of a command's facts that its row shows."""
    return {
        key: Fact(facts.get(key, ""), unread=facts.get(unread(key), ""))
        for key in kinds
        if key in facts or unread(key) in facts
    }


def said(kinds: Kinds, key: str, fact: Fact) -> tuple[Text, Line]:
    """A fact's label and what the card says of it."""
    kind = kinds.get(key, FactKind(key))
    text = kind.said(fact.text)
    if not fact.unread:
        return kind.label, line(text or "none")
    seen = line(" Last seen: ", text, ".") if fact.text else ()
    return kind.label, line("could not be read. ", fact.unread, seen)


def differences(kinds: Kinds, shown: Mapping[str, Fact], now: Mapping[str, Fact]) -> list[str]:
    """What is no longer as it was shown, in words. Nobody has approved what was not shown.

    What could not be read either time is as it was shown. What was shown as last seen has to hold
    once it can be read.
    """
    found: list[str] = []
    unreadable: dict[str, list[str]] = defaultdict(list)
    for key in [*shown, *(key for key in now if key not in shown)]:
        kind, then, present = (
            kinds.get(key, FactKind(key)),
            shown.get(key),
            now.get(key, _NOT_ASKED),
        )
        if not kind.is_compared:
            continue
        if then is None:
            found.append(f"{kind.label} {'were' if kind.plural else 'was'} not shown")
        elif present.unread and not then.unread:
            unreadable[present.unread].append(str(kind.label))
        elif told := _difference(kind, then, present):
            found.append(told)
    for why, labels in unreadable.items():
        found.append(f"{_and(labels)} cannot be read now ({why.rstrip('.')})")
    return found


def _difference(kind: FactKind, shown: Fact, now: Fact) -> str:
    is_now = f"{'are' if kind.plural else 'is'} now “{_bare(kind, now)}”"
    if shown.unread and not shown.text:
        return "" if now.unread else f"{kind.label} could not be read and {is_now}"
    if kind.holds(shown.text, now.text) or (now.unread and not now.text):
        return ""
    if told := kind.differs(shown.text, now.text):
        return str(told)
    verb = "were" if kind.plural else "was"
    if _bare(kind, shown) == _bare(kind, now):
        return f"{kind.label} {verb} not shown in full"
    if kind.called:
        now_is = "are" if kind.plural else "is"
        return f"{kind.called} {now_is} now {_bare(kind, now)}, not {_bare(kind, shown)}"
    return f"{kind.label} {verb} “{_bare(kind, shown)}” and {is_now}"


def _and(labels: Sequence[str]) -> str:
    return " and ".join(filter(None, (", ".join(labels[:-1]), labels[-1])))


def _bare(kind: FactKind, fact: Fact) -> str:
    return plain(line(kind.said(fact.text))) or "none"
