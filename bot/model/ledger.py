"""A recorded command and its life."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from bot.ids import ExecutionId, NodeId, TaskId, UserId
from bot.model.asked import Effect, Place, Source
from bot.reply import Words


class ExecutionStatus(StrEnum):
    """The life of a recorded command. The last eight are ends."""

    RECORDED = "recorded"  # on disk, nothing done yet
    WAITING = "waiting"  # for a review
    RUNNING = "running"  # the call to DBC may be on its way
    FOLLOWING = "following"  # accepted by DBC (or unanswered); a watch settles it
    DONE = "done"
    FAILED = "failed"
    UNKNOWN = "unknown"
    REFUSED = "refused"  # not sent: bad input, no right, a wrong moment
    DENIED = "denied"  # by those who were asked
    CANCELLED = "cancelled"  # by whoever asked for it
    EXPIRED = "expired"  # nobody decided in time
    VOIDED = "voided"  # what was shown is no longer what would be done

    @property
    def is_end(self) -> bool:
        """Whether nothing more will happen."""
        return self not in {
            ExecutionStatus.RECORDED,
            ExecutionStatus.WAITING,
            ExecutionStatus.RUNNING,
            ExecutionStatus.FOLLOWING,
        }


LOCKED_SECRETS = "secrets"


@dataclass(frozen=True, slots=True)
class Meant:
    """What one name meant, as far as was known here, when a request was acknowledged.

    `id` is of a machine or node; empty where there was none. `is_sure`: nothing that DBC knows
    could be meant instead; without an `id`, that it meant no single one.
    """

    id: str = ""
    is_sure: bool = False


@dataclass(frozen=True, slots=True)
class Execution:
    """A command that changes something, as the ledger has it.

    `arguments` are the typed texts by parameter name; `secrets` the ones that are encrypted at
    rest and erased at the end. `node`, `task` and `label` are known once the target is resolved;
    `approved_by` once it was approved, `session_of` (whose session was used) once it was.
    `facts` are what was read before it was asked or sent: sizes, names that are in use.
    `behind` are the changes of the same machine that it has to wait for, or had to.
    `meant` is what its names meant by parameter, also those that were left out; of an older record
    nothing is known.
    `put_back` is the status that it had where a restored backup held it open.
    `unreadable` names what of its record cannot be read (LOCKED_SECRETS: no key opens these); it
    must not be carried out then.
    """

    id: ExecutionId
    key: str
    actor: UserId
    place: Place
    source: Source
    command: str
    arguments: Mapping[str, str]
    effect: Effect
    created_at: datetime
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    status: ExecutionStatus = ExecutionStatus.RECORDED
    node: NodeId = NodeId("")
    task: TaskId = TaskId("")
    label: str = ""
    facts: Mapping[str, str] = field(default_factory=dict)
    outcome: Words = ""
    session_of: UserId = UserId("")
    approved_by: tuple[UserId, ...] = ()
    started_at: datetime | None = None
    finished_at: datetime | None = None
    behind: tuple[str, ...] = ()
    meant: Mapping[str, Meant] = field(default_factory=dict)
    put_back: str = ""
    unreadable: str = ""

    @property
    def known(self) -> Mapping[str, str]:
        """Arguments and facts together: what the words of a card are made of."""
        return {**self.arguments, **self.facts}
