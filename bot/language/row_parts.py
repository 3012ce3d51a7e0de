"""What rows are made of: what is foreseen, how something is followed, what is listed."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum, auto

from bot.dbc.models import Phase
from bot.model import Goal, Watch
from bot.reply import Phrase, Text, kept_text, say

UNTOLD = "untold"  # the fact of what could not be found out before sending

Wording = Text | Callable[[Mapping[str, str]], Text]


def said(words: Wording, values: Mapping[str, str]) -> Text:
    """Words that may depend on the typed arguments."""
    return words if isinstance(words, str | Phrase) else words(values)


@dataclass(frozen=True, slots=True)
class Caution:
    """What whoever asks has to know; `in_public` names nothing that others may not see."""

    told: Text
    in_public: Text


@dataclass(frozen=True, slots=True)
class Foreseen:
    """What is found out of a change before it is sent.

    `faults`: what the node would surely refuse of it, or should, by argument. `doubts`: what it
    may refuse. `untold`: what could not be found out, in sentences. `cautions`: what nobody
    refuses, and whoever asks has to know before it is sent.
    """

    faults: Mapping[str, Text] = field(default_factory=dict)
    doubts: tuple[Text, ...] = ()
    untold: tuple[Text, ...] = ()
    cautions: tuple[Caution, ...] = ()

    def also(self, other: "Foreseen") -> "Foreseen":
        """Both together."""
        return Foreseen(
            {**self.faults, **other.faults},
            (*self.doubts, *other.doubts),
            (*self.untold, *other.untold),
            (*self.cautions, *other.cautions),
        )


@dataclass(frozen=True, slots=True)
class Follow:
    """How a change is followed: to what, in which words, for how long at most.

    `doing` and `done` are sentences: `{label} is starting on {node}`; the card fills in the names
    (`cards.under_way`). All may depend on what is known: the typed arguments and what `look` has
    found. Something that moves, such as a transfer,
    is given up `limit` after its last move. `stops` is for what ends something else: it tells
    whether a watch, with what is known, follows that. Such a watch then tells what becomes of both.
    """

    goal: Goal | Callable[[Mapping[str, str]], Goal]
    doing: Wording
    done: Wording
    limit: timedelta = timedelta(minutes=60)
    stops: Callable[[Watch, Mapping[str, str]], bool] | None = None

    def told(self, known: Mapping[str, str]) -> Text:
        """That it goes on, from what is known; and what could not be checked before."""
        doing = said(self.doing, known)
        if untold := known.get(UNTOLD, ""):
            return say("{told} (not checked before: {why})", told=doing, why=kept_text(untold))
        return doing

    def goal_of(self, known: Mapping[str, str]) -> Goal:
        """To what it is followed, from what is known."""
        return self.goal if isinstance(self.goal, Goal) else self.goal(known)


@dataclass(frozen=True, slots=True)
class Moot:
    """A state in which a change of a machine comes to nothing, since its node refuses it.

    `told` is the refusal, of `{machine}` and `{node}`; `offers` are verbs of buttons of machines.
    """

    phase: Phase
    told: Phrase
    offers: tuple[str, ...] = ("show",)


class Listing(StrEnum):
    """What a command lists, or shows one of.

    Who may not read the list of a node is told nothing of what stands in it elsewhere.
    """

    MACHINES = auto()
    NODES = auto()
    IMAGES = auto()
    DISKS = auto()
    SNAPSHOTS = auto()
    NETWORKS = auto()
    ORDERS = auto()
