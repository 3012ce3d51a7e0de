"""What the audit keeps and how it is asked."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from bot.ids import ApprovalId, ChannelId, ExecutionId, NodeId, TaskId, UserId
from bot.model.asked import Place
from bot.model.ledger import Execution
from bot.model.message import MessageRef


class AuditKind(StrEnum):
    """What an entry of the audit records.

    The ledger and the reviews write theirs by themselves, with each change of a row (ENDED has
    the end as `outcome`); sessions, policy and keys are written by those who change them.
    """

    REQUESTED = "requested"
    ASKED = "asked"  # a question was put to reviewers
    SHOWN_ANEW = "shown_anew"  # what its card says of a rental, while it waits
    APPROVED = "approved"
    DENIED = "denied"
    CLICK_REFUSED = "click_refused"  # by who may not, a forged id, or another name was typed
    VOTE_FELL = "vote_fell"  # whoever made it has lost the right since
    VOTE_WITHDRAWN = "vote_withdrawn"
    JOINED = "joined"  # somebody requested the same, which has no card of its own
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
    ACCESS_REQUESTED = "access_requested"  # of those who hold a session
    ACCESS_DECLINED = "access_declined"  # by one of them
    ACCESS_EXPIRED = "access_expired"  # nobody answered
    SESSION_USED = "session_used"  # somebody else's, that was shared
    READ_DENIED = "read_denied"  # by the rules; what only reads has no other row
    POLICY_LOADED = "policy_loaded"
    POLICY_FAULTY = "policy_faulty"  # a reload that was refused: the rules before stay in force
    KEYS_ROTATED = "keys_rotated"
    FROZEN = "frozen"  # all changes of machines are stopped
    UNFROZEN = "unfrozen"
    FORGOTTEN = "forgotten"  # a person's own rows were erased
    RESTORED = "restored"  # the database is that of a backup


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One thing that happened, for ever. Never holds a secret.

    `actor` is who did it; for a run and its end, its requester; empty for the bot itself.
    `outcome` is one word, how it ended; `reason` a sentence, the person's or the bot's.
    `message` is the key of the message it belongs to. `kind` is a word that this version does not
    know where a newer one has written the row.
    """

    kind: AuditKind | str
    at: datetime
    actor: UserId = UserId("")
    command: str = ""
    arguments: Mapping[str, str] = field(default_factory=dict)
    node: NodeId = NodeId("")
    task: TaskId = TaskId("")
    label: str = ""
    execution: ExecutionId = ExecutionId("")
    approval: ApprovalId = ApprovalId("")
    outcome: str = ""
    reason: str = ""
    place: Place = Place(ChannelId(""))  # noqa: RUF009 - frozen, so one for all is fine
    message: str = ""
    details: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def about(
        cls,
        execution: Execution,
        kind: AuditKind,
        at: datetime,
        *,
        actor: UserId | None = None,
        approval: ApprovalId = ApprovalId(""),
        outcome: str = "",
        reason: str = "",
        details: Mapping[str, Any] | None = None,
    ) -> "AuditEntry":
        """An entry about a command of the ledger; `actor` is by default its requester."""
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

    `hash` covers the entry, `seq` and `prev_hash`, which is the hash of the row before. `node`,
    `task` and `label` are what it is about: what the entry says or, where that was not known yet
    (`requested` comes before the names are looked up), what the ledger has learnt since.
    """

    seq: int
    entry: AuditEntry
    prev_hash: str
    hash: str
    ref: MessageRef | None = None
    node: NodeId = NodeId("")
    task: TaskId = TaskId("")
    label: str = ""


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
    these nodes, or of `reader` and what they asked for. Nothing about `hidden_nodes`.
    `names`: one of these task ids and labels. `commands`: one of these ids.
    """

    person: UserId = UserId("")
    machine: str = ""
    command: str = ""
    outcome: str = ""
    since: datetime | None = None
    until: datetime | None = None
    reader: UserId = UserId("")
    reader_nodes: frozenset[str] | None = None
    hidden_nodes: frozenset[str] = frozenset()
    names: frozenset[str] = frozenset()
    commands: frozenset[str] = frozenset()
