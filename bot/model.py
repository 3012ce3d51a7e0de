"""The nouns of the bot: who asks, where, what is recorded, what is followed.

Plain frozen values. They know neither Slack's wire format, nor SQL, nor DBC's HTTP.
Ids of people, channels and messages are Slack's; ids of nodes and machines are DBC's.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum, StrEnum
from typing import Any


class Effect(IntEnum):
    """What a command does to the world, mildest first; it decides the review it needs."""

    READ = 0
    CHANGE = 1
    DISRUPT = 2
    DESTROY = 3


class Source(StrEnum):
    """How a line reached the bot; decides who sees the answer (see `Place`)."""

    SLASH = "slash"  # asked privately: reads are answered privately
    MENTION = "mention"  # asked in public: answered in public
    DIRECT = "direct"
    FORM = "form"
    BUTTON = "button"


@dataclass(frozen=True, slots=True)
class Place:
    """Where something was asked and is answered: a channel or direct message, maybe a thread."""

    channel: str
    thread: str = ""


@dataclass(frozen=True, slots=True)
class Invocation:
    """One line that a person sent.

    `key` is the delivery's own id: two deliveries with one key are one invocation.
    """

    key: str
    actor: str
    place: Place
    text: str
    source: Source
    at: datetime


@dataclass(frozen=True, slots=True)
class Press:
    """A click on one of our buttons: `action` says what it means, `value` is an opaque id."""

    key: str
    actor: str
    place: Place
    action: str
    value: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Submission:
    """A form sent in. `form` is the command's id; `values` are the typed texts by field name.

    `values` may hold secrets, so they have no place in `repr`.
    """

    key: str
    actor: str
    place: Place
    form: str
    view: str
    values: Mapping[str, str] = field(repr=False)
    at: datetime


@dataclass(frozen=True, slots=True)
class VmRef:
    """A machine: DBC's task id on a node."""

    node: str
    task: str


class ExecutionStatus(StrEnum):
    """The life of a recorded command. The last six are ends."""

    RECORDED = "recorded"  # on disk, nothing done yet
    WAITING = "waiting"  # for a review
    RUNNING = "running"  # the call to DBC may be on its way
    FOLLOWING = "following"  # accepted by DBC (or unanswered); a watch settles it
    DONE = "done"
    FAILED = "failed"
    UNKNOWN = "unknown"
    REFUSED = "refused"  # not sent: bad input, no right, a wrong moment
    CANCELLED = "cancelled"
    EXPIRED = "expired"

    @property
    def is_end(self) -> bool:
        """Whether nothing more will happen."""
        return self not in {
            ExecutionStatus.RECORDED,
            ExecutionStatus.WAITING,
            ExecutionStatus.RUNNING,
            ExecutionStatus.FOLLOWING,
        }


@dataclass(frozen=True, slots=True)
class Execution:
    """A command that changes something, as the ledger has it.

    `arguments` are the typed texts by parameter name; `secrets` the ones that are encrypted at
    rest and erased at the end. `node`, `task` and `label` are known once the target is resolved;
    `approved_by` once it was approved, `session_of` (whose session was used) once it was.
    `facts` are what was read before it was asked or sent: sizes, names that are in use.
    """

    id: str
    key: str
    actor: str
    place: Place
    source: Source
    command: str
    arguments: Mapping[str, str]
    effect: Effect
    created_at: datetime
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    status: ExecutionStatus = ExecutionStatus.RECORDED
    node: str = ""
    task: str = ""
    label: str = ""
    facts: Mapping[str, str] = field(default_factory=dict)
    outcome: str = ""
    session_of: str = ""
    approved_by: tuple[str, ...] = ()
    started_at: datetime | None = None
    finished_at: datetime | None = None

    @property
    def known(self) -> Mapping[str, str]:
        """Arguments and facts together: what the words of a card are made of."""
        return {**self.arguments, **self.facts}


class ApprovalStatus(StrEnum):
    """The life of a review. All but the first are ends."""

    PENDING = "pending"
    APPROVED = "approved"
    DENIED = "denied"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    VOID = "void"  # what was shown is no longer what would be done


