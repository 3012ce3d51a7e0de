"""What is followed, to which end."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from bot.ids import ExecutionId, NodeId, TaskId, UserId
from bot.model.asked import Place
from bot.model.noted import Noted


class Goal(StrEnum):
    """What something is followed to. The first four are about machines."""

    RUNNING = "running"
    CLOSED = "closed"
    GONE = "gone"
    SETTLED = "settled"  # whatever it is changing into
    DOWNLOADED = "downloaded"
    UPLOADED = "uploaded"
    SNAPSHOT = "on the image server"
    DISK_ADDED = "added"
    DISK_GROWN = "grown"
    DISK_DELETED = "deleted"
    CHANGED = "changed"  # what was over with its answer, had there been one


# What a machine itself is followed to; the rest is about its disks, snapshots and files.
MACHINE_GOALS = frozenset({Goal.RUNNING, Goal.CLOSED, Goal.GONE, Goal.SETTLED})


class WatchState(StrEnum):
    """Whether a watch still polls, and how it ended."""

    OPEN = "open"
    DONE = "done"
    FAILED = "failed"
    UNKNOWN = "unknown"
    STOPPED = "stopped"  # it is followed no longer
    CANCELLED = "cancelled"  # what was followed has been stopped by someone


@dataclass(frozen=True, slots=True)
class Watch:
    """One thing followed to one end: a machine, a transfer, a snapshot, a disk.

    `owner` is the person whose session asks the node. `status` is what was last seen there.
    `unsure` says that nobody knows whether the command was carried out (it got no clear answer);
    `moved` that the machine was since seen in the state in between (`restarting`, `creating` …).
    `silent_since` is when the node stopped answering, if it has. `about` says by name what is
    followed and what a look has to be compared with (`Noted`). `stopped_by` is who had the thing
    itself stopped, if someone did. `is_unreadable`: its record is damaged, or of a kind that this
    version does not know.
    """

    id: str
    execution: ExecutionId
    node: NodeId
    task: TaskId
    label: str
    goal: Goal
    owner: UserId
    place: Place
    started_at: datetime
    deadline_at: datetime
    next_poll_at: datetime
    polls: int = 0
    status: str = ""
    unsure: bool = False
    moved: bool = False
    silent_since: datetime | None = None
    about: Mapping[str, str] = field(default_factory=dict)
    stopped_by: UserId = UserId("")
    state: WatchState = WatchState.OPEN
    is_unreadable: bool = False

    @property
    def command(self) -> str:
        """The command that is followed, by its id; nothing in a watch of a former version."""
        return self.about.get(Noted.COMMAND, "")
