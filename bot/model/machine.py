"""DBC's side as people see it: sessions, machines, nodes."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from bot.ids import NodeId, Reader, TaskId, UserId


@dataclass(frozen=True, slots=True)
class DbcSession:
    """A person's credentials for one node. The pair is a bearer secret that never expires.

    `is_locked`: no key opens what is stored, so that the pair is not known.
    """

    user: UserId
    node: NodeId
    session_id: str = field(repr=False)
    session_id_sign: str = field(repr=False)
    rent_order: str = ""
    added_at: datetime | None = None
    checked_at: datetime | None = None
    problem: str = ""
    is_locked: bool = False


class Audience(StrEnum):
    """With whom a session can be shared."""

    PERSON = "person"
    CHANNEL = "channel"


class Nicknamed(StrEnum):
    """What people can give a nickname."""

    MACHINE = "vm"
    NODE = "node"


class Scope(StrEnum):
    """For whom something is chosen: a person, wherever they are, or all in a channel."""

    PERSON = "person"
    CHANNEL = "channel"


class Sighted(StrEnum):
    """What the bot remembers to have seen on nodes, machines and image servers."""

    IMAGE = "image"
    SERVER = "server"
    DISK = "disk"
    SNAPSHOT = "snapshot"
    NETWORK = "network"


@dataclass(frozen=True, slots=True)
class Share:
    """`user` lets `audience`, a person or a channel, use their session for a node unseen.

    Without `ends_at`, until they take it back.
    """

    user: UserId
    node: NodeId
    kind: Audience
    audience: Reader
    created_at: datetime
    ends_at: datetime | None = None

    def is_over(self, now: datetime) -> bool:
        """Whether it authorizes nothing any more."""
        return self.ends_at is not None and self.ends_at <= now


@dataclass(frozen=True, slots=True)
class Machine:
    """A machine as last seen by someone entitled to see it."""

    node: NodeId
    task: TaskId
    owner: UserId
    desc: str
    status: str
    created: str  # local time of the node, without zone, as DBC prints it
    seen_at: datetime
    nickname: str = ""

    @property
    def label(self) -> str:
        """How people call it: nickname, else description, else the id's beginning."""
        return self.nickname or self.desc or self.task[:8]


@dataclass(frozen=True, slots=True)
class Sighting:
    """Something that is neither node nor machine, as last seen: an image, a disk, a snapshot …

    `place` is where it is: the id of a node, an image server or a machine. `detail` is more to
    show of it, such as its size.
    """

    name: str
    place: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class SessionRequest:
    """A session id that a node gave to a renter and that waits for its signature.

    `wallets` are those of which one has to sign: the renter's, or the members of a multisig.
    `is_locked`: no key opens what is stored, so that none of it is known.
    """

    user: UserId
    node: NodeId
    session_id: str = field(repr=False)
    wallets: tuple[str, ...]
    rent_order: str
    expires_at: datetime
    is_locked: bool = False


class NodeKind(StrEnum):
    """What answers to a node id."""

    GPU = "gpu"
    METAL = "metal"  # one bare-metal machine
    MANAGER = "manager"  # represents bare-metal machines; announced by nobody


@dataclass(frozen=True, slots=True)
class Node:
    """What has a node id, as last announced by a daemon, with the name people gave it.

    `desc`, `uuid` and `manager` (a node id) are known of bare-metal machines, once their manager
    was asked.
    """

    id: NodeId
    name: str
    version: str
    seen_at: datetime
    nickname: str = ""
    kind: NodeKind = NodeKind.GPU
    desc: str = ""
    uuid: str = ""
    manager: NodeId = NodeId("")

    @property
    def label(self) -> str:
        """How people call it: nickname, else its own name, else the id's beginning.

        Bare-metal machines of one manager all announce one name, so their description counts.
        """
        own = self.name if self.kind is NodeKind.GPU else self.desc
        return self.nickname or own or self.id[:8]