class ReviewKind(StrEnum):
    """What a review is."""

    CONFIRM = "confirm"  # by the requester
    APPROVE = "approve"  # by others, before the run
    AFTERWARDS = "afterwards"  # by someone else, after glass was broken


@dataclass(frozen=True, slots=True)
class Approval:
    """A review of an execution.

    `binding` is a hash of command, arguments and target as the card showed them; `shown` are the
    facts about the target that it showed, by name. Both are compared before the run. `reviewer`
    is the one person who may decide (empty: whoever the policy lets). `needed` approvals or
    `denials` denials end it. `remind_at` is when the next reminder is due.
    """

    id: str
    execution: str
    binding: str
    reviewer: str
    created_at: datetime
    expires_at: datetime
    kind: ReviewKind = ReviewKind.CONFIRM
    shown: Mapping[str, str] = field(default_factory=dict)
    needed: int = 1
    denials: int = 1
    self_approval: bool = False
    type_name: bool = False
    remind_at: datetime | None = None
    reminders: int = 0
    status: ApprovalStatus = ApprovalStatus.PENDING
    decided_by: str = ""
    decided_at: datetime | None = None


class Verdict(StrEnum):
    """What a reviewer says."""

    APPROVE = "approve"
    DENY = "deny"


class VoteState(StrEnum):
    """Whether a click counts: on disk first, looked at then."""

    PENDING = "pending"
    COUNTED = "counted"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Vote:
    """One reviewer's click. `key` is the delivery's own id; `why` says why it does not count."""

    key: str
    approval: str
    user: str
    verdict: Verdict
    at: datetime
    place: Place
    reason: str = ""
    state: VoteState = VoteState.PENDING
    why: str = ""


@dataclass(frozen=True, slots=True)
class Count:
    """What a vote came to. `decided`: this very vote ended the review."""

    approval: Approval
    vote: Vote
    decided: bool


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
    `unsure` says that nobody knows whether the command arrived (it was sent, no answer);
    `moved` that the machine was since seen in the state in between (`restarting`, `creating` …).
    `silent_since` is when the node stopped answering, if it has. `about` says what is followed and
    what a look has to be compared with (image, server, size …). `stopped_by` is who had the thing
    itself stopped, if someone did.
    """

    id: str
    execution: str
    node: str
    task: str
    label: str
    goal: Goal
    owner: str
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
    stopped_by: str = ""
    state: WatchState = WatchState.OPEN


@dataclass(frozen=True, slots=True)
class MessageRef:
    """A posted Slack message."""

    channel: str
    ts: str


@dataclass(frozen=True, slots=True)
class Message:
    """A message kept true: what it should say (`content`, a dumped `Reply`) and what it says.

    `key` names it for ever (`card:<execution>`, `end:<execution>`); `version` counts the wanted
    contents, `delivered` is the version Slack shows (0: not posted yet). `attempts` counts the
    deliveries begun since the last success: above 0 and unposted means that a crash may have
    left it posted without our knowing.
    """

    id: str
    key: str
    place: Place
    content: str
    version: int
    delivered: int
    created_at: datetime
    attempts: int = 0
    ref: MessageRef | None = None


@dataclass(frozen=True, slots=True)
class DbcSession:
    """A person's credentials for one node. The pair is a bearer secret that never expires."""

    user: str
    node: str
    session_id: str = field(repr=False)
    session_id_sign: str = field(repr=False)
    rent_order: str = ""
    added_at: datetime | None = None
    checked_at: datetime | None = None
    problem: str = ""


class Audience(StrEnum):
    """With whom a session can be shared."""

    PERSON = "person"
    CHANNEL = "channel"


