"""What a command does, where a look at what it changes is read differently for that."""

from dataclasses import dataclass
from enum import StrEnum, auto

# DBC's own words for what it does to a machine (docs/dbc-api.md §4.1): “restart error”.
VERBS_OF_MACHINES = frozenset(
    {"create", "start", "shutdown", "poweroff", "restart", "reset", "delete"}
)


class Logged(StrEnum):
    """What a node's log calls a command whose end shows nowhere else (docs/dbc-api.md §11.4)."""

    RESTART = "restart"
    RESET = "reset"


class Trace(StrEnum):
    """What shows that a change was made whose answer, with which it is over, got lost."""

    MACHINE = auto()  # what the machine itself is like
    LAN_MADE = auto()
    LAN_GONE = auto()
    SNAPSHOT_GONE = auto()
    IMAGE_GONE = auto()
    POWER = auto()

    @property
    def is_absence(self) -> bool:
        """Whether it is that something is no longer listed, which one list does not prove."""
        return self in {Trace.LAN_GONE, Trace.SNAPSHOT_GONE, Trace.IMAGE_GONE}


class Filing(StrEnum):
    """What becomes of an image file."""

    BROUGHT = auto()  # to a node
    SENT = auto()  # to an image server
    USED = auto()  # a machine is made from it, so the node has it
    DELETED = auto()


@dataclass(frozen=True, slots=True)
class Deed:
    """`verb` is DBC's word, in the state of a machine where it failed: “restart error”.

    A row gives it where its own verb is another one: a `vm pause` that DBC calls a shutdown.
    `makes_machine`: under an id of our own, so that it is there at all proves it. `brings_up`: who
    asked wants to connect once it is done. `stops`: it ends what a watch follows. `only_looks`: it
    changes nothing, and ends well by telling whatever it saw. `is_news`: its end is of interest to
    the whole channel, also a good one. `moves`: its machine runs, is off or is gone afterwards.
    """

    verb: str = ""
    makes_machine: bool = False
    brings_up: bool = False
    stops: bool = False
    only_looks: bool = False
    is_news: bool = False
    moves: bool = False
    logged: Logged | None = None
    trace: Trace | None = None
    filing: Filing | None = None
