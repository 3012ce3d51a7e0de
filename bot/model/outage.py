"""What is remembered of nodes that keep silent, and of machines as they were left."""

from dataclasses import dataclass
from datetime import datetime

from bot.ids import NodeId, TaskId, UserId

MachineKey = tuple[NodeId, TaskId]  # another node may have a machine of the same id, as a copy

DAEMONS = NodeId("")  # where no node is meant, but whatever leads to all of them


@dataclass(frozen=True, slots=True)
class Silence:
    """A node that does not answer (`DAEMONS`: no daemon does), since it was first missed.

    `episode` names the message that told of it, with others that fell silent then; nothing before.
    """

    node: NodeId
    since: datetime
    episode: str = ""


@dataclass(frozen=True, slots=True)
class Kept:
    """A machine as it is known to have been left, by the bot or by whoever people were told of.

    `status` held when it was seen at `seen_at`, after the bot's last change of it. `suspect` is
    another one that a single look has shown. `before` is what it was before a change that
    `episode` told; `turns` are the moments, in seconds, at which it was told lately that it is
    back, or otherwise again. `size` is what it was made of at `size_at`, and `port` is "shut"
    once its SSH port was told to be dead.
    """

    node: NodeId
    task: TaskId
    owner: UserId
    label: str
    status: str
    seen_at: datetime
    suspect: str = ""
    suspect_at: datetime | None = None
    before: str = ""
    episode: str = ""
    size: str = ""
    size_at: datetime | None = None
    port: str = ""
    port_episode: str = ""
    turns: str = ""

    @property
    def identity(self) -> MachineKey:
        """Its node and its id."""
        return self.node, self.task


@dataclass(frozen=True, slots=True)
class OwnChange:
    """A change of a machine that the bot has sent; `ended_at` is None while it is in progress."""

    node: NodeId
    task: TaskId
    command: str
    ended_at: datetime | None
    is_unknown: bool
    is_done: bool

    @property
    def identity(self) -> MachineKey:
        """The machine that it has changed."""
        return self.node, self.task