@dataclass(frozen=True, slots=True)
class Share:
    """`user` lets `audience`, a person or a channel, use their session for a node unseen."""

    user: str
    node: str
    kind: Audience
    audience: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Machine:
    """A machine as last seen by someone entitled to see it."""

    node: str
    task: str
    owner: str
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
    """

    user: str
    node: str
    session_id: str = field(repr=False)
    wallets: tuple[str, ...]
    rent_order: str
    expires_at: datetime


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

    id: str
    name: str
    version: str
    seen_at: datetime
    nickname: str = ""
    kind: NodeKind = NodeKind.GPU
    desc: str = ""
    uuid: str = ""
    manager: str = ""

    @property
    def label(self) -> str:
        """How people call it: nickname, else its own name, else the id's beginning.

        Bare-metal machines of one manager all announce one name, so their description counts.
        """
        own = self.name if self.kind is NodeKind.GPU else self.desc
        return self.nickname or own or self.id[:8]


class AuditKind(StrEnum):
    """What an entry of the audit records.

    The ledger and the reviews write theirs by themselves, with each change of a row (ENDED has
    the end as `outcome`); sessions, policy and keys are written by those who change them.
    """

    REQUESTED = "requested"
    ASKED = "asked"  # a question was put to reviewers
    APPROVED = "approved"
    DENIED = "denied"
    CLICK_REFUSED = "click_refused"  # who clicked may not, or not any more; or a forged id
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    VOIDED = "voided"  # what was shown is no longer what would be done
    BROKE_GLASS = "broke_glass"
    REVIEWED = "reviewed"  # afterwards, what ran without approval
    STARTED = "started"
    ENDED = "ended"
    SESSION_ADDED = "session_added"
    SESSION_REMOVED = "session_removed"
    SESSION_SHARED = "session_shared"
    SESSION_UNSHARED = "session_unshared"
    SESSION_USED = "session_used"  # somebody else's, that was shared
    POLICY_LOADED = "policy_loaded"
    KEYS_ROTATED = "keys_rotated"


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One thing that happened, for ever. Never holds a secret.

    `actor` is who did it; for a run and its end, who asked for it; empty for the bot itself.
    `outcome` is one word, how it ended; `reason` a sentence, the person's or the bot's.
    `message` is the key of the message it belongs to.
    """

    kind: AuditKind
    at: datetime
    actor: str = ""
    command: str = ""
    arguments: Mapping[str, str] = field(default_factory=dict)
    node: str = ""
    task: str = ""
    label: str = ""
    execution: str = ""
    approval: str = ""
    outcome: str = ""
    reason: str = ""
    place: Place = Place("")
    message: str = ""
    details: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def about(
        cls,
        execution: Execution,
        kind: AuditKind,
        at: datetime,
        *,
        actor: str | None = None,
        approval: str = "",
        outcome: str = "",
        reason: str = "",
        details: Mapping[str, Any] | None = None,
    ) -> "AuditEntry":
        """An entry about a command of the ledger; `actor` is by default who asked for it."""
        return cls(
            kind,
            at,
            actor=execution.actor if actor is None else actor,
            command=execution.command,
            arguments=execution.arguments,
            node=execution.node,
            task=execution.task,
            label=execution.label,
            execution=execution.id,
            approval=approval,
            outcome=outcome,
            reason=reason,
            place=execution.place,
            message=f"card:{execution.id}",
            details=details or {},
        )


@dataclass(frozen=True, slots=True)
class AuditRow:
    """An entry in its place in the chain. `ref` is the message it belongs to, once posted.

    `hash` covers the entry, `seq` and `prev_hash`, which is the hash of the row before.
    """

    seq: int
    entry: AuditEntry
    prev_hash: str
    hash: str
    ref: MessageRef | None = None


@dataclass(frozen=True, slots=True)
class AuditHead:
    """The chain's last row: who knows it can tell whether anything up to it was changed."""

    seq: int
    hash: str


@dataclass(frozen=True, slots=True)
class AuditQuery:
    """Which entries are wanted; what is empty or None does not matter.

    `person`: what they did, and what became of what they asked for. `machine`: a task id, its
    beginning, or a label. `command`: its id or the beginning of one ("vm"). `outcome`: an outcome
    or a kind. `since` is included, `until` is not. `reader_nodes`, when given: only entries about
    these nodes, or of `reader` and what they asked for.
    """

    person: str = ""
    machine: str = ""
    command: str = ""
    outcome: str = ""
    since: datetime | None = None
    until: datetime | None = None
    reader: str = ""
    reader_nodes: frozenset[str] | None = None
