"""The nouns of the bot: who asks, where, what is recorded, what is followed.

Plain frozen values. They know neither Slack's wire format, nor SQL, nor DBC's HTTP.
Ids of people, channels and messages are Slack's; ids of nodes and machines are DBC's.
"""

from bot.model.access import AccessRequest, AccessState
from bot.model.asked import (
    Effect,
    Invocation,
    Place,
    Press,
    Source,
    Submission,
    TakesGpus,
)
from bot.model.audit import AuditEntry, AuditHead, AuditKind, AuditQuery, AuditRow
from bot.model.deed import VERBS_OF_MACHINES, Deed, Filing, Logged, Trace
from bot.model.freeze import Freeze
from bot.model.lease import Leased
from bot.model.ledger import LOCKED_SECRETS, Execution, ExecutionStatus, Meant
from bot.model.machine import (
    Audience,
    DbcSession,
    Machine,
    Nicknamed,
    Node,
    NodeKind,
    Scope,
    SessionRequest,
    Share,
    Sighted,
    Sighting,
)
from bot.model.message import SURPRISE, Message, MessageRef
from bot.model.money import Basis, BlockTime, Payment, Use
from bot.model.noted import MOMENTS, Noted
from bot.model.notifications import USUAL_HOUR, DigestHour, Notify, QuietHours, clock_time
from bot.model.order import OrderPhase, RentalOrder
from bot.model.outage import DAEMONS, Kept, MachineKey, OwnChange, Silence
from bot.model.review import (
    CLICK_WAITS,
    Approval,
    ApprovalStatus,
    Count,
    Fact,
    Joined,
    ReviewKind,
    Terms,
    Uncounted,
    Verdict,
    Vote,
    VoteState,
)
from bot.model.watch import MACHINE_GOALS, Goal, Watch, WatchState

__all__ = [
    "CLICK_WAITS",
    "DAEMONS",
    "LOCKED_SECRETS",
    "MACHINE_GOALS",
    "MOMENTS",
    "SURPRISE",
    "USUAL_HOUR",
    "VERBS_OF_MACHINES",
    "AccessRequest",
    "AccessState",
    "Approval",
    "ApprovalStatus",
    "Audience",
    "AuditEntry",
    "AuditHead",
    "AuditKind",
    "AuditQuery",
    "AuditRow",
    "Basis",
    "BlockTime",
    "Count",
    "DbcSession",
    "Deed",
    "DigestHour",
    "Effect",
    "Execution",
    "ExecutionStatus",
    "Fact",
    "Filing",
    "Freeze",
    "Goal",
    "Invocation",
    "Joined",
    "Kept",
    "Leased",
    "Logged",
    "Machine",
    "MachineKey",
    "Meant",
    "Message",
    "MessageRef",
    "Nicknamed",
    "Node",
    "NodeKind",
    "Noted",
    "Notify",
    "OrderPhase",
    "OwnChange",
    "Payment",
    "Place",
    "Press",
    "QuietHours",
    "RentalOrder",
    "ReviewKind",
    "Scope",
    "SessionRequest",
    "Share",
    "Sighted",
    "Sighting",
    "Silence",
    "Source",
    "Submission",
    "TakesGpus",
    "Terms",
    "Trace",
    "Uncounted",
    "Use",
    "Verdict",
    "Vote",
    "VoteState",
    "Watch",
    "WatchState",
    "clock_time",
]
